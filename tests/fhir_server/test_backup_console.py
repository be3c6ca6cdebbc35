"""`cordee backup`, `restore` and `upgrade` as functions: what they work on, what they refuse, and what they say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from fhir_server.backup_console import backup, restore, upgrade
from fhir_server.store.account import EmbeddedError
from fhir_server.store.backup import BackupError
from fhir_server.store.migrations.migrate import HEAD, configuration
from fhir_server.targeting import UsageError

OLDER: Final = "0012"  # a revision before `HEAD`

Use = Callable[[str], None]


@pytest.fixture(autouse=True)
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Names the database that the commands work on; until then the environment says nothing of Cordée."""
    for name in [name for name in os.environ if name.startswith("CORDEE_")]:
        monkeypatch.delenv(name)
    return lambda url: monkeypatch.setenv("CORDEE_DATABASE__URL", url)


def revision(url: str) -> str | None:
    """Of the tables; None: there are none."""
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
    return None if row is None else str(row[0])


def test_what_was_written_is_named_as_it_was_asked_for_with_its_size(
    url: str, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(url)
    file = tmp_path / "[bold]a.dump"

    backup(file)

    assert capsys.readouterr().err.splitlines()[-1] == f"Written: {file} ({file.stat().st_size:,} bytes)"


def test_a_file_that_is_there_is_kept_unless_it_may_go(url: str, use: Use, tmp_path: Path) -> None:
    use(url)
    file = tmp_path / "a.dump"
    file.write_text("precious")

    with pytest.raises(BackupError, match="--overwrite"):
        backup(file)
    assert file.read_text() == "precious"

    backup(file, overwrite=True)
    assert file.read_bytes().startswith(b"PGDMP")


def test_a_backup_of_an_older_version_is_brought_to_this_one(
    make_database_url: Callable[[], str], use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, other = make_database_url(), make_database_url()
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(older), poolclass=NullPool
    )
    with engine.connect() as connection:
        command.upgrade(configuration(connection), OLDER)
    use(older)
    backup(tmp_path / "a.dump")
    use(other)

    restore(tmp_path / "a.dump")

    assert (revision(older), revision(other)) == (OLDER, HEAD)
    assert capsys.readouterr().err.splitlines()[-1] == "Restored."


def test_a_file_that_is_no_backup_leaves_the_database_empty(
    database_url: str, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(database_url)
    (tmp_path / "a.dump").write_text("-- sql")

    with pytest.raises(BackupError, match="not a backup"):
        restore(tmp_path / "a.dump")

    assert revision(database_url) is None
    assert "Restored" not in capsys.readouterr().err


@pytest.mark.parametrize("work", [backup, restore])
def test_other_programs_must_be_where_they_are_said_to_be(
    work: Callable[..., None], url: str, use: Use, tmp_path: Path
) -> None:
    use(url)
    file = tmp_path / "a.dump"
    backup(file)

    with pytest.raises(EmbeddedError, match="does not hold"):
        work(file, binaries=tmp_path, **({"overwrite": True} if work is backup else {}))

    assert file.read_bytes().startswith(b"PGDMP")


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda folder: backup(folder / "a.dump", data_dir=folder), id="backup"),
        pytest.param(lambda folder: restore(folder / "a.dump", data_dir=folder), id="restore"),
        pytest.param(lambda folder: upgrade(data_dir=folder), id="upgrade"),
    ],
)
def test_a_configured_database_and_a_data_directory_contradict_each_other(
    work: Callable[[Path], None], use: Use, tmp_path: Path
) -> None:
    use("postgresql://db.example/cordee")

    with pytest.raises(UsageError, match="--data-dir is for the embedded PostgreSQL"):
        work(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_directory_without_data_is_not_backed_up_and_not_filled(tmp_path: Path) -> None:
    data = tmp_path / "data"

    with pytest.raises(UsageError, match="holds no data of Cordée"):
        backup(tmp_path / "a.dump", data_dir=data)

    assert list(tmp_path.iterdir()) == []


def test_the_option_names_the_data_to_move_before_the_setting_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_, said = tmp_path / "set", tmp_path / "said"
    for folder in (set_, said):
        folder.mkdir()
    monkeypatch.setenv("CORDEE_DATA_DIR", str(set_))

    with pytest.raises(EmbeddedError, match=f"{set_} holds no data of an older PostgreSQL"):
        upgrade()
    with pytest.raises(EmbeddedError, match=f"{said} holds no data of an older PostgreSQL"):
        upgrade(data_dir=said)


@pytest.mark.parametrize(
    ("named", "text"), [(False, "needs that version once more"), (True, "does not hold")]
)
def test_old_data_is_not_moved_without_the_programs_that_wrote_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *, named: bool
) -> None:
    old = tmp_path / "data/postgres-15"
    old.mkdir(parents=True)
    (old / "PG_VERSION").write_text("15\n")

    with pytest.raises(EmbeddedError, match=text):
        upgrade(data_dir=tmp_path / "data", old_binaries=tmp_path if named else None)

    assert [path.name for path in (tmp_path / "data").glob("postgres-*")] == ["postgres-15"]
    assert "Moved" not in capsys.readouterr().err
