"""Redis that is silent, stopped, paused, demoted, full, or out of connections; and requests that make no sense."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.chaos.crashes import workers_of
from tests.chaos.readers import Reader
from tests.chaos.rig import FEED, Outcome, Rig, Scale, rig
from tests.following import following
from tests.waiting import until

__all__ = ["bad_network", "junk_cursors", "limits", "lost_tails", "outages", "trimmed_replay"]

PAUSE = 8
"""Seconds."""

ANSWERED = 2.0
"""Seconds within which a publish is answered."""

NEVER = 99.0
"""Seconds."""

Deed = Callable[[Rig], Awaitable[None]]


def memory(supervisor: int) -> int:
    """What all its workers hold, in KiB."""
    lines = [Path(f"/proc/{pid}/status").read_text() for pid in workers_of(supervisor)]
    return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in lines)


async def _silence(own: Rig) -> None:
    own.proxy.faults.black_hole = True


async def _speak(own: Rig) -> None:
    own.proxy.faults.black_hole = False


async def _stop(own: Rig) -> None:
    own.store.freeze()


async def _continue(own: Rig) -> None:
    own.store.thaw()


async def _pause(own: Rig) -> None:
    # Nothing at all comes through, the command that would end it neither: it ends by itself.
    with own.hand as hand:
        hand.execute_command("CLIENT", "PAUSE", PAUSE * 1_000, "ALL")


async def _wait_for_the_end(own: Rig) -> None:
    with own.hand as hand:
        await asyncio.to_thread(hand.ping)


async def _demote(own: Rig) -> None:
    with own.hand as hand:
        hand.execute_command("REPLICAOF", "127.0.0.1", 1)


async def _promote(own: Rig) -> None:
    with own.hand as hand:
        hand.execute_command("REPLICAOF", "NO", "ONE")


async def outages(scale: Scale) -> Outcome:
    """Redis outages: `stale` within 5 s, no connection lost, publish responses within 2 s, `fresh` within 3 s of the end."""
    seconds = scale.of(30, 6)
    kinds: dict[str, tuple[Deed, Deed, float]] = {
        "unresponsive 5 s": (_silence, _speak, 5.0 if scale.full else 0),
        f"unresponsive {seconds} s": (_silence, _speak, seconds),
        "SIGSTOP": (_stop, _continue, scale.of(8, 0)),
        "CLIENT PAUSE": (_pause, _wait_for_the_end, scale.of(PAUSE, 0)),
        "demoted": (_demote, _promote, scale.of(8, 5)),
    }
    figures: dict[str, Any] = {}
    violations = 0
    async with rig(scale) as own:
        readers = own.readers(scale.of(20, 3), scale.of(20, 3))
        number = 0
        async with following(readers):
            for name, (begin, end, lasting) in kinds.items():
                if lasting:
                    number += 1_000
                    figures[name], wrong = await _outage(own, readers, (begin, end, lasting), number, whole=scale.full)
                    late = figures[name]["over the limit"]
                    # A machine that is shared with other tests keeps no time.
                    violations += wrong + (late if scale.full else 0)
            await own.publish_many(range(10))
            await own.level(readers)
        verdict = own.judge(readers, unnecessary_resets=sum(len(reader.heard.resets) for reader in readers), **figures)
        verdict.violations += violations + verdict.figures["unnecessary_resets"] + own.ledger.doubled + own.ledger.lost
        return verdict


async def _outage(
    own: Rig, readers: list[Reader], kind: tuple[Deed, Deed, float], number: int, *, whole: bool
) -> tuple[dict[str, Any], int]:
    """One kind of outage, for all of its time or, unless *whole*, until every reader has been told."""
    begin, end, lasting = kind
    await own.publish_many(range(number, number + 10))
    await own.level(readers)
    before, connections = memory(own.server.pid), [reader.heard.connections for reader in readers]
    own.answers.clear()
    await begin(own)
    began = time.monotonic()
    tried = number + 10
    # What waits when a pause ends by itself is carried out, and rightly so: nothing is tried shortly before.
    trying = lasting - ANSWERED if begin is _pause else lasting
    while time.monotonic() - began < trying and (whole or not all(_first(reader, "stale", began) < NEVER for reader in readers)):
        await asyncio.gather(*(own.publish_once(tried + each) for each in range(20)))
        tried += 20
        await asyncio.sleep(0.2)
    answers, held = list(own.answers), memory(own.server.pid) - before
    stale = [_first(reader, "stale", began) for reader in readers]
    await end(own)
    # A pause ended by itself, at its time.
    ended = began + lasting if begin is _pause else time.monotonic()
    # What was answered with 503 may be visible already, and is repeated.
    await own.publish_many(range(number + 10, tried))
    await own.level(readers, 30)
    fresh = [_first(reader, "fresh", ended) for reader in readers]
    dropped = sum(reader.heard.connections - count for reader, count in zip(readers, connections, strict=True))
    figures: dict[str, Any] = {
        "publishes": len(answers),
        "statuses": sorted({status for status, _ in answers}),
        "slowest response": round(max(seconds for _, seconds in answers), 2),
        "stale after": round(max(stale), 2),
        "fresh after": round(max(fresh), 2),
        "connections lost": dropped,
        "memory (KiB)": held,
    }
    figures["over the limit"] = (max(seconds for _, seconds in answers) > ANSWERED) + (max(stale) > 5) + (max(fresh) > 3)
    return figures, (figures["statuses"] != [503]) + dropped + (held > 20_480)


def _first(reader: Reader, name: str, after: float) -> float:
    return min((at - after for told, at in reader.heard.told if told == name and at > after), default=NEVER)


async def limits(scale: Scale) -> Outcome:
    """Redis is full, then out of connections: publishes fail with `503`, kills succeed, and readers stay connected."""
    async with rig(scale) as own:
        readers = own.readers(5, 5)
        async with following(readers):
            await own.publish_many(range(20))
            item = (await own.ask("GET", f"/v1/feeds/{FEED}/items?limit=1"))[1]["items"][0]
            with own.hand as hand:
                hand.config_set("maxmemory", "1mb")
            full = [await own.publish_once(100 + turn) for turn in range(20)]
            killed = (await own.ask("POST", f"/v1/feeds/{FEED}/items/{item['id']}/cancel", json={}))[0]
            with own.hand as hand:
                hand.config_set("maxmemory", 0)
            own.ledger.texts[item["uri"]] = ""
            await own.publish(200)
            await own.level(readers)
            herd = own.readers(scale.of(100, 20), scale.of(100, 20))
            with own.hand as hand:
                clients: Any = hand.info("clients")
                hand.config_set("maxclients", max(clients["connected_clients"] + 2, 1))
            async with following(herd):
                await until(lambda: all(reader.heard.connections for reader in herd))
                wrong = sum(reader.status.startswith(b"5") for reader in herd)
                with own.hand as hand:
                    hand.config_set("maxclients", 10_000)
                await own.publish(201)
                await own.level([*readers, *herd])
            behind = sum(reader.heard.position != own.head() for reader in [*readers, *herd])
    silent = sum(reader.heard.doubled + len(reader.heard.resets) for reader in readers)
    figures = {
        "status when full": sorted(set(full)),
        "kill status when full": killed,
        "readers joined without Redis connections": len(herd),
        "5xx": wrong,
        "incomplete readers": behind,
    }
    return Outcome(figures, (set(full) != {503}) + (killed != 200) + wrong + behind + silent)


async def lost_tails(scale: Scale) -> Outcome:
    """The workers' connections to Redis are closed, repeatedly, while items are published."""
    count = scale.of(100, 12)
    async with rig(scale) as own:
        readers = own.readers(5, 5)
        async with following(readers):
            publishing = asyncio.create_task(own.publish_many(range(scale.of(1_500, 150)), at_once=2))
            for _ in range(count):
                own.proxy.reset()
                await asyncio.sleep(random.uniform(0.05, 0.15))
            await publishing
            took = await own.level(readers)
        alarms = sum(len(reader.heard.resets) for reader in readers)
        wrong = {"unnecessary resets": alarms, "published twice": own.ledger.doubled, "acknowledged but lost": own.ledger.lost}
        verdict = own.judge(readers, cuts=count, caught_up_after=round(took, 2), **wrong)
        verdict.violations += sum(wrong.values())
        return verdict


async def bad_network(scale: Scale) -> Outcome:
    """The connection to Redis is slow, split into single bytes, and closed at random."""
    async with rig(scale) as own:
        readers = own.readers(5, 5)
        own.proxy.faults.latency = 0.002
        own.proxy.faults.slices = 7
        async with following(readers):
            await own.publish_many(range(scale.of(200, 25)))
            own.proxy.faults.slices = 0
            own.proxy.faults.cut_after = 4_000
            await own.publish_many(range(1_000, 1_000 + scale.of(400, 50)))
            own.proxy.faults.cut_after = 0
            await own.level(readers)
        wrong = {"published twice": own.ledger.doubled, "acknowledged but lost": own.ledger.lost}
        verdict = own.judge(readers, cut=own.proxy.faults.cut, **wrong)
        verdict.violations += sum(wrong.values())
        return verdict


async def trimmed_replay(scale: Scale) -> Outcome:
    """The log is trimmed while readers replay it from the beginning: readers that are overtaken get a `reset`."""
    async with rig(scale) as own:
        for start in range(0, scale.of(10_000, 1_000), 500):
            await own.publish_batch(range(start, start + 500))
        number = scale.of(10_000, 1_000)
        readers = own.readers(scale.of(25, 6), scale.of(25, 6))
        # Pages come slowly enough to be overtaken between two of them.
        own.proxy.faults.latency = 0.02
        async with following(readers):
            for keep in range(number, 100, -number // 20):
                await own.put_feed(retention={"events": keep, "age": 604_800, "bytes": 10**9, "items": 100_000})
                await asyncio.sleep(0.05)
            own.proxy.faults.latency = 0
            await own.publish(number)
            await own.level(readers)
        return own.judge(readers, overtaken=sum(bool(reader.heard.resets) for reader in readers))


async def junk_cursors(scale: Scale) -> Outcome:
    """Invalid cursors: `400` for `after`, `200` with a `reset` for `Last-Event-ID`, never a `500`."""
    made = [
        "1-1\n",
        "１-１",
        "1_0-1",
        "-1-1",
        "1",
        "1-",
        "0x1-1",
        "1-1-1",
        " 1-1",
        "99999999999999999999999-1",
        "a" * 8_000,
        "\x00",
    ]
    wrong, count = 0, scale.of(500, 60)
    async with rig(scale) as own:
        await own.publish_many(range(3))
        for turn in range(count):
            junk = made[turn % len(made)] if turn < 2 * len(made) else "".join(chr(random.randint(1, 0x2FF)) for _ in range(9))
            status, _ = await own.ask("GET", f"/v1/feeds/{FEED}/events", params={"after": junk})
            wrong += status not in (400, 431, 414)
            wrong += await _header(own, junk) not in (b"200", b"400", b"431")
    return Outcome({"positions": count, "wrong answers": wrong}, wrong)


async def _header(own: Rig, junk: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", own.server.port)
    value = junk.replace("\n", "").replace("\r", "").encode("latin-1", "replace")
    writer.write(b"GET /v1/feeds/world/events HTTP/1.1\r\nHost: livefeed\r\nLast-Event-ID: " + value + b"\r\n\r\n")
    try:
        head = await reader.readuntil(b"\r\n")
    finally:
        writer.close()
    return head.split(b" ")[1]
