"""Accepting: a herd is taken in few turns of the loop, and running out of files is survived."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest
import uvloop

from livefeed.server import accepting
from livefeed.server.accepting import AT_ONCE, FEWEST, LONG, OPENED, Acceptor, Pace

HERD = 300


class Greeted(asyncio.Protocol):
    def __init__(self, made: list[Greeted]) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._made.append(self)


class Spent(socket.socket):
    """A listener that once has no files left."""

    spent = False

    def accept(self) -> tuple[socket.socket, object]:
        if not self.spent:
            self.spent = True
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@contextlib.contextmanager
def listening(kind: type[socket.socket] = socket.socket) -> Iterator[socket.socket]:
    with kind(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(HERD)
        yield listener


async def turns_until_accepted(listener: socket.socket, count: int) -> int:
    """How many turns of the loop pass until *count* connections, that wait already, are made."""
    made: list[Greeted] = []
    clients = [socket.create_connection(listener.getsockname()) for _ in range(count)]
    acceptor = Acceptor(listener, lambda: Greeted(made), None)
    turns = 0
    while len(made) < count:
        await asyncio.sleep(0)
        turns += 1
    acceptor.close()
    for protocol in made:
        protocol.transport.close()
    for client in clients:
        client.close()
    return turns


def test_a_herd_is_accepted_in_few_turns_of_the_loop() -> None:
    with listening() as listener:
        turns = uvloop.run(turns_until_accepted(listener, HERD))

    assert turns < HERD / FEWEST + 8


def test_a_herd_is_taken_from_the_kernel_before_it_is_opened() -> None:
    async def turn(listener: socket.socket) -> tuple[int, int]:
        made: list[Greeted] = []
        acceptor = Acceptor(listener, lambda: Greeted(made), None)
        while not acceptor.waiting:  # noqa: ASYNC110  # turns of the loop are what is counted
            await asyncio.sleep(0)
        taken = acceptor.waiting
        acceptor.close()
        return taken, len(made)

    with listening() as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(HERD)]
        taken, made = uvloop.run(turn(listener))
        assert (taken, made) == (AT_ONCE, 0)
        # Those that were not opened are told by the end of their connections.
        assert clients[0].recv(1) == b""
        for client in clients:
            client.close()


def test_fewer_are_opened_while_iterations_are_long() -> None:
    pace = Pace(0)
    pace.begin(100)
    assert pace.take(100) == OPENED
    assert FEWEST < pace.take(100 + LONG / 2) <= OPENED / 2
    # The iterations between two long ones are short.
    assert pace.take(100 + LONG / 2) < OPENED
    assert pace.take(100 + 2 * LONG) == FEWEST
    assert [pace.take(100 + 2 * LONG) for _ in range(100)][-1] == OPENED


def test_who_comes_when_no_files_are_left_is_accepted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "PAUSE", 0.01)
    with listening(Spent) as listener:
        uvloop.run(turns_until_accepted(listener, 2))


def test_connections_are_refused_after_the_end() -> None:
    """Instead of waiting in a queue that nobody empties any more."""

    async def end(listener: socket.socket) -> None:
        made: list[Greeted] = []
        address = listener.getsockname()
        Acceptor(listener, lambda: Greeted(made), None).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    with listening() as listener:
        uvloop.run(end(listener))
