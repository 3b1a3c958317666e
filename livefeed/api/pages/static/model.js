// The model of a feed in the browser: items and events in, what to display out. No transport, no DOM, no clock.

/**
 * @typedef {Record<string, any> & {id: string, uri: string, version: number, pubStatus: string, contentCreated: string}} Item
 * @typedef {{kind: "added" | "changed" | "removed", item: Item, before?: Item}} Change
 */

const USABLE = "usable";

/** Newest first by the time that editors gave; the id decides between equals, as it does in the server's lists. */
export function newestFirst(a, b) {
  return Date.parse(b.contentCreated) - Date.parse(a.contentCreated) || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** @returns {Change} */
const change = (/** @type {Change["kind"]} */ kind, item, before) => ({ kind, item, before });

export class FeedModel {
  /** @type {Map<string, Item>} by uri; the withheld and killed stay as tombstones, so that no older page brings them back */
  #items = new Map();

  /** @param {(item: Item) => boolean} [accepts] what is wanted of what comes; an item that changes may come to be, or cease */
  constructor(accepts = () => true) {
    this.shows = (/** @type {Item | undefined} */ item) => item?.pubStatus === USABLE && accepts(item);
  }

  /** Takes one version of an item; what is no newer than what is known changes nothing. @returns {Change | null} */
  put(item) {
    const before = this.#items.get(item.uri);
    if (before && before.version >= item.version) return null;
    this.#items.set(item.uri, item);
    const [was, is] = [this.shows(before), this.shows(item)];
    if (!was && !is) return null;
    return change(!is ? "removed" : was ? "changed" : "added", item, before);
  }

  /** Takes many, as a page or a snapshot brings them. @param {Item[]} items @returns {Change[]} */
  load(items) {
    return items.map((item) => this.put(item)).filter((change) => change !== null);
  }

  /** Forgets everything and takes *items*: they are the truth now. @param {Item[]} items @returns {Change[]} */
  reset(items) {
    const before = this.#items;
    this.#items = new Map(items.map((item) => [item.uri, item]));
    const gone = [...before.values()].filter((item) => this.shows(item) && !this.#items.has(item.uri));
    return [
      ...gone.map((item) => change("removed", item, item)),
      ...items.flatMap((item) => {
        const known = before.get(item.uri);
        const same = known?.version === item.version && known.pubStatus === item.pubStatus;
        return same ? [] : [change(this.shows(known) ? "changed" : "added", item, known)];
      }),
    ];
  }

  /** Takes an event of the stream. @returns {Change[]} */
  apply(event) {
    if (event.type === "live.stream.reset") return this.reset(event.data.items);
    if (event.type === "live.stream.snapshot") return this.load(event.data.items);
    if (!event.type.startsWith("live.item.")) return [];
    return this.load([event.data]);
  }

  get(uri) {
    return this.#items.get(uri);
  }

  /** What can be shown at *now* (ms), newest first. @returns {Item[]} */
  list(now = 0) {
    return [...this.#items.values()].filter((item) => this.shows(item) && !(Date.parse(item.expires) <= now)).sort(newestFirst);
  }

  /** By rank, then newest first. */
  pinned(now = 0) {
    return this.list(now).filter((item) => item.pinned).sort((a, b) => (a.pinRank ?? 0) - (b.pinRank ?? 0));
  }

  keyEvents(now = 0) {
    return this.list(now).filter((item) => item.keyEvent);
  }

  highlights(now = 0) {
    return this.list(now).filter((item) => item.highlight);
  }
}
