"""Tokens for the server of these tests."""

from __future__ import annotations

import time
from typing import Any

import jwt

from tests.served import SECRET

__all__ = ["token"]


def token(subject: str = "ada", *, lasts: float = 600, **grants: Any) -> str:
    claims = {"sub": subject, "aud": "livefeed", "exp": time.time() + lasts, "livefeed": grants}
    return jwt.encode(claims, SECRET, "HS256")
