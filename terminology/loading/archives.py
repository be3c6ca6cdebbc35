"""The files of a release, in a zip archive, in a folder or by themselves, and nothing that only looks like one.

An archive may come from anywhere. A member that would lie outside it, a link, an encrypted one, one that unfolds to
hundreds of times its size, or more files or bytes than any release has: each is refused, with its name, before anything
is read.
"""

from __future__ import annotations

import hashlib
import stat
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from terminology.loading.release import Unloadable

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Caps:
    """What an archive or a folder may have at most."""

    files: int = 20_000
    bytes: int = 16_000_000_000  # unfolded, all together
    ratio: int = 200  # unfolded to folded, of a file of more than `small` bytes
    small: int = 1_000_000


CAPS: Final = Caps()


class Source:
    """Files by name, relative and with `/`. Reading one twice is possible."""

    def __init__(self, label: str, files: Mapping[str, Callable[[], IO[bytes]]], *parts: Source) -> None:
        self.label = label  # for a person
        self._files = dict(files)
        self._parts = parts  # which are closed when nobody has them any more

    @property
    def names(self) -> list[str]:
        return sorted(self._files)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Raises `Unloadable` when the bytes are not what the archive says of them."""
        try:
            with self._files[name]() as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise Unloadable(self.place(name), f"It cannot be read ({type(error).__name__})") from error

    def place(self, name: str) -> str:
        """A file, as a report names it."""
        return name if name == self.label else f"{self.label}: {name}"

    def beginning(self, name: str, size: int = 65_536) -> bytes:
        with self.open(name) as file:
            return file.read(size)

    def sha256(self, names: Iterable[str]) -> str:
        """Of the names, without folders, and contents of some files."""
        digest = hashlib.sha256()
        for name in sorted(names):
            digest.update(PurePosixPath(name).name.encode() + b"\0")
            with self.open(name) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()


def source_of(path: Path, caps: Caps = CAPS) -> Source:
    """Of a zip archive, a folder or one file. Raises `Unloadable`."""
    if path.is_dir():
        return _folder(path, caps)
    if not path.is_file():
        raise Unloadable(str(path), "There is no such file")
    if zipfile.is_zipfile(path):
        return _archive(path, caps)
    return Source(path.name, {path.name: lambda: path.open("rb")})


def joined(sources: Iterable[Source]) -> Source:
    """One release that came in several archives."""
    listed = list(sources)
    if len(listed) == 1:
        return listed[0]
    files = {
        f"{number}/{name}": source._files[name]
        for number, source in enumerate(listed, 1)
        for name in source.names
    }
    return Source(" + ".join(source.label for source in listed), files, *listed)


def _folder(path: Path, caps: Caps) -> Source:
    files: dict[str, Callable[[], IO[bytes]]] = {}
    size = 0
    for found in sorted(path.rglob("*")):
        name = found.relative_to(path).as_posix()
        if found.is_symlink():
            raise Unloadable(f"{path.name}: {name}", "It is a link; only files are read")
        if not found.is_file():
            continue
        size += found.stat().st_size
        files[name] = _opener(found)
        _require_few(path.name, len(files), size, caps)
    return Source(path.name, files)


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _archive(path: Path, caps: Caps) -> Source:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Unloadable(path.name, "It is not a whole zip archive") from error
    try:
        files = _members(archive, path, caps)
    except Unloadable:
        archive.close()
        raise
    source = Source(path.name, files)
    weakref.finalize(source, archive.close)
    return source


def _members(archive: zipfile.ZipFile, path: Path, caps: Caps) -> dict[str, Callable[[], IO[bytes]]]:
    files: dict[str, Callable[[], IO[bytes]]] = {}
    size = 0
    for member in archive.infolist():
        if member.is_dir():
            continue
        where = f"{path.name}: {member.filename!a}"
        _require_harmless(member, where, caps)
        if member.filename in files:
            raise Unloadable(where, "The archive has two files of this name")
        size += member.file_size
        files[member.filename] = _unfolder(archive, member)
        _require_few(path.name, len(files), size, caps)
    return files


def _unfolder(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    # A member is never read past the size that the archive states, and its checksum is compared.
    return lambda: archive.open(member)


def _require_harmless(member: zipfile.ZipInfo, where: str, caps: Caps) -> None:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename:
        raise Unloadable(where, "Its name leads out of the archive")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Unloadable(where, "It is a link; only files are read")
    if member.flag_bits & 1:
        raise Unloadable(where, "It is encrypted")
    if member.file_size > max(caps.small, member.compress_size * caps.ratio):
        raise Unloadable(
            where, f"It unfolds to more than {caps.ratio} times its size; no release of a code system does"
        )


def _require_few(label: str, files: int, size: int, caps: Caps) -> None:
    if files > caps.files:
        raise Unloadable(label, f"It has more than {caps.files:,} files")
    if size > caps.bytes:
        raise Unloadable(label, f"It has more than {caps.bytes:,} bytes unfolded")
