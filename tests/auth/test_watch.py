from __future__ import annotations

from collections.abc import Callable

from structlog.testing import capture_logs

from livefeed.auth.watch import Watch
from livefeed.grants import Caller


def test_what_expired_ends_once() -> None:
    ended: list[str] = []
    watch = Watch()
    watch.add(Caller("a", expires=100.2, key_id="k"), ended.append)
    watch.expire(100.0)
    assert ended == []
    watch.expire(101.0)
    watch.expire(102.0)
    assert ended == ["expired"]
    assert len(watch) == 0


def test_what_was_revoked_ends_and_others_stay() -> None:
    ended: list[str] = []
    watch = Watch()
    for name in ("good", "bad"):
        for _ in range(2):
            watch.add(Caller(name, key_id=name), ended.append)
    watch.revoke(lambda key_id: key_id == "good")
    assert ended == ["revoked"] * 2
    assert len(watch) == 2


def test_who_left_is_not_ended() -> None:
    ended: list[str] = []
    watch = Watch()
    leave = watch.add(Caller("a", expires=1, key_id="k"), ended.append)
    leave()
    leave()
    watch.expire(10)
    watch.revoke(lambda _: False)
    assert ended == []


def test_ending_one_may_close_another() -> None:
    ended: list[str] = []
    watch = Watch()
    leaves: list[Callable[[], None]] = []

    def end(reason: str) -> None:
        ended.append(reason)
        for leave in leaves:
            leave()

    leaves += [watch.add(Caller("a", expires=1, key_id="k"), end) for _ in range(3)]
    watch.expire(2)
    assert len(watch) == 0
    assert ended[0] == "expired"


def test_a_session_that_ended_takes_its_connections_along() -> None:
    ended: list[str] = []
    watch = Watch()
    watch.add(Caller("a", key_id="k", session="one"), ended.append)
    watch.add(Caller("a", key_id="k", session="two"), ended.append)
    watch.add(Caller("a", key_id="k"), ended.append)
    assert watch.sessions() == {"one", "two"}
    watch.end_sessions({"one"})
    assert ended == ["revoked"]


def test_one_that_cannot_be_ended_does_not_save_the_others() -> None:
    ended: list[str] = []

    def fail(reason: str) -> None:
        raise RuntimeError(reason)

    watch = Watch()
    watch.add(Caller("a", key_id="k"), fail)
    watch.add(Caller("a", key_id="k"), ended.append)
    with capture_logs() as lines:
        watch.revoke(lambda _: False)
    assert ended == ["revoked"]
    assert len(lines) == 1
