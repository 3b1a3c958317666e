from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.net.serving import KINDS, Served, served


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The same endpoints on each kind of outlet."""
    with served(request.param) as running:
        yield running


@pytest.fixture(params=[kind for kind in KINDS if kind.startswith("direct")])
def direct(request: pytest.FixtureRequest) -> Iterator[Served]:
    with served(request.param) as running:
        yield running
