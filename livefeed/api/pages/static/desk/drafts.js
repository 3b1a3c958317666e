// What is being written, kept at every keystroke: it survives a closed tab, a crash and a power cut.

/** @import { Store } from "./store.js" */
/** @import { Values } from "./fields.js" */

/** @typedef {{key: string, feed: string, subject: string, desk: string, at: number, values: Values, base: any}} Draft */

const LOCK = "livefeed.desk.tab.";

/** This tab's own name, which it keeps when it is loaded anew. */
export function deskId() {
  const id = sessionStorage.getItem("livefeed.desk") ?? crypto.randomUUID();
  sessionStorage.setItem("livefeed.desk", id);
  return id;
}

export class Drafts {
  /** @type {Draft?} */ #latest = null;
  #saving = false;
  /** Told when something was written down, or could not be. @type {(at: number?) => void} */ saved = () => {};

  /** @param {Store} store @param {{feed: string, subject: string, desk: string}} whose */
  constructor(store, whose) {
    this.store = store;
    this.whose = whose;
    this.key = "";
    // Held for as long as the tab lives, so that no other one takes its text for an orphan.
    navigator.locks.request(LOCK + whose.desk, () => new Promise(() => {}));
  }

  /** From now on it is *base* that is written on, null for a new item. */
  begin(base) {
    this.#latest = null;
    this.key = `${this.whose.feed}/${this.whose.desk}/${base?.id ?? "new"}`;
  }

  /** Writes down the newest there is; what comes while it is being written follows at once. */
  async keep(values, base) {
    this.#latest = { key: this.key, ...this.whose, at: Date.now(), values, base };
    if (this.#saving) return;
    this.#saving = true;
    try {
      while (this.#latest) {
        const draft = this.#latest;
        this.#latest = null;
        await this.store.saveDraft(draft);
        this.saved(draft.at);
      }
    } catch {
      this.saved(null);
    } finally {
      this.#saving = false;
    }
  }

  /** The text is on its way into the outbox: nothing of it is written down behind that one's back. */
  release() {
    this.#latest = null;
    return this.key;
  }

  async drop(key = this.key) {
    if (key === this.key) this.#latest = null;
    await this.store.dropDraft(key);
  }

  /** What somebody else must not touch: the texts of this tab, and those of tabs that are gone, newest first. @returns {Promise<Draft[]>} */
  async orphans() {
    const { held = [] } = await navigator.locks.query();
    const alive = new Set(held.map(({ name }) => name));
    const { feed, subject, desk } = this.whose;
    const free = (draft) => draft.desk === desk || !alive.has(LOCK + draft.desk);
    const found = (await this.store.drafts()).filter((draft) => draft.feed === feed && draft.subject === subject && free(draft));
    return found.sort((a, b) => b.at - a.at);
  }
}
