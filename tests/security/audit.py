"""`make audit`: our code, what is known about the dependencies, and their list. What could not run is never a pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

__all__ = ["Outcome", "main", "vulnerabilities"]

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
BILL = DIST / "livefeed.cdx.json"
RECORD = DIST / "audit.json"


@dataclass(frozen=True)
class Outcome:
    """What came of one check; *passed* is None if it could not run."""

    check: str
    passed: bool | None
    said: str

    def __str__(self) -> str:
        word = {True: "passed", False: "FAILED", None: "COULD NOT RUN"}[self.passed]
        return f"{self.check}: {word}: {self.said}"


def _run(*module: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *module], cwd=ROOT, capture_output=True, text=True, check=False)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def code() -> Outcome:
    done = _run("bandit", "--quiet", "-ll", "--recursive", "--format", "json", "livefeed", "producers")
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return Outcome("bandit", None, _last_line(done.stderr))
    if found["errors"]:
        return Outcome("bandit", None, f"could not read {found['errors'][0]['filename']}")
    results = [f"{result['filename']}:{result['line_number']} {result['issue_text']}" for result in found["results"]]
    skipped = found["metrics"]["_totals"]["skipped_tests"]
    said = "; ".join(results) or f"no findings of medium or high severity, {skipped} accepted with a reason beside them"
    return Outcome("bandit", not results, said)


def dependencies() -> Outcome:
    done = _run("pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable", "--timeout", "10")
    return vulnerabilities(done.stdout, done.stderr)


def vulnerabilities(found: str, errors: str) -> Outcome:
    """What pip-audit's answer means. It counts a package that its database does not answer for as skipped, and succeeds."""
    try:
        packages = json.loads(found)["dependencies"]
    except ValueError:
        return Outcome("pip-audit", None, _last_line(errors))
    known = [f"{package['name']} {vuln['id']}" for package in packages for vuln in package.get("vulns", [])]
    if known:
        return Outcome("pip-audit", False, ", ".join(known))
    unanswered = [package for package in packages if package.get("skip_reason") and "editable" not in package["skip_reason"]]
    if unanswered or not packages:
        example = f", such as {unanswered[0]['name']}: {unanswered[0]['skip_reason']}" if unanswered else ""
        return Outcome("pip-audit", None, f"no answer for {len(unanswered)} of {len(packages)} packages{example}")
    return Outcome("pip-audit", True, f"nothing known about {len(packages)} packages")


def bill() -> Outcome:
    """The CycloneDX bill of materials of this environment."""
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "-o", str(BILL))
    done = _run("cyclonedx_py", "environment", *options, sys.executable)
    if done.returncode:
        return Outcome("cyclonedx", None, _last_line(done.stderr))
    count = len(json.loads(BILL.read_text())["components"])
    return Outcome("cyclonedx", True, f"{count} components in {BILL.relative_to(ROOT)}")


def main() -> None:
    DIST.mkdir(exist_ok=True)
    checks: list[Callable[[], Outcome]] = [code, dependencies, bill]
    outcomes = [check() for check in checks]
    RECORD.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    for outcome in outcomes:
        click.echo(outcome)
    if any(outcome.passed is False for outcome in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
