"""What the code is built from, and that the audit of it never passes in silence."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.security import audit

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
REQUIREMENTS = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}

VULNERABLE = {
    "starlette": "0.49.0",  # CVE-2025-62727: a Range header costs quadratic time
    "jinja2": "3.1.5",  # CVE-2025-27516: a way out of the sandbox
    "pyjwt": "2.10.0",  # CVE-2024-53861: part of an issuer counts as the issuer
}


@pytest.mark.parametrize("name", VULNERABLE)
def test_versions_with_known_holes_are_not_accepted(name: str) -> None:
    accepted = REQUIREMENTS[name].specifier
    assert Version(VULNERABLE[name]) not in accepted
    assert any(bound.operator == ">=" and Version(bound.version) > Version(VULNERABLE[name]) for bound in accepted)


def test_no_dependency_is_of_any_version_or_from_an_address() -> None:
    for requirement in REQUIREMENTS.values():
        assert requirement.url is None
        assert any(bound.operator == ">=" for bound in requirement.specifier), requirement


def answer(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


FINE = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "1", "vulns": [{"id": "CVE-2025-62727"}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}
OURS = {"name": "livefeed", "skip_reason": "distribution marked as editable"}
ANSWERS: dict[str, tuple[str, bool | None, str]] = {
    "all are known": (answer(FINE, OURS), True, "2 packages"),
    "one has a hole": (answer(FINE, HOLED, UNKNOWN), False, "b CVE-2025-62727"),
    "one is not answered for": (answer(FINE, UNKNOWN), None, "1 of 2 packages, such as c: Dependency not found"),
    "none is there": (answer(), None, "0 of 0"),
    "the database is away": ("", None, "ConnectionError: away"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_audit_without_an_answer_is_no_pass(case: str) -> None:
    found, passed, said = ANSWERS[case]
    outcome = audit.vulnerabilities(found, "Traceback\nConnectionError: away\n")
    assert outcome.passed is passed
    assert said in str(outcome)
    assert ("COULD NOT RUN" in str(outcome)) == (passed is None)


def test_our_own_code_has_no_findings() -> None:
    outcome = audit.code()
    assert outcome.passed, outcome
