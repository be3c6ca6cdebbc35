"""What a reader of files gives: a code system without its concepts, and these one after the other.

Readers hold no texts longer than they must: a release of any size passes through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from terminology.indexing import Entry
from terminology.systems import Tree


class Unloadable(Exception):
    """A file that is not what it should be. `where` names the file, and the line where there is one."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.where = where
        self.reason = reason


@dataclass(slots=True)
class Position:
    """Where a reader is: a file, and a line if it has lines. `locate` counts lines only when somebody asks."""

    file: str = ""
    line: int = 0
    locate: Callable[[], int] | None = None

    def __str__(self) -> str:
        line = self.locate() if self.locate is not None else self.line
        return f"{self.file}, line {line:,}" if line else self.file

    def leave_line(self) -> None:
        """What follows is about the file as a whole."""
        self.line, self.locate = 0, None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator says of a release that does not say it itself, or says otherwise. Empty: nothing."""

    url: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one code system."""

    head: Tree  # a CodeSystem with a url, without its concepts
    sha256: str  # of the files
    entries: Callable[[], Iterator[Entry]]  # once. Raises `Unloadable`
    position: Position
    total: int | None = None  # concepts to come, where that is known beforehand

    @property
    def url(self) -> str:
        return str(self.head["url"])

    @property
    def version(self) -> str:
        return str(self.head.get("version", ""))


def head_of(
    url: str, version: str, name: str, title: str, *, case_sensitive: bool, **more: object
) -> dict[str, Any]:
    """A CodeSystem without concepts, for releases that are no FHIR resources."""
    head = {
        "resourceType": "CodeSystem",
        "url": url,
        "version": version,
        "name": name,
        "title": title,
        "status": "active",
        "caseSensitive": case_sensitive,
        "content": "complete",
        **more,
    }
    return head if version else {key: value for key, value in head.items() if key != "version"}


def declared(*properties: tuple[str, str]) -> list[dict[str, str]]:
    """`CodeSystem.property`, from codes and types."""
    roles = "http://hl7.org/fhir/concept-properties#"
    return [
        {"code": code, **({"uri": roles + code} if code in _STANDARD else {}), "type": kind}
        for code, kind in properties
    ]


_STANDARD: Final = frozenset({"parent", "child", "inactive", "notSelectable"})
