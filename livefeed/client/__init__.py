"""The Python client: read a feed live, publish to it, and an outbox that loses nothing while the server is away."""

from livefeed.client.credentials import data_dir
from livefeed.client.journal import Rejected
from livefeed.client.outbox import Outbox
from livefeed.client.reader import FeedReader
from livefeed.client.session import Livefeed
from livefeed.client.types import FeedEvent, FeedInfo, Item, ItemPage, Published
from livefeed.ninjs import item_input as item_from_ninjs

__all__ = [
    "FeedEvent",
    "FeedInfo",
    "FeedReader",
    "Item",
    "ItemPage",
    "Livefeed",
    "Outbox",
    "Published",
    "Rejected",
    "data_dir",
    "item_from_ninjs",
]
