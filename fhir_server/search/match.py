"""Whether a resource is what a query asks for, judged on its index entries: the oracle of the database's SQL.

It reads the same hashes and folded texts as the database, so both can be compared answer by answer: also that of a text
only the first 200 characters count. What an index cannot decide (`:exact`, words of the narrative) is decided on the
resource where the caller gives it, and what is said of other resources (chains, `_has`, `_list`) where it says what is
around.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final, Protocol

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import STRING_LENGTH, Entries, Hasher
from fhir_server.search.folding import cut, fold
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Coded,
    Dates,
    Has,
    Ids,
    Listed,
    Missing,
    Name,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Quantities,
    QuantityValue,
    Query,
    References,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
    Updated,
    Visible,
    Words,
)
from fhir_server.search.sight import Sight
from fhir_server.search.spans import agrees
from fhir_server.search.texts import texts_of
from fhir_server.search.words import expression_of, says

EARTH_METRES: Final = 6_371_008.8  # its mean radius


class Known(Protocol):
    """A live resource, as far as a search looks at it."""

    @property
    def key(self) -> Key: ...

    @property
    def updated(self) -> int:
        """µs."""

    @property
    def entries(self) -> Entries: ...

    @property
    def tree(self) -> Tree | None:
        """None: what only the body tells is taken for true."""


class Around(Protocol):
    """The other resources."""

    def at(self, key: Key) -> Known | None:
        """The one of this key."""

    def pointing(self, seed: int, key: Key) -> Iterable[Known]:
        """Those that point to `key` by the reference parameter of this seed."""

    def sees(self, sight: Sight, resource: Known) -> bool:
        """Whether whoever has the sight sees a resource."""


class _Nobody:
    """There are no others."""

    def at(self, key: Key) -> Known | None:
        return None

    def pointing(self, seed: int, key: Key) -> Iterable[Known]:
        return ()

    def sees(self, sight: Sight, resource: Known) -> bool:
        return True


NOBODY: Final = _Nobody()


@immutable
class _Given:
    key: Key
    updated: int
    entries: Entries
    tree: Tree | None


def matches(
    query: Query,
    entries: Entries,
    *,
    key: Key,
    updated: int,
    hasher: Hasher,
    tree: Tree | None = None,
    around: Around = NOBODY,
    parameters: Parameters = CORE,
) -> bool:
    """Whether the resource `key`, stamped `updated` (µs), meets every predicate of `query`.

    Without `tree`, what the index cannot decide is judged as the index alone would: perhaps true.
    """
    if query.types and key.type not in query.types:
        return False
    judge, resource = _Judge(hasher, around, parameters, query.sight), _Given(key, updated, entries, tree)
    return all(judge.holds(predicate, resource) for predicate in query.where)


def needs_body(query: Query) -> bool:
    """Whether a hit in the index must still be judged on the resource itself."""
    return any(map(_undecided, query.where))


def _undecided(predicate: Predicate) -> bool:
    match predicate:
        case Strings(_, values):
            return any(value.mode == "exact" for value in values)
        case Words():
            return True
        case Not(inner):
            return _undecided(inner)
        case AnyOf(several) | AllOf(several):
            return any(map(_undecided, several))
        case _:
            return False


@immutable
class _Judge:
    hasher: Hasher
    around: Around
    parameters: Parameters
    sight: Sight | None

    def holds(self, predicate: Predicate, resource: Known) -> bool:
        match predicate:
            case AllOf(several):
                return all(self.holds(one, resource) for one in several)
            case AnyOf(several):
                return any(self.holds(one, resource) for one in several)
            case Not(inner):
                return not self.holds(inner, resource)
            case Nothing():
                return False
            case Visible():
                return self.sight is None or self.around.sees(self.sight, resource)
            case Ids(ids):
                return resource.key.id in ids
            case OfTypes(types):
                return resource.key.type in types
            case Updated(values):
                # The stamp is written in milliseconds: it covers the one it names.
                span = resource.updated, resource.updated + 1000
                return any(agrees(v.prefix, v.low, v.high, span) for v in values)
            case Words(part, text):
                return resource.tree is None or _says(text, resource.tree, part)
            case Chain(link, target, inner):
                return any(self.holds(inner, other) for other in self._linked(resource, link, target))
            case Has(link, inner):
                found = self.around.pointing(self._seed(link), resource.key)
                return any(self.holds(inner, other) for other in found)
            case Listed(key):
                listing = self.around.at(key)
                seen = listing is not None and self.holds(Visible(), listing)
                return listing is not None and seen and resource.key in self._listed(listing)
            case Coded():
                raise ValueError("Terminology has not been asked yet")
            case _:
                return self._has(predicate, resource)

    def _has(
        self,
        predicate: Tokens | References | Strings | Dates | Quantities | Terms | Near | Missing,
        resource: Known,
    ) -> bool:
        """Whether an index row of the resource is what the predicate describes."""
        seed, entries = self._seed(predicate.name), resource.entries
        match predicate:
            case Tokens(_, values):
                return any(self._has_token(entries, value, seed) for value in values)
            case References(_, keys, others):
                hasher = self.hasher
                wanted = {hasher.reference(seed, hasher.self_of(target)) for target in keys}
                wanted |= {hasher.code(seed, text) for text in others}
                return any(row in wanted for row, _ in entries.tokens)
            case Strings(name, values):
                texts = [text for row, text in entries.strings if row == seed]
                return any(self._has_text(texts, value, name, resource) for value in values)
            case Terms(_, values):
                texts = [text for row, text, _ in entries.terms if row == seed]
                return any(_has_term(texts, value) for value in values)
            case Dates(_, values):
                spans = [(low, high) for row, low, high in entries.dates if row == seed]
                return any(agrees(v.prefix, v.low, v.high, span) for v in values for span in spans)
            case Quantities(_, values):
                return any(self._has_quantity(entries, value, seed) for value in values)
            case Near(_, latitude, longitude, metres):
                places = [(north, east) for row, _, north, east in entries.quantities if row == seed]
                return any(distance(latitude, longitude, *place) <= metres for place in places)
            case Missing(_, missing):
                return (seed not in entries.present) == missing

    def _has_token(self, entries: Entries, value: TokenValue, seed: int) -> bool:
        hasher = self.hasher
        if value.code is None:
            return hasher.system(seed, value.system or "") in entries.present
        row = hasher.folded(seed, value.code) if value.folded else hasher.code(seed, value.code)
        if value.system is None:
            return any(row == key for key, _ in entries.tokens)
        return (row, hasher.space(value.system)) in entries.tokens

    def _has_text(self, texts: list[str], value: StringValue, name: Name, resource: Known) -> bool:
        match value.mode:
            case "contains":
                return any(value.text in text for text in texts)
            case "starts":
                return any(text.startswith(value.text[:STRING_LENGTH]) for text in texts)
            case "exact":
                if cut(value.text) not in texts:
                    return False
                return resource.tree is None or value.text in self._written(resource.tree, name)
            case "is":
                return value.text[:STRING_LENGTH] in texts
            case "ends":
                return any(text.endswith(value.text) for text in texts)

    def _written(self, tree: Tree, name: Name) -> Iterator[str]:
        """The values of a string parameter as they stand in the resource, or in those of a type that are inside it."""
        _, inside, inner = name.type.partition("#")
        for one in _inner(tree, inner) if inside else (tree,):
            yield from texts_of(one, name.code, self.parameters)

    def _has_quantity(self, entries: Entries, value: QuantityValue, seed: int) -> bool:
        unit = self.hasher.space(value.unit)
        return any(
            _compares(value, low, high)
            for row, of, low, high in entries.quantities
            if row == seed and of == unit
        )

    def _linked(self, resource: Known, link: Name, target: str) -> Iterator[Known]:
        seed = self._seed(link)
        for row, key in resource.entries.references:
            if row == seed and key.type == target and (other := self.around.at(key)):
                yield other

    def _listed(self, listing: Known) -> set[Key]:
        """What a List holds and has not marked as deleted."""
        seed = self._seed(Name("List", "item"))
        held = {key for row, key in listing.entries.references if row == seed}
        if listing.tree is None:
            return held
        texts = [
            entry["item"]["reference"].partition("/_history/")[0]
            for entry in listing.tree.get("entry", ())
            if entry.get("deleted") is not True and "reference" in entry["item"]
        ]
        return {key for key in held if any(f"/{text}".endswith(f"/{key}") for text in texts)}

    def _seed(self, name: Name) -> int:
        return self.hasher.seed(name.type, name.code)


def _inner(value: Any, resource_type: str) -> Iterator[Tree]:
    match value:
        case dict():
            if value.get("resourceType") == resource_type:
                yield value
            for child in value.values():
                yield from _inner(child, resource_type)
        case list():
            for child in value:
                yield from _inner(child, resource_type)


def _has_term(texts: list[str], value: StringValue) -> bool:
    match value.mode:
        case "contains":
            return any(value.text in text for text in texts)
        case "starts":
            return any(text.startswith(value.text) for text in texts)
        case "exact" | "is":
            return value.text in texts
        case "ends":
            return any(text.endswith(value.text) for text in texts)


def _compares(asked: QuantityValue, low: float, high: float) -> bool:
    """Whether a number that is somewhere in [low, high], mostly a point, is what a prefix asks for.

    https://hl7.org/fhir/R4/search.html#prefix
    """
    within = asked.low <= low and (high < asked.high or asked.low == asked.high == high)
    match asked.prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return high > asked.value
        case "ge":
            return high >= asked.value
        case "lt":
            return low < asked.value
        case "le":
            return low <= asked.value
        case "sa":
            return low > asked.value
        case "eb":
            return high < asked.value
        case "ap":
            return low <= asked.high and asked.low <= high


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two positions (degrees), along a great circle."""
    north, other_north = radians(latitude), radians(other_latitude)
    rise = sin((other_north - north) / 2) ** 2
    turn = sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_METRES * asin(min(1.0, sqrt(rise + cos(north) * cos(other_north) * turn)))


_TAG: Final = re.compile(r"<[^>]*>")


def _says(asked: str, tree: Tree, part: str) -> bool:
    """What a language does to the ends of words is known to the database alone."""
    expression = expression_of(asked)
    told = tree.get("text", {}).get("div", "") if part == "narrative" else tree
    return expression is not None and says(expression, fold(" ".join(_texts(told))).split())


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield unescape(_TAG.sub(" ", value)) if value.startswith("<") else value
        case dict():
            for child in value.values():
                yield from _texts(child)
        case list():
            for child in value:
                yield from _texts(child)
