"""One judgement while it is made: what it may ask, what was found so far, and how much it may still cost.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from fhir_server.fhirpath.surroundings import ConformsTo, Surroundings
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Issue, Severity
from fhir_server.validation.invariants import surroundings_of
from fhir_server.validation.world import World

if TYPE_CHECKING:
    from fhir_server.validation.library import Library
    from fhir_server.validation.surely import Left
    from terminology.membership import Code

STEPS: Final = 400_000  # items asked by rules
SECONDS: Final = 10.0
STEPS_EACH: Final = 4_000  # more, for each resource inside
HOPS: Final = 4  # references followed one after the other
_LOOK: Final = 512  # steps between two looks at the clock
_WRONG: Final = frozenset({"error", "fatal"})


class TooCostly(Exception):
    """The judgement is over, whatever it had found."""


@dataclass(slots=True, eq=False)
class Judging:
    """`profile` is the canonical that asks at the moment; empty: FHIR itself."""

    world: World
    library: Library
    issues: list[Issue] = field(default_factory=list)
    profile: str = ""
    hops: int = 0
    # (item, profile) → the problems of the item with the profile; None: being judged, further out.
    known: dict[tuple[int, str], list[Issue] | None] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)  # value sets and profiles that were said to be unknown
    kept: list[Any] = field(default_factory=list)  # trees whose identity is in `known`
    # Item → what was left of it by a profile, for whoever judges it; Coding → itself and its code.
    left: dict[tuple[int, str], list[Left]] = field(default_factory=dict)
    codes: dict[int, tuple[Any, Code | None]] = field(default_factory=dict)
    bundles: dict[int, Any] = field(default_factory=dict)
    conforms_to: ConformsTo | None = None  # what constraints may ask of profiles
    _around: Surroundings | None = None  # made for the first constraint that asks
    _left: int = STEPS
    _pause: int = STEPS - _LOOK  # when the clock is looked at
    _deadline: float = 0.0

    def charge(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < self._pause:
            if self._left < 0:
                raise TooCostly
            self._pause = max(self._left - _LOOK, 0)
            self.look()

    def allow(self, steps: int) -> None:
        """More steps, for more to judge: what a judgement may cost grows with the resource, not with the profile."""
        self._left += steps
        self._pause += steps

    def look(self) -> None:
        """Stop where the time is up."""
        if self._deadline == 0.0:
            self._deadline = monotonic() + SECONDS
        elif monotonic() > self._deadline:
            raise TooCostly

    def around(self) -> Surroundings:
        """What constraints may ask."""
        if self._around is None:
            self._around = surroundings_of(self.world, self.conforms_to)
        return self._around

    def end(self) -> None:
        """Forget who asked: what knows the judgement, and is known by it, would be left to the collector."""
        self.conforms_to = self._around = None

    def say(self, code: str, text: str, french: str, node: Node | str, severity: Severity = "error") -> None:
        place = node if isinstance(node, str) else node.place
        self.issues.append(Issue(code, text, place, severity, french=french, profile=self.profile))

    def know(self, item: Any, profile: str, issues: list[Issue] | None) -> None:
        """Remember what is wrong with an item by a profile."""
        self.known[id(item), profile] = issues
        self.kept.append(item)

    def leave(self, item: Any, profile: str, left: list[Left]) -> None:
        """Remember what was left of an item by a profile."""
        self.left[id(item), profile] = left
        self.kept.append(item)

    def apart(self, judge: Callable[[], None], profile: str | None = None) -> list[Issue]:
        """What `judge` says, for a profile where it names one, kept from what was found so far."""
        before = self.issues, self.profile
        self.issues = []
        if profile is not None:
            self.profile = profile
        try:
            judge()
            return self.issues
        finally:
            self.issues, self.profile = before

    def cannot_check(self, what: str, text: str, french: str, node: Node) -> None:
        """A warning, once for everything that is asked of the same definition."""
        if what not in self.unknown:
            self.unknown.add(what)
            self.say("not-found", text, french, node, "warning")


def fewest(found: list[list[Issue]]) -> list[Issue]:
    """The shortest of several lists of problems, never empty itself."""
    best = found[0]
    for one in found:
        if len(one) < len(best):
            best = one
    return best


def is_wrong(issues: list[Issue]) -> bool:
    return not _WRONG.isdisjoint([issue.severity for issue in issues])
