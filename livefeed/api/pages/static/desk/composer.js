// The composer: writes a new item or a change to an existing one. Every keystroke is stored; everything is sent through the outbox.

import { compare } from "./dialogs.js";
import { blank, difference, isBlank, itemOf, patchOf, threeWay, valuesOf } from "./fields.js";
import { bodyForForm } from "./form.js";

/** @import { DeskItem } from "./items.js" */
/** @import { Drafts, Draft } from "./drafts.js" */
/** @import { Form } from "./form.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Values } from "./fields.js" */
/** @import { Words } from "../words.js" */

const UNDO = 6_000; // milliseconds in which breaking news can be taken back
const FLASH = 1;

export class Composer extends EventTarget {
  /** @type {DeskItem?} what is being changed, as it was when it was opened; null is a new item */ base = null;
  /** @type {Values} what the form showed of it */ shown = blank();
  /** @type {DeskItem?} a newer version than *base*, by somebody else */ newer = null;
  armed = false;
  #sending = false;

  /** @param {{form: Form, drafts: Drafts, outbox: Outbox, words: Words, role: string}} rooms */
  constructor({ form, drafts, outbox, words, role }) {
    super();
    this.form = form;
    this.drafts = drafts;
    this.outbox = outbox;
    this.words = words;
    this.mayPublish = role !== "contribute";
    form.addEventListener("change", () => this.#typed());
  }

  get dirty() {
    return difference(this.shown, this.form.values).length > 0;
  }

  /** Opens *item*, or with null an empty form. @param {DeskItem?} item @param {Values} [written] what was typed on it before */
  open(item, written) {
    const { language, by } = this.form.values;
    this.base = item;
    this.newer = null;
    this.disarm();
    this.shown = item ? valuesOf(item.held ? { ...item, ...item.held } : item, bodyForForm) : { ...blank(), language, by };
    this.form.values = written ?? this.shown;
    this.drafts.begin(item);
    this.#tell("open");
  }

  /** Takes up a text that was left behind. @param {Draft} draft */
  async resume(draft) {
    this.open(draft.base, draft.values);
    this.drafts.keep(draft.values, draft.base);
    if (draft.key !== this.drafts.key) await this.drafts.drop(draft.key);
  }

  #typed() {
    const { values } = this.form;
    if (this.base ? this.dirty : !isBlank(values)) this.drafts.keep(values, this.base);
    else this.drafts.drop();
    this.#tell("change");
  }

  /** Somebody's newer version of what is open here. @param {DeskItem} item */
  meet(item) {
    if (!this.base || item.id !== this.base.id || item.version <= this.base.version) return;
    if (this.outbox.entries.some((entry) => entry.itemId === item.id)) return; // it is our own, on its way
    if (!this.dirty) this.open(item);
    else if (item.pubStatus === "usable") this.#join(item);
    else {
      this.base = item; // held or killed under our hands: the text stays, and the deeds change
      this.#tell("open");
    }
  }

  /** What they changed and we did not is taken over; where both wrote, nothing is until somebody has looked. */
  #join(item) {
    const theirs = valuesOf(item, bodyForForm);
    const { merged, conflicts, taken } = threeWay(this.shown, this.form.values, theirs);
    if (conflicts.length) {
      this.newer = item;
      this.#tell("newer");
      return;
    }
    this.base = item;
    this.shown = theirs;
    this.form.take({ ...merged }, taken);
    this.drafts.keep(this.form.values, item);
    this.#tell("joined");
  }

  /** Sends what is written. @param {{draft?: boolean}} [how] */
  async submit({ draft = false } = {}) {
    if (this.#sending) return; // a second Ctrl+Enter in the same breath
    if (this.newer) return this.merge();
    const values = this.form.values;
    if (isBlank(values)) return this.#tell("empty");
    const breaking = this.armed && !draft;
    if (breaking) values.urgency = FLASH;
    this.#sending = true;
    try {
      const title = values.headline || this.words.text("item.untitled");
      const entry = { title, draft: { values, base: this.base }, notBefore: breaking ? Date.now() + UNDO : undefined };
      const key = this.drafts.release();
      const seq = this.base ? await this.#change(values, draft, entry, key) : await this.#create(values, draft, entry, key);
      this.drafts.released(key);
      if (seq === null) return this.#tell("unchanged");
      this.open(null);
      this.#tell(breaking ? "breaking" : "sent", { seq, title });
    } catch (error) {
      this.drafts.keep(values, this.base);
      this.#tell("unsaved", error);
    } finally {
      this.#sending = false;
    }
  }

  #create(values, draft, entry, draftKey) {
    const body = { ...itemOf(values), ...(draft || !this.mayPublish ? { draft: true } : {}) };
    return this.outbox.add({ ...entry, deed: "publish", body }, draftKey);
  }

  /** A change to what is there; of a draft that goes out, first the change and then the going out. */
  async #change(values, draft, entry, draftKey) {
    const base = /** @type {DeskItem} */ (this.base);
    const body = patchOf(base, this.shown, values);
    const whole = { ...entry, itemId: base.id, base: base.version };
    const out = base.state === "draft" && !draft && this.mayPublish;
    if (base.state === "withheld") return this.outbox.add({ ...whole, deed: "release", body }, draftKey);
    let seq = null;
    if (Object.keys(body).length) seq = await this.outbox.add({ ...whole, deed: "patch", body, notBefore: out ? undefined : entry.notBefore }, draftKey);
    if (out) seq = await this.outbox.add({ ...whole, deed: "send", body: {} }, draftKey);
    return seq;
  }

  /** Puts two people's versions side by side; what is chosen stands in the form, and nothing is sent unseen. */
  async merge(theirs = this.newer) {
    if (!theirs) return;
    const [base, mine, others] = [this.shown, this.form.values, valuesOf(theirs, bodyForForm)];
    const { merged, conflicts, taken } = threeWay(base, mine, others);
    const lead = this.words.text(conflicts.length ? "desk.two.lead" : "desk.two.lead.none", { version: theirs.version });
    const yes = this.words.text("desk.two.merge");
    const { answer, chosen } = await compare({ words: this.words, lead, yes, mine, theirs: others, conflicts, taken });
    if (answer === "yes") {
      this.open(theirs, { ...merged, ...chosen });
      this.drafts.keep(this.form.values, theirs);
    } else if (answer === "theirs") {
      await this.drafts.drop();
      this.open(theirs);
    }
  }

  /** The first of two keystrokes: the next one sends it as breaking news. */
  arm() {
    if (!this.mayPublish || isBlank(this.form.values)) return this.#tell("empty");
    this.armed = true;
    this.#tell("armed");
  }

  disarm() {
    this.armed = false;
    this.#tell("armed");
  }

  async discard() {
    await this.drafts.drop();
    this.open(this.base);
  }

  /** @param {string} name @param {object} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
