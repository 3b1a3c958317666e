from __future__ import annotations

import base64
import hmac
import json
import time
from contextlib import suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from livefeed.auth.jwks import KeySet
from livefeed.auth.tokens import TokenRules, Tokens
from livefeed.exceptions import ConfigError, Unauthorized
from livefeed.grants import Role
from tests.auth.door import NOW, SECRET, Clock

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
GOOD: dict[str, Any] = {
    "sub": "ada",
    "aud": "livefeed",
    "exp": NOW + 600,
    "livefeed": {"read": ["*"], "publish": ["world", "sport.*"]},
}
MISSING = object()


def claims(**changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not MISSING}


def forge(header: dict[str, Any], payload: object, key: bytes = SECRET.encode(), *, raw: bytes | None = None) -> str:
    """A token with a good HS256 signature, whatever it says."""
    parts = [json.dumps(header).encode(), raw if raw is not None else json.dumps(payload).encode()]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(key, signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def tokens(jwks: str | None = None, **rules: Any) -> Tokens:
    return Tokens(KeySet(secret=SECRET, source=jwks), TokenRules(**rules), clock=Clock())


@pytest.fixture
def jwks(tmp_path: Any) -> str:
    """A set of three public keys in a file."""
    keys = [
        {**RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "r1", "use": "sig"},
        {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "e1"},
        {**OKPAlgorithm.to_jwk(ED_KEY.public_key(), as_dict=True), "kid": "o1"},
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": keys}))
    return str(path)


async def test_a_good_token_is_its_subject() -> None:
    caller = await tokens().verify(forge({"alg": "HS256", "typ": "JWT"}, GOOD))
    assert (caller.subject, caller.expires) == ("ada", NOW + 600)
    assert caller.may(Role.PUBLISH, "sport.football")
    assert not caller.may(Role.EDIT, "world")
    assert caller.key_id.startswith("jwt:")


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"), [("RS256", RSA_KEY, "r1"), ("ES256", EC_KEY, "e1"), ("EdDSA", ED_KEY, "o1")]
)
async def test_each_algorithm_of_a_set_is_understood(jwks: str, algorithm: str, key: Any, kid: str) -> None:
    for header in ({"kid": kid}, {}):
        caller = await tokens(jwks).verify(jwt.encode(GOOD, key, algorithm, headers=header))
        assert caller.subject == "ada"


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no exp": {"exp": MISSING},
    "exp null": {"exp": None},
    "exp a string": {"exp": str(int(NOW + 600))},
    "exp true": {"exp": True},
    "exp a list": {"exp": [NOW]},
    "exp in the year 3 billion": {"exp": 10**20},
    "exp beyond any float": {"exp": 10**400},
    "exp infinite": {"exp": float("inf")},
    "exp not a number": {"exp": float("nan")},
    "exp negative": {"exp": -1},
    "exp now": {"exp": NOW},
    "exp a second ago": {"exp": NOW - 1},
    "lives too long": {"exp": NOW + 86_400 + 11},
    "lives too long since iat": {"exp": NOW + 600, "iat": NOW - 86_400},
    "iat in the future": {"iat": NOW + 60},
    "iat a string": {"iat": "now"},
    "nbf in the future": {"nbf": NOW + 60},
    "nbf a string": {"nbf": "0"},
    "no aud": {"aud": MISSING},
    "another aud": {"aud": "elsewhere"},
    "aud with another ending": {"aud": "livefeed.example"},
    "aud in another case": {"aud": "LiveFeed"},
    "aud a list without us": {"aud": ["a", "b"]},
    "aud an empty list": {"aud": []},
    "aud an object": {"aud": {"livefeed": 1}},
    "aud null": {"aud": None},
    "no sub": {"sub": MISSING},
    "sub a number": {"sub": 7},
    "sub empty": {"sub": ""},
    "sub with a line break": {"sub": "a\nb"},
    "sub with NUL": {"sub": "a\x00"},
    "sub endless": {"sub": "a" * 257},
    "grants a list": {"livefeed": ["admin"]},
    "grants a string": {"livefeed": "admin"},
    "admin a string": {"livefeed": {"admin": "true"}},
    "admin 1": {"livefeed": {"admin": 1}},
    "feeds a string": {"livefeed": {"publish": "world"}},
    "a glob": {"livefeed": {"publish": ["wor?d"]}},
    "two stars": {"livefeed": {"publish": ["**"]}},
    "an unknown role": {"livefeed": {"owner": ["*"]}},
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
async def test_claims_that_are_not_as_they_must_be_are_refused(case: str) -> None:
    with pytest.raises(Unauthorized):
        await tokens().verify(forge({"alg": "HS256"}, claims(**BAD_CLAIMS[case])))


@pytest.mark.parametrize("issuer", [MISSING, None, "https://evil.example", "https://id.example/", ["https://id.example"]])
async def test_another_issuer_is_refused_where_one_is_set(issuer: object) -> None:
    with pytest.raises(Unauthorized, match="iss"):
        await tokens(issuer="https://id.example").verify(forge({"alg": "HS256"}, claims(iss=issuer)))


@pytest.mark.parametrize(
    "changes", [{"nbf": NOW + 9}, {"iat": NOW + 9}, {"aud": ["other", "livefeed"]}, {"livefeed": MISSING}, {"exp": NOW + 1.5}]
)
async def test_what_is_a_little_unusual_is_taken(changes: dict[str, Any]) -> None:
    assert (await tokens().verify(forge({"alg": "HS256"}, claims(**changes)))).subject == "ada"


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "none": {"alg": "none"},
    "None": {"alg": "None"},
    "nOnE": {"alg": "nOnE"},
    "no alg": {},
    "alg a list": {"alg": ["HS256"]},
    "another hash": {"alg": "HS512"},
    "another kind": {"alg": "RS256"},
    "crit": {"alg": "HS256", "crit": ["exp"]},
    "crit unknown": {"alg": "HS256", "crit": ["x"], "x": 1},
    "b64": {"alg": "HS256", "b64": False},
    "kid a number": {"alg": "HS256", "kid": 1},
    "kid an object": {"alg": "HS256", "kid": {"$ne": ""}},
    "kid endless": {"alg": "HS256", "kid": "a" * 300},
}


@pytest.mark.parametrize("case", BAD_HEADERS)
async def test_headers_that_ask_for_another_check_are_refused(case: str, jwks: str) -> None:
    with pytest.raises(Unauthorized):
        await tokens(jwks).verify(forge(BAD_HEADERS[case], GOOD))


@pytest.mark.parametrize(
    "kid", ["../../../../dev/null", "/etc/passwd", "http://127.0.0.1/k", "' OR 1=1 --", "r1\x00", "", "R1", "e1"]
)
async def test_a_key_id_only_looks_up(kid: str, jwks: str) -> None:
    """It is no path, no address and no query; and one that names another key chooses no other algorithm."""
    token = jwt.encode(GOOD, RSA_KEY, "RS256", headers={"kid": kid})
    with pytest.raises(Unauthorized):
        await tokens(jwks).verify(token)


async def test_a_public_key_is_no_secret(jwks: str) -> None:
    """HS256 signed with the bytes of our public RSA key, in each form that it is passed around in."""
    public = RSA_KEY.public_key()
    forms = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(RSAAlgorithm.to_jwk(public, as_dict=True)).encode(),
    ]
    for form in forms:
        for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": "r1"}, {"alg": "RS256", "kid": "r1"}):
            with pytest.raises(Unauthorized):
                await tokens(jwks).verify(forge(header, GOOD, form))


async def test_keys_that_the_token_brings_along_are_ignored(jwks: str) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    own = RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    for brought in ({"jwk": own}, {"jku": "http://127.0.0.1:1/jwks"}, {"x5u": "http://127.0.0.1:1/x"}):
        with pytest.raises(Unauthorized, match="not signed"):
            await tokens(jwks).verify(jwt.encode(GOOD, stranger, "RS256", headers={**brought, "kid": "r1"}))


NO_TOKENS = [
    "eyJ.eyJ.",
    "eyJhbGciOiJIUzI1NiJ9..",
    "eyJhbGciOiJIUzI1NiJ9.e30",
    "a.b.c",
    "",
    "...",
    "eyJ" + "A" * 8000 + ".e30.x",
    "eyJ9.\u00e9.x",
]


@pytest.mark.parametrize("token", NO_TOKENS)
async def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        await tokens().verify(token)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'"x"', b"{", b"\xff\xfe", b"[" * 3000, b'{"exp":1e999}', b'{"exp":NaN}'])
async def test_payloads_that_are_no_claims_are_refused(raw: bytes) -> None:
    with pytest.raises(Unauthorized):
        await tokens().verify(forge({"alg": "HS256"}, None, raw=raw))


async def test_a_token_of_a_megabyte_is_not_even_read() -> None:
    token = forge({"alg": "HS256"}, claims(junk="x" * 1_000_000))
    with pytest.raises(Unauthorized, match="longer"):
        await tokens().verify(token)


async def test_a_changed_signature_or_payload_is_refused() -> None:
    token = forge({"alg": "HS256"}, GOOD)
    head, body, signature = token.split(".")
    other = forge({"alg": "HS256"}, claims(sub="eve")).split(".")[1]
    for changed in (
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}",
    ):
        with pytest.raises(Unauthorized):
            await tokens().verify(changed)


async def test_a_token_that_was_verified_is_remembered_until_it_expires() -> None:
    clock = Clock()
    verifier = Tokens(KeySet(secret=SECRET), TokenRules(), clock=clock)
    token = forge({"alg": "HS256"}, GOOD)
    assert await verifier.verify(token) is await verifier.verify(token)
    clock.now += 600
    for _ in range(2):
        with pytest.raises(Unauthorized, match="expired"):
            await verifier.verify(token)


@pytest.mark.parametrize("rules", [{"leeway": 31}, {"leeway": -1}, {"max_lifetime": 0}, {"audience": ""}])
def test_rules_that_are_none_stop_the_start(rules: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        TokenRules(**rules)


async def test_a_server_without_keys_takes_no_tokens() -> None:
    with pytest.raises(Unauthorized):
        await Tokens(KeySet(), TokenRules()).verify(forge({"alg": "HS256"}, claims(exp=time.time() + 60), b""))


ES256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def other_spellings(token: str) -> list[str]:
    """The same token with its signature written otherwise: padded, and for ES256 with the other of the two numbers that fit."""
    head, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    s = ES256_ORDER - int.from_bytes(raw[32:])
    mirrored = base64.urlsafe_b64encode(raw[:32] + s.to_bytes(32)).rstrip(b"=").decode() if s > 0 else signature
    return [f"{head}.{signature}{'=' * (-len(signature) % 4)}", f"{head}.{mirrored}"]


async def test_a_token_in_another_spelling_is_the_same_token(jwks: str) -> None:
    """Or one that was revoked would come back, with a rate of its own."""
    verifier = tokens(jwks)
    taken = 0
    for token in (forge({"alg": "HS256"}, GOOD), jwt.encode(GOOD, EC_KEY, "ES256", {"kid": "e1"})):
        name = (await verifier.verify(token)).key_id
        for spelling in other_spellings(token):
            with suppress(Unauthorized):
                assert (await verifier.verify(spelling)).key_id == name
                taken += spelling != token
    assert taken, "no spelling but one is taken any more: then this test is not needed"
    assert name != (await verifier.verify(forge({"alg": "HS256"}, claims(sub="eve")))).key_id
