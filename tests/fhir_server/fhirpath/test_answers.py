"""Numbers, quantities, conversions and types in expressions: http://hl7.org/fhirpath/N1/"""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.evaluator import evaluate
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import Quantity, system_of

TREE = {"resourceType": "Patient", "birthDate": "1974-12-25"}


def shown(expression: str) -> list[str]:
    return [_text(system_of(node)) for node in evaluate(expression, dict(TREE), R4)]


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case Temporal():
            return value.text
        case Quantity():
            return f"{value.value:f} {value.unit}"
    return str(value)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("4.0000 'g' = 4000.0 'mg'", ["true"]),
        ("4 'g' ~ 4040 'mg'", ["true"]),
        ("4 'g' ~ 4400 'mg'", ["true"]),
        ("4 'g' ~ 4600 'mg'", ["false"]),
        ("4 'g' = 4 'm'", []),
        ("4 'g' > 4 'm'", []),
        ("4 'g' ~ 4 'm'", ["false"]),
        ("4 'nonsense' = 4 'nonsense'", ["true"]),
        ("4 'nonsense' = 4 'g'", []),
        ("6 days < 1 week and 7 days = 1 'wk' and 1 second = 1000 'ms'", ["true"]),
        ("1 year = 12 months", ["true"]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a' and 1 month ~ 1 'mo'", ["true"]),
        ("1 year > 1 day", []),
        ("37 'Cel' = 310.15 'K'", ["true"]),
        ("37 'Cel' + 1 'K'", []),
        ("2 'cm' + 1 'm'", ["102 cm"]),
        ("1 'm' - 2 'cm'", ["98 cm"]),
        ("1 day + 1 'h'", ["25 h"]),
        ("1 'g' + 1 'm'", []),
        ("2.0 'cm' * 3 'm' / 2 's'", ["3.0 cm.m/s"]),
        ("6 'g' / (2 'm' / 1 's')", ["3 g/(m/s)"]),
        ("2 * 3 days", ["6 day"]),
        ("3 days / 2", ["1.5 day"]),
        ("1 / 4 's'", ["0.25 1/s"]),
        ("6 'g' / 0 'm'", []),
        ("6 'g' / 2 'g'", ["3 1"]),
        ("(1 'g' | 1000 'mg' | 1 'm').count()", ["2"]),
        ("1 = 1 '1' and 2 '1' > 1", ["true"]),
        ("5 'g'.comparable(1 'kg') and 5 'g'.comparable(1 'm').not()", ["true"]),
        ("{}.comparable(1 'g')", []),
    ],
)
def test_quantities(expression: str, found: list[str]) -> None:
    assert shown(expression) == found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("(-5).abs() | (-5.50).abs()", ["5", "5.50"]),
        ("(-5.5 'mg').abs()", ["5.5 mg"]),
        ("1.1.ceiling() | (-2.1).floor() | 101.99.truncate() | 7.floor()", ["2", "-3", "101", "7"]),
        ("3.14159.round(3) | 2.5.round() | 1.round() | 1.2.round(4)", ["3.142", "3", "1", "1.2"]),
        ("3.14159 'g'.round(1)", ["3.1 g"]),
        ("81.sqrt() | (-1).sqrt() | 2.sqrt()", ["9", "1.414213562373095048801688724"]),
        ("16.log(2) | 100.0.log(10.0) | 1.ln() | (-1).ln()", ["4", "2", "0"]),
        ("0.exp()", ["1"]),
        ("1000000.exp()", []),
        ("2.power(3) | 2.5.power(2) | (-1).power(0.5) | 2.power(-1) | 2.power(40)", ["8", "6.25", "0.5"]),
        ("1.0000001.power(1000000000000.0)", []),
        (
            "1.58700.precision() | 1.precision() | 1.5 'g'.precision() | birthDate.precision()",
            ["5", "0", "1", "8"],
        ),
        ("1.587 'cm'.lowBoundary(4) | 1.highBoundary(0)", ["1.5865 cm", "2"]),
        ("birthDate.lowBoundary(4)", ["1974"]),
        (
            "{}.abs() | {}.round() | {}.lowBoundary() | {}.precision() | {}.log(2) | 2.log({}) | {}.power(2)",
            [],
        ),
    ],
)
def test_numbers(expression: str, found: list[str]) -> None:
    assert shown(expression) == found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (
            "'Yes'.toBoolean() | '0.0'.toBoolean() | 1.0.toBoolean() | 2.toBoolean() | @2014.toBoolean()",
            ["true", "false"],
        ),
        (
            "'-12'.toInteger() | true.toInteger() | '1.0'.toInteger() | 1.0.toInteger() | '3000000000'.toInteger()",
            ["-12", "1"],
        ),
        ("'1.50'.toDecimal() | true.toDecimal() | 'x'.toDecimal()", ["1.50", "1"]),
        (
            "'2014-01'.toDate() | @2014-01-05T10:00Z.toDate() | '2014-13'.toDate() | @T10.toDate()",
            ["2014-01", "2014-01-05"],
        ),
        ("'2014'.toDateTime() is DateTime and birthDate.toDateTime() is DateTime", ["true"]),
        ("'10:30'.toTime() | 'T10'.toTime() | '25'.toTime() | 1.toTime()", ["10:30", "10"]),
        (
            "'4 days'.toQuantity() | '5.4 \\'g\\''.toQuantity() | '7'.toQuantity() | '1 wk'.toQuantity()",
            ["4 day", "5.4 g", "7 1"],
        ),
        (
            "'1 \\'g\\''.toQuantity('mg') | '1 \\'g\\''.toQuantity('m') | 1 day.toQuantity('hours')",
            ["1000 mg", "24 hour"],
        ),
        ("1 'g'.toString() & ' ' & 4 days.toString() & ' ' & 1 day.toString()", ["1 'g' 4 days 1 day"]),
        ("true.toString() & 1.50.toString() & @2014-01.toString()", ["true1.502014-01"]),
        (
            "1.convertsToBoolean() and 2.convertsToBoolean().not() and Patient.convertsToString().not()",
            ["true"],
        ),
        ("{}.convertsToInteger() | {}.toQuantity() | {}.convertsToQuantity() | {}.toString()", []),
        ("'1 \\'g\\''.convertsToQuantity('mg') and '1 \\'g\\''.convertsToQuantity('m').not()", ["true"]),
    ],
)
def test_conversions(expression: str, found: list[str]) -> None:
    assert shown(expression) == found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("@2010-01-01T10:00:00Z < @2020-01-01T10:00:00", ["true"]),
        ("@2010-01-01T10:00:00Z = @2010-01-03T10:00:00", ["false"]),
        ("@2010-01-01T10:00:00Z < @2010-01-01T20:00:00", []),
        ("@2014-01-05T10:30 + 1 hour", ["2014-01-05T11:30"]),
        ("@2014 - 1 year", ["2013"]),
        ("@2014 + 1 millisecond", ["2014"]),
        ("@T10:30 + 45 minutes", ["11:15"]),
        ("@9999 + 1 year", []),
        ("birthDate + {}", []),
    ],
)
def test_dates(expression: str, found: list[str]) -> None:
    assert shown(expression) == found
