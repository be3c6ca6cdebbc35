"""What is tested for equality, as SQL: keys and spaces of tokens, references and uris, and `self` of resources.

Hashes are taken from each query when the statement is filled in; what is the same for all queries of a shape, such as
the number of a parameter, is put in when it is composed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Name, References, Tokens
from fhir_server.store.binding import Kind, Parameters, Parts
from fhir_server.store.nodes import Leaf
from fhir_server.store.numbers import SEVERAL_VALUES
from fhir_server.store.shapes import ONE_PAIR, references_form, tokens_form


class Keys:
    """The parameters of a statement in the making, and those that are hashes."""

    def __init__(self, types: tuple[str, ...], hasher: Hasher) -> None:
        self.parameters = Parameters()
        self.common: list[str] = []  # common table expressions, which come first
        self.types = types
        self.hasher = hasher
        self._pairs: dict[int, tuple[str, str]] = {}  # by place: a statement may ask for one several times

    def single(self, leaves: Sequence[Leaf]) -> tuple[str, str] | None:
        """Key and space, if there is one pair and it is known."""
        if len(leaves) != 1:
            return None
        ((predicate, place),) = ((leaf.predicate, leaf.place) for leaf in leaves)
        if place not in self._pairs:
            match predicate:
                case Tokens() if tokens_form(predicate) == ONE_PAIR:
                    self._pairs[place] = self._token_pair(predicate, place)
                case References() if references_form(predicate) == ONE_PAIR:
                    self._pairs[place] = self._reference(predicate, place), self.bind("bigint", 0)
        return self._pairs.get(place)

    def _token_pair(self, tokens: Tokens, place: int) -> tuple[str, str]:
        hasher, seed = self.hasher, self.number(tokens.name)

        def key(parts: Parts) -> int:
            value = parts[place].values[0]
            return hasher.folded(seed, value.code) if value.folded else hasher.code(seed, value.code)

        return (
            self.bind_taken("bigint", key),
            self.bind_taken("bigint", lambda parts: hasher.space(parts[place].values[0].system)),
        )

    def _reference(self, references: References, place: int) -> str:
        hasher, seed = self.hasher, self.number(references.name)

        def key(parts: Parts) -> int:
            found: References = parts[place]
            if found.keys:
                return hasher.reference(seed, hasher.self_of(found.keys[0]))
            return hasher.code(seed, found.others[0])

        return self.bind_taken("bigint", key)

    def pairs(self, leaves: Sequence[Leaf]) -> str:
        """A relation of keys and spaces. A code of any system has the spaces that the index knows of."""
        parts = []
        forms = [_form(leaf) for leaf in leaves]
        if any("k" in form or form == ONE_PAIR for form in forms):
            keys, spaces = self.bind_all(("bigint[]", "bigint[]"), self._known(leaves))
            parts.append(f"select * from unnest({keys}, {spaces}) p(key, space)")
        if any("o" in form for form in forms):
            name = f"pairs{len(self.common)}"
            some = self.bind_taken("bigint[]", self._open(leaves))
            # A walk over the distinct spaces of a key: one probe for each.
            self.common.append(
                f"""{name}(key, space) as (
                select o.key, (select min(e.space) from entry e where e.key = o.key) from unnest({some}) o(key)
                union all
                select p.key, (select min(e.space) from entry e where e.key = p.key and e.space > p.space)
                from {name} p where p.space is not null)"""
            )
            parts.append(f"select key, space from {name} where space is not null")
        return f"({' union '.join(parts)} offset 0)"

    def _known(self, leaves: Sequence[Leaf]) -> Callable[[Parts], tuple[list[int], list[int]]]:
        """Keys and spaces, for the values that say of which system they are."""
        hasher = self.hasher
        seeds = [(leaf.place, self.number(_name(leaf))) for leaf in leaves]

        def take(parts: Parts) -> tuple[list[int], list[int]]:
            found: dict[tuple[int, int], None] = {}
            for place, seed in seeds:
                predicate: Tokens | References = parts[place]
                if isinstance(predicate, References):
                    for target in predicate.keys:
                        found[hasher.reference(seed, hasher.self_of(target)), 0] = None
                    for text in predicate.others:
                        found[hasher.code(seed, text), 0] = None
                    continue
                for value in predicate.values:
                    if value.system is not None and value.code is not None:
                        key = (
                            hasher.folded(seed, value.code) if value.folded else hasher.code(seed, value.code)
                        )
                        found[key, hasher.space(value.system)] = None
            return [key for key, _ in found], [space for _, space in found]

        return take

    def _open(self, leaves: Sequence[Leaf]) -> Callable[[Parts], list[int]]:
        """Keys, for the values that may be of any system."""
        hasher = self.hasher
        seeds = [
            (leaf.place, self.number(leaf.predicate.name))
            for leaf in leaves
            if isinstance(leaf.predicate, Tokens)
        ]

        def take(parts: Parts) -> list[int]:
            found = {
                hasher.folded(seed, value.code) if value.folded else hasher.code(seed, value.code)
                for place, seed in seeds
                for value in parts[place].values
                if value.system is None and value.code is not None
            }
            return list(found)

        return take

    def keys(self, leaves: Sequence[Leaf]) -> str:
        """All the keys, of whatever space."""
        known, some = self._known(leaves), self._open(leaves)
        return self.bind_taken("bigint[]", lambda parts: [*known(parts)[0], *some(parts)])

    def selves(self, place: int, types: tuple[str, ...]) -> str:
        """What `self` resources of these types and of the ids have."""
        hasher = self.hasher
        if len(types) == 1:
            (only,) = types
            return self.bind_taken(
                "bigint[]", lambda parts: [hasher.self_of(Key(only, one)) for one in parts[place].ids]
            )
        return self.bind_taken(
            "bigint[]",
            lambda parts: [hasher.of(f"{kind}/{one}") for one in parts[place].ids for kind in types],
        )

    def listed(self, place: int) -> str:
        return self.bind_taken("bigint[]", lambda parts: parts[0].listed[parts[place].key])

    def several(self, name: Name) -> int:
        """`key` of the entry that resources with several values of a date parameter have."""
        return self.hasher.reference(self.hasher.seed(*SEVERAL_VALUES), self.number(name))

    def number(self, name: Name) -> int:
        return self.hasher.seed(name.type, name.code)

    def seed(self, name: Name) -> str:
        return self.bind("bigint", self.number(name))

    def bind(self, kind: Kind, value: object) -> str:
        """The same for every query of the shape."""
        return self.parameters.constant(kind, value)

    def bind_taken(self, kind: Kind, take: Callable[[Parts], Any]) -> str:
        """Taken from each query."""
        return self.parameters.taken(kind, take)

    def bind_all(self, kinds: Sequence[Kind], take: Callable[[Parts], Any]) -> list[str]:
        return self.parameters.taken_all(kinds, take)


def _form(leaf: Leaf) -> str:
    match leaf.predicate:
        case Tokens() as tokens:
            return tokens_form(tokens)
        case References() as references:
            return references_form(references)
        case _:
            raise ValueError("Not a predicate of keys")


def _name(leaf: Leaf) -> Name:
    assert isinstance(leaf.predicate, Tokens | References)
    return leaf.predicate.name
