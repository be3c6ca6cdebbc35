"""What terminology knows becomes tokens: `:in` the codes of a value set, `:below` and `:above` those of a hierarchy.

Parsing leaves `Coded` in the tree of a query, because only here somebody may be asked: the definitions in force on this
server, of which stored ones come first, and the large code systems in its database. What cannot be answered exactly is
refused: a search with half of the codes would hide patients, and one by `:not-in` show those that it must not.

https://hl7.org/fhir/R4/search.html#token · https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.errors import FhirError, Malformed, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from fhir_server.search.cases import is_sensitive
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Coded,
    Has,
    Name,
    Not,
    Nothing,
    Predicate,
    Query,
    Tokens,
    TokenValue,
)
from profiles.registry import Registry
from terminology.desk import answered
from terminology.errors import NoAnswer, UnknownDefinition
from terminology.expansion import MOST_CODES, expand
from terminology.grammars import Grammar
from terminology.large import LargeSystems
from terminology.library import Library
from terminology.stock import stock_of
from terminology.systems import System
from terminology.systems import Tree as Definition

T = TypeVar("T")


class Version(Protocol):
    """A stored resource. See `store/contract.py`."""

    @property
    def body(self) -> bytes: ...

    @property
    def deleted(self) -> bool: ...


class Reader(Protocol):
    """Who reads the resources of this server: a store, or a transaction."""

    async def read(self, key: Key) -> Version | None: ...


async def settled(
    query: Query, reader: Reader, registry: Registry = SHIPPED, large: LargeSystems | None = None
) -> Query:
    """The query with `Tokens` in the place of every `Coded`; itself if there is none.

    `registry`: the definitions in force. `large`: the code systems in the database.

    Raises `Malformed` for a value set, or a hierarchy, that is not known; `Unprocessable` for a value set whose codes
    cannot be listed.
    """
    if not any(map(_asks, query.where)):
        return query
    work = _Settling(reader, Library(stock_of(registry), large=large))
    return replace(query, where=tuple([await work.predicate(one) for one in query.where]))


def _asks(predicate: Predicate) -> bool:
    match predicate:
        case Coded():
            return True
        case Not(inner) | Chain(_, _, inner) | Has(_, inner):
            return _asks(inner)
        case AnyOf(of) | AllOf(of):
            return any(map(_asks, of))
        case _:
            return False


@dataclass(slots=True)
class _Settling:
    """One query. The same question, asked for several types, is answered once."""

    reader: Reader
    library: Library
    answers: dict[tuple[str, str | None, str], tuple[TokenValue, ...]] = field(default_factory=dict)

    async def predicate(self, predicate: Predicate) -> Predicate:
        match predicate:
            case Coded():
                values = await self._values(predicate)
                return Tokens(predicate.name, values) if values else Nothing()
            case Not(inner):
                return Not(await self.predicate(inner))
            case Chain(link, target, inner):
                return Chain(link, target, await self.predicate(inner))
            case Has(link, inner):
                return Has(link, await self.predicate(inner))
            case AnyOf(of):
                return _joined([await self.predicate(one) for one in of])
            case AllOf(of):
                return AllOf(tuple([await self.predicate(one) for one in of]))
            case _:
                return predicate

    async def _values(self, coded: Coded) -> tuple[TokenValue, ...]:
        question = coded.relation, coded.system, coded.code
        if question not in self.answers:
            pairs = (
                await self._listed(coded)
                if coded.relation == "in"
                else await self._related(coded, coded.system or "")
            )
            self.answers[question] = tuple(dict.fromkeys(_value(*pair) for pair in pairs))
        return self.answers[question]

    async def _listed(self, coded: Coded) -> list[tuple[str, str]]:
        tree = await self._value_set(coded)
        try:
            return (await self._answered(lambda: expand(tree, self.library))).pairs()
        except NoAnswer as reason:
            raise _refusal(coded, reason) from None

    async def _value_set(self, coded: Coded) -> Definition:
        """By canonical URL, which may look like an address here; else by the address."""
        try:
            return self.library.value_set(coded.code)
        except UnknownDefinition:
            stored = await self.reader.read(coded.key) if coded.key else None
            if stored is not None and not stored.deleted:
                return decode(stored.body)
        except NoAnswer as reason:
            raise _refusal(coded, reason) from None
        raise Malformed(f"{_place(coded)} names a value set that is not known here", code="not-found")

    async def _related(self, coded: Coded, system: str) -> list[tuple[str, str]]:
        if not system:
            raise Malformed(f"{_place(coded)} needs the code with its system: system|code", code="value")
        try:
            codes = await self._answered(lambda: self._around(coded, system))
        except NoAnswer as reason:
            raise _refusal(coded, reason) from None
        if len(codes) > MOST_CODES:
            raise Unprocessable(f"{_place(coded)} means more than {MOST_CODES:,} codes", code="too-costly")
        return [(system, code) for code in codes]

    def _around(self, coded: Coded, system: str) -> list[str]:
        known = self.library.system(system)
        if known is None or isinstance(known, Grammar) or not known.complete:
            raise Malformed(
                f"{_place(coded)} cannot be answered: the hierarchy of the code system is not known here",
                code="not-supported",
            )
        concept = known.find(coded.code)
        if concept is None:
            return [coded.code]
        if isinstance(known, System):
            return known.below(concept.code) if coded.relation == "below" else known.above(concept.code)
        return known.related(concept.code, "below" if coded.relation == "below" else "above")

    async def _answered(self, attempt: Callable[[], T]) -> T:
        return await answered(attempt, self.library.desk)


def _value(system: str, code: str) -> TokenValue:
    """As the rows of coded elements are kept."""
    if is_sensitive(system):
        return TokenValue(system, code)
    return TokenValue(system, code.casefold(), True)


def _joined(of: Sequence[Predicate]) -> Predicate:
    """Alternatives about the same rows are one predicate, which can be a source of candidates."""
    tokens: dict[Name, dict[TokenValue, None]] = {}
    others = []
    for one in of:
        if isinstance(one, Tokens):
            tokens.setdefault(one.name, {}).update(dict.fromkeys(one.values))
        elif not isinstance(one, Nothing):
            others.append(one)
    found = [*(Tokens(name, tuple(values)) for name, values in tokens.items()), *others]
    if not found:
        return Nothing()
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _place(coded: Coded) -> str:
    return f"The search parameter '{coded.name.code}' of {coded.name.type} with ':{coded.relation}'"


def _refusal(coded: Coded, reason: NoAnswer) -> FhirError:
    code = reason.code if reason.code == "too-costly" else "not-supported"
    return Unprocessable(f"{_place(coded)}: the codes of the value set cannot be listed; {reason}", code=code)
