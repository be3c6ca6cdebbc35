from __future__ import annotations

import timeit
from typing import Any

import pytest

from fhir_server.definitions.packaged import SHIPPED
from terminology.codes import KnownCodes, codes_of
from terminology.membership import Code, Held
from terminology.stock import Stock
from tests.terminology.making import Tree, registry_of, system, value_set

LETTERS = "http://example.org/letters"
FOLDED = "http://example.org/folded"
PART = "http://example.org/part"
SET = "http://example.org/set"
HELD = {"yes": Held.YES, "no": Held.NO, "unknown": Held.UNKNOWN}

SYSTEMS = (
    system(
        LETTERS,
        concept=[
            {"code": "a", "display": "Ah", "designation": [{"language": "fr", "value": "Â"}]},
            {"code": "b", "concept": [{"code": "c"}]},
            {"code": "old", "property": [{"code": "inactive", "valueBoolean": True}]},
        ],
    ),
    system(LETTERS, "a", "new", version="2"),
    system(FOLDED, "Abc", caseSensitive=False),
    system(PART, "a", "b", content="fragment"),
)


def of(*include: Tree, exclude: list[Tree] | None = None, **elements: Any) -> KnownCodes:
    tree = value_set(SET, *include, **elements)
    if exclude:
        tree["compose"]["exclude"] = exclude
    inner = value_set(f"{SET}/inner", {"system": LETTERS, "version": "2"})
    return KnownCodes(Stock(registry_of(*SYSTEMS, tree, inner)))


@pytest.mark.parametrize(
    ("codes", "code", "held"),
    [
        (of({"system": LETTERS}), Code(LETTERS, "new"), "yes"),
        (of({"system": LETTERS}), Code(LETTERS, "A"), "no"),
        (of({"system": LETTERS, "version": "2"}), Code(LETTERS, "c"), "no"),
        (of({"system": LETTERS}), Code(None, "new"), "yes"),
        (of({"system": LETTERS}), Code("urn:x", "a"), "no"),
        (of({"system": FOLDED}), Code(FOLDED, "aBC"), "yes"),
        (of({"system": FOLDED}), Code(None, "ABC"), "yes"),
        (of({"system": FOLDED, "concept": [{"code": "Abc"}]}), Code(FOLDED, "abc"), "yes"),
        (of({"system": PART}), Code(PART, "a"), "yes"),
        (of({"system": PART}), Code(PART, "z"), "unknown"),
        (of({"system": PART}), Code(LETTERS, "a"), "no"),
        (of({"system": PART, "concept": [{"code": "z"}]}), Code(PART, "z"), "yes"),
        (of({"system": PART, "concept": [{"code": "z"}]}), Code(PART, "y"), "no"),
        (of({"system": "urn:unheard"}), Code("urn:unheard", "a"), "unknown"),
        (of({"system": "urn:unheard"}, {"system": LETTERS}), Code(LETTERS, "a"), "yes"),
        (of({"system": "urn:unheard"}, {"system": LETTERS}), Code(LETTERS, "z"), "no"),
        (of({"system": "urn:unheard"}, {"system": LETTERS}), Code(None, "z"), "unknown"),
        (of({"system": LETTERS, "version": "9"}), Code(LETTERS, "a"), "unknown"),
        (of({"system": LETTERS}, exclude=[{"system": LETTERS, "concept": [{"code": "a"}]}]), Code(LETTERS, "a"), "no"),
        (of({"system": LETTERS}, exclude=[{"system": "urn:unheard"}]), Code(LETTERS, "a"), "yes"),
        (of({"system": PART}, exclude=[{"valueSet": ["urn:none"]}]), Code(PART, "a"), "unknown"),
        (of({"system": PART}, exclude=[{"valueSet": ["urn:none"]}]), Code(LETTERS, "a"), "no"),
        (of({"valueSet": [f"{SET}/inner"]}), Code(LETTERS, "new"), "yes"),
        (of({"system": PART, "valueSet": [f"{SET}/inner"]}), Code(PART, "a"), "no"),
        (of({"valueSet": ["urn:none"]}), Code(LETTERS, "a"), "unknown"),
        (of({"valueSet": [SET]}), Code(LETTERS, "a"), "unknown"),
        (of({"system": "urn:unheard"}, expansion={"contains": [{"system": "urn:unheard", "code": "k"}]}),
         Code("urn:unheard", "k"), "yes"),
        (of({"system": "urn:unheard"}, expansion={"total": 5, "contains": [{"system": "urn:unheard", "code": "k"}]}),
         Code("urn:unheard", "l"), "unknown"),
        (of({"system": "urn:ietf:bcp:47"}), Code(None, "fr-RE"), "yes"),
        (of({"system": "urn:ietf:bcp:47"}), Code(None, "france"), "yes"),  # five letters are a registered language
        (of({"system": "urn:ietf:bcp:47"}), Code(None, "fr_FR"), "no"),
        (of({"system": "urn:ietf:bcp:47", "filter": [{"property": "code", "op": "regex", "value": "fr.*"}]}),
         Code(None, "en"), "no"),
        (of({"system": "http://unitsofmeasure.org", "filter": [{"property": "canonical", "op": "=", "value": "m"}]}),
         Code("http://unitsofmeasure.org", "km"), "unknown"),
    ],
)  # fmt: skip
def test_a_code_is_of_a_value_set_or_not_or_nobody_knows(codes: KnownCodes, code: Code, held: str) -> None:
    assert codes.within(SET, code) is HELD[held]
    assert codes.within(SET, code) is HELD[held]
    assert not codes.pending


def test_an_unknown_value_set_is_never_a_verdict() -> None:
    codes = of({"system": LETTERS})

    assert codes.within("urn:none", Code(LETTERS, "a")) is Held.UNKNOWN
    assert codes.few("urn:none") == ()


@pytest.mark.parametrize(
    ("code", "held"),
    [
        (Code(LETTERS, "new"), "yes"),
        (Code(LETTERS, "c"), "no"),
        (Code(LETTERS, "new", version="2"), "yes"),
        (Code(LETTERS, "new", version="17"), "yes"),
        (Code(PART, "z"), "unknown"),
        (Code("urn:unheard", "a"), "unknown"),
        (Code(None, "a"), "unknown"),
        (Code("http://unitsofmeasure.org", "mm[Hg]"), "yes"),
        (Code("http://unitsofmeasure.org", "mmHg"), "no"),
    ],
)
def test_a_code_system_has_a_code_or_not_or_nobody_knows(code: Code, held: str) -> None:
    assert of({"system": LETTERS}).known(code) is HELD[held]


def test_the_texts_of_a_code_are_told_in_all_languages() -> None:
    codes = KnownCodes(Stock(registry_of(SYSTEMS[0])))

    assert codes.displays(Code(LETTERS, "a")) == frozenset({"Ah", "Â"})
    assert codes.displays(Code(LETTERS, "c")) == frozenset()
    assert codes.displays(Code("urn:unheard", "a")) is None


def test_a_hierarchy_is_followed() -> None:
    codes = KnownCodes(Stock(registry_of(SYSTEMS[0])))

    assert codes.subsumes(Code(LETTERS, "b"), Code(LETTERS, "c")) is Held.YES
    assert codes.subsumes(Code(LETTERS, "c"), Code(LETTERS, "b")) is Held.NO
    assert codes.subsumes(Code(LETTERS, "b"), Code("urn:x", "c")) is Held.NO
    assert codes.subsumes(Code("urn:x", "b"), Code("urn:x", "c")) is Held.UNKNOWN


def test_codes_that_are_out_of_use_may_be_left_out() -> None:
    include = {"system": LETTERS, "version": "", "concept": [{"code": "old"}, {"code": "a"}]}
    stock = Stock(registry_of(SYSTEMS[0], value_set(SET, compose={"include": [include], "inactive": False})))

    assert KnownCodes(stock).within(SET, Code(LETTERS, "old")) is Held.NO
    assert KnownCodes(stock).within(SET, Code(LETTERS, "a")) is Held.YES


def test_few_codes_are_told_and_many_are_not() -> None:
    codes = codes_of(SHIPPED)

    assert codes.few("http://hl7.org/fhir/ValueSet/administrative-gender") == (
        "male",
        "female",
        "other",
        "unknown",
    )
    assert codes.few("http://hl7.org/fhir/ValueSet/currencies") == ()


def test_a_value_set_that_was_compiled_is_asked_at_once() -> None:
    codes, code = codes_of(SHIPPED), Code(None, "male")
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    codes.within(url, code)

    seconds = min(timeit.repeat(lambda: codes.within(url, code), number=2000, repeat=5)) / 2000

    assert seconds < 5e-6  # less than 1 µs on a machine that does nothing else


def test_sets_within_sets_are_asked_once_each() -> None:
    sets = [value_set(f"{SET}/0", {"system": "urn:unheard"})]
    for depth in range(1, 20):
        inner = {"valueSet": [f"{SET}/{depth - 1}"]}
        sets.append(value_set(f"{SET}/{depth}", inner, inner, inner))
    codes = KnownCodes(Stock(registry_of(*sets)))

    assert timeit.timeit(lambda: codes.within(f"{SET}/19", Code("urn:unheard", "a")), number=1) < 1
