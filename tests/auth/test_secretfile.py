from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from livefeed.auth.secretfile import check_secret, is_guessable, keep_secret
from livefeed.exceptions import ConfigError


def test_the_first_start_makes_a_secret_that_only_its_user_reads(tmp_path: Path) -> None:
    path = tmp_path / "data" / "admin.key"
    secret, made = keep_secret(path)
    assert made
    assert len(secret) == 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keep_secret(path) == (secret, False)
    assert list(path.parent.iterdir()) == [path]


def test_starts_at_the_same_moment_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: keep_secret(tmp_path / "admin.key"), range(32)))
    assert len({secret for secret, _ in answers}) == 1
    assert sum(made for _, made in answers) == 1


def test_a_secret_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    keep_secret(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        keep_secret(path)


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "with a space " * 4, "h\u00e9h\u00e9" * 20, "line\n" * 10])
def test_short_secrets_and_those_no_header_carries_are_refused(secret: str) -> None:
    with pytest.raises(ConfigError, match="LIVEFEED_ADMIN_KEY"):
        check_secret(secret, "LIVEFEED_ADMIN_KEY")


@pytest.mark.parametrize(
    ("secret", "guessable"), [("a" * 40, True), ("abcabcab" * 8, True), ("correct-horse-battery-staple-0042", False)]
)
def test_a_repetition_is_accepted_and_known_as_one(secret: str, guessable: bool) -> None:
    assert check_secret(secret, "LIVEFEED_ADMIN_KEY") == secret
    assert is_guessable(secret) is guessable
