from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.served import Server, running
from tests.stores import Store, running_store


@pytest.fixture(scope="package")
def own_store() -> Iterator[Store]:
    """A Redis that no other test empties."""
    with running_store() as store:
        yield store


@pytest.fixture(scope="package")
def server(own_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the attacks that leave it as it was, with a public, a private and another private feed."""
    folder = tmp_path_factory.mktemp("server")
    settings = {
        "LIVEFEED_ALLOWED_ORIGINS": "https://news.example",
        "LIVEFEED_PUBLISH_RATE": "10000",
        "LIVEFEED_PUBLISH_BURST": "100000",
        "LIVEFEED_WORKERS": "1",
    }
    with running(folder, own_store.url, **settings) as server:
        with server.client() as admin:
            for feed, public in (("world", True), ("secret", False), ("sport.secret", False)):
                admin.put(f"/v1/feeds/{feed}", json={"title": feed, "public": public}).raise_for_status()
        yield server
