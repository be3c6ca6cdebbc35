"""What an import finds on disk, as transactions: Bundles, single resources and NDJSON, plain or gzip.

A file becomes *parts*, each one transaction Bundle: the Bundle itself, or a slice of the lines of an NDJSON file. A
Bundle of another type counts as a transaction that writes the resources it holds.

https://hl7.org/fhir/R4/http.html#transaction · https://github.com/ndjson/ndjson-spec
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fhir_server.kernel.errors import FhirError, Malformed
from fhir_server.kernel.wire import Tree, decode, encode

LINES = 200  # NDJSON resources in one transaction
SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
_LARGEST_BYTES = 1_000_000_000  # of one unpacked file
_GZIP = 31  # zlib's word for "with a gzip header"


class NothingToImport(Exception):
    """What was named is not there or is no such file, in words for the person at the terminal."""


Numbered = tuple[int, bytes]  # a resource, and the line it stands on


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction.

    `digests`: its SHA-256 and, for a slice of several resources, the one that says that the slice was taken apart.
    `pieces`: the resources of a slice; empty for a Bundle, which stays whole.
    """

    path: Path
    body: bytes
    digests: tuple[str, ...]
    resources: int
    file: str = ""  # the SHA-256 of the whole file, of a slice
    pieces: tuple[Numbered, ...] = ()

    @property
    def place(self) -> str:
        """Where the part lies, for a person."""
        match len(self.pieces):
            case 0:
                return self.path.name
            case 1:
                return f"{self.path.name}, line {self.pieces[0][0]}"
        return f"{self.path.name}, lines {self.pieces[0][0]} to {self.pieces[-1][0]}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not loaded, and why. `place` names the file and the line."""

    place: str
    reasons: tuple[str, ...]


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Every importable file, folders searched through, each once, sorted inside a folder.

    Raises `NothingToImport` for a path that is not there, and when none of them holds such a file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise NothingToImport(f"{path} does not exist.")
        if path.is_file() and not path.name.endswith(SUFFIXES):
            raise NothingToImport(
                f"{path} is no file to import: its name should end in {', '.join(SUFFIXES)}."
            )
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found.update(dict.fromkeys(file.resolve() for file in inside if file.name.endswith(SUFFIXES)))
    if not found:
        raise NothingToImport(f"Nothing to import: no file's name ends in {', '.join(SUFFIXES)}.")
    return list(found)


def parts_of(path: Path) -> Iterator[Part | Refusal]:
    """The transactions that a file comes to, and what in it cannot be read."""
    try:
        content = _content(path)
        if path.name.endswith((".ndjson", ".ndjson.gz")):
            yield from _slices(path, _digest(content), content)
        else:
            yield _whole(path, content)
    except FhirError as error:
        yield Refusal(path.name, (str(error),))
    except OSError as error:
        yield Refusal(path.name, (f"The file cannot be read: {error.strerror}",))


def pieces_of(part: Part) -> list[Part]:
    """A slice as parts of one resource each."""
    return [_slice(part.path, part.file, [piece]) for piece in part.pieces]


def split_mark(part: Part) -> Part:
    """A transaction that writes nothing but the fact that the slice was taken apart."""
    return Part(part.path, encode(_transaction([])), part.digests[1:], 0)


def _whole(path: Path, content: bytes) -> Part:
    tree = decode(content)
    kind = tree.get("type") if tree.get("resourceType") == "Bundle" else None
    if kind == "transaction":
        listed = tree.get("entry")
        return Part(path, content, (_digest(content),), len(listed) if isinstance(listed, list) else 0)
    if kind == "batch":
        entries = _listed(tree)
    elif tree.get("resourceType") == "Bundle":
        # The address stays: other entries may refer to it, when it is a urn:uuid.
        entries = [
            {**({"fullUrl": item["fullUrl"]} if "fullUrl" in item else {}), **_entry(item["resource"])}
            for item in _listed(tree)
            if isinstance(item.get("resource"), dict)
        ]
    else:
        entries = [_entry(tree)]
    return Part(path, encode(_transaction(entries)), (_digest(content),), len(entries))


def _listed(bundle: Tree) -> list[Tree]:
    listed = bundle.get("entry", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise Malformed("A list of entries would be right", "Bundle.entry")
    return listed


def _slices(path: Path, file: str, content: bytes) -> Iterator[Part | Refusal]:
    readable: list[Numbered] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            _entry(decode(line))
        except FhirError as error:
            yield Refusal(f"{path.name}, line {number}", (str(error),))
            continue
        readable.append((number, line))
        if len(readable) == LINES:
            yield _slice(path, file, readable)
            readable = []
    if readable:
        yield _slice(path, file, readable)


def _slice(path: Path, file: str, pieces: Sequence[Numbered]) -> Part:
    body = encode(_transaction([_entry(decode(line)) for _, line in pieces]))
    # The same line twice in a file is two resources: where it stands belongs to what it is known by.
    digest = _digest(f"{file} {','.join(str(number) for number, _ in pieces)}".encode())
    digests = (digest,) if len(pieces) == 1 else (digest, _digest(f"{digest} in pieces".encode()))
    return Part(path, body, digests, len(pieces), file, tuple(pieces))


def _transaction(entries: Sequence[Tree]) -> Tree:
    empty: Tree = {"resourceType": "Bundle", "type": "transaction"}
    return {**empty, "entry": list(entries)} if entries else empty


def _entry(resource: Tree) -> Tree:
    """A resource with an id is PUT to it, one without is POSTed."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise Malformed("A resource has no 'resourceType'", "resourceType", code="required")
    if "id" in resource:
        return {"resource": resource, "request": {"method": "PUT", "url": f"{kind}/{resource['id']}"}}
    return {"resource": resource, "request": {"method": "POST", "url": kind}}


def _content(path: Path) -> bytes:
    packed = path.read_bytes()
    return _unpacked(packed) if path.suffix == ".gz" else packed


def _unpacked(packed: bytes) -> bytes:
    """The content of a gzip file, of all its members: files that were packed one by one may be joined."""
    found: list[bytes] = []
    size = 0
    while packed:
        unpacker = zlib.decompressobj(wbits=_GZIP)
        try:
            found.append(unpacker.decompress(packed, _LARGEST_BYTES - size + 1))
        except zlib.error:
            raise Malformed("The file is not gzip, though its name says so, or it is damaged") from None
        size += len(found[-1])
        if size > _LARGEST_BYTES:
            raise Malformed(f"The file unpacks to more than {_LARGEST_BYTES:,} bytes")
        if not unpacker.eof:
            raise Malformed("The gzip file is cut short")
        packed = unpacker.unused_data.lstrip(b"\0")  # some writers pad to whole blocks
    return b"".join(found)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
