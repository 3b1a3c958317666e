"""Bar and line charts as SVG, without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

__all__ = ["bars", "lines"]

WIDTH, LEFT, RIGHT = 760, 190, 90
_COLOURS = ("#b3261e", "#1f5f8b", "#2d7d46", "#8a5a00", "#5b3f8c", "#3b3b3b", "#a13d7c", "#00736b")
_STYLE = "<style>text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600;font-size:15px}.g{stroke:#ccc;stroke-width:1}</style>"


def _frame(height: int, title: str, parts: Sequence[str]) -> str:
    box = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    head = f'<text class="t" x="12" y="24">{escape(title)}</text>'
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{_STYLE}{box}{head}{"".join(parts)}</svg>\n'


def bars(title: str, values: Mapping[str, float], unit: str, *, logarithmic: bool = False) -> str:
    """One bar for each name, as long as its value; *logarithmic* where they differ by more than a power of ten."""
    most = max(values.values(), default=1) or 1
    least = min((value for value in values.values() if value > 0), default=1)
    room = WIDTH - LEFT - RIGHT
    parts = []
    for row, (name, value) in enumerate(values.items()):
        y = 44 + row * 24
        share = value / most
        if logarithmic:
            share = 0.04 + 0.96 * math.log(max(value, least) / least) / (math.log(most / least) or 1)
        colour = _COLOURS[0] if name.startswith("livefeed") else "#8fa3b0"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{max(room * share, 1):.1f}" height="17" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + room * share + 6:.1f}" y="{y + 13}">{_short(value)} {escape(unit)}</text>')
    return _frame(56 + 24 * len(values), title, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[str, float]]], unit: str) -> str:
    """One line for each name, over the same steps; the values are drawn logarithmically."""
    names = [step for step, _ in next(iter(series.values()))]
    flat = [max(value, 0.01) for points in series.values() for _, value in points]
    low, high = math.log(min(flat)), math.log(max(flat))
    top, bottom, right = 44, 300, WIDTH - 170
    parts = []
    for index, name in enumerate(names):
        x = 70 + (right - 70) * index / max(len(names) - 1, 1)
        parts.append(f'<line class="g" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(name)}</text>')
    for number, (name, points) in enumerate(series.items()):
        places = []
        for index, (_, value) in enumerate(points):
            x = 70 + (right - 70) * index / max(len(names) - 1, 1)
            y = bottom - (bottom - top) * (math.log(max(value, 0.01)) - low) / ((high - low) or 1)
            places.append((x, y))
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        width = 3 if name.startswith("livefeed") else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        legend = top + 6 + number * 19
        parts.append(f'<rect x="{right + 16}" y="{legend - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{right + 32}" y="{legend}">{escape(name)}</text>')
    scale = [(bottom, math.exp(low)), (top, math.exp(high))]
    parts += [f'<text x="62" y="{y + 4}" text-anchor="end">{_short(value)}</text>' for y, value in scale]
    parts.append(f'<text x="12" y="{bottom + 18}">{escape(unit)}</text>')
    return _frame(332, title, parts)


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.2f}M"
    if value >= 10_000:
        return f"{value / 1_000:.0f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
