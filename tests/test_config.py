from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from livefeed.config import PREFIX, Config, describe, load
from livefeed.exceptions import ConfigError

ROOT = Path(__file__).parent.parent


def test_defaults() -> None:
    assert load({}) == Config()


def test_command_line_beats_environment_beats_file(tmp_path: Path) -> None:
    file = tmp_path / "livefeed.toml"
    file.write_text('LIVEFEED_PORT = 1\nLIVEFEED_WORKERS = 2\nLIVEFEED_HOST = "::1"\n')
    config = load({"LIVEFEED_PORT": "3", "LIVEFEED_WORKERS": "4"}, file, {"port": 5, "host": None})
    assert (config.port, config.workers, config.host) == (5, 4, "::1")


def test_empty_variable_is_unset() -> None:
    assert load({"LIVEFEED_REDIS_URL": "", "LIVEFEED_PORT": ""}) == Config()


def test_other_programs_variables_are_theirs() -> None:
    assert load({"PATH": "/bin", "LIVEFEED_URL": "http://h", "LIVEFEED_TOKEN": "t"}) == Config()


@pytest.mark.parametrize(
    ("name", "near"),
    [("LIVEFEED_PROT", "LIVEFEED_PORT"), ("LIVEFEED_REDISURL", "LIVEFEED_REDIS_URL"), ("LIVEFEED_WORKER", "LIVEFEED_WORKERS")],
)
def test_unknown_name_is_told_with_the_nearest_known_one(name: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"{name} in the environment is not a setting: did you mean {near}\?"):
        load({name: "1"})
    file = tmp_path / "livefeed.toml"
    file.write_text(f"{name} = 1\n")
    with pytest.raises(ConfigError, match=rf"{name} in .*livefeed\.toml is not a setting: did you mean {near}\?"):
        load({}, file)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "x", "LIVEFEED_PORT is 'x': expected a whole number from 0 to 65535"),
        ("WORKERS", 2.5, "LIVEFEED_WORKERS is 2.5: expected a whole number from 1 to 256"),
        ("GRACE", "0.5", "LIVEFEED_GRACE is '0.5': expected a number from 1 to 600"),
        ("PUBLISH_RATE", 0, "LIVEFEED_PUBLISH_RATE is 0: expected a number above 0, up to 100000"),
        ("COMPRESSION", "perhaps", "LIVEFEED_COMPRESSION is 'perhaps': expected true or false"),
        ("DURABILITY", "disk", "LIVEFEED_DURABILITY is 'disk': expected one of aof, memory, replica"),
        ("ALLOWED_ORIGINS", 1, "LIVEFEED_ALLOWED_ORIGINS is 1: expected texts, separated by commas"),
        ("HOST", [], "LIVEFEED_HOST is []: expected a text of at least 1 character"),
        ("PUBLIC_URL", [], "LIVEFEED_PUBLIC_URL is []: expected a text"),
        ("TLS_KEY", 1, "LIVEFEED_TLS_KEY is 1: expected a path"),
        ("EMBEDDED_SERVER", 1, "LIVEFEED_EMBEDDED_SERVER is 1: expected a path"),
        ("ADMIN_KEY", "short", "LIVEFEED_ADMIN_KEY: expected a text of at least 32 characters"),
    ],
)
def test_wrong_value_is_told_with_its_rule(name: str, value: object, told: str, tmp_path: Path) -> None:
    file = tmp_path / "livefeed.toml"
    file.write_text(f"{PREFIX}{name} = {json.dumps(value)}\n")
    with pytest.raises(ConfigError, match=f"^{re.escape(told)}$"):
        load({}, file)
    if isinstance(value, str):
        with pytest.raises(ConfigError, match=f"^{re.escape(told)}$"):
            load({PREFIX + name: value})


def test_secret_is_never_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"LIVEFEED_ADMIN_KEY": "CANARY"})
    assert "CANARY" not in str(caught.value)
    config = load({"LIVEFEED_ADMIN_KEY": "CANARY" * 6, "LIVEFEED_REDIS_URL": "redis://:CANARY@h"})
    assert "CANARY" not in repr(config)


@pytest.mark.parametrize(("text", "told"), [("LIVEFEED_PORT = ", "is not valid TOML"), (None, "cannot be read: No such file")])
def test_file_that_cannot_be_used(tmp_path: Path, text: str | None, told: str) -> None:
    file = tmp_path / "livefeed.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load({}, file)


def test_every_setting_is_documented() -> None:
    """docs/operating.md has one row for each setting, with the words of its description."""
    document = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for name in Config.__struct_fields__:
        assert f"| `{PREFIX}{name.upper()}` |" in document, f"{name} is not documented"
        assert describe(name) in document, f"the row of {name} says something else than the code"
    documented = set(re.findall(r"^\| `LIVEFEED_(\w+)` \|", document, re.MULTILINE))
    assert {name.lower() for name in documented} == set(Config.__struct_fields__)
