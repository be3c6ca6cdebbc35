"""http://hl7.org/fhirpath/N1/#datetime-arithmetic"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.durations import SECONDS, later
from fhir_server.fhirpath.temporal import Temporal, day_of, time_of


def moment(text: str) -> Temporal:
    found = time_of(text.removeprefix("T")) if text.startswith("T") else day_of(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2014", "1", "year", "2015"),
        ("2014", "13", "month", "2015"),
        ("2014", "-13", "month", "2013"),
        ("2014", "364", "day", "2014"),
        ("2014", "365", "day", "2015"),
        ("2014-01", "1", "month", "2014-02"),
        ("2014-01", "59", "day", "2014-02"),
        ("2014-01", "-1", "year", "2013-01"),
        ("2014-01-31", "1", "month", "2014-02-28"),
        ("2012-01-31", "1", "month", "2012-02-29"),
        ("2012-02-29", "1", "year", "2013-02-28"),
        ("2014-01-05", "23", "hour", "2014-01-05"),
        ("2014-01-05", "48", "hour", "2014-01-07"),
        ("2014-01-05", "-1", "week", "2013-12-29"),
        ("1973-12-25", "7.9", "day", "1974-01-01"),
        ("2014-01-05T10", "90", "minute", "2014-01-05T11"),
        ("2014-01-05T10:30Z", "90", "second", "2014-01-05T10:31Z"),
        ("2014-01-05T00:00:00-05:00", "-1", "second", "2014-01-04T23:59:59-05:00"),
        ("2014-01-05T00:00:00.000+10:00", "10", "millisecond", "2014-01-05T00:00:00.010+10:00"),
        ("2014-01-05T00:00:00", "0.5", "second", "2014-01-05T00:00:00.5"),
        ("2014-01-31T10:00:00Z", "1", "month", "2014-02-28T10:00:00Z"),
        ("T23:30", "1", "hour", "00:30"),
        ("T00:00:00", "-1", "second", "23:59:59"),
        ("T10", "59", "minute", "10"),
    ],
)
def test_a_duration_later(start: str, amount: str, unit: str, end: str) -> None:
    found = later(moment(start), Decimal(amount), unit)

    assert found is not None
    assert found.text == end


@pytest.mark.parametrize(
    ("start", "amount", "unit"),
    [
        ("9999", "1", "year"),
        ("0001-01", "-1", "month"),
        ("9999-12-31", "1", "day"),
        ("0001-01-01T00:00:00Z", "-1", "second"),
        ("2014-01-01", "1e30", "second"),
        ("2014", "1e12", "month"),
    ],
)
def test_beyond_the_calendar_there_is_nothing(start: str, amount: str, unit: str) -> None:
    assert later(moment(start), Decimal(amount), unit) is None


@given(st.datetimes(), st.integers(-(10**9), 10**9), st.sampled_from(["day", "hour", "minute", "second"]))
def test_there_and_back_is_where_it_began(start: object, amount: int, unit: str) -> None:
    begin = moment(str(start).replace(" ", "T") + "Z")

    there = later(begin, Decimal(amount), unit)

    if there is not None:
        back = later(there, Decimal(-amount), unit)
        assert back is not None
        assert back.parts == begin.parts
        assert SECONDS[unit] > 0
