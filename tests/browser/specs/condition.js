// What is known of a connection, on clocks of the test's own.

import { Clock, Condition } from "/static/condition.js";
import { EventParser } from "/static/transports.js";
import { equal } from "/specs/equal.js";

const at = (seconds, slept = 0) => ({ mono: 1000 * seconds, wall: 1000 * (seconds + slept) });
const hello = { type: "live.stream.hello", data: { heartbeat: 15 } };
const heartbeat = { type: "live.stream.heartbeat", data: {} };

function live() {
  const condition = new Condition(at(0));
  condition.hear(hello, at(0));
  return condition;
}

export function begins_as_connecting_and_is_offline_after_a_minute() {
  const condition = new Condition(at(0));

  equal(condition.at(at(59)), "connecting");
  equal(condition.at(at(61)), "offline");
}

export function is_live_by_the_age_of_what_was_heard() {
  const condition = live();

  equal(condition.at(at(18)), "live");
  equal(condition.at(at(19)), "reconnecting");
  equal(condition.at(at(61)), "offline");
  condition.hear(heartbeat, at(62));
  equal(condition.at(at(62)), "live");
}

export function a_quick_reconnect_is_nobodys_business() {
  const condition = live();
  condition.lose(at(5));

  equal(condition.at(at(6)), "live");
  equal(condition.at(at(8)), "reconnecting");
  condition.hear(hello, at(9));
  equal(condition.at(at(9)), "live");
}

export function a_sleep_counts_though_the_monotonic_clock_stood_still() {
  equal(live().at(at(1, 40)), "reconnecting");
}

export function a_clock_that_is_set_back_changes_nothing() {
  equal(live().at(at(10, -3600)), "live");
}

export function stale_is_not_live() {
  const condition = live();
  condition.hear({ type: "live.stream.stale", data: {} }, at(1));
  equal(condition.at(at(1)), "stale");
  condition.hear({ type: "live.stream.fresh", data: {} }, at(2));
  equal(condition.at(at(2)), "live");
}

export function waits_with_full_jitter_under_a_ceiling() {
  const condition = live();
  const ceilings = [];
  for (let i = 0; i < 6; i += 1) {
    condition.lose(at(1));
    ceilings.push(condition.delay(at(1), () => 1));
  }

  equal(ceilings, [1000, 2000, 4000, 4000, 4000, 4000]);
  equal(condition.delay(at(1), () => 0), 0);
  equal(condition.delay(at(400), () => 1), 30000);
}

export function the_clock_takes_the_nearest_of_its_samples() {
  const clock = new Clock();
  for (const delay of [300, 20, 150]) clock.hear("2026-11-23T12:00:01.000Z", Date.parse("2026-11-23T12:00:00.000Z") + delay);

  equal(clock.offset, 980);
  clock.hear("2026-11-23T13:00:00.000Z", Date.parse("2026-11-23T12:00:00.000Z"));
  equal(clock.offset, 3600000);
}

const parsed = (...pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => [...parser.feed(piece)]);
};

export function parses_events_however_they_are_cut() {
  const text = ": hi\r\nid: 7\r\nevent: hello\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:x\n\nid: 8\n\ndata: y\r\rdata: z\n\n";

  equal(parsed(text), ['{"a":\n1}', "x", "y", "z"]);
  equal(parsed(...text), ['{"a":\n1}', "x", "y", "z"]);
}
