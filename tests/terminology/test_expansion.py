from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from profiles.registry import Entry, Registry
from terminology.errors import NoAnswer, NotExpandable, TooManyCodes, UnknownDefinition
from terminology.expansion import expand
from terminology.library import Library
from terminology.stock import Stock

LETTERS = "http://example.org/letters"
DIGITS = "http://example.org/digits"
SET = "http://example.org/ValueSet"


def system(url: str, codes: str, **rest: Any) -> dict[str, Any]:
    concepts = [{"code": code, "display": f"the {code}"} for code in codes]
    return {"url": url, "content": "complete", "caseSensitive": True, "concept": concepts, **rest}


SYSTEMS: dict[str, dict[str, Any]] = {
    LETTERS: system(LETTERS, "abcdef", version="2"),
    DIGITS: system(
        DIGITS,
        "",
        concept=[
            {
                "code": "odd",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [{"code": "1"}],
            },
            {"code": "even", "concept": [{"code": "2"}, {"code": "4"}]},
            {"code": "x", "property": [{"code": "inactive", "valueBoolean": True}]},
        ],
    ),
    "http://example.org/few": system("http://example.org/few", "ab", content="example"),
    "http://example.org/many": system(
        "http://example.org/many", "", concept=[{"code": str(n)} for n in range(50)]
    ),
}
SETS: dict[str, dict[str, Any]] = {
    "abc": {"include": [{"system": LETTERS, "concept": [{"code": code} for code in "abc"]}]},
    "bcd": {"include": [{"system": LETTERS, "concept": [{"code": code} for code in "bcd"]}]},
    "circle": {"include": [{"valueSet": [f"{SET}/turn"]}]},
    "turn": {"include": [{"valueSet": [f"{SET}/circle"]}]},
    "lost": {"include": [{"valueSet": [f"{SET}/nowhere"]}]},
}


def library(**more: dict[str, Any]) -> Library:
    """Of the definitions above, and value sets by name."""
    sets = [
        {"resourceType": "ValueSet", "url": f"{SET}/{name}", "version": "1", "compose": compose}
        for name, compose in {**SETS, **more}.items()
    ]
    systems = [{"resourceType": "CodeSystem", **tree} for tree in SYSTEMS.values()]
    entries = [
        Entry(
            tree["resourceType"],
            tree["url"],
            tree.get("version", ""),
            "x",
            "p#1",
            lambda tree=tree: orjson.dumps(tree),
        )
        for tree in (*sets, *systems)
    ]
    return Library(Stock(Registry([entries])))


def codes(value_set: dict[str, Any], limit: int = 20) -> str:
    return " ".join(member.code for member in expand(value_set, library(), limit=limit).members)


def of(*include: dict[str, Any], exclude: list[dict[str, Any]] | None = None, **rest: Any) -> dict[str, Any]:
    compose: dict[str, Any] = {"include": list(include), **rest}
    return {"compose": compose | {"exclude": exclude} if exclude else compose}


@pytest.mark.parametrize(
    ("value_set", "found"),
    [
        (of({"system": LETTERS}), "a b c d e f"),
        (of({"system": LETTERS, "version": "2"}), "a b c d e f"),
        (of({"system": DIGITS}), "odd 1 even 2 4 x"),
        (of({"system": "http://example.org/unheard", "concept": [{"code": "z"}]}), "z"),
        (of({"system": LETTERS}, exclude=[{"system": LETTERS, "concept": [{"code": "b"}]}]), "a c d e f"),
        (of({"system": LETTERS}, exclude=[{"system": DIGITS}]), "a b c d e f"),
        (of({"system": LETTERS}, exclude=[{"valueSet": [f"{SET}/abc"]}]), "d e f"),
        (of({"valueSet": [f"{SET}/abc"]}), "a b c"),
        (of({"valueSet": [f"{SET}/abc", f"{SET}/bcd"]}), "b c"),
        (of({"valueSet": [f"{SET}/abc"]}, {"valueSet": [f"{SET}/bcd"]}), "a b c d"),
        (of({"system": LETTERS, "valueSet": [f"{SET}/bcd"]}), "b c d"),
        (
            of({"system": LETTERS, "concept": [{"code": "a"}, {"code": "d"}], "valueSet": [f"{SET}/bcd"]}),
            "d",
        ),
        (
            of({"system": DIGITS, "filter": [{"property": "concept", "op": "is-a", "value": "even"}]}),
            "even 2 4",
        ),
        (
            of(
                {
                    "system": DIGITS,
                    "filter": [
                        {"property": "concept", "op": "descendent-of", "value": "even"},
                        {"property": "code", "op": "regex", "value": "[3-9]"},
                    ],
                }
            ),
            "4",
        ),
        (of({"system": DIGITS}, inactive=False), "odd 1 even 2 4"),
        (of({"system": DIGITS, "concept": [{"code": "x"}, {"code": "1"}]}, inactive=False), "1"),
        (of({"system": "http://example.org/few", "concept": [{"code": "a"}]}), "a"),
        ({"expansion": {"contains": [{"system": LETTERS, "code": "a", "contains": [{"code": "b"}]}]}}, "a b"),
        ({"expansion": {"total": 0}}, ""),
        (
            of({"system": "http://example.org/unheard"}) | {"expansion": {"contains": [{"code": "k"}]}},
            "k",
        ),
    ],
)
def test_a_value_set_has_the_codes_that_its_definition_says(value_set: dict[str, Any], found: str) -> None:
    assert codes(value_set) == found


@pytest.mark.parametrize(
    ("value_set", "kind", "why"),
    [
        (of({"system": "http://example.org/unheard"}), UnknownDefinition, "http://example.org/unheard"),
        (of({"valueSet": [None], "_valueSet": [{"id": "x"}]}), NotExpandable, "extension"),
        (of({"system": LETTERS, "version": "7"}), UnknownDefinition, r"letters\|7"),
        (of({"system": "http://example.org/few"}), NotExpandable, "http://example.org/few"),
        (of({"valueSet": [f"{SET}/lost"]}), UnknownDefinition, "nowhere"),
        (of({"valueSet": [f"{SET}/circle"]}), NotExpandable, "includes itself"),
        (of({"system": "http://example.org/many"}), TooManyCodes, "20 codes"),
        (of({}), NotExpandable, "neither"),
        ({}, NotExpandable, "neither"),
        ({"expansion": {"total": 3, "contains": [{"code": "a"}]}}, NotExpandable, "part"),
        ({"expansion": {"offset": 2, "contains": [{"code": "a"}]}}, NotExpandable, "part"),
        (
            of({"system": "http://example.org/unheard"}) | {"expansion": {"total": 3}},
            UnknownDefinition,
            "unheard",
        ),
        (
            of({"system": LETTERS, "concept": [{"code": "a"}], "filter": [{"property": "code"}]}),
            NotExpandable,
            "both",
        ),
    ],
)
def test_what_cannot_be_listed_says_why(value_set: dict[str, Any], kind: type[NoAnswer], why: str) -> None:
    with pytest.raises(kind, match=why):
        codes(value_set)


def test_more_than_the_limit_may_be_met_on_the_way() -> None:
    many = {"system": "http://example.org/many"}
    rest = {"property": "code", "op": "regex", "value": "[0-9]"}

    assert codes(of(many, exclude=[{**many, "filter": [{**rest, "value": "[1-9].+"}]}])) == " ".join(
        "0123456789"
    )


def test_members_carry_what_a_reader_wants_to_know() -> None:
    found = expand(of({"system": DIGITS}, {"system": LETTERS, "version": "2"}), library())
    by_code = {member.code: member for member in found.members}

    assert by_code["odd"].abstract
    assert by_code["x"].inactive
    assert (by_code["a"].display, by_code["a"].version) == ("the a", "2")
    assert [(system.url, system.version) for system in found.systems] == [(DIGITS, ""), (LETTERS, "2")]
    assert found.pairs()[0] == (DIGITS, "odd")


def test_an_intersection_of_very_many_codes_is_given_up_early() -> None:
    many = {"system": "http://example.org/many"}
    both = {**many, "valueSet": [f"{SET}/all"]}
    sets = {"include": [many]}
    start = time.perf_counter()

    with pytest.raises(TooManyCodes):
        expand(of(*[both] * 50_000), library(all=sets), limit=100)

    assert time.perf_counter() - start < 5


def test_a_supplement_that_nobody_has_is_named() -> None:
    tree = {
        **of({"system": LETTERS}),
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/valueset-supplement",
                "valueCanonical": "http://example.org/lost",
            }
        ],
    }

    with pytest.raises(UnknownDefinition, match="lost"):
        expand(tree, library())
