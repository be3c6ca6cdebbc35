"""The store on PostgreSQL: a few pipelined connections for single statements, a pool for interactive transactions.

https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Hasher
from fhir_server.search.view import View
from fhir_server.store.audit import AuditLog
from fhir_server.store.audit_key import SealingKey
from fhir_server.store.audit_seal import Sealer
from fhir_server.store.binary import pack_text
from fhir_server.store.codes import PostgresCodes
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo, translated
from fhir_server.store.contract import Reader, Transaction
from fhir_server.store.credentials import PostgresCredentials
from fhir_server.store.definitions_state import PostgresDefinitions
from fhir_server.store.disclosing import Disclosing
from fhir_server.store.disclosing_lists import DisclosingLists
from fhir_server.store.fulltext import index_words
from fhir_server.store.ids import Lease, id_of
from fhir_server.store.invitations import tried
from fhir_server.store.migrations.migrate import require_schema, require_server
from fhir_server.store.pipeline import Pipeline, Row, Statement, flowing, least_loaded
from fhir_server.store.reader import PostgresReader, Ways
from fhir_server.store.statements import Compiler
from fhir_server.store.telling import CHANNEL
from fhir_server.store.together import Together
from fhir_server.store.transaction import Buffered, Interactive
from fhir_server.store.trigrams import Merging
from fhir_server.store.watch import Watch
from fhir_server.store.watermark import Clock, Run, announce
from fhir_server.store.writing import NOTED, Database

# Connections by kind of work, so that a long search holds up no read. A commit waits for the disk, and a pipelined
# connection does one thing after the other: writers need several, whose commits then share one flush of the log.
# Reads and searches cannot write: what they have to note, the fences, goes another way.
_CONNECTIONS: Final = {"read": 1, "search": 2, "fence": 1, "write": 8, "write large": 2}
_READING: Final = ("read", "search")
_READY: Final = Statement("ready", "select 1", ())
_READY_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 60  # after which the server ends a transaction that was forgotten


class PostgresStore(PostgresReader):
    """See `contract.ResourceStore`."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        pipelines: tuple[Pipeline, ...],
        pool: AsyncConnectionPool[Any],
        watch: Watch,
    ) -> None:
        super().__init__(database.ways)
        self.hasher = database.hasher
        self.definitions = database.definitions
        self.codes = PostgresCodes(database.read, database.search)
        self.audit = AuditLog(database.write, database.read, database.hasher, database.pks)
        self.credentials = PostgresCredentials(database.read, database.write)
        self._merging = Merging(database.write_large)
        self._watch = watch
        self._database = database
        self._lease = lease
        self._pipelines = pipelines
        self._pool = pool

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool_size: int = 4,
        in_flight: int = 64,
        statement_timeout_seconds: float = 30.0,
        search_timeout_seconds: float = 10.0,
        base: str = "",
    ) -> PostgresStore:
        """`base`: the public base URL, if it is known; references below it are local.

        Raises `WrongSchema` for a database that must be migrated first, `Unavailable` when it does not answer.
        """
        hasher = Hasher(await _secret(url))
        async with AsyncExitStack() as opened:
            lease = await Lease.take(url)
            opened.push_async_callback(lease.close)
            pipelines: dict[str, list[Pipeline]] = {}
            for name, size in _CONNECTIONS.items():
                # A fence is what a crash may take back (see `watermark.py`).
                options = {"default_transaction_read_only": "on"} if name in _READING else {}
                options |= {"synchronous_commit": "off"} if name == "fence" else {}
                for _ in range(size):
                    pipeline = await Pipeline.open(
                        url,
                        in_flight=in_flight,
                        statement_timeout_seconds=min(statement_timeout_seconds, search_timeout_seconds)
                        if name == "search"
                        else statement_timeout_seconds,
                        application_name=f"cordee {name}",
                        options={**PLANNER, **options},
                        shared=name in _READING,
                    )
                    opened.push_async_callback(pipeline.close)
                    pipelines.setdefault(name, []).append(pipeline)
            settings = {
                **PLANNER,
                "statement_timeout": f"{statement_timeout_seconds:g}s",
                "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
            }
            pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
                session_conninfo(url, "cordee transaction", settings),
                kwargs={"context": ADAPTERS},
                min_size=0,
                max_size=pool_size,
                timeout=statement_timeout_seconds,
                open=False,
                name="transactions",
            )
            await pool.open()
            opened.push_async_callback(pool.close)
            reading, searching = (_run_of(pipelines[name], flowing) for name in _READING)
            fence = pipelines["fence"][0].run
            writing, writing_large = (
                _run_of(pipelines[name], least_loaded) for name in ("write", "write large")
            )
            definitions = PostgresDefinitions(url, hasher, writing_large, reading)
            await definitions.open(base)
            watch = Watch(url, CHANNEL, definitions.hear)
            watch.start()
            opened.push_async_callback(watch.close)
            await watch.listening()
            opened.pop_all()
        alone = pipelines["search"][0].run
        ways = Ways(
            hasher,
            Clock(),
            reading,
            Together(reading, hasher),
            Disclosing(writing, hasher, lease.pks),
            DisclosingLists(writing, hasher, lease.pks),
            searching,
            alone,
            fence,
            Compiler(hasher),
            definitions,
        )
        database = Database(ways, lease.pks, writing, writing_large)
        return cls(database, lease, tuple(chain.from_iterable(pipelines.values())), pool, watch)

    def within(self, view: View | None, trace: Foretold | None = None) -> Reader:
        return self if view is None else PostgresReader(self._ways, view, trace)

    def begin(
        self, *, interactive: bool = False, view: View | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        return self._interactive(view) if interactive else self._buffered(view)

    def new_id(self) -> str:
        return id_of(self._database.pks.next())

    async def noted(self, sha256: str) -> bool:
        with translated():
            return bool(await self._database.read(NOTED, (pack_text(sha256),)))

    async def tried(self, digest: bytes) -> Key | None:
        with translated():
            return await tried(self._database.write, digest, now())

    def volunteer(self) -> None:
        self._watch.volunteer()

    def sealer(self, key: SealingKey, heads: Path) -> Sealer:
        """Seals the audit log while this process leads. `heads`: the file that they are appended to."""
        return Sealer(self._database.write, self._database.fence, key, heads, lambda: self.leading)

    @property
    def leading(self) -> bool:
        return self._watch.leading

    async def index_words(self) -> bool:
        with translated():
            await self._merging.step()
            return await index_words(self._database.write_large, self._database.clock)

    async def ready(self) -> bool:
        with suppress(Unavailable, psycopg.Error, TimeoutError):
            async with asyncio.timeout(_READY_SECONDS):
                return bool(await self._database.read(_READY, ()))
        return False

    async def close(self) -> None:
        await self._watch.close()
        await self.audit.close()
        await self._pool.close()
        for pipeline in self._pipelines:
            await pipeline.close()
        await self._lease.close()

    @asynccontextmanager
    async def _buffered(self, view: View | None) -> AsyncIterator[Transaction]:
        transaction = Buffered(self._database, view)
        yield transaction
        await transaction.flush()
        await transaction.passed()

    @asynccontextmanager
    async def _interactive(self, view: View | None) -> AsyncIterator[Transaction]:
        connection, stamp, session = await self._begun()
        try:
            transaction = Interactive(self._database, Session(connection).run, stamp, session, view)
            yield transaction
            await transaction.finish()
            await transaction.tell()
            await transaction.seal()
            with translated():
                await connection.commit()
        finally:
            await self._give_back(connection)
        await transaction.passed()

    async def _begun(self) -> tuple[psycopg.AsyncConnection[Any], int, int]:
        """A connection in a transaction that has announced its stamp, the stamp, the number of the session."""
        while True:
            with translated():
                connection = await self._pool.getconn()
            try:
                while not (announced := await announce(Session(connection).run, self._database.clock)):
                    await connection.rollback()
                return connection, *announced
            except psycopg.OperationalError as error:
                # The pool may hold connections of a server that has restarted since. Each is met once.
                if not connection.closed:
                    raise Unavailable("The database does not answer; try again later") from error
                await self._pool.putconn(connection)
            except BaseException:
                await self._give_back(connection)
                raise

    async def _give_back(self, connection: psycopg.AsyncConnection[Any]) -> None:
        with suppress(psycopg.Error):
            if connection.info.transaction_status != TransactionStatus.IDLE:
                await connection.rollback()
        await self._pool.putconn(connection)


def _run_of(pipelines: list[Pipeline], choose: Callable[[Sequence[Pipeline]], Pipeline]) -> Run:
    if len(pipelines) == 1:
        return pipelines[0].run

    def run(statement: Statement, params: Sequence[bytes | None]) -> Awaitable[list[Row]]:
        return choose(pipelines).run(statement, params)

    return run


async def _secret(url: str) -> bytes:
    """The database's secret, once it is known that the server and the schema are what we work with."""
    with translated():
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            require_server(connection.info.server_version)
            cursor = await connection.execute("select to_regclass('alembic_version') is not null")
            if await cursor.fetchone() != (True,):
                require_schema(None)
            cursor = await connection.execute("select version_num from alembic_version")
            row = await cursor.fetchone()
            require_schema(row[0] if row else None)
            cursor = await connection.execute("select value from setting where name = 'secret'")
            row = await cursor.fetchone()
            assert row is not None
            return bytes(row[0])
