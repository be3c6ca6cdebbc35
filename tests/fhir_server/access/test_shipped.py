"""Reading the tables of access."""

from __future__ import annotations

import pytest

from fhir_server.access.shipped import BadTable, rows_of, shipped

COLUMNS = ("a", "b")


def test_a_row_has_the_number_of_its_line() -> None:
    assert list(rows_of("t", b'a,b\n1,2\n"x,y",z\n', COLUMNS)) == [
        (2, {"a": "1", "b": "2"}),
        (3, {"a": "x,y", "b": "z"}),
    ]


def test_a_table_may_begin_with_a_byte_order_mark() -> None:
    assert list(rows_of("t", b"\xef\xbb\xbfa,b\n", COLUMNS)) == []


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "t, line 1: the columns are a, b, in this order"),
        (b"b,a\n", "t, line 1: the columns are a, b, in this order"),
        (b"a,b\n1\n", "t, line 2: a row has 2 cells, this one 1"),
        (b"a,b\n1,2\n1,2,3\n", "t, line 3: a row has 2 cells, this one 3"),
        (b"a,b\n\xff,2\n", "t: not UTF-8"),
        (b'a,b\n"1"x,2\n', "t: not CSV: quotes do not match"),
    ],
)
def test_a_bad_table_says_where_and_what_would_be_right(data: bytes, text: str) -> None:
    with pytest.raises(BadTable) as caught:
        list(rows_of("t", data, COLUMNS))

    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["matrix", "roles", "documents", "forms", "codes"])
def test_every_table_comes_with_the_server(name: str) -> None:
    assert shipped(name).count(b"\n") > 10
