"""docs/conformance.md: no cell of its tables is empty, and every test that they name exists.

`http_read::x` is a test of a flow; `sentences_dates::x` is a sentence of the hand-written table on search, whose rows
are tests on two stores.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.fhir_server.search.sentences.chapters import CHAPTERS

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs/conformance.md"
COLUMNS = [
    ["No", "Section", "The server must", "Shown by"],
    ["No", "Section", "The server should", "Shown by"],
]
TABLES = 3  # http.html, and what search.html demands and what it wishes
NODE = re.compile(r"`([a-z0-9_]+)::([a-z0-9_]+)`")
SENTENCES = "sentences_"


def tables_in(text: str) -> list[list[list[str]]]:
    """The rows of each table of requirements, head and rule aside."""
    found = []
    for start in re.finditer(r"^\| No \|", text, re.MULTILINE):
        lines = text[start.start() :].split("\n\n", 1)[0].splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert cells[0] in COLUMNS
        found.append(cells[2:])
    return found


@cache
def names_in(module: str) -> frozenset[str]:
    """The names of the tests of a flow, or of the sentences of a chapter, without `test_`."""
    if module.startswith(SENTENCES):
        chapter = CHAPTERS.get(module.removeprefix(SENTENCES))
        return (
            frozenset(sentence.name for sentence in chapter.sentences if sentence.rows)
            if chapter
            else frozenset()
        )
    path = TESTS / f"flows/test_{module}.py"
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name.removeprefix("test_") for node in functions if node.name.startswith("test_"))


def problems_of(text: str) -> list[str]:
    """What is wrong with the tables, in words."""
    return [problem for rows in tables_in(text) for problem in _problems_in(rows)]


def _problems_in(rows: list[list[str]]) -> list[str]:
    found = []
    for place, row in enumerate(rows, 1):
        if len(row) != len(COLUMNS[0]) or not all(row):
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
            if name not in names_in(module)
        ]
    return found


def test_every_requirement_is_shown_by_tests_that_exist() -> None:
    text = PAGE.read_text()

    assert len(tables_in(text)) == TABLES
    assert problems_of(text) == []


def test_the_tests_named_in_the_text_exist_too() -> None:
    named = NODE.findall(PAGE.read_text())

    assert [f"{m}::{n}" for m, n in named if n not in names_in(m) and n != "x"] == []


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
        ("| 1 | a | b | `sentences_uris::an_oid_has_no_path_so_that_nothing_is_above_or_below_it` |", None),
        ("| 1 | a | b | `sentences_uris::never` |", "there is no sentences_uris::never"),
        ("| 1 | a | b | `sentences_never::a` |", "there is no sentences_never::a"),
    ],
)
def test_a_gap_in_the_table_is_seen(row: str, problem: str | None) -> None:
    found = problems_of(HEAD + row)

    assert found == [] if problem is None else problem in found[0]
