"""One scheduler in a process of its own: `python -m tests.log.schedule_worker URL`. It is there to be killed."""

from __future__ import annotations

import asyncio
import sys

from livefeed.log.catalog import Catalog
from livefeed.log.connect import connect, inspect
from livefeed.log.editor import Editor
from livefeed.log.eventlog import EventLog
from livefeed.log.itemstore import ItemStore
from livefeed.log.scheduler import Scheduler


async def main(url: str) -> None:
    redis = connect(url)
    log = EventLog(redis, await inspect(redis, url))
    editor = Editor(log, ItemStore(redis), Catalog(redis))
    print("ready", flush=True)  # noqa: T201  # for the test that waits for it
    await Scheduler(editor).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
