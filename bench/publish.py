"""Publishes items whose headline is the time: run by the load generator when all readers are there.

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
import os
import sys
import threading
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
    """Posts to one address, over a connection for each thread."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._threads = threading.local()
        self.target = self._address.path + (f"?{self._address.query}" if self._address.query else "")

    def post(self, body: str, media_type: str = "application/json") -> None:
        headers = {"Content-Type": media_type, "Authorization": f"Bearer {os.environ.get('BENCH_KEY', '')}"}
        connection = self.connection()
        connection.request("POST", self.target, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{self.target}: {answer.status} {text[:200]!r}")

    def connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = http.client.HTTPConnection(self._address.netloc)
        found: http.client.HTTPConnection = self._threads.connection
        return found


def made(kind: str, size: int) -> Callable[[int], str]:
    """What makes the body of each item, by its number."""
    inner = size - int(os.environ.get("BENCH_ENVELOPE", "0"))
    if kind == "lines":
        lines = Path(os.environ["BENCH_LINES"]).read_text().splitlines()
        return lambda number: lines[number % len(lines)]
    return lambda number: item(number, inner) if kind == "livefeed" else event(number, size)


def main(kind: str, url: str, count: int, rate: float) -> None:
    size = int(os.environ["BENCH_BYTES"])
    poster, make = Poster(url), made(kind, size)
    if kind == "go":
        connection = poster.connection()
        connection.request("GET", f"{poster.target}?count={count}&rate={rate}&bytes={size}")
        connection.getresponse().read()
    elif kind == "livefeed" and not rate:
        for start in range(0, count, 1_000):
            batch = [make(number) for number in range(start, min(start + 1_000, count))]
            poster.post("\n".join(batch), "application/x-ndjson")
    else:
        # The pace is kept by those who wait beside: one request after the other would slow down with the server.
        with ThreadPoolExecutor(AT_ONCE if rate else 1) as threads:
            for done in [threads.submit(poster.post, make(number)) for number in paced(count, rate)]:
                done.result()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0)
