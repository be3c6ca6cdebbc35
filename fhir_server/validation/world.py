"""What a judgement may ask beyond the resource itself: definitions, codes, and what references lead to.

Nothing here waits. What is not at hand is answered with `LATER` and remembered; whoever judges looks it up and judges
again (`validation.judge`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from fhir_server.kernel.wire import Tree
from profiles.registry import Registry
from terminology.membership import Codes


class Later:
    """The answer to a reference that must be looked up first."""


LATER: Final = Later()

# A literal reference (`Patient/7`, a URL) → the resource, None when it leads nowhere. Contained resources and entries
# of the same Bundle are found without it.
Resolve: TypeAlias = Callable[[str], Tree | Later | None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is judged, and how strictly."""

    declared: bool = True  # whether the profiles of `meta.profile` are asked too
    unknown_extensions: Literal["ignore", "warn", "error"] = "warn"
    best_practice: Literal["ignore", "warn", "error"] = "warn"  # constraints that say they are only that
    references: bool = False  # whether a reference that leads nowhere is wrong
    examples: bool = True  # whether URLs of example.org and acme.com are allowed
    no_markup: bool = False  # whether a string that holds HTML is wrong


@dataclass(frozen=True, slots=True)
class World:
    registry: Registry
    codes: Codes
    resolve: Resolve | None = None  # None: nobody looks up references
    options: Options = field(default_factory=Options)
