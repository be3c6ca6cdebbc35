import os
from pathlib import Path

import pytest

from fhir_server.store.account import (
    Account,
    EmbeddedError,
    account_for,
    closed_to,
    make_directory,
    require_open,
)

STRANGER = Account("stranger", 54321, 54321)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses an account")


@pytest.mark.parametrize(
    ("mode", "open_to_stranger"),
    [(0o700, False), (0o710, False), (0o711, True), (0o744, False), (0o755, True)],
)
def test_a_directory_is_closed_to_an_account_that_may_not_enter_it(
    data_dir: Path, mode: int, open_to_stranger: bool
) -> None:
    inner = data_dir / "inner"
    inner.mkdir()
    data_dir.chmod(mode)

    assert closed_to(STRANGER, inner) == (None if open_to_stranger else data_dir)


def test_a_directory_is_judged_by_the_bits_of_its_owner_and_group_first(data_dir: Path) -> None:
    mine = Account("me", os.getuid(), os.getgid())
    my_group = Account("my group", 54321, os.getgid())

    data_dir.chmod(0o700)
    assert closed_to(mine, data_dir) is None
    assert closed_to(my_group, data_dir) == data_dir
    data_dir.chmod(0o710)
    assert closed_to(my_group, data_dir) is None


def test_a_directory_that_does_not_exist_yet_is_not_closed(data_dir: Path) -> None:
    data_dir.chmod(0o711)

    assert closed_to(STRANGER, data_dir / "later" / "deeper") is None


def test_the_refusal_of_a_closed_directory_says_who_where_and_what_to_do(data_dir: Path) -> None:
    data_dir.chmod(0o700)

    with pytest.raises(EmbeddedError) as refused:
        require_open(STRANGER, data_dir)

    text = str(refused.value)
    assert "stranger" in text
    assert str(data_dir) in text
    assert "CORDEE_DATA_DIR" in text
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_a_made_directory_has_its_mode_whatever_the_umask_and_an_existing_one_keeps_its_own(
    data_dir: Path,
) -> None:
    before = os.umask(0o077)
    try:
        make_directory(data_dir / "parent" / "child", 0o711)
    finally:
        os.umask(before)
    kept = data_dir / "kept"
    kept.mkdir(mode=0o750)

    make_directory(kept, 0o711)

    assert (data_dir / "parent").stat().st_mode & 0o777 == 0o755
    assert (data_dir / "parent" / "child").stat().st_mode & 0o777 == 0o711
    assert kept.stat().st_mode & 0o777 == 0o750


@needs_root
def test_root_runs_postgresql_under_an_unprivileged_account(data_dir: Path) -> None:
    account = account_for(data_dir / "postgres-18")

    assert account is not None
    assert account.uid != 0
    assert account.name in {"postgres", "nobody"}


def test_a_machine_without_a_usable_account_is_told_so(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("fhir_server.store.account.ACCOUNTS", ("no-such-account",))

    with pytest.raises(EmbeddedError, match="CORDEE_DATABASE__URL"):
        account_for(data_dir / "postgres-18")


def test_an_ordinary_user_works_on_its_own_data_only(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_dir / "postgres-18"
    data.mkdir()
    owner = data.stat().st_uid

    monkeypatch.setattr("os.geteuid", lambda: owner or 1)
    assert account_for(data_dir / "later") is None
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(EmbeddedError, match="belongs to the account"):
        account_for(data)


@needs_root
def test_data_that_exists_keeps_its_owner(data_dir: Path) -> None:
    data = data_dir / "postgres-18"
    data.mkdir()
    os.chown(data, STRANGER.uid, STRANGER.gid)

    account = account_for(data)

    assert account is not None
    assert (account.uid, account.gid) == (STRANGER.uid, STRANGER.gid)
