"""Text that would like to be markup stays text, in every format."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefeed.api.formats import atom, jsonfeed, jsonld, ninjs, rss
from livefeed.items import Author, Item, Place, Rendition
from tests.api.formats.rules import ATOM, check_atom, check_jsonfeed, check_jsonld, check_rss
from tests.api.formats.samples import FULL, page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<![CDATA[x]]>",
    "<!-- x --> & &amp; &lt;b&gt; &#60; &nbsp;",
    "AT&T & co; a < b > c",
    "line\u2028separator\u2029paragraph",
    "\u202egnal\u202c \u2066isolate\u2069 \u200f",
    "quotes \" and ' and `",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \ufffd",
    "a\x00b\x0bc\x1bd\ufffee\uffff",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "%3Cscript%3E {{7*7}} ${7*7}",
]

IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def poisoned(text: str) -> Item:
    """An item as no door lets it in, so that each writer has to hold by itself."""
    return msgspec.structs.replace(
        FULL,
        headline=text,
        body_text=text,
        body_html="",
        summary=text,
        correction=text,
        by=text,
        authors=(Author(name=text),),
        tags=(text,),
        located=text,
        slugline=text,
        places=(Place(name=text),),
        renditions=(Rendition(name=text, href="https://a.example/1", title=text, caption=text, credit=text),),
    )


def assert_stays_data(text: str) -> None:
    made_of = page(poisoned(text))
    told = IMPOSSIBLE.sub("", text)

    entry = check_atom(atom.write(made_of)).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == told
    assert entry.findtext(f"{ATOM}summary") == told
    assert entry.find(f"{ATOM}category").get("term") == told  # type: ignore[union-attr]
    assert html.escape(told.strip(), quote=False) in entry.findtext(f"{ATOM}content", "")

    item = check_rss(rss.write(made_of)).find("channel/item")
    assert item is not None
    assert item.findtext("title") == told
    assert html.escape(told, quote=False) in item.findtext("description", "")

    feed_item = check_jsonfeed(jsonfeed.write(made_of))["items"][0]
    assert feed_item["title"] == feed_item["summary"] == text
    assert html.escape(text.strip(), quote=False) in feed_item["content_html"]
    assert "<script" not in feed_item["content_html"]

    update = check_jsonld(jsonld.write(made_of))["liveBlogUpdate"][0]
    assert update["headline"] == update["articleBody"] == update["abstract"] == text

    news: dict[str, Any] = json.loads(ninjs.write(made_of))[0]
    assert news["headlines"][0]["value"] == news["bodies"][0]["value"] == news["by"] == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_stays_data(text: str) -> None:
    assert_stays_data(text)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Zl", "Zp", "Cc"]), min_size=1).filter(lambda t: t == t.strip() != ""))
def test_any_text_stays_data(text: str) -> None:
    assert_stays_data(text)


def test_jsonld_cannot_end_its_script_element() -> None:
    output = jsonld.write(page(poisoned("</script><!--\u2028")))

    assert b"\\u003c/script\\u003e" in output
    assert not set(output.decode()) & set("<>&\u2028\u2029")


def test_editorial_note_is_in_no_output() -> None:
    item = msgspec.structs.replace(FULL, ed_note="Nobody may read this")
    outputs = [module.write(page(item)) for module in (atom, jsonfeed, jsonld, ninjs, rss)]
    outputs.append(jsonld.write_article(item, page(item).publication))

    assert not any(b"Nobody may" in output or b"edNote" in output for output in outputs)
