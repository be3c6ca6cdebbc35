"""Which definitions are in force, to judge by and, as of which generation, to search by; what is still to be indexed.

Every change of the SearchParameters in force is a *generation*. A write states the one that it was prepared under; when
another has begun, it is refused as `Stale` and prepared again. What was written before gets its rows from a `Job`: all
resources of a type are visited in the order of their pks, each in its current version.

Nothing is lost in between, because a job begins when every write of an older generation has ended: it sees all that
they wrote, and what comes later has its rows already. A resource that changes while it is visited is visited again.

What resources are judged by changes without a generation: nothing that is written depends on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.packaged import NONE_INSTALLED, SHIPPED, Packaged
from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries
from fhir_server.search.sight import UNSTAMPED, Stamp
from profiles.registry import Registry


@dataclass(frozen=True, slots=True)
class Job:
    """The index rows of one type are being made anew."""

    type: str
    codes: frozenset[tuple[str, str]] = (
        frozenset()
    )  # type and code of what no search may use until it is done
    holding: frozenset[str] | None = (
        None  # only resources that contain one of these types are visited; None: all
    )
    exact: bool = False  # whether rows that nothing asks for any more are removed too
    base: str = ""  # the public base URL below which references are local
    since: int = 0  # the generation that it began in; a later change of the type begins it again
    position: int = 0  # the pk up to which it is done
    done: int = 0  # resources visited
    total: int | None = None  # about how many there are; None: not counted yet

    @property
    def percent(self) -> int:
        """How far it has come, 99 at most: what is done is no job any more."""
        return min(99, self.done * 100 // self.total) if self.total else 0


@dataclass(frozen=True, slots=True)
class Definitions:
    """What is in force. Replaced as a whole, never changed."""

    generation: int = 0
    custom: Mapping[str, Tree] = field(default_factory=dict)  # the SearchParameters of operators, by id
    jobs: tuple[Job, ...] = ()
    parameters: Parameters = CORE
    packaged: Packaged = NONE_INSTALLED  # the definitions that packages bring
    registry: Registry = SHIPPED  # these, and uploaded ones: what resources are judged by

    @property
    def exact(self) -> bool:
        """Whether the index may hold rows that the current definitions know nothing of."""
        return any(job.exact for job in self.jobs)

    def after(self, change: Redefinition) -> Definitions:
        """The same with `change`, as the transaction sees it that makes it: before there is a generation of it."""
        custom = {name: definition for name, definition in self.custom.items() if name != change.id}
        if change.definition is not None:
            custom[change.id] = change.definition
        return replace(self, custom=custom)


NONE: Final = Definitions()


@immutable
class Plan:
    """What a job of one type has to do: see `Job`."""

    codes: frozenset[tuple[str, str]]
    holding: frozenset[str] | None


WHOLE: Final = Plan(frozenset(), None)


def plans_of(types: Mapping[str, Collection[str]]) -> dict[str, Plan]:
    """The jobs that a change needs: of the types whose rows change, and of what may contain resources of them.

    `types`: with the codes of the parameters that are to be indexed. A search may follow a link into a resource that is
    contained, so none may use them until all of these jobs are done.
    """
    codes = frozenset((name, code) for name, listed in types.items() for code in listed)
    inside = frozenset(types)
    plans = {name: Plan(codes, None) for name in types}
    if types:
        plans.update((name, Plan(codes, inside)) for name in resource_types() if name not in types)
    return plans


@immutable
class Redefinition:
    """What the write of a SearchParameter does to those in force."""

    id: str
    definition: Tree | None  # None: not in force any more
    types: Mapping[
        str, frozenset[str]
    ]  # whose index rows change → the parameters to be indexed; may be empty
    exact: bool  # whether rows have to be removed
    base: str


@immutable
class Unindexed:
    """A resource that a job comes to."""

    pk: int
    key: Key
    version: int
    body: bytes  # empty: it is deleted
    stamp: Stamp = UNSTAMPED

    @property
    def deleted(self) -> bool:
        return not self.body


@immutable
class Slice:
    """What a job comes to next. `scanned` 0: there is nothing left."""

    resources: tuple[Unindexed, ...]
    through: int  # the pk of the last one looked at
    scanned: int  # how many were looked at


@immutable
class Indexed:
    """The same, with the rows that it ought to have."""

    resource: Unindexed
    entries: Entries
    targets: tuple[Key, ...]
    known: Entries | None = None  # what it has for certain; None: that is to be looked up, or written again


class Keeper(Protocol):
    """The definitions of one store, as this process knows them."""

    @property
    def current(self) -> Definitions:
        """What this process goes by. Never of a generation that writes are not yet held to."""

    async def refresh(self) -> Definitions:
        """Look again, and give what is in force now."""

    async def progress(self) -> Sequence[Job]:
        """The jobs as far as they have come."""

    async def heard(self, seconds: float) -> None:
        """Wait until something has changed, for so long at most."""

    async def published(self) -> Mapping[Key, str]:
        """The resources that are copies of packaged definitions, with digests of what was published."""

    async def note_published(self, digests: Mapping[Key, str | None]) -> None:
        """Remember what was published; None: it is not any more."""

    async def request(self, types: Collection[str], base: str) -> None:
        """Have all index rows of these types compared with what they ought to be."""

    async def prepare(self, job: Job) -> Job | None:
        """See that everything is there that the job is about, and count it. None: it is not to be done any more."""

    async def unindexed(self, job: Job, count: int) -> Slice:
        """The next resources, `count` at most. When nothing is left, `finish` may be called."""

    async def index(self, job: Job, slice: Slice, rows: Sequence[Indexed]) -> Job | None:
        """Write the rows of a slice, and give the job as it goes on; None: it is not to be done any more.

        Resources that have changed meanwhile are left to be visited again.
        """

    async def finish(self, job: Job) -> None:
        """Everything was visited: its parameters may be searched by."""
