// The form: values in, values out.

import { bodyOf, make, paragraphs } from "../dom.js";
import { FIELDS } from "./fields.js";
import { RichText, written } from "./richtext.js";

/** @import { Values } from "./fields.js" */

const PLAIN = /** @type {const} */ (["headline", "by", "language", "correction", "edNote"]);
const FLAGS = /** @type {const} */ (["pinned", "keyEvent", "highlight"]);

/** The body of *item* as the form gives it back when nobody touches it. */
export function bodyForForm(item) {
  return written(make("div", {}, ...(item.bodyHtml ? bodyOf(item.bodyHtml) : paragraphs(item.bodyText ?? ""))));
}

/** `2026-11-23T14:05`, as the clock on this desk's wall has it. @param {string} time */
function localInput(time) {
  if (!time) return "";
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** One source a line, its address behind it. */
const sourceLine = ({ name, uri }) => (uri ? `${name} ${uri}` : name);

function sourceOf(line, known) {
  const [, name, uri] = /** @type {string[]} */ (/^(.*?)\s*(https?:\/\/\S+)?$/.exec(line.trim()));
  const before = known.find((source) => sourceLine(source) === line.trim());
  return before ?? (uri ? { name: name || new URL(uri).hostname, uri } : { name });
}

export class Form extends EventTarget {
  /** @type {Values | null} what was put in, for what has no field of its own */ #given = null;

  /** @param {HTMLFormElement} form @param {() => Promise<string>} askLink */
  constructor(form, askLink) {
    super();
    this.form = form;
    this.controls = /** @type {Record<string, any>} */ (/** @type {unknown} */ (form.elements));
    this.rich = new RichText(find(form, "#f-body"), find(form, ".tools"), askLink);
    form.addEventListener("input", () => this.#changed());
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    find(form, "#embargo-hint").textContent = zone;
  }

  #changed() {
    this.#measure();
    this.dispatchEvent(new Event("change"));
  }

  #measure() {
    find(this.form, ".left").textContent = String(300 - this.controls.headline.value.length);
  }

  /** @returns {Values} */
  get values() {
    const { controls } = this;
    const given = /** @type {any} */ (this.#given ?? {});
    const lines = (text) => text.split("\n").filter((line) => line.trim());
    const embargo = controls.embargo.value;
    return {
      ...given,
      ...Object.fromEntries(PLAIN.map((name) => [name, controls[name].value.trim()])),
      ...Object.fromEntries(FLAGS.map((name) => [name, controls[name].checked])),
      bodyHtml: this.rich.html,
      tags: controls.tags.value.split(",").map((tag) => tag.trim()).filter(Boolean),
      urgency: Number(controls.urgency.value),
      infoSources: lines(controls.sources.value).map((line) => sourceOf(line, given.infoSources ?? [])),
      renditions: this.#renditions(given.renditions ?? []),
      // A time that was not edited keeps its seconds.
      embargoedUntil: embargo === localInput(given.embargoedUntil) ? (given.embargoedUntil ?? "") : embargo && new Date(embargo).toISOString(),
    };
  }

  /** The first picture is the form's; others, and what it does not show of this one, stay as they are. */
  #renditions([first, ...others]) {
    const { href, alt, caption, credit } = this.controls;
    if (!href.value.trim()) return others;
    const texts = Object.entries({ title: alt.value.trim(), caption: caption.value.trim(), credit: credit.value.trim() });
    const { title, caption: was, credit: by, ...rest } = first?.href === href.value.trim() ? first : { name: "main" };
    return [{ ...rest, href: href.value.trim(), ...Object.fromEntries(texts.filter(([, text]) => text)) }, ...others];
  }

  /** @param {Values} values */
  set values(values) {
    this.take(values, FIELDS);
    find(this.form, ".picture").toggleAttribute("open", values.renditions.length > 0);
    find(this.form, ".timing").toggleAttribute("open", Boolean(values.embargoedUntil || values.edNote));
  }

  /** Puts only these fields in; where somebody is writing nothing moves. @param {Values} values @param {(keyof Values)[]} names */
  take(values, names) {
    const { controls } = this;
    const [picture = {}] = values.renditions;
    this.#given = { ...values };
    for (const name of names) {
      if (PLAIN.includes(/** @type {any} */ (name))) controls[name].value = values[name];
      else if (FLAGS.includes(/** @type {any} */ (name))) controls[name].checked = values[name];
    }
    if (names.includes("bodyHtml")) this.rich.html = values.bodyHtml;
    if (names.includes("tags")) controls.tags.value = values.tags.join(", ");
    if (names.includes("urgency")) controls.urgency.value = String(values.urgency);
    if (names.includes("infoSources")) controls.sources.value = values.infoSources.map(sourceLine).join("\n");
    if (names.includes("embargoedUntil")) controls.embargo.value = localInput(values.embargoedUntil);
    if (names.includes("renditions")) {
      const texts = { href: picture.href, alt: picture.title, caption: picture.caption, credit: picture.credit };
      for (const [name, text = ""] of Object.entries(texts)) controls[name].value = text;
    }
    this.#measure();
  }

  focus() {
    this.controls.headline.focus();
  }
}

/** @returns {HTMLElement} */
function find(root, selector) {
  return root.querySelector(selector);
}
