from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from fhir_server.store.account import EmbeddedError, account_for
from fhir_server.store.binaries import kept
from fhir_server.store.cluster import (
    Cluster,
    Postmaster,
    live_postmaster_in,
    postmaster_in,
    settings_for,
    url_of,
)

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "maintenance_work_mem"),
    [
        (GIGABYTE // 2, "64MB", "64MB"),
        (4 * GIGABYTE, "256MB", "128MB"),
        (24 * GIGABYTE, "1024MB", "256MB"),
    ],
)
def test_memory_settings_follow_the_machine_within_bounds(
    memory: int, shared_buffers: str, maintenance_work_mem: str
) -> None:
    settings = settings_for(memory)

    assert settings["shared_buffers"] == shared_buffers
    assert settings["maintenance_work_mem"] == maintenance_work_mem


def test_a_commit_is_durable_and_nobody_listens_on_the_network() -> None:
    settings = settings_for(GIGABYTE)

    assert (settings["fsync"], settings["synchronous_commit"], settings["listen_addresses"]) == (
        "on",
        "on",
        "",
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("41\n/d\n1\n5432\n/s\n\n 1 2\nready   \n", Postmaster(41, 5432, Path("/s"), True)),
        ("41\n/d\n1\n5432\n/s\n\n 1 2\nstarting\n", Postmaster(41, 5432, Path("/s"), False)),
        ("-41\n/d\n1\n5432\n\n", Postmaster(41, 5432, Path(), False)),  # a single-user server
        ("41\n/d\n", None),  # being written
        (None, None),
    ],
)
def test_postmaster_pid_is_read_as_far_as_it_is_written(
    tmp_path: Path, lines: str | None, expected: Postmaster | None
) -> None:
    if lines is not None:
        (tmp_path / "postmaster.pid").write_text(lines)

    assert postmaster_in(tmp_path) == expected


def test_a_process_that_is_no_postmaster_of_this_directory_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text("1\n/d\n1\n5432\n/s\n\n 1 2\nready\n")

    assert live_postmaster_in(tmp_path) is None


def test_a_directory_that_cannot_be_made_is_told_in_the_words_of_postgresql(data_dir: Path) -> None:
    data = data_dir / "data"
    data.mkdir()
    (data / "somebody's").touch()
    cluster = Cluster(
        data,
        kept(data_dir),
        account_for(data),
        socket=data_dir,
        configuration=data_dir / "postgresql.conf",
        log=data_dir / "postgres.log",
    )

    with pytest.raises(EmbeddedError, match="exists but is not empty"):
        cluster.initialise()


def test_a_url_keeps_odd_paths_whole() -> None:
    url = url_of(Path("/a dir/é&?%"), 5433, "cordee", "cordee")

    assert conninfo_to_dict(url) == {
        "user": "cordee",
        "dbname": "cordee",
        "host": "/a dir/é&?%",
        "port": "5433",
    }


def test_text_sorts_by_code_point_and_letters_are_folded_beyond_ascii(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select lower('ÉÇ'), 'Z' < 'a', 'z' < 'é', current_setting('timezone')"
        ).fetchone()

    assert row == ("éç", True, True, "UTC")
