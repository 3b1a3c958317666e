"""A live-feed server: one ordered log per feed in Redis Streams, fanned out with exact replay.

For programs that read and publish, the client is here: `from livefeed import Livefeed, Outbox`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livefeed.client import FeedEvent, Item, ItemPage, Livefeed, Outbox, Published, data_dir, item_from_ninjs

__all__ = ["FeedEvent", "Item", "ItemPage", "Livefeed", "Outbox", "Published", "data_dir", "item_from_ninjs"]


def __getattr__(name: str) -> Any:
    # On first use: the server imports this package too, and should not load an HTTP client for it.
    if name in __all__:
        from livefeed import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
