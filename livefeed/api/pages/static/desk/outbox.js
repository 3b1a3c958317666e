// The outbox: everything that a desk sends goes through it, once and in order, however often the server is unavailable.

import { isApplied } from "./fields.js";

/** @import { Store } from "./store.js" */

/**
 * @typedef {object} Entry
 * @property {number} [seq] its place in the outbox
 * @property {string} feed @property {string} subject who sends it
 * @property {"publish" | "patch" | "hold" | "cancel" | "release" | "send"} deed
 * @property {string} [itemId] @property {number} [base] the version that it is based on
 * @property {Record<string, any>} body
 * @property {string} key the Idempotency-Key of a new item
 * @property {string} title for the list of waiting entries
 * @property {number} at when it was created @property {number} [notBefore] until when it can be undone
 * @property {any} [draft] the text that it was made from, to undo it
 * @property {{status: number, detail: string, current?: any}} [problem] why it was rejected
 */

const PATIENCE = 10_000; // an answer that takes longer is asked for again: each deed is safe to repeat
const FIRST = 500;
const CEILING = 5_000;
const DONE = {
  patch: (current, { body }) => isApplied(current, body),
  hold: (current) => current.pubStatus === "withheld",
  cancel: (current) => current.pubStatus === "canceled",
  release: (current) => current.pubStatus === "usable",
  send: (current) => current.state !== "draft",
};

export class Outbox extends EventTarget {
  /** @type {Entry[]} */ entries = [];
  /** Why nothing goes out at the moment: "", "lost" or "signin". */ trouble = "";
  #failures = 0;
  #timer = 0;
  #draining = false;
  #channel;
  /** @type {Map<string, number>} what this desk made of a version, by item and version, in whichever tab */ #became = new Map();

  /** @param {Store} store @param {string} feed @param {string} subject @param {string} items the address of the feed's items */
  constructor(store, feed, subject, items) {
    super();
    this.store = store;
    this.feed = feed;
    this.subject = subject;
    this.items = items;
    this.#channel = new BroadcastChannel(`livefeed.desk.${feed}`);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    for (const event of ["online", "focus", "pageshow"]) addEventListener(event, () => this.drain());
  }

  /** Keeps *entry*, and sends it as soon as that is possible. @param {Partial<Entry>} entry */
  async add(entry, draftKey = "") {
    const whole = { feed: this.feed, subject: this.subject, key: crypto.randomUUID(), at: Date.now(), ...entry };
    const seq = await this.store.enqueue(whole, draftKey);
    this.drain(); // news go first, and what waits is shown meanwhile
    await this.#look();
    this.#channel.postMessage({});
    return seq;
  }

  /** Whether it could be taken back before it went out. @param {number} seq */
  async undo(seq) {
    return this.#exclusively(async () => {
      const entry = (await this.store.waiting()).find((one) => one.seq === seq);
      if (!entry) return null;
      await this.store.remove(seq);
      return entry;
    });
  }

  /** Changes what waits: *entry* goes out again. @param {Entry} entry */
  async retry(entry) {
    await this.store.update({ ...entry, problem: undefined });
    await this.refresh();
  }

  async drop(seq) {
    await this.store.remove(seq);
    await this.refresh();
    this.#channel.postMessage({});
  }

  async refresh() {
    await this.#look();
    this.drain();
  }

  #heard({ from, version }) {
    if (from) this.#became.set(from, version);
    this.refresh();
  }

  /** A deed made from a version that one of ours has replaced meanwhile follows it, as those did that waited in the store then. */
  #followed(entry) {
    const version = this.#became.get(`${entry.itemId} ${entry.base}`);
    return version ? this.#followed({ ...entry, base: version }) : entry;
  }

  async #look() {
    this.entries = await this.#own();
    this.dispatchEvent(new Event("change"));
  }

  async #own() {
    return (await this.store.waiting()).filter(({ feed, subject }) => feed === this.feed && subject === this.subject);
  }

  /** Sends what can be sent, one after the other, from whichever tab is first. */
  async drain() {
    if (this.#draining) return;
    this.#draining = true;
    clearTimeout(this.#timer);
    try {
      await this.#exclusively(async () => {
        for (let entry = await this.#next(); entry; entry = await this.#next()) if (!(await this.#send(entry))) break;
      });
    } finally {
      this.#draining = false;
    }
    await this.#look();
    this.#later();
  }

  #exclusively(work) {
    return navigator.locks.request(`livefeed.desk.outbox.${this.feed}`, work);
  }

  async #next() {
    const entry = firstOf(await this.#own());
    return entry && (entry.notBefore ?? 0) <= Date.now() ? this.#followed(entry) : null;
  }

  #later() {
    const entry = firstOf(this.entries);
    if (!entry || this.trouble === "signin") return;
    const wait = this.trouble ? Math.random() * Math.min(CEILING, FIRST * 2 ** this.#failures) : 0;
    this.#timer = setTimeout(() => this.drain(), Math.max(wait, (entry.notBefore ?? 0) - Date.now()));
  }

  /** Whether the next one may follow. @param {Entry} entry */
  async #send(entry) {
    let response;
    let answer;
    try {
      response = await fetch(this.#address(entry), this.#request(entry));
      answer = await response.json();
    } catch {
      return this.#stop("lost"); // not known whether it arrived: it goes again, and is recognised
    }
    if (response.status === 401) return this.#stop("signin");
    if (response.status === 429 || response.status >= 500 || response.status === 408) return this.#stop("lost");
    this.trouble = "";
    this.#failures = 0;
    if (response.ok) return this.#finish(entry, answer);
    if (response.status === 412) return this.#stale(entry, answer);
    return this.#refuse(entry, { status: response.status, detail: detailOf(answer) });
  }

  #stop(trouble) {
    this.trouble = trouble;
    this.#failures = Math.min(this.#failures + 1, 10);
    return false;
  }

  async #finish(entry, answer) {
    const version = answer.item?.version;
    await this.store.settle(entry, version);
    const from = entry.itemId && version > (entry.base ?? 0) ? `${entry.itemId} ${entry.base}` : "";
    if (from) this.#became.set(from, version);
    this.dispatchEvent(new CustomEvent("sent", { detail: { entry, ...answer } }));
    this.#channel.postMessage({ from, version });
    return true;
  }

  /** Somebody was there before us; or it was ourselves, and the answer did not arrive. */
  async #stale(entry, answer) {
    let current;
    try {
      const response = await fetch(`${this.items}/${entry.itemId}?view=desk`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (!response.ok) return this.#stop("lost");
      current = await response.json();
    } catch {
      return this.#stop("lost");
    }
    const ours = current.version === (entry.base ?? 0) + 1;
    if (ours && DONE[entry.deed](current, entry)) return this.#finish(entry, { event: null, item: current });
    return this.#refuse(entry, { status: 412, detail: detailOf(answer), current });
  }

  async #refuse(entry, problem) {
    await this.store.update({ ...entry, problem });
    this.dispatchEvent(new CustomEvent("refused", { detail: { ...entry, problem } }));
    this.#channel.postMessage({});
    return true;
  }

  #address({ deed, itemId }) {
    if (deed === "publish") return this.items;
    if (deed === "patch") return `${this.items}/${itemId}`;
    return `${this.items}/${itemId}/${deed === "send" ? "publish" : deed}`;
  }

  /** @param {Entry} entry @returns {RequestInit} */
  #request({ deed, key, base, body }) {
    const headers = /** @type {Record<string, string>} */ (deed === "publish" ? { "Idempotency-Key": key } : { "If-Match": `"${base}"` });
    if (deed !== "send") headers["Content-Type"] = deed === "patch" || deed === "release" ? "application/merge-patch+json" : "application/json";
    return {
      method: deed === "patch" ? "PATCH" : "POST",
      headers,
      body: deed === "send" ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    };
  }
}

/** The first that is free to go: not broken, and none that follows a broken one on its item. @param {Entry[]} entries */
function firstOf(entries) {
  const broken = new Set(entries.filter((entry) => entry.problem && entry.itemId).map((entry) => entry.itemId));
  return entries.find((entry) => !entry.problem && !broken.has(entry.itemId));
}

/** A problem document in one sentence. */
function detailOf({ detail, title, errors }) {
  return errors?.length ? errors.map((error) => error.detail).join("; ") : (detail ?? title ?? "");
}
