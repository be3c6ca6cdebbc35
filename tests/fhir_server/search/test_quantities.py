"""https://hl7.org/fhir/R4/search.html#number · https://hl7.org/fhir/R4/search.html#quantity"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.query import AnyOf, Name, Quantities, QuantityValue
from fhir_server.search.units import UCUM, named
from tests.fhir_server.search.asking import name, only, refused

RISK = Name("RiskAssessment", "probability")
VALUE = Name("Observation", "value-quantity")


def value_of(text: str) -> QuantityValue:
    """The one value of a number."""
    predicate = only("RiskAssessment", f"probability={text}")
    assert isinstance(predicate, Quantities)
    assert predicate.name == RISK
    (value,) = predicate.values
    return value


@pytest.mark.parametrize(
    ("text", "low", "value", "high"),
    [
        ("100", 99.5, 100, 100.5),
        ("100.00", 99.995, 100, 100.005),
        ("1e2", 95, 100, 105),
        ("1.00e2", 99.5, 100, 100.5),
        ("10e1", 95, 100, 105),
        ("1.0e2", 95, 100, 105),
        ("0", -0.5, 0, 0.5),
        ("-5", -5.5, -5, -4.5),
        ("0.10", 0.095, 0.1, 0.105),
        ("1E-3", 0.00095, 0.001, 0.00105),
        ("5.40e-3", 0.005395, 0.0054, 0.005405),
    ],
)
def test_a_number_is_as_wide_as_its_digits_leave_it(text: str, low: float, value: float, high: float) -> None:
    assert value_of(text) == QuantityValue("eq", value, low, high)


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
def test_a_prefix_leaves_the_number_as_it_is(prefix: str) -> None:
    assert value_of(f"{prefix}100") == QuantityValue(prefix, 100, 99.5, 100.5)  # type: ignore[arg-type]  # of the table


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("ap100", 90, 110), ("ap-100", -110, -90), ("ap0", -0.5, 0.5), ("ap1e2", 90, 110), ("ap5", 4.5, 5.5)],
)
def test_about_is_a_tenth_to_each_side_and_never_narrower_than_equal(
    text: str, low: float, high: float
) -> None:
    found = value_of(text)

    assert (found.prefix, found.low, found.high) == ("ap", low, high)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.sampled_from(["", "eq", "ap", "gt"]),
)
def test_a_number_lies_in_what_it_stands_for(number: object, prefix: str) -> None:
    found = value_of(f"{prefix}{number}")

    assert found.low <= found.value <= found.high


def test_several_numbers_are_alternatives() -> None:
    predicate = only("RiskAssessment", "probability=gt1,lt2")

    assert isinstance(predicate, Quantities)
    assert [(value.prefix, value.value) for value in predicate.values] == [("gt", 1), ("lt", 2)]


def test_a_quantity_without_unit_is_its_number() -> None:
    plain = Quantities(VALUE, (QuantityValue("gt", 5.4, 5.35, 5.45),))

    assert only("Observation", "value-quantity=gt5.4") == plain
    assert only("Observation", "value-quantity=gt5.4||") == plain


def test_a_quantity_is_compared_in_the_canonical_form_of_its_unit() -> None:
    milli = only("Observation", f"value-quantity=5.4|{UCUM}|mg")
    base = only("Observation", f"value-quantity=0.0054|{UCUM}|g")

    assert milli == base
    assert milli == Quantities(VALUE, (QuantityValue("eq", 0.0054, 0.00535, 0.00545, named(UCUM, "g")[0]),))


def test_a_unit_of_nobodys_system_stays_what_it_is() -> None:
    assert only("Observation", "value-quantity=5|urn:x|Box") == Quantities(
        VALUE, (QuantityValue("eq", 5, 4.5, 5.5, "urn:x|Box"),)
    )


def test_a_unit_alone_is_a_code_or_the_text_for_people() -> None:
    assert only("Observation", "value-quantity=le5||mg") == AnyOf(
        (
            Quantities(VALUE, (QuantityValue("le", 0.005, 0.0045, 0.0055, named(UCUM, "mg")[0]),)),
            Quantities(
                name("value-quantity:unit", "Observation"), (QuantityValue("le", 5, 4.5, 5.5, "|mg"),)
            ),
        )
    )


@pytest.mark.parametrize(
    "text", ["x", "5,4x", "gt", "--5", "5.", ".5", "0x10", "1e", "1e9999", "NaN", "inf", "٣", "5 ", "9" * 100]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    for of, code in (("RiskAssessment", "probability"), ("Observation", "value-quantity")):
        assert "number" in refused(of, f"{code}={text}", lenient=True)[0]


@pytest.mark.parametrize("text", ["5|mg", f"5|{UCUM}|", f"5|{UCUM}|mg|x"])
def test_a_quantity_of_other_parts_is_refused(text: str) -> None:
    assert "number|system|code" in refused("Observation", f"value-quantity={text}", lenient=True)[0]
