"""The table of every field in every format; `python -m livefeed.api.formats.fields docs/formats.md` writes it there.

A place in a JSON format is a path of names, `[]` for "of each" and `[name=value]` for "of those with"; in an XML format it is
an XPath from the root. The tests send an item with every field through the writers and look in these places.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FEED", "FORMATS", "ITEM", "Row", "insert", "table"]

FORMATS = ("json", "atom", "rss", "ninjs", "jsonld")
_TITLES = ("JSON Feed 1.1", "Atom", "RSS 2.0", "ninjs 3.1", "LiveBlogPosting")


@dataclass(frozen=True, slots=True)
class Row:
    """Where one field stands in each format; empty: that format does not carry it."""

    field: str
    json: str = ""
    atom: str = ""
    rss: str = ""
    ninjs: str = ""
    jsonld: str = ""

    def place(self, format: str) -> str:  # noqa: A002  # the word of the contract
        return str(getattr(self, format))


def _extension(name: str) -> str:
    return f"items[]._livefeed.{name}"


def _flag(name: str) -> str:
    return f"entry/category[@scheme='urn:x-livefeed:flag'][@term='{name}']/@term"


_UPDATE = "liveBlogUpdate[]"

ITEM = (
    Row(
        "id",
        _extension("id"),
        "entry/link[@rel='alternate']/@href",
        "channel/item/link",
        "[].altIds[role=id].value",
        f"{_UPDATE}.url",
    ),
    Row("uri", "items[].id", "entry/id", "channel/item/guid", "[].uri", f"{_UPDATE}.identifier"),
    Row("version", _extension("version"), ninjs="[].version", jsonld=f"{_UPDATE}.version"),
    Row("pubStatus", _extension("pubStatus"), ninjs="[].pubStatus"),
    Row("firstCreated", _extension("firstCreated"), ninjs="[].firstCreated", jsonld=f"{_UPDATE}.dateCreated"),
    Row(
        "versionCreated",
        "items[].date_modified",
        "entry/updated",
        "channel/item/atom:updated",
        "[].versionCreated",
        f"{_UPDATE}.dateModified",
    ),
    Row(
        "contentCreated",
        "items[].date_published",
        "entry/published",
        "channel/item/pubDate",
        "[].contentCreated",
        f"{_UPDATE}.datePublished",
    ),
    Row("type", _extension("type"), ninjs="[].type"),
    Row("headline", "items[].title", "entry/title", "channel/item/title", "[].headlines[role=main].value", f"{_UPDATE}.headline"),
    Row(
        "bodyText",
        "items[].content_html",
        "entry/content",
        "channel/item/content:encoded",
        "[].bodies[contentType=text/plain].value",
        f"{_UPDATE}.articleBody",
    ),
    Row(
        "bodyHtml",
        "items[].content_html",
        "entry/content",
        "channel/item/content:encoded",
        "[].bodies[contentType=text/html].value",
        f"{_UPDATE}.articleBody",
    ),
    Row("urgency", _extension("urgency"), "entry/category[@scheme='urn:x-livefeed:urgency']/@term", ninjs="[].urgency"),
    Row("language", "items[].language", "entry/@xml:lang", "channel/item/dc:language", "[].language", f"{_UPDATE}.inLanguage"),
    Row("by", _extension("by"), ninjs="[].by", jsonld=f"{_UPDATE}.creditText"),
    Row(
        "authors[].name",
        "items[].authors[].name",
        "entry/author/name",
        "channel/item/dc:creator",
        "[].people[rel=author].name",
        f"{_UPDATE}.author[].name",
    ),
    Row(
        "authors[].uri",
        "items[].authors[].url",
        "entry/author/uri",
        ninjs="[].people[rel=author].uri",
        jsonld=f"{_UPDATE}.author[].url",
    ),
    Row(
        "authors[].avatar",
        "items[].authors[].avatar",
        ninjs="[].people[rel=author].contactInfo[role=avatar].value",
        jsonld=f"{_UPDATE}.author[].image",
    ),
    Row(
        "infoSources[].name",
        _extension("infoSources[].name"),
        "entry/dc:source",
        "channel/item/dc:source",
        "[].infoSources[].name",
        f"{_UPDATE}.sourceOrganization[].name",
    ),
    Row(
        "infoSources[].uri",
        _extension("infoSources[].uri"),
        ninjs="[].infoSources[].uri",
        jsonld=f"{_UPDATE}.sourceOrganization[].url",
    ),
    Row(
        "infoSources[].role",
        _extension("infoSources[].role"),
        ninjs="[].infoSources[].role",
        jsonld=f"{_UPDATE}.sourceOrganization[].description",
    ),
    Row(
        "located",
        _extension("located"),
        "entry/georss:featurename",
        "channel/item/georss:featurename",
        "[].located",
        f"{_UPDATE}.locationCreated.name",
    ),
    Row("places[].name", _extension("places[].name"), ninjs="[].places[].name", jsonld=f"{_UPDATE}.contentLocation[].name"),
    Row("places[].uri", _extension("places[].uri"), ninjs="[].places[].uri", jsonld=f"{_UPDATE}.contentLocation[].sameAs"),
    Row(
        "places[].lat",
        _extension("places[].lat"),
        "entry/georss:point",
        "channel/item/georss:point",
        "[].places[].geoJSON.coordinates[]",
        f"{_UPDATE}.contentLocation[].geo.latitude",
    ),
    Row(
        "places[].lon",
        _extension("places[].lon"),
        "entry/georss:point",
        "channel/item/georss:point",
        "[].places[].geoJSON.coordinates[]",
        f"{_UPDATE}.contentLocation[].geo.longitude",
    ),
    Row(
        "subjects[].name",
        _extension("subjects[].name"),
        "entry/category[@scheme='urn:x-livefeed:subject']/@label",
        "channel/item/dc:subject",
        "[].subjects[].name",
        f"{_UPDATE}.about[].name",
    ),
    Row(
        "subjects[].uri",
        _extension("subjects[].uri"),
        "entry/category[@scheme='urn:x-livefeed:subject']/@term",
        ninjs="[].subjects[].uri",
        jsonld=f"{_UPDATE}.about[].sameAs",
    ),
    Row(
        "tags",
        "items[].tags[]",
        "entry/category/@term",
        "channel/item/category",
        "[].subjects[rel=tag].name",
        f"{_UPDATE}.keywords[]",
    ),
    Row("slugline", _extension("slugline"), ninjs="[].slugline", jsonld=f"{_UPDATE}.alternativeHeadline"),
    Row(
        "summary",
        "items[].summary",
        "entry/summary",
        "channel/item/description",
        "[].descriptions[role=summary].value",
        f"{_UPDATE}.abstract",
    ),
    Row(
        "link",
        "items[].external_url",
        "entry/link[@rel='related']/@href",
        "channel/item/atom:link[@rel='related']/@href",
        "[].altIds[role=link].value",
        f"{_UPDATE}.isBasedOn",
    ),
    Row(
        "renditions[].name",
        "items[].attachments[]._livefeed.name",
        ninjs="[].renditions[].name",
        jsonld=f"{_UPDATE}.image[].name",
    ),
    Row(
        "renditions[].href",
        "items[].attachments[].url",
        "entry/link[@rel='enclosure']/@href",
        "channel/item/media:content/@url",
        "[].renditions[].href",
        f"{_UPDATE}.image[].url",
    ),
    Row(
        "renditions[].contentType",
        "items[].attachments[].mime_type",
        "entry/link[@rel='enclosure']/@type",
        "channel/item/media:content/@type",
        "[].renditions[].contentType",
        f"{_UPDATE}.image[].encodingFormat",
    ),
    Row(
        "renditions[].width",
        "items[].attachments[]._livefeed.width",
        "",
        "channel/item/media:content/@width",
        "[].renditions[].width",
        f"{_UPDATE}.image[].width",
    ),
    Row(
        "renditions[].height",
        "items[].attachments[]._livefeed.height",
        "",
        "channel/item/media:content/@height",
        "[].renditions[].height",
        f"{_UPDATE}.image[].height",
    ),
    Row(
        "renditions[].title",
        "items[].attachments[].title",
        "entry/link[@rel='enclosure']/@title",
        "channel/item/media:content/media:title",
        "[].renditions[].title",
        f"{_UPDATE}.image[].description",
    ),
    Row(
        "renditions[].caption",
        "items[].attachments[]._livefeed.caption",
        "",
        "channel/item/media:content/media:description",
        "[].associations[rel=rendition].descriptions[role=caption].value",
        f"{_UPDATE}.image[].caption",
    ),
    Row(
        "renditions[].credit",
        "items[].attachments[]._livefeed.credit",
        "",
        "channel/item/media:content/media:credit",
        "[].associations[rel=rendition].by",
        f"{_UPDATE}.image[].creditText",
    ),
    Row("embargoedUntil", _extension("embargoedUntil"), ninjs="[].embargoedUntil"),
    Row("expires", _extension("expires"), ninjs="[].expires", jsonld=f"{_UPDATE}.expires"),
    Row("associations[].rel", _extension("associations[].rel"), "entry/link/@rel", "", "[].associations[].rel"),
    Row("associations[].uri", _extension("associations[].uri"), "entry/link/@href", "", "[].associations[].uri"),
    Row(
        "correction",
        _extension("correction"),
        "entry/content",
        "channel/item/description",
        "[].descriptions[role=correction].value",
        f"{_UPDATE}.correction",
    ),
    Row("draft"),
    Row("pinned", _extension("pinned"), _flag("pinned"), ninjs="[].genres[literal=livefeed:pinned].name"),
    Row("pinRank", _extension("pinRank"), ninjs="[].genres[].literal"),
    Row("keyEvent", _extension("keyEvent"), _flag("keyEvent"), ninjs="[].genres[literal=livefeed:keyEvent].name"),
    Row("highlight", _extension("highlight"), _flag("highlight"), ninjs="[].genres[literal=livefeed:highlight].name"),
    Row("origin.producer", _extension("origin.producer"), ninjs="[].altIds[role=origin.producer].value"),
    Row("origin.feedUrl", _extension("origin.feedUrl"), ninjs="[].altIds[role=origin.feedUrl].value"),
    Row("origin.guid", _extension("origin.guid"), ninjs="[].altIds[role=origin.guid].value"),
    Row("origin.ingested", _extension("origin.ingested"), ninjs="[].altIds[role=origin.ingested].value"),
    Row("edNote"),
)

FEED = (
    Row("title", "title", "title", "channel/title", "", "headline"),
    Row("description", "description", "subtitle", "channel/description", "", "description"),
    Row("language", "language", "@xml:lang", "channel/language", "", "inLanguage"),
    Row("homePage", "home_page_url", "link[@rel='alternate']/@href", "channel/link", "", "url"),
    Row("open", "expired", "fh:complete", "", "", "coverageEndTime"),
    Row("last change", "", "updated", "channel/lastBuildDate", "", "dateModified"),
    Row("this page", "feed_url", "link[@rel='self']/@href", "channel/atom:link[@rel='self']/@href"),
    Row("next page", "next_url", "link[@rel='next']/@href", "channel/atom:link[@rel='next']/@href"),
    Row("removed: uri", "_livefeed.removed[].id", "at:deleted-entry/@ref", "", "[].uri"),
    Row("removed: time", "_livefeed.removed[].date_removed", "at:deleted-entry/@when", "", "[].versionCreated"),
    Row("removed: pubStatus", "_livefeed.removed[].pubStatus", "", "", "[].pubStatus"),
    Row("removed: reason", "_livefeed.removed[].reason", "at:deleted-entry/at:comment"),
)


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| | " + " | ".join(_TITLES) + " |", "|---" * (len(_TITLES) + 1) + "|"]
    for row in rows:
        cells = (f"`{place}`" if (place := row.place(name)) else "–" for name in FORMATS)
        lines.append(f"| `{row.field}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def insert(text: str) -> str:
    """*text* with the tables between its marks made anew."""
    for name, rows in (("item", ITEM), ("feed", FEED)):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + table(rows) + end + after
    return text


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(insert(document.read_text(encoding="utf-8")), encoding="utf-8")
