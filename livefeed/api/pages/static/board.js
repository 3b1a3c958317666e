// A list of entries on a page: keeps their order and their day headings, and never moves the visible text.

import { draw, tombstone } from "./entry.js";
import { newestFirst } from "./model.js";
import { make } from "./dom.js";

/** @import { Change, FeedModel, Item } from "./model.js" */
/** @import { Style } from "./entry.js" */

/** @typedef {{item: Item, entry: HTMLElement, day: string}} Shown */

const topOf = ({ entry }) => entry.getBoundingClientRect().top;

/** Where in *shown*, newest first, *item* is or belongs. @param {Shown[]} shown */
function placeOf(shown, item) {
  let [low, high] = [0, shown.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (newestFirst(shown[middle].item, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Board {
  /** @type {Shown[]} */ #shown = [];
  /** @type {Map<string, Shown>} */ #byUri = new Map();
  /** @type {Set<string>} */ #pending = new Set();
  #slack = 1;
  /** The oldest item of the pages that were loaded; null when there is nothing older. @type {Item?} */ floor = null;

  /**
   * @param {HTMLElement} list
   * @param {FeedModel} model
   * @param {Style & {limit?: number}} style
   */
  constructor(list, model, style) {
    this.list = list;
    this.model = model;
    this.style = style;
  }

  /** The items that wait to be shown. */
  get pending() {
    return [...this.#pending].map((uri) => /** @type {Item} */ (this.model.get(uri)));
  }

  get size() {
    return this.#shown.length;
  }

  get items() {
    return this.#shown.map(({ item }) => item);
  }

  /** Takes over the entries that the server has drawn: their times become the reader's. */
  adopt() {
    for (const separator of this.list.querySelectorAll(".day")) separator.remove();
    const entries = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(".entry[data-item]")]);
    const found = entries.map((entry) => ({ entry, item: JSON.parse(entry.dataset.item ?? "") }));
    for (const { entry, item } of found.sort((a, b) => newestFirst(a.item, b.item))) {
      this.model.put(item);
      const time = entry.querySelector(".when time");
      if (time) time.textContent = this.style.words.clock(item.contentCreated);
      this.#keep(item, entry, this.#shown.length);
    }
    this.floor = this.items.at(-1) ?? null;
    this.#shown.forEach((_, place) => this.#separate(place));
    this.tick();
  }

  /** Takes what became of the model. What would move the reader waits, unless *open*. @param {Change[]} changes */
  apply(changes, open) {
    this.holding(() => {
      for (const { item, kind } of changes) {
        const shown = this.#byUri.get(item.uri);
        if (shown) this.#redraw(shown, item);
        else if (kind === "removed") this.#pending.delete(item.uri);
        else if (this.#inRange(item)) this.#pending.add(item.uri);
      }
    });
    if (open) this.reveal();
    else this.#append();
  }

  /** Shows everything that waits. */
  reveal() {
    for (const item of this.pending.sort(newestFirst).reverse()) this.#insert(item).classList.add("fresh");
    this.#pending.clear();
    while (this.style.limit && this.#shown.length > this.style.limit) this.#drop(this.#shown[this.#shown.length - 1]);
    this.tick();
  }

  /** Shows an older page under the others. @param {Item[]} items @param {boolean} last */
  extend(items, last) {
    for (const given of items) {
      const { uri } = given;
      const known = this.model.get(uri);
      const item = known && known.version > given.version ? known : given; // what the server drew is known without its body
      if (this.model.shows(item) && !this.#byUri.has(uri) && !this.#pending.has(uri)) this.#insert(item);
    }
    this.floor = last ? null : (items.at(-1) ?? this.floor);
    this.tick();
  }

  /** Shows exactly what the model holds, and what is being read stays where it is. @param {Item?} floor */
  renew(floor) {
    this.floor = floor;
    this.holding(() => {
      for (const shown of [...this.#shown]) {
        const item = this.model.get(shown.item.uri);
        if (!item || !this.#inRange(item) || (item.pubStatus === "usable" && !this.model.shows(item))) this.#drop(shown);
        else if (item.version !== shown.item.version || item.pubStatus !== shown.item.pubStatus) this.#redraw(shown, item);
      }
      this.#pending.clear();
      for (const item of this.model.list(this.style.now())) {
        if (!this.#byUri.has(item.uri) && this.#inRange(item)) this.#insert(item);
      }
    });
    this.tick();
  }

  /** Brings ages up to date, and hides what has expired. */
  tick() {
    const now = this.style.now();
    for (const shown of [...this.#shown]) {
      if (Date.parse(shown.item.expires) <= now) {
        this.holding(() => this.#drop(shown));
        continue;
      }
      const age = shown.entry.querySelector(".age");
      const text = age && this.style.words.age(shown.item.contentCreated, now);
      if (age && age.textContent !== text) age.textContent = text;
    }
  }

  /** Puts the keyboard where it can go on: at the entry at *place*. */
  focus(place) {
    /** @type {HTMLElement | null | undefined} */ (this.#shown[place]?.entry.querySelector("a"))?.focus({ preventScroll: true });
  }

  #inRange(item) {
    return !this.floor || newestFirst(item, this.floor) <= 0;
  }

  /** What belongs under everything else moves nobody. */
  #append() {
    for (const item of this.pending.sort(newestFirst)) {
      const last = this.#shown.at(-1);
      if (last && newestFirst(item, last.item) < 0) continue;
      this.#insert(item);
      this.#pending.delete(item.uri);
    }
  }

  #insert(item) {
    const place = placeOf(this.#shown, item);
    const entry = draw(item, this.style);
    const next = this.#shown[place]?.entry;
    const separator = next?.previousElementSibling;
    this.list.insertBefore(entry, separator?.matches(".day") ? separator : (next ?? null));
    this.#keep(item, entry, place);
    this.#separate(place);
    this.#separate(place + 1);
    return entry;
  }

  #keep(item, entry, place) {
    const shown = { item, entry, day: this.style.compact ? "" : this.style.words.day(item.contentCreated) };
    this.#shown.splice(place, 0, shown);
    this.#byUri.set(item.uri, shown);
  }

  #redraw(shown, item) {
    const usable = item.pubStatus === "usable";
    if (usable && !this.model.shows(item)) {
      this.#drop(shown);
      return;
    }
    if (shown.item.contentCreated !== item.contentCreated && usable) {
      this.#drop(shown);
      this.#insert(item);
      return;
    }
    const entry = usable ? draw(item, this.style) : tombstone(item, this.style);
    if (!usable && this.#isSeen(shown.entry)) entry.style.minHeight = `${shown.entry.offsetHeight}px`; // the rest stays in place
    shown.entry.replaceWith(entry);
    Object.assign(shown, { item, entry });
  }

  #drop(shown) {
    const place = this.#shown.indexOf(shown);
    this.#shown.splice(place, 1);
    this.#byUri.delete(shown.item.uri);
    const separator = shown.entry.previousElementSibling;
    shown.entry.remove();
    if (separator?.matches(".day")) separator.remove();
    this.#separate(place);
  }

  /** Puts the day above the entry at *place* when it begins there, and takes it away when it does not. */
  #separate(place) {
    const shown = this.#shown[place];
    if (!shown || this.style.compact) return;
    const begins = this.#shown[place - 1]?.day !== shown.day;
    const separator = shown.entry.previousElementSibling;
    const marked = separator?.matches(".day") ?? false;
    if (begins && !marked) shown.entry.before(make("li.day", {}, make("h2", {}, shown.day)));
    else if (begins && separator) separator.firstElementChild?.replaceChildren(shown.day);
    else if (marked) separator?.remove();
  }

  #isSeen(entry) {
    const { top, bottom } = entry.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  /** The topmost entry that is being read stays where it is, whatever *change* does around it. */
  holding(change) {
    const anchors = this.#readNow().map((shown) => ({ shown, top: topOf(shown) }));
    change();
    const anchor = anchors.find(({ shown }) => shown.entry.isConnected);
    const moved = () => (anchor ? topOf(anchor.shown) - anchor.top : 0);
    if (!moved()) return;
    scrollBy({ top: moved(), behavior: "instant" });
    this.#slack -= moved(); // a page scrolls by whole pixels; what remains of one is taken up here
    this.list.style.paddingBlockStart = `${this.#slack}px`;
  }

  /** The topmost entry in view, and those after it: the first may be on its way out. */
  #readNow() {
    if (scrollY === 0) return [];
    let [low, high] = [0, this.#shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#shown[middle].entry.getBoundingClientRect().bottom <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#shown.slice(low, low + 3);
  }
}
