// The rows of a screen: created once. Afterwards only their text changes, so the number of DOM nodes is constant.

import { make } from "../dom.js";
import { isBreaking, titleOf } from "../entry.js";

/** @import { Item } from "../model.js" */
/** @import { Words } from "../words.js" */

const FRESH = 2_500; // how long a new item stands out

/** Says *text* in *node*, if it does not say so already. @param {Text} node */
export function say(node, text) {
  if (node.data !== text) node.data = text;
}

/** A text node that is the whole content of *element*. @returns {Text} */
export function voice(element) {
  const text = document.createTextNode("");
  element.replaceChildren(text);
  return text;
}

function speak(element, item) {
  if (item?.language) element.lang = item.language;
  else element.removeAttribute("lang");
}

function row() {
  const [when, mark, headline] = [make("span.time"), make("span.mark"), make("p.headline", { dir: "auto" })];
  const element = make("li", { hidden: true }, make("div.row", {}, make("p.when", {}, when, mark), headline));
  return { element, headline, texts: { when: voice(when), mark: voice(mark), headline: voice(headline) } };
}

export class Rows {
  /** @type {Map<string, number>} until when (ms) an item stands out, by uri */ #fresh = new Map();

  /**
   * @param {HTMLElement} list @param {HTMLElement} band @param {number} count @param {Words} words
   * @param {(ms: number) => string} timeOf
   */
  constructor(list, band, count, words, timeOf) {
    this.words = words;
    this.timeOf = timeOf;
    this.band = band;
    this.alarm = /** @type {HTMLElement} */ (band.querySelector("p"));
    this.alarmText = this.alarm.firstChild instanceof Text ? this.alarm.firstChild : voice(this.alarm);
    this.list = list;
    this.slots = Array.from({ length: count }, row);
  }

  /** From now on these stand out for a moment. @param {string[]} uris @param {number} now */
  greet(uris, now) {
    for (const [uri, until] of this.#fresh) if (until <= now) this.#fresh.delete(uri);
    for (const uri of uris.slice(0, this.slots.length)) this.#fresh.set(uri, now + FRESH);
  }

  /** @param {{breaking?: Item, rows: Item[]}} view @param {number} now */
  show({ breaking, rows }, now) {
    // Until there is something to show, what the server rendered stays.
    if (!this.slots[0].element.isConnected) this.list.replaceChildren(...this.slots.map(({ element }) => element));
    this.band.hidden = !breaking;
    say(this.alarmText, breaking ? titleOf(breaking) : "");
    speak(this.alarm, breaking);
    this.slots.forEach((slot, i) => this.#fill(slot, rows[i], now));
  }

  #fill({ element, headline, texts }, item, now) {
    element.hidden = !item;
    if (!item) return;
    say(texts.headline, titleOf(item));
    say(texts.when, this.words.age(item.contentCreated, now) || this.timeOf(Date.parse(item.contentCreated)));
    say(texts.mark, this.#mark(item, now));
    speak(headline, item);
    element.classList.toggle("fresh", (this.#fresh.get(item.uri) ?? 0) > now);
  }

  #mark(item, now) {
    const key = isBreaking(item, now) ? "item.breaking" : item.pinned ? "feed.pinned" : item.correction ? "item.correction" : item.keyEvent && "item.keyEvent";
    return key ? this.words.text(key) : "";
  }
}
