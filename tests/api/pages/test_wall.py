"""A screen's address: what it may say, and what a mistake in it is answered."""

from __future__ import annotations

import pytest

from livefeed.api.pages.wall import Scene, arranged, read_scene
from livefeed.exceptions import BadRequest
from livefeed.items import Item
from livefeed.queries import Query

PARAMETERS = ("rows", "tags", "lang", "tz", "theme", "scale", "screen", "dim")


def scene(query: str) -> Scene:
    return read_scene(Query(query.encode(), PARAMETERS))


def test_an_address_may_say_nothing() -> None:
    assert scene("") == Scene(rows=6, tags=(), zone="", theme="dark", scale=1.0, screen="", dim="")


def test_an_address_may_say_everything() -> None:
    told = scene("rows=9&tags=Sea,%20Rail&tz=America/Argentina/Salta&theme=auto&scale=1.25&screen=Lobby%20%C3%A9&dim=22:00-06:30")
    assert told == Scene(9, ("Sea", "Rail"), "America/Argentina/Salta", "auto", 1.25, "Lobby é", "22:00-06:30")
    assert told.only.tags == {"sea", "rail"}


@pytest.mark.parametrize(
    "query",
    [
        "rows=0",
        "rows=21",
        "tags=" + "x" * 65,
        "tags=" + ",".join(map(str, range(21))),
        "tz=Europe%20Berlin",
        "tz=../etc/passwd",
        "theme=blue",
        "scale=0.1",
        "scale=nan",
        "screen=%3Cb%3E",
        "dim=22:00",
        "dim=25:00-06:00",
    ],
)
def test_a_mistake_is_told_by_the_parameters_name(query: str) -> None:
    with pytest.raises(BadRequest, match=query.partition("=")[0]):
        scene(query)


def test_pins_come_first_on_a_third_of_the_rows() -> None:
    items = [
        Item(
            id=str(n),
            uri=f"urn:{n}",
            version=1,
            pub_status="usable",
            first_created="",
            version_created="",
            content_created="",
            pinned=n in (4, 5),
            pin_rank=9 - n,
        )
        for n in range(6)
    ]
    assert [item.id for item in arranged(items, 3)] == ["5", "0", "1"]
    assert [item.id for item in arranged(items, 6)] == ["5", "4", "0", "1", "2", "3"]
