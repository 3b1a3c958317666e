// Unsent texts, stored with every keystroke: they survive a closed tab, a crash and a power failure.

/** @import { Store } from "./store.js" */
/** @import { Values } from "./fields.js" */

/** @typedef {{key: string, feed: string, subject: string, desk: string, at: number, values: Values, base: any}} Draft */

const LOCK = "livefeed.desk.tab.";
const NOTE = "livefeed.desk.draft.";

/** This tab's own name, which it keeps when it is loaded anew; the copy of a tab gets another. */
export async function deskId() {
  const kept = sessionStorage.getItem("livefeed.desk");
  if (kept && (await hold(kept))) return kept;
  const id = crypto.randomUUID();
  sessionStorage.setItem("livefeed.desk", id);
  await hold(id);
  return id;
}

/** Held for as long as the tab lives, so that no other one takes its text for an orphan. @returns {Promise<boolean>} */
function hold(id) {
  return new Promise((held) => {
    navigator.locks.request(LOCK + id, { ifAvailable: true }, (lock) => {
      held(lock !== null);
      return lock && new Promise(() => {});
    });
  });
}

export class Drafts {
  /** @type {Map<string, Draft>} the newest of each text, on its way into the store */ #unsaved = new Map();
  #saving = false;
  /** Told when something was written down, or could not be. @type {(at: number?) => void} */ saved = () => {};

  /** @param {Store} store @param {{feed: string, subject: string, desk: string}} whose @param {Storage} notes where it is at once */
  constructor(store, whose, notes = localStorage) {
    this.store = store;
    this.whose = whose;
    this.notes = notes;
    this.key = "";
  }

  /** From now on it is *base* that is written on, null for a new item. */
  begin(base) {
    this.key = `${this.whose.feed}/${this.whose.desk}/${base?.id ?? "new"}`;
  }

  /** Writes down the newest there is; what comes while it is being written follows at once. */
  async keep(values, base) {
    const draft = { key: this.key, ...this.whose, at: Date.now(), values, base };
    this.#unsaved.set(draft.key, draft);
    this.#note(draft);
    if (this.#saving) return;
    this.#saving = true;
    try {
      for (const draft of this.#unsaved.values()) await this.#save(draft);
    } catch {
      this.saved(null);
    } finally {
      this.#saving = false;
    }
  }

  async #save(draft) {
    this.#unsaved.delete(draft.key);
    await this.store.saveDraft(draft);
    if (!this.#unsaved.has(draft.key)) this.#forget(draft.key);
    this.saved(draft.at);
  }

  /** The store needs a moment, and a tab can be closed in it: the note is there when the key comes up again. */
  #note(draft) {
    try {
      this.notes.setItem(NOTE + draft.key, JSON.stringify(draft));
    } catch {
      this.#forget(draft.key); // it is full, and an old note would pass for the newest
    }
  }

  #forget(key) {
    this.notes.removeItem(NOTE + key);
  }

  /** The text is on its way into the outbox: nothing of it is written down behind that one's back. */
  release() {
    this.#unsaved.delete(this.key);
    return this.key;
  }

  /** It is there: *key*'s text is nobody's draft any more. */
  released(key) {
    this.#forget(key);
  }

  async drop(key = this.key) {
    this.#unsaved.delete(key);
    this.#forget(key);
    await this.store.dropDraft(key);
  }

  /** The new item that this tab left for another one. @returns {Promise<Draft | undefined>} */
  async unfinished() {
    const { feed, desk } = this.whose;
    return (await this.orphans()).find(({ key }) => key === `${feed}/${desk}/new`);
  }

  /** What somebody else must not touch: the texts of this tab, and those of tabs that are gone, newest first. @returns {Promise<Draft[]>} */
  async orphans() {
    const { held = [] } = await navigator.locks.query();
    const alive = new Set(held.map(({ name }) => name));
    const { feed, subject, desk } = this.whose;
    const free = (draft) => draft.desk === desk || !alive.has(LOCK + draft.desk);
    const found = new Map((await this.store.drafts()).map((draft) => [draft.key, draft]));
    for (const note of this.#noted()) if (note.at >= (found.get(note.key)?.at ?? 0)) found.set(note.key, note);
    return [...found.values()].filter((draft) => draft.feed === feed && draft.subject === subject && free(draft)).sort((a, b) => b.at - a.at);
  }

  /** @returns {Draft[]} */
  #noted() {
    const keys = Object.keys(this.notes).filter((key) => key.startsWith(NOTE));
    return keys.map((key) => JSON.parse(this.notes.getItem(key) ?? "null")).filter(Boolean);
  }
}
