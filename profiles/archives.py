"""Standard FHIR packages, read from files that nobody vouches for: a `.tgz`, or a folder of the same form.

What is not a definition of R4 is left out and listed. Everything that could do harm ends the reading with `Refused`:
names that lead elsewhere, links, devices, the same name twice, and sizes, which are counted while they are unpacked, so
that a bomb costs no more than the limit. In memory is one file at a time, and what was kept, packed.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Protocol, TypeVar, cast

import orjson

MOST_BYTES: Final = 200_000_000  # unpacked
MOST_MEMBERS: Final = 50_000
MOST_RATIO: Final = 200  # of unpacked to packed; JSON in gzip comes to 20 or 30
MOST_DEFINITION_BYTES: Final = 50_000_000  # of one file
_FREE_BYTES: Final = 1_000_000  # that any archive may unpack to
_BLOCK: Final = 1 << 20

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9\-_.]{0,99}\Z", re.IGNORECASE)
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_.+]{0,63}\Z")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_MANIFEST: Final = "package.json"
_MARK: Final = b"\xef\xbb\xbf"  # of byte order, with which some begin their files
_BESIDE: Final = frozenset({_MANIFEST, ".index.json", ".index.db", "spec.internals"})


class Refused(Exception):
    """The package is not taken; the text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition as it was published."""

    kind: str
    url: str
    version: str  # empty: it has none
    id: str
    packed: bytes  # the JSON text, by `zlib`

    @property
    def text(self) -> bytes:
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package as it was read."""

    name: str
    version: str
    canonical: str
    dependencies: Mapping[str, str]  # name → version
    sha256: str  # of the file; of a folder: of its names and contents
    definitions: tuple[Definition, ...]
    skipped: tuple[Skipped, ...]

    def __str__(self) -> str:
        return f"{self.name}#{self.version}"


def read(path: Path, *, most_bytes: int = MOST_BYTES, name: str = "", version: str = "") -> Package:
    """The package in a `.tgz` or a folder. `name` and `version` are for a folder of definitions without `package.json`.

    Raises `Refused`.
    """
    try:
        if path.is_dir():
            digest = hashlib.sha256()
            return _package(_in_folder(path, most_bytes, digest), digest, name, version)
        with path.open("rb") as file:
            digest = hashlib.sha256()
            return _package(_in_archive(file, path.stat().st_size, most_bytes, digest), digest, name, version)
    except OSError as error:
        raise Refused(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}") from error


# The members, one after the other ---------------------------------------------------------------------------------


class _Unpacked:
    """A gzip file as tar reads it: counts what comes out of it, and stops at the limit."""

    def __init__(self, file: IO[bytes], most_bytes: int, digest: hashlib._Hash) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._digest = digest
        self._inflate = zlib.decompressobj(wbits=31)
        self._ready = bytearray()
        self._packed = 0
        self._unpacked = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "tar asks for so many bytes"
        while len(self._ready) < size and self._more():
            pass
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def finish(self) -> None:
        """Read what is behind the end of the archive, so that the digest is of the whole file."""
        while block := self._file.read(_BLOCK):
            self._digest.update(block)

    def _more(self) -> bool:
        """Unpack a block. False: there is nothing left."""
        packed = self._inflate.unconsumed_tail
        if not packed:
            packed = self._file.read(_BLOCK // 16)
            self._digest.update(packed)
            self._packed += len(packed)
            if not packed:
                if not self._inflate.eof:
                    raise Refused("The archive ends too early: it was not copied whole")
                return False
        if self._inflate.eof:
            return bool(packed)  # padding
        try:
            block = self._inflate.decompress(packed, _BLOCK)
        except zlib.error as error:
            raise Refused("Not a gzip archive: a package is a .tgz file or a folder") from error
        self._ready += block
        self._unpacked += len(block)
        if self._unpacked > self._most_bytes:
            raise Refused(
                f"It unpacks to more than {self._most_bytes:,} bytes. "
                "CORDEE_MAX_PACKAGE_BYTES allows more, for a package that is trusted"
            )
        if self._unpacked > max(_FREE_BYTES, self._packed * MOST_RATIO):
            raise Refused(
                f"It unpacks to more than {MOST_RATIO} times its size: no package of definitions does"
            )
        return True


def _in_archive(
    file: IO[bytes], size: int, most_bytes: int, digest: hashlib._Hash
) -> Iterator[tuple[str, bytes]]:
    """The names, without `package/`, and contents of the regular files of a tar archive, each name once."""
    if size > most_bytes:
        raise Refused(f"It has more than {most_bytes:,} bytes before it is unpacked")
    unpacked = _Unpacked(file, most_bytes, digest)
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=cast(IO[bytes], unpacked), mode="r|") as archive:
            for number, member in enumerate(archive, 1):
                if number > MOST_MEMBERS:
                    raise Refused(f"It has more than {MOST_MEMBERS:,} members")
                if member.isdir():
                    _require_inside(member.name)
                    continue
                name = _require_inside(member.name)
                if not member.isreg() or member.issparse():
                    raise Refused(
                        f"Member {number} is a link or a device: a package has files and folders only"
                    )
                if name in seen:
                    raise Refused(f"Two members have the name {_shown(name)}")
                seen.add(name)
                if not 0 <= member.size <= most_bytes:
                    raise Refused(f"{_shown(name)} says that it has more than {most_bytes:,} bytes")
                if _is_wanted(name):
                    content = archive.extractfile(member)
                    assert content is not None, "a regular file has a content"
                    yield name, _read(content, member.size, name)
    except (tarfile.TarError, ValueError) as error:  # numbers and names of a header are text
        raise Refused("Not a tar archive inside: a package is a .tgz file or a folder") from error
    unpacked.finish()


def _in_folder(path: Path, most_bytes: int, digest: hashlib._Hash) -> Iterator[tuple[str, bytes]]:
    """The same of a folder: one with `package/`, or the content of that."""
    root = path / "package" if (path / "package").is_dir() else path
    if root != path and root.is_symlink():
        raise Refused("Its folder `package` is a link: a package has files and folders only")
    total = 0
    for number, found in enumerate(sorted(root.iterdir()), 1):
        if number > MOST_MEMBERS:
            raise Refused(f"The folder has more than {MOST_MEMBERS:,} files")
        if found.is_dir() or not _is_wanted(f"package/{found.name}"):
            continue
        if found.is_symlink() or not found.is_file():
            raise Refused(f"{_shown(found.name)} is a link or a device: a package has files and folders only")
        total += found.stat().st_size
        if total > most_bytes:
            raise Refused(f"The folder has more than {most_bytes:,} bytes")
        with found.open("rb") as file:
            content = _read(file, found.stat().st_size, found.name)
        digest.update(b"%b\0%d\0" % (found.name.encode(), len(content)))
        digest.update(content)
        yield f"package/{found.name}", content


def _read(file: IO[bytes], size: int, name: str) -> bytes:
    if size > MOST_DEFINITION_BYTES:
        raise Refused(f"{_shown(name)} has more than {MOST_DEFINITION_BYTES:,} bytes: no definition does")
    return file.read(size)


def _require_inside(name: str) -> str:
    """The name of a member, if it stays inside the folder that the archive is unpacked to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name:
        raise Refused(f"The member {_shown(name)} would lie outside of the package")
    return str(path)


def _is_wanted(name: str) -> bool:
    """Whether a member can be a definition: JSON, directly in `package/`. Examples and other folders are left."""
    path = PurePosixPath(name)
    return path.parts[:-1] == ("package",) and path.suffix == ".json" and not path.name.startswith(".")


def _shown(name: str) -> str:
    """A name for a terminal: short, and without anything that a terminal would obey."""
    return json.dumps(name[:80])


# What they say ----------------------------------------------------------------------------------------------------


def _package(members: Iterator[tuple[str, bytes]], digest: hashlib._Hash, name: str, version: str) -> Package:
    manifest: Mapping[str, Any] | None = None
    definitions: dict[tuple[str, str, str], Definition] = {}
    skipped: list[Skipped] = []
    for path, text in members:
        member = PurePosixPath(path).name
        if member == _MANIFEST:
            manifest = _manifest_in(text)
            _require_r4(manifest)
        elif member not in _BESIDE:
            found = _definition_in(text.removeprefix(_MARK))
            if isinstance(found, str):
                skipped.append(Skipped(member, found))
            elif (key := (found.kind, found.url, found.version)) in definitions:
                skipped.append(Skipped(member, f"another file has the same canonical: {found.kind}"))
            else:
                definitions[key] = found
    if manifest is None and not (name and version):
        raise Refused(
            f"It has no {_MANIFEST}. For a folder of definitions, --name and --version say what it would"
        )
    said = manifest or {}
    own_name, own_version = name or said.get("name"), version or said.get("version")
    if not (isinstance(own_name, str) and _NAME.match(own_name)):
        raise Refused(f"The `name` of {_MANIFEST} is not the name of a package, such as hl7.fhir.fr.core")
    if not (isinstance(own_version, str) and _VERSION.match(own_version)):
        raise Refused(f"The `version` of {_MANIFEST} is not a version, such as 2.2.0")
    if not definitions:
        raise Refused("It has no definitions: JSON files with `resourceType` and `url`, in `package/`")
    dependencies = _dependencies_of(said)
    if own_name in dependencies:
        raise Refused("It depends on itself")
    canonical = said.get("canonical")
    return Package(
        own_name,
        own_version,
        canonical if isinstance(canonical, str) else "",
        dependencies,
        digest.hexdigest(),
        tuple(definitions.values()),
        tuple(skipped),
    )


def _manifest_in(text: bytes) -> Mapping[str, Any]:
    tree = _tree_of(text.removeprefix(_MARK))
    if tree is None:
        raise Refused(f"{_MANIFEST} is not a JSON object")
    return tree


def _require_r4(manifest: Mapping[str, Any]) -> None:
    said = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or []
    versions = said if isinstance(said, list) else [said]
    if versions and not any(str(one) == "4.0" or str(one).startswith("4.0.") for one in versions):
        listed = ", ".join(_shown(str(one)) for one in versions[:3])
        raise Refused(
            f"It is for FHIR {listed}, and this server speaks 4.0.1: there may be an edition for R4"
        )


def _dependencies_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    said = manifest.get("dependencies") or {}
    if not isinstance(said, dict):
        raise Refused(f"The `dependencies` of {_MANIFEST} are not an object of names and versions")
    for name, version in said.items():
        if not (_NAME.match(name) and isinstance(version, str) and _VERSION.match(version)):
            raise Refused(f"The dependency {_shown(name)} of {_MANIFEST} is no name with a version")
    return dict(said)


def _definition_in(text: bytes) -> Definition | str:
    """The definition that a file is, or why it is none."""
    tree = _tree_of(text)
    if tree is None:
        return "not a JSON object"
    kind, url, version, own = (tree.get(name) for name in ("resourceType", "url", "version", "id"))
    if not isinstance(kind, str):
        return "no FHIR resource"
    if not isinstance(url, str) or not url or "|" in url or any(mark.isspace() for mark in url):
        return f"{_shown(kind)} without a canonical URL"
    if not (version is None or isinstance(version, str)):
        return "its version is not a string"
    if not (isinstance(own, str) and _ID.match(own)):
        return "without an id"
    spoken = tree.get("fhirVersion")
    if kind == "StructureDefinition" and isinstance(spoken, str) and not spoken.startswith("4.0."):
        return "for another version of FHIR"
    return Definition(kind, url, version or "", own, zlib.compress(text))


def _tree_of(text: bytes) -> dict[str, Any] | None:
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return tree if isinstance(tree, dict) else None


# Packages among one another ---------------------------------------------------------------------------------------


class Depending(Protocol):
    """A package, as far as others are concerned. Its text is `name#version`."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def dependencies(self) -> Mapping[str, str]: ...


T = TypeVar("T", bound=Depending)


def in_order(packages: Sequence[T]) -> list[T]:
    """Each behind those that it depends on. Raises `Refused` for one that depends on itself by way of others."""
    by_name: dict[str, list[T]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    done: dict[int, T] = {}
    for start in packages:
        # (package, what of its dependencies is still to be followed), deepest last
        path: list[tuple[T, Iterator[T]]] = [(start, _needed(start, by_name))]
        while path:
            package, rest = path[-1]
            if id(package) in done:
                path.pop()
            elif (needed := next(rest, None)) is None:
                done[id(package)] = package
                path.pop()
            elif any(needed is one for one, _ in path):
                circle = " → ".join(str(one) for one, _ in path[_place(path, needed) :])
                raise Refused(f"Packages depend on one another in a circle: {circle} → {needed}")
            else:
                path.append((needed, _needed(needed, by_name)))
    return list(done.values())


def _needed(package: T, by_name: Mapping[str, Sequence[T]]) -> Iterator[T]:
    for name, version in package.dependencies.items():
        yield from (one for one in by_name.get(name, ()) if satisfies(one.version, version))


def _place(path: Sequence[tuple[T, Iterator[T]]], package: T) -> int:
    return next(place for place, (one, _) in enumerate(path) if one is package)


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version is what a dependency asks for: the same, or for `4.0.x` one that begins so."""
    if wanted.endswith(".x"):
        return version.startswith(wanted[:-1])
    return version == wanted or wanted in {"latest", "current", "dev"}
