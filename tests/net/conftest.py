from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.net.serving import KINDS, Kind, Served, served


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[Kind], Served]]:
    """A server of each kind, for all tests that need nothing special of it: a server takes longer to stop than a test to run."""
    servers: dict[Kind, Served] = {}
    with ExitStack() as stack:

        def get(kind: Kind) -> Served:
            if kind not in servers:
                servers[kind] = stack.enter_context(served(kind))
            return servers[kind]

        yield get


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, running: Callable[[Kind], Served]) -> Iterator[Served]:
    """The same endpoints on each kind of outlet."""
    server = running(request.param)
    yield server
    server.forget()


@pytest.fixture(params=[kind for kind in KINDS if kind.startswith("direct")])
def direct(request: pytest.FixtureRequest, running: Callable[[Kind], Served]) -> Iterator[Served]:
    server = running(request.param)
    yield server
    server.forget()
