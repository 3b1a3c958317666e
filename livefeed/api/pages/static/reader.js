// The reader page around its list: the breaking-news banner, pinned items, key events, highlights, and the number of readers.

import { countInTitle, showState } from "./chrome.js";
import { make } from "./dom.js";
import { draw, isBreaking, titleOf } from "./entry.js";
import "./live-feed.js";

const READERS = 120_000;
const SETTLED = 5_000; // by then this reader is counted too
const TICK = 10_000;

/** @type {import("./live-feed.js").LiveFeedElement} */
const feed = document.querySelector("live-feed");
const page = feed.getAttribute("page");
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const now = () => feed.live.now();

/** Changes what is above or beside the list, and holds the list still meanwhile. */
const arrange = (change) => feed.board.holding(change);

feed.addEventListener("ready", () => {
  const chip = find(".masthead .state");
  if (chip) showState(feed, chip);
  countInTitle(feed);
  for (const forward of document.querySelectorAll("[data-forward]")) feed.model.put(JSON.parse(forward.dataset.forward));
  showTimes();
  find(".key-events").addEventListener("click", jump);
  feed.addEventListener("change", ({ detail }) => arrange(() => putForward(detail)));
  setInterval(() => arrange(() => (showBreaking(), showTimes())), TICK);
  setTimeout(countReaders, SETTLED);
  setInterval(countReaders, READERS);
  clampPinned();
});

/** To a key event that is on the page already; one that is not is where its link leads: on the page that contains it. */
function jump(event) {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !document.getElementById(link.hash.slice(1))) return;
  event.preventDefault();
  location.hash = link.hash;
}

/** How fresh the news are, and the times of what is put forward: it may be of another day. */
function showTimes() {
  const [newest] = feed.model.list(now());
  const updated = document.querySelector(".updated");
  if (updated && newest) {
    const { contentCreated: time } = newest;
    updated.textContent = feed.words.text("item.updated", { time: feed.words.age(time, now()) || feed.words.moment(time, now()) });
  }
  for (const time of document.querySelectorAll(":is(.key-events, .pinned) time")) {
    time.textContent = feed.words.moment(time.getAttribute("datetime"), now());
  }
  for (const when of document.querySelectorAll(".pinned .when")) {
    const time = when.querySelector("time");
    when.querySelector(".age").textContent = feed.words.age(time.getAttribute("datetime"), now());
  }
}

/** @param {import("./model.js").Change[]} changes */
function putForward(changes) {
  showBreaking();
  showPinned(new Map(changes.map(({ item }) => [item.uri, item])));
  fill(find(".key-events"), feed.model.keyEvents(now()).slice(0, 8), (item) => {
    const id = encodeURIComponent(item.id);
    const time = make("time", { datetime: item.contentCreated });
    return make("li", {}, time, " ", make("a", { href: `${page}?with=${id}#u-${id}`, dir: "auto", lang: item.language }, titleOf(item)));
  });
  showTimes();
  fill(find(".picks"), feed.model.highlights(now()).slice(0, 6), (item) =>
    make("li", {}, make("a", { href: `${page}/${encodeURIComponent(item.id)}`, dir: "auto", lang: item.language }, titleOf(item))),
  );
}

function fill(section, items, drawn) {
  section.hidden = items.length === 0;
  section.querySelector("ol, ul").replaceChildren(...items.map(drawn));
}

function showBreaking() {
  const band = find(".breaking-band");
  const item = feed.model.list(now()).find((item) => isBreaking(item, now()));
  band.hidden = !item;
  if (!item) return;
  const link = /** @type {HTMLAnchorElement} */ (band.querySelector("a"));
  link.href = `${page}/${encodeURIComponent(item.id)}`;
  if (link.textContent !== titleOf(item)) link.textContent = titleOf(item);
}

/** A pinned item keeps its place in the list; what is on top is a copy of it. @param {Map<string, any>} changed */
function showPinned(changed) {
  const section = find(".pinned");
  const list = section.querySelector("ol");
  const copies = new Map([...list.children].map((copy) => [copy.dataset.uri, copy]));
  const wanted = feed.model.pinned(now()).filter(({ uri }) => copies.has(uri) || changed.has(uri));
  const drawn = wanted.map((item) => {
    if (!changed.has(item.uri)) return copies.get(item.uri);
    const copy = draw(item, feed.board.style);
    copy.removeAttribute("id"); // only the original has the address
    copy.dataset.uri = item.uri;
    return copy;
  });
  if (drawn.every((copy, i) => copy === list.children[i]) && drawn.length === list.children.length) return;
  list.replaceChildren(...drawn);
  section.hidden = drawn.length === 0;
  clampPinned();
}

/** A long pinned item is cut until the reader asks for all of it. */
function clampPinned() {
  const section = find(".pinned");
  section.querySelector("button.unfold")?.remove();
  section.classList.remove("unfolded");
  if (section.hidden || section.scrollHeight <= section.clientHeight) return;
  const button = make("button.unfold", { type: "button", "aria-expanded": "false" }, feed.words.text("feed.pinned.more"));
  button.addEventListener("click", () => {
    const unfolded = section.classList.toggle("unfolded");
    button.setAttribute("aria-expanded", String(unfolded));
    button.textContent = feed.words.text(unfolded ? "feed.pinned.less" : "feed.pinned.more");
  });
  section.append(button);
}

async function countReaders() {
  if (document.visibilityState !== "visible") return;
  const response = await fetch(page.replace(/\/read\/([^/]+)$/, "/v1/feeds/$1")).catch(() => null);
  if (!response?.ok) return;
  const { readers } = await response.json();
  const shown = find(".readers");
  shown.hidden = !readers;
  shown.textContent = feed.words.count("feed.readers", readers ?? 0);
}
