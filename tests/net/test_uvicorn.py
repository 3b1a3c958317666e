"""What we use of uvicorn beside its public interface. When this fails, read livefeed/net/http.py before raising the pin."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

PROTOCOL = [
    "app",
    "app_state",
    "asgi_version",
    "client",
    "connections",
    "cycle",
    "flow",
    "headers",
    "loop",
    "parser",
    "pipeline",
    "root_path",
    "scheme",
    "scope",
    "server",
    "server_state",
    "tasks",
    "transport",
    "_start_asgi_task",
    "_should_upgrade",
    "_should_upgrade_to_ws",
    "timeout_keep_alive",
    "timeout_keep_alive_handler",
    "connection_made",
    "connection_lost",
    "data_received",
    "on_message_begin",
    "on_url",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "pause_writing",
    "resume_writing",
    "shutdown",
]
CYCLE = ["body", "disconnected", "keep_alive", "message_event", "more_body", "response_complete", "response_started", "scope"]
SERVER_STATE = ["connections", "default_headers", "tasks", "total_requests"]


async def app(scope: object, receive: object, send: object) -> None:
    raise AssertionError("never called")


@pytest.fixture
async def protocol() -> HttpToolsProtocol:
    return HttpToolsProtocol(
        Config(app, log_config=None, interface="asgi3", lifespan="off"), ServerState(), {}, asyncio.get_running_loop()
    )


@pytest.mark.parametrize("name", PROTOCOL)
async def test_the_protocol_has(protocol: HttpToolsProtocol, name: str) -> None:
    assert hasattr(protocol, name)


@pytest.mark.parametrize("name", CYCLE)
async def test_the_cycle_has(name: str) -> None:
    arguments = dict.fromkeys(inspect.signature(RequestResponseCycle).parameters)
    assert hasattr(RequestResponseCycle(**arguments), name)  # type: ignore[arg-type]  # only its attributes count


@pytest.mark.parametrize("name", SERVER_STATE)
def test_the_server_state_has(name: str) -> None:
    assert hasattr(ServerState(), name)


def test_the_flow_control_has_its_flags() -> None:
    source = inspect.getsource(FlowControl)
    assert "self.read_paused" in source
    assert "self.write_paused" in source


def test_the_server_makes_protocols_with_these_names() -> None:
    source = inspect.getsource(Server.startup)
    for name in ("config=config", "server_state=self.server_state", "app_state=self.lifespan.state", "_loop=_loop"):
        assert name in source
