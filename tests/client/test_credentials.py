from __future__ import annotations

from pathlib import Path

import pytest

from livefeed import Livefeed, data_dir
from livefeed.client.credentials import find_token, is_on_this_machine
from livefeed.exceptions import ConfigError

LOCAL = "http://127.0.0.1:8000"


@pytest.mark.parametrize("url", [LOCAL, "http://localhost:1", "https://[::1]/", "http://127.9.9.9/base"])
def test_this_machine(url: str) -> None:
    assert is_on_this_machine(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://live.example.org", "http://127.0.0.1.example.org", "http://localhost.x"]
)
def test_other_machines(url: str) -> None:
    assert not is_on_this_machine(url)


def test_a_token_of_ones_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("file\n")
    environ = {"LIVEFEED_DATA_DIR": str(tmp_path), "LIVEFEED_ADMIN_KEY": "admin", "LIVEFEED_TOKEN": "own"}
    assert find_token(LOCAL, environ) == "own"
    assert find_token("https://live.example.org", environ) == "own"
    del environ["LIVEFEED_TOKEN"]
    assert find_token(LOCAL, environ) == "admin"
    del environ["LIVEFEED_ADMIN_KEY"]
    assert find_token(LOCAL, environ) == "file"


def test_the_admin_key_is_not_shown_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("file\n")
    environ = {"LIVEFEED_DATA_DIR": str(tmp_path), "LIVEFEED_ADMIN_KEY": "admin"}
    assert find_token("https://live.example.org", environ) is None


def test_no_key_is_no_fault_yet(tmp_path: Path) -> None:
    assert find_token(LOCAL, {"LIVEFEED_DATA_DIR": str(tmp_path)}) is None


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "admin.key").mkdir()
    with pytest.raises(ConfigError, match=r"admin\.key cannot be read"):
        find_token(LOCAL, {"LIVEFEED_DATA_DIR": str(tmp_path)})


async def test_from_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEFEED_URL", "http://127.0.0.1:9/base/")
    monkeypatch.setenv("LIVEFEED_DATA_DIR", str(tmp_path))
    assert data_dir() == tmp_path
    async with Livefeed.from_environment() as lf:
        assert lf.url == "http://127.0.0.1:9/base"
    async with Livefeed.from_environment("http://127.0.0.1:10") as lf:
        assert lf.url == "http://127.0.0.1:10"
