"""Livefeed, ready to be measured: its feeds, and items of a given size."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bench.measure import Bench
from bench.servers import KEY, Server, livefeed

__all__ = ["cursor_of", "make_feed", "prepared", "publish", "serving"]


@contextlib.contextmanager
def serving(bench: Bench, *, workers: int = 1) -> Iterator[Server]:
    """A new Livefeed with the feed `bench`."""
    with livefeed(bench.folder, workers=workers) as server:
        yield prepared(server)


def prepared(server: Server) -> Server:
    """*server* with the feed `bench`, and knowing how many bytes it puts around the text of an item."""
    make_feed(server, "bench")
    make_feed(server, "probe")
    probe = _url(server, "/v1/feeds/probe/items")
    with _request(probe, "POST", {"headline": "x", "bodyText": "x", "tags": ["all"]}):
        event = _events(server, "probe")[-1]
    envelope = len(json.dumps(event, separators=(",", ":"), ensure_ascii=False)) - len("xx")
    return replace(server, environment={**server.environment, "BENCH_ENVELOPE": str(envelope)})


def make_feed(server: Server, feed: str) -> None:
    _request(_url(server, f"/v1/feeds/{feed}"), "PUT", {"title": feed}).close()


def publish(server: Server, count: int, size: int) -> None:
    """Publish *count* items as fast as it goes."""
    command = [sys.executable, "-m", "bench.publish", *server.publish, str(count), "0"]
    subprocess.run(command, env={**os.environ, **server.environment, "BENCH_BYTES": str(size)}, check=True)


def cursor_of(server: Server, back: int) -> str:
    """The cursor *back* events before the last."""
    return str(_events(server, "bench")[-back - 1]["id"])


def _events(server: Server, feed: str) -> list[Any]:
    request = urllib.request.Request(
        _url(server, f"/v1/feeds/{feed}/events?after=0-0&limit=500"), headers={"Accept": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        events: list[Any] = json.load(answer)["events"]
    return events


def _url(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def _request(url: str, method: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method=method))
