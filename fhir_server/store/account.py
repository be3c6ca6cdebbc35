"""Under which account PostgreSQL runs, and which directories that account can use.

PostgreSQL refuses to run as root. Started by root, it runs under an account that exists already and can do little:
`postgres`, else `nobody`. No account is created, and the mode of a directory that was there before is never changed.

https://www.postgresql.org/docs/18/postgres-user.html
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ACCOUNTS = ("postgres", "nobody")  # in this order


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot do what was asked. The text is for the person who started the server."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """The account that runs PostgreSQL on `data`; None: the one of this process.

    Data that exists keeps its owner, whatever accounts appeared on the machine since. Raises `EmbeddedError` when
    this process may not act for that owner, or when root finds no account to use.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise EmbeddedError(
                f"The data in {data} belongs to the account {_name_of(owner)}. "
                "Start Cordée as that account or as root, or give it another data directory (CORDEE_DATA_DIR)."
            )
        return None
    if owner:
        return Account(_name_of(owner), owner, data.stat().st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has neither an account `postgres` nor `nobody`. "
        "Start Cordée as an ordinary user, or set CORDEE_DATABASE__URL to a PostgreSQL that runs elsewhere."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def closed_to(account: Account, directory: Path) -> Path | None:
    """The first directory, from the root down to `directory`, that `account` cannot enter; None: it can reach it.

    Read from the modes. What does not exist yet is not judged.
    """
    for step in (*reversed(directory.parents), directory):
        if not step.exists():
            return None
        about = step.stat()
        if about.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif about.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not about.st_mode & needed:
            return step
    return None


def require_open(account: Account | None, directory: Path) -> None:
    """Raises `EmbeddedError` when `account` cannot enter `directory`."""
    if account is None:
        return
    closed = closed_to(account, directory)
    if closed is not None:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, so it runs as the account {account.name}, which cannot enter "
            f"{closed}. Choose a data directory that it can reach (for instance CORDEE_DATA_DIR=/var/lib/cordee), "
            f"let others enter it (chmod o+x {closed}), or start Cordée as an ordinary user."
        )


def make_directory(path: Path, mode: int, owner: Account | None = None) -> None:
    """Make `path` and its missing parents; those that exist stay as they are.

    Parents are made to be entered by everybody when root makes them, since another account has to get through.
    """
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_directory(path.parent, 0o755)
    path.mkdir()
    path.chmod(mode)  # mkdir's own mode is cut by the umask
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def spawn(
    arguments: Sequence[str | Path], account: Account | None, output: IO[bytes], **variables: str
) -> Process:
    """Start a program under `account` with a bare environment and `variables`, writing to `output`.

    It gets a session of its own: Ctrl-C in a terminal reaches Cordée, which stops PostgreSQL when its workers are done.
    """
    return subprocess.Popen(  # noqa: S603 the arguments are ours; no shell
        [str(a) for a in arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        # No PG* variable of the caller may redirect the server; messages are read by us, so they are in English.
        env={"PATH": os.defpath, "LC_ALL": "C", **variables},
        start_new_session=True,
        umask=0o077,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )


Process = subprocess.Popen[bytes]
