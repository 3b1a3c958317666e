"""Ids of items sort as the items were made."""

from __future__ import annotations

import asyncio
from uuid import RFC_4122, UUID

import orjson
import pytest

from livefeed.log.editor import Editor
from livefeed.log.itemids import ItemIds
from tests.log.editing import FEED, given

NOW = 1_795_435_200_123


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param([NOW] * 10_000, id="more than a millisecond has numbers for"),
        pytest.param([NOW, NOW - 5_000, NOW - 4_999, NOW + 1], id="a clock that was set back"),
        pytest.param([NOW + n // 3 for n in range(100)], id="a clock that runs"),
    ],
)
def test_ids_sort_in_the_order_in_which_they_are_made(clock: list[int]) -> None:
    ids = ItemIds()
    made = [ids.make(ms) for ms in clock]
    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_its_time() -> None:
    made = UUID(ItemIds().make(NOW))
    assert (made.version, made.variant, made.int >> 80) == (7, RFC_4122, NOW)


def test_ids_of_one_moment_cannot_be_guessed_from_each_other() -> None:
    assert len({UUID(ItemIds().make(NOW)).int & (1 << 62) - 1 for _ in range(1_000)}) == 1_000


async def test_items_of_one_moment_are_listed_in_the_order_of_their_publishing(editor: Editor) -> None:
    headlines = [f"Item {n}" for n in range(100)]
    await asyncio.gather(*(editor.publish(FEED, given(headline=headline)) for headline in headlines))
    listing = await editor.items.newest(FEED, 200)
    assert [orjson.loads(row.data)["headline"] for row in listing.rows] == headlines[::-1]
