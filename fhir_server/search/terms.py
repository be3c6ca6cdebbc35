"""What terminology knows becomes tokens: `:in` the codes of a value set, `:below` and `:above` those of a hierarchy.

Parsing leaves `Coded` in the tree of a query, because only here somebody may be asked. First come the value sets and
code systems stored on this server, then those of R4. What cannot be answered exactly is refused: a search with half of
the codes would hide patients, and one by `:not-in` show those that it must not.

https://hl7.org/fhir/R4/search.html#token · https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from fhir_server.definitions.parameters import parameters_of
from fhir_server.kernel.errors import FhirError, Malformed, Unprocessable
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.wire import Tree, decode
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
from terminology import sources
from terminology.errors import NoAnswer, TooManyCodes
from terminology.expansion import MOST_CODES, expand
from terminology.systems import System

_VERSIONS: Final = 100  # of one URL, among which the newest is looked for
_NUMBERS: Final = re.compile(r"\d+|\D+")


class Version(Protocol):
    """A stored resource. See `store/contract.py`."""

    @property
    def body(self) -> bytes: ...

    @property
    def deleted(self) -> bool: ...


class Found(Protocol):
    @property
    def items(self) -> Sequence[Version]: ...


class Reader(Protocol):
    """Who reads the resources of this server: a store, or a transaction."""

    async def read(self, key: Key) -> Version | None: ...

    async def search(self, query: Query) -> Found: ...


async def settled(query: Query, reader: Reader) -> Query:
    """The query with `Tokens` in the place of every `Coded`; itself if there is none.

    Raises `Malformed` for a value set, or a hierarchy, that is not known; `Unprocessable` for a value set whose codes
    cannot be listed.
    """
    if not any(map(_asks, query.where)):
        return query
    work = _Settling(Known(reader))
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


class Known:
    """Value sets and code systems by canonical URL: those of this server, then those of R4.

    See `terminology.expansion.Definitions`.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def value_set(self, canonical: str) -> Tree | None:
        """Also by `ValueSet/id`."""
        name = canonical.removeprefix("ValueSet/")
        if name != canonical and is_id(name):
            stored = await self._reader.read(Key("ValueSet", name))
            return None if stored is None or stored.deleted else decode(stored.body)
        found = await self._stored("ValueSet", canonical) or sources.value_set(canonical)
        return None if found is None else dict(found)

    async def code_system(self, canonical: str) -> System | None:
        tree = await self._stored("CodeSystem", canonical)
        return sources.code_system(canonical) if tree is None else System(tree)

    async def _stored(self, type: str, canonical: str) -> Tree | None:
        """The one in use, then the newest, of those stored here."""
        url, _, version = canonical.partition("|")
        name = Name(type, parameters_of(type)["url"].rows)
        page = await self._reader.search(
            Query((type,), (Tokens(name, (TokenValue(None, url),)),), count=_VERSIONS)
        )
        trees = [decode(item.body) for item in page.items]
        trees = [tree for tree in trees if version in {"", tree.get("version", "")}]
        return max(trees, key=_newness, default=None)


def _newness(tree: Tree) -> tuple[bool, list[tuple[int, str]], str, str]:
    """Versions are compared number by number, so that 10 comes after 9."""
    parts = _NUMBERS.findall(str(tree.get("version", "")))
    version = [(int(part[:18]), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]
    stamp = tree.get("meta", {}).get("lastUpdated", "")
    return tree.get("status") == "active", version, tree.get("date", ""), stamp


@dataclass(slots=True)
class _Settling:
    """One query. The same question, asked for several types, is answered once."""

    known: Known
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
        tree = await self.known.value_set(coded.code)
        if tree is None:
            raise Malformed(f"{_place(coded)} names a value set that is not known here", code="not-found")
        try:
            return (await expand(tree, self.known)).pairs()
        except NoAnswer as reason:
            raise _refusal(coded, reason) from None

    async def _related(self, coded: Coded, system: str) -> list[tuple[str, str]]:
        if not system:
            raise Malformed(f"{_place(coded)} needs the code with its system: system|code", code="value")
        known = await self.known.code_system(system)
        if known is None or not known.complete:
            raise Malformed(
                f"{_place(coded)} cannot be answered: the hierarchy of the code system is not known here",
                code="not-supported",
            )
        concept = known.find(coded.code)
        if concept is None:
            return [(system, coded.code)]
        codes = known.below(concept.code) if coded.relation == "below" else known.above(concept.code)
        if len(codes) > MOST_CODES:
            raise Unprocessable(f"{_place(coded)} means more than {MOST_CODES:,} codes", code="too-costly")
        return [(system, code) for code in codes]


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
    code = "too-costly" if isinstance(reason, TooManyCodes) else "not-supported"
    return Unprocessable(f"{_place(coded)}: the codes of the value set cannot be listed; {reason}", code=code)
