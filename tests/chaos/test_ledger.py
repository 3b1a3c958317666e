"""An oracle that sees nothing proves nothing: each kind of lie is counted."""

from __future__ import annotations

import orjson

from tests.chaos.ledger import Heard, Ledger


def event(number: int, headline: str | None = None) -> bytes:
    return orjson.dumps({"data": {"uri": f"urn:{number}", "headline": headline or f"text {number}"}})


def heard(*numbers: int) -> Heard:
    account = Heard(Ledger(texts={f"urn:{number}": f"text {number}" for number in range(10)}))
    for number in numbers:
        account.event(f"1-{number}", event(number))
    return account


def test_an_account_in_order_is_clean() -> None:
    account = heard(1, 2, 3)
    assert (account.delivered, account.silent, account.doubled) == (3, 0, 0)
    assert (account.ledger.altered, account.ledger.phantoms, account.ledger.doubled) == (0, 0, 0)


def test_a_number_that_is_passed_over() -> None:
    assert heard(1, 2, 5).silent == 2


def test_a_number_that_comes_again_or_late() -> None:
    assert heard(1, 2, 2, 1).doubled == 2


def test_bytes_that_differ_between_two_readers() -> None:
    account = heard(1)
    other = Heard(account.ledger)
    other.event("1-1", event(1) + b" ")
    assert account.ledger.altered == 1


def test_text_that_nobody_published() -> None:
    account = heard()
    account.event("1-1", event(1, "other text"))
    account.event("1-2", event(99))
    assert (account.ledger.altered, account.ledger.phantoms) == (1, 1)


def test_an_item_that_is_in_the_log_twice_and_one_that_is_gone() -> None:
    account = heard(1)
    account.event("1-2", event(1))
    account.ledger.acked |= {"urn:1": "1-1", "urn:7": "1-7"}
    assert (account.ledger.doubled, account.ledger.lost) == (1, 1)


def test_a_reset_moves_the_position_and_a_heartbeat_must_not() -> None:
    account = heard(1)
    account.control("reset", orjson.dumps({"cursor": "1-5", "data": {"reason": "trimmed"}}), 0.0)
    account.event("1-6", event(6))
    assert (account.silent, account.resets) == (0, [{"reason": "trimmed"}])
    account.control("heartbeat", orjson.dumps({"cursor": "1-6", "data": {}}), 0.0)
    assert account.silent == 0
    account.control("heartbeat", orjson.dumps({"cursor": "1-8", "data": {}}), 0.0)
    assert account.silent == 1
