// Dialogs: questions that must be answered before an action.

import { bodyOf, make } from "../dom.js";

/** @import { Words } from "../words.js" */
/** @import { Values } from "./fields.js" */

const find = (root, selector) => /** @type {any} */ (root.querySelector(selector));

/** Shows *dialog* until it is closed: what it was answered, "" for Escape. @returns {Promise<string>} */
function answered(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/**
 * Asks for one line of text; null if it was cancelled.
 *
 * @param {{title: string, lead?: string, label: string, yes: string, type?: string, required?: boolean, alarm?: boolean}} question
 * @returns {Promise<string?>}
 */
export async function ask({ title, lead = "", label, yes, type = "text", required = false, alarm = false }) {
  const dialog = find(document, "dialog.ask");
  const input = find(dialog, "input");
  find(dialog, "h2").textContent = title;
  find(dialog, ".lead").textContent = lead;
  find(dialog, "label").textContent = label;
  find(dialog, ".yes").textContent = yes;
  find(dialog, ".problem").textContent = "";
  dialog.classList.toggle("alarm", alarm);
  Object.assign(input, { value: "", type, required, autocomplete: type === "password" ? "current-password" : "off" });
  const said = await answered(dialog);
  const text = input.value.trim();
  input.value = ""; // it may have been a key
  return said === "yes" ? text : null;
}

/**
 * Shows two versions of an item side by side, to choose one for each field that both changed.
 *
 * @param {object} what
 * @param {Words} what.words
 * @param {string} what.lead @param {string} what.yes
 * @param {Values} what.mine @param {Values} what.theirs
 * @param {(keyof Values)[]} what.conflicts both changed these @param {(keyof Values)[]} what.taken only the others changed these
 * @returns {Promise<{answer: string, chosen: Partial<Values>}>}
 */
export async function compare({ words, lead, yes, mine, theirs, conflicts, taken }) {
  const dialog = find(document, "dialog.two");
  find(dialog, ".lead").textContent = lead;
  find(dialog, ".yes").textContent = yes;
  const sides = [words.text("desk.two.field"), words.text("desk.two.mine"), words.text("desk.two.other")];
  const head = make("tr", {}, ...sides.map((side) => make("th", { scope: "col" }, side)));
  const both = conflicts.map((name) => row(words, name, mine, theirs, true));
  const only = taken.map((name) => row(words, name, null, theirs, false));
  find(dialog, ".versions").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...both, ...only)));
  const answer = await answered(dialog);
  const picked = conflicts.filter((name) => find(dialog, `input[name="two-${name}"]:checked`)?.value === "theirs");
  return { answer, chosen: Object.fromEntries(picked.map((name) => [name, theirs[name]])) };
}

function row(words, name, mine, theirs, choice) {
  const label = words.text(`desk.two.${name}`);
  const side = (values, which) => {
    if (!values) return make("td", {}, make("p.hint", {}, words.text("desk.two.untouched")));
    const shown = make("div.said", { dir: "auto" }, ...contentOf(words, name, values[name]));
    if (!choice) return make("td", {}, shown);
    const radio = make("input", { type: "radio", name: `two-${name}`, value: which, checked: which === "mine" });
    return make("td", {}, make("label.pick", {}, radio, make("span", {}, words.text(`desk.two.keep.${which}`))), shown);
  };
  return make("tr", {}, make("th", { scope: "row" }, label), side(mine, "mine"), side(theirs, "theirs"));
}

function contentOf(words, name, value) {
  if (name === "bodyHtml") return bodyOf(value);
  if (typeof value === "boolean") return [words.text(value ? "desk.yes" : "desk.no")];
  if (Array.isArray(value)) return [value.map((one) => one.href ?? one.name ?? one).join(", ")];
  return [String(value)];
}
