// The status page of all screens, polled every few seconds.

import { make } from "./dom.js";
import { Words } from "./words.js";

const TICK = 5_000;
const ROOT = new URL(import.meta.url.replace(/\/static\/.*$/, "/"));

const words = await Words.load(document.documentElement.lang);
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const late = Number(main.dataset.late);
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

const stateOf = ({ age, state }) => (age > late ? "missing" : state);
const seconds = (ms) => words.text("status.seconds", { n: Math.floor(ms / 1000) });

function draw(screen) {
  const { screen: name, feed, age, heard, items, newest, version } = screen;
  const state = stateOf(screen);
  return make(
    "tr",
    { "data-state": state },
    make("th", { scope: "row", dir: "auto" }, name),
    make("td", {}, make("a", { href: new URL(`wall/${feed}`, ROOT).pathname }, feed)),
    make("td.state", {}, words.text(`status.${state}`)),
    ...[seconds(age), heard === undefined ? "" : seconds(heard), String(items)].map((text) => make("td", {}, text)),
    make("td", {}, newest && make("time", { datetime: newest }, words.clock(newest))),
    make("td", {}, version),
  );
}

async function show() {
  try {
    const response = await fetch(new URL("v1/screens", ROOT), { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const { screens } = await response.json();
    find("tbody").replaceChildren(...screens.map(draw));
    find(".none").hidden = screens.length > 0;
    const good = screens.filter((screen) => stateOf(screen) === "live").length;
    find(".sum").textContent = screens.length ? words.text("status.sum", { good, all: screens.length }) : "";
  } catch {
    find(".sum").textContent = words.text("status.lost"); // the ages on the page are no longer true
  }
}

setInterval(show, TICK);
show();
