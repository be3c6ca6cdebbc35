"""What a store of resources can do, in words that say nothing of SQL.

Two stores keep this contract: `postgres.py` and, as test double and oracle, `memory.py`. A `Transaction` comes in two
forms that a handler cannot tell apart: *buffered* collects writes and flushes them as one statement; *interactive*
holds row and advisory locks. The engine picks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Foretold, Trace
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.query import Name, Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store.definitions import Definitions, Keeper, Redefinition
from terminology.large import LargeSystems

Method = Literal["POST", "PUT", "PATCH", "DELETE"]


class Stale(Exception):
    """Somebody else wrote in between: the same call, performed again, may succeed."""


class NeedsLocks(Exception):
    """A buffered transaction met something that only an interactive one can do: perform the call again in one."""


class Missing(Exception):
    """A draft refers to resources that do not exist (any more). `keys` is never empty."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(", ".join(map(str, keys)))
        self.keys = tuple(keys)


class Referenced(Exception):
    """The resource cannot be deleted: others refer to it. `by` names some of them, never empty."""

    def __init__(self, key: Key, by: Sequence[Key]) -> None:
        super().__init__(str(key))
        self.key = key
        self.by = tuple(by)


@immutable
class Stored:
    """One version at rest. A deletion has `deleted` and an empty body."""

    key: Key
    version: int
    updated: int  # µs since 1970, whole milliseconds
    body: bytes
    deleted: bool = False
    method: Method = "PUT"  # of what a search found, nothing is said
    person: int | None = None  # the Patient it is about, as the store numbers it, if it is just one


@immutable
class Draft:
    """A version to be written: stamped, never edited by the store. A deletion has `deleted` and an empty body."""

    key: Key
    version: int  # 1 for a new resource; else the version it supersedes + 1
    updated: int
    body: bytes
    method: Method
    entries: Entries = field(default_factory=Entries)
    deleted: bool = False
    targets: tuple[Key, ...] = ()  # local resources that must exist when this commits; may be empty
    old: Entries | None = None  # of the version it supersedes; None: there was none, or it was a deletion
    old_targets: tuple[Key, ...] = ()  # the targets of that version
    hidden: tuple[
        Key, ...
    ] = ()  # targets that are as good as missing, unless the transaction writes them itself
    retroactive: bool = False  # dated before its transaction, where a history may have been shown already


class Hits(Sequence[Stored]):
    """Resources that were found, each made when it is asked for: most are only written into a Bundle."""

    __slots__ = ()

    @abstractmethod
    def written(self) -> Iterable[tuple[str, str, bytes]]:
        """Type, id and body of each: all that a Bundle says of them."""

    @abstractmethod
    def persons(self) -> Iterable[int]:
        """`Stored.person` of those that have one."""


@immutable
class Page:
    """A page of a search or a history. `total` is None when unknown. Cursors are empty at either end."""

    items: Sequence[Stored]
    total: int | None = None
    next: str = ""
    previous: str = ""
    included: Sequence[Stored] = ()
    watermark: int = 0  # history: every version older than this (µs) is committed and visible
    truncated: bool = False  # there is more to include than a page brings along


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions a history asks for. `type` None: the system; `id` None: the type."""

    type: str | None = None
    id: str | None = None
    since: int | None = None  # µs, inclusive
    at: tuple[int, int] | None = None  # versions current at some moment of [low, high) µs
    count: int = 20
    cursor: str = ""


@immutable
class Account:
    """Somebody, as an issuer of tokens calls them."""

    issuer: str
    subject: str


@immutable
class Invitation:
    """Whoever has the code may become the account of a Patient or RelatedPerson, within some tries. Times: µs."""

    digest: bytes  # of the code, which is kept nowhere
    person: Key
    since: int
    until: int
    tries: int


class Reader(Protocol):
    """Reads see what is committed; those of a transaction also what it wrote itself.

    One within a view is for one call.
    """

    @property
    def met(self) -> Collection[int]:
        """The Patients whose data it gave out, as the store numbers them; none, where it has no view."""

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        """The current version (a deletion too), or the one asked for; None if there never was one."""

    async def search(self, query: Query) -> Page:
        """The resources that match. Raises `Malformed` for a cursor that is not ours."""

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        """How a search would be done: its steps, and how each of them goes. For people; may be empty."""

    async def history(self, span: Span) -> Page:
        """Versions, newest first. Type and system pages hold nothing at or past their `watermark`."""

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys that do not exist, or not for this reader."""

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        """How these actors are tied to these persons, past and future ties too."""

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        """The stamps of resources, whoever sees these; nothing of those that do not exist."""


@runtime_checkable
class Transaction(Reader, Protocol):
    @property
    def definitions(self) -> Definitions:
        """What the drafts of this transaction are made with, and what it made of them itself.

        The commit fails with `Stale` if something else is in force by then.
        """

    async def redefine(self, change: Redefinition) -> None:
        """Change, with the commit, which search parameters are in force. A buffered transaction raises `NeedsLocks`.

        Raises `Stale` when they have changed since the transaction began.
        """

    async def lock(self, key: Key) -> Stored | None:
        """The current version; the commit fails with `Stale` if it is no longer current by then."""

    async def guard(self, criteria: Sequence[str]) -> None:
        """Keep any other transaction that guards one of the same criteria away until commit.

        Before the search that decides. A buffered transaction raises `NeedsLocks`.
        """

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        """At most `limit` live resources that refer to `key` through one of the parameters, or through none at all.

        No new referrer can be committed before this transaction ends. A buffered transaction raises `NeedsLocks`.
        """

    async def write(self, draft: Draft) -> None:
        """Put a version into the transaction. One draft a key."""

    async def note_file(self, sha256: str) -> bool:
        """Record an imported file along with what it holds; False when it was recorded before."""

    async def trace(self, trace: Trace) -> None:
        """Keep a trace in the audit log, with the commit. Only a transaction that writes takes any."""

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        """Let these be all the ties of a person, from the commit on. A buffered transaction raises `NeedsLocks`."""

    async def invite(self, invitation: Invitation) -> None:
        """Let this be the one invitation of its person, from the commit on. A buffered transaction raises `NeedsLocks`.

        So do the two that follow.
        """

    async def uninvite(self, person: Key) -> bool:
        """Take back the invitation of a person; whether there was one that was open."""

    async def redeem(self, digest: bytes, account: Account) -> Key | None:
        """Let somebody be the person whom an invitation is for, and use it up; None: it is not open any more.

        Raises `Conflict` when the account is somebody else already, or the person has one with this issuer.
        """

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        """Forget resources for good, each for its reason, with all their versions: those of them that are deleted.

        `person`: one of them, with whom goes whatever else of theirs alone was deleted before. Gives what is gone, of
        which a tombstone stays. After all that the transaction deletes; a buffered one raises `NeedsLocks`.
        """

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        """Give a resource and all its versions the stamp that `change` makes of the one it has when this commits.

        That may be one that this transaction itself gives it. It makes no version, and does nothing to a resource that
        is not there. Reads of this transaction do not show it. A buffered transaction raises `NeedsLocks`.
        """

    async def stamp(self) -> int:
        """The moment to stamp this transaction's versions with, in µs: never before an already shown watermark."""


class ResourceStore(Reader, Protocol):
    hasher: Hasher

    @property
    def definitions(self) -> Keeper:
        """Which search parameters are in force."""

    @property
    def codes(self) -> LargeSystems:
        """The large code systems that were loaded."""

    def within(self, view: View | None, trace: Foretold | None = None) -> Reader:
        """A reader for whom there is nothing but what the view shows; None: everything.

        `trace`: of the read that it is for. It may be written in the statement that reads, which it then says itself.
        """

    def begin(
        self, *, interactive: bool = False, view: View | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that reads within the view, committed when the block ends without an exception, else undone.

        Leaving the block raises `Stale`, `Missing` or `Referenced` when the commit is refused, `Unavailable` when
        the database is away. What was written is durable once the block has ended.
        """

    def new_id(self) -> str:
        """An id for a new resource, unique, time-ordered."""

    async def noted(self, sha256: str) -> bool:
        """Whether a file was recorded with `note_file`."""

    async def tried(self, digest: bytes) -> Key | None:
        """Whom an open invitation is for, one try of which is used up with this question; None: there is none."""

    def volunteer(self) -> None:
        """Offer this process for the work of the background."""

    @property
    def leading(self) -> bool:
        """Whether this process is the one, of all on the database, that does that work."""

    async def index_words(self) -> bool:
        """Make searches for the words and texts of what was written lately cheaper; whether there is more to do."""

    async def ready(self) -> bool:
        """Whether the database answers."""

    async def close(self) -> None:
        """Finish what is in flight and let go of every connection."""
