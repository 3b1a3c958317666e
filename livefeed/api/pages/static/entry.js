// One item in a list, rendered like `entry.html` does on the server.

import { bodyOf, make, paragraphs } from "./dom.js";

/** @import { Item } from "./model.js" */
/** @import { Words } from "./words.js" */

/** @typedef {{words: Words, page: string, now: () => number, editor: boolean, compact: boolean}} Style */

const BREAKING_FOR = 30 * 60_000;
const LONG = 900;
const TITLE = 120;

const RTL = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi|ku-arab)(-|$)/i;
const isRtl = (language = "") => RTL.test(language);

export const isBreaking = (item, now) => (item.urgency ?? 5) <= 2 && Date.parse(item.contentCreated) + BREAKING_FOR > now;

/** Plain HTTP has neither the system's sheet nor the clipboard. */
export const canShare = () => Boolean(navigator.share || navigator.clipboard);

/** The headline, or the beginning of the body on one line. */
export function titleOf(item) {
  if (item.headline) return item.headline;
  const text = textOf(item).split(/\s+/).join(" ").trim();
  return text.length <= TITLE ? text : `${text.slice(0, TITLE - 1).trimEnd()}…`;
}

function textOf(item) {
  return item.bodyText || (item.bodyHtml ? bodyOf(item.bodyHtml).map((node) => node.textContent).join("\n") : "");
}

/** @param {Item} item @param {Style} style */
export function draw(item, style) {
  const { words, page } = style;
  const path = `${page}/${encodeURIComponent(item.id)}`;
  const when = make("p.when", { lang: words.plural.resolvedOptions().locale }, timeOf(item, style), " ", make("span.age"));
  const headline = make("a", { href: path }, style.compact ? titleOf(item) : item.headline);
  const title = make("h3.headline", { dir: "auto" }, headline);
  const content = style.compact ? [title] : [make("div.what", { dir: isRtl(item.language) && "rtl" }, ...what(item, style, item.headline ? title : null))];
  const entry = make("li.entry", { id: `u-${item.id}` }, make("article", { lang: item.language }, when, ...content));
  entry.classList.toggle("highlight", Boolean(item.highlight));
  return entry;
}

function timeOf(item, { words, page, compact }) {
  const time = make("time", { datetime: item.contentCreated }, words.clock(item.contentCreated));
  if (compact) return time;
  const id = encodeURIComponent(item.id);
  return make("a.permalink", { href: `${page}?with=${id}#u-${id}`, title: words.text("item.link") }, time);
}

function what(item, style, title) {
  const body = item.bodyHtml ? bodyOf(item.bodyHtml) : paragraphs(item.bodyText ?? "");
  const long = textOf(item).length > LONG;
  return [
    labels(item, style),
    title,
    item.correction && make("p.correction", { dir: "auto" }, item.correction),
    figure(item, style),
    body.length > 0 && make(long ? "div.body.long" : "div.body", { dir: "auto" }, ...body),
    body.length > 0 && long && whole(item, style),
    sources(item, style),
    foot(item, style),
  ];
}

/** A long text is cut in the list; all of it is on its own page. */
function whole({ id }, { words, page }) {
  const link = make("a", { href: `${page}/${encodeURIComponent(id)}` }, words.text("item.whole"));
  return make("p.whole", { lang: words.plural.resolvedOptions().locale }, link);
}

function labels(item, { words, now }) {
  const shown = [
    isBreaking(item, now()) && make("span.label.breaking", {}, words.text("item.breaking")),
    item.correction && make("span.label.corrected", {}, words.text("item.correction")),
    item.keyEvent && make("span.label.key", {}, words.text("item.keyEvent")),
  ].filter(Boolean);
  return shown.length > 0 && make("p.labels", {}, ...shown);
}

function figure(item, { words }) {
  const shown = item.renditions?.find(
    ({ href, contentType }) => href.startsWith("https:") && (!contentType || contentType.startsWith("image/")),
  );
  if (!shown) return null;
  const { href: src, title: alt = "", width = 1200, height = 800, caption, credit } = shown;
  const legend = [caption, credit && " ", credit && make("span.credit", {}, words.text("item.picture.credit", { credit }))];
  return make(
    "figure.picture",
    {},
    make("img", { src, alt, width, height, loading: "lazy", decoding: "async" }),
    (caption || credit) && make("figcaption", { dir: "auto" }, ...legend),
  );
}

function sources({ infoSources = [], link }, { words }) {
  if (!infoSources.length && !link) return null;
  const names = infoSources.flatMap(({ name }, i) => [i > 0 && ", ", make("bdi", {}, name)]);
  const host = link && make("span.host", {}, new URL(link).hostname);
  return make(
    "p.sources",
    {},
    names.length > 0 && make("span", {}, `${words.text("item.sources")}: `, ...names),
    names.length > 0 && " ",
    link && make("a.original", { href: link, rel: "noopener noreferrer" }, `${words.text("item.read")} `, host),
  );
}

function foot({ id, tags = [] }, { words, page, editor }) {
  const desk = page.replace(/\/read\/([^/]+)$/, "/desk/$1");
  return make(
    "p.foot",
    { lang: words.plural.resolvedOptions().locale },
    ...tags.map((tag) => make("a.tag", { href: `${page}?${new URLSearchParams({ tag })}` }, make("bdi", {}, tag))),
    canShare() && make("button.share", { type: "button" }, words.text("item.share")),
    editor && make("a.edit", { href: `${desk}?item=${encodeURIComponent(id)}` }, words.text("item.edit")),
  );
}

/** What stands where an item was that is withheld or canceled. */
export function tombstone(item, { words }) {
  const text = words.text(item.pubStatus === "withheld" ? "item.withheld" : "item.canceled");
  const entry = make("li.entry.gone", { id: `u-${item.id}` }, make("p", {}, text));
  return entry;
}
