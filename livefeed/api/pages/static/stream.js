// The stream of one feed from one position on: connects, receives, and after any failure reconnects and resumes.

import { Condition, cursorOf, instant } from "./condition.js";
import { longpoll, sse, websocket } from "./transports.js";

/**
 * @typedef {object} Course
 * @property {string} url  `…/v1/feeds/NAME/events`
 * @property {string} [after] @property {string} [since] @property {number} [last]
 * @property {string[]} [tags] @property {number} [urgency] @property {string} [token]
 */

const HEDGE = 3_000; // an attempt that says nothing for so long gets company: it may be slow, or gone for good
const ABREAST = 3;
const PATIENCE = 30_000; // no server may send a reader away for longer
const CHECK = 1_000;

// Middleboxes mostly break streaming responses, so that transport is tried twice. In an outage all of them are tried in turn.
const ROUTE = [sse, sse, websocket, sse, longpoll];

export class Stream {
  #attempts = new Map(); // those that have not said hello yet, and what aborts them
  #hangUp = null;
  #tries = 0;
  #retry = 0;
  #watch = 0;
  #watched = instant();

  /** *receive* gets every event, *lost* is called when the connection ended or an attempt failed, *route* is tried in its order. */
  constructor(course, receive, lost = () => {}, route = ROUTE) {
    this.course = course;
    this.cursor = course.after;
    this.route = route;
    this.receive = receive;
    this.lost = lost;
    this.condition = new Condition(instant());
    this.#watch = setInterval(() => this.check(), CHECK);
    this.#attempt();
  }

  /** Ends it for good. */
  close() {
    this.condition.stopped = true;
    clearInterval(this.#watch);
    this.#drop();
  }

  /** Looks at the clock: after a sleep, a freeze or a silence the connection is not believed any more. */
  check() {
    const now = instant();
    const slept = now.wall - this.#watched.wall > 10 * CHECK; // a timer this late: whoever waits here has waited enough
    this.#watched = now;
    if (this.condition.stopped) return;
    if (this.#hangUp && this.condition.silent(now)) this.#ended(this.#hangUp, {}, 0);
    else if (slept) this.wake();
  }

  /** Tries now instead of later: the network is back, or somebody looks. */
  wake() {
    if (!this.#hangUp && !this.condition.stopped) this.#attempt();
  }

  #query() {
    const { since, last, tags = [], urgency } = this.course;
    const query = new URLSearchParams(tags.map((tag) => ["tag", tag]));
    if (urgency) query.set("urgency", String(urgency));
    if (this.cursor) query.set("after", this.cursor);
    else if (since) query.set("since", since);
    if (last && !since) query.set("last", String(last)); // beside a cursor it says how many items a reset should bring
    return query;
  }

  #attempt() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#attempt(), HEDGE);
    if (this.#attempts.size >= ABREAST) {
      const [oldest, abort] = this.#attempts.entries().next().value;
      abort();
      this.#attempts.delete(oldest);
      this.#fail();
    }
    const attempt = {};
    const transport = this.route[this.#tries++ % this.route.length];
    const request = { url: this.course.url, query: this.#query(), token: this.course.token };
    const abort = transport(
      request,
      (event) => this.#heard(attempt, abort, event),
      (ending) => this.#ended(abort, ending, undefined, attempt),
    );
    this.#attempts.set(attempt, abort);
  }

  #heard(attempt, abort, event) {
    if (this.condition.stopped) return;
    if (event.type === "live.stream.unavailable") {
      this.#ended(abort, { retryAfter: event.data.retryMs }, undefined, attempt);
      abort();
      return;
    }
    if (this.#attempts.delete(attempt)) {
      this.#drop(); // the first to speak is the one
      this.#hangUp = abort;
    } else if (this.#hangUp !== abort) return;
    this.condition.hear(event, instant());
    this.cursor = cursorOf(event) ?? this.cursor;
    if (event.type === "live.stream.hello") this.#tries -= 1; // what works is where the next round begins
    this.receive(event);
    if (event.type === "live.stream.goodbye") this.#ended(abort, {}, event.data.retryMs);
  }

  #ended(abort, ending, delay, attempt) {
    const pending = attempt && this.#attempts.delete(attempt);
    if (!pending && this.#hangUp !== abort) return;
    if (!pending) {
      this.#hangUp = null;
      abort();
    }
    if (ending.status === 204) {
      this.close(); // "never again", the one answer that means it
      this.lost();
      return;
    }
    this.#fail();
    if (this.#attempts.size && delay === undefined) return; // another one is under way
    const wait = delay ?? this.condition.delay(instant()) + Math.min(ending.retryAfter ?? 0, PATIENCE);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#attempt(), wait);
  }

  #fail() {
    this.condition.lose(instant());
    this.lost();
  }

  #drop() {
    clearTimeout(this.#retry);
    for (const abort of this.#attempts.values()) abort();
    this.#attempts.clear();
    this.#hangUp?.();
    this.#hangUp = null;
  }
}
