"""Files into a server: transaction Bundles and NDJSON, plain or gzip, each loaded once for ever.

A file becomes *parts*, each one transaction Bundle: the Bundle itself, or a slice of an NDJSON file. A part is known by
its SHA-256, which is recorded in the same commit as its resources: whatever is killed whenever, a rerun adds what is
missing and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import httpx
import orjson

from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import FhirError, Malformed, Unavailable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree, decode, encode

LINES = 200  # NDJSON resources in one transaction
SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
FILE_HEADER = "X-Import-File"  # the SHA-256 of the part, hexadecimal
_ATTEMPTS = 30  # of a part that met a server that was away
_PAUSE_SECONDS = 1.0
_LARGEST_BYTES = 1_000_000_000  # of one unpacked file


class Outcome(Enum):
    LOADED = "loaded"
    KNOWN = "known"  # recorded by an earlier run
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction. `numbered` has the single resources of a slice, with their places in the file, from 1."""

    path: Path
    body: bytes
    digest: str
    resources: int
    file: str = ""  # the SHA-256 of the whole file, of a slice
    numbered: tuple[tuple[int, bytes], ...] = ()

    @property
    def place(self) -> str:
        """Where the part lies, for a person."""
        return f"{self.path.name}, resource {self.numbered[0][0]}" if self.numbered else self.path.name


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not loaded, and why. `place` names the file and the resource or line."""

    place: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What an import did. Counts are of resources, `files_*` of files or slices of files."""

    loaded: int = 0
    parts_loaded: int = 0
    parts_known: int = 0
    refusals: list[Refusal] = field(default_factory=list)


Load = Callable[[Part], Awaitable[tuple[Outcome, Sequence[Issue]]]]
Progress = Callable[[Part, Outcome], None]


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Every importable file, folders searched through, each once, sorted inside a folder.

    Raises `FileNotFoundError` for a path that is not there and `ValueError` when there is nothing to import.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if file.name.endswith(SUFFIXES):
                found[file.resolve()] = None
    if not found:
        raise ValueError(f"No file to import: names that end in {', '.join(SUFFIXES)} are looked for")
    return list(found)


def parts_of(path: Path) -> Iterator[Part | Refusal]:
    """The transactions that a file comes to, and what in it cannot be read."""
    try:
        content = _content(path)
        if ".ndjson" in path.name:
            numbered = [(n, line) for n, line in enumerate(content.splitlines(), 1) if line.strip()]
            yield from _slices(path, _digest(content), numbered)
            return
        tree = decode(content)
    except (FhirError, OSError) as error:
        yield Refusal(path.name, (str(error),))
        return
    if tree.get("resourceType") != "Bundle":
        yield from _slices(path, _digest(content), [(1, content)])
    elif tree.get("type") in {"transaction", "batch"}:
        body = content if tree["type"] == "transaction" else encode({**tree, "type": "transaction"})
        yield Part(path, body, _digest(content), len(tree.get("entry", ())))
    else:
        held = [entry["resource"] for entry in tree.get("entry", ()) if entry.get("resource")]
        yield from _slices(path, _digest(content), [(n, encode(one)) for n, one in enumerate(held, 1)])


def _slices(path: Path, file: str, numbered: Sequence[tuple[int, bytes]]) -> Iterator[Part | Refusal]:
    readable = []
    for number, line in numbered:
        try:
            _entry(decode(line))
        except FhirError as error:
            yield Refusal(f"{path.name}, resource {number}", (str(error),))
        else:
            readable.append((number, line))
    for start in range(0, len(readable), LINES):
        yield _slice(path, file, readable[start : start + LINES])


def _slice(path: Path, file: str, numbered: Sequence[tuple[int, bytes]]) -> Part:
    """A transaction of single resources: one with an id is PUT to it, one without is POSTed."""
    entries = [_entry(decode(line)) for _, line in numbered]
    body = encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    # The same line twice in a file is two resources: where it stands belongs to what it is known by.
    digest = _digest(f"{file} {','.join(str(n) for n, _ in numbered)}".encode())
    return Part(path, body, digest, len(entries), file, tuple(numbered))


async def run(
    parts: Iterator[Part | Refusal], load: Load, progress: Progress, concurrency: int = 2
) -> Report:
    """Load every part, and once more those that were refused while others were still to come.

    A reference may point to a resource of a later file: what is refused is tried again as long as a round loads
    anything. NDJSON slices are then split, so that one bad line does not keep out its neighbours.
    """
    report = Report()
    waiting: list[tuple[Part, Sequence[Issue]]] = await _round(parts, load, progress, report, concurrency)
    while waiting:
        before = report.loaded
        again: list[Part | Refusal] = [piece for part, _ in waiting for piece in _pieces(part)]
        waiting = await _round(iter(again), load, progress, report, concurrency)
        if report.loaded == before:
            break
    for part, issues in waiting:
        report.refusals.append(Refusal(part.place, _reasons(issues)))
    return report


async def _round(
    parts: Iterator[Part | Refusal], load: Load, progress: Progress, report: Report, concurrency: int
) -> list[tuple[Part, Sequence[Issue]]]:
    refused: list[tuple[Part, Sequence[Issue]]] = []

    async def take() -> None:
        for part in parts:
            if isinstance(part, Refusal):
                report.refusals.append(part)
                continue
            outcome, issues = await load(part)
            if outcome is Outcome.REFUSED:
                refused.append((part, issues))
            elif outcome is Outcome.KNOWN:
                report.parts_known += 1
            else:
                report.parts_loaded += 1
                report.loaded += part.resources
            progress(part, outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(take())
    return refused


def into_engine(perform: Callable[[Call], Awaitable[Reply]]) -> Load:
    """Load by performing calls in this process."""

    async def load(part: Part) -> tuple[Outcome, Sequence[Issue]]:
        for _ in range(_ATTEMPTS):
            try:
                await perform(Call(Action.BUNDLE, body=part.body, file=part.digest))
            except Unavailable:
                await asyncio.sleep(_PAUSE_SECONDS)
            except FhirError as error:
                return _refusal(error.status, error.issues)
            else:
                return Outcome.LOADED, ()
        return Outcome.REFUSED, [Issue("transient", "The database was away for too long")]

    return load


def into_server(client: httpx.AsyncClient, base: str) -> Load:
    """Load over HTTP into a running server at `base`."""

    async def load(part: Part) -> tuple[Outcome, Sequence[Issue]]:
        text = "The server did not answer"
        headers = {
            "Content-Type": "application/fhir+json",
            "Prefer": "return=minimal",
            FILE_HEADER: part.digest,
        }
        for _ in range(_ATTEMPTS):
            try:
                answer = await client.post(base, content=part.body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if answer.status_code in {429, 503}:
                text = f"The server answered {answer.status_code} too often"
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if answer.status_code < 300:
                return Outcome.LOADED, ()
            return _refusal(answer.status_code, _issues(answer.content))
        return Outcome.REFUSED, [Issue("transient", text)]

    return load


def _refusal(status: int, issues: Sequence[Issue]) -> tuple[Outcome, Sequence[Issue]]:
    if status == 412 and any(issue.code == "duplicate" for issue in issues):
        return Outcome.KNOWN, ()
    return Outcome.REFUSED, issues


def _pieces(part: Part) -> list[Part]:
    if len(part.numbered) <= 1:
        return [part]
    return [_slice(part.path, part.file, [piece]) for piece in part.numbered]


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(content, _LARGEST_BYTES)
    except zlib.error:
        raise Malformed("The file is not gzip, though its name says so") from None
    if unpacker.unconsumed_tail:
        raise Malformed(f"The file unpacks to more than {_LARGEST_BYTES:,} bytes")
    return content


def _entry(resource: Tree) -> Tree:
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise Malformed("A resource has no 'resourceType'", "resourceType", code="required")
    if "id" in resource:
        return {"resource": resource, "request": {"method": "PUT", "url": f"{kind}/{resource['id']}"}}
    return {"resource": resource, "request": {"method": "POST", "url": kind}}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _issues(body: bytes) -> list[Issue]:
    try:
        listed = orjson.loads(body)["issue"]
        return [
            Issue(i.get("code", ""), i.get("diagnostics", ""), ", ".join(i.get("expression", ())))
            for i in listed
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return [Issue("exception", "The server's answer was not an OperationOutcome")]


def _reasons(issues: Sequence[Issue]) -> tuple[str, ...]:
    return tuple(f"{issue.expression}: {issue.text}" if issue.expression else issue.text for issue in issues)
