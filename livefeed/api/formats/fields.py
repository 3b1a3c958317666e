"""The table of every field in every format; `python -m livefeed.api.formats.fields docs/formats.md` writes it there.

For JSON formats a location is a path of names, with `[]` for "each element" and `[name=value]` for "the elements with this
value"; for XML formats it is an XPath. The tests render an item with every field and verify these locations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EACH", "FEED", "FORMATS", "ITEM", "Row", "insert", "table"]

FORMATS = ("json", "atom", "rss", "ninjs", "jsonld")
_TITLES = ("JSON Feed 1.1", "Atom", "RSS 2.0", "ninjs 3.1", "LiveBlogPosting")

EACH = {"json": "items[].", "atom": "entry/", "rss": "channel/item/", "ninjs": "[].", "jsonld": "liveBlogUpdate[]."}
"""The location of the items. Locations of an item's fields are relative to it, those of the feed's to the root."""


@dataclass(frozen=True, slots=True)
class Row:
    """The location of one field in each format; empty if the format does not contain it."""

    field: str
    json: str = ""
    atom: str = ""
    rss: str = ""
    ninjs: str = ""
    jsonld: str = ""

    def place(self, format: str) -> str:  # noqa: A002  # the formats' own word
        return str(getattr(self, format))


ITEM = (
    Row("id", "_livefeed.id", "link[@rel='alternate']/@href", "link", "altIds[role=id].value", "url"),
    Row("uri", "id", "id", "guid", "uri", "identifier"),
    Row("version", "_livefeed.version", ninjs="version", jsonld="version"),
    Row("pubStatus", "_livefeed.pubStatus", ninjs="pubStatus"),
    Row("firstCreated", "_livefeed.firstCreated", ninjs="firstCreated", jsonld="dateCreated"),
    Row("versionCreated", "date_modified", "updated", "atom:updated", "versionCreated", "dateModified"),
    Row("contentCreated", "date_published", "published", "pubDate", "contentCreated", "datePublished"),
    Row("type", "_livefeed.type", ninjs="type"),
    Row("headline", "title", "title", "title", "headlines[role=main].value", "headline"),
    Row("bodyText", "content_html", "content", "content:encoded", "bodies[contentType=text/plain].value", "articleBody"),
    Row("bodyHtml", "content_html", "content", "content:encoded", "bodies[contentType=text/html].value", "articleBody"),
    Row("urgency", "_livefeed.urgency", "category[@scheme='urn:x-livefeed:urgency']/@term", ninjs="urgency"),
    Row("language", "language", "@xml:lang", "dc:language", "language", "inLanguage"),
    Row("by", "_livefeed.by", ninjs="by", jsonld="creditText"),
    Row("authors[].name", "authors[].name", "author/name", "dc:creator", "people[rel=author].name", "author[].name"),
    Row("authors[].uri", "authors[].url", "author/uri", ninjs="people[rel=author].uri", jsonld="author[].url"),
    Row(
        "authors[].avatar", "authors[].avatar", ninjs="people[rel=author].contactInfo[role=avatar].value", jsonld="author[].image"
    ),
    Row(
        "infoSources[].name",
        "_livefeed.infoSources[].name",
        "dc:source",
        "dc:source",
        "infoSources[].name",
        "sourceOrganization[].name",
    ),
    Row("infoSources[].uri", "_livefeed.infoSources[].uri", ninjs="infoSources[].uri", jsonld="sourceOrganization[].url"),
    Row(
        "infoSources[].role",
        "_livefeed.infoSources[].role",
        ninjs="infoSources[].role",
        jsonld="sourceOrganization[].description",
    ),
    Row("located", "_livefeed.located", "georss:featurename", "georss:featurename", "located", "locationCreated.name"),
    Row("places[].name", "_livefeed.places[].name", ninjs="places[].name", jsonld="contentLocation[].name"),
    Row("places[].uri", "_livefeed.places[].uri", ninjs="places[].uri", jsonld="contentLocation[].sameAs"),
    Row(
        "places[].lat",
        "_livefeed.places[].lat",
        "georss:point",
        "georss:point",
        "places[].geoJSON.coordinates[]",
        "contentLocation[].geo.latitude",
    ),
    Row(
        "places[].lon",
        "_livefeed.places[].lon",
        "georss:point",
        "georss:point",
        "places[].geoJSON.coordinates[]",
        "contentLocation[].geo.longitude",
    ),
    Row(
        "subjects[].name",
        "_livefeed.subjects[].name",
        "category[@scheme='urn:x-livefeed:subject']/@label",
        "dc:subject",
        "subjects[].name",
        "about[].name",
    ),
    Row(
        "subjects[].uri",
        "_livefeed.subjects[].uri",
        "category[@scheme='urn:x-livefeed:subject']/@term",
        ninjs="subjects[].uri",
        jsonld="about[].sameAs",
    ),
    Row("tags", "tags[]", "category/@term", "category", "subjects[rel=tag].name", "keywords[]"),
    Row("slugline", "_livefeed.slugline", ninjs="slugline", jsonld="alternativeHeadline"),
    Row("summary", "summary", "summary", "description", "descriptions[role=summary].value", "abstract"),
    Row(
        "link",
        "external_url",
        "link[@rel='related']/@href",
        "atom:link[@rel='related']/@href",
        "altIds[role=link].value",
        "isBasedOn",
    ),
    Row("renditions[].name", "attachments[]._livefeed.name", ninjs="renditions[].name", jsonld="image[].name"),
    Row(
        "renditions[].href",
        "attachments[].url",
        "link[@rel='enclosure']/@href",
        "media:content/@url",
        "renditions[].href",
        "image[].url",
    ),
    Row(
        "renditions[].contentType",
        "attachments[].mime_type",
        "link[@rel='enclosure']/@type",
        "media:content/@type",
        "renditions[].contentType",
        "image[].encodingFormat",
    ),
    Row(
        "renditions[].width",
        "attachments[]._livefeed.width",
        rss="media:content/@width",
        ninjs="renditions[].width",
        jsonld="image[].width",
    ),
    Row(
        "renditions[].height",
        "attachments[]._livefeed.height",
        rss="media:content/@height",
        ninjs="renditions[].height",
        jsonld="image[].height",
    ),
    Row(
        "renditions[].title",
        "attachments[].title",
        "link[@rel='enclosure']/@title",
        "media:content/media:title",
        "renditions[].title",
        "image[].description",
    ),
    Row(
        "renditions[].caption",
        "attachments[]._livefeed.caption",
        rss="media:content/media:description",
        ninjs="associations[rel=rendition].descriptions[role=caption].value",
        jsonld="image[].caption",
    ),
    Row(
        "renditions[].credit",
        "attachments[]._livefeed.credit",
        rss="media:content/media:credit",
        ninjs="associations[rel=rendition].by",
        jsonld="image[].creditText",
    ),
    Row("embargoedUntil", "_livefeed.embargoedUntil", ninjs="embargoedUntil"),
    Row("expires", "_livefeed.expires", ninjs="expires", jsonld="expires"),
    Row("associations[].rel", "_livefeed.associations[].rel", "link/@rel", ninjs="associations[].rel"),
    Row("associations[].uri", "_livefeed.associations[].uri", "link/@href", ninjs="associations[].uri"),
    Row("correction", "_livefeed.correction", "content", "description", "descriptions[role=correction].value", "correction"),
    Row("draft"),
    Row(
        "pinned",
        "_livefeed.pinned",
        "category[@scheme='urn:x-livefeed:flag'][@term='pinned']/@term",
        ninjs="genres[literal=livefeed:pinned].name",
    ),
    Row("pinRank", "_livefeed.pinRank", ninjs="genres[].literal"),
    Row(
        "keyEvent",
        "_livefeed.keyEvent",
        "category[@scheme='urn:x-livefeed:flag'][@term='keyEvent']/@term",
        ninjs="genres[literal=livefeed:keyEvent].name",
    ),
    Row(
        "highlight",
        "_livefeed.highlight",
        "category[@scheme='urn:x-livefeed:flag'][@term='highlight']/@term",
        ninjs="genres[literal=livefeed:highlight].name",
    ),
    Row("origin.producer", "_livefeed.origin.producer", ninjs="altIds[role=origin.producer].value"),
    Row("origin.feedUrl", "_livefeed.origin.feedUrl", ninjs="altIds[role=origin.feedUrl].value"),
    Row("origin.guid", "_livefeed.origin.guid", ninjs="altIds[role=origin.guid].value"),
    Row("origin.ingested", "_livefeed.origin.ingested", ninjs="altIds[role=origin.ingested].value"),
    Row("edNote"),
)

FEED = (
    Row("title", "title", "title", "channel/title", jsonld="headline"),
    Row("description", "description", "subtitle", "channel/description", jsonld="description"),
    Row("language", "language", "@xml:lang", "channel/language", jsonld="inLanguage"),
    Row("homePage", "home_page_url", "link[@rel='alternate']/@href", "channel/link", jsonld="url"),
    Row("open", "expired", "fh:complete", jsonld="coverageEndTime"),
    Row("last change", atom="updated", rss="channel/lastBuildDate", jsonld="dateModified"),
    Row("this page", "feed_url", "link[@rel='self']/@href", "channel/atom:link[@rel='self']/@href"),
    Row("next page", "next_url", "link[@rel='next']/@href", "channel/atom:link[@rel='next']/@href"),
    Row("removed: uri", "_livefeed.removed[].id", "at:deleted-entry/@ref", ninjs="[].uri"),
    Row("removed: time", "_livefeed.removed[].date_removed", "at:deleted-entry/@when", ninjs="[].versionCreated"),
    Row("removed: pubStatus", "_livefeed.removed[].pubStatus", ninjs="[].pubStatus"),
    Row("removed: reason", "_livefeed.removed[].reason", "at:deleted-entry/at:comment"),
)


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| | " + " | ".join(_TITLES) + " |", "|---" * (len(_TITLES) + 1) + "|"]
    for row in rows:
        cells = (f"`{place}`" if (place := row.place(name)) else "–" for name in FORMATS)
        lines.append(f"| {row.field} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def insert(text: str) -> str:
    """*text* with the tables between its markers regenerated."""
    for name, rows in (("item", ITEM), ("feed", FEED)):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + table(rows) + end + after
    return text


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(insert(document.read_text(encoding="utf-8")), encoding="utf-8")
