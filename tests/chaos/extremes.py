"""Extreme values: very large entries, more connections than open files, ids from the future."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from pathlib import Path
from typing import Any

import orjson

from livefeed.items import MAX_ITEM
from tests.chaos.crashes import workers_of
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.following import following
from tests.waiting import until

__all__ = ["few_files", "future_entries", "sizes"]

KEYS = f"livefeed:{{{FEED}}}:"
FILES = 128
"""Open files that a process of the server may have."""


async def sizes(scale: Scale) -> Outcome:
    """Items of the maximum size and one byte more, and raw entries of 8 MB in log and inbox."""
    async with rig(scale) as own:
        readers = own.readers(scale.of(20, 4), scale.of(20, 4))
        async with following(readers):
            await own.publish(0)
            answered = [await _sized(own, 1 + turn, MAX_ITEM + more) for turn, more in enumerate((-1, 0, 1))]
            lags = []
            with own.hand as hand:
                for turn, place in enumerate(("log", "inbox") * scale.of(5, 1)):
                    hand.xadd(f"{KEYS}{place}", {"item": b"x" * 8_000_000})
                    began = time.monotonic()
                    await own.publish(100 + turn)
                    await own.level(readers)
                    lags.append(time.monotonic() - began)
                await until(lambda: not hand.xlen(f"{KEYS}inbox"), 30)
                rejected: Any = hand.xlen(f"{KEYS}rejected")
        alarms = sum(len(reader.heard.resets) for reader in readers)
        figures = {"answers": answered, "raw entries": len(lags), "rejected": rejected, "unnecessary resets": alarms}
        verdict = own.judge(readers, **figures, slowest_delivery_after=round(max(lags), 2))
        verdict.violations += (answered != [201, 201, 413]) + alarms + own.ledger.lost + (rejected < len(lags) // 2)
        return verdict


async def _sized(own: Rig, number: int, size: int) -> int:
    body = orjson.dumps(own.item(number) | {"bodyText": "b" * 32_000}).ljust(size)
    headers = {"Content-Type": "application/json"}
    return (await own.ask("POST", f"/v1/feeds/{FEED}/items", content=body, headers=headers))[0]


async def few_files(scale: Scale) -> Outcome:
    """400 connections to workers that may open 128 files each: existing streams continue, and later readers get in."""
    async with rig(scale) as own:
        readers = own.readers(scale.of(10, 4), scale.of(10, 4))
        async with following(readers):
            await own.publish_many(range(20))
            await own.level(readers)
            workers = workers_of(own.server.pid)
            for pid in workers:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
            herd = own.readers(scale.of(200, 150), scale.of(200, 150))
            async with following(herd):
                await own.publish_many(range(20, 40), at_once=1)
                await asyncio.sleep(1)
                before, began = _cpu(workers), time.monotonic()
                await asyncio.sleep(scale.of(10, 2))
                busy = (_cpu(workers) - before) / (time.monotonic() - began)
                served = sum(reader.heard.delivered > 0 for reader in herd)
            dropped = sum(reader.heard.connections - 1 for reader in readers)
            late = own.readers(5, 5)
            async with following(late):
                await own.publish(40)
                await own.level([*readers, *late])
        figures = {"connections requested": len(herd), "served": served, "processor share": round(busy, 2), "dropped": dropped}
        verdict = own.judge([*readers, *late], **figures)
        verdict.violations += own.ledger.lost + dropped + (served == len(herd)) + (workers != workers_of(own.server.pid))
        verdict.violations += sum(len(reader.heard.resets) for reader in readers) + (scale.full and busy > 0.2)
        return verdict


def _cpu(pids: list[int]) -> float:
    """Seconds that they have computed."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


async def future_entries(scale: Scale) -> Outcome:
    """Foreign entries with ids from the future, and a feed whose own ids are a year ahead of the clock."""
    async with rig(scale) as own:
        with own.hand as hand:
            # As after a clock that was far ahead and was put right: the feed's next events are of next year.
            hand.hset(f"{KEYS}feed", "ms", int(time.time() * 1_000) + 31_536_000_000)
        readers = own.readers(scale.of(10, 3), scale.of(10, 3))
        rounds = scale.of(50, 10)
        async with following(readers):
            with own.hand as hand:
                for turn in range(rounds):
                    await own.publish_many(range(turn * 10, turn * 10 + 5))
                    hand.execute_command("XADD", f"{KEYS}log", f"9999999999999-{turn + 5}", "a", "b")
                    await own.publish_many(range(turn * 10 + 5, turn * 10 + 10))
            await own.level(readers)
        text = (await own.http.get(f"{own.server.url}/metrics")).text
        negative = sum(float(line.rsplit(" ", 1)[1]) < 0 for line in text.splitlines() if line and not line.startswith("#"))
        wrong = {"acknowledged but lost": own.ledger.lost, "published twice": own.ledger.doubled, "negative metrics": negative}
        wrong["unnecessary resets"] = sum(len(reader.heard.resets) for reader in readers)
        verdict = own.judge(readers, entries=rounds, **wrong)
        verdict.violations += sum(wrong.values())
        return verdict
