from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode
from structlog.testing import capture_logs

from livefeed.auth.jwks import KeySet, read_jwks
from livefeed.auth.tokens import TokenRules, Tokens
from livefeed.exceptions import ConfigError, Unauthorized, Unavailable
from tests.auth.door import NOW, Clock

OLD = rsa.generate_private_key(65537, 2048)
NEW = rsa.generate_private_key(65537, 2048)
GOOD = {"sub": "ada", "aud": "livefeed", "exp": NOW + 600}


def public(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}


def secret(length: int) -> dict[str, Any]:
    return {"kty": "oct", "k": base64url_encode(b"x" * length).decode()}


def dump(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


class Answers:
    """A tiny web server that gives out *body* and counts who asks."""

    def __init__(self) -> None:
        self.body = b""
        self.head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        self.asked = 0
        self.address = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(self.head + self.body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serve() -> AsyncIterator[Answers]:
    answers = Answers()
    server = await asyncio.start_server(answers.answer, "127.0.0.1", 0)
    answers.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield answers


BAD_SETS: dict[str, bytes] = {
    "not JSON": b"{",
    "a list": b"[]",
    "no keys": b"{}",
    "empty": dump(),
    "a key that is none": dump("x"),
    "a short secret": dump(secret(31)),
    "a short RSA key": dump(public(rsa.generate_private_key(65537, 1024), "a")),
    "RSA without a modulus": dump({"kty": "RSA", "e": "AQAB"}),
    "EC off its curve": dump({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}),
    "kid a number": dump({**public(OLD, "a"), "kid": 1}),
    "only others": dump({**public(OLD, "a"), "use": "enc"}, {"kty": "EC", "crv": "P-521"}, {**public(OLD, "b"), "alg": "PS512"}),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_sets_that_cannot_be_used_stop_the_start(case: str) -> None:
    with pytest.raises(ConfigError):
        read_jwks(BAD_SETS[case], symmetric=True)


def test_a_short_secret_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="too short"):
        KeySet(secret="x" * 31)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        KeySet(source=str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    "address", ["http://id.example/jwks", "ftp://id.example/jwks", "file:///etc/passwd", "http://127.0.0.1.evil.example/"]
)
def test_addresses_that_others_can_answer_for_stop_the_start(address: str) -> None:
    with pytest.raises(ConfigError, match="https"):
        KeySet(source=address)


def test_keys_for_other_uses_are_left_out() -> None:
    other = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    keys = read_jwks(dump(public(OLD, "a"), {**public(NEW, "b"), "use": "enc"}, other), symmetric=False)
    assert [(key.kid, key.algorithm) for key in keys] == [("a", "RS256")]


def test_an_address_must_not_publish_a_shared_secret() -> None:
    assert len(read_jwks(dump(secret(32)), symmetric=True)) == 1
    with pytest.raises(ConfigError, match="shared secret"):
        read_jwks(dump(secret(32)), symmetric=False)


def test_of_a_private_key_only_the_public_half_is_kept() -> None:
    whole = {**RSAAlgorithm.to_jwk(OLD, as_dict=True), "key_ops": ["sign", "verify"]}
    (key,) = read_jwks(dump(whole), symmetric=True)
    assert not hasattr(key.material.key, "private_numbers")


async def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(dump(public(OLD, "old")))
    tokens = Tokens(KeySet(source=str(path)), TokenRules(), clock=Clock())
    old, new = (jwt.encode(GOOD, key, "RS256", headers={"kid": kid}) for key, kid in ((OLD, "old"), (NEW, "new")))
    caller = await tokens.verify(old)
    assert tokens.holds(caller.key_id)
    path.write_bytes(dump(public(NEW, "new"), public(NEW, "another name")))
    assert (await tokens.verify(new)).subject == "ada"
    assert not tokens.holds(caller.key_id)
    with pytest.raises(Unauthorized):
        await tokens.verify(old)


async def test_a_file_that_was_spoiled_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(dump(public(OLD, "old")))
    keys = KeySet(source=str(path))
    for spoiled in (b"{", dump(secret(3))):
        path.write_bytes(spoiled)
        with capture_logs() as lines:
            assert not await keys.refresh()
        assert len(lines) == 1
        assert len(keys.keys) == 1


async def test_an_address_is_asked_for_unknown_keys_but_not_without_end() -> None:
    async with serve() as answers:
        answers.body = dump(public(OLD, "old"))
        tokens = Tokens(KeySet(source=answers.address), TokenRules(), clock=Clock())
        assert (await tokens.verify(jwt.encode(GOOD, OLD, "RS256", headers={"kid": "old"}))).subject == "ada"
        for number in range(50):
            with pytest.raises(Unauthorized):
                await tokens.verify(jwt.encode(GOOD, NEW, "RS256", headers={"kid": str(number)}))
        assert answers.asked == 1


async def test_a_key_that_is_new_at_the_address_is_fetched() -> None:
    async with serve() as answers:
        answers.body = dump(public(OLD, "old"))
        tokens = Tokens(KeySet(source=answers.address, retry=0), TokenRules(), clock=Clock())
        assert (await tokens.verify(jwt.encode(GOOD, OLD, "RS256", headers={"kid": "old"}))).subject == "ada"
        answers.body = dump(public(NEW, "new"))
        assert (await tokens.verify(jwt.encode(GOOD, NEW, "RS256", headers={"kid": "new"}))).subject == "ada"
        assert answers.asked == 2


async def test_who_comes_while_the_keys_are_fetched_waits_for_them() -> None:
    async with serve() as answers:
        answers.body = dump(public(OLD, "old"))
        tokens = Tokens(KeySet(source=answers.address), TokenRules(), clock=Clock())
        shown = [jwt.encode({**GOOD, "sub": f"reader {n}"}, OLD, "RS256", headers={"kid": "old"}) for n in range(10)]
        callers = await asyncio.gather(*map(tokens.verify, shown))
        assert len({caller.subject for caller in callers}) == 10
        assert answers.asked == 1


async def test_while_the_address_never_answered_tokens_wait() -> None:
    async with serve() as answers:
        answers.head = b"HTTP/1.1 503 No\r\nconnection: close\r\n\r\n"
        tokens = Tokens(KeySet(source=answers.address), TokenRules(), clock=Clock())
        with pytest.raises(Unavailable):
            await tokens.verify(jwt.encode(GOOD, OLD, "RS256"))


BAD_ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "a redirect": (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n", b""),
    "too much": (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b'{"keys":[' + b" " * 300_000 + b"]}"),
    "no HTTP": (b"what?\r\n\r\n", b""),
    "a page": (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"<html>"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
async def test_an_address_that_answers_something_else_changes_nothing(case: str) -> None:
    async with serve() as answers:
        answers.body = dump(public(OLD, "old"))
        keys = KeySet(source=answers.address, refresh=0, retry=0)
        assert await keys.refresh()
        answers.head, answers.body = BAD_ANSWERS[case]
        with capture_logs() as lines:
            assert not await keys.refresh()
        assert len(lines) == 1
        assert keys.is_ready
        assert len(keys.keys) == 1
