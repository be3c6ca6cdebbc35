"""Bytes to trees and back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed, TooLarge
from fhir_server.kernel.wire import decimal_of, decode, depth_of, encode, number, same, stamp, value_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "text",
    [
        "1.10",
        "1.0e-7",
        "1E5",
        "-0",
        "-0.0",
        "0.00",
        "12345678901234567890",
        "1.2345678901234567890",
        "3",
        "-17",
        "1e+3",
    ],
)
def test_a_number_comes_back_as_it_was_written(text: str) -> None:
    body = f'{{"resourceType":"Basic","value":{text},"list":[{text}]}}'.encode()

    assert encode(decode(body)) == body


@given(VALUES)
def test_any_json_value_survives_the_round_trip(value: object) -> None:
    assert json.loads(encode(value_of(json.dumps(value).encode()))) == value


@given(st.dictionaries(TEXT, st.integers(), min_size=2, max_size=8))
def test_key_order_is_kept(value: dict[str, int]) -> None:
    assert list(decode(json.dumps(value).encode())) == list(value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no body"),
        (b"  \n", "no body"),
        (b"{", "not JSON"),
        (b'{"a":1}x', "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "twice"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "UTF-8"),
        (b'{"a":"\x01"}', "control character"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "levels deep"),
        (b"[" * 10_000, "levels deep"),
    ],
)
def test_what_is_not_an_object_in_utf8_json_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode(body)


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Malformed) as caught:
        decode(b'{"Durand":1,"Durand":2}')

    assert "Durand" not in caught.value.issues[0].text


def test_a_body_over_the_cap_is_too_large() -> None:
    with pytest.raises(TooLarge):
        decode(b'{"a":1}', max_bytes=6)


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_a_tree_of_a_foreign_value_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})


@pytest.mark.parametrize(
    ("tree", "order"),
    [
        ({"resourceType": "Basic"}, ["resourceType", "id", "meta"]),
        ({"resourceType": "Basic", "code": {}}, ["resourceType", "id", "meta", "code"]),
        ({"id": "x", "resourceType": "Basic", "code": {}}, ["id", "meta", "resourceType", "code"]),
        ({"code": {}, "id": "x", "resourceType": "Basic"}, ["code", "id", "meta", "resourceType"]),
        ({"code": {}, "meta": {}, "resourceType": "Basic"}, ["code", "meta", "resourceType", "id"]),
        (
            {"code": {}, "meta": {}, "id": "x", "resourceType": "Basic"},
            ["code", "meta", "id", "resourceType"],
        ),
    ],
)
def test_a_stamp_sets_id_and_meta_and_keeps_the_order_of_the_rest(
    tree: dict[str, object], order: list[str]
) -> None:
    stamp(tree, "7", 3, 1_709_978_400_123_000)

    assert list(tree) == order
    assert tree["id"] == "7"
    assert tree["meta"] == {"versionId": "3", "lastUpdated": "2024-03-09T10:00:00.123Z"}


def test_a_stamp_keeps_the_rest_of_meta() -> None:
    tree = {
        "resourceType": "Basic",
        "id": "1",
        "meta": {"versionId": "9", "profile": ["p"], "lastUpdated": "x"},
    }

    stamp(tree, "1", 1, 0)

    assert tree["meta"] == {"versionId": "1", "profile": ["p"], "lastUpdated": "1970-01-01T00:00:00.000Z"}


def test_numbers_are_compared_by_text_and_keys_in_any_order() -> None:
    assert same({"a": number("1.10"), "b": 1}, {"b": 1, "a": number("1.10")})
    assert not same({"a": number("1.10")}, {"a": number("1.1")})
    assert not same({"a": number("1.10")}, {"a": "1.10"})


def test_numbers_of_any_size_are_compared() -> None:
    assert same({"a": 10**30, "b": number("1e400")}, {"b": number("1e400"), "a": 10**30})
    assert not same({"a": 10**30}, {"a": 10**30 + 1})
    assert not same({"a": 10**30}, {"a": str(10**30)})


@pytest.mark.parametrize(("text", "depth"), [(b"7", 0), (b"{}", 1), (b'{"a": [{"b": 1}], "c": []}', 3)])
def test_depth_counts_objects_and_lists(text: bytes, depth: int) -> None:
    assert depth_of(value_of(text)) == depth


def test_a_number_has_an_exact_value() -> None:
    assert decimal_of(number("1.10")) == Decimal("1.10")
    assert decimal_of(3) == 3
