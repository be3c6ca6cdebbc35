"""One PostgreSQL data directory and the postmaster that works in it: made, started, watched, stopped, taken over.

The postmaster listens on a Unix socket only, in a directory that nobody else can enter; that directory is the whole of
the authentication. What PostgreSQL says goes to a log file, whose last lines are shown when it does not start.

A postmaster outlives a parent that was killed. That is left so: statements under way finish, and the next start stops
it cleanly (`stop_left_over`) before it starts its own.

https://www.postgresql.org/docs/18/server-start.html · https://www.postgresql.org/docs/18/server-shutdown.html
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from fhir_server.store.account import Account, EmbeddedError, Process, spawn
from fhir_server.store.binaries import Binaries

SUPERUSER = "postgres"
FIRST_MAJOR_WITH_BUILTIN_LOCALES = 17
_STOP_SECONDS = 60.0  # a fast shutdown ends with a checkpoint
_IMMEDIATE_SECONDS = 10.0
_INITDB_SECONDS = 120.0
_TAIL_LINES = 15
_LOG_BYTES = 10_000_000  # an older log is put aside past this size
# Backends of a postmaster that was killed end after their statement, and hold the shared memory until then.
_HELD_SECONDS = 40.0
_HELD = ("pre-existing shared memory block", "is still in use")


def settings_for(memory_bytes: int) -> dict[str, str]:
    """The settings of a small dedicated server on a machine with `memory_bytes`."""
    megabyte = 1 << 20
    share = memory_bytes // megabyte
    return {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{min(max(share // 16, 64), 1024)}MB",
        "effective_cache_size": f"{max(share // 2, 128)}MB",
        "maintenance_work_mem": f"{min(max(share // 32, 64), 256)}MB",
        "work_mem": "16MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than our short statements
        "max_parallel_workers_per_gather": "0",  # the compiled statements order their own joins
        "max_logical_replication_workers": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
        # Statements and details carry values, and those are people's: they never enter a log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def memory_of_machine() -> int:
    """Bytes of memory that this machine, or the control group of this container, allows."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else ""
    return min(memory, int(text)) if text.isdigit() else memory


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a `postmaster.pid` says."""

    pid: int
    port: int
    socket: Path
    ready: bool


def postmaster_in(data: Path) -> Postmaster | None:
    """Who says to work in `data`; None without a complete `postmaster.pid`. Whether it lives is another question.

    https://www.postgresql.org/docs/18/storage-file-layout.html
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5:
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return Postmaster(abs(int(lines[0])), int(lines[3]), Path(lines[4]), ready)


def url_of(socket: Path, port: int, user: str, database: str) -> str:
    """A libpq URI over a Unix socket. The port is said, so that PGPORT of the environment changes nothing."""
    return f"postgresql://{user}@/{database}?host={quote(str(socket), safe='')}&port={port}"


def live_postmaster_in(data: Path) -> Postmaster | None:
    """The postmaster that works in `data`, whoever started it."""
    found = postmaster_in(data)
    return found if found is not None and _works_in(found.pid, data) else None


class Cluster:
    """The PostgreSQL of one data directory. Not for several threads."""

    def __init__(
        self,
        data: Path,
        binaries: Binaries,
        account: Account | None,
        *,
        socket: Path,
        configuration: Path,
        log: Path,
        port: int = 5432,
    ) -> None:
        self.data = data
        self.binaries = binaries
        self.account = account
        self.socket = socket
        self.port = port
        self.log = log
        self._configuration = configuration
        self._process: Process | None = None

    def url(self, database: str, user: str = SUPERUSER) -> str:
        return url_of(self.socket, self.port, user, database)

    def alive(self) -> bool:
        """Whether the postmaster that `start` started still runs."""
        return self._process is not None and self._process.poll() is None

    def initialise(self, *, durable: bool = True) -> None:
        """Fill the empty directory `data`, which `account` owns. UTF-8, and text sorts by code point.

        Not `durable`: for tests, faster, and a power cut may spoil it.
        """
        arguments: list[str | Path] = [self.binaries.program("initdb"), "-D", self.data, "-U", SUPERUSER]
        arguments += ["--encoding=UTF8", "--locale=C", "--auth-local=trust", "--auth-host=reject"]
        if self.binaries.major >= FIRST_MAJOR_WITH_BUILTIN_LOCALES:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not durable:
            arguments.append("--no-sync")
        before = self._log_size()
        with self._open_log() as log:
            process = spawn(arguments, self.account, log)
            try:
                status = process.wait(_INITDB_SECONDS)
            finally:
                process.kill()
                process.wait()
        if status != 0:
            raise EmbeddedError(
                f"PostgreSQL could not make its data directory {self.data}.{self._said_since(before)}"
            )

    def start(self, settings: Mapping[str, str], timeout_seconds: float) -> None:
        """Start and wait until it accepts connections; recovery from a crash is part of the wait.

        A postmaster left over from a killed parent must have been stopped before (`stop_left_over`).
        """
        self._configure(settings)
        self._put_log_aside()
        # The directory is ours alone, so what lies there is of a server that is gone. Its lock file may name a process
        # that got the number later, and would keep PostgreSQL from starting.
        for name in (f".s.PGSQL.{self.port}", f".s.PGSQL.{self.port}.lock"):
            (self.socket / name).unlink(missing_ok=True)
        started = time.monotonic()
        while not self._start_once(started + timeout_seconds, started + _HELD_SECONDS):
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop what `start` started: sessions are ended, a checkpoint is written. May be called when nothing runs."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _IMMEDIATE_SECONDS)):
            process.send_signal(signal_)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        process.kill()
        process.wait()

    def stop_left_over(self) -> bool:
        """Stop a postmaster that works in `data` and is not ours; whether there was one."""
        left = live_postmaster_in(self.data)
        if left is None:
            return False
        for signal_, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _IMMEDIATE_SECONDS)):
            os.kill(left.pid, signal_)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not _works_in(left.pid, self.data):
                    return True
                time.sleep(0.01)
        raise EmbeddedError(
            f"A PostgreSQL left over from an earlier run (process {left.pid}) still works in {self.data} and does not "
            "stop. End it, then start Cordée again."
        )

    def _start_once(self, deadline: float, held_deadline: float) -> bool:
        """Start; False when memory of a killed postmaster is still held and there is time to try again."""
        before = self._log_size()
        command: list[str | Path] = [self.binaries.program("postgres"), "-D", self.data]
        command += ["-k", self.socket, "-p", str(self.port)]
        command += ["-c", f"config_file={self._configuration}", "-c", f"hba_file={self._access_file()}"]
        with self._open_log() as log:
            process = spawn(command, self.account, log, **self._false_match())
        try:
            while process.poll() is None:
                found = postmaster_in(self.data)
                if found is not None and found.pid == process.pid and found.ready:
                    self._process = process
                    return True
                if time.monotonic() > deadline:
                    said = self._said_since(before)
                    raise EmbeddedError(f"PostgreSQL in {self.data} was not ready in time.{said}")
                time.sleep(0.01)
        finally:
            if self._process is not process:
                self._process = process
                self.stop()
        said = self._said_since(before)
        if any(words in said for words in _HELD) and time.monotonic() < held_deadline:
            return False
        raise EmbeddedError(f"PostgreSQL did not start in {self.data}.{said}")

    def _false_match(self) -> dict[str, str]:
        """Tell PostgreSQL that the process named in a stale `postmaster.pid` is somebody else's.

        After a reboot its number may belong to any process, and PostgreSQL would refuse to start. Removing the file
        would also remove its guard against backends that are still there; pg_ctl's own variable keeps that guard.
        """
        left = postmaster_in(self.data)
        return {} if left is None else {"PG_GRANDPARENT_PID": str(left.pid)}

    def _configure(self, settings: Mapping[str, str]) -> None:
        """Write the configuration, anew at each start; `local.conf` beside it is the operator's, with the last word."""
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
        if (self._configuration.parent / "local.conf").exists():
            lines.append("include = 'local.conf'")
        _replace(
            self._configuration, "# Written at each start; change local.conf instead.\n" + "\n".join(lines)
        )
        _replace(
            self._access_file(),
            "# The directory of the socket is the guard: it lets in nobody else.\nlocal all all trust\n",
        )

    def _access_file(self) -> Path:
        return self._configuration.with_suffix(".hba")

    def _open_log(self) -> IO[bytes]:
        return os.fdopen(
            os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab"
        )

    def _put_log_aside(self) -> None:
        if self._log_size() > _LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _said_since(self, offset: int) -> str:
        with self.log.open("rb") as log:
            log.seek(offset)
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return f" Its last words, from {self.log}:\n" + "\n".join(f"  {line}" for line in lines)


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process is a postmaster of `data`, and not one that got its number later.

    By the command line: other accounts can read it, unlike its working directory. A zombie has none.
    """
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return _listed(pid, data) if not Path("/proc/self").exists() else False
    return os.fsencode(data) in arguments and b"postgres" in arguments[0]


def _listed(pid: int, data: Path) -> bool:
    """The same where there is no /proc (macOS)."""
    answer = subprocess.run(  # noqa: S603 no shell
        ["/bin/ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, timeout=10, check=False
    )
    return "postgres" in answer.stdout and str(data) in answer.stdout


def _replace(path: Path, text: str) -> None:
    """Write a file whole, readable by the account of PostgreSQL."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)
    unfinished.write_text(text)
    unfinished.chmod(0o644)
    unfinished.replace(path)
