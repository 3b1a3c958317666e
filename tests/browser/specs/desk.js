// The desk's pure parts: forms, patches, two people's changes, and what is pasted.

import { blank, difference, isApplied, isBlank, itemOf, patchOf, threeWay, valuesOf } from "/static/desk/fields.js";
import { pasted } from "/static/desk/richtext.js";
import { equal } from "/specs/equal.js";

const values = (some) => ({ ...blank(), ...some });
const item = { id: "1", uri: "urn:1", version: 3, pubStatus: "usable", headline: "Storm", bodyText: "Words.", urgency: 4, tags: ["weather"] };
const shown = valuesOf(item, () => "<p>Words.</p>");
const html = (text) => pasted(text).map((node) => node.outerHTML).join("");

export function a_form_without_changes_is_no_patch() {
  equal(patchOf(item, shown, { ...shown }), {});
}

export function a_patch_holds_what_changed_and_removes_what_was_emptied() {
  equal(patchOf(item, shown, { ...shown, headline: "Gale", tags: [] }), { headline: "Gale", tags: null });
}

export function a_plain_body_that_is_written_on_becomes_a_rich_one() {
  equal(patchOf(item, shown, { ...shown, bodyHtml: "<p>Others.</p>" }), { bodyHtml: "<p>Others.</p>", bodyText: null });
}

export function a_new_item_leaves_out_what_is_empty() {
  equal(itemOf(values({ headline: "Storm" })), { headline: "Storm", urgency: 5 });
}

export function byline_and_language_alone_are_no_text() {
  equal([isBlank(values({ by: "Ada", language: "en" })), isBlank(values({ headline: "x" }))], [true, false]);
}

export function changes_to_different_fields_fit_together() {
  const { merged, conflicts, taken } = threeWay(shown, { ...shown, headline: "Gale" }, { ...shown, tags: ["sea"] });
  equal([merged.headline, merged.tags, conflicts, taken], ["Gale", ["sea"], [], ["tags"]]);
}

export function changes_to_the_same_field_have_to_be_looked_at() {
  const { merged, conflicts } = threeWay(shown, { ...shown, headline: "Gale" }, { ...shown, headline: "Hurricane" });
  equal([merged.headline, conflicts], ["Gale", ["headline"]]);
}

export function the_same_change_twice_is_no_conflict() {
  equal(threeWay(shown, { ...shown, headline: "Gale" }, { ...shown, headline: "Gale" }).conflicts, []);
}

export function an_own_change_is_recognised() {
  const now = { ...item, headline: "Gale", tags: undefined };
  equal([isApplied(now, { headline: "Gale", tags: null }), isApplied(now, { headline: "Storm" })], [true, false]);
}

export function difference_names_fields() {
  equal(difference(shown, { ...shown, urgency: 1, pinned: true }), ["urgency", "pinned"]);
}

export function pasted_text_keeps_its_kinds() {
  const text = '<p>One <b>two</b> <i>three</i></p><ul><li>four</li></ul><blockquote>five</blockquote><p><a href="https://a.example/">six</a></p>';
  equal(html(text), '<p>One <strong>two</strong> <em>three</em></p><ul><li>four</li></ul><blockquote>five</blockquote><p><a href="https://a.example/">six</a></p>');
}

export function pasted_text_loses_everything_else() {
  const text = '<div class="x" style="color:red"><script>alert(1)</script><img src=x onerror=alert(1)><span onclick="x()">Words</span><a href="javascript:alert(1)">link</a></div>';
  equal(html(text), "<p>Wordslink</p>");
}

export function what_a_word_processor_calls_bold_is_bold() {
  equal(html('<style>p { color: red }</style><span style="font-weight:700">a</span><span style="font-style:italic">b</span>'), "<p><strong>a</strong><em>b</em></p>");
}

export function headings_and_tables_become_lines() {
  equal(html("<h1>Title</h1><table><tr><td>a</td><td>b</td></tr></table>"), "<h2>Title</h2><p>ab</p>");
}

export function blocks_do_not_stay_in_paragraphs() {
  equal(html("<section>a<ul><li>b</li></ul>c</section>"), "<p>a</p><ul><li>b</li></ul><p>c</p>");
}
