"""The descriptions of the interface: valid, complete, and true for every event that is kept in a log."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from jsonschema import ValidationError
from openapi_spec_validator import validate
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import Route

from livefeed.app import create_app
from livefeed.config import Config
from livefeed.cursors import BIRTH
from livefeed.events import EventType
from livefeed.grants import Caller
from livefeed.holes import Page
from livefeed.items import FIELDS, SERVER_FIELDS
from tests.api.described import check_event, document
from tests.api.desk import ITEMS, Desk, open_desk


def test_the_openapi_document_is_valid() -> None:
    validate(document("openapi"))
    assert document("openapi")["openapi"].startswith("3.1")


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(entry) for entry in value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("kind", ["openapi", "asyncapi"])
def test_every_reference_leads_somewhere(kind: str) -> None:
    for reference in references(document(kind)):
        found: Any = document(kind)
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_the_asyncapi_document_has_what_version_3_asks_for() -> None:
    described = document("asyncapi")
    assert re.fullmatch(r"3\.\d+\.\d+", described["asyncapi"])
    assert {"title", "version"} <= described["info"].keys()
    for channel in described["channels"].values():
        assert channel["address"].startswith("/")
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
    for operation in described["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = described["channels"][operation["channel"]["$ref"].split("/")[-1]]
        assert {message["$ref"].split("/")[-1] for message in operation["messages"]} <= channel["messages"].keys()
    for server in described["servers"].values():
        assert {"host", "protocol"} <= server.keys()


def test_every_field_of_an_item_is_described() -> None:
    schemas = document("openapi")["components"]["schemas"]
    assert schemas["ItemInput"]["properties"].keys() == FIELDS.keys()
    assert schemas["ItemPatch"]["properties"].keys() == FIELDS.keys()
    assert schemas["Item"]["properties"].keys() == {*FIELDS, *SERVER_FIELDS} - {"edNote"}
    assert set(schemas["ItemEvent"]["properties"]["type"]["enum"]) | set(schemas["FeedEvent"]["properties"]["type"]["enum"]) == {
        kind.value for kind in EventType
    }


async def test_every_path_that_is_served_is_described(redis_url: str) -> None:
    app = await create_app(Config(redis_url=redis_url, admin_key="a" * 32))
    assert isinstance(app, Starlette)
    served: dict[str, set[str]] = {}
    for route in app.routes:
        if (
            isinstance(route, Route)
            and route.include_in_schema
            and route.path.startswith(("/v1", "/livez", "/readyz", "/metrics"))
        ):
            served.setdefault(route.path, set()).update({method.lower() for method in route.methods or ()} - {"head"})
    described = {path: item.keys() - {"parameters"} for path, item in document("openapi")["paths"].items()}
    assert served == described


async def test_every_kind_of_event_is_as_described(redis: Redis, redis_url: str) -> None:
    desk = await open_desk(redis, redis_url)
    more = {"authors": [{"name": "A"}], "places": [{"name": "B", "lat": 1, "lon": 2}], "expires": "2999-01-01T00:00:00Z"}
    item = await desk.publish(tags=["a"], **more)
    path = f"{ITEMS}/{item['id']}"
    patches = ({"urgency": 1}, {"correction": "c"}, {"pinned": True}, {"pinned": False}, {"keyEvent": True})
    for patch in patches:
        await desk.ask("PATCH", path, patch)
    seen = await log_of(desk)
    await desk.ask("POST", f"{path}/hold", {"reason": "r"})
    seen |= await log_of(desk)
    for deed in ("release", "cancel"):
        await desk.ask("POST", f"{path}/{deed}")
        seen |= await log_of(desk)
    for settings in ({"open": False}, {"open": True}):
        await desk.ask("PUT", "/v1/feeds/world", settings)
    assert seen | await log_of(desk) == {kind.value for kind in EventType}


async def log_of(desk: Desk) -> set[str]:
    """The types of all events in the log, each held against its description."""
    page = await desk.editor.log.read("world", BIRTH)
    assert isinstance(page, Page)
    found = [orjson.loads(event.json) for event in page.events]
    for event in found:
        check_event(event)
    return {event["type"] for event in found}


def test_an_event_that_is_not_as_described_is_noticed() -> None:
    with pytest.raises(ValidationError):
        check_event({"type": "live.stream.hello", "data": {}})


async def test_the_documents_and_their_page(redis: Redis, redis_url: str) -> None:
    desk = await open_desk(redis, redis_url)
    for path in ("/openapi.json", "/asyncapi.json", "/docs", "/docs/page.js", "/docs/page.css"):
        response = await desk.ask("GET", path, caller=Caller.ANONYMOUS)
        assert response.status_code == 200
        assert (await desk.ask("GET", path, if_none_match=response.headers["etag"])).status_code == 304
        assert not path.endswith(".json") or response.json()["info"]["version"] == "1"
    page = (await desk.ask("GET", "/docs")).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|https?:", page)
