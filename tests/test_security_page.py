"""docs/security.md: all ten risks of OWASP are there, no cell is empty, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs/security.md"
HEAD = "| No | Risk | What stands against it | Shown by |\n|---|---|---|---|\n"
NODE = re.compile(r"`([a-z0-9_/]+)::([a-z0-9_]+)`")


def rows_in(text: str) -> list[list[str]]:
    """The rows of the tables of risks."""
    tables = text.split(HEAD)[1:]
    lines = [line for table in tables for line in table.split("\n\n", 1)[0].splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def names_in(module: str) -> frozenset[str]:
    """The names of the tests of a module, without `test_`; none where there is no such module."""
    folder, _, name = module.rpartition("/")
    path = TESTS / folder / f"test_{name}.py"
    if not path.exists():
        return frozenset()
    functions = (
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(node.name.removeprefix("test_") for node in functions if node.name.startswith("test_"))


def problems_of(text: str) -> list[str]:
    """What is wrong, in words."""
    found = []
    for row in rows_in(text):
        if len(row) != HEAD.splitlines()[0].count("|") - 1 or not all(row):
            found.append(f"{row[0]} has an empty cell or a wrong number of cells")
        elif not NODE.search(row[-1]):
            found.append(f"{row[0]} is shown by no test")
    found += [
        f"there is no {m}::{name}"
        for m, name in NODE.findall(text)
        if name != "x" and name not in names_in(m)
    ]
    return found


def test_every_risk_is_answered_by_tests_that_exist() -> None:
    assert problems_of(PAGE.read_text()) == []


def test_all_ten_risks_are_there() -> None:
    numbers = [row[0].partition("]")[0].lstrip("[") for row in rows_in(PAGE.read_text())]

    assert [number for number in numbers if number.startswith("API")] == [f"API{n}" for n in range(1, 11)]


def test_modules_that_the_page_names_exist() -> None:
    enforced = PAGE.read_text().partition("## What is enforced where")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_/]+(?:\.py|/))`", enforced))

    assert len(named) > 20
    assert {name for name in named if not (TESTS.parent / "fhir_server" / name).exists()} == set()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| API1 | a | b | `flows/security::without_a_token_there_is_nothing` |", None),
        ("| API1 | a |  | `flows/security::without_a_token_there_is_nothing` |", "empty cell"),
        ("| API1 | a | b | by hand |", "is shown by no test"),
        ("| API1 | a | b | `flows/security::never` |", "there is no flows/security::never"),
        ("| API1 | a | b | `never::a` |", "there is no never::a"),
    ],
)
def test_a_gap_is_seen(row: str, problem: str | None) -> None:
    found = problems_of(HEAD + row)

    assert found == [] if problem is None else problem in found[0]
