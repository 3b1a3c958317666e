"""The Python client: live streams, publishing, and a durable outbox for when the server is unreachable."""

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
