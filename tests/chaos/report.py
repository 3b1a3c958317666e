"""The results: a JSON file for programs, and the table in docs/reliability.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

__all__ = ["BEGIN", "DOCUMENT", "END", "REPORT", "render", "save", "update_document"]

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "chaos-report.json"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made from chaos-report.json: begin -->", "<!-- made from chaos-report.json: end -->"


def save(path: Path, runs: dict[str, dict[str, Any]]) -> None:
    """Merge *runs* into the report. Scenarios that were not run keep their previous results."""
    known: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    path.write_bytes(orjson.dumps(known | runs, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def _label(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{_label(name)} {_shown(each)}" for name, each in value.items()) + ")"
    if isinstance(value, list):
        return "/".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def render(report: dict[str, dict[str, Any]]) -> str:
    """The table, with one row per run."""
    lines = ["| scenario | store | size | seconds | violations | figures |", "|---|---|---|---|---|---|"]
    for run in sorted(report.values(), key=lambda run: (run["order"], run["store"])):
        figures = "; ".join(
            f"{_label(name)} {_shown(value)}" for name, value in run["figures"].items() if value or isinstance(value, float)
        )
        line = f"| {run['title']} | {run['store']} | {run['size']} | {run['seconds']:.0f} | **{run['violations']}** | {figures} |"
        lines.append(line)
    return "\n".join(lines)


def update_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    table = render(orjson.loads(REPORT.read_bytes()))
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
