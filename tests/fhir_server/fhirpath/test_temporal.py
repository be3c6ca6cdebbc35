from __future__ import annotations

import pytest

from fhir_server.fhirpath.temporal import compare, day_of, time_of


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        ("2014", "2015", -1),
        ("2014-05", "2014-05", 0),
        ("2014", "2014-05", None),
        ("2015", "2014-05", 1),
        ("2014-05-06", "2014-05-06T10:00", None),
        ("2014-05-06T10:30", "2014-05-06T10:30:00", None),
        ("2014-05-06T10:30:00", "2014-05-06T10:30:00.0", 0),
        ("2014-05-06T10:30:00.1", "2014-05-06T10:30:00.09", 1),
        ("2014-05-06T10:00Z", "2014-05-06T12:00+02:00", 0),
        ("2017-11-05T01:30:00.0-04:00", "2017-11-05T01:15:00.0-05:00", -1),
        ("2014-05-06T10:00Z", "2014-05-06T10:00", None),  # a zone is missing
        ("2014-05-06T23:00-02:00", "2014-05-07T01:00Z", 0),
        ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", -1),  # no calendar overflows
        ("2014-05-06T10Z", "2014-05-06T12+02:00", 0),
    ],
)
def test_moments_are_compared_as_far_as_both_are_written(one: str, other: str, order: int | None) -> None:
    first, second = day_of(one), day_of(other)
    assert first is not None
    assert second is not None

    assert compare(first, second) == order
    assert compare(second, first) == (None if order is None else -order)


@pytest.mark.parametrize(
    "text", ["", "14", "2014-13", "2015-02-29", "2015-02-04T24:00", "2015T10", "2015-1-1", "x"]
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert day_of(text) is None


@pytest.mark.parametrize(
    ("text", "known"), [("10", True), ("10:30:00.123", True), ("10:60", False), ("T10", False)]
)
def test_times_are_hours_minutes_and_seconds(text: str, known: bool) -> None:
    assert (time_of(text) is not None) is known
