"""The first start is safe, and settings that would not be stop every start."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path

import pytest
from redis.asyncio import Redis

from livefeed.log.connect import inspect
from tests.served import ADMIN_KEY, running
from tests.stores import Store

WEAK: dict[str, str] = {
    "LIVEFEED_ADMIN_KEY": "short",
    "LIVEFEED_TOKEN_SECRET": "also-too-short-for-HS256",
    "LIVEFEED_TOKEN_KEYS": "http://id.example/jwks.json",
    "LIVEFEED_ALLOWED_ORIGINS": "*",
    "LIVEFEED_FRAME_ANCESTORS": "https://a.example; script-src *",
    "LIVEFEED_TRUSTED_PROXIES": "*",
    "LIVEFEED_TOKEN_LIFETIME": "0",
    "LIVEFEED_TOKEN_ISSUR": "https://id.example",
}


@pytest.mark.parametrize("name", WEAK)
def test_a_setting_that_is_not_safe_stops_the_start(own_store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(RuntimeError) as failed, running(tmp_path, own_store.url, **{name: WEAK[name]}):
        pass
    said = str(failed.value)
    assert "Traceback" not in said
    assert "also-too-short" not in said
    assert ADMIN_KEY not in said


@pytest.mark.parametrize("length", [3, 31])
def test_a_short_key_in_a_jwks_stops_the_start(own_store: Store, tmp_path: Path, length: int) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": "A" * length}]}))
    with pytest.raises(RuntimeError, match="too short"), running(tmp_path, own_store.url, LIVEFEED_TOKEN_KEYS=str(path)):
        pass


def test_the_first_start_makes_a_key_and_says_where_it_lies(own_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    for start in ("first", "second"):
        with running(tmp_path, own_store.url, LIVEFEED_ADMIN_KEY="", LIVEFEED_TOKEN_SECRET="") as server:
            key = path.read_text().strip()
            with server.client(None) as nobody, server.client(key) as admin:
                assert nobody.post("/v1/feeds/first/items", json={"headline": "a"}).status_code == 401
                assert admin.post("/v1/feeds/first/items", json={"headline": "a"}).status_code == 201
        assert (str(path) in server.output) == (start == "first")
        assert key not in server.output
    for name in ("admin.key", "token.secret"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_key_that_others_can_read_stops_the_start(own_store: Store, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("x" * 10 + ADMIN_KEY)
    (tmp_path / "admin.key").chmod(0o644)
    with pytest.raises(RuntimeError, match="chmod 600"), running(tmp_path, own_store.url, LIVEFEED_ADMIN_KEY=""):
        pass


EXPOSED: dict[str, list[str]] = {
    "redis://feeds.example:6379": ["without a password", "without TLS"],
    "redis://:a-password@feeds.example:6379": ["without TLS"],
    "rediss://feeds.example:6380": ["without a password"],
    "rediss://livefeed:a-password@feeds.example:6380": [],
    "redis+sentinel://:a-password@127.0.0.1:26379,10.0.0.9:26379/news": ["without TLS"],
    "redis://127.0.0.1:6379": [],
    "redis://[::1]:6379": [],
    "unix:///run/redis.sock": [],
}


@pytest.mark.parametrize("url", EXPOSED)
async def test_a_redis_that_others_could_reach_or_overhear_is_warned_of(redis: Redis, url: str) -> None:
    warnings = [said for said in (await inspect(redis, url)).warnings if "append-only" not in said]
    assert [said.partition("is used ")[2] for said in warnings] == EXPOSED[url]
    assert "a-password" not in "".join(warnings)


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_the_start_says_what_is_wrong_with_the_redis(tmp_path: Path, unused_tcp_port: int, host: str, warned: bool) -> None:
    """The unspecified address leads to this machine, but is none of its loopback addresses."""
    with tempfile.TemporaryDirectory(prefix="livefeed-") as folder:
        store = Store(Path(folder), "--appendonly", "yes", port=unused_tcp_port)
        store.start()
        try:
            with running(tmp_path, f"redis://{host}:{unused_tcp_port}", LIVEFEED_WORKERS="1") as server:
                assert ("is used without a password" in server.output) is warned
                assert ("is used without TLS" in server.output) is warned
        finally:
            store.kill()
