"""https://hl7.org/fhir/R4/search.html#composite"""

from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of
from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Dates,
    DateValue,
    Nothing,
    Predicate,
    Quantities,
    QuantityValue,
    References,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.search.spans import span_of
from tests.fhir_server.search.asking import either, folded, name, only, parsed, refused

LOINC = "http://loinc.org"
CODE = name("code", "Observation")


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (
            "code-value-quantity=http://loinc.org|8480-6$gt140",
            Quantities(
                name("code-value-quantity$8480-6", "Observation"),
                (QuantityValue("gt", 140, 139.5, 140.5),),
            ),
        ),
        (
            "code-value-concept=http://loinc.org|8480-6$http://x|A",
            Tokens(name("code-value-concept$8480-6", "Observation"), (folded("a", "http://x"),)),
        ),
        (
            "code-value-string=http://loinc.org|8480-6$Bien",
            Strings(name("code-value-string$8480-6", "Observation"), (StringValue("bien"),)),
        ),
        (
            "code-value-date=http://loinc.org|8480-6$ge2024",
            Dates(name("code-value-date$8480-6", "Observation"), (DateValue("ge", *span_of("2024")),)),
        ),
    ],
)
def test_the_second_part_is_asked_beside_the_code_of_the_first(text: str, second: Predicate) -> None:
    assert only("Observation", text) == AllOf((Tokens(CODE, (folded("8480-6", LOINC),)), second))


def test_a_unit_alone_is_looked_for_beside_the_code_too() -> None:
    predicate = only("Observation", "code-value-quantity=http://loinc.org|A$5||mg")

    assert isinstance(predicate, AllOf)
    assert isinstance(predicate.of[1], AnyOf)
    assert [one.name for one in predicate.of[1].of if isinstance(one, Quantities)] == [
        name("code-value-quantity$a", "Observation"),
        name("code-value-quantity$a:unit", "Observation"),
    ]


def test_a_code_that_is_kept_in_two_ways_is_two_names() -> None:
    exact, lower = either("AbC")

    assert only("Observation", "code-value-string=AbC$x") == AnyOf(
        tuple(
            AllOf(
                (
                    Tokens(CODE, (value,)),
                    Strings(name(f"code-value-string${value.code}", "Observation"), (StringValue("x"),)),
                )
            )
            for value in (exact, lower)
        )
    )


def test_several_composites_are_alternatives_and_signs_can_be_escaped() -> None:
    predicate = only("Observation", r"code-value-string=http://x|a$b,http://x|c\$d$e\$\,f")

    assert predicate == AnyOf(
        (
            AllOf(
                (
                    Tokens(CODE, (folded("a", "http://x"),)),
                    Strings(name("code-value-string$a", "Observation"), (StringValue("b"),)),
                )
            ),
            AllOf(
                (
                    Tokens(CODE, (folded("c$d", "http://x"),)),
                    Strings(name("code-value-string$c$d", "Observation"), (StringValue("e f"),)),
                )
            ),
        )
    )


def test_the_code_of_a_relationship_comes_last() -> None:
    assert only("DocumentReference", "relationship=DocumentReference/1$replaces") == AllOf(
        (
            Tokens(
                name("relation", "DocumentReference"),
                (TokenValue("http://hl7.org/fhir/document-relationship-type", "replaces"),),
            ),
            References(name("relationship$replaces", "DocumentReference"), (Key("DocumentReference", "1"),)),
        )
    )


def test_a_union_of_composites_is_asked_part_by_part() -> None:
    predicate = only("Observation", "combo-code-value-quantity=http://loinc.org|8480-6$5")

    assert isinstance(predicate, AnyOf)
    assert len(predicate.of) == 2


def holds(text: str, start: int, end: int) -> bool:
    """Whether a variant from `start` to `end` is what the coordinates ask for."""
    predicate = only("MolecularSequence", f"chromosome-variant-coordinate=1${text}")
    if isinstance(predicate, Nothing):
        return False
    assert isinstance(predicate, AllOf)
    met = []
    for one in predicate.of[1:]:
        ranges = one.of if isinstance(one, AllOf) else (one,)
        for asked in ranges:
            assert isinstance(asked, Quantities)
            assert asked.name.code == "chromosome-variant-coordinate$1"
            (value,) = asked.values
            if value.prefix == "ap":
                met.append(start <= value.high and value.low <= end)
            else:
                assert value.prefix == "eq"
                met.append(value.low <= start and end < value.high)
    return all(met)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("lt345$gt123", [(344, 124), (1, 999)], [(345, 999), (1, 123)]),
        ("le345$ge123", [(345, 123)], [(346, 999), (1, 122)]),
        ("gt345$lt400", [(346, 399)], [(345, 399), (346, 400)]),
        ("ge345$le400", [(345, 400)], [(344, 400), (345, 401)]),
        ("100$200", [(100, 200)], [(99, 200), (101, 200), (100, 199), (100, 201)]),
        ("sa100$eb200", [(101, 199)], [(100, 199), (101, 200)]),
        ("ap100$200", [(90, 200), (110, 200)], [(89, 200), (111, 200)]),
        ("gt5$gt9", [(6, 10)], [(5, 10), (6, 9)]),
    ],
)
def test_coordinates_are_a_range_with_two_ends(
    text: str, inside: list[tuple[int, int]], outside: list[tuple[int, int]]
) -> None:
    assert all(holds(text, *ends) for ends in inside)
    assert not any(holds(text, *ends) for ends in outside)


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Observation", "code-value-quantity=8480-6", "code$value-quantity"),
        ("Observation", "code-value-quantity=$5", "code$value-quantity"),
        ("Observation", "code-value-quantity=8480-6$", "code$value-quantity"),
        ("Observation", "code-value-quantity=8480-6$5$6", "code$value-quantity"),
        ("Observation", "code-value-quantity=http://loinc.org|$5", "not all codes"),
        ("Observation", "code-value-quantity=8480-6$x", "not a number"),
        ("MolecularSequence", "chromosome-variant-coordinate=1$2", "chromosome$variant-start$variant-end"),
        ("MolecularSequence", "chromosome-variant-coordinate=1$x$2", "not a number"),
        ("MolecularSequence", "chromosome-variant-coordinate=1$ne1$2", "'ne'"),
    ],
)
def test_a_composite_of_other_parts_is_refused(type: str, text: str, part: str) -> None:
    assert part in refused(type, text, lenient=True)[0]


def test_every_composite_of_r4_can_be_asked() -> None:
    values = {"quantity": "5", "number": "lt5", "date": "2024", "reference": "Patient/1"}
    for resource_type in sorted(resource_types()):
        for parameter in parameters_of(resource_type).values():
            if parameter.kind == "composite":
                text = "$".join(values.get(part.kind, "a") for part in parameter.components)

                assert len(parsed(resource_type, f"{parameter.code}={text}").query.where) == 1
