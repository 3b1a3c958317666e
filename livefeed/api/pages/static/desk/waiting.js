// The list of what has not been sent yet, and why; shown while it is not empty.

import { make } from "../dom.js";
import { ask, compare } from "./dialogs.js";
import { blank, difference, threeWay, valuesOf } from "./fields.js";
import { bodyForForm } from "./form.js";

/** @import { Composer } from "./composer.js" */
/** @import { Entry, Outbox } from "./outbox.js" */
/** @import { Words } from "../words.js" */

const find = (root, selector) => /** @type {any} */ (root.querySelector(selector));

export class Waiting {
  #asking = false;
  #countdown = 0;

  /** @param {{root: HTMLElement, outbox: Outbox, composer: Composer, words: Words, session: string}} rooms */
  constructor({ root, outbox, composer, words, session }) {
    this.section = find(root, ".outbox");
    this.undo = find(root, ".undo");
    this.outbox = outbox;
    this.composer = composer;
    this.words = words;
    this.session = session;
    outbox.addEventListener("change", () => this.show());
    find(this.undo, ".take-back").addEventListener("click", () => this.takeBack());
    find(this.undo, ".at-once").addEventListener("click", () => this.atOnce());
    // The browser asks before it closes a tab with unsent entries; the next tab would send them.
    addEventListener("beforeunload", (event) => outbox.entries.length && event.preventDefault());
  }

  /** The one that can still be taken back. @returns {Entry | undefined} */
  get undoable() {
    return this.outbox.entries.find(({ notBefore = 0, problem }) => !problem && notBefore > Date.now());
  }

  show() {
    const { entries, trouble } = this.outbox;
    const undoable = this.undoable;
    const shown = entries.filter((entry) => entry !== undoable && (trouble || entry.problem || Date.now() - entry.at > 2_000));
    this.section.hidden = shown.length === 0;
    find(this.section, ".why").textContent = shown.length ? this.#why(entries, trouble) : "";
    find(this.section, "ol").replaceChildren(...shown.map((entry) => this.#row(entry)));
    if (trouble === "signin") this.#signIn();
    this.#showUndo();
  }

  #why(entries, trouble) {
    const n = entries.filter(({ problem }) => !problem).length;
    const broken = entries.length - n;
    const parts = [n && this.words.count(trouble ? `desk.waiting.${trouble}` : "desk.waiting", n), broken && this.words.count("desk.broken", broken)];
    return parts.filter(Boolean).join(" ");
  }

  #row(entry) {
    const { words } = this;
    const button = (key, work) => {
      const made = make("button", { type: "button" }, words.text(key));
      made.addEventListener("click", work);
      return made;
    };
    const { problem } = entry;
    const why = problem && (problem.status === 412 ? words.text("desk.problem.stale") : problem.detail);
    return make(
      "li",
      { "data-broken": Boolean(problem) },
      make("span.deed", {}, words.text(`desk.sending.${entry.deed}`)),
      make("span.title", { dir: "auto" }, entry.title),
      make("time", {}, words.clock(entry.at)),
      why && make("span.problem", {}, why),
      problem?.status === 412 && button("desk.compare", () => this.#compare(entry)),
      entry.draft && button("desk.back", () => this.#back(entry)),
      (problem || this.outbox.trouble) && !entry.draft && button("desk.discard", () => this.outbox.drop(entry.seq)),
    );
  }

  /** Back into the form, from where it came. */
  async #back(entry) {
    const own = await this.outbox.undo(entry.seq);
    await this.outbox.refresh();
    if (!own) return;
    const base = entry.draft.base;
    await this.composer.resume({ key: "", ...entry.draft, base });
    if (entry.problem?.current && base) this.composer.meet(entry.problem.current);
  }

  /** The item is no longer the one that somebody saw when they did this. */
  async #compare(entry) {
    const { current } = entry.problem;
    if (entry.deed === "patch" && entry.draft) {
      await this.#back(entry);
      return this.composer.merge();
    }
    const theirs = current.pubStatus === "usable" ? valuesOf(current, bodyForForm) : blank();
    const before = entry.draft ? entry.draft.values : { ...theirs, ...entry.body };
    const { conflicts, taken } = threeWay(before, before, theirs);
    const yes = this.words.text("desk.two.anyway");
    const lead = this.words.text("desk.two.deed", { deed: this.words.text(`desk.sending.${entry.deed}`), version: current.version });
    const all = [...new Set([...conflicts, ...taken, ...difference(before, theirs)])];
    const { answer } = await compare({ words: this.words, lead, yes, mine: before, theirs, conflicts: [], taken: all.length ? all : ["headline"] });
    if (answer === "yes") await this.outbox.retry({ ...entry, base: current.version });
    if (answer === "theirs") await this.outbox.drop(entry.seq);
  }

  async #signIn() {
    if (this.#asking) return;
    this.#asking = true;
    const { words } = this;
    const key = await ask({ title: words.text("desk.signin.again"), lead: words.text("desk.signin.kept"), label: words.text("signin.key"), yes: words.text("signin.enter"), type: "password", required: true });
    this.#asking = false;
    if (!key) return;
    await fetch(this.session, { method: "POST", headers: { Authorization: `Bearer ${key}` } }).catch(() => {});
    this.outbox.trouble = "";
    this.outbox.drain();
  }

  #showUndo() {
    clearTimeout(this.#countdown);
    const entry = this.undoable;
    this.undo.hidden = !entry;
    if (!entry) return;
    const n = Math.ceil(((entry.notBefore ?? 0) - Date.now()) / 1000);
    find(this.undo, "p").textContent = this.words.text("desk.undo.in", { n, title: entry.title });
    this.#countdown = setTimeout(() => this.#showUndo(), 250);
  }

  async takeBack() {
    const entry = this.undoable;
    if (entry) await this.#back(entry);
  }

  async atOnce() {
    const entry = this.undoable;
    if (entry) await this.outbox.retry({ ...entry, notBefore: 0 });
  }
}
