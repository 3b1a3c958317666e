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
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit


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


def main(kind: str, url: str, count: int, rate: float) -> None:
    size = int(os.environ["BENCH_BYTES"])
    inner = size - int(os.environ.get("BENCH_ENVELOPE", "0"))
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc)
    target = address.path + (f"?{address.query}" if address.query else "")

    def post(body: str, media_type: str) -> None:
        headers = {"Content-Type": media_type, "Authorization": f"Bearer {os.environ.get('BENCH_KEY', '')}"}
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{url}: {answer.status} {text[:200]!r}")

    if kind == "go":
        connection.request("GET", f"{target}?count={count}&rate={rate}&bytes={size}")
        connection.getresponse().read()
    elif kind == "livefeed" and not rate:
        for start in range(0, count, 1_000):
            batch = [item(number, inner) for number in range(start, min(start + 1_000, count))]
            post("\n".join(batch), "application/x-ndjson")
    elif kind == "lines":
        lines = Path(os.environ["BENCH_LINES"]).read_text().splitlines()
        for number in paced(count, rate):
            post(lines[number % len(lines)], "application/json")
    elif kind == "livefeed":
        for number in paced(count, rate):
            post(item(number, inner), "application/json")
    else:
        for number in paced(count, rate):
            post(event(number, size), "application/json")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0)
