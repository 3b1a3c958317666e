"""Publishes items whose headline is the time; run by the load generator once all readers are connected.

    python -m bench.publish livefeed URL COUNT [RATE]     one batch, or single items at RATE a second
    python -m bench.publish lines URL COUNT [RATE]        the items in the file that `BENCH_LINES` names, one a line
    python -m bench.publish post URL COUNT [RATE]         the same text to a peer, one request an item
    python -m bench.publish go URL COUNT [RATE]           one request that lets the peer make the items itself

`BENCH_BYTES` is how long an event's JSON is, `BENCH_KEY` the key for Livefeed, and `BENCH_ENVELOPE` what Livefeed puts around the
text of an item: CloudEvents, times, identities.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

AT_ONCE = 16


def item(number: int, size: int) -> str:
    text = f"x ~ts={time.time_ns()} #{number}"
    return json.dumps({"headline": text, "bodyText": "x" * max(size - len(text), 1), "tags": ["all"]})


def event(number: int, size: int) -> str:
    text = json.dumps({"id": number, "data": {"headline": f"x ~ts={time.time_ns()} #{number}", "body": ""}})
    return text[:-3] + "x" * (size - len(text)) + text[-3:]


def paced(count: int, rate: float) -> Iterator[int]:
    begin = time.monotonic()
    for number in range(count):
        if rate:
            time.sleep(max(begin + number / rate - time.monotonic(), 0))
        yield number


class Poster:
    """Posts to one address, over connections that are there before the first item: producers keep theirs, too."""

    def __init__(self, url: str, connections: int = 1) -> None:
        address = urlsplit(url)
        self.target = address.path + (f"?{address.query}" if address.query else "")
        # In turn, so that none is idle for so long that the server closes it.
        self._idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        for _ in range(connections):
            connection = http.client.HTTPConnection(address.netloc)
            connection.connect()
            self._idle.put(connection)

    def post(self, body: str, media_type: str = "application/json") -> None:
        headers = {"Content-Type": media_type, "Authorization": f"Bearer {os.environ.get('BENCH_KEY', '')}"}
        self._do("POST", self.target, body, headers)

    def go(self, query: str) -> None:
        self._do("GET", f"{self.target}?{query}", None, {})

    def _do(self, method: str, target: str, body: str | None, headers: dict[str, str]) -> None:
        connection = self._idle.get()
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{self.target}: {answer.status} {text[:200]!r}")
        self._idle.put(connection)


def made(kind: str, size: int) -> Callable[[int], str]:
    """What makes the body of each item, by its number."""
    inner = size - int(os.environ.get("BENCH_ENVELOPE", "0"))
    if kind == "lines":
        lines = Path(os.environ["BENCH_LINES"]).read_text().splitlines()
        return lambda number: lines[number % len(lines)]
    return lambda number: item(number, inner) if kind == "livefeed" else event(number, size)


def main(kind: str, url: str, count: int, rate: float) -> None:
    size = int(os.environ["BENCH_BYTES"])
    # At most a second's items at once: each connection is used every second.
    at_once = min(AT_ONCE, math.ceil(rate)) or 1
    poster, make = Poster(url, at_once), made(kind, size)
    if kind == "go":
        poster.go(f"count={count}&rate={rate}&bytes={size}")
    elif kind == "livefeed" and not rate:
        for start in range(0, count, 1_000):
            batch = [make(number) for number in range(start, min(start + 1_000, count))]
            poster.post("\n".join(batch), "application/x-ndjson")
    else:
        # The pace is kept by those who wait beside: one request after the other would slow down with the server.
        with ThreadPoolExecutor(at_once) as threads:
            for done in [threads.submit(poster.post, make(number)) for number in paced(count, rate)]:
                done.result()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0)
