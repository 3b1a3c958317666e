"""The files that the pages are made with, as they are served."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from livefeed.api import pages
from livefeed.api.pages.assets import Assets

STATIC = Path(pages.__file__).parent / "static"
CLIENT = ("livefeed", "condition", "transports", "stream", "sharing", "worker", "model")


@pytest.fixture
def assets() -> Assets:
    return Assets(STATIC)


async def get(assets: Assets, path: str, **headers: str) -> httpx2.Response:
    app = Starlette(routes=[Route("/static/{path:path}", assets.serve)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_what_is_served_is_the_source(assets: Assets) -> None:
    response = await get(assets, "/static/livefeed.js")
    assert response.content == (STATIC / "livefeed.js").read_bytes()
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["access-control-allow-origin"] == "*"


def test_the_client_is_under_12_kib_compressed() -> None:
    assert sum(len(gzip.compress((STATIC / f"{name}.js").read_bytes())) for name in CLIENT) <= 12 * 1024


async def test_a_versioned_path_lasts_and_the_plain_one_is_asked_for_each_time(assets: Assets) -> None:
    lasting = await get(assets, assets.path("livefeed.js"))
    plain = await get(assets, "/static/livefeed.js")
    assert lasting.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["cache-control"] == "no-cache"
    assert (await get(assets, "/static/livefeed.js", if_none_match=plain.headers["etag"])).status_code == 304


async def test_a_page_of_an_older_server_gets_what_there_is(assets: Assets) -> None:
    response = await get(assets, "/static/0123456789ab/words/de.json")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["none.js", "../assets.py", "..%2fassets.py", "words", "", "0123456789ab/", "%00"])
async def test_nothing_else_is_served(assets: Assets, path: str) -> None:
    assert (await get(assets, f"/static/{path}")).status_code == 404


def test_a_name_that_does_not_exist_is_a_fault_of_ours(assets: Assets) -> None:
    with pytest.raises(KeyError):
        assets.path("none.js")
