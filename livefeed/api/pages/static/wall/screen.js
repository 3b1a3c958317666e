// The model of one screen: a bounded number of items, however long it runs. No DOM, no transport, no clock.

import { isBreaking } from "../entry.js";
import { newestFirst } from "../model.js";

/** @import { Item } from "../model.js" */

/** Items in hand: enough to fill up after a few kills, and always the same amount of memory. */
export const KEPT = 60;

/** Rows whose place the band of breaking news takes, so that type does not shrink for it. */
const BAND = 3;

export class Screen {
  /** @type {Map<string, Item>} by uri */ #items = new Map();
  /** Whether the feed has older items than those in hand. */ more = false;
  /** What was taken back since a page of older items was asked for: the page may still have it. @type {Set<string> | null} */ #gone = null;

  /** @param {number} rows */
  constructor(rows) {
    this.rows = rows;
  }

  /** Takes an event of the stream: the uris of those items that were not there before. */
  apply({ type, data }) {
    if (type === "live.stream.reset" || type === "live.stream.snapshot") {
      this.more = Boolean(data.next);
      if (type.endsWith("snapshot")) return this.#renew([...this.#items.values(), ...data.items]);
      this.#gone = null; // a page that is on its way is older than this
      return this.#renew(data.items);
    }
    if (!type.startsWith("live.item.")) return [];
    return this.#put(data) && this.#trim().has(data.uri) ? [data.uri] : [];
  }

  /** A page of older items is asked for. */
  ask() {
    this.#gone = new Set();
  }

  /** Takes the page that was asked for; null if it did not come. @param {{items: Item[], next?: string | null} | null} page */
  fill(page) {
    const gone = this.#gone;
    this.#gone = null;
    if (!gone || !page) return;
    this.more = Boolean(page.next);
    this.#renew([...this.#items.values(), ...page.items.filter((item) => !gone.has(item.uri))]);
  }

  /** @param {Item[]} items */
  #renew(items) {
    const known = new Set(this.#items.keys());
    this.#items.clear();
    for (const item of items) this.#put(item);
    return [...this.#trim()].filter((uri) => !known.has(uri));
  }

  /** Whether *item* is new here. @param {Item} item */
  #put(item) {
    const before = this.#items.get(item.uri);
    if (before && before.version > item.version) return false;
    if (item.pubStatus === "usable") {
      this.#items.set(item.uri, item);
      this.#gone?.delete(item.uri);
    } else {
      this.#items.delete(item.uri); // the log is one order: nothing older comes after it, but for a page that is on its way
      this.#gone?.add(item.uri);
    }
    return !before && item.pubStatus === "usable";
  }

  #trim() {
    if (this.#items.size > KEPT) {
      this.more = true;
      const kept = this.#sorted().sort((a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false)).slice(0, KEPT);
      this.#items = new Map(kept.map((item) => [item.uri, item]));
    }
    return new Set(this.#items.keys());
  }

  #sorted() {
    return [...this.#items.values()].sort(newestFirst);
  }

  /** What is to be seen at *now* (ms): breaking news, the rows, and the time of the newest item. */
  view(now) {
    const items = this.#sorted().filter((item) => !(Date.parse(item.expires) <= now));
    const breaking = items.find((item) => isBreaking(item, now));
    const rest = items.filter((item) => item !== breaking);
    const byRank = (a, b) => (a.pinRank ?? 0) - (b.pinRank ?? 0);
    const room = breaking ? Math.max(1, this.rows - BAND) : this.rows;
    const pinned = rest.filter((item) => item.pinned).sort(byRank).slice(0, Math.floor(room / 3));
    const rows = [...pinned, ...rest.filter((item) => !pinned.includes(item))].slice(0, room);
    return { breaking, rows, newest: items[0]?.contentCreated, size: items.length };
  }

  get size() {
    return this.#items.size;
  }

  /** Whether so many items were taken back that older ones should fill the rows. */
  get wanting() {
    return this.more && !this.#gone && this.#items.size < this.rows;
  }
}
