// The browser client of Livefeed.
//
//   import { connect } from "https://feeds.example/static/livefeed.js";
//   const feed = connect("world", { last: 20 });
//   feed.addEventListener("event", ({ detail }) => console.log(detail.type, detail.data.headline));
//
// One connection for all tabs, exact across reconnects, with an accurate connection state. livefeed.d.ts declares and describes it.

import { Clock, Condition, cursorOf, instant, seq } from "./condition.js";
import { FeedModel, newestFirst } from "./model.js";
import { leader, worker } from "./sharing.js";
import { Stream } from "./stream.js";

export { Clock, Condition, FeedModel, Stream, newestFirst, seq };

export const ROOT = new URL(import.meta.url.replace(/\/static\/.*$/, "/")); // the server that this script came from
const DESERTED = 45_000; // a hub that has nothing to say for so long, not even that it fails, is no hub
const TICK = 500;

export const addressOf = (feed, server = ROOT) => new URL(feed.includes("/") ? feed : `v1/feeds/${feed}`, server).href;

export const connect = (feed, options) => new LiveFeed(feed, options);

/** One page of a feed's items, newest first. */
export async function readItems(feed, { server, token, signal, ...query } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])));
  const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
  const response = await fetch(`${addressOf(feed, server)}/items?${search}`, { headers, signal });
  if (!response.ok) throw new Error(`${feed}: ${response.status} ${response.statusText}`);
  return response.json();
}

export class LiveFeed extends EventTarget {
  cursor; // everything up to it was handed out
  version = "";
  head;
  since = Date.now();
  #clock = new Clock();
  #condition = new Condition(instant());
  #link;
  #state = "connecting";
  #watch = 0;
  #noticed = performance.now();
  #looked = performance.now();
  #direct = false;
  #course;

  constructor(feed, { share = true, server, ...course } = {}) {
    super();
    this.#course = { ...course, url: `${addressOf(feed, server)}/events` };
    this.cursor = course.after;
    this.#link = share ? this.#shared() : this.#alone();
    this.#watch = setInterval(() => this.#look(), TICK);
    for (const [target, names] of AWAKE) for (const name of names) target.addEventListener(name, this.#wake);
  }

  get state() {
    return this.#condition.at(instant());
  }

  get age() {
    return this.#condition.age(instant());
  }

  now() {
    return Date.now() + this.#clock.offset;
  }

  close() {
    clearInterval(this.#watch);
    for (const [target, names] of AWAKE) for (const name of names) target.removeEventListener(name, this.#wake);
    this.#link.close();
    this.#condition.stopped = true;
    this.#look();
  }

  #here = () => ({ ...this.#course, after: this.cursor });

  #alone() {
    this.#direct = true;
    const tell = (news) => this.#tell(news);
    const stream = new Stream(this.#here(), (event) => tell({ event }), () => tell({ lost: true, stopped: stream.condition.stopped }));
    return stream;
  }

  #shared() {
    const tell = (news) => this.#tell(news);
    const sameOrigin = new URL(import.meta.url).origin === location.origin; // a worker's script has to be
    if (sameOrigin && "SharedWorker" in window) return worker(this.#here(), tell, () => this.#leave());
    if ("BroadcastChannel" in window && navigator.locks) return leader(this.#here, tell);
    return this.#alone();
  }

  /** Goes on alone, from here. */
  #leave() {
    if (this.#direct) return;
    this.#link.close();
    this.#link = this.#alone();
  }

  #wake = () => {
    this.#look();
    if (document.visibilityState === "visible" && this.state !== "live") this.#link.wake();
  };

  #tell({ event, at = Date.now(), lost, stopped }) {
    const now = instant();
    this.#noticed = now.mono;
    if (stopped) this.#condition.stopped = true;
    if (lost) this.#condition.lose(now);
    if (event) {
      const delay = Math.max(0, now.wall - at); // a page that was frozen hears old heartbeats late, and all at once
      this.#condition.hear(event, { mono: now.mono - delay, wall: now.wall - delay });
      this.#take(event, at);
    }
    this.#look();
  }

  #take(event, at) {
    const { type, data } = event;
    const own = type.startsWith("live.stream.");
    const name = own ? type.slice("live.stream.".length) : "event";
    const said = own ? data : {}; // an item has a version too, and it is not the server's
    if (said.serverTime) this.#clock.hear(said.serverTime, at);
    this.version = said.version ?? this.version;
    this.head = said.head ?? event.id ?? this.head;
    this.dispatchEvent(new CustomEvent(name, { detail: event }));
    this.cursor = cursorOf(event) ?? this.cursor; // only now: whoever joins from here has seen it
  }

  #look() {
    const now = instant();
    const state = this.#condition.at(now);
    if (now.mono - this.#looked > 10 * TICK) this.#noticed = now.mono; // it was this page that slept
    this.#looked = now.mono;
    if (now.mono - this.#noticed > DESERTED && state !== "stopped") this.#leave();
    if (state === this.#state) return;
    this.#state = state;
    this.since = Date.now() - (state === "live" ? 0 : this.#condition.outage(now));
    this.dispatchEvent(new CustomEvent("state", { detail: { state, since: this.since } }));
  }
}

/** @type {[EventTarget, string[]][]} */
const AWAKE = [
  [globalThis.window, ["online", "pageshow", "focus"]],
  [globalThis.document, ["visibilitychange", "resume"]],
];
