"""PostgreSQL's binary format for the few types our statements use: values ⇄ bytes.

A scalar is its network-order bytes; a null scalar is not packed, it is the parameter `None`. An array is a header
(dimensions, whether it holds nulls, element type, count, lower bound) and then, for each element, a length and its
bytes; a null has the length −1 and no bytes. Arrays carry the rows of a set-based write, so those without nulls are
packed by a few calls into C, lengths and values interleaved.

https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES; the array layout is that of
`array_send` in PostgreSQL's `arrayfuncs.c`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from struct import Struct, error
from typing import Any, Final

BOOL: Final = 16
BYTEA: Final = 17
INT8: Final = 20
INT2: Final = 21
INT4: Final = 23
TEXT: Final = 25
FLOAT8: Final = 701
BOOL_ARRAY: Final = 1000
BYTEA_ARRAY: Final = 1001
INT2_ARRAY: Final = 1005
INT4_ARRAY: Final = 1007
TEXT_ARRAY: Final = 1009
INT8_ARRAY: Final = 1016
FLOAT8_ARRAY: Final = 1022

_LENGTH = Struct("!i")
_DOUBLE = Struct("!d")
_HEADER = Struct("!iiIii")  # dimensions, holds nulls, element type, count, lower bound
_TABLE_HEADER = Struct("!iiIiiii")  # the same, with count and lower bound for either dimension
_INT8_CELL_BYTES = 12  # a length and a value
_START = Struct("!iiI")  # all that an empty array has: it has no dimension
_NULL = _LENGTH.pack(-1)
_CHUNK = 128  # elements packed by one call: the formats of all smaller sizes are kept

# Out of range is `struct.error`.
pack_int2: Callable[[int], bytes] = Struct("!h").pack
pack_int4: Callable[[int], bytes] = _LENGTH.pack
pack_int8: Callable[[int], bytes] = Struct("!q").pack
pack_float8: Callable[[float], bytes] = _DOUBLE.pack
pack_bool: Callable[[bool], bytes] = Struct("!?").pack
pack_text: Callable[[str], bytes] = str.encode


def unpack_int(data: bytes) -> int:
    """An int2, int4 or int8: the width is that of the data."""
    return int.from_bytes(data, "big", signed=True)


def unpack_float8(data: bytes) -> float:
    value: float = _DOUBLE.unpack(data)[0]
    return value


def unpack_bool(data: bytes) -> bool:
    return data == b"\x01"


unpack_text: Callable[[bytes], str] = bytes.decode


def pack_int2s(values: Sequence[int | None]) -> bytes:
    return _fixed(values, "h", 2, INT2, pack_int2)


def pack_int4s(values: Sequence[int | None]) -> bytes:
    return _fixed(values, "i", 4, INT4, pack_int4)


def pack_int8s(values: Sequence[int | None]) -> bytes:
    return _fixed(values, "q", 8, INT8, pack_int8)


def pack_float8s(values: Sequence[float | None]) -> bytes:
    return _fixed(values, "d", 8, FLOAT8, pack_float8)


def pack_bools(values: Sequence[bool | None]) -> bytes:
    if None in values:  # which struct would take for false
        return _varying(values, BOOL, pack_bool)
    return _fixed(values, "?", 1, BOOL, pack_bool)


def pack_int8_rows(rows: Sequence[bytes]) -> bytes:
    """An array of two dimensions, of packed arrays of at least one int8 each: a shorter one repeats its last."""
    cells = [row[_HEADER.size :] for row in rows]
    lengths = set(map(len, cells))
    longest = max(lengths)
    if len(lengths) > 1:
        cells = [row + row[-_INT8_CELL_BYTES:] * ((longest - len(row)) // _INT8_CELL_BYTES) for row in cells]
    return _TABLE_HEADER.pack(2, 0, INT8, len(rows), 1, longest // _INT8_CELL_BYTES, 1) + b"".join(cells)


def pack_texts(values: Sequence[str | None]) -> bytes:
    return _varying(values, TEXT, pack_text)


def pack_byteas(values: Sequence[bytes | None]) -> bytes:
    return _varying(values, BYTEA, bytes)


def unpack_int2s(data: bytes) -> list[int | None]:
    return _unpacked(data, _INT2_CELL, unpack_int)


def unpack_int4s(data: bytes) -> list[int | None]:
    return _unpacked(data, _INT4_CELL, unpack_int)


def unpack_int8s(data: bytes) -> list[int | None]:
    return _unpacked(data, _INT8_CELL, unpack_int)


def unpack_float8s(data: bytes) -> list[float | None]:
    return _unpacked(data, _FLOAT8_CELL, unpack_float8)


def unpack_bools(data: bytes) -> list[bool | None]:
    return _unpacked(data, _BOOL_CELL, unpack_bool)


def unpack_texts(data: bytes) -> list[str | None]:
    return [None if cell is None else cell.decode() for cell in _cells(data)]


def unpack_byteas(data: bytes) -> list[bytes | None]:
    return list(_cells(data))


def _fixed(values: Sequence[Any], code: str, width: int, oid: int, pack: Callable[[Any], bytes]) -> bytes:
    """An array of elements of one width, `code` being their letter in `struct`."""
    count = len(values)
    if not count:
        return _START.pack(0, 0, oid)
    try:
        if count <= _CHUNK:
            whole, numbers = _whole(code, width, oid, count)
            filled = numbers.copy()
            filled[_FIRST_VALUE::2] = values
            return whole(*filled)
        pairs: list[Any] = [width] * (2 * count)
        pairs[1::2] = values
        chunks = [pairs[i : i + 2 * _CHUNK] for i in range(0, 2 * count, 2 * _CHUNK)]
        return _HEADER.pack(1, 0, oid, count, 1) + b"".join(
            _pairs(code, len(chunk) // 2).pack(*chunk) for chunk in chunks
        )
    except error:
        if None in values:
            return _varying(values, oid, pack)
        raise


@cache
def _whole(code: str, width: int, oid: int, count: int) -> tuple[Callable[..., bytes], list[Any]]:
    """What packs an array in one call, and what it takes, with gaps for the values."""
    return Struct(f"{_HEADER.format}{f'i{code}' * count}").pack, [1, 0, oid, count, 1, *[width] * (2 * count)]


_FIRST_VALUE: Final = 6


@cache
def _pairs(code: str, count: int) -> Struct:
    return Struct("!" + f"i{code}" * count)


def _varying(values: Sequence[Any], oid: int, pack: Callable[[Any], bytes]) -> bytes:
    """An array of elements of any length, nulls among them or not."""
    count = len(values)
    if not count:
        return _START.pack(0, 0, oid)
    if None not in values:
        packed = values if pack is bytes else [pack(value) for value in values]
        parts = [b""] * (2 * count)
        parts[0::2] = map(_LENGTH.pack, map(len, packed))
        parts[1::2] = packed
        return _HEADER.pack(1, 0, oid, count, 1) + b"".join(parts)
    parts = [_HEADER.pack(1, 1, oid, count, 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            data = pack(value)
            parts += (_LENGTH.pack(len(data)), data)
    return b"".join(parts)


_INT2_CELL = Struct("!4xh")
_INT4_CELL = Struct("!4xi")
_INT8_CELL = Struct("!4xq")
_FLOAT8_CELL = Struct("!4xd")
_BOOL_CELL = Struct("!4x?")


def _unpacked(data: bytes, cell: Struct, unpack: Callable[[bytes], Any]) -> list[Any]:
    """The elements of an array of one width: a `cell` is a length and a value."""
    if _holds_nulls(data):
        return [None if value is None else unpack(value) for value in _cells(data)]
    return [value for (value,) in cell.iter_unpack(memoryview(data)[_HEADER.size :])]


def _holds_nulls(data: bytes) -> bool:
    """Whether it may. Raises `ValueError` for an array of several dimensions, whose shape would be lost."""
    dimensions, nulls, _ = _START.unpack_from(data)
    if dimensions > 1:
        raise ValueError("An array of several dimensions: only lists are read")
    return bool(nulls)


def _cells(data: bytes) -> Iterator[bytes | None]:
    _holds_nulls(data)
    end, offset = len(data), _HEADER.size
    while offset < end:
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += 4
        if length < 0:
            yield None
        else:
            yield data[offset : offset + length]
            offset += length
