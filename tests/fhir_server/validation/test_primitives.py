from __future__ import annotations

import time
from base64 import b64encode
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.catalogue import required_codes
from fhir_server.kernel.wire import number
from fhir_server.validation.primitives import LEAVES, MAX_STRING, is_of, wrong_with

UUID = "urn:uuid:0f2b2bd0-1a5a-4c3c-9d8e-1f5f5c6d7e8f"

RIGHT: list[tuple[str, Any]] = [
    ("base64Binary", "QUJD"),
    ("base64Binary", "QQ=="),
    ("base64Binary", " QUJD\r\n\tQQ== "),
    ("boolean", True),
    ("boolean", False),
    ("canonical", "http://hl7.org/fhir/ValueSet/x|4.0.1"),
    ("canonical", "#contained"),
    ("code", "final"),
    ("code", "two words"),
    ("date", "2024"),
    ("date", "2024-02"),
    ("date", "2024-02-29"),
    ("date", "2000-02-29"),
    ("date", "0001-01-01"),
    ("dateTime", "2024"),
    ("dateTime", "2024-12-31T23:59:60Z"),
    ("dateTime", "2024-02-29T10:00:00.123456789+14:00"),
    ("dateTime", "2024-02-29T10:00:00-03:30"),
    ("decimal", 0),
    ("decimal", number("-1.10")),
    ("decimal", number("1.0e-7")),
    ("decimal", number("12345678901234567.890")),
    ("id", "A-1.b"),
    ("id", "a" * 64),
    ("instant", "2024-02-29T10:00:00Z"),
    ("integer", -(2**31)),
    ("integer", 2**31 - 1),
    ("integer", number("-0")),
    ("markdown", "# Title\r\n\n\ttext"),
    ("oid", "urn:oid:1.2.250.1.213"),
    ("positiveInt", 1),
    ("string", " é 中 \t\n"),
    ("string", "x" * MAX_STRING),
    ("time", "23:59:60"),
    ("time", "00:00:00.5"),
    ("unsignedInt", 0),
    ("uri", "urn:ietf:bcp:47"),
    ("url", "mllp://10.0.0.1:4000"),
    ("uuid", UUID),
]

WRONG: list[tuple[str, Any]] = [
    ("base64Binary", ""),
    ("base64Binary", "   "),
    ("base64Binary", "QUJ"),
    ("base64Binary", "QU=JD==="),
    ("base64Binary", "%%%2@()()"),
    ("boolean", "true"),
    ("boolean", 1),
    ("boolean", 0),
    ("canonical", ""),
    ("code", ""),
    ("code", " final"),
    ("code", "final "),
    ("code", "two  words"),
    ("code", "two\twords"),
    ("date", "2024-02-30"),
    ("date", "2023-02-29"),
    ("date", "1900-02-29"),
    ("date", "2024-04-31"),
    ("date", "2024-13"),
    ("date", "0000"),
    ("date", "2024-2-9"),
    ("date", "2024-02-09T10:00:00Z"),
    ("date", "２０２４"),
    ("date", "2024\n"),
    ("date", 2024),
    ("dateTime", "2024-02-31T10:00:00Z"),
    ("dateTime", "2024-02-01T10:00:00"),
    ("dateTime", "2024-02-01T10:00Z"),
    ("dateTime", "2024-02-01T24:00:00Z"),
    ("dateTime", "2024-02-01T10:00:61Z"),
    ("dateTime", "2024-02-01T10:00:00+14:01"),
    ("dateTime", "2024-02-01 10:00:00Z"),
    ("decimal", "1.0"),
    ("decimal", True),
    ("id", ""),
    ("id", "a" * 65),
    ("id", "a_b"),
    ("id", "../a"),
    ("id", 7),
    ("instant", "2024-02-29"),
    ("instant", "2024-02-29T10:00:00"),
    ("instant", "2023-02-29T10:00:00Z"),
    ("integer", 2**31),
    ("integer", -(2**31) - 1),
    ("integer", number("1.0")),
    ("integer", number("1e2")),
    ("integer", "1"),
    ("integer", True),
    ("markdown", ""),
    ("oid", "1.2.3"),
    ("oid", "urn:oid:3.1"),
    ("oid", "urn:oid:1.02"),
    ("positiveInt", 0),
    ("positiveInt", number("-0")),
    ("string", ""),
    ("string", "a\x00b"),
    ("string", "a\x1bb"),
    ("string", "x" * (MAX_STRING + 1)),
    ("string", 5),
    ("string", number("1.5")),
    ("time", "24:00:00"),
    ("time", "10:00"),
    ("time", "10:00:00Z"),
    ("unsignedInt", -1),
    ("unsignedInt", 2**31),
    ("uri", ""),
    ("uri", "a b"),
    ("uri", "a\x00b"),
    ("url", "a\u2003b"),
    ("uuid", UUID.upper()),
    ("uuid", UUID[9:]),
]


@pytest.mark.parametrize(("type_", "value"), RIGHT)
def test_a_value_of_the_type_is_taken(type_: str, value: Any) -> None:
    assert is_of(type_, value)


@pytest.mark.parametrize(("type_", "value"), WRONG)
def test_a_value_that_breaks_a_lexical_rule_is_refused(type_: str, value: Any) -> None:
    assert not is_of(type_, value)


@pytest.mark.parametrize(("type_", "value"), WRONG)
def test_the_sentence_names_the_type_and_never_the_value(type_: str, value: Any) -> None:
    code, text, _ = wrong_with(type_, value)

    assert code in {"structure", "value"}
    assert type_ in text
    if isinstance(value, str) and len(value) > 4:
        assert value not in text


@pytest.mark.parametrize("type_", LEAVES)
@pytest.mark.parametrize("value", [None, [], {}, ["a"], {"a": 1}])
def test_no_type_takes_null_an_array_or_an_object(type_: str, value: Any) -> None:
    assert not is_of(type_, value)
    assert wrong_with(type_, value)[0] == "structure"


@pytest.mark.parametrize(
    ("type_", "value", "code", "words"),
    [
        ("date", "2023-02-29", "value", "Not a date: the month has no such day"),
        ("dateTime", "2024-02-31T10:00:00Z", "value", "Not a dateTime: the month has no such day"),
        ("instant", "2024-06-31T10:00:00Z", "value", "Not an instant: the month has no such day"),
        ("dateTime", "2024-02-01T10:00", "value", "a time has seconds and a time zone"),
        ("integer", "1", "structure", "Not a JSON number: an integer is"),
        ("string", 1, "structure", "Not a JSON string: a string is"),
        ("boolean", "true", "structure", "Not a JSON boolean: a boolean is true or false, without quotes"),
        ("xhtml", "plain", "value", "<div"),
        ("xhtml", 1, "structure", "Not a JSON string: an xhtml is XHTML"),
    ],
)
def test_the_sentence_says_what_would_be_right(type_: str, value: Any, code: str, words: str) -> None:
    found = wrong_with(type_, value)

    assert found[0] == code
    assert words in found[1]


@given(st.integers(1, 9999), st.integers(1, 12), st.integers(1, 31))
def test_the_pattern_of_dates_holds_the_calendar(year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
        real = True
    except ValueError:
        real = False

    text = f"{year:04}-{month:02}-{day:02}"

    assert is_of("date", text) is real
    assert is_of("instant", f"{text}T00:00:00Z") is real


@given(st.binary(min_size=1).map(lambda data: b64encode(data).decode()))
def test_every_base64_text_is_taken(text: str) -> None:
    assert is_of("base64Binary", text)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("base64Binary", "A" * 2_000_001),
        ("base64Binary", " " * 2_000_000),
        ("code", "a " * 1_000_000),
        ("markdown", "a" * 2_000_000),
        ("oid", "urn:oid:1" + ".1" * 1_000_000 + "."),
        ("uri", "a" * 2_000_000 + " "),
    ],
)
def test_a_long_wrong_value_costs_time_in_proportion_to_its_length(type_: str, value: str) -> None:
    started = time.process_time()

    assert not is_of(type_, value)

    assert time.process_time() - started < 1


def test_every_code_that_a_required_binding_allows_is_a_code() -> None:
    codes = {code for systems in required_codes().values() for found in systems.values() for code in found}

    assert [code for code in codes if not is_of("code", code)] == []
