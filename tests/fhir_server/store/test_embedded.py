import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fhir_server.store.account import Account, account_for, spawn
from fhir_server.store.cluster import live_postmaster_in
from fhir_server.store.embedded import (
    AlreadyRunning,
    Embedded,
    EmbeddedError,
    NeedsUpgrade,
    default_directory,
    opened,
    running,
)

FAST = {"fsync": "off", "shared_buffers": "64MB"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about being started by root")
ROOT = Path(__file__).parents[3]

# A parent that writes a row, says so, and waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
import psycopg
from fhir_server.store.embedded import Embedded
url = Embedded(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "64MB"}).start()
with psycopg.connect(url) as connection:
    connection.execute("create table kept (note text)")
    connection.execute("insert into kept values ('written before the kill')")
print("ready", flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="session")
def used(open_directories: Callable[[], Path]) -> Iterator[Path]:
    """A data directory that was used and stopped: a copy of it starts much faster than an empty one."""
    directory = open_directories()
    with Embedded(directory / "home", settings=FAST):
        pass
    yield directory / "home"
    shutil.rmtree(directory)


@pytest.fixture
def home(data_dir: Path, used: Path) -> Path:
    """A data directory that was used before."""
    subprocess.run(["cp", "-a", used, data_dir], check=True, timeout=60)
    return data_dir / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Embedded]:
    """Not started; stopped in the end."""
    server = Embedded(home, settings=FAST)
    yield server
    server.stop()


@pytest.fixture
def parent() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts a process that owns the data directory given."""
    started: list[tuple[subprocess.Popen[str], Path]] = []

    def start(directory: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        started.append((process, directory))
        return process

    yield start
    for process, directory in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        left = live_postmaster_in(directory / "postgres-18")
        if left is not None:
            os.kill(left.pid, signal.SIGQUIT)


def postmaster_of(directory: Path) -> int:
    found = live_postmaster_in(directory / "postgres-18")
    assert found is not None
    return found.pid


def write(url: str, note: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (note text)")
        connection.execute("insert into kept values (%s)", [note])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [note for (note,) in connection.execute("select note from kept order by note")]


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_written_is_there_after_a_restart_under_the_same_url(data_dir: Path) -> None:
    said: list[str] = []
    with Embedded(data_dir, progress=said.append) as server:
        first = server.url
        write(first, "one")
        with psycopg.connect(first) as connection:
            row = connection.execute(
                "select current_setting('fsync'), current_setting('synchronous_commit'), "
                "current_setting('data_checksums'), rolsuper from pg_roles where rolname = current_user"
            ).fetchone()
    assert live_postmaster_in(data_dir / "postgres-18") is None

    with Embedded(data_dir, progress=said.append) as server:
        assert server.url == first
        assert notes(server.url) == ["one"]
    assert row == ("on", "on", "on", False)
    assert len(said) == 1  # the first start has something to tell, the second has not


def test_a_second_server_on_one_directory_is_refused_and_told_who_has_it(
    server: Embedded, home: Path
) -> None:
    server.start()

    with pytest.raises(AlreadyRunning, match=str(home)) as refused:
        Embedded(home, settings=FAST).start()

    assert str(os.getpid()) in str(refused.value)
    write(server.url, "the first one is unharmed")


def test_a_server_left_by_a_killed_parent_is_taken_over_with_its_data(
    server: Embedded, home: Path, parent: Callable[[Path], subprocess.Popen[str]]
) -> None:
    process = parent(home)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(AlreadyRunning, match=str(process.pid)):
        Embedded(home, settings=FAST).start()
    process.kill()
    process.wait()
    orphan = postmaster_of(home)
    session = psycopg.connect(running(home) or "")  # a worker of the dead parent may still be there

    url = server.start()

    assert notes(url) == ["written before the kill"]
    assert postmaster_of(home) != orphan
    with pytest.raises(psycopg.OperationalError):
        session.execute("select 1")
    session.close()


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_a_first_start_killed_halfway_is_begun_again(
    data_dir: Path, parent: Callable[[Path], subprocess.Popen[str]], seconds: float
) -> None:
    process = parent(data_dir)
    wait_until((data_dir / "cordee.lock").exists)
    time.sleep(seconds)
    process.kill()
    process.wait()

    with Embedded(data_dir, settings=FAST) as server:
        write(server.url, "after")
        assert "after" in notes(server.url)


def test_the_number_of_a_dead_server_may_belong_to_another_process_by_now(
    server: Embedded, home: Path
) -> None:
    write(server.start(), "before the power cut")
    pid = postmaster_of(home)
    os.kill(pid, signal.SIGKILL)
    server.stop()
    note = home / "postgres-18" / "postmaster.pid"
    with Path(os.devnull).open("wb") as nowhere:
        stranger = spawn(["/bin/sleep", "60"], account_for(note.parent), nowhere)
    try:
        note.write_text(note.read_text().replace(str(pid), str(stranger.pid), 1))

        assert running(home) is None
        assert notes(server.start()) == ["before the power cut"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_died_is_started_again_under_the_same_url(server: Embedded, home: Path) -> None:
    url = server.start()
    write(url, "one")
    assert server.watch() is False

    os.kill(postmaster_of(home), signal.SIGKILL)

    wait_until(server.watch)
    assert notes(url) == ["one"]
    assert server.watch() is False


def test_a_session_that_outlives_a_killed_server_is_waited_for(server: Embedded, home: Path) -> None:
    session = psycopg.connect(server.start())
    backend = session.info.backend_pid
    os.kill(
        backend, signal.SIGSTOP
    )  # it holds the shared memory, and does not notice that its server is gone
    waker = threading.Timer(1.0, os.kill, (backend, signal.SIGCONT))
    waker.start()
    os.kill(postmaster_of(home), signal.SIGKILL)

    wait_until(server.watch)

    waker.join()
    session.close()
    write(server.url, "after")


def test_a_long_log_is_put_aside_at_the_next_start(server: Embedded, home: Path) -> None:
    (home / "postgres.log").write_bytes(b"x" * 11_000_000)

    server.start()

    assert (home / "postgres.log.1").stat().st_size == 11_000_000
    assert (home / "postgres.log").stat().st_size < 10_000


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_behind(home: Path) -> None:
    broken = Embedded(home, settings=FAST | {"shared_buffers": "plenty"})

    with pytest.raises(EmbeddedError, match="plenty"):
        broken.start()

    assert live_postmaster_in(home / "postgres-18") is None
    with Embedded(home, settings=FAST) as server:
        write(server.url, "the directory was given back")


def test_the_operators_own_settings_have_the_last_word(server: Embedded, home: Path) -> None:
    (home / "local.conf").write_text("work_mem = '7MB'\n")

    with psycopg.connect(server.start()) as connection:
        assert connection.execute("show work_mem").fetchone() == ("7MB",)


def test_a_path_too_long_for_a_socket_gets_one_elsewhere_and_it_is_removed(data_dir: Path) -> None:
    long = data_dir / ("a-very-long-directory-name" * 4)
    with Embedded(long, settings=FAST) as server:
        write(server.url, "one")
        socket = server.socket
        assert not socket.is_relative_to(long)
        assert socket.stat().st_mode & 0o777 == 0o700
        assert running(long) == server.url

    assert not socket.exists()


def test_statements_that_fail_leave_no_values_in_the_log(server: Embedded, home: Path) -> None:
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("create table people (name text primary key)")
        connection.execute("insert into people values ('payet')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into people values ('payet')")

    log = (home / "postgres.log").read_text()
    assert "people_pkey" in log
    assert "payet" not in log


def test_data_of_an_older_major_is_not_hidden_by_an_empty_database(data_dir: Path) -> None:
    (data_dir / "postgres-17").mkdir()

    with pytest.raises(NeedsUpgrade) as refused:
        Embedded(data_dir).start()

    assert (refused.value.found, refused.value.wanted) == (17, 18)
    assert not (data_dir / "postgres-18").exists()


def test_data_of_a_newer_major_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres-19").mkdir()

    with pytest.raises(EmbeddedError, match="PostgreSQL 19"):
        Embedded(data_dir).start()


def test_a_command_beside_a_running_server_uses_it_and_otherwise_starts_its_own(home: Path) -> None:
    assert running(home) is None
    with opened(home) as url:
        write(url, "by a command")
        with opened(home) as same:
            assert same == url
    assert running(home) is None


def test_what_is_not_started_can_be_stopped_and_has_no_url(server: Embedded) -> None:
    server.stop()

    with pytest.raises(EmbeddedError, match="not started"):
        _ = server.url
    with pytest.raises(EmbeddedError, match="not started"):
        server.watch()


@needs_root
def test_root_keeps_postgresql_unprivileged_and_every_foreign_mode_as_it_was(data_dir: Path) -> None:
    directory = data_dir / "made" / "by us"
    before = (data_dir.stat().st_mode, data_dir.stat().st_uid)

    with Embedded(directory, settings=FAST) as server:
        write(server.url, "one")
        process = Path(f"/proc/{postmaster_of(directory)}")
        assert process.stat().st_uid != 0
        assert (directory / "postgres-18").stat().st_mode & 0o777 == 0o700
        assert server.socket.stat().st_mode & 0o777 == 0o700
        assert directory.stat().st_mode & 0o777 == 0o711

    assert (data_dir.stat().st_mode, data_dir.stat().st_uid) == before


@needs_root
def test_root_is_refused_a_directory_that_the_account_cannot_enter(data_dir: Path) -> None:
    data_dir.chmod(0o700)

    with pytest.raises(EmbeddedError, match="cannot enter") as refused:
        Embedded(data_dir / "below", settings=FAST).start()

    assert str(data_dir) in str(refused.value)
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert list(data_dir.iterdir()) == []


@needs_root
def test_an_ordinary_user_runs_it_directly_in_the_home_of_its_data(data_dir: Path) -> None:
    user = account_for(data_dir / "postgres-18")
    assert user is not None
    python = interpreter_for(user)
    os.chown(data_dir, user.uid, user.gid)
    script = PARENT.replace("Path(sys.argv[1])", "None").replace("time.sleep(300)", "")
    output = data_dir / "said"

    with output.open("wb") as said:
        process = spawn(
            [python, "-c", script], user, said, XDG_DATA_HOME=str(data_dir), PYTHONPATH=search_path()
        )
        process.wait(60)

    try:
        assert output.read_text() == "ready\n"
        own = data_dir / "cordee"
        assert own.stat().st_uid == user.uid
        assert own.stat().st_mode & 0o777 == 0o700
        assert Path(f"/proc/{postmaster_of(own)}").stat().st_uid == user.uid
    finally:
        os.kill(postmaster_of(data_dir / "cordee"), signal.SIGINT)  # its parent left without stopping it
        wait_until(lambda: live_postmaster_in(data_dir / "cordee" / "postgres-18") is None)


def search_path() -> str:
    return os.pathsep.join([str(ROOT), str(Path(psycopg.__file__).parents[1])])


def interpreter_for(user: Account) -> str:
    """A Python that an ordinary user may run, with our packages; ours may lie in a closed home."""
    for candidate in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path=os.defpath)):
        if candidate is None:
            continue
        with Path(os.devnull).open("wb") as nowhere, suppress(PermissionError):
            process = spawn(
                [candidate, "-c", "import fhir_server, psycopg"], user, nowhere, PYTHONPATH=search_path()
            )
            if process.wait(30) == 0:
                return candidate
    pytest.skip("no Python 3 of this version, with our packages, that an ordinary user may run")


@pytest.mark.parametrize(
    ("uid", "data_home", "expected"),
    [
        (0, "/ignored", Path("/var/lib/cordee")),
        (1000, "", Path("/home/someone/.local/share/cordee")),
        (1000, "/data", Path("/data/cordee")),
        (1000, "relative", Path("/home/someone/.local/share/cordee")),  # the specification: to be ignored
    ],
)
def test_the_default_directory_is_the_users_or_the_machines(
    monkeypatch: pytest.MonkeyPatch, uid: int, data_home: str, expected: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    monkeypatch.setenv("HOME", "/home/someone")

    assert default_directory() == expected


def test_a_database_made_from_another_has_its_tables(databases: Any, database_url: str) -> None:
    write(database_url, "from the template")

    copy = databases.create(database_url)

    assert notes(copy) == ["from the template"]
    databases.drop(copy)
