from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.pq import ExecStatus

from fhir_server.store import binary

SMALL = st.integers(-(2**15), 2**15 - 1)
MIDDLE = st.integers(-(2**31), 2**31 - 1)
LARGE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # what PostgreSQL can hold


class Kind(NamedTuple):
    """A type of PostgreSQL, the values it holds, some of them, and how they are packed."""

    name: str
    oids: tuple[int, int]
    values: st.SearchStrategy[Any]
    some: list[Any]
    scalar: tuple[Callable[[Any], bytes], Callable[[bytes], Any]]
    array: tuple[Callable[[Any], bytes], Callable[[bytes], list[Any]]]


def kind(
    name: str, values: st.SearchStrategy[Any], some: list[Any], unpack: Callable[[bytes], Any] | None = None
) -> Kind:
    return Kind(
        name,
        (getattr(binary, name.upper()), getattr(binary, f"{name.upper()}_ARRAY")),
        values,
        some,
        (getattr(binary, f"pack_{name}", bytes), unpack or getattr(binary, f"unpack_{name}")),
        (getattr(binary, f"pack_{name}s"), getattr(binary, f"unpack_{name}s")),
    )


KINDS = [
    kind("int2", SMALL, [-1, 0, 2**15 - 1], binary.unpack_int),
    kind("int4", MIDDLE, [-1, 0, 2**31 - 1], binary.unpack_int),
    kind("int8", LARGE, [-1, 0, 2**63 - 1], binary.unpack_int),
    kind("float8", st.floats(allow_nan=False), [-0.5, 1e300, math.inf]),
    kind("bool", st.booleans(), [True, False, False]),
    kind("text", TEXT, ["", "é", "long" * 50]),
    kind("bytea", st.binary(), [b"", b"\0", b"long" * 50], bytes),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


class Server:
    """Sends one binary parameter to PostgreSQL and asks for one binary value."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pq = connection.pgconn

    def ask(self, query: str, oid: int, value: bytes) -> bytes:
        result = self._pq.exec_params(query.encode(), [value], [oid], [1], 1)
        assert result.status == ExecStatus.TUPLES_OK, result.get_error_message()
        answer = result.get_value(0, 0)
        assert answer is not None
        return answer


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield Server(connection)


@each_kind
@given(data=st.data())
def test_a_value_comes_back_from_postgresql_as_it_went(
    kind: Kind, server: Server, data: st.DataObject
) -> None:
    pack, unpack = kind.scalar
    value = data.draw(kind.values)

    answer = server.ask("select $1", kind.oids[0], pack(value))

    assert unpack(answer) == value


@each_kind
@given(data=st.data())
def test_an_array_comes_back_from_postgresql_as_it_went(
    kind: Kind, server: Server, data: st.DataObject
) -> None:
    pack, unpack = kind.array
    values = data.draw(st.lists(kind.values))

    answer = server.ask("select $1", kind.oids[1], pack(values))

    assert unpack(answer) == values
    assert answer == pack(values)


@each_kind
@given(data=st.data())
def test_an_array_keeps_its_nulls(kind: Kind, server: Server, data: st.DataObject) -> None:
    pack, unpack = kind.array
    values = data.draw(st.lists(kind.values | st.none()))

    answer = server.ask("select $1", kind.oids[1], pack(values))

    assert unpack(answer) == values


@each_kind
@settings(max_examples=20)
@given(data=st.data())
def test_postgresql_reads_the_elements_that_were_meant(
    kind: Kind, server: Server, data: st.DataObject
) -> None:
    values = data.draw(st.lists(kind.values | st.none(), min_size=1))
    place = data.draw(st.integers(0, len(values) - 1))

    packed = kind.array[0](values)

    null = server.ask(f"select ($1)[{place + 1}] is null", kind.oids[1], packed)
    assert binary.unpack_bool(null) == (values[place] is None)
    if values[place] is not None:
        element = server.ask(f"select ($1)[{place + 1}]", kind.oids[1], packed)
        assert kind.scalar[1](element) == values[place]


@each_kind
@pytest.mark.parametrize("size", [1, 127, 128, 129, 256, 5000])
def test_an_array_of_any_size_is_packed(kind: Kind, size: int, server: Server) -> None:
    pack, unpack = kind.array
    values = [kind.some[i % 3] for i in range(size)]

    answer = server.ask("select $1", kind.oids[1], pack(values))

    assert unpack(answer) == values


def test_a_float_that_is_no_number_is_packed(server: Server) -> None:
    answer = server.ask("select $1", binary.FLOAT8_ARRAY, binary.pack_float8s([math.nan, 1.0]))

    number, one = binary.unpack_float8s(answer)

    assert number is not None
    assert math.isnan(number)
    assert one == 1.0


@pytest.mark.parametrize("values", [[2**63], [1, 2**63, 2], [None, 2**63]])
def test_a_number_out_of_range_is_refused(values: list[int | None]) -> None:
    with pytest.raises(struct.error):
        binary.pack_int8s(values)


def test_an_array_of_several_dimensions_is_refused(server: Server) -> None:
    square = server.ask("select array[[1, 2], [3, $1]]", binary.INT4, binary.pack_int4(4))

    with pytest.raises(ValueError, match="several dimensions"):
        binary.unpack_int4s(square)
