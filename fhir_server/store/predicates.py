"""Predicates of a query as SQL conditions on a candidate.

A candidate is a row of `resource`, or a row with its `pk` and perhaps its `moment`. A condition is an `exists`, a few
index probes for each candidate; `offset 0` keeps the planner from making a join of its own choice out of it. Chains and
`_has` go on from there to other candidates, of which the same is asked. Values are parameters and alternatives are
arrays, so that there are few texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Final, TypeAlias

from fhir_server.search.entries import Hasher
from fhir_server.search.match import EARTH_METRES
from fhir_server.search.query import (
    Dates,
    Ids,
    Listed,
    Missing,
    Near,
    Nothing,
    OfTypes,
    Quantities,
    References,
    Strings,
    Terms,
    Tokens,
    Updated,
    Visible,
    Words,
)
from fhir_server.store.binding import Kind
from fhir_server.store.bodies import Paths
from fhir_server.store.comparisons import (
    any_of,
    numbers,
    spans,
)
from fhir_server.store.nodes import Back, Every, Leaf, Link, Node, Some, Unless, equal_leaves
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.shapes import ONE_PAIR, prefixes_of, tokens_form
from fhir_server.store.sighted import Sighted
from fhir_server.store.texts import exists

MANY_TERMS: Final = 16  # keys; from here on a set of all that have one is made, instead of a probe for each
SET_AT_ONCE: Final = 20_000  # resources: those of so many are kept as a set while many candidates are asked


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a condition is about: an alias, and what is known of it."""

    types: tuple[str, ...]  # it is of one of these; (): of any
    alias: str = "c"
    row: bool = False  # it is a row of `resource`
    joined: str = ""  # or else an alias of its row, if that is at hand
    moment: bool = False  # it has the moment
    many: bool = False  # it is one of so many that to be asked should be cheap, at some cost before the first


@dataclass(frozen=True, slots=True)
class Source:
    """Where candidates come from, and what is known of them."""

    sql: str  # follows `from`; gives `c`
    condition: str = "true"
    row: bool = False  # `c` is a row of `resource`
    joined: str = ""  # or else the alias of its row, which `sql` joins
    moment: bool = False  # `c` has the moment
    lists: str = (
        ""  # follows `from`; gives `v`, for each of which `sql` is a list. A candidate may be in several
    )
    order: tuple[tuple[str, Kind], ...] = ()  # what an index scan comes in the order of, before pk
    descending: bool = True
    complete: bool = True  # its candidates need not be asked about the same predicate again
    settles: tuple[Node, ...] = ()  # nor about these
    once: str = ""  # of several candidates that are the same, this holds for one; it is asked last
    also: Source | None = None  # gives others, in the same order, to be merged with those
    rows: str = ""  # where `sql` is a set: the select that it is made of, to be counted as far as a limit

    def candidate(self, types: tuple[str, ...]) -> Candidate:
        return Candidate(types, "c", self.row, self.joined, self.moment)


class Predicates(Sighted):
    """Writes the predicates of a query into one statement."""

    def __init__(
        self,
        types: tuple[str, ...],
        hasher: Hasher,
        words: WordsCondition | None = None,
        paths: Paths = MappingProxyType({}),
        person: int | None = None,
    ) -> None:
        """`words`: how a full text search is asked (`fulltext.py`, which stands on this). `paths`: see `bodies.py`.

        `person`: see `Sighted`.
        """
        super().__init__(types, hasher, paths, person)
        self._words = words
        self._aliases = count(1)

    def condition(self, node: Node, candidate: Candidate) -> str:
        """What must be true of a candidate."""
        match node:
            case Every(nodes):
                return f"({' and '.join([self.condition(one, candidate) for one in nodes])})"
            case Some(nodes):
                if equal_leaves(node):
                    return self._has_pair(node, candidate)
                return any_of(self.condition(one, candidate) for one in nodes)
            case Unless(inner):
                return f"not ({self.condition(inner, candidate)})"
            case Link():
                return self._leads(node, candidate)
            case Back():
                return self._is_led_to(node, candidate)
            case Leaf():
                return self._leaf(node, candidate)

    def _leaf(self, leaf: Leaf, candidate: Candidate) -> str:
        place = leaf.place
        match leaf.predicate:
            case Tokens() as tokens:
                return self._has_token(leaf, tokens, candidate)
            case References():
                return self._has_pair(leaf, candidate)
            case Strings() as strings:
                return self._has_text(strings, place, candidate)
            case Terms():
                return self._has_term(leaf, candidate)
            case Dates(name) as dates:
                agrees = spans(self.bind_taken, self.bind_all, place, prefixes_of(dates), "d.low", "d.high")
                probe = self._own("entry_date", "parameter, low, high", candidate)
                return exists(f"{probe} d where d.parameter = {self.seed(name)} and {agrees}")
            case Quantities(name) as quantities:
                probe = self._own("entry_quantity", "parameter, unit, low, high", candidate)
                agrees = self.numbers(quantities, place).format(q="q")
                return exists(f"{probe} q where q.parameter = {self.seed(name)} and {agrees}")
            case Near(name):
                probe = self._own("entry_quantity", "parameter, low, high", candidate)
                return exists(f"{probe} q where q.parameter = {self.seed(name)} and {self.is_near(place)}")
            case Updated() as updated:
                return self._row(self.updated(updated, place), candidate)
            case Ids():
                return self._row(self.identified(place, candidate.types), candidate)
            case Listed():
                return self._row(f"{{c}}.self = any({self.listed(place)})", candidate)
            case OfTypes(types):
                return self._row(self.of_types(types), candidate)
            case Missing(name, missing):
                return self._row(
                    f"{'not ' if missing else ''}{self.seed(name)} = any({{c}}.present)", candidate
                )
            case Words() as words:
                return self._says(words, candidate)
            case Nothing():
                return "false"
            case Visible():
                return self._row(self.is_seen("{c}"), candidate)
            case other:
                raise ValueError(f"No condition in SQL: {type(other).__name__}")

    # Links between resources ------------------------------------------------------------------------------------------

    def _leads(self, node: Link, candidate: Candidate) -> str:
        other = self._alias()
        ways = []
        for target, inner in node.ways:
            number = self.bind("smallint", TYPE_NUMBERS[target])
            about = Candidate((target,), other, row=True, moment=True)
            ways.append(f"({other}.type = {number} and {self.condition(inner, about)})")
        return exists(
            f"(select {targets_in('h.refs', self.seed(node.link))} as self"
            f" from (select {self.column('refs', candidate)} as refs offset 0) h offset 0) l"
            f" cross join lateral (select * from resource where self = l.self and not deleted offset 0) {other}"
            f" where {any_of(ways)}"
        )

    def _is_led_to(self, node: Back, candidate: Candidate) -> str:
        other = self._alias()
        about = Candidate((node.link.type,), other, moment=True)
        inner = self.condition(node.node, about)
        # Within a view it is never a pair alone that is asked, so no set has in it what is hidden.
        pair = self.single(equal_leaves(node.node)) if candidate.many else None
        if pair:
            inner = self._is_among(pair, inner, other)
        key = f"{self.seed(node.link)} # {self.column('self', candidate)}"
        return exists(f"entry {other} where {other}.key = {key} and {other}.space = 0 and {inner}")

    def _is_among(self, pair: tuple[str, str], probe: str, other: str) -> str:
        """What `probe` asks of `other`, by the set of all that have the pair, if there are not too many."""
        every = f"from entry t where t.key = {pair[0]} and t.space = {pair[1]}"
        too_many = f"exists (select 1 {every} offset {self.bind('bigint', SET_AT_ONCE)})"
        return f"case when {too_many} then {probe} else ({other}.pk in (select t.pk {every})) is true end"

    def _alias(self) -> str:
        return f"c{next(self._aliases)}"

    # Keys -------------------------------------------------------------------------------------------------------------

    def _has_token(self, leaf: Leaf, tokens: Tokens, candidate: Candidate) -> str:
        """`system|` is answered by `present`."""
        form = tokens_form(tokens)
        parts = [] if form == "s" else [self._has_pair(leaf, candidate)]
        if "s" in form and form != ONE_PAIR:
            seed, system = self.number(tokens.name), self.hasher.system
            systems = self.bind_taken(
                "bigint[]",
                lambda parts: [
                    system(seed, v.system or "") for v in parts[leaf.place].values if v.code is None
                ],
            )
            parts.append(self._row(f"{{c}}.present && {systems}", candidate))
        return any_of(parts)

    def _has_pair(self, node: Node, candidate: Candidate) -> str:
        leaves = equal_leaves(node) or _leaves_of(node)
        own = f"t.moment = {self.column('moment', candidate)} and t.pk = {candidate.alias}.pk"
        single = self.single(leaves)
        if single:
            return exists(f"entry t where t.key = {single[0]} and t.space = {single[1]} and {own}")
        # One probe for each pair: as a join, it could be planned by the moment first, through all keys of the index.
        probe = f"(select from entry t where t.key = v.key and t.space = v.space and {own} offset 0)"
        return exists(f"{self.pairs(leaves)} v cross join lateral {probe} t")

    def _has_term(self, leaf: Leaf, candidate: Candidate) -> str:
        """A probe for each key, where there are few; else one set of all that have one."""
        name = f"terms{len(self.common)}"
        self.common.append(f"{name} as materialized (select array({self.terms(leaf)}) as keys)")
        keys = f"(select keys from {name})"
        own = f"t.moment = {self.column('moment', candidate)} and t.pk = {candidate.alias}.pk"
        few = exists(f"entry t where t.key = any({keys}::bigint[]) and t.space = 0 and {own}")
        many = (
            f"select t.pk from {name} k cross join unnest(k.keys) v(key)"
            " cross join lateral (select pk from entry where key = v.key and space = 0 offset 0) t"
        )
        return (
            f"case when (select cardinality(keys) from {name}) < {MANY_TERMS}"
            f" then {few} else ({candidate.alias}.pk in ({many})) is true end"
        )

    # Texts ------------------------------------------------------------------------------------------------------------

    def _has_text(self, strings: Strings, place: int, candidate: Candidate) -> str:
        probe = self._own("entry_string", "parameter, value", candidate)
        text = self.text(strings, place).format(s="s", c=candidate.alias)
        return exists(f"{probe} s where s.parameter = {self.seed(strings.name)} and {text}")

    def _says(self, words: Words, candidate: Candidate) -> str:
        if self._words is None:
            raise ValueError("Nobody said how words are asked")
        if candidate.alias == "c":
            return self._words(self, words, Source("", row=candidate.row, moment=candidate.moment))
        told = self._words(self, words, Source(""))
        return exists(f"(select {candidate.alias}.pk as pk offset 0) c where {told}")

    # Numbers, places, stamps ------------------------------------------------------------------------------------------

    def numbers(self, quantities: Quantities, place: int) -> str:
        """That a row, called {q}, agrees."""
        return numbers(self.bind_taken, self.bind_all, place, prefixes_of(quantities), self.hasher.space)

    def is_near(self, place: int) -> str:
        """That the position `q.low`, `q.high` is, as `distance` of `search/match.py` has it."""
        latitude = self.bind_taken("float8", lambda parts: parts[place].latitude)
        longitude = self.bind_taken("float8", lambda parts: parts[place].longitude)
        metres = self.bind_taken("float8", lambda parts: parts[place].metres)
        rise = f"sin((radians(q.low) - radians({latitude})) / 2)"
        turn = f"sin(radians(q.high - {longitude}) / 2)"
        square = f"{rise} ^ 2 + cos(radians({latitude})) * cos(radians(q.low)) * {turn} ^ 2"
        return f"{2 * EARTH_METRES} * asin(least(1, sqrt({square}))) <= {metres}"

    def updated(self, updated: Updated, place: int) -> str:
        """On a row that is called {c}. The stamp is written in milliseconds: it covers the one it names."""
        return spans(
            self.bind_taken, self.bind_all, place, prefixes_of(updated), "{c}.updated", "({c}.updated + 1000)"
        )

    # Rows of `resource` -----------------------------------------------------------------------------------------------

    def identified(self, place: int, types: tuple[str, ...]) -> str:
        if len(types) != 1:
            return f"{{c}}.id = any({self.bind_taken('text[]', lambda parts: list(parts[place].ids))})"
        return f"{{c}}.self = any({self.selves(place, types)})"

    def number_of(self, types: tuple[str, ...]) -> str:
        """The number of the only type."""
        (only,) = types
        return self.bind("smallint", TYPE_NUMBERS[only])

    def of_types(self, types: Sequence[str]) -> str:
        """On a row that is called {c}."""
        numbers = [TYPE_NUMBERS[name] for name in types if name in TYPE_NUMBERS]
        if len(numbers) == 1:
            return f"{{c}}.type = {self.bind('smallint', numbers[0])}"
        return f"{{c}}.type = any({self.bind('smallint[]', numbers)})"

    def _row(self, condition: str, candidate: Candidate) -> str:
        """A condition on the row of `resource`, which it calls {c}."""
        if candidate.row or candidate.joined:
            return condition.format(c=candidate.joined or candidate.alias)
        return exists(f"resource x where x.pk = {candidate.alias}.pk and {condition.format(c='x')}")

    def of_type(self, candidate: Candidate) -> str:
        """That the candidate is of one of the types asked for, where its source does not say so."""
        return self._row(self.of_types(self.types), candidate) if self.types else "true"

    def column(self, column: str, candidate: Candidate) -> str:
        """`self`, `refs` or `moment` of a candidate."""
        if candidate.row or (column == "moment" and candidate.moment):
            return f"{candidate.alias}.{column}"
        if candidate.joined:
            return f"{candidate.joined}.{column}"
        return f"(select {column} from resource where pk = {candidate.alias}.pk)"

    def _own(self, table: str, columns: str, candidate: Candidate) -> str:
        """The rows of the candidate in an index table, by pk: there are few."""
        return f"(select {columns} from {table} where pk = {candidate.alias}.pk offset 0)"


WordsCondition: TypeAlias = Callable[[Predicates, Words, Source], str]


def _leaves_of(node: Node) -> tuple[Leaf, ...]:
    """Tokens some of whose values are systems: only the others are looked for here."""
    assert isinstance(node, Leaf)
    return (node,)


def targets_in(refs: str, seed: str) -> str:
    """What a parameter points to, a row for each: `refs` has parameters and targets in turn. Mostly there is one."""
    first = f"array_position({refs}, {seed})"
    every = f"array(select {refs}[i + 1] from generate_series(1, cardinality({refs}), 2) i where {refs}[i] = {seed})"
    return (
        f"unnest(case when {first} is null then null"
        f" when array_position({refs}, {seed}, coalesce({first}, 0) + 1) is null"
        f" then array[{refs}[{first} + 1]] else {every} end)"
    )
