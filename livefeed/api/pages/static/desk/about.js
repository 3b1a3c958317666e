// The notes around the form: which item is open, who else has it open, and the preview.

import { make } from "../dom.js";
import { draw } from "../entry.js";
import { isBlank } from "./fields.js";
import { namesOf } from "./list.js";

/** @import { Composer } from "./composer.js" */
/** @import { Deeds } from "./deeds.js" */
/** @import { Presence } from "./presence.js" */
/** @import { Words } from "../words.js" */

const find = (root, selector) => /** @type {any} */ (root.querySelector(selector));

export class About {
  #frame = 0;

  /** @param {{root: HTMLElement, composer: Composer, deeds: Deeds, presence: Presence, words: Words, page: string, now: () => number}} rooms */
  constructor({ root, composer, deeds, presence, words, page, now }) {
    this.root = root;
    this.composer = composer;
    this.deeds = deeds;
    this.presence = presence;
    this.words = words;
    this.style = { words, page, now };
    composer.addEventListener("open", () => this.show());
    composer.addEventListener("joined", () => this.#showFacts());
    for (const event of ["change", "newer", "armed", "joined"]) composer.addEventListener(event, () => this.#showState());
    presence.addEventListener("change", () => this.#showOthers());
    find(root, ".changed .compare").addEventListener("click", () => composer.merge());
    find(root, ".restored .forget").addEventListener("click", () => composer.discard());
  }

  show() {
    const { base } = this.composer;
    const { words } = this;
    find(this.root, "#composer-title").textContent = words.text(base ? "desk.editing.title" : "desk.new.title");
    this.#showFacts();
    find(this.root, ".correcting").hidden = base?.state !== "usable";
    find(this.root, ".flags").hidden = base?.state === "usable"; // there they are deeds, which take effect at once
    find(this.root, ".timing .embargo").hidden = base?.state === "usable";
    find(this.root, ".save").hidden = Boolean(base && base.state !== "draft");
    find(this.root, "form button.publish").textContent = words.text(this.#verb(base));
    for (const control of find(this.root, ".composer form").elements) control.disabled = base?.state === "canceled";
    find(this.root, "#f-body").contentEditable = String(base?.state !== "canceled");
    find(this.root, ".restored").hidden = true;
    find(this.root, ".problems").hidden = true;
    this.#showOthers();
    this.#showState();
  }

  #showFacts() {
    const { base } = this.composer;
    const { words } = this;
    const places = base && { state: words.text(`desk.state.${base.state}`), version: base.version, time: words.stamp(base.versionCreated) };
    const reason = base?.reason ? ` · ${base.reason}` : "";
    find(this.root, ".about .facts").textContent = places ? words.text("desk.facts", places) + reason : "";
    this.deeds.draw(find(this.root, ".deeds"), base);
  }

  #verb(base) {
    if (!this.composer.mayPublish) return "desk.submit";
    if (!base) return "desk.publish";
    return { draft: "desk.publish", withheld: "desk.release" }[base.state] ?? "desk.save";
  }

  /** Says that a text was found that had been left behind. @param {number} at */
  restored(at) {
    find(this.root, ".restored").hidden = false;
    find(this.root, ".restored span").textContent = this.words.text("desk.restored", { time: this.words.stamp(at) });
  }

  #showOthers() {
    const others = this.presence.at(this.composer.base?.id);
    const place = find(this.root, ".with");
    place.hidden = others.length === 0;
    place.textContent = others.length ? this.words.text("desk.with", { names: namesOf(others) }) : "";
  }

  #showState() {
    const { newer, armed } = this.composer;
    find(this.root, ".changed").hidden = !newer;
    find(this.root, ".changed span").textContent = newer ? this.words.text("desk.changed", { version: newer.version }) : "";
    find(this.root, ".armed").hidden = !armed;
    find(this.root, ".break").setAttribute("aria-pressed", String(armed));
    this.root.classList.toggle("is-armed", armed);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#preview());
  }

  /** What readers would see, drawn by what draws it for them. */
  #preview() {
    const { values } = this.composer.form;
    if (isBlank(values)) {
      find(this.root, ".preview").replaceChildren(make("li.empty", {}, this.words.text("desk.preview.empty")));
      return;
    }
    const at = this.composer.base?.contentCreated ?? new Date(this.style.now()).toISOString();
    const item = { ...values, id: "preview", uri: "", version: 1, pubStatus: "usable", contentCreated: at, urgency: this.composer.armed ? 1 : values.urgency };
    const entry = draw(/** @type {any} */ (item), this.style);
    for (const link of entry.querySelectorAll(".permalink, h3 a, .whole a, .tag")) link.removeAttribute("href");
    for (const control of entry.querySelectorAll(".share, .edit")) control.remove();
    find(this.root, ".preview").replaceChildren(entry);
  }
}
