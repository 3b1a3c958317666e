"""Faults that somebody could build in: each a small change of the text, which the model or the simulation must find."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MUTANTS", "Mutant"]

ROOT = Path(__file__).parents[2]
MODEL, SIMULATION = "tests/promises/test_log_model.py", "tests/promises/test_simulation.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """*edits* are (before, after) in the file *path* of the package; *killer* is the test file that must fail of it."""

    name: str
    path: str
    edits: tuple[tuple[str, str], ...]
    killer: str

    def build(self, folder: Path) -> None:
        """A copy of the project in *folder*, with this fault in it."""
        for part in ("livefeed", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        place = folder / "livefeed" / self.path
        text = place.read_text(encoding="utf-8")
        for before, after in self.edits:
            assert text.count(before) == 1, f"{self.name}: {before!r} is in {self.path} {text.count(before)} times"
            text = text.replace(before, after)
        place.write_text(text, encoding="utf-8")

    def survives(self, folder: Path, *, examples: int, seeds: int) -> bool:
        """Whether the tests pass in spite of it."""
        asked = {"LIVEFEED_TEST_EXAMPLES": str(examples), "LIVEFEED_TEST_SEEDS": str(seeds), "PYTHONPATH": str(folder)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", self.killer],
            cwd=folder,
            env=os.environ | asked,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        assert done.returncode == 0 or "SyntaxError" not in done.stdout, f"{self.name} is no program"
        return done.returncode == 0


def _log(name: str, path: str, *edits: tuple[str, str]) -> Mutant:
    return Mutant(name, f"log/{path}", edits, MODEL)


def _live(name: str, path: str, *edits: tuple[str, str]) -> Mutant:
    return Mutant(name, path, edits, SIMULATION)


MUTANTS = (
    # -- the cursor rule and the page
    _log(
        "exclusive page",
        "eventlog.py",
        ('"XRANGE", keys.log, str(after), "+"', '"XRANGE", keys.log, f"({after}", "+"'),
        ("if len(entries) < 2 or Cursor.of_entry(entries[0][0]) != after:", "if not entries:"),
        ("enumerate(entries[1:], after.seq + 1)", "enumerate(entries, entries and Cursor.of_entry(entries[0][0]).seq or 0)"),
    ),
    _log("no density check", "eventlog.py", ("if event is None or event.cursor.seq != number:", "if event is None:")),
    _log("the position alone is proof", "eventlog.py", ("if len(entries) < 2 or", "if not entries or")),
    _log("no density check in the script", "range.lua", ("or not all_removed(REMOVED, expected, seq - 1) then", "then")),
    _log("no check of the end of a page", "range.lua", ("if #found < most and expected <= feed.seq then", "if false then")),
    _log("the missed range begins one too early", "range.lua", ("missing(position_seq + 1)", "missing(position_seq)")),
    _log(
        "a number that is there is good enough",
        "range.lua",
        ("return entry_at(position) or redis.call('ZSCORE', REMOVED, position) ~= false", "return true"),
    ),
    _log("no floor", "range.lua", ("position == feed.last or position == feed.floor", "position == feed.last")),
    _log(
        "the removed are forgotten by the rule",
        "range.lua",
        ("return entry_at(position) or redis.call('ZSCORE', REMOVED, position) ~= false", "return entry_at(position)"),
    ),
    _log("another branch is not told apart", "range.lua", ("if is_other_branch() then return { 'hole', 'lost' } end", "")),
    _log(
        "a stranger's number that fits is read",
        "range.lua",
        ("local is_ours = field(entry, 't') ~= ''", "local is_ours = true"),
    ),
    # -- the append script
    _log("the removed are not remembered", "append.lua", ("redis.call('ZADD', REMOVED, seq, id)", "")),
    _log("a kill leaves the log as it is", "append.lua", ("        redis.call('XDEL', LOG, id)\n", "")),
    _log("a kill leaves the history", "append.lua", ("  remove_entries()\n  redis.call('DEL', HISTORY)", "  remove_entries()")),
    _log(
        "the idempotency record keeps the item",
        "append.lua",
        ("redis.call('HSET', name, 'last', change.digest,", "redis.call('HSET', name, 'item', data, 'last', change.digest,"),
    ),
    _log("a repeat is appended", "append.lua", ("local answer = repeated(URI)", "local answer = nil")),
    _log(
        "only the top of the log is looked at",
        "prelude.lua",
        (
            "return top[1] == feed.last and above < 1000 and redis.call('XLEN', log) - above == feed.count",
            "return top[1] == feed.last",
        ),
    ),
    _log("only the length of the log is looked at", "prelude.lua", ("return top[1] == feed.last and above", "return above")),
    _log("a damaged log is not mended", "repair.lua", ("if intact(log, feed) then return moved end", "do return moved end")),
    _log(
        "the floor is one too low",
        "repair.lua",
        ("    set_floor(removed, feed, floor)", "    set_floor(removed, feed, id_of(ms, seq - 1))"),
    ),
    _log(
        "numbers of an earlier life stay removed",
        "feed.lua",
        ("  redis.call('DEL', REMOVED)\n  redis.call('HSET'", "  redis.call('HSET'"),
    ),
    # -- hand-over, tail and ring
    _live("attached by order", "channel.py", ("if position == self.ring.head:", "if position >= self.ring.head:")),
    _live("found by number", "ring.py", (" and _id(self._slots[number - 1]) == position", "")),
    _live(
        "the ring leaves one out", "ring.py", ("self._slots[start : start + limit]", "self._slots[start + 1 : start + 1 + limit]")
    ),
    _live("a hold is dropped", "channel.py", ("self.ring.erase(event.item_id, event.cursor)", "pass")),
    _live(
        "a kill ages nothing",
        "channel.py",
        ("            if event.type.removes:\n                self.generation += 1", "            if event.type.removes:"),
    ),
    _live(
        "answers of any age are taken", "channel.py", ("if generation != self.generation:", "if generation > self.generation:")
    ),
    _live(
        "the parked are served before a kill is obeyed",
        "channel.py",
        ("        self._groups.deliver(page.events, self.terms.now())\n", ""),
        ("        self.ring.extend(page)\n", "        self.ring.extend(page)\n        self.checked()\n"),
        (
            "        self._blocks.clear()\n        self.checked()",
            "        self._blocks.clear()\n        self._groups.deliver(page.events, self.terms.now())\n        self.checked()",
        ),
    ),
    _live(
        "blocks outlive a kill",
        "channel.py",
        ("        self._blocks.clear()\n        self._groups.deliver", "        self._groups.deliver"),
    ),
    _live(
        "begun again at the head, like $",
        "channel.py",
        ("        live = list(self._groups)\n", "        live: list[Reader] = []\n"),
    ),
    _live(
        "a hole is passed over",
        "log/listener.py",
        (
            "channel.restart(await self.log.head(channel.feed) or BIRTH)",
            "channel.ring = type(channel.ring)(await self.log.head(channel.feed) or BIRTH)",
        ),
    ),
    _live(
        "a failed read is swallowed",
        "channel.py",
        (
            "                self.notices.refuse(reader)\n            else:\n                self._waiting.park(reader)",
            "                self.notices.refuse(reader)",
        ),
    ),
    _live(
        "nobody looks after the parked",
        "channel.py",
        ("        for reader in self._waiting.looked():\n            self._goes_on(reader)\n", ""),
    ),
    _live(
        "heartbeats carry the head",
        "notices.py",
        ("key = (reader.sink.wire, None if reader.reset else reader.position)", "key = (reader.sink.wire, head)"),
    ),
    _live(
        "a slow reader is believed to be level",
        "channel.py",
        (
            "        reader.position = self.ring.head\n        reader.state = State.BEHIND\n",
            "        reader.state = State.BEHIND\n",
        ),
    ),
    _live(
        "resets wait for nothing",
        "channel.py",
        ("        reader.waits = True\n        reader.hello(False)", "        reader.hello(False)"),
    ),
    _live(
        "a filter forgets what it left out",
        "blocks.py",
        ("not event.item_id or only.passes(event.tags, event.urgency)])", "True])"),
    ),
)
