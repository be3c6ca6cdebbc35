"""docs/conformance.md: no cell of its table is empty, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs/conformance.md"
COLUMNS = ["No", "Section", "The server must", "Shown by"]
NODE = re.compile(r"`([a-z0-9_]+)::([a-z0-9_]+)`")


def rows_in(text: str) -> list[list[str]]:
    """The rows of the first table, head and rule aside."""
    first = text[text.index("| No |") :].split("\n\n", 1)[0]
    lines = first.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == COLUMNS
    return cells[2:]


@cache
def flows_in(module: str) -> frozenset[str]:
    path = TESTS / f"flows/test_{module}.py"
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions)


def problems_of(text: str) -> list[str]:
    """What is wrong with a table, in words."""
    found = []
    for place, row in enumerate(rows_in(text), 1):
        if len(row) != len(COLUMNS) or not all(row):
            found.append(f"row {place} has an empty cell or a wrong number of cells")
            continue
        if row[0] != str(place):
            found.append(f"row {place} is numbered {row[0]}")
        nodes = NODE.findall(row[-1])
        if ", ".join(f"`{module}::{name}`" for module, name in nodes) != row[-1]:
            found.append(f"row {place} names something that is not written like a test")
        found += [
            f"row {place}: there is no {module}::{name}"
            for module, name in nodes
            if f"test_{name}" not in flows_in(module)
        ]
    return found


def test_every_requirement_is_shown_by_tests_that_exist() -> None:
    assert problems_of(PAGE.read_text()) == []


def test_the_tests_named_in_the_text_exist_too() -> None:
    named = NODE.findall(PAGE.read_text())

    assert [f"{m}::{n}" for m, n in named if f"test_{n}" not in flows_in(m) and n != "x"] == []


HEAD = "| No | Section | The server must | Shown by |\n|---|---|---|---|\n"
GOOD = "`http_read::a_slash_at_the_end_changes_nothing`"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (f"| 1 | a | b | {GOOD} |", None),
        (f"| 1 | a |  | {GOOD} |", "empty cell"),
        ("| 1 | a | b |  |", "empty cell"),
        (f"| 1 | a | {GOOD} |", "wrong number of cells"),
        (f"| 2 | a | b | {GOOD} |", "is numbered 2"),
        ("| 1 | a | b | by hand |", "not written like a test"),
        (f"| 1 | a | b | {GOOD}, later |", "not written like a test"),
        ("| 1 | a | b | `http_read::never` |", "there is no http_read::never"),
        ("| 1 | a | b | `never::a` |", "there is no never::a"),
    ],
)
def test_a_gap_in_the_table_is_seen(row: str, problem: str | None) -> None:
    found = problems_of(HEAD + row)

    assert found == [] if problem is None else problem in found[0]
