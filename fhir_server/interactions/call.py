"""A request and its answer as values, independent of HTTP.

An HTTP request becomes a `Call`; so does every entry of a Bundle, so will a document that arrives by secure mail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Literal, Protocol

from fhir_server.access.authority import Authority
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.guessing import Guesses
from fhir_server.access.standing import Warrant
from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.issues import Issue, Language
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries
from fhir_server.search.sight import UNSTAMPED, Stamp
from fhir_server.store.contract import Method, ResourceStore, Transaction
from fhir_server.validation.standards import Standards
from profiles.registry import Registry
from terminology.codes import KnownCodes
from terminology.membership import Codes
from terminology.stock import stock_of


class Action(StrEnum):
    """FHIR's interaction codes. https://hl7.org/fhir/R4/valueset-restful-interaction.html"""

    READ = "read"
    VREAD = "vread"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    HISTORY = "history"
    SEARCH = "search"
    BUNDLE = "bundle"  # batch or transaction: the Bundle says which
    CAPABILITIES = "capabilities"
    OPERATION = "operation"


Return = Literal["", "minimal", "representation", "OperationOutcome"]
Handling = Literal["", "strict", "lenient"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Headers that make a request conditional or say what to answer. Empty strings: not given."""

    if_match: str = ""  # as sent: `W/"3"`
    if_none_match: str = ""  # as sent, may be a list or `*`
    if_modified_since: str = ""  # an HTTP date
    if_none_exist: str = ""  # a query string, without `?`
    prefer_return: Return = ""
    prefer_handling: Handling = ""


NONE = Conditions()


@immutable
class Call:
    """One request. `type` without `id` and with `query` is conditional for UPDATE, PATCH and DELETE."""

    action: Action
    type: str | None = None
    id: str | None = None
    version: str | None = None  # vread: as sent
    query: str = ""  # as received, still percent-encoded; for SEARCH, a POSTed form is joined with `&`
    body: bytes = b""  # FHIR JSON, or the patch
    media_type: str = ""  # of the body, for PATCH: `application/json-patch+json` or `application/fhir+json`
    tree: Tree | None = None  # the parsed body, where the caller has it already (Bundle entries)
    conditions: Conditions = NONE
    compartment: Key | None = None  # SEARCH inside a compartment; `type` None: every type
    operation: str = ""  # `$everything`
    safe: bool = False  # asked by GET or HEAD: an operation may change nothing then
    files: tuple[str, ...] = ()  # SHA-256s of what a transaction is the content of: performed once for ever
    base: str = ""  # the public base URL that this request came to, without a slash at the end
    language: Language = "en"  # of the sentences in its answer
    caller: Caller = ANYONE
    address: str = ""  # of the network, whence it came
    request: str = ""  # the id that logs, traces and the answer have for it
    provenance: bytes = b""  # FHIR JSON: where what is written comes from, as the client says it


@immutable
class Change:
    """One written version, as observers and audit will be shown it.

    `tree` is None for a deletion, `before` for a creation. `previous`: the stamp of `before`, where there are stamps.
    """

    key: Key
    version: int
    method: Method
    tree: Tree | None
    before: Tree | None = None
    stamp: Stamp = UNSTAMPED
    warrant: Warrant = ""  # of an operation: see `access.standing.Write`
    previous: Stamp | None = None


@immutable
class Reply:
    """One answer. The web layer turns `key`, `version` and `updated` into Location, ETag and Last-Modified."""

    status: int
    body: bytes = b""  # FHIR JSON; empty: none
    key: Key | None = None
    version: int | None = None
    updated: int | None = None  # µs
    changes: tuple[Change, ...] = ()
    persons: tuple[
        Key, ...
    ] = ()  # whom it was about, where neither address nor changes say so: for the trace
    issues: tuple[Issue, ...] = ()  # remarks on a success, shown when `Prefer: return=OperationOutcome`
    allow: tuple[str, ...] = ()


@immutable
class Offered:
    """An operation, as the CapabilityStatement lists it."""

    name: str  # `everything`
    definition: str  # canonical URL
    types: tuple[str, ...]  # that it works on, alone or all of them; `Resource`: every one; may be empty
    system: bool  # whether it works on the whole system


@dataclass(frozen=True, slots=True)
class Limits:
    """What a handler must know of the settings."""

    max_entries: int = 10_000
    page: int = 20
    max_page: int = 1000
    client_ids: bool = True  # update may create
    references: bool = True  # a local reference must exist
    delete_many: bool = True  # conditional delete may delete several
    max_bytes: int = 50_000_000
    explain: bool = False  # whoever asks may see how a search is done
    definitions: bool = True  # clients may write definitions to judge and search by
    emergencies: int = 20  # accesses that one caller may take in an hour
    invitation_days: int = 7  # that a citizen has to bring back the code of an invitation


class Judge(Protocol):
    def __call__(self, tree: Tree, /) -> list[Issue]:
        """What is wrong with a resource; empty when nothing is."""


class Extractor(Protocol):
    def __call__(self, tree: Tree, base: str, /, parameters: Parameters | None = None) -> Entries:
        """The index rows of a resource; references to `base` count as local. `parameters` None: those in force."""


@dataclass(frozen=True, slots=True)
class Server:
    """The parts that handlers use, put together in `app.py`."""

    store: ResourceStore
    judge: Judge
    judge_shell: Judge  # a Bundle without the resources of its entries
    extract: Extractor
    limits: Limits = field(default_factory=Limits)
    operations: tuple[Offered, ...] = ()  # sorted by name
    standards: Standards = field(default_factory=Standards)
    access: Authority | None = None  # who may see and do what; None: everybody may do everything
    # How often a person may be presented wrongly.
    guesses: Guesses = field(default_factory=partial(Guesses, 0))
    coming: Mapping[Key, Tree] = field(default_factory=dict)  # what the same transaction is about to write
    born: frozenset[Key] = frozenset()  # of that, what comes into being under an id that the server made

    @property
    def parameters(self) -> Parameters:
        """The search parameters in force."""
        return self.store.definitions.current.parameters

    @property
    def registry(self) -> Registry:
        """The definitions in force."""
        return self.store.definitions.current.registry

    def codes(self) -> Codes:
        """Whoever answers questions about codes, for one asker."""
        return KnownCodes(stock_of(self.registry), self.store.codes)


Handler = Callable[[Call, Transaction, Server], Awaitable[Reply]]
