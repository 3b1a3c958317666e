from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from livefeed.auth.jwks import KeySet
from livefeed.auth.secretfile import keep_secret
from livefeed.auth.tokens import TokenRules, Tokens
from livefeed.cli import main
from livefeed.grants import Role
from tests.auth.door import SECRET


def run(*arguments: str, stdin: str | None = None, **environ: str) -> Result:
    return CliRunner().invoke(main, ["token", *arguments], input=stdin, env=environ)


async def test_a_token_is_taken_by_a_server_with_the_same_secret() -> None:
    made = run("make", "ada", "--publish", "world", "--for", "10m", LIVEFEED_TOKEN_SECRET=SECRET)
    assert made.exit_code == 0, made.output
    caller = await Tokens(KeySet(secret=SECRET), TokenRules()).verify(made.stdout.strip())
    assert caller.subject == "ada"
    assert caller.may(Role.PUBLISH, "world")
    assert not caller.may(Role.READ, "sport")


async def test_the_secret_is_found_in_the_data_folder(tmp_path: Path) -> None:
    secret, _ = keep_secret(tmp_path / "token.secret")
    made = run("make", "ada", "--admin", LIVEFEED_DATA_DIR=str(tmp_path), LIVEFEED_TOKEN_SECRET="")
    assert (await Tokens(KeySet(secret=secret), TokenRules()).verify(made.stdout.strip())).is_admin


@pytest.mark.parametrize("kind", ["RSA", "EC", "Ed25519"])
async def test_a_token_can_be_signed_with_a_private_key(tmp_path: Path, kind: str) -> None:
    keys: dict[str, tuple[Any, Any]] = {
        "RSA": (rsa.generate_private_key(65537, 2048), RSAAlgorithm),
        "EC": (ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
        "Ed25519": (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm),
    }
    key, algorithm = keys[kind]
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**jwk, "kid": "one"}]}))
    made = run("make", "ada", "--read", "*", "--key", str(tmp_path / "key.pem"), "--kid", "one")
    assert made.exit_code == 0, made.output
    tokens = Tokens(KeySet(source=str(tmp_path / "jwks.json")), TokenRules())
    assert (await tokens.verify(made.stdout.strip())).subject == "ada"


def test_what_a_token_says_is_shown_from_either_place() -> None:
    token = run("make", "ada", "--read", "*", LIVEFEED_TOKEN_SECRET=SECRET).stdout
    for shown in (run("show", token.strip()), run("show", stdin=token)):
        assert json.loads(shown.stdout)["claims"]["sub"] == "ada"
        assert "Expires" in shown.stderr


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJ.e30."])
def test_what_is_no_token_is_said(text: str) -> None:
    result = run("show", stdin=text)
    assert result.exit_code == 2
    assert "This is not a JWT" in result.output


def test_a_short_or_missing_secret_is_said(tmp_path: Path) -> None:
    assert "too short" in run("make", "ada", "--read", "*", LIVEFEED_TOKEN_SECRET="short").output
    missing = run("make", "ada", "--read", "*", LIVEFEED_DATA_DIR=str(tmp_path), LIVEFEED_TOKEN_SECRET="")
    assert "LIVEFEED_TOKEN_SECRET" in missing.output


def test_a_key_of_another_kind_is_said(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (other, b"nonsense"):
        (tmp_path / "key.pem").write_bytes(content)
        result = run("make", "ada", "--read", "*", "--key", str(tmp_path / "key.pem"))
        assert result.exit_code == 1
        assert "key.pem" in result.output
