"""What the README says, done: its commands and programs against a real server, and its links."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import program
from tests.served import ADMIN_KEY, running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def url(redis_url: str, tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, redis_url) as server:
        yield server.url


def test_every_command_and_program_works(url: str, tmp_path: Path) -> None:
    program("curl", "curl")
    command = tmp_path / "livefeed"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m livefeed "$@"\n')
    command.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LIVEFEED_URL": url, "LIVEFEED_TOKEN": ADMIN_KEY}
    # The feed is made by its first publish, so what publishes goes first.
    commands = sorted(blocks("sh"), key=lambda text: "publish" not in text and "POST" not in text)
    for text in commands:
        # A stream does not end by itself.
        shown = re.sub(
            r"^(curl -N .*)$", r"\1 --max-time 2 || true", text.replace("http://127.0.0.1:8000", url), flags=re.MULTILINE
        )
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", shown], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 141), f"{shown}\n{done.stdout}\n{done.stderr}"
        assert done.stdout, shown
    for text in blocks("python"):
        shown = text.replace("http://127.0.0.1:8000", url)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", shown], env=environ, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "snapshot 2 items\n"), done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target
