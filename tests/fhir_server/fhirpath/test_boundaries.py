"""http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time"""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_server.fhirpath import boundaries
from fhir_server.fhirpath.temporal import Temporal, day_of, time_of


@pytest.mark.parametrize(
    ("number", "precision", "low", "high"),
    [
        ("1.587", None, "1.58650000", "1.58750000"),
        ("1.587", 2, "1.58", "1.59"),
        ("1.587", 0, "1", "2"),
        ("-1.587", 2, "-1.59", "-1.58"),
        ("12.500", 4, "12.4995", "12.5005"),
        ("120", 2, "119.50", "120.50"),
        ("-120", 2, "-120.50", "-119.50"),
        ("0.0034", 1, "0.0", "0.1"),
        ("-0.0034", 1, "-0.1", "0.0"),
        ("0.0034", 8, "0.00335000", "0.00345000"),
        ("1", -1, None, None),
        ("1", 32, None, None),
    ],
)
def test_a_number_stands_for_what_it_is_rounded_from(
    number: str, precision: int | None, low: str | None, high: str | None
) -> None:
    found = [boundaries.of_decimal(Decimal(number), precision, high=end) for end in (False, True)]

    assert [None if value is None else f"{value:f}" for value in found] == [low, high]


def _moment(text: str) -> Temporal:
    found = time_of(text.removeprefix("T")) if text.startswith("T") else day_of(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "precision", "low", "high"),
    [
        ("2014", None, "2014-01-01", "2014-12-31"),
        ("2014", 6, "2014-01", "2014-12"),
        ("2014-02", None, "2014-02-01", "2014-02-28"),
        ("2014-02-05", 4, "2014", "2014"),
        ("2014T", None, "2014-01-01T00:00:00.000+14:00", "2014-12-31T23:59:59.999-12:00"),
        ("2014-01-01T08:05+08:00", 17, "2014-01-01T08:05:00.000+08:00", "2014-01-01T08:05:59.999+08:00"),
        ("2014-01-01T08", 17, "2014-01-01T08:00:00.000+14:00", "2014-01-01T08:00:59.999-12:00"),
        ("2014-01-01T08:05:06Z", 14, "2014-01-01T08:05:06Z", "2014-01-01T08:05:06Z"),
        ("2014-01-01T08:05:06.5Z", 17, "2014-01-01T08:05:06.500Z", "2014-01-01T08:05:06.599Z"),
        ("T10:30", None, "10:30:00.000", "10:30:59.999"),
        ("T10:30", 6, "10:30:00", "10:30:59"),
        ("T10", 2, "10", "10"),
        ("2014", 5, None, None),
        ("T10", 17, None, None),
    ],
)
def test_a_moment_stands_for_all_that_begins_like_it(
    text: str, precision: int | None, low: str | None, high: str | None
) -> None:
    found = [boundaries.of_moment(_moment(text), precision, high=end) for end in (False, True)]

    assert [None if value is None else value.text for value in found] == [low, high]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("2014", 4), ("2014-01", 6), ("2014-01-05", 8), ("2014-01-05T10", 10), ("2014-01-05T10:30", 12),
        ("2014-01-05T10:30:00Z", 14), ("2014-01-05T10:30:00.000", 17), ("T10", 2), ("T10:30", 4), ("T10:30:00", 6),
        ("T10:30:00.0", 9),
    ],
)  # fmt: skip
def test_a_moment_is_as_precise_as_it_is_written(text: str, digits: int) -> None:
    assert boundaries.digits_of(_moment(text)) == digits
