"""The goals, and whether a report meets them: a goal that was not measured is not met."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.figures import (
    Report,
    Row,
    bytes_each,
    cost,
    find,
    marginal,
    memory_more,
    p99,
    per_reader,
    rate,
    rows_of,
    smallest_part,
)

__all__ = ["Verdict", "losses", "verdicts"]

WIRES = {"sse": "SSE", "ws": "WebSocket"}


@dataclass(frozen=True)
class Verdict:
    """One goal and its figure, which is None if the report does not have it."""

    goal: str
    bound: float
    unit: str
    figure: float | None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.figure is None:
            return None
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    @property
    def wanted(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}".strip()

    @property
    def measured(self) -> str:
        return "–" if self.figure is None else f"{_short(self.figure)} {self.unit}".strip()

    @property
    def said(self) -> str:
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]

    def __str__(self) -> str:
        return f"{self.goal}: {self.measured}, wanted {self.wanted}: {self.said.strip('*')}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def losses(report: Report) -> list[str]:
    """Events that Livefeed lost or duplicated, and readers that it disconnected. Those of peers never count."""
    every = (row for said in report["scenarios"].values() for row in said["rows"])
    return [line for row in every if row["server"] == "livefeed" for line in _losses(row)]


def _losses(row: Row) -> Iterator[str]:
    where = f"{row['scenario']} over {row['wire']}"
    if row["refused"] or row["broken"]:
        yield f"{where}: {row['refused']} readers were refused, {row['broken']} cut off"
    for who, counted, expected in (("", row, row["expected"]), ("others' ", row["others"], row.get("others_expected", 0))):
        if expected and not counted["fewest"] == counted["most"] == expected:
            yield f"{where}: {who}{counted['fewest']} to {counted['most']} of {expected} events"


def verdicts(report: Report) -> list[Verdict]:
    """All goals, in their order."""
    found = [Verdict("Lost events, duplicates and dropped connections, in all scenarios", 0, "", float(len(losses(report))))]
    for part in (_burst, _paced, _memory, _storm, _reconnect, _stalled, _many, _workers, _growth, _compressed):
        found += part(report)
    return found


def _ratio(
    report: Report, scenario: str, figure: Callable[[Row], float], wire: str, other: str, other_wire: str = ""
) -> float | None:
    ours, theirs = find(report, scenario, wire=wire), find(report, scenario, other, wire=other_wire or wire)
    return figure(ours) / figure(theirs) if ours and theirs and figure(theirs) else None


def _figure(row: Row | None, figure: Callable[[Row], float]) -> float | None:
    return figure(row) if row else None


def _burst(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        for other, of, bound in (("limit", "the C limit", 0.6), ("socketify", "socketify", 1.5), ("nchan", "nchan", 15)):
            ratio = _ratio(report, "burst", rate, wire, other, "ws" if other == "socketify" else "")
            yield Verdict(f"1 Burst, {word}: deliveries per second, relative to {of}", bound, "×", ratio, at_least=True)


def _paced(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        yield Verdict(
            f"2 Paced, {word}: CPU time per delivery, relative to the C limit",
            1.4,
            "×",
            _ratio(report, "paced", cost, wire, "limit"),
        )
        yield Verdict(
            f"2 Paced, {word}: p99 latency, relative to the C limit", 1.5, "×", _ratio(report, "paced", p99, wire, "limit")
        )
        yield Verdict(
            f"2 Paced, {word}: CPU time per delivery, relative to nchan", 1, "×", _ratio(report, "paced", cost, wire, "nchan")
        )
        yield Verdict(f"2 Paced, {word}: p99 latency, relative to nchan", 1, "×", _ratio(report, "paced", p99, wire, "nchan"))


def _memory(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        row = find(report, "memory", wire=wire)
        readers = f"{row['answered']:,}" if row else "10,000"
        yield Verdict(f"3 Memory per idle reader at {readers}, {word}", 3, "KiB", _figure(row, per_reader))


def _storm(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        ratio = _ratio(report, "storm", lambda row: float(row["begin_to_done_s"]), wire, "nchan")
        yield Verdict(f"4 Storm, {word}: time, relative to nchan", 0.3, "×", ratio)


def _reconnect(report: Report) -> Iterator[Verdict]:
    for (wire, word), bound in zip(WIRES.items(), (4, 8), strict=True):
        row = find(report, "reconnect", wire=wire)
        readers = f"{row['others']['readers']:,}" if row else "10,000"
        live = _figure(row, lambda row: float(row["others"]["open_to_live_s"]))
        yield Verdict(f"4 {readers} reconnect, {word}: time until all are live", bound, "s", live)
        yield Verdict(f"4 {readers} reconnect, {word}: p99 latency of the connected readers", 200, "ms", _figure(row, p99))


def _stalled(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        calm = find(report, "stalled", wire=wire, stuck=0)
        row = next((row for row in rows_of(report, "stalled") if row["wire"] == wire and row["stuck"]), None)
        ratio = p99(row) / p99(calm) if row and calm else None
        yield Verdict(f"5 Stalled, {word}: p99 latency of the others, relative to no stalled readers", 1.2, "×", ratio)
        yield Verdict(f"5 Stalled, {word}: additional memory", 16, "MiB", _figure(row, memory_more))
        exact = (
            float(row["others"]["complete"])
            if row and row["others"]["most"] == row["others_expected"]
            else _figure(row, lambda _: 0)
        )
        of = row["stuck"] if row else 100
        yield Verdict(
            f"5 Stalled, {word}: stalled readers that get every event once they read on", of, f"of {of}", exact, at_least=True
        )


def _many(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        row = find(report, "many", wire=wire)
        readers, expected = (row["answered"], row["expected"]) if row else (20_000, 120)
        fewest = _figure(row, lambda row: float(row["fewest"]))
        yield Verdict(
            f"6 {readers:,} readers, one worker, {word}: fewest events of any reader",
            expected,
            f"of {expected}",
            fewest,
            at_least=True,
        )
        yield Verdict(f"6 {readers:,} readers, one worker, {word}: p99 latency", 500, "ms", _figure(row, p99))


def _workers(report: Report) -> Iterator[Verdict]:
    for wire, word in WIRES.items():
        one, two = (find(report, "workers", wire=wire, workers=count) for count in (1, 2))
        part = _figure(two, lambda row: 100 * smallest_part(row))
        yield Verdict(f"6 Two workers, {word}: the smaller share of the readers", 40, "%", part, at_least=True)
        ratio = cost(two) / cost(one) if one and two else None
        yield Verdict(f"6 Two workers, {word}: CPU time per delivery, relative to one worker", 1.15, "×", ratio)


def _growth(report: Report) -> Iterator[Verdict]:
    rows = [row for row in rows_of(report, "growth") if row["server"] == "livefeed"]
    crowds = [row for row in rows if row["readers"] > 1]
    usual = sorted({row["readers"] for row in crowds})[1] if crowds else 0
    plain = [row for row in crowds if row["feeds"] == row["filters"] == 1]
    at_usual = [row for row in crowds if row["readers"] == usual]
    for word, chosen in (
        ("readers", plain),
        ("feeds", [row for row in at_usual if row["filters"] == 1]),
        ("filters", [row for row in at_usual if row["feeds"] == 1]),
    ):
        yield Verdict(
            f"7 Growth of {word}: most expensive delivery, relative to the cheapest",
            1.3,
            "×",
            _spread([cost(row) for row in chosen]),
        )
        less = [marginal(row, single) for row in chosen if (single := single_of(rows, row))]
        yield Verdict(f"7 Growth of {word}: the same, without the fixed cost of an item", 1.3, "×", _spread(less))


def single_of(rows: list[Row], row: Row) -> Row | None:
    """The run with a single reader and the same number of other feeds as *row*."""
    return next((one for one in rows if one["readers"] == 1 and one["feeds"] == row["feeds"]), None)


def _spread(values: list[float]) -> float | None:
    return max(values) / min(values) if values and min(values) > 0 else None


def _compressed(report: Report) -> Iterator[Verdict]:
    for (wire, word), bound in zip(WIRES.items(), (0.45, 0.65), strict=True):
        plain, packed = (find(report, "compressed", wire=wire, deflated=deflated) for deflated in (False, True))
        ratio = bytes_each(packed) / bytes_each(plain) if plain and packed else None
        yield Verdict(f"8 Compressed, {word}: bytes, relative to plain", bound, "×", ratio)
        ratio = cost(packed) / cost(plain) if plain and packed else None
        yield Verdict(f"8 Compressed, {word}: CPU time per delivery, relative to plain", 1.1, "×", ratio)
