"""An audit log on a database of a test: opened with what it needs, and filled."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import DONE, Outcome, Trace
from fhir_server.search.entries import Hasher
from fhir_server.store.audit import AuditLog
from fhir_server.store.audit_key import SealingKey, keys_in
from fhir_server.store.audit_rows import add
from fhir_server.store.audit_seal import Sealer
from fhir_server.store.audit_verify import Report, verify
from fhir_server.store.connections import ADAPTERS, PLANNER, Session
from fhir_server.store.embedded import Embedded
from fhir_server.store.ids import Pks
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.pipeline import Pipeline

SECRET = b"sixteen bytes or more"


@dataclass(frozen=True, slots=True)
class Auditing:
    """`files` is the directory of the key and of the heads."""

    url: str
    files: Path
    log: AuditLog
    sealer: Sealer
    pipeline: Pipeline
    hasher: Hasher

    @property
    def keys(self) -> tuple[SealingKey, ...]:
        return keys_in(self.files / "key")

    @property
    def heads(self) -> Path:
        return self.files / "heads"

    def verify(self) -> Report:
        return verify(self.url, self.keys, self.heads)


def trace(
    text: str = "",
    *things: Key,
    outcome: Outcome = DONE,
    agents: tuple[str, ...] = (),
    numbers: tuple[int, ...] = (),
) -> Trace:
    return Trace(b'{"note":"%b"}' % text.encode(), outcome, agents, things, numbers)


@asynccontextmanager
async def auditing(url: str, files: Path, worker: int = 3) -> AsyncIterator[Auditing]:
    """`url`: of a migrated database."""
    pipeline = await Pipeline.open(url, options=PLANNER)
    hasher = Hasher(SECRET)
    log = AuditLog(pipeline.run, pipeline.run, hasher, Pks(worker))
    key = keys_in(files / "key", create=True)[-1]
    try:
        sealer = Sealer(pipeline.run, pipeline.run, key, files / "heads")
        yield Auditing(url, files, log, sealer, pipeline, hasher)
    finally:
        await log.close()
        await pipeline.close()


async def under_load(url: str, files: Path) -> None:
    """Act and trace without end: a line for each act, once it would be answered. For a process that is killed.

    `read ID`: the trace of a read. `write NAME ID`: a row of `import_file`, and its trace in the same transaction.
    """
    async with auditing(url, files) as opened:
        opened.sealer.start()

        async def reads(reader: int) -> None:
            for number in count():
                name = await opened.log.write(trace(f"{reader}.{number}", Key("Patient", str(number))))
                print("read", name, flush=True)  # noqa: T201 - what the killer reads

        async def writes(writer: int) -> None:
            pks = Pks(100 + writer)
            async with await psycopg.AsyncConnection.connect(url, context=ADAPTERS) as connection:
                for number in count():
                    act = f"{os.getpid()}.{writer}.{number}"
                    await connection.execute("insert into import_file values (%s, 0)", (act,))
                    (name,) = await add(Session(connection).run, opened.hasher, pks, [trace(act)])
                    await connection.commit()
                    print("write", act, name, flush=True)  # noqa: T201

        await asyncio.gather(*map(reads, range(12)), *map(writes, range(3)))


def main(where: str, files: str) -> None:
    """`where`: the URL of a database, or the directory of an embedded PostgreSQL."""
    if "://" in where:
        asyncio.run(under_load(where, Path(files)))
        return
    with Embedded(Path(where)) as server:
        migrate(server.url)
        asyncio.run(under_load(server.url, Path(files)))


if __name__ == "__main__":
    main(*sys.argv[1:])
