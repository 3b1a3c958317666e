// The state of a connection, derived from what was received and when. No timers and no I/O: every method takes the time.

/** @typedef {"connecting" | "live" | "stale" | "reconnecting" | "offline" | "stopped"} State */

const GRACE = 2_000; // a reconnect this quick is nobody's business
const OFFLINE = 60_000;
const PATIENT = 120_000; // an outage this long is not ended by asking more often
const SLOW = 30_000;
const QUICK = 4_000;
const FIRST = 500;

/** The cursor's number in its feed: "1795435200123-42" is 42. @param {string} cursor */
export const seq = (cursor) => Number(cursor.slice(cursor.indexOf("-") + 1));

/** Where *event* leaves its reader, or undefined when it moves nobody. */
export const cursorOf = (event) => event.cursor ?? (event.type.startsWith("live.stream.") ? undefined : event.id);

/**
 * The time by two clocks: the monotonic one stops while a laptop sleeps, the wall clock jumps when it is set. The longer silence
 * of the two counts: a clock that was set costs one reconnect, but an unnoticed sleep would show an old page as live.
 *
 * @typedef {{mono: number, wall: number}} Instant
 * @returns {Instant}
 */
export const instant = () => ({ mono: performance.now(), wall: Date.now() });

const between = (from, to) => Math.max(to.mono - from.mono, to.wall - from.wall);

export class Condition {
  /** How long silence may last: the server's heartbeat and a quarter, so that 15 s of it is told within 20 s. */
  silence = 18_750;
  failures = 0;
  stopped = false;
  stale = false;
  heard = null;
  lostAt = null;

  constructor(now) {
    this.begun = now;
  }

  /** An event came. */
  hear(event, now) {
    if (event.type === "live.stream.unavailable") return;
    this.heard = now;
    if (event.type === "live.stream.hello") {
      this.silence = 1000 * (event.data.heartbeat + Math.max(2, event.data.heartbeat / 4));
      this.failures = 0;
      this.lostAt = null;
      this.stale = false;
    } else if (event.type === "live.stream.stale") this.stale = true;
    else if (event.type === "live.stream.fresh") this.stale = false;
  }

  /** The connection ended, or an attempt at one failed. */
  lose(now) {
    this.failures += 1;
    this.lostAt ??= now;
  }

  /** Milliseconds since anything was heard. */
  age(now) {
    return this.heard ? Math.max(0, between(this.heard, now)) : Infinity;
  }

  /** Whether a connection that should be talking has said nothing for too long. */
  silent(now) {
    return this.age(now) > this.silence;
  }

  /** @returns {State} */
  at(now) {
    if (this.stopped) return "stopped";
    const out = this.outage(now);
    if (out > OFFLINE) return "offline";
    if (!this.heard) return "connecting";
    if (this.silent(now) || out > GRACE) return "reconnecting";
    return this.stale ? "stale" : "live";
  }

  /** How long nothing could be heard, in ms. */
  outage(now) {
    if (this.silent(now)) return between(this.heard ?? this.begun, now);
    return this.lostAt ? between(this.lostAt, now) : 0;
  }

  /** Full jitter: anywhere between at once and a ceiling that doubles, and rises again when the outage is a long one. */
  delay(now, random = Math.random) {
    const ceiling = this.outage(now) > PATIENT ? SLOW : QUICK;
    return random() * Math.min(ceiling, FIRST * 2 ** Math.min(this.failures, 10));
  }
}

/** The server's clock, from what it says the time is. Delay only ever makes it look slow, so the largest difference is nearest. */
export class Clock {
  #samples = [];

  /** *wall* is what this machine's clock said when *serverTime* was heard. */
  hear(serverTime, wall) {
    const sample = Date.parse(serverTime) - wall;
    if (Number.isNaN(sample)) return;
    if (Math.abs(sample - this.offset) > 5_000) this.#samples = []; // somebody set a clock
    this.#samples = [...this.#samples.slice(-7), sample];
  }

  get offset() {
    return this.#samples.length ? Math.max(...this.#samples) : 0;
  }
}
