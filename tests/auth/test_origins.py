from __future__ import annotations

import pytest

from livefeed.auth.origins import Origins
from livefeed.exceptions import ConfigError

OURS = "https://feeds.example"
PAGE = Origins(["https://news.example", "http://news.example:8080"])


def may(method: str | None = "POST", scheme: str = "https", host: str = "feeds.example", **headers: str) -> bool:
    """Whether a request (a handshake when *method* is None) with these headers may use a session."""
    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    kind = "websocket" if method is None else "http"
    scope = {"type": kind, "method": method, "scheme": scheme, "headers": [(n.encode(), v.encode()) for n, v in named.items()]}
    return PAGE.may_use_session(scope)


FOREIGN = [
    "https://evil.example",
    "null",
    "https://feeds.example.evil.example",
    "https://evilfeeds.example",
    "http://feeds.example",
    "https://feeds.example:8443",
    "https://sub.feeds.example",
    "https://news.example.evil.example",
    "https://evil.example/https://news.example",
    "https://news.example:8080",
    "http://news.example",
    "https://NEWS.example.",
    "https://news.example@evil.example",
    "file://",
    "",
    "*",
    "https://feeds.example, https://evil.example",
    "chrome-extension://abcdef",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", None])
def test_foreign_origins_use_no_session(origin: str, method: str | None) -> None:
    scheme = "wss" if method is None else "https"
    assert not may(method, scheme, origin=origin)
    assert not may(method, scheme, origin=origin, sec_fetch_site="same-origin")


@pytest.mark.parametrize("origin", [OURS, "https://news.example", "http://news.example:8080"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", None])
def test_our_own_and_named_origins_do(origin: str, method: str | None) -> None:
    assert may(method, "wss" if method is None else "https", origin=origin)


@pytest.mark.parametrize(
    ("host", "origin"), [("feeds.example:443", OURS), ("FEEDS.example", OURS), ("[::1]:8000", "https://[::1]:8000")]
)
def test_the_same_origin_in_another_spelling_is_ours(host: str, origin: str) -> None:
    assert may("POST", host=host, origin=origin)


def test_without_an_origin_the_browser_must_say_that_it_is_ours() -> None:
    assert may("POST", sec_fetch_site="same-origin")
    for site in ("cross-site", "same-site", "none", ""):
        assert not may("POST", sec_fetch_site=site)
    assert not may("POST")
    assert not may(None)
    assert not may(None, sec_fetch_site="same-origin")


def test_reading_without_an_origin_is_for_navigation_and_our_own_pages() -> None:
    assert may("GET")
    assert may("GET", sec_fetch_site="none")
    assert may("GET", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert not may("GET", sec_fetch_site="cross-site", sec_fetch_mode="no-cors")
    assert not may("GET", sec_fetch_site="same-site", sec_fetch_mode="no-cors")


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.example",
        "news.example",
        "https://news.example/",
        "https://news.example/a",
        "ftp://a.example",
        "https://",
    ],
)
def test_a_list_has_exact_origins_only(origin: str) -> None:
    with pytest.raises(ConfigError):
        Origins([origin])
