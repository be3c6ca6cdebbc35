from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.times import instant_text, moment_of
from fhir_server.search.query import Prefix
from fhir_server.search.spans import BEGINNING, END, Span, agrees, period_of, span_of, timing_of, widened


def utc(text: str) -> int:
    return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),  # leap year
        ("2024-12", "2024-12-01", "2025-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2024-02-29T23:59", "2024-02-29T23:59:00", "2024-03-01T00:00:00"),
        ("2024-02-29T10:00Z", "2024-02-29T10:00:00", "2024-02-29T10:01:00"),
        ("2024-02-29T10:00:01Z", "2024-02-29T10:00:01", "2024-02-29T10:00:02"),
        ("2024-02-29T10:00:01.5Z", "2024-02-29T10:00:01.500000", "2024-02-29T10:00:01.600000"),
        ("2024-02-29T10:00:01.123Z", "2024-02-29T10:00:01.123000", "2024-02-29T10:00:01.124000"),
        ("2024-02-29T10:00:01.12345678Z", "2024-02-29T10:00:01.123456", "2024-02-29T10:00:01.123457"),
        ("2024-02-29T10:00:00+01:00", "2024-02-29T09:00:00", "2024-02-29T09:00:01"),
        ("2024-01-01T00:30:00-04:30", "2024-01-01T05:00:00", "2024-01-01T05:00:01"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00", "2017-01-01T00:00:01"),  # leap second
        ("0001", "0001-01-01", "0002-01-01"),
    ],
)
def test_a_partial_date_covers_its_whole_period(text: str, low: str, high: str) -> None:
    assert span_of(text) == (utc(low), utc(high))


def test_the_last_year_ends_where_the_next_would_begin() -> None:
    assert span_of("9999")[1] == span_of("9999-12-31T23:59:59Z")[1]
    assert span_of("9999-12")[1] == span_of("9999")[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "2024-13",
        "2024-00",
        "2023-02-29",
        "2024-01-32",
        "0000",
        "2024-1-1",
        "2024-01-01T10",
        "2024-01-01T24:00",
        "2024-01-01T10:60",
        "2024-01-01T10:00:61Z",
        "2024-01-01T10:00:00+15:00",
        "2024-01-01T10:00:00+01:60",
        "2024-01-01T10:00:00.Z",
        "2024-01-01Z",
        "2024-01-01 10:00",
        "٢٠٢٤",
        "2024\n",
        "yesterday",
    ],
)
def test_what_is_no_date_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        span_of(text)

    assert caught.value.issues[0].code == "value"
    assert not text or text not in str(caught.value)


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001
def test_a_finer_date_lies_within_the_coarser_one(moment: datetime) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}"
    cuts = [text[:4], text[:7], text[:10], text[:16], text[:19], text[:21], text[:23], text]
    spans = [span_of(cut) for cut in cuts]

    for outer, inner in pairwise(spans):
        assert outer[0] <= inner[0] < inner[1] <= outer[1]
    assert spans[-1] == (utc(text), utc(text) + 1)


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_an_instant_covers_the_millisecond_it_was_stamped_with(milliseconds: int) -> None:
    moment = milliseconds * 1000

    assert span_of(instant_text(moment)) == (moment, moment + 1000)


def test_a_period_may_be_open() -> None:
    assert period_of({"start": "2024"}) == (utc("2024-01-01"), END)
    assert period_of({"end": "2024"}) == (BEGINNING, utc("2025-01-01"))
    assert period_of({"start": "2024-01", "end": "2024-02"}) == (utc("2024-01-01"), utc("2024-03-01"))
    assert period_of({}) is None


def test_a_timing_has_outer_limits() -> None:
    assert timing_of({"event": ["2024-03", "2024-01"]}) == (utc("2024-01-01"), utc("2024-04-01"))
    assert timing_of({"repeat": {"boundsPeriod": {"start": "2024"}}}) == (utc("2024-01-01"), END)
    assert timing_of({"repeat": {"frequency": 1}}) is None


MARCH = span_of("2024-03")
DAY: Span = span_of("2024-03-14")


@pytest.mark.parametrize(
    ("prefix", "query", "value", "expected"),
    [
        # https://hl7.org/fhir/R4/search.html#prefix, with its own examples
        ("eq", "2024-03", "2024-03-14", True),
        ("eq", "2024-03-14", "2024-03", False),  # the value may lie outside of the search value
        ("eq", "2024-03-14", "2024-03-14T10:00:00Z", True),
        ("eq", "2024-03-14", "2024-03-15T00:00:00Z", False),
        ("ne", "2024-03-14", "2024-03-14T10:00:00Z", False),
        ("ne", "2024-03-14", "2024-03-15", True),
        ("ne", "2024-03-14", "2024-03", True),
        ("lt", "2024-03-14T10:00", "2024-03-14", True),
        ("lt", "2024-03-14", "2024-03-14T10:00:00Z", False),
        ("lt", "2024-03-14", "2024-03-13", True),
        ("gt", "2024-03-14T10:00", "2024-03-14", True),
        ("gt", "2024-03-14", "2024-03-14T10:00:00Z", False),
        ("gt", "2024-03-14", "2024-03", True),  # the rest of March lies above
        ("gt", "2024-03", "2024-03-14", False),
        ("ge", "2024-03-14", "2024-03-14", True),
        ("ge", "2024-03-14", "2024-03-13", False),
        ("ge", "2024-03-14", "2024-04", True),
        ("le", "2024-03-14", "2024-03-14T23:59:59Z", True),
        ("le", "2024-03-14", "2024-03-15", False),
        ("le", "2024-03-14", "2024-03", True),
        ("sa", "2024-03-14", "2024-03-15", True),
        ("sa", "2024-03-14", "2024-03-14T23:59:59Z", False),
        ("sa", "2024-03-14", "2024-03", False),
        ("eb", "2024-03-14", "2024-03-13", True),
        ("eb", "2024-03-14", "2024-03-14T00:00:00Z", False),
        ("ap", "2024-03-14", "2024-03", True),
        ("ap", "2024-03-14", "2024-04", False),
    ],
)
def test_a_prefix_compares_spans(prefix: Prefix, query: str, value: str, expected: bool) -> None:
    assert agrees(prefix, *span_of(query), span_of(value)) is expected


spans = st.tuples(st.integers(-50, 50), st.integers(1, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(spans, spans)
def test_prefixes_keep_their_relations(query: Span, value: Span) -> None:
    says = {p: agrees(p, *query, value) for p in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")}

    assert says["ne"] is not says["eq"]
    assert says["ge"] is (says["gt"] or says["eq"])
    assert says["le"] is (says["lt"] or says["eq"])
    assert not says["sa"] or says["gt"]
    assert not says["eb"] or says["lt"]
    assert says["ap"] is not (says["sa"] or says["eb"])


def test_about_is_a_tenth_of_the_distance_to_now() -> None:
    assert widened((1000, 1100), 2000) == (910, 1190)
    assert widened((1000, 1100), 0) == (900, 1200)
    assert widened((1000, 1100), 1050) == (1000, 1100)
