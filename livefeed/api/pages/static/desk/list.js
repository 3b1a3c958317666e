// The desk's list: all items, including those that readers do not see yet, or no longer.

import { make } from "../dom.js";
import { titleOf } from "../entry.js";

/** @import { DeskItem, Items } from "./items.js" */
/** @import { Presence } from "./presence.js" */
/** @import { Words } from "../words.js" */

const PATIENCE = 250; // ms after the last letter of a search

const find = (root, selector) => /** @type {any} */ (root.querySelector(selector));

export class List extends EventTarget {
  kind = "all";
  current = "";
  /** @type {DeskItem[]?} */ #found = null;
  /** @type {Map<string, {version: string, element: HTMLElement}>} */ #drawn = new Map();
  #timer = 0;
  #frame = 0;
  #asked = 0;

  /** @param {{root: HTMLElement, items: Items, presence: Presence, words: Words, now: () => number}} rooms */
  constructor({ root, items, presence, words, now }) {
    super();
    this.root = root;
    this.items = items;
    this.presence = presence;
    this.words = words;
    this.now = now;
    for (const source of [items, presence]) source.addEventListener("change", () => this.show());
    find(root, ".kinds").addEventListener("click", ({ target }) => this.#choose(target.closest("button")));
    find(root, ".older button").addEventListener("click", () => items.more());
    find(root, ".find").addEventListener("input", ({ target }) => this.#search(target.value.trim()));
    for (const list of [find(root, ".items"), find(root, ".pins ol")]) list.addEventListener("click", (event) => this.#press(event));
    setInterval(() => this.show(), 15_000); // ages
  }

  #choose(button) {
    if (!button) return;
    this.kind = button.dataset.kind;
    for (const other of find(this.root, ".kinds").children) other.setAttribute("aria-pressed", String(other === button));
    this.show();
  }

  #search(text) {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    this.#timer = setTimeout(async () => {
      const found = text ? await this.items.search(text).catch(() => []) : null;
      if (asked !== this.#asked) return; // an older question, answered late
      this.#found = found;
      this.show();
    }, PATIENCE);
  }

  #press({ target }) {
    const button = target.closest("button");
    if (!button) return;
    const { id, move } = button.dataset;
    this.dispatchEvent(new CustomEvent(move ? "move" : "open", { detail: { id, by: Number(move) } }));
  }

  /** Marks *id* as what is open. */
  mark(id) {
    this.current = id;
    this.show();
  }

  /** Draws once for all that changes in one picture. */
  show() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const all = this.items.list();
    // Search results are shown in their current version.
    const shown = (this.#found?.map((item) => this.items.get(item.id) ?? item) ?? all).filter(({ state }) => this.kind === "all" || state === this.kind);
    for (const button of find(this.root, ".kinds").children) this.#count(button, all);
    this.#pins(this.items.pinned());
    this.#fill(find(this.root, ".items"), shown);
    find(this.root, ".none").hidden = shown.length > 0;
    find(this.root, ".older").hidden = !this.items.next || this.#found !== null;
  }

  #count(button, all) {
    const { kind } = button.dataset;
    const count = kind === "all" ? all.length : all.filter(({ state }) => state === kind).length;
    const more = this.items.next && (kind === "all" || kind === "usable") ? "+" : ""; // there are older ones than were read
    button.querySelector(".count").textContent = count ? `${count}${more}` : "";
  }

  /** Puts the rows into place; those that did not change are not touched, so that the keyboard stays where it is. */
  #fill(list, items) {
    const rows = items.map((item) => this.#row(item));
    for (const child of [...list.children]) if (!rows.includes(child)) child.remove();
    rows.forEach((row, i) => list.children[i] === row || list.insertBefore(row, list.children[i] ?? null));
    const kept = new Set(items.map(({ id }) => id));
    for (const id of this.#drawn.keys()) if (!kept.has(id) && !this.items.get(id)) this.#drawn.delete(id);
  }

  #row(item) {
    const others = this.presence.at(item.id);
    const stamp = JSON.stringify([item.version, item.state, item.edNote, Boolean(item.held), this.current === item.id, others, this.#age(item)]);
    const drawn = this.#drawn.get(item.id);
    if (drawn?.version === stamp) return drawn.element;
    const element = drawn?.element ?? make("li");
    const focused = element.contains(document.activeElement);
    element.dataset.state = item.state;
    element.replaceChildren(this.#button(item, others));
    if (focused) /** @type {any} */ (element.firstChild).focus({ preventScroll: true });
    this.#drawn.set(item.id, { version: stamp, element });
    return element;
  }

  #button(item, others) {
    const { words } = this;
    const gone = item.pubStatus !== "usable";
    const why = item.reason || words.text(`desk.gone.${item.state === "canceled" ? "canceled" : "withheld"}`);
    const title = !gone ? titleOf(item) : item.held ? titleOf(item.held) : why;
    const flags = ["pinned", "keyEvent", "highlight"].filter((name) => item[name]).map((name) => make("span.flag", {}, words.text(`desk.flag.${name}`)));
    const facts = [
      make("span.kind", {}, words.text(`desk.state.${item.state}`)),
      make("time", { datetime: item.contentCreated }, this.#age(item)),
      (item.urgency ?? 5) <= 2 && make("span.flag.urgent", {}, words.text("feed.breaking")),
      item.correction && make("span.flag", {}, words.text("item.correction")),
      ...flags,
      item.version > 1 && make("span.version", {}, words.text("desk.version", { n: item.version })),
      others.length > 0 && make("span.editing", {}, words.text("desk.editing", { names: namesOf(others) })),
    ];
    const current = this.current === item.id ? "true" : null;
    return make(
      "button",
      { type: "button", "data-id": item.id, "aria-current": current },
      make("span.facts", {}, ...facts),
      make("span.title", { dir: "auto", lang: item.language }, title),
      gone && item.held && make("span.reason", { dir: "auto" }, why),
    );
  }

  #age(item) {
    if (item.state === "scheduled") return this.words.stamp(item.embargoedUntil);
    return this.words.age(item.contentCreated, this.now()) || this.words.stamp(item.contentCreated);
  }

  #pins(pins) {
    const section = find(this.root, ".pins");
    section.hidden = pins.length === 0;
    const stamp = JSON.stringify(pins.map(({ id, version }) => [id, version]));
    if (section.dataset.stamp === stamp) return;
    section.dataset.stamp = stamp;
    const arrow = (item, move, sign, key, disabled) =>
      make("button.move", { type: "button", "data-id": item.id, "data-move": move, disabled, title: this.words.text(key), "aria-label": `${this.words.text(key)}: ${titleOf(item)}` }, sign);
    const rows = pins.map((item, i) =>
      make(
        "li",
        {},
        make("button.pin", { type: "button", "data-id": item.id, dir: "auto" }, titleOf(item)),
        arrow(item, -1, "▲", "desk.pin.up", i === 0),
        arrow(item, 1, "▼", "desk.pin.down", i === pins.length - 1),
      ),
    );
    const { id, move } = /** @type {any} */ (section.contains(document.activeElement) ? document.activeElement : document.body).dataset;
    find(section, "ol").replaceChildren(...rows);
    if (id) (find(section, `[data-id="${id}"][data-move="${move}"]:enabled`) ?? find(section, `[data-id="${id}"]`))?.focus();
  }
}

/** "Ada, Ben" */
export const namesOf = (others) => [...new Set(others.map(({ name, subject }) => name || subject || "?"))].join(", ");
