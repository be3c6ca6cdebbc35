"""Records put down in any order and taken up by place: on disk, in stripes that are read one at a time.

A release spreads what it says of a concept over several files, each in an order of its own. Here all of it comes
together without ever being in memory at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final

import orjson

_STRIPES: Final = 64


class Spool:
    """Of `size` places. Its files have no name: they are gone with the process."""

    def __init__(self, size: int) -> None:
        self._width = max(1, -(-size // _STRIPES))
        self._size = size
        self._open = ExitStack()
        self._stripes: list[IO[bytes]] = [
            self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `close` closes all of them
            for _ in range(-(-size // self._width))
        ]

    def put(self, place: int, *record: str) -> None:
        self._stripes[place // self._width].write(orjson.dumps([place, *record]) + b"\n")

    def take(self) -> Iterator[list[list[str]]]:
        """The records of each place, in the order of places; those of a place as they were put down."""
        for number, stripe in enumerate(self._stripes):
            first = number * self._width
            found: list[list[list[str]]] = [[] for _ in range(min(self._width, self._size - first))]
            stripe.seek(0)
            for line in stripe:
                place, *record = orjson.loads(line)
                found[place - first].append(record)
            stripe.close()
            yield from found

    def close(self) -> None:
        self._open.close()
