"""How a search is done: its statements, each with the plan that PostgreSQL follows for it and what it cost.

A search under explanation is an ordinary search, each of whose statements is run a second time under `explain`. It is
the kept plan of the prepared statement that is shown, which no value has had a part in, and in which none stands.

https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from fhir_server.store import binary
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.watermark import Run

_NUMBERS: Final[dict[int, str]] = {binary.INT2: "smallint", binary.INT4: "int", binary.INT8: "bigint"}
_ARRAYS: Final[dict[int, tuple[str, Callable[[bytes], Sequence[Any]]]]] = {
    binary.INT2_ARRAY: ("smallint[]", binary.unpack_int2s),
    binary.INT8_ARRAY: ("bigint[]", binary.unpack_int8s),
    binary.FLOAT8_ARRAY: ("float8[]", binary.unpack_float8s),
    binary.TEXT_ARRAY: ("text[]", binary.unpack_texts),
    binary.BYTEA_ARRAY: ("bytea[]", binary.unpack_byteas),
}


async def explained(run: Run, search: Callable[[Run], Awaitable[object]]) -> Sequence[tuple[str, str]]:
    """The SQL and the plan of each statement that `search` runs, in their order. `run` is of one connection alone."""
    found: list[tuple[str, str]] = []

    async def recorded(statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        rows = await run(statement, params)
        if not statement.sql.startswith("explain"):
            values = ", ".join(map(_literal, statement.oids, params))
            execute = f'execute "{statement.name}"{f"({values})" if values else ""}'
            lines = await run(Statement("explain", f"explain (analyze, buffers) {execute}", ()), ())
            plan = "\n".join([(line or b"").decode() for (line,) in lines])
            found.append((" ".join(statement.sql.split()), plan))
        return rows

    await search(recorded)
    return found


def _literal(oid: int, data: bytes | None) -> str:
    """A parameter in SQL."""
    if data is None:
        return "null"
    if oid in _NUMBERS:
        return f"'{binary.unpack_int(data)}'::{_NUMBERS[oid]}"
    if oid == binary.FLOAT8:
        return f"'{binary.unpack_float8(data)}'::float8"
    if oid in _ARRAYS:
        kind, unpack = _ARRAYS[oid]
        return f"array[{', '.join(map(_element, unpack(data)))}]::{kind}"
    return _element(data.decode())


def _element(value: float | str | bytes | None) -> str:
    match value:
        case None:
            return "null"
        case bytes():
            return f"'\\x{value.hex()}'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"
