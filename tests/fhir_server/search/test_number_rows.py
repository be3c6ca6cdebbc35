from __future__ import annotations

from math import inf, nextafter

import pytest

from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.extract import entries_of
from tests.fhir_server.search.extracting import HASHER, UCUM, entries, numbers, present

EURO = "urn:iso:std:iso:4217|EUR"
GRAM = f"{UCUM}|g1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100", 100.0),
        ("5.40", 5.4),
        ("-1e2", -100.0),
        ("1e999999999", inf),
        ("-1e99999999999999999999", -inf),
        ("1e-99999999999999999999", 0.0),
        ("1" + "0" * 400, inf),
        ("-1" + "0" * 400, -inf),
    ],
)
def test_a_number_is_the_point_that_it_is(text: str, expected: float) -> None:
    tree = decode(
        b'{"resourceType":"Observation","valueQuantity":{"code":"mg","system":"%s","value":%s}}'
        % (UCUM.encode(), text.encode())
    )
    found = entries_of(tree, HASHER)

    assert numbers(found, "Observation", "value-quantity") == {(expected, expected)}
    thousandth = expected / 1000
    assert numbers(found, "Observation", "value-quantity", GRAM) == {(thousandth, thousandth)}


@pytest.mark.parametrize(
    ("element", "canonical", "called"),
    [
        ({"value": 5, "system": UCUM, "code": "mg", "unit": "mg"}, (GRAM, 0.005), []),
        ({"value": 5, "system": UCUM, "code": "mg"}, (GRAM, 0.005), []),
        ({"value": 5, "system": UCUM, "code": "mg", "unit": "milligram"}, (GRAM, 0.005), ["milligram"]),
        ({"value": 5, "system": UCUM, "code": "beats", "unit": "beats"}, (f"{UCUM}|beats", 5.0), []),
        ({"value": 5, "system": "urn:u", "code": "mg", "unit": "milli"}, ("urn:u|mg", 5.0), ["mg", "milli"]),
        ({"value": 5, "system": "urn:u", "code": "mg", "unit": "mg"}, ("urn:u|mg", 5.0), ["mg"]),
        ({"value": 5, "code": "mg"}, None, ["mg"]),
        ({"value": 5, "unit": "milli"}, None, ["milli"]),
        ({"value": 5, "system": UCUM, "unit": "milli"}, None, ["milli"]),
        ({"value": 5}, None, []),
    ],
)
def test_a_quantity_is_found_by_its_number_its_unit_and_what_its_unit_is_called(
    element: Tree, canonical: tuple[str, float] | None, called: list[str]
) -> None:
    found = entries(resourceType="Observation", valueQuantity=element)

    assert numbers(found, "Observation", "value-quantity") == {(5.0, 5.0)}
    if canonical:
        unit, value = canonical
        assert numbers(found, "Observation", "value-quantity", unit) == {(value, value)}
    for unit in called:
        assert numbers(found, "Observation", "value-quantity:unit", f"|{unit}") == {(5.0, 5.0)}
    assert len(found.quantities) == 1 + bool(canonical) + len(called)


@pytest.mark.parametrize(
    ("comparator", "low", "high"),
    [
        ("<", -inf, nextafter(5.0, -inf)),
        ("<=", -inf, 5.0),
        (">", nextafter(5.0, inf), inf),
        (">=", 5.0, inf),
    ],
)
def test_a_comparator_leaves_one_side_open(comparator: str, low: float, high: float) -> None:
    found = entries(
        resourceType="Observation",
        valueQuantity={"value": 5, "comparator": comparator, "system": UCUM, "code": "g", "unit": "gram"},
    )

    assert numbers(found, "Observation", "value-quantity") == {(low, high)}
    assert numbers(found, "Observation", "value-quantity", GRAM) == {(low, high)}
    assert numbers(found, "Observation", "value-quantity:unit", "|gram") == {(low, high)}


YEAR = {"system": UCUM, "code": "a", "unit": "years"}


@pytest.mark.parametrize(
    ("element", "bare", "canonical"),
    [
        ({"low": {"value": 1, **YEAR}, "high": {"value": 2, **YEAR}}, (1.0, 2.0), (31557600.0, 63115200.0)),
        ({"low": {"value": 1, **YEAR}}, (1.0, inf), (31557600.0, inf)),
        ({"high": {"value": 1, **YEAR}}, (-inf, 1.0), (-inf, 31557600.0)),
        (
            {"low": {"value": 1, **YEAR}, "high": {"value": 24, "system": UCUM, "code": "mo"}},
            (1.0, 24.0),
            None,
        ),
        ({"low": {"value": 1}, "high": {"value": 2}}, (1.0, 2.0), None),
        ({"low": {"unit": "years"}, "high": {"value": 2, **YEAR}}, (-inf, 2.0), (-inf, 63115200.0)),
    ],
)
def test_a_range_has_two_ends(
    element: Tree, bare: tuple[float, float], canonical: tuple[float, float] | None
) -> None:
    found = entries(resourceType="Condition", onsetRange=element)

    assert numbers(found, "Condition", "onset-age") == {bare}
    assert numbers(found, "Condition", "onset-age", f"{UCUM}|s1") == ({canonical} if canonical else set())
    assert numbers(found, "Condition", "onset-age:unit", "|years") == ({bare} if canonical else set())


def test_money_is_a_quantity_of_its_currency() -> None:
    money = entries(resourceType="Invoice", totalNet={"value": 5, "currency": "EUR"})
    bare = entries(resourceType="Invoice", totalNet={"value": 5})

    assert numbers(money, "Invoice", "totalnet") == {(5.0, 5.0)}
    assert numbers(money, "Invoice", "totalnet", EURO) == {(5.0, 5.0)}
    assert numbers(money, "Invoice", "totalnet:unit", "|EUR") == {(5.0, 5.0)}
    assert len(bare.quantities) == 1


def test_a_number_has_no_unit() -> None:
    point = entries(resourceType="RiskAssessment", prediction=[{"probabilityDecimal": 0.5}])
    percent = {"system": UCUM, "code": "%", "unit": "%"}
    between = entries(
        resourceType="RiskAssessment",
        prediction=[
            {"probabilityRange": {"low": {"value": 20, **percent}, "high": {"value": 30, **percent}}}
        ],
    )

    assert numbers(point, "RiskAssessment", "probability") == {(0.5, 0.5)}
    assert numbers(between, "RiskAssessment", "probability") == {(20.0, 30.0)}
    assert len(between.quantities) == 1


def test_a_position_is_its_latitude_and_longitude() -> None:
    found = entries(resourceType="Location", position={"latitude": -20.88, "longitude": 55.45, "altitude": 3})

    assert numbers(found, "Location", "near") == {(-20.88, 55.45)}
    assert "near" in present(found, "Location")


@pytest.mark.parametrize(
    "elements",
    [
        {"resourceType": "Observation", "valueQuantity": {"unit": "mg"}},
        {"resourceType": "Condition", "onsetRange": {}},
        {"resourceType": "Condition", "onsetRange": {"low": {"unit": "a"}}},
        {"resourceType": "Invoice", "totalNet": {"currency": "EUR"}},
        {
            "resourceType": "Observation",
            "valueSampledData": {"origin": {"value": 1}, "period": 1, "dimensions": 1, "data": "1 2"},
        },
    ],
)
def test_what_has_no_number_has_no_row(elements: Tree) -> None:
    assert entries(**elements).quantities == []
