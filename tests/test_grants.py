from __future__ import annotations

import random

import pytest

from livefeed.exceptions import Forbidden, Invalid, Unauthorized
from livefeed.grants import Caller, Role, grants_to_dict, parse_grants


def model(grants: dict[str, object], role: str, feed: str) -> bool:
    """The rule once more, written from the documentation alone."""
    if grants.get("admin") is True:
        return True
    order = ["read", "contribute", "publish", "edit"]
    if role not in order:
        return False
    for granted in order[order.index(role) :]:
        patterns = grants.get(granted, [])
        assert isinstance(patterns, list)
        for pattern in patterns:
            if pattern == "*" or pattern == feed:
                return True
            head, star, rest = pattern.partition("*")
            if star and not rest and head.endswith(".") and feed[: len(head)] == head and feed != head:
                return True
    return False


NAMES = ["world", "sport", "sport.football", "sport.", "sport.a.b", "sportx", "s", "a.b", "a", "a-b", "a_b", "world.x", "0"]
STRANGE = [
    "sport.*",
    "*",
    "",
    "../",
    "%2e",
    "WORLD",
    "w\u043erld",
    "world\x00",
    "sport\n",
    "[a-z]",
    "wor?d",
    "wo\\rld",
    "caf\u00e9",
]
PATTERNS = [*NAMES, "*", "sport.*", "a.*", "world.*", "0.*", "sport.a.*"]


def test_random_grants_agree_with_a_model() -> None:
    """5,000 grants, each asked for four roles on every feed name that there is to confuse it."""
    chance = random.Random(20261123)
    mismatches = 0
    for _ in range(5_000):
        given: dict[str, object] = {
            role: chance.sample(PATTERNS, chance.randint(0, 3))
            for role in chance.sample(["read", "contribute", "publish", "edit"], chance.randint(0, 4))
        }
        if chance.random() < 0.05:
            given["admin"] = chance.random() < 0.5
        caller = Caller("somebody", parse_grants(given))
        for role in Role:
            feed = chance.choice(NAMES + [name for name in STRANGE if name != "*"])
            mismatches += caller.may(role, feed) != model(given, role.name.lower(), feed)
    assert mismatches == 0


@pytest.mark.parametrize(
    "pattern",
    [
        "**",
        "a**",
        "../",
        "%2e",
        "WORLD",
        "caf\u00e9",
        "w\u043erld",
        "a\x00",
        "[a-z]",
        "w?",
        "\\*",
        "",
        ".*",
        "*.a",
        "a.*.b",
        "a*",
    ],
)
def test_patterns_that_are_none_are_refused(pattern: str) -> None:
    """A pattern is `*`, a feed's name or a beginning that ends in `.*`: nothing of Redis' or the shell's globs."""
    with pytest.raises(Invalid, match="pattern"):
        parse_grants({"read": [pattern]})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "admin",
        {"read": "world"},
        {"read": [1]},
        {"admin": 1},
        {"admin": "true"},
        {"owner": ["*"]},
        {"read": ["a"] * 101},
    ],
)
def test_grants_of_another_form_are_refused(value: object) -> None:
    with pytest.raises(Invalid):
        parse_grants(value)


def test_grants_survive_the_way_there_and_back() -> None:
    given = {"read": ["*"], "publish": ["world", "sport.*"], "admin": True}
    assert grants_to_dict(parse_grants(given)) == given


def test_who_shows_nothing_is_unauthorized_and_who_shows_too_little_is_forbidden() -> None:
    with pytest.raises(Unauthorized):
        Caller.ANONYMOUS.require(Role.READ, "world")
    with pytest.raises(Unauthorized):
        Caller.ANONYMOUS.require_admin()
    reader = Caller("reader", parse_grants({"read": ["*"]}))
    reader.require(Role.READ, "world")
    with pytest.raises(Forbidden):
        reader.require(Role.CONTRIBUTE, "world")
    with pytest.raises(Forbidden):
        reader.require_admin()


def test_edit_on_every_feed_is_not_admin() -> None:
    assert not Caller("editor", parse_grants({"edit": ["*"]})).may(Role.ADMIN, "world")
