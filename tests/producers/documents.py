"""Small feed documents, each with a defect that real ones have."""

from __future__ import annotations

__all__ = ["HUGE", "JSON_FEED", "LATIN_1", "NO_DATES", "REPEATED", "WINDOWS_1251", "atom", "rss"]


def rss(*items: str, head: str = "<title>Harbour Post</title><link>https://post.example/</link><language>en</language>") -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


def atom(*entries: str) -> bytes:
    head = "<title>Harbour Post</title><id>tag:post.example,2026:feed</id><updated>2026-11-23T12:00:00Z</updated>"
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{head}{"".join(entries)}</feed>'.encode()


REPEATED = rss(
    "<item><guid>https://post.example/1</guid><title>The &lt;i&gt;Aurora&lt;/i&gt; is back in port</title></item>",
    "<item><guid>https://post.example/1</guid><title>The same again</title></item>",
    "<item><guid isPermaLink='false'>17</guid><title>AT&amp;amp;T &amp;lt;3 ships</title></item>",
)
"""A guid twice, markup in a title, a guid that is no URI."""

NO_DATES = rss(*(f"<item><guid>https://post.example/{n}</guid><title>Ship {n}</title></item>" for n in (3, 2, 1)))
"""No item has a date."""

LATIN_1 = (
    "<rss><channel><title>Últimas Notícias</title>"
    "<item><title><![CDATA[Navio não chegou à baía]]></title><link>https://post.example/navio</link>"
    "<pubDate>Seg, 23 Nov 2026 09:00:00 -0300</pubDate></item>"
    "<item><title><![CDATA[Porto só abre amanhã]]></title>"
    "<pubDate>Dom, 22 Nov 2026 09:00:00 -0300</pubDate></item></channel></rss>"
).encode("latin-1")
"""ISO-8859-1 without a declaration, no version, no guids, Portuguese days, and an entry that is only a title and a date."""

WINDOWS_1251 = (
    '<?xml version="1.0" encoding="windows-1251"?><rss version="2.0"><channel><title>Новости порта</title>'
    "<item><title>Ледокол вернулся</title><link>https://post.example/ледокол</link>"
    "<description>Экипаж здоров.</description></item></channel></rss>"
).encode("windows-1251")

HUGE = rss(
    "<item><guid>https://post.example/log</guid><title>The whole log</title><link>https://post.example/log</link>"
    f"<description>{'&lt;p&gt;A day at sea, with fog. &lt;/p&gt;' * 5000}</description></item>",
    "<item><guid>https://post.example/2</guid><title>After a stray & sign</title></item>",
)
"""A body of 170 KB, and XML that is not well-formed."""

JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Harbour Post", "home_page_url": "https://post.example/",
"language": "en", "items": [
{"id": 7, "content_text": "A <b> that is only text", "date_published": "2026-11-23T12:00:00+01:00", "tags": ["Port", "port"]},
{"id": "https://post.example/8", "title": "Eight", "content_html": "<p>Bells.</p>", "image": "https://post.example/8.jpg",
 "author": {"name": "Ada"}, "external_url": "https://else.example/8"}, "no item"]}"""
