from __future__ import annotations

from typing import Any

import pytest

from terminology.errors import UnknownDefinition
from terminology.membership import Code
from terminology.translation import Scope, translated
from tests.terminology.making import Tree, library_of

S, T = "urn:s", "urn:t"


def concept_map(*elements: Tree, url: str = "urn:map", **group: Any) -> Tree:
    return {
        "resourceType": "ConceptMap",
        "url": url,
        "sourceUri": "urn:from",
        "targetCanonical": "urn:to|1",
        "group": [{"source": S, "target": T, "element": list(elements), **group}],
    }


def element(code: str, *targets: Tree) -> Tree:
    return {"code": code, "target": list(targets)}


def target(code: str, equivalence: str = "equivalent", **more: Any) -> Tree:
    return {"code": code, "equivalence": equivalence, **more}


MAP = concept_map(
    element("a", target("A"), target("B", "wider")),
    element("b", target("B", "equal")),
    element("none", {"equivalence": "unmatched", "comment": "nothing fits"}),
    element(
        "salt",
        target("KCL", dependsOn=[{"property": "urn:cation", "system": "urn:ions", "value": "K"}]),
        target("NACL", dependsOn=[{"property": "urn:cation", "system": "urn:ions", "value": "Na"}]),
        target("SALT", product=[{"property": "urn:anion", "system": "urn:ions", "value": "Cl"}]),
    ),
)


def found(code: str, *maps: Tree, system: str = S, **scope: Any) -> list[tuple[str, str]]:
    matches = translated([Code(system, code)], maps or [MAP], Scope(**scope), library_of(*maps))
    return [(match.equivalence, match.concept.get("code", "")) for match in matches]


@pytest.mark.parametrize(
    ("code", "scope", "matches"),
    [
        ("a", {}, [("equivalent", "A"), ("wider", "B")]),
        ("a", {"target_system": T}, [("equivalent", "A"), ("wider", "B")]),
        ("a", {"target_system": "urn:u"}, []),
        ("a", {"source": "urn:from", "target": "urn:to"}, [("equivalent", "A"), ("wider", "B")]),
        ("a", {"source": "urn:from|7"}, [("equivalent", "A"), ("wider", "B")]),
        ("a", {"source": "urn:elsewhere"}, []),
        ("none", {}, [("unmatched", "")]),
        ("z", {}, []),
        ("salt", {}, [("equivalent", "SALT")]),
        (
            "salt",
            {"dependencies": (("urn:cation", frozenset({("urn:ions", "Na")})),)},
            [("equivalent", "NACL"), ("equivalent", "SALT")],
        ),
    ],
)
def test_a_code_is_what_the_map_says(
    code: str, scope: dict[str, Any], matches: list[tuple[str, str]]
) -> None:
    assert found(code, **scope) == matches


@pytest.mark.parametrize(
    ("code", "matches"),
    [("A", [("equivalent", "a")]), ("B", [("narrower", "a"), ("equal", "b")]), ("Z", [])],
)
def test_backwards_wider_is_narrower(code: str, matches: list[tuple[str, str]]) -> None:
    assert found(code, system=T, reverse=True) == matches


def test_backwards_the_scope_is_backwards_too() -> None:
    assert found("A", system=T, reverse=True, source="urn:to", target="urn:from", target_system=S) == [
        ("equivalent", "a")
    ]


def test_products_come_along() -> None:
    (match,) = translated([Code(S, "salt")], [MAP], Scope(), library_of())

    assert match.products == ({"property": "urn:anion", "concept": {"system": "urn:ions", "code": "Cl"}},)


def test_one_map_may_send_to_another() -> None:
    rest = concept_map(element("x", target("X")), url="urn:rest")
    first = concept_map(element("a", target("A")), unmapped={"mode": "other-map", "url": "urn:rest"})

    assert found("x", first, rest) == [("equivalent", "X")]


def test_maps_that_send_to_one_another_end() -> None:
    one = concept_map(url="urn:one", unmapped={"mode": "other-map", "url": "urn:two"})
    two = concept_map(url="urn:two", unmapped={"mode": "other-map", "url": "urn:one"})

    assert found("x", one, two) == []


def test_a_map_that_is_sent_to_and_not_known_is_named() -> None:
    with pytest.raises(UnknownDefinition, match="urn:lost"):
        found("x", concept_map(unmapped={"mode": "other-map", "url": "urn:lost"}))


def test_a_match_is_told_once_and_what_fits_comes_first() -> None:
    assert found("none", MAP, concept_map(element("none", target("N"))), MAP) == [
        ("equivalent", "N"),
        ("unmatched", ""),
    ]
