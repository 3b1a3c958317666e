"""What docs/security.md names is there, and the figures in it are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from livefeed.api import listing, polls
from livefeed.api.batches import MAX_BATCH
from livefeed.api.presence import REPORTS
from livefeed.api.sockets import COMMANDS, MAX_FEEDS
from livefeed.auth import authenticator, jwks, secretfile, tokens
from livefeed.cli import main
from livefeed.commands import MAX_COMMAND
from livefeed.config import Config
from livefeed.items import MAX_ITEM
from livefeed.net import ConnectionLimits

ROOT = Path(__file__).parent.parent
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
TEXT = (ROOT / "docs" / "security.md").read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))))
def test_each_test_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)::", TEXT))))
def test_each_test_function_that_is_named_is_there(path: str) -> None:
    functions = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, FUNCTION)}
    assert set(re.findall(rf"`{path}::(\w+)`", TEXT)) <= functions


def test_each_attack_names_its_tests() -> None:
    table = TEXT.partition("| attack | response | test |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    assert len(rows) > 30
    for attack, response, tests in rows:
        assert attack
        assert response
        assert re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+`(, )?)+", tests), attack


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", TEXT))))
def test_each_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).resolve().exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`LIVEFEED_([A-Z_]+)`", TEXT))))
def test_each_setting_is_known(name: str) -> None:
    assert name.lower() in Config.__struct_fields__


def test_each_command_is_known() -> None:
    for line in re.findall(r"^livefeed (.*)$", TEXT, re.MULTILINE):
        group, action, *_ = line.split()
        with main.make_context("livefeed", [group, action, "--help"], resilient_parsing=True) as context:
            command = main.get_command(context, group)
        assert command is not None
        assert action in getattr(command, "commands", {})


def test_the_figures_are_those_of_the_code() -> None:
    limits = ConnectionLimits()
    assert (limits.max_head, limits.head_timeout) == (32 * 1024, 8)
    assert (limits.answer_timeout, limits.max_answers) == (10, 64 << 20)
    assert (limits.body_step, limits.body_timeout) == (8 * 1024, 10)
    assert (MAX_ITEM, MAX_BATCH, MAX_COMMAND) == (64 * 1024, 4 * 1024 * 1024, 64 * 1024)
    assert (COMMANDS.per_second, COMMANDS.burst, MAX_FEEDS) == (50, 200, 100)
    assert (polls.MAX_PAGE, listing.MAX_PAGE, polls.MAX_READ, listing.MAX_SEARCHES) == (1 << 20, 1 << 20, 5_000, 16)
    assert (REPORTS.per_second, REPORTS.burst) == (20, 200)
    assert (tokens.LONGEST, secretfile.SHORTEST, jwks.SHORTEST_RSA) == (8192, 32, 2048)
    assert (jwks.REFRESH, jwks.RETRY, authenticator.REFRESH) == (300, 30, 2)
    assert tokens.TokenRules().leeway == 10
    assert Config().token_lifetime == 86_400
