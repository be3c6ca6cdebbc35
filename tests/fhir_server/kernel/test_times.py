"""Microseconds and the texts for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_server.kernel.times import http_text, instant_text, moment_of, now


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_709_978_400_123_999, "2024-03-09T10:00:00.123Z"),
        (-1000, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_milliseconds(moment: int, text: str) -> None:
    assert instant_text(moment) == text


def test_an_http_date_is_written_in_seconds() -> None:
    assert http_text(1_709_978_400_999_000) == "Sat, 09 Mar 2024 10:00:00 GMT"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (253_402_300_799_999_999, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (253_402_300_800_000_000, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (2**63 - 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (-62_135_596_800_000_000, "Wed, 01 Jan 1000 00:00:00 GMT"),  # the first moment of the year 1
        (-(2**63), "Wed, 01 Jan 1000 00:00:00 GMT"),
    ],
)
def test_an_http_date_has_a_year_of_four_digits(moment: int, text: str) -> None:
    assert http_text(moment) == text


def test_now_is_a_whole_millisecond() -> None:
    assert now() % 1000 == 0
    assert abs(now() - moment_of(datetime.now(UTC))) < 5_000_000
