"""Code systems too large to be held as a tree: what may be asked of one, whoever keeps it.

What a value set wants of a code system is a `Selection` for each of its components. `select` answers with a page of
what some selections let in and others do not keep out, in the order of the code system; `within` says which of a few
codes are part of that. Both cost about the same for ten concepts as for a million.

https://hl7.org/fhir/R4/valueset.html#compositions · https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from terminology.systems import Concept, Tree


@dataclass(frozen=True, slots=True)
class Filter:
    """`ValueSet.compose.include.filter`."""

    property: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The concepts that pass all filters and, where `codes` is not None, are among these. By itself: every concept."""

    filters: tuple[Filter, ...] = ()
    codes: frozenset[str] | None = None


EVERYTHING = (Selection(),)


@dataclass(frozen=True, slots=True)
class Page:
    """Concepts in the order of the code system. `total`: of all pages; None when it is not known."""

    concepts: tuple[Concept, ...]
    total: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a code system says of itself."""

    url: str
    version: str
    title: str
    count: int  # concepts
    content: str  # `complete`, `fragment` …
    case_sensitive: bool
    sha256: str = ""  # of the files that it was loaded from
    loaded: int = 0  # µs since 1970
    head: Tree = field(default_factory=dict)  # the CodeSystem without its concepts


class LargeSystem(Protocol):
    """One version of a code system. Raises `UnknownDefinition` once it has been removed or replaced."""

    @property
    def summary(self) -> Summary: ...

    async def find(self, codes: Iterable[str]) -> dict[str, Concept]:
        """Code as asked → its concept, of those that exist. Where case does not matter, however it is written."""

    async def related(self, code: str, direction: Literal["above", "below"]) -> list[str]:
        """The code and those that subsume it, or that it subsumes; itself first, else in order. Empty: no such code."""

    async def subsumes(self, general: str, special: str) -> bool:
        """Whether a code is another, or stands below it. False if there is no such code."""

    async def select(
        self,
        include: Sequence[Selection] = EVERYTHING,
        exclude: Sequence[Selection] = (),
        *,
        text: str = "",
        active_only: bool = False,
        offset: int = 0,
        count: int = 100,
    ) -> Page:
        """A page of what at least one of `include` lets in and none of `exclude`.

        `text`: each of its words begins a word of the concept's code or of one of its texts, without case and accents.
        Raises `NotExpandable` for a filter that cannot be answered, with the reason. `count` may be 0.
        """

    async def within(
        self, codes: Iterable[str], include: Sequence[Selection], exclude: Sequence[Selection] = ()
    ) -> frozenset[str]:
        """Those of `codes`, as asked, that are part of the same. Raises `NotExpandable` as `select` does."""


class LargeSystems(Protocol):
    """The large code systems that were loaded, as of the moment of each call."""

    async def systems(self) -> list[Summary]:
        """By URL and version, the newest version first."""

    async def open(self, url: str, version: str = "") -> LargeSystem | None:
        """A version, without `version` the newest; None: nobody has loaded it.

        An edition of SNOMED CT without its date (`http://snomed.info/sct/11000315107`) is its newest version.
        """
