// What must survive a closed tab: unsent texts and the outbox. One IndexedDB for all tabs.

const NAME = "livefeed.desk";

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export class Store {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("drafts", { keyPath: "key" });
      request.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
    };
    navigator.storage?.persist?.(); // asks the browser not to clear it when space is short
    return new Store(await result(request));
  }

  /**
   * One transaction on both stores; it is on disk when this resolves.
   *
   * @template T @param {(drafts: IDBObjectStore, outbox: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>}
   */
  async #step(work) {
    const transaction = this.database.transaction(["drafts", "outbox"], "readwrite", { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const request = work(transaction.objectStore("drafts"), transaction.objectStore("outbox"));
    await done;
    return request.result;
  }

  saveDraft(draft) {
    return this.#step((drafts) => drafts.put(draft));
  }

  dropDraft(key) {
    return this.#step((drafts) => drafts.delete(key));
  }

  /** @returns {Promise<any[]>} */
  async drafts() {
    return result(this.database.transaction("drafts").objectStore("drafts").getAll());
  }

  /** Puts *entry* at the end of the outbox, and the draft that it was made from away. @returns {Promise<number>} */
  enqueue(entry, draftKey = "") {
    return /** @type {Promise<number>} */ (
      this.#step((drafts, outbox) => {
        if (draftKey) drafts.delete(draftKey);
        return outbox.add(entry);
      })
    );
  }

  /** In the order in which they were put there, by whichever tab. @returns {Promise<any[]>} */
  async waiting() {
    return result(this.database.transaction("outbox").objectStore("outbox").getAll());
  }

  update(entry) {
    return this.#step((_, outbox) => outbox.put(entry));
  }

  remove(seq) {
    return this.#step((_, outbox) => outbox.delete(seq));
  }

  /** Takes *entry* away; what waits for the same item and was meant for *version* or an older one follows the new one. */
  settle(entry, version) {
    return this.#step((_, outbox) => {
      const later = outbox.openCursor(IDBKeyRange.lowerBound(entry.seq, true));
      later.onsuccess = () => {
        const cursor = later.result;
        if (!cursor) return;
        const { value } = cursor;
        if (value.itemId && value.itemId === entry.itemId && value.base === entry.base) cursor.update({ ...value, base: version ?? value.base });
        cursor.continue();
      };
      return outbox.delete(entry.seq);
    });
  }
}
