"""Connections for interactive transactions, spoken to as a pipeline is: a `Statement`, binary in, binary out.

What psycopg raises is translated here, for both kinds of connection, into what the contract of the store says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

import psycopg
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from fhir_server.kernel.errors import Unavailable
from fhir_server.store import binary
from fhir_server.store.contract import Stale
from fhir_server.store.pipeline import Row, Statement

_OIDS: Final = (
    *(binary.BOOL, binary.BYTEA, binary.INT8, binary.INT2, binary.INT4, binary.TEXT, binary.FLOAT8),
    *(binary.BOOL_ARRAY, binary.BYTEA_ARRAY, binary.INT2_ARRAY, binary.INT4_ARRAY, binary.TEXT_ARRAY),
    *(binary.INT8_ARRAY, binary.FLOAT8_ARRAY),
)

# How we want statements planned: their text says in which order tables are met, and every step is an index scan. A plan
# made while a table was still empty would otherwise stay in a connection.
PLANNER: Final[Mapping[str, str]] = {
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_memoize": "off",
    "join_collapse_limit": "1",
    "plan_cache_mode": "force_generic_plan",
}


def session_conninfo(url: str, application_name: str, options: Mapping[str, str]) -> str:
    """`url` with a name and server settings for the session; what the operator gave in it stays."""
    given: dict[str, Any] = {"application_name": application_name, **conninfo_to_dict(url)}
    settings = [f"-c {name}={value}" for name, value in options.items()]
    given["options"] = " ".join([*filter(None, [given.get("options")]), *settings])
    return make_conninfo("", **given)


_LOST: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)
_AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TooManyRequests)


class translated:  # noqa: N801 - a context manager, used like a function; as a generator it costs 2 µs a read
    """Lost races become `Stale`, an absent or overloaded database becomes `Unavailable`."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        if isinstance(error, _LOST):
            raise Stale from error
        if isinstance(error, _AWAY):
            raise Unavailable("The database does not answer; try again later") from error


class _PackedDumper(Dumper):
    """A parameter that is in PostgreSQL's binary format already."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


# psycopg chooses by class how to send a value, hence a class for each type of the server.
_KINDS: Final[Mapping[int, type[bytes]]] = {oid: type(f"Packed{oid}", (bytes,), {}) for oid in _OIDS}
ADAPTERS: Final = AdaptersMap(psycopg.adapters)  # the `context` of connections given to `Session`
for _oid, _kind in _KINDS.items():
    ADAPTERS.register_dumper(_kind, type(f"PackedDumper{_oid}", (_PackedDumper,), {"oid": _oid}))


class Session:
    """One connection, for one transaction."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        """As `Pipeline.run`, inside the transaction that the connection is in."""
        cursor = psycopg.AsyncRawCursor(self._connection)
        values = [
            None if data is None else _KINDS[oid](data)
            for data, oid in zip(params, statement.oids, strict=True)
        ]
        await cursor.execute(statement.sql, values, prepare=True, binary=True)
        if statement.loaded:
            return await cursor.fetchall()
        result = cursor.pgresult
        assert result is not None
        columns = range(result.nfields)
        return [tuple([result.get_value(row, column) for column in columns]) for row in range(result.ntuples)]
