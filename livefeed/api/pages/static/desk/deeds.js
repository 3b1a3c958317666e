// The actions on an item other than editing. All go through the outbox, with the version that the editor saw.

import { make } from "../dom.js";
import { titleOf } from "../entry.js";
import { ask } from "./dialogs.js";

/** @import { DeskItem, Items } from "./items.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Words } from "../words.js" */

const STEP = 10; // between two ranks, so that one more fits between them

/** Which deeds make sense in which state. */
const DEEDS = /** @type {Record<string, string[]>} */ ({
  usable: ["pinned", "keyEvent", "highlight", "hold", "cancel"],
  withheld: ["cancel"],
  scheduled: ["cancel"],
  draft: ["cancel"],
  canceled: [],
});

export class Deeds {
  /** @param {{outbox: Outbox, items: Items, words: Words}} rooms */
  constructor({ outbox, items, words }) {
    this.outbox = outbox;
    this.items = items;
    this.words = words;
  }

  /** The buttons for *item*. @param {HTMLElement} place @param {DeskItem?} item */
  draw(place, item) {
    const names = item ? (DEEDS[item.state] ?? []) : [];
    place.hidden = names.length === 0;
    place.replaceChildren(...names.map((name) => this.#button(name, item)));
  }

  #button(name, item) {
    const flag = !["hold", "cancel"].includes(name);
    const pressed = flag ? String(Boolean(item[name])) : null;
    const key = flag && item[name] ? `desk.deed.${name}.undo` : `desk.deed.${name}`;
    const button = make("button.deed", { type: "button", "data-deed": name, "aria-pressed": pressed }, this.words.text(key));
    button.addEventListener("click", () => (flag ? this.flag(item, name) : this.withdraw(item, name)));
    return button;
  }

  /** @param {DeskItem} item @param {string} name */
  flag(item, name) {
    const body = /** @type {Record<string, any>} */ ({ [name]: !item[name] });
    if (name === "pinned" && body.pinned) body.pinRank = this.#top();
    if (name === "pinned" && !body.pinned) body.pinRank = null;
    return this.#patch(item, body);
  }

  /** Hold or kill, and why: a kill cannot be taken back, so it has to say. @param {DeskItem} item @param {string} deed */
  async withdraw(item, deed) {
    const { words } = this;
    const reason = await ask({
      title: words.text(`desk.ask.${deed}`),
      lead: item.headline || item.bodyText || item.bodyHtml ? titleOf(item) : "",
      label: words.text("desk.ask.reason"),
      yes: words.text(`desk.deed.${deed}`),
      required: deed === "cancel",
      alarm: true,
    });
    if (reason === null) return;
    const title = words.text(`desk.did.${deed}`, { title: titleOf(item) });
    await this.outbox.add({ deed: /** @type {any} */ (deed), itemId: item.id, base: item.version, body: reason ? { reason } : {}, title });
  }

  /** Moves a pinned item one place up (-1) or down (1). */
  async move(id, by) {
    const pins = this.items.pinned();
    const from = pins.findIndex((item) => item.id === id);
    const to = from + by;
    if (from < 0 || to < 0 || to >= pins.length) return;
    pins.splice(to, 0, ...pins.splice(from, 1));
    // Only items whose rank changes are patched: mostly two.
    for (const [i, item] of pins.entries()) if (item.pinRank !== (i + 1) * STEP) await this.#patch(item, { pinRank: (i + 1) * STEP });
  }

  #top() {
    const [first] = this.items.pinned();
    return first ? Math.max(0, (first.pinRank ?? 0) - 1) : STEP;
  }

  #patch(item, body) {
    return this.outbox.add({ deed: "patch", itemId: item.id, base: item.version, body, title: titleOf(item) });
  }
}
