// The items at the desk: published ones come through the live stream, all others are polled.

import { newestFirst } from "../model.js";

/** @import { Item } from "../model.js" */
/** @typedef {Item & {state: string, edNote?: string, held?: any}} DeskItem */

const PERIOD = 4_000; // drafts, scheduled and held items are in no stream
const PAGE = 100;
const STATES = { "live.item.withheld": "withheld", "live.item.canceled": "canceled" };

export class Items extends EventTarget {
  /** @type {Map<string, DeskItem>} by id */ #items = new Map();
  /** @type {string?} where the next page begins */ next = null;
  #etag = "";
  #timer = 0;
  #looking = false;
  /** @type {Set<string>} the holds that were asked about */ #asked = new Set();

  /** @param {string} address of the feed's items @param {boolean} all whether this desk may see what is not out */
  constructor(address, all) {
    super();
    this.address = address;
    this.view = all ? "&view=desk" : "";
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  /** Asks the server, and goes on asking. */
  async look() {
    if (this.#looking) return;
    this.#looking = true;
    clearTimeout(this.#timer);
    try {
      const headers = /** @type {HeadersInit} */ (this.#etag ? { "If-None-Match": this.#etag } : {});
      const signal = AbortSignal.timeout(3 * PERIOD);
      const response = await fetch(`${this.address}?limit=${PAGE}${this.view}`, { headers, signal, cache: "no-store" });
      if (response.ok) this.#renew(await response.json(), response.headers.get("ETag") ?? "");
      else response.body?.cancel();
    } catch {
      // The server is unavailable, which the connection state shows; the list stays as it is.
    } finally {
      this.#looking = false;
      if (!document.hidden) this.#timer = setTimeout(() => this.look(), PERIOD);
    }
  }

  /** The first page is the truth down to its last item: what it does not list is gone. */
  #renew({ items, next }, etag) {
    const last = items.at(-1);
    const listed = new Set(items.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      const covered = !next || newestFirst(item, last) < 0;
      if (covered && !listed.has(id)) this.#items.delete(id);
    }
    if (!this.#etag) this.next = next;
    this.#etag = etag;
    for (const item of items) this.#put(item);
    this.#tell();
  }

  async more() {
    const response = await fetch(`${this.address}?limit=${PAGE}${this.view}&before=${encodeURIComponent(this.next ?? "")}`);
    if (!response.ok) return;
    const { items, next } = await response.json();
    this.next = next;
    for (const item of items) this.#put(item);
    this.#tell();
  }

  /** @param {string} words @returns {Promise<DeskItem[]>} */
  async search(words) {
    const response = await fetch(`${this.address}?limit=${PAGE}${this.view}&q=${encodeURIComponent(words)}`);
    if (!response.ok) return [];
    return (await response.json()).items.map(known);
  }

  /** One item as it is now, with what only the desk sees. @returns {Promise<DeskItem>} */
  async read(id) {
    const response = await fetch(`${this.address}/${encodeURIComponent(id)}${this.view && "?view=desk"}`, { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    return this.put(await response.json());
  }

  /** Takes an event of the stream. */
  apply({ type, data }) {
    if (type === "live.stream.reset" || type === "live.stream.snapshot") this.look();
    if (!type.startsWith("live.item.")) return;
    this.put({ ...data, state: STATES[type] ?? "usable" });
  }

  /** Takes one item, from whatever answer it came in. @param {Item & {state?: string}} item */
  put(item) {
    const kept = this.#put(item);
    this.#tell();
    return kept;
  }

  /** @returns {DeskItem} */
  #put(item) {
    const before = this.#items.get(item.id);
    if (before && before.version > item.version) return before;
    // Events have no note, and lists have no text of withheld items: both are kept until the item itself is read again.
    const { edNote, held } = before ?? {};
    const more = { ...(edNote && { edNote }), ...(held && item.pubStatus === "withheld" && { held }) };
    const kept = known({ ...more, ...item });
    this.#items.set(item.id, kept);
    return kept;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
    if (this.view) this.#recall();
  }

  /** What withheld items said, which is in no list: an editor has to know them by more than the reason. */
  async #recall() {
    for (const { id, version, state, held } of this.#items.values()) {
      const hold = `${id} ${version}`;
      if (state !== "withheld" || held || this.#asked.has(hold)) continue;
      this.#asked.add(hold);
      await this.read(id).catch(() => this.#asked.delete(hold));
    }
  }

  get(id) {
    return this.#items.get(id);
  }

  /** Newest first; what is not out yet by the time at which it will be, or was last touched. */
  list() {
    return [...this.#items.values()].sort(newestFirst);
  }

  pinned() {
    const shown = this.list().filter((item) => item.pinned && item.state === "usable");
    return shown.sort((a, b) => (a.pinRank ?? 0) - (b.pinRank ?? 0));
  }
}

/** @returns {DeskItem} */
function known(item) {
  if (item.state) return item;
  if (item.draft) return { ...item, state: "draft" };
  if (item.pubStatus !== "usable") return { ...item, state: item.pubStatus };
  return { ...item, state: Date.parse(item.embargoedUntil) > Date.now() ? "scheduled" : "usable" };
}
