"""The house's floors, read off the code: imports point down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WORDS = {"exceptions", "cursors", "feeds", "filters", "items", "events", "grants", "counters", "jsondoor"}
SHELLS = {"log", "hub", "outlets", "publisher", "ticks"}
EDGES = {"api", "auth", "net", "client"}
WIRING = {"config", "logging", "metrics", "app", "background", "doorway", "server", "cli", "__main__"}

PURE = frozenset({"asyncio", "socket", "redis", "starlette", "uvicorn", "time", "os", "threading", "random"})
"""What the words and the rules must not know of: I/O, loops and clocks."""


def modules(package: str) -> list[str]:
    names: list[str] = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def source(module: str) -> ast.Module:
    path = ROOT / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: str) -> Iterator[str]:
    """Each module that *module* imports, also inside functions and under TYPE_CHECKING."""
    known = set(modules("livefeed")) | set(modules("producers"))
    for node in ast.walk(source(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import at line {node.lineno}"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module


def floor(room: str) -> int:
    if room in WIRING:
        return 4
    if room in EDGES:
        return 3
    if room in SHELLS:
        return 2
    return 0 if room in WORDS else 1


def room(module: str) -> str:
    """`livefeed.log.tail` is in the room `log`; the package itself is its public face."""
    _, _, rest = module.partition(".")
    return rest.split(".")[0]


@pytest.mark.parametrize("module", [m for m in modules("livefeed") if room(m)])
def test_imports_point_down(module: str) -> None:
    """A room imports from its own floor and those below; two edges do not know each other."""
    here = room(module)
    for name in imports(module):
        if not name.startswith("livefeed."):
            continue
        there = room(name)
        assert floor(there) <= floor(here), f"{module} (floor {floor(here)}) imports {name} (floor {floor(there)})"
        if here in EDGES and there in EDGES:
            assert here == there, f"{module} imports {name}: edges do not import each other"


@pytest.mark.parametrize("module", [m for m in modules("livefeed") if room(m) and floor(room(m)) <= 1])
def test_words_and_rules_do_no_io(module: str) -> None:
    """Floors 0 and 1 are values in, values out: no loop, no socket, no clock."""
    named = {name.split(".")[0] for name in imports(module)}
    assert not named & PURE, f"{module} imports {sorted(named & PURE)}"


@pytest.mark.parametrize("module", modules("producers"))
def test_producers_use_public_names_only(module: str) -> None:
    """A producer is written like anybody else's: with the client and its exceptions."""
    for name in imports(module):
        if name.startswith("livefeed"):
            assert name in {"livefeed", "livefeed.exceptions"}, f"{module} imports {name}"


def test_the_package_shows_only_its_client() -> None:
    """`import livefeed` stays light: the public face loads words, the client and nothing of the server."""
    for name in imports("livefeed"):
        if name.startswith("livefeed."):
            assert room(name) in WORDS | {"client"}, f"livefeed/__init__.py imports {name}"
