// The wall page: a screen that runs unattended for weeks. Its whole configuration is in its URL.

import { addressOf, connect, readItems } from "./livefeed.js";
import { isDim, WallClock } from "./wall/clock.js";
import { Renewal } from "./wall/renewal.js";
import { Rows, say, voice } from "./wall/rows.js";
import { KEPT, Screen } from "./wall/screen.js";
import { Words } from "./words.js";

const TICK = 1_000;
const REPORT = 15_000;
const REFUSED = 60_000; // what the server does not want is not better for being said again at once
const SHIFT = 180_000; // so that no line burns into the panel
const ORBIT = [[0, 0], [4, 0], [4, 4], [0, 4], [-4, 4], [-4, 0], [-4, -4], [0, -4], [4, -4]];
const SHAPES = { live: "●", reconnecting: "▲", offline: "■" };
const SHOWN = /** @type {Record<string, "live" | "reconnecting" | "offline">} */ ({ live: "live", offline: "offline", stopped: "offline" });

const wall = /** @type {HTMLElement} */ (document.querySelector(".wall"));
const { feed: name = "", tags = "", zone = "", screen: given = "", dim = "", version = "" } = wall.dataset;
const rows = Number(wall.dataset.rows);
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;

const words = await Words.load(document.documentElement.lang);
const clock = new WallClock(words.hours.resolvedOptions().locale, zone);
const screen = new Screen(rows);
const board = new Rows(find(".rows"), find(".breaking"), rows, words, (ms) => clock.read(ms).minute);
const renewal = new Renewal(version);
const chosen = tags ? tags.split(",") : undefined;
const live = connect(name, { last: KEPT, tags: chosen, token, share: false });
const told = Object.fromEntries(
  [".hour", ".date", ".zone", ".word", ".shape", ".last", ".checked", ".outage"].map((selector) => [selector, voice(find(selector))]),
);
const called = given || ownName();
const opened = Date.now();
let filled = false;
let shown = screen.view(Date.now());
let painted = 0;
let changed = Date.now();
let reported = 0;
let reportedState = "";
let refusedUntil = 0;

performance.setResourceTimingBufferSize(0); // the browser's own list of all that was ever asked: nobody reads it here
performance.clearResourceTimings();
wall.style.setProperty("--scale", wall.dataset.scale ?? "1");
find(".screen").textContent = called;
for (const event of ["event", "snapshot", "reset"]) live.addEventListener(event, ({ detail }) => take(detail));
live.addEventListener("state", tick);
setInterval(tick, TICK);
tick();

/** A screen that was given no name keeps the one that it makes. */
function ownName() {
  const kept = localStorage.getItem("livefeed.screen") ?? `screen-${crypto.getRandomValues(new Uint16Array(1))[0].toString(16).padStart(4, "0")}`;
  localStorage.setItem("livefeed.screen", kept);
  return kept;
}

function take(event) {
  const now = live.now();
  const added = screen.apply(event);
  filled = true;
  if (event.type.startsWith("live.item.")) board.greet(added, now); // what comes in bulk is no news of this moment
  changed = Date.now();
  if (changed - painted >= TICK || event.type.startsWith("live.stream.") || isRemoval(event)) paint();
}

// Removed items disappear immediately. All other changes appear at most once a second, so that a burst of news does not flicker.
const isRemoval = ({ type }) => type === "live.item.withheld" || type === "live.item.canceled";

function paint() {
  const now = live.now();
  painted = Date.now();
  shown = screen.view(now);
  board.show(shown, now);
  showState(now);
  find(".empty").hidden = shown.size > 0;
  if (screen.wanting) refill();
}

async function refill() {
  screen.ask(); // one request, however many events come meanwhile
  screen.fill(await readItems(name, { limit: KEPT, tag: chosen, token }).catch(() => null));
}

function tick() {
  const now = live.now();
  if (filled) paint();
  else showState(now);
  showClock(now);
  const step = ORBIT[Math.floor(Date.now() / SHIFT) % ORBIT.length];
  wall.style.setProperty("--x", `${step[0]}px`);
  wall.style.setProperty("--y", `${step[1]}px`);
  if (live.state === "live" && !shown.breaking) renewal.look(Date.now(), live.version, changed);
  const begun = filled || Date.now() - opened >= REPORT;
  if (begun && Date.now() >= refusedUntil && (Date.now() - reported >= REPORT || live.state !== reportedState)) report();
}

function showClock(now) {
  const { hour, date, zone: abbreviation, minute } = clock.read(now);
  say(told[".hour"], hour);
  say(told[".date"], date);
  say(told[".zone"], clock.known ? abbreviation : words.text("wall.zone", { zone }));
  document.body.classList.toggle("dim", isDim(dim, minute));
}

/** Live, reconnecting or offline: a word, a shape and a colour, and a quiet feed never looks like a dead one. */
function showState(now) {
  const state = SHOWN[live.state] ?? "reconnecting";
  const chip = find(".state");
  chip.dataset.state = state;
  say(told[".shape"], SHAPES[state]);
  say(told[".word"], wordFor(state));
  if (filled) say(told[".last"], shown.newest ? words.text("wall.last", { age: duration(now - Date.parse(shown.newest)) }) : words.text("wall.last.none"));
  say(told[".checked"], Number.isFinite(live.age) ? words.text("wall.checked", { age: duration(live.age) }) : words.text("wall.checked.never"));
  find(".outage").hidden = state !== "offline";
  const outage = Date.now() - live.since;
  say(told[".outage"], state === "offline" ? words.text("wall.outage", { age: duration(outage), time: timeOf(live.since) }) : "");
}

function wordFor(state) {
  if (state === "live") return words.text("wall.live");
  if (live.state === "connecting") return words.text("wall.connecting");
  if (live.state === "stale") return words.text("wall.stale", { time: timeOf(live.since) });
  return words.text(`wall.${state}`, { time: timeOf(live.since) });
}

const timeOf = (ms) => clock.read(ms + live.now() - Date.now()).minute;

/** A length of time in its largest unit. @param {number} ms */
function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return words.text("wall.seconds", { n: seconds });
  if (seconds < 3600) return words.text("wall.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return words.text("wall.hours", { n: Math.floor(seconds / 3600) });
  return words.text("wall.days", { n: Math.floor(seconds / 86_400) });
}

/** Says how this screen is, for the page that lists all of them. What cannot be said now is said the next time. */
function report() {
  reported = Date.now();
  reportedState = live.state;
  const state = SHOWN[live.state] ?? "reconnecting";
  const since = new Date(live.since).toISOString();
  const body = { screen: called, state, heard: Number.isFinite(live.age) ? Math.round(live.age) : undefined, items: screen.size, newest: shown.newest, version: live.version || version, since };
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  // One at a time: if the network drops all packets, pending reports would take all six connections, and none would be left for the stream.
  fetch(`${addressOf(name)}/screens`, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(REPORT) })
    .then((response) => {
      response.body?.cancel(); // an answer that nobody reads is kept for ever
      if (!response.ok) refusedUntil = Date.now() + Math.max(REFUSED, 1000 * Number(response.headers.get("Retry-After")));
    })
    .catch(() => {});
}
