"""Code systems into the database and out of it: one transaction each, in which the old release is there till the end.

Concepts go by once, straight into COPY; their index is made in memory meanwhile (`terminology.indexing`) and follows. A
load that is interrupted, or killed, leaves what was there before.

https://www.postgresql.org/docs/current/sql-copy.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

import orjson
import psycopg

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.codes import summary
from terminology.hierarchy import Hierarchy
from terminology.indexing import Index, Unusable
from terminology.large import Summary
from terminology.loading.release import Release, Unloadable
from terminology.versions import newest_first

_TOLD_EVERY: Final = 1000  # concepts
_TABLES: Final = ("concept", "concept_parent", "concept_term")

Progress = Callable[[int, int | None], None]  # concepts so far; how many there will be, where that is known


class Outcome(Enum):
    LOADED = "loaded"
    REPLACED = "replaced"  # another release of the same version
    KNOWN = "known"  # these files had been loaded: nothing was done


def load(database_url: str, release: Release, progress: Progress = lambda done, total: None) -> Outcome:
    """Put one release into the database. Raises `Unloadable`; then nothing has changed."""
    with _connected(database_url) as connection:
        # One load at a time; whoever reads is not kept from it.
        connection.execute("lock table code_system in share row exclusive mode")
        old = connection.execute(
            "select pk, sha256 from code_system where url = %s and version = %s",
            (release.url, release.version),
        ).fetchone()
        if old is not None and old[1] == release.sha256:
            return Outcome.KNOWN
        pk = _one(connection, "select nextval('code_system_pk')::integer")
        try:
            count = _fill(connection, pk, release, progress)
        except Unusable as error:
            raise Unloadable(str(release.position), str(error)) from None
        if old is not None:
            _delete(connection, old[0])
        connection.execute(f"analyze {', '.join(_TABLES)}")
        connection.execute(
            "insert into code_system (pk, url, version, sha256, loaded, count, head)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (
                pk,
                release.url,
                release.version,
                release.sha256,
                time.time_ns() // 1000,
                count,
                orjson.dumps(release.head),
            ),
        )
    return Outcome.LOADED if old is None else Outcome.REPLACED


def remove(database_url: str, url: str, version: str) -> bool:
    """Take a version out; False: it was not there."""
    with _connected(database_url) as connection:
        connection.execute("lock table code_system in share row exclusive mode")
        found = connection.execute(
            "select pk from code_system where url = %s and version = %s", (url, version)
        ).fetchone()
        if found is None:
            return False
        _delete(connection, found[0])
    return True


def loaded(database_url: str) -> list[Summary]:
    """What is there, by URL, the newest version first."""
    with _connected(database_url) as connection:
        rows = connection.execute(
            "select head, url, version, sha256, loaded, count from code_system"
        ).fetchall()
    return newest_first(summary(orjson.loads(head), *rest) for head, *rest in rows)


def _fill(connection: psycopg.Connection[Any], pk: int, release: Release, progress: Progress) -> int:
    """Write concepts and index; how many concepts there are."""
    index = Index(release.head)
    with _copying(connection, "concept (system, place, key, tree)", "int4", "int4", "text", "bytea") as copy:
        for done, entry in enumerate(release.entries(), 1):
            row = index.add(entry)
            copy.write_row((pk, row.place, row.key, orjson.dumps(row.tree)))
            if done % _TOLD_EVERY == 0:
                progress(done, release.total)
    count = len(index)
    if not count:
        raise Unusable("It has no concepts")
    progress(count, count)
    release.position.leave_line()
    hierarchy = index.hierarchy()
    with _copying(connection, "concept_parent (system, place, parent)", "int4", "int4", "int4") as copy:
        for place, parent in _pairs(hierarchy):
            copy.write_row((pk, place, parent))
    with _copying(
        connection, "concept_term (system, kind, key, places)", "int4", "int2", "text", "bytea"
    ) as copy:
        for term, places in index.terms(hierarchy):
            copy.write_row((pk, int(term.kind), term.key, places))
    return count


def _pairs(hierarchy: Hierarchy) -> Iterator[tuple[int, int]]:
    for place in hierarchy.with_parents():
        for parent in hierarchy.parents_of(place):
            yield place, parent


def _delete(connection: psycopg.Connection[Any], pk: int) -> None:
    for table in _TABLES:
        connection.execute(f"delete from {table} where system = {pk:d}")
    connection.execute(f"delete from code_system where pk = {pk:d}")


@contextmanager
def _copying(connection: psycopg.Connection[Any], into: str, *types: str) -> Iterator[psycopg.Copy]:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy {into} from stdin (format binary)") as copy,
    ):
        copy.set_types(types)
        yield copy


@contextmanager
def _connected(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection for one transaction, committed at the end."""
    try:
        with psycopg.connect(database_url, application_name="cordee terminology") as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise Unavailable("The database does not answer; try again later") from error


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]
