// The feed model, alone.

import { FeedModel } from "/static/model.js";
import { equal } from "/specs/equal.js";

const item = (id, version = 1, fields = {}) => ({
  id, uri: `tag:${id}`, version, pubStatus: "usable", contentCreated: "2026-11-23T12:00:00.000Z", headline: `${id} ${version}`, ...fields,
});
const event = (type, data) => ({ type: `live.item.${type}`, id: "1-1", data });
const headlines = (model, now) => model.list(now).map(({ headline }) => headline);

export function merges_by_uri_and_version() {
  const model = new FeedModel();
  model.load([item("a", 2)]);

  equal(model.put(item("a", 1)), null);
  equal(model.put(item("a", 2)), null);
  equal(model.put(item("a", 3)).kind, "changed");
  equal(headlines(model), ["a 3"]);
}

export function orders_by_editorial_time_then_id() {
  const model = new FeedModel();
  model.load([item("a"), item("c"), item("b"), item("old", 1, { contentCreated: "2026-11-23T11:00:00.000Z" })]);
  model.apply(event("published", item("new", 1, { contentCreated: "2026-11-23T13:00:00.000+01:00" })));

  equal(headlines(model), ["new 1", "c 1", "b 1", "a 1", "old 1"]);
}

export function a_killed_item_stays_dead() {
  const model = new FeedModel();
  model.load([item("a", 1)]);

  equal(model.apply(event("canceled", item("a", 2, { pubStatus: "canceled", headline: undefined })))[0].kind, "removed");
  equal(model.load([item("a", 1)]), []);
  equal(headlines(model), []);
}

export function a_released_item_is_new_again() {
  const model = new FeedModel();
  model.load([item("a", 1)]);
  model.apply(event("withheld", item("a", 2, { pubStatus: "withheld" })));

  equal(model.apply(event("released", item("a", 3)))[0].kind, "added");
}

export function a_reset_is_the_truth() {
  const model = new FeedModel();
  model.load([item("a", 5), item("b", 1), item("c", 1)]);
  const changes = model.apply({ type: "live.stream.reset", data: { items: [item("a", 2), item("b", 1), item("d", 1)] } });

  equal(changes.map(({ kind, item }) => `${kind} ${item.id}`), ["removed c", "changed a", "added d"]);
  equal(model.get("tag:a").version, 2);
}

export function an_item_that_loses_its_tag_leaves_a_filtered_view() {
  const model = new FeedModel((item) => item.tags?.includes("war"));

  equal(model.put(item("a", 1, { tags: ["war"] })).kind, "added");
  equal(model.put(item("a", 2, { tags: ["peace"] })).kind, "removed");
  equal(model.put(item("a", 3, { tags: ["war"] })).kind, "added");
}

export function expired_items_are_not_listed() {
  const model = new FeedModel();
  model.load([item("a", 1, { expires: "2026-11-23T12:30:00.000Z" }), item("b")]);

  equal(headlines(model, Date.parse("2026-11-23T12:29:59Z")).length, 2);
  equal(headlines(model, Date.parse("2026-11-23T12:30:00Z")), ["b 1"]);
}

export function pins_are_ordered_by_rank() {
  const model = new FeedModel();
  model.load([item("a", 1, { pinned: true, pinRank: 2 }), item("b", 1, { pinned: true }), item("c", 1, { pinned: true, pinRank: 1 })]);

  equal(model.pinned().map(({ id }) => id), ["b", "c", "a"]);
}
