"""CodeSystems of FHIR in JSON: a file of any size that holds one, or a Bundle of several.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.json_stream import BadJson, OutOfOrder, Stream
from terminology.loading.release import Position, Release, Unloadable, Wanted

_WHOLE_BYTES: Final = 100_000_000  # of a file that has to be read in one piece
_NOT_KEPT: Final = frozenset({"text", "contained", "meta", "concept"})
_WITHOUT: Final = frozenset({"supplement", "not-present", "example"})
_CHUNK: Final = 1 << 20


class Contentless(Unloadable):
    """A CodeSystem that does not have its concepts, and says so."""


def read(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The code systems of one file. Raises `Unloadable`."""
    position = Position(source.place(name))
    with source.open(name) as file:
        stream = Stream(file)
        position.locate = lambda: _line_at(source, name, stream.offset)
        try:
            head, total = stream.survey()
        except BadJson as error:
            raise Unloadable(str(position), str(error)) from None
        except OutOfOrder:
            head, total = {}, None
    position.locate = None
    if total is None or head.get("resourceType") == "Bundle":
        sha256 = source.sha256([name])
        for number, resource in enumerate(_resources(_whole(source, name, position)), 1):
            yield release_of(resource, wanted, f"{sha256}-{number}", position)
        return

    def entries() -> Iterator[Entry]:
        with source.open(name) as file:
            stream = Stream(file)
            position.locate = lambda: _line_at(source, name, stream.offset)
            yield from stream.entries()

    yield Release(kept_head(head, wanted, str(position)), source.sha256([name]), entries, position, total)


def release_of(tree: dict[str, Any], wanted: Wanted, sha256: str, position: Position) -> Release:
    """Of a CodeSystem that is at hand. Raises `Unloadable`."""
    head = kept_head(tree, wanted, str(position))
    return Release(head, sha256, lambda: nested(tree), position, sum(1 for _ in nested(tree)))


def kept_head(tree: dict[str, Any], wanted: Wanted, where: str) -> dict[str, Any]:
    """What is kept of a CodeSystem beside its concepts. Raises `Unloadable` for one that has none of its own."""
    if tree.get("resourceType") != "CodeSystem":
        raise Unloadable(where, "It is no CodeSystem")
    if tree.get("content") in _WITHOUT:
        raise Contentless(where, f"Its content is '{tree['content']}': it does not have the concepts")
    head = {key: value for key, value in tree.items() if key not in _NOT_KEPT}
    if wanted.url:
        head["url"] = wanted.url
    if wanted.version:
        head["version"] = wanted.version
    if not isinstance(head.get("url"), str) or not isinstance(head.get("version", ""), str):
        raise Unloadable(where, "The code system has no URL: --url says it")
    for part in ("property", "filter"):
        listed = head.get(part, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Unloadable(where, f"CodeSystem.{part} is not a list of objects")
    return head


def nested(tree: dict[str, Any]) -> Iterator[Entry]:
    """The concepts of a CodeSystem, each before those nested in it."""
    waiting: list[tuple[Any, int | None]] = [(one, None) for one in reversed(tree.get("concept", []))]
    place = 0
    while waiting:
        one, inside = waiting.pop()
        yield Entry({key: value for key, value in one.items() if key != "concept"}, inside)
        waiting += [(inner, place) for inner in reversed(one.get("concept", []))]
        place += 1


def _whole(source: Source, name: str, position: Position) -> dict[str, Any]:
    with source.open(name) as file:
        data = file.read(_WHOLE_BYTES + 1)
    if len(data) > _WHOLE_BYTES:
        raise Unloadable(
            str(position),
            f"It has more than {_WHOLE_BYTES:,} bytes and cannot be read piece by piece: "
            "one CodeSystem a file, elements in FHIR's order, would be",
        )
    try:
        tree: dict[str, Any] = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unloadable(f"{position}, line {error.lineno:,}", "It is not JSON") from None
    return tree


def _resources(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if tree.get("resourceType") != "Bundle":
        yield tree
        return
    for entry in tree.get("entry", ()):
        resource = entry.get("resource", {}) if isinstance(entry, dict) else {}
        if resource.get("resourceType") == "CodeSystem" and resource.get("content") not in _WITHOUT:
            yield resource


def _line_at(source: Source, name: str, offset: int) -> int:
    """The line of a byte of a file."""
    line = 1
    with source.open(name) as file:
        while offset > 0 and (chunk := file.read(min(offset, _CHUNK))):
            line += chunk.count(b"\n")
            offset -= len(chunk)
    return line
