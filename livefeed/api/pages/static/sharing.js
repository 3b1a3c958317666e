// One connection for all tabs of a browser: with HTTP/1.1 there are only six connections per host.
//
// A hub lives in a SharedWorker, or else in the tab that holds a lock; the other tabs are its members. A member has a position
// of its own, so that it can join, leave and outlive hubs without missing or repeating an event.

import { cursorOf, seq } from "./condition.js";
import { Stream } from "./stream.js";

/**
 * @typedef {import("./stream.js").Course} Course
 * @typedef {{event?: any, at?: number, lost?: boolean, stopped?: boolean}} News what a member receives; *at*: when, by the wall clock
 * @typedef {{course: Course, tell: (news: News) => void, position?: number}} Member
 */

const KEPT = 200; // events for members that join late

/** What two courses share when one stream serves both: all but where they begin. */
const keyOf = ({ url, tags, urgency, token }) => JSON.stringify([url, tags, urgency, token]);

/** One stream and the members that hear it. */
class Line {
  /** @type {Set<Member>} */ members = new Set();
  #recent = [];
  #hello = null;
  #base; // the position after which #recent is complete

  constructor(course, moved) {
    this.#base = course.after;
    this.stream = new Stream(
      course,
      (event) => {
        this.#hear({ event, at: Date.now() });
        moved(this);
      },
      () => this.members.forEach((member) => member.tell(this.#loss)),
    );
  }

  get cursor() {
    return this.stream.cursor;
  }

  get #loss() {
    return { lost: true, stopped: this.stream.condition.stopped };
  }

  /** Whether everything after *cursor* is still here, or yet to come. */
  covers(cursor) {
    if (!cursor || !this.#base || this.stream.condition.stopped || seq(cursor) < seq(this.#base)) return false;
    return this.#recent.every(({ event }) => seq(event.id) !== seq(cursor) || event.id === cursor); // not another history's number
  }

  join(member) {
    this.members.add(member);
    if (!this.#hello) return;
    member.tell(this.stream.condition.lostAt ? this.#loss : this.#hello);
    for (const news of this.#recent) this.#pass(member, news);
  }

  #hear(news) {
    const { event } = news;
    const cursor = cursorOf(event);
    const own = event.type.startsWith("live.stream.");
    if (own && cursor && event.type !== "live.stream.heartbeat") {
      this.#base = cursor; // hello, snapshot and reset begin anew
      this.#recent = [];
    } else if (!own) this.#recent.push(news);
    while (this.#recent.length > KEPT) this.#base = this.#recent.shift()?.event.id;
    if (event.type === "live.stream.hello") this.#hello = { event: { ...event, cursor: undefined }, at: news.at };
    for (const member of this.members) this.#pass(member, news);
  }

  #pass(member, news) {
    const cursor = cursorOf(news.event);
    const renewed = news.event.type === "live.stream.reset" || news.event.type === "live.stream.snapshot";
    if (cursor && !renewed && seq(cursor) <= (member.position ?? -1)) {
      if (news.event.type.startsWith("live.stream.")) member.tell({ ...news, event: { ...news.event, cursor: undefined } });
      return; // a member that was ahead
    }
    if (cursor) member.position = seq(cursor);
    member.tell(news);
  }
}

export class Hub {
  #lines = new Map();

  /** @param {Member} member */
  attach(member) {
    const { course } = member;
    if (course.after) member.position = seq(course.after);
    const lines = this.#of(course);
    let line = lines.find((line) => line.covers(course.after));
    if (!line) lines.push((line = new Line(course, (line) => this.#merge(lines, line))));
    line.join(member);
  }

  /** @param {Member} member */
  detach(member) {
    const lines = this.#of(member.course);
    for (const line of lines) line.members.delete(member);
    this.#sweep(lines);
  }

  wake() {
    for (const line of [...this.#lines.values()].flat()) line.stream.wake();
  }

  close() {
    for (const line of [...this.#lines.values()].flat()) line.stream.close();
  }

  #of(course) {
    const key = keyOf(course);
    if (!this.#lines.has(key)) this.#lines.set(key, []);
    return this.#lines.get(key);
  }

  /** A member that began elsewhere has a stream of its own until the oldest one has all that it still needs. */
  #merge(lines, line) {
    if (line === lines[0] || !lines[0].covers(line.cursor)) return;
    for (const member of line.members) lines[0].join(member);
    line.members.clear();
    this.#sweep(lines);
  }

  #sweep(lines) {
    for (const line of lines) if (!line.members.size) line.stream.close();
    lines.splice(0, lines.length, ...lines.filter((line) => line.members.size));
  }
}

/** Attaches a page until it is gone. A port tells nobody when its page dies; the lock that the page holds does. */
export function admit(hub, { id, course }, tell) {
  const member = { course, tell };
  hub.attach(member);
  const leave = () => hub.detach(member);
  navigator.locks?.request(`livefeed ${id}`, leave);
  return leave;
}

const newId = () => Math.random().toString(36).slice(2); // crypto.randomUUID is for secure contexts only

/** Takes a lock, calls *then* once it is held, and holds it until the returned function is called. */
function hold(name, then) {
  if (!navigator.locks) then(); // an insecure context: a page that dies is not noticed, one that leaves says so
  const controller = new AbortController();
  let release = () => controller.abort();
  const held = () => new Promise((resolve) => ((release = () => resolve(undefined)), then()));
  navigator.locks?.request(name, { signal: controller.signal }, held).catch(() => {}); // aborted before it was ours
  return () => release();
}

/** Through a SharedWorker. *failed* is called when there is none to be had. */
export function worker(course, tell, failed) {
  const id = newId();
  const shared = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "livefeed" });
  shared.onerror = failed;
  shared.port.onmessage = ({ data }) => tell(data);
  const release = hold(`livefeed ${id}`, () => shared.port.postMessage({ attach: { id, course } })); // a hub must find it held
  const close = () => {
    shared.port.postMessage({ detach: true });
    shared.port.close();
    release();
  };
  addEventListener("pagehide", ({ persisted }) => persisted || close());
  return { wake: () => shared.port.postMessage({ wake: true }), close };
}

/** Through the tab that holds the lock, which may be this one. *course* tells where this member is now: a new hub begins there. */
export function leader(course, tell) {
  const id = newId();
  const channel = new BroadcastChannel("livefeed");
  let hub = null;
  const attach = () => hub || channel.postMessage({ to: "hub", attach: { id, course: course() } });
  channel.onmessage = ({ data }) => {
    if (data.to === id) tell(data.news);
    else if (data.to === "hub" && hub) serve(hub, data);
    else if (data.to === "all") attach();
  };
  const seats = new Map();
  const serve = (hub, { attach, wake }) => {
    if (wake) return hub.wake();
    seats.get(attach.id)?.(); // it asked when there was no hub, and again when there was
    seats.set(attach.id, admit(hub, attach, (news) => channel.postMessage({ to: attach.id, news })));
  };
  const abdicate = hold("livefeed hub", () => {
    hub = new Hub();
    hub.attach({ course: course(), tell });
    channel.postMessage({ to: "all" });
  });
  const release = hold(`livefeed ${id}`, attach);
  return {
    wake: () => (hub ? hub.wake() : channel.postMessage({ to: "hub", wake: true })),
    close() {
      hub?.close();
      channel.close();
      abdicate();
      release();
    },
  };
}
