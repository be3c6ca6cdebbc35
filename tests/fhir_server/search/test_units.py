from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.ucum import unit_of
from fhir_server.search.units import UCUM, named


def canonical(number: str, code: str, system: str | None = UCUM) -> tuple[str, float]:
    """The name of the unit and the number in it."""
    name, convert = named(system, code)
    return name, convert(Decimal(number))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("5", "mg"), ("0.005", "g")),
        (("5.40", "mg"), ("5.4", "mg")),
        (("1", "kg"), ("1000000", "mg")),
        (("120", "mm[Hg]"), ("0.12", "m[Hg]")),
        (("1", "mm[Hg]"), ("133.322", "Pa")),
        (("6.3", "mmol/L"), ("0.0063", "mol/L")),
        (("6.3", "mmol/L"), ("6.3", "mmol/l")),
        (("1", "g/dL"), ("10", "g/L")),
        (("1", "g/L"), ("1", "g.L-1")),
        (("1", "/(s.m)"), ("1", "s-1.m-1")),
        (("72", "/min"), ("72", "{beats}/min")),
        (("60", "/min"), ("1", "Hz")),
        (("1", "h"), ("60", "min")),
        (("1", "wk"), ("7", "d")),
        (("1", "a"), ("365.25", "d")),
        (("1", "[in_i]"), ("2.54", "cm")),
        (("1", "[lb_av]"), ("453.59237", "g")),
        (("5", "10*3/uL"), ("5", "10*9/L")),
        (("5", "10^9/L"), ("5", "10*9/L")),
        (("50", "%"), ("0.5", "1")),
        (("3", "{score}"), ("3", "1")),
        (("1", "kcal"), ("4184", "J")),
        (("1", "U/L"), ("1", "umol/min/L")),
        (("1", "meq/L"), ("1", "mmol/L")),
        (("1", "[IU]/mL"), ("1", "k[iU]/L")),
        (("10", "dB[SPL]"), ("1", "B[SPL]")),
        (("37", "Cel"), ("310.15", "K")),
        (("98.6", "[degF]"), ("37", "Cel")),
        (("29.6", "[degRe]"), ("37", "Cel")),
        (("180", "deg"), ("3.14159265358979", "rad")),
        (("2", "mL/min/{1.73_m2}"), ("2", "mL/min")),
        (("1", "(mg/L)/kg"), ("1", "mg/(L.kg)")),
    ],
)
def test_the_same_amount_is_the_same_number_of_the_same_unit(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert canonical(*one) == canonical(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mg", "mL"),
        ("mmol/L", "/L"),  # a mole is no number here
        ("[iU]/L", "/L"),  # an arbitrary unit is comparable with itself alone
        ("[iU]", "[arb'U]"),
        ("[pH]", "mol/L"),
        ("B[SPL]", "Pa"),
        ("dB", "1"),
        ("Cel", "Cel/min"),
        ("g", "G"),
    ],
)
def test_what_cannot_be_compared_has_another_name(one: str, other: str) -> None:
    assert named(UCUM, one)[0] != named(UCUM, other)[0]


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        ("urn:iso:std:iso:4217", "EUR", "urn:iso:std:iso:4217|EUR"),
        (None, "mg", "|mg"),
        ("", "mg", "|mg"),
        (UCUM, "beats/min", f"{UCUM}|beats/min"),
        (UCUM, "", f"{UCUM}|"),
        (UCUM, "degC", f"{UCUM}|degC"),
        (UCUM, "Cel/min", f"{UCUM}|Cel/min"),
        (UCUM, "Cel2", f"{UCUM}|Cel2"),
        (UCUM, "10*999999999", f"{UCUM}|10*999999999"),
        (UCUM, "m" * 100, f"{UCUM}|{'m' * 100}"),
        (UCUM, "µg", f"{UCUM}|µg"),
        (UCUM, "m\x00", f"{UCUM}|m\x00"),
    ],
)
def test_what_is_no_readable_ucum_is_a_unit_of_its_own(system: str | None, code: str, name: str) -> None:
    assert canonical("5.4", code, system) == (name, 5.4)


@pytest.mark.parametrize(
    ("number", "expected"), [("1e999999", inf), ("-1e999999", -inf), ("1e-999999", 0.0), ("0", 0.0)]
)
def test_what_a_double_cannot_hold_is_infinite_or_nothing(number: str, expected: float) -> None:
    assert canonical(number, "mg")[1] == expected


CODES = st.sampled_from(
    ["mg", "g", "kg", "ug", "[lb_av]", "mmol/L", "mol/L", "Cel", "K", "[degF]", "min", "h"]
)
NUMBERS = st.decimals(min_value=-(10**6), max_value=10**6, places=4)


@given(CODES, NUMBERS)
def test_a_converted_number_has_twelve_digits(code: str, number: Decimal) -> None:
    unit = unit_of(code)
    assert unit is not None
    times, plus, divisor = unit.scale()

    assert isclose(
        named(UCUM, code)[1](number), float((number * times + plus) / divisor), rel_tol=1e-11, abs_tol=1e-11
    )


@given(CODES, st.lists(NUMBERS, min_size=2))
def test_conversion_keeps_the_order(code: str, numbers: list[Decimal]) -> None:
    convert = named(UCUM, code)[1]

    assert all(convert(low) <= convert(high) for low, high in pairwise(sorted(numbers)))


@given(st.text(max_size=70))
def test_no_text_is_too_strange_for_a_unit(code: str) -> None:
    name, convert = named(UCUM, code)

    assert name.startswith(UCUM)
    assert isinstance(convert(Decimal("1.5")), float)
