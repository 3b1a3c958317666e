from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner, Result
from redis.asyncio import Redis

from livefeed.cli import main
from livefeed.grants import Role
from tests.auth.door import ADMIN_KEY, Door
from tests.serving import serving


class Shell:
    """Runs commands against a server, as its admin unless another key is given."""

    def __init__(self, url: str, door: Door) -> None:
        self.door = door
        self._environ = {"LIVEFEED_URL": url, "LIVEFEED_TOKEN": ADMIN_KEY}

    async def run(self, *arguments: str, **environ: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=self._environ | environ)


@pytest.fixture
async def shell(redis: Redis) -> AsyncIterator[Shell]:
    door = Door(redis)
    async with serving(door.app) as url:
        yield Shell(url, door)


async def test_a_key_is_made_listed_and_revoked(shell: Shell) -> None:
    made = await shell.run("keys", "make", "wire", "--publish", "world", "--publish", "sport.*", "--read", "*")
    assert made.exit_code == 0, made.output
    # The server logs to the same place here.
    key = next(line for line in made.stdout.splitlines() if line.startswith("lfk_"))
    caller = await shell.door.keys.find(key)
    assert caller is not None
    assert caller.may(Role.PUBLISH, "sport.football")
    listed = await shell.run("keys", "list")
    assert "wire  read=* publish=world,sport.*" in listed.stdout
    assert key not in listed.output
    assert (await shell.run("keys", "revoke", "wire")).exit_code == 0
    assert await shell.door.keys.find(key) is None
    assert (await shell.run("keys", "list")).stdout == ""


async def test_a_key_can_be_made_to_expire(shell: Shell) -> None:
    shell.door.clock.now = 0
    made = await shell.run("keys", "make", "stringer", "--contribute", "world", "--for", "30d")
    assert made.exit_code == 0, made.output
    (key,) = await shell.door.keys.list()
    assert key.expires is not None


async def test_two_keys_of_one_name_are_told_apart_by_id(shell: Shell) -> None:
    for _ in range(2):
        await shell.run("keys", "make", "wire", "--read", "*")
    assert (await shell.run("keys", "revoke", "wire")).exit_code == 2
    first, _ = await shell.door.keys.list()
    assert (await shell.run("keys", "revoke", first.id)).exit_code == 0
    assert len(await shell.door.keys.list()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make", "wire"], "Grant something"),
        (["make", "wire", "--publish", "WORLD"], "has the pattern"),
        (["make", "wire", "--admin", "--for", "soon"], "is no time"),
        (["make", "-x"], "No such option"),
        (["revoke", "nobody"], "there is no key called"),
    ],
)
async def test_what_cannot_be_done_is_said(shell: Shell, arguments: list[str], message: str) -> None:
    result = await shell.run("keys", *arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


async def test_without_the_admin_key_nothing_is_made(shell: Shell) -> None:
    result = await shell.run("keys", "make", "wire", "--read", "*", LIVEFEED_TOKEN="wrong")
    assert result.exit_code == 1
    assert "not a key or token" in result.output


async def test_a_server_that_is_not_there_is_one_sentence(shell: Shell) -> None:
    result = await shell.run("keys", "list", LIVEFEED_URL="http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "does not answer" in result.output
