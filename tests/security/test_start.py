"""The first start is safe, and settings that would not be stop every start."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

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
