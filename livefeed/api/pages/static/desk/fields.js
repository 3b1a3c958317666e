// The fields that an editor can set: from the item to the form, from the form to a patch, and the merge of two people's changes.
// No DOM and no transport; the function that cleans a body is passed in.

/** @import { Item } from "../model.js" */

/**
 * @typedef {object} Values
 * @property {string} headline @property {string} bodyHtml @property {string[]} tags @property {number} urgency
 * @property {string} by @property {{name: string, uri?: string, role?: string}[]} infoSources
 * @property {Record<string, any>[]} renditions @property {string} language @property {string} embargoedUntil
 * @property {string} correction @property {string} edNote
 * @property {boolean} pinned @property {boolean} keyEvent @property {boolean} highlight
 */

/** @type {() => Values} */
export const blank = () => ({
  headline: "",
  bodyHtml: "",
  tags: [],
  urgency: 5,
  by: "",
  infoSources: [],
  renditions: [],
  language: "",
  embargoedUntil: "",
  correction: "",
  edNote: "",
  pinned: false,
  keyEvent: false,
  highlight: false,
});

export const FIELDS = /** @type {(keyof Values)[]} */ (Object.keys(blank()));

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const empty = (value) => value === "" || value === false || (Array.isArray(value) && value.length === 0);

/** What the form shows of *item*. @param {Item} item @param {(item: Item) => string} bodyOf its body as the form would give it back */
export function valuesOf(item, bodyOf) {
  const values = blank();
  for (const name of FIELDS) if (item[name] !== undefined) values[name] = /** @type {never} */ (item[name]);
  return { ...values, bodyHtml: bodyOf(item) };
}

/** Whether nothing was written. @param {Values} values */
export function isBlank(values) {
  const { urgency, language, by, ...rest } = values; // are kept from one item to the next
  return Object.values(rest).every(empty);
}

/** A new item. @param {Values} values */
export function itemOf(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !empty(value)));
}

/** The fields in which two forms differ. @param {Values} a @param {Values} b */
export const difference = (a, b) => FIELDS.filter((name) => !same(a[name], b[name]));

/** The merge patch from what *before* showed to *values*. @param {Item} before @param {Values} shown @param {Values} values */
export function patchOf(before, shown, values) {
  const patch = /** @type {Record<string, any>} */ ({});
  for (const name of difference(shown, values)) patch[name] = empty(values[name]) ? null : values[name];
  if ("bodyHtml" in patch && before.bodyText) patch.bodyText = null; // one body, in the form that the desk writes
  return patch;
}

/**
 * Merges two people's changes to one item. What only one of them changed is taken; what both changed differently is a conflict.
 *
 * @param {Values} base what both started from @param {Values} mine @param {Values} theirs
 */
export function threeWay(base, mine, theirs) {
  const [ours, others] = [difference(base, mine), difference(base, theirs)];
  const conflicts = ours.filter((name) => others.includes(name) && !same(mine[name], theirs[name]));
  const taken = others.filter((name) => !ours.includes(name));
  const merged = { ...mine };
  for (const name of taken) merged[name] = /** @type {never} */ (theirs[name]);
  return { merged, conflicts, taken };
}

/** Whether *item* is already as *patch* would make it: our own change, of which only the answer was lost. */
export function isApplied(item, patch) {
  return Object.entries(patch).every(([name, value]) => (value === null ? item[name] === undefined || empty(item[name]) : same(item[name], value)));
}
