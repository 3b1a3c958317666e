"""What docs/producers.md says, done: every command and program in it, in the order in which they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from livefeed import Livefeed
from livefeed.client import outbox
from livefeed.exceptions import RequestError
from livefeed.log.inbox import OPERATIONS
from tests.live import KEY, LiveServer, live_server
from tests.ports import settled_port
from tests.producers import documents
from tests.producers.site import Site, open_site
from tests.programs import program
from tests.waiting import until

PAGE = Path(__file__).parent.parent / "docs" / "producers.md"


class Block(NamedTuple):
    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)]


@pytest.fixture
async def server(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LiveServer]:
    # redis-cli takes no address of a unix socket.
    port = settled_port()
    await redis.config_set("port", port)
    try:
        async with live_server(f"redis://127.0.0.1:{port}", tmp_path) as server:
            yield server
    finally:
        await redis.config_set("port", 0)


async def run(server: LiveServer, folder: Path, *command: str, stdin: str = "") -> None:
    environ = {**server.environ, "LIVEFEED_URL": server.url, "PYTHONPATH": os.getcwd(), "PATH": f"{folder}:{os.environ['PATH']}"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environ, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await process.communicate(stdin.encode())
    assert process.returncode == 0, f"{command} {stdin}\n{out.decode()}\n{err.decode()}"


@pytest.mark.timeout(180)
async def test_every_command_and_program_works(server: LiveServer, tmp_path: Path) -> None:
    program("redis-cli", "redis-tools")
    folder = tmp_path / "work"
    folder.mkdir()
    for name, module in (("livefeed", "-m livefeed"), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (folder / name).chmod(0o755)
    pages = {"world.xml": documents.NO_DATES, "sport.json": documents.JSON_FEED}
    async with open_site(Site(pages)) as site:
        for language, text in blocks():
            if language == "sh":
                # The addresses of the examples are nobody's; this machine stands in for them.
                here = text.replace("https://feeds.example.org", site.url).replace("--once", "--once --allow-address 127.0.0.1")
                # `tail` does not end by itself.
                here = re.sub(
                    r"^(livefeed tail .*)$", r"timeout 2 \1 || true", here if "rss " in text else text, flags=re.MULTILINE
                )
                await run(server, folder, "bash", "-euo", "pipefail", "-c", here)
            elif language == "python":
                await run(server, folder, sys.executable, "-W", "error", "-", stdin=text)
    await expect(server)


async def expect(server: LiveServer) -> None:
    async with Livefeed(server.url, KEY) as lf:

        async def state(uri: str) -> str:
            found = (await lf.list("world", uri=uri, desk=True)).items
            return found[0]["pubStatus"] if found else ""

        async def all_have_come() -> bool:
            return all([await state(f"urn:example:inbox:{number}") for number in (1, 2)])

        await until(all_have_come)
        assert await state("urn:example:storm:1") == "canceled"
        wire = {item["headline"] async for item in lf.items("wire") if "headline" in item}
        world = {item["headline"] async for item in lf.items("world")}
    assert {"Ship 1", "Eight", "Harbour closed.", "Ferry delayed."} <= wire
    assert {"The Aurora has sailed.", "Pilot strike ends at noon.", "By way of Redis, from Python."} <= world


async def test_the_program_for_node_is_javascript(server: LiveServer, tmp_path: Path) -> None:
    (text,) = (block.text for block in blocks() if block.language == "js")
    (tmp_path / "inbox.mjs").write_text(text)
    await run(server, tmp_path, str(program("node", "nodejs")), "--check", "inbox.mjs")


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="go is not installed")
async def test_the_program_for_go_is_go(server: LiveServer, tmp_path: Path) -> None:
    (text,) = (block.text for block in blocks() if block.language == "go")
    (tmp_path / "inbox.go").write_text(text)
    await run(server, tmp_path, "gofmt", "-e", "inbox.go")


def test_the_ops_are_those_of_the_inbox() -> None:
    assert set(OPERATIONS) == set(outbox.OPS)
    assert f"op {'|'.join(OPERATIONS)}" in PAGE.read_text()


def test_every_call_of_the_client_is_told() -> None:
    page = PAGE.read_text()
    calls = [name for name, value in vars(Livefeed).items() if not name.startswith("_") and callable(value)]
    assert [name for name in calls if f"`{name}" not in page] == []


def test_every_error_is_a_request_error() -> None:
    page = PAGE.read_text()
    named = re.search(r"`livefeed.exceptions`: (.*?)\n\n", page, re.DOTALL)
    assert named is not None
    known = {error.__name__ for error in RequestError.__subclasses__()} | {"TooManyRequests", "Unavailable"}
    assert set(re.findall(r"`(\w+)`", named[1])) <= known


def test_every_link_leads_somewhere() -> None:
    page = PAGE.read_text()
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in page.splitlines() if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, anchor = target.partition("#")
        assert anchor in headings if not file else (PAGE.parent / file).exists()
