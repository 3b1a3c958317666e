// The desk: its parts, and how they are connected.

import { About } from "./desk/about.js";
import { Composer } from "./desk/composer.js";
import { Deeds } from "./desk/deeds.js";
import { ask } from "./desk/dialogs.js";
import { deskId, Drafts } from "./desk/drafts.js";
import { Form } from "./desk/form.js";
import { Items } from "./desk/items.js";
import { List, namesOf } from "./desk/list.js";
import { Outbox } from "./desk/outbox.js";
import { Presence } from "./desk/presence.js";
import { Store } from "./desk/store.js";
import { Waiting } from "./desk/waiting.js";
import { make } from "./dom.js";
import { addressOf, connect } from "./livefeed.js";
import { Words } from "./words.js";

const MARKS = /** @type {Record<string, string>} */ ({ live: "●", stale: "◐", connecting: "○", reconnecting: "◌", offline: "▲", stopped: "■" });
const ROOT = new URL(import.meta.url.replace(/\/static\/.*$/, "/"));

const root = /** @type {HTMLElement} */ (document.querySelector(".desk"));
const { feed = "", role = "", subject = "", language = "" } = root.dataset;
const find = (selector) => /** @type {any} */ (document.querySelector(selector));
const address = addressOf(feed);
const session = new URL("v1/session", ROOT).href;
const page = new URL(`read/${feed}`, ROOT).pathname;
const mayEdit = role === "edit";
const desk = await deskId();

const words = await Words.load(document.documentElement.lang);
const store = await Store.open();
const live = connect(feed);
const now = () => live.now();
const items = new Items(`${address}/items`, mayEdit);
const presence = new Presence(`${address}/desks`, desk, () => localStorage.getItem("livefeed.name") ?? "");
const outbox = new Outbox(store, feed, subject, `${address}/items`);
const drafts = new Drafts(store, { feed, subject, desk });
const askLink = async () => (await ask({ title: words.text("desk.tool.link"), label: words.text("desk.ask.link"), yes: words.text("desk.ask.link.yes"), type: "url" })) ?? "";
const form = new Form(find(".composer form"), askLink);
const composer = new Composer({ form, drafts, outbox, words, role });
const deeds = new Deeds({ outbox, items, words });
const list = new List({ root: find(".stock"), items, presence, words, now });
const about = new About({ root, composer, deeds, presence, words, page, now });
const waiting = new Waiting({ root, outbox, composer, words, session });
let toasting = 0;

function toast(key, places) {
  clearTimeout(toasting);
  find(".toast").textContent = words.text(key, places);
  toasting = setTimeout(() => (find(".toast").textContent = ""), 6_000);
}

function showState() {
  const chip = find(".desk-state");
  chip.dataset.state = live.state;
  chip.dataset.mark = MARKS[live.state];
  find(".desk-state .word").textContent = words.text(`state.${live.state}`, { time: words.clock(live.since) });
}

function showPeople() {
  const people = presence.others.map((other) => make("li", { title: namesOf([other]), dir: "auto" }, namesOf([other])));
  find(".people").replaceChildren(...people);
}

/** Opens an item as it is now; while the server is away, as it is known here. */
async function open(id) {
  if (!id || id === composer.base?.id) return;
  let item = items.get(id);
  try {
    item = await items.read(id);
  } catch {
    if (!item) return toast("error.notFound.item");
  }
  const kept = (await drafts.orphans()).find((draft) => draft.base?.id === id);
  if (kept) await resume(kept);
  else composer.open(/** @type {any} */ (item));
  if (kept && item) composer.meet(item);
  form.focus();
}

async function resume(draft) {
  await composer.resume(draft);
  about.restored(draft.at);
}

composer.addEventListener("open", () => {
  const id = composer.base?.id ?? "";
  list.mark(id);
  presence.open(id);
  const query = new URLSearchParams(location.search);
  id ? query.set("item", id) : query.delete("item");
  const search = query.size ? `?${query}` : "";
  if (search !== location.search) history.replaceState(null, "", `${location.pathname}${search}`); // takes its time even for nothing
});
composer.addEventListener("empty", () => toast("desk.empty"));
composer.addEventListener("unchanged", () => toast("desk.unchanged"));
composer.addEventListener("unsaved", () => toast("desk.unsaved"));
composer.addEventListener("sent", () => form.focus());
drafts.saved = (at) => (find(".saved").textContent = at ? words.text("desk.saved", { time: words.clock(at) }) : words.text("desk.unsaved"));

outbox.addEventListener("sent", ({ detail: { entry, item } }) => {
  if (item) items.put(item);
  toast(`desk.sent.${entry.deed}`, { title: entry.title });
  items.look();
});
outbox.addEventListener("refused", ({ detail }) => toast(detail.problem.status === 412 ? "desk.problem.stale" : "desk.refused", { detail: detail.problem.detail }));
// The composer ignores our own new version while the change waits for its response, so it checks again when the outbox has changed.
for (const room of [items, outbox]) room.addEventListener("change", meet);
presence.addEventListener("change", showPeople);
for (const name of ["event", "snapshot", "reset"]) live.addEventListener(name, ({ detail }) => items.apply(detail));
live.addEventListener("hello", () => outbox.drain());
live.addEventListener("hello", () => items.look());
live.addEventListener("state", showState);

list.addEventListener("open", ({ detail }) => mayEdit && open(detail.id));
list.addEventListener("move", ({ detail }) => deeds.move(detail.id, detail.by));
find(".composer form").addEventListener("submit", (event) => {
  event.preventDefault();
  composer.submit();
});
find(".save").addEventListener("click", () => composer.submit({ draft: true }));
find(".break").addEventListener("click", () => (composer.armed ? composer.submit() : composer.arm()));
find(".stock .new").addEventListener("click", write);
find(".help").addEventListener("click", () => find("dialog.keys").showModal());
find(".signout").addEventListener("click", async () => {
  await fetch(session, { method: "DELETE" });
  location.reload();
});

function meet() {
  const item = composer.base && items.get(composer.base.id);
  if (!item || item.version <= composer.base.version) return;
  if (item.state === "withheld" && !item.held) return; // it comes here again with what it said
  composer.meet(item);
}

/** To a new item, or to the one that was begun. */
async function write() {
  if (composer.base || !composer.dirty) {
    const begun = await drafts.unfinished();
    if (begun) await resume(begun);
    else composer.open(null);
  }
  form.focus();
}

/** One place for every key, by the place of the key: Alt makes other letters of it on some keyboards. */
const KEYS = /** @type {Record<string, () => unknown>} */ ({
  "ctrl+Enter": () => composer.submit(),
  "ctrl+KeyS": () => (find(".save").hidden ? composer.submit() : composer.submit({ draft: true })),
  "alt+KeyB": () => composer.arm(),
  "alt+KeyN": write,
  "alt+KeyL": () => (find(".items button") ?? find(".stock .new")).focus(),
});

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.isComposing) return;
  const control = event.ctrlKey || event.metaKey;
  const held = control === event.altKey ? "" : control ? "ctrl+" : "alt+";
  const act = KEYS[held + event.code];
  const plain = !control && !event.altKey && !event.shiftKey;
  if (act && !event.shiftKey) act();
  else if (plain && event.key === "Enter" && composer.armed) composer.submit();
  else if (plain && event.key === "Escape" && composer.armed) composer.disarm();
  else if (plain && event.key === "Escape" && waiting.undoable) waiting.takeBack();
  else return;
  event.preventDefault();
}, { capture: true });

const asked = new URLSearchParams(location.search).get("item");
composer.open(null);
if (language && !form.controls.language.value) form.controls.language.placeholder = language;
const [left] = await drafts.orphans();
if (asked && mayEdit) await open(asked);
else if (left) await resume(left);
showState();
presence.tell();
items.look();
outbox.refresh();
root.dataset.ready = "";
