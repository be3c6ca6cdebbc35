"""What reading a search has in common: where it happens, what may go wrong, how much is too much.

A parameter that cannot be answered is `Unknown`: whoever asked leniently gets a warning and the rest of the answer. A
value that cannot be read, or a modifier that does not apply, is `Malformed` and always refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from fhir_server.definitions.parameters import Parameter
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.times import now as this_moment
from fhir_server.search.query import AllOf, AnyOf, Name, Nothing, Predicate

LONGEST_QUERY: Final = 1_000_000  # characters
MOST_PARAMETERS: Final = 500  # of one search, those included that shape its result
MOST_CRITERIA: Final = 100  # parameters of one search that say what matches
MOST_VALUES: Final = 1000  # alternatives of one parameter
MOST_LINKS: Final = 8  # references that a chain follows, forwards or backwards
LONGEST_NAME: Final = 2000  # characters
MOST_BRANCHES: Final = (
    1000  # ways in which one parameter can be meant: types of a chain's links, types searched
)
MOST_LEAVES: Final = 50_000  # branches × values, all criteria of a search together


class Here:
    """Where and when a search is read. `timed`: it was asked when, so another time means another search."""

    __slots__ = ("_now", "bases", "timed")

    def __init__(self, bases: tuple[str, ...], now: int | None = None) -> None:
        self.bases = bases  # the server's public base URLs, without a slash at the end
        self._now = now
        self.timed = False

    @property
    def now(self) -> int:
        """µs since 1970."""
        self.timed = True
        if self._now is None:
            self._now = this_moment()
        return self._now


Reader: TypeAlias = Callable[[str, Here], Predicate]
"""What a value means. It is percent-decoded and not empty. Raises `Malformed` when it cannot be read."""


class Unknown(Exception):
    """A parameter that does not exist or is not answered here: its text says so."""


def place(parameter: Parameter) -> str:
    """How messages name a parameter."""
    return f"The search parameter '{parameter.code}' of {parameter.type}"


def shown(name: str) -> str:
    """A name of the sender's, short enough and clean enough for a message."""
    return "".join(c for c in name[:64] if c.isprintable())


def name_of(parameter: Parameter) -> Name:
    """The rows that hold the parameter's values."""
    return Name(parameter.type, parameter.rows)


def ready(parameter: Parameter) -> Parameter:
    """The same, if every resource has its rows. Raises `Malformed`: to leave it out would be another question."""
    if parameter.indexing:
        raise Malformed(
            f"{place(parameter)} is being indexed; it can be used when that is done", code="transient"
        )
    return parameter


def unreadable(text: str) -> Malformed:
    return Malformed(text, code="value")


def unsupported(text: str) -> Malformed:
    return Malformed(text, code="not-supported")


def any_of(predicates: Iterable[Predicate]) -> Predicate:
    """The plainest predicate that holds where one of these does."""
    found: dict[Predicate, None] = {}
    for predicate in predicates:
        if isinstance(predicate, AnyOf):
            found.update(dict.fromkeys(predicate.of))
        elif not isinstance(predicate, Nothing):
            found[predicate] = None
    if not found:
        return Nothing()
    return next(iter(found)) if len(found) == 1 else AnyOf(tuple(found))


def all_of(predicates: Iterable[Predicate]) -> Predicate:
    """The plainest predicate that holds where all of these, of which there is at least one, do."""
    found: dict[Predicate, None] = {}
    for predicate in predicates:
        if isinstance(predicate, Nothing):
            return predicate
        found.update(dict.fromkeys(predicate.of if isinstance(predicate, AllOf) else (predicate,)))
    return next(iter(found)) if len(found) == 1 else AllOf(tuple(found))
