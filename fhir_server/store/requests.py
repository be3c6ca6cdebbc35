"""What goes through a pipelined connection: statements, and their uses, each with a future for its answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from psycopg.pq.abc import PGresult

from fhir_server.kernel.errors import Unavailable

Row: TypeAlias = tuple[bytes | None, ...]

BINARY: Final = 1  # the format of parameters and values
_NAME_BYTES: Final = 63  # the server cuts longer ones, and two statements would become one


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, known to each connection by its name."""

    name: str
    sql: str
    oids: tuple[int, ...]  # types of the parameters, see `binary.py`
    loaded: bool = False  # its rows come as values of Python, made in C: for those that bring many cells

    def __post_init__(self) -> None:
        if len(self.name.encode()) > _NAME_BYTES:
            raise ValueError(f"The name of a statement has at most {_NAME_BYTES} bytes: {self.name}")


class Prepared:
    """A statement as one connection knows it; `error` is why the server refused to prepare it."""

    __slots__ = ("error", "formats", "name", "statement")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.name = statement.name.encode()
        self.formats = (BINARY,) * len(statement.oids)
        self.error: PGresult | None = None


class Request:
    """One use of a statement. `prepared` is what its segment relies on, `steps` the commands before its own.

    `last`: the sync comes behind it.
    """

    __slots__ = ("future", "last", "params", "prepared", "statement", "steps")

    def __init__(
        self, statement: Statement, params: Sequence[bytes | None], future: asyncio.Future[list[Row]]
    ) -> None:
        self.statement = statement
        self.params = params
        self.future = future
        self.prepared: Prepared | None = None
        self.steps = 0
        self.last = False


def refuse(requests: deque[Request], text: str, cause: BaseException | None) -> None:
    """Answer them all with `Unavailable`, and empty the queue."""
    while requests:
        future = requests.popleft().future
        if not future.done():
            error = Unavailable(text)
            error.__cause__ = cause
            future.set_exception(error)
