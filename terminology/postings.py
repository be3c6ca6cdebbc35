"""Sets of places in a code system: as the bits of an integer to calculate with, as a few bytes to keep.

The concepts of a large code system are numbered from 0. What they have in common (a property's value, a word, an
ancestor) is the set of their places. As bits, unions and intersections of 400 000 concepts take microseconds, and how
many there are is known without looking at one.

Kept, a set is whichever is shortest: its places, its runs of neighbouring places, or its bits.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_PLACES, _RUNS, _BITS = b"p", b"r", b"b"
_WIDTH: Final = 4  # bytes of a place
_CHUNK: Final = 512  # bytes of bits that are counted at once


def packed(runs: Sequence[tuple[int, int]]) -> bytes:
    """A set as bytes, from its runs: (first, behind the last), in order and apart from one another."""
    if not runs:
        return _PLACES
    if len(runs) == 1:
        start, end = runs[0]
        return _PLACES + _bytes_of((start,)) if end == start + 1 else _RUNS + _bytes_of(runs[0])
    size = sum(end - start for start, end in runs)
    shortest = min(size * _WIDTH, len(runs) * 2 * _WIDTH, runs[-1][1] // 8 + 1)
    if shortest == size * _WIDTH:
        return _PLACES + _bytes_of(place for start, end in runs for place in range(start, end))
    if shortest == len(runs) * 2 * _WIDTH:
        return _RUNS + _bytes_of(number for run in runs for number in run)
    bits = bytearray(runs[-1][1] // 8 + 1)
    for start, end in runs:
        _fill(bits, start, end)
    return _BITS + bytes(bits)


def runs_of(places: Iterable[int]) -> list[tuple[int, int]]:
    """The runs of places that are in order, each once or several times."""
    found: list[tuple[int, int]] = []
    start = end = -1
    for place in places:
        if place > end:
            if end > start:
                found.append((start, end))
            start = place
            end = place + 1
        elif place == end:
            end += 1
    if end > start:
        found.append((start, end))
    return found


def bits_of(kept: Iterable[bytes], size: int) -> int:
    """The union of sets, as the bits of an integer; their places are below `size`."""
    bits = bytearray(size // 8 + 1)
    whole = 0
    for data in kept:
        kind, body = data[:1], data[1:]
        if kind == _BITS:
            whole |= int.from_bytes(body, "little")
        elif kind == _RUNS:
            numbers = _numbers_of(body)
            for at in range(0, len(numbers), 2):
                _fill(bits, numbers[at], numbers[at + 1])
        else:
            for place in _numbers_of(body):
                bits[place >> 3] |= 1 << (place & 7)
    return whole | int.from_bytes(bits, "little")


def bits_at(places: Iterable[int]) -> int:
    """Places, in any order, as the bits of an integer."""
    listed = list(places)
    bits = bytearray(max(listed) // 8 + 1) if listed else bytearray()
    for place in listed:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def all_below(size: int) -> int:
    return (1 << size) - 1


def places_of(bits: int, offset: int = 0, count: int | None = None) -> list[int]:
    """The places of a set in order, `count` at most (None: all), past the first `offset`."""
    return [place for place, _ in zip(_places(bits, offset), _numbers(count), strict=False)]


def _numbers(count: int | None) -> Iterable[int]:
    return range(sys.maxsize if count is None else count)


def _places(bits: int, skip: int) -> Iterator[int]:
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for at in range(0, len(data), _CHUNK):
        chunk = int.from_bytes(data[at : at + _CHUNK], "little")
        held = chunk.bit_count()
        if held <= skip:
            skip -= held
            continue
        while chunk:
            lowest = chunk & -chunk
            if skip:
                skip -= 1
            else:
                yield at * 8 + lowest.bit_length() - 1
            chunk ^= lowest


def _fill(bits: bytearray, start: int, end: int) -> None:
    first, last = start >> 3, (end - 1) >> 3
    head, tail = 0xFF << (start & 7) & 0xFF, 0xFF >> (7 - (end - 1 & 7))
    if first == last:
        bits[first] |= head & tail
        return
    bits[first] |= head
    bits[last] |= tail
    bits[first + 1 : last] = b"\xff" * (last - first - 1)


def _bytes_of(numbers: Iterable[int]) -> bytes:
    found = array("I", numbers)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def _numbers_of(data: bytes) -> array[int]:
    found = array("I")
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
