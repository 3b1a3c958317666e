// The wall's pure parts: what a screen keeps, its clock, and when it loads itself anew.

import { isDim, WallClock } from "/static/wall/clock.js";
import { Renewal } from "/static/wall/renewal.js";
import { KEPT, Screen } from "/static/wall/screen.js";
import { equal } from "/specs/equal.js";

const NOON = Date.parse("2026-11-23T12:00:00Z");
const made = (n, some = {}) => ({
  id: `i${n}`, uri: `urn:${n}`, version: 1, pubStatus: "usable", headline: `Item ${n}`, contentCreated: new Date(NOON - 3_600_000 + n * 1000).toISOString(), ...some,
});
const event = (data, type = "live.item.published") => ({ type, data });
const shown = (screen, now = NOON) => screen.view(now).rows.map(({ headline }) => headline);

export function the_newest_fill_the_rows() {
  const screen = new Screen(2);
  equal([1, 2, 3].flatMap((n) => screen.apply(event(made(n)))), ["urn:1", "urn:2", "urn:3"]);
  equal(shown(screen), ["Item 3", "Item 2"]);
}

export function so_many_items_and_no_more_are_kept() {
  const screen = new Screen(5);
  for (let n = 0; n < 500; n += 1) screen.apply(event(made(n)));
  equal([screen.size, screen.more, shown(screen)[0]], [KEPT, true, "Item 499"]);
}

export function a_killed_item_goes_and_an_older_one_takes_its_row() {
  const screen = new Screen(2);
  for (const n of [1, 2, 3]) screen.apply(event(made(n)));
  screen.apply(event({ ...made(3), version: 2, pubStatus: "canceled" }, "live.item.canceled"));
  equal(shown(screen), ["Item 2", "Item 1"]);
}

export function a_screen_with_too_few_rows_asks_for_older_ones() {
  const screen = new Screen(2);
  screen.apply({ type: "live.stream.snapshot", data: { items: [made(1), made(2)], next: "x" } });
  screen.apply(event({ ...made(2), version: 2, pubStatus: "withheld" }, "live.item.withheld"));
  equal(screen.wanting, true);
}

export function what_was_killed_does_not_come_back_with_a_page_that_is_older() {
  const screen = new Screen(3);
  const kill = (n) => screen.apply(event({ ...made(n), version: 2, pubStatus: "canceled" }, "live.item.canceled"));
  screen.apply({ type: "live.stream.snapshot", data: { items: [made(3), made(4)], next: "x" } });
  screen.ask();
  kill(4);
  equal(screen.wanting, false);
  screen.fill({ items: [made(4), made(3), made(2)], next: null });
  equal([shown(screen), screen.wanting], [["Item 3", "Item 2"], false]);
}

export function a_page_that_did_not_come_is_asked_for_again() {
  const screen = new Screen(3);
  screen.apply({ type: "live.stream.snapshot", data: { items: [made(3)], next: "x" } });
  screen.ask();
  screen.fill(null);
  equal([shown(screen), screen.wanting], [["Item 3"], true]);
}

export function a_page_that_is_older_than_a_reset_is_not_taken() {
  const screen = new Screen(3);
  screen.apply({ type: "live.stream.snapshot", data: { items: [made(3), made(4)], next: "x" } });
  screen.ask();
  screen.apply({ type: "live.stream.reset", data: { items: [made(3)], next: null } });
  screen.fill({ items: [made(4), made(3)], next: null });
  equal(shown(screen), ["Item 3"]);
}

export function an_older_version_changes_nothing() {
  const screen = new Screen(1);
  screen.apply(event(made(1, { version: 2, headline: "New" })));
  screen.apply(event(made(1, { headline: "Old" })));
  equal(shown(screen), ["New"]);
}

export function pinned_items_take_at_most_a_third() {
  const screen = new Screen(6);
  for (const n of [1, 2, 3, 4, 5, 6, 7]) screen.apply(event(made(n, n <= 3 ? { pinned: true, pinRank: 10 - n } : {})));
  equal(shown(screen), ["Item 3", "Item 2", "Item 7", "Item 6", "Item 5", "Item 4"]);
}

export function breaking_news_leaves_the_rows_and_ends() {
  const screen = new Screen(3);
  screen.apply(event(made(1)));
  screen.apply(event(made(2, { urgency: 1, contentCreated: new Date(NOON).toISOString() })));
  equal([screen.view(NOON).breaking.headline, shown(screen)], ["Item 2", ["Item 1"]]);
  equal([screen.view(NOON + 1_800_001).breaking, shown(screen, NOON + 1_800_001)], [undefined, ["Item 2", "Item 1"]]);
}

export function expired_items_are_not_shown() {
  const screen = new Screen(2);
  screen.apply(event(made(1, { expires: new Date(NOON).toISOString() })));
  equal([shown(screen, NOON - 1), shown(screen, NOON)], [["Item 1"], []]);
}

export function a_reset_is_the_truth() {
  const screen = new Screen(2);
  screen.apply(event(made(1)));
  equal(screen.apply({ type: "live.stream.reset", data: { items: [made(2)], next: null } }), ["urn:2"]);
  equal(shown(screen), ["Item 2"]);
}

export function the_clock_reads_in_its_zone() {
  const { hour, minute, zone } = new WallClock("en-GB", "Asia/Kolkata").read(NOON);
  equal([hour, minute, zone, new WallClock("en-GB", "Europe/Nowhere").known], ["17:30:00", "17:30", "GMT+5:30", false]);
}

export function dim_hours_go_across_midnight() {
  equal(["21:59", "22:00", "03:00", "06:00"].map((at) => isDim("22:00-06:00", at)), [false, true, true, false]);
  equal([isDim("09:00-17:00", "12:00"), isDim("", "12:00")], [true, false]);
}

function renewing({ ok = true, kept = null } = {}) {
  const world = { reloads: 0, kept };
  const storage = { getItem: () => world.kept, setItem: (_, text) => (world.kept = text) };
  const get = async () => {
    if (!ok) throw new TypeError("no network");
    return { ok };
  };
  world.renewal = new Renewal("1", { storage, fetch: get, random: () => 0, reload: () => (world.reloads += 1) });
  return world;
}

export async function a_new_version_is_loaded_once_and_when_idle() {
  const world = renewing();
  await world.renewal.look(NOON, "2", NOON - 1_000);
  equal(world.reloads, 0);
  await world.renewal.look(NOON, "2", NOON - 31_000);
  equal(world.reloads, 1);
  const again = renewing({ kept: world.kept });
  for (let minute = 1; minute < 60; minute += 1) await again.renewal.look(NOON + minute * 60_000, "2", NOON);
  equal(again.reloads, 0);
}

export async function two_versions_behind_one_address_make_no_loop() {
  const world = renewing();
  for (let second = 60; second < 600; second += 1) await world.renewal.look(NOON + second * 1000, second % 2 ? "2" : "3", NOON);
  equal(world.reloads, 1);
}

export async function nothing_is_loaded_from_a_server_that_is_not_there() {
  const world = renewing({ ok: false });
  await world.renewal.look(NOON, "2", 0);
  equal([world.reloads, world.kept], [0, null]);
}
