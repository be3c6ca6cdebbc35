"""Where the candidates of a search come from: one predicate, the sort key, or all resources of the types.

A good source is an index scan that gives few candidates, or many in the order of the result. Which predicate gives few
is told by its kind or, where that is not enough, by counting as far as a limit (`plans.py`).

A chain is walked from its far end: the resources that it leads to, and from them, by the keys of the references to
them, to those that refer. `_has` is walked the same way, along the references that its candidates hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fhir_server.search.query import (
    Dates,
    Ids,
    Listed,
    Name,
    Near,
    Nothing,
    Quantities,
    References,
    Strings,
    Terms,
    Tokens,
    Updated,
    Words,
)
from fhir_server.store.binding import Kind, Parts
from fhir_server.store.comparisons import FIRST, span_bounds
from fhir_server.store.fulltext import words_source
from fhir_server.store.nodes import Back, Every, Leaf, Link, Node, Some, equal_leaves, types_of
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.predicates import Predicates, Source, targets_in
from fhir_server.store.shapes import modes_of, prefixes_of, tokens_form
from fhir_server.store.stretches import has_order, stretch_of
from fhir_server.store.trigrams import has_trigrams

IDENTIFIED: Final = 2  # up to this rank a node gives one candidate, or a few
SELECTIVE: Final = 3  # up to this rank a node gives few candidates for certain
SCAN: Final = 10  # from this rank on it is no source


def rank(node: Node) -> int:
    """How few candidates a node is expected to give: the fewer, the lower."""
    match node:
        case Leaf():
            return _rank(node)
        case Some(nodes):
            return max(map(rank, nodes))
        case Every(nodes):
            return min(map(rank, nodes))
        case Link(_, ways):
            far = max(rank(inner) for _, inner in ways)
            if far >= SCAN:
                return SCAN
            if far <= IDENTIFIED:
                return 3 if all(target == "Patient" for target, _ in ways) else 4
            return max(5, far)
        case Back(Name("Bundle"), _):  # whose `composition` is inside it, and no reference to anything stored
            return SCAN
        case Back(_, inner):
            near = rank(inner)
            return SCAN if near >= SCAN else 3 if near <= IDENTIFIED else max(5, near)
        case _:
            return SCAN


def _rank(leaf: Leaf) -> int:
    match leaf.predicate:
        case Dates(name) | Quantities(name) | Strings(name) if "$" in name.code:
            return 4  # of a composite: rows of one code only
        case Nothing():
            return 0
        case Ids() | Listed():
            return 1
        case Tokens(name) as tokens:
            if "s" in tokens_form(tokens):
                return SCAN
            return 2 if name.code == "identifier" else 5
        case References(_, keys, others):
            return 3 if not others and all(key.type == "Patient" for key in keys) else 4
        case Words() | Near():
            return 6
        case Strings() as strings if has_trigrams(strings):
            return 7
        case Strings() | Terms() as texts:
            return 9 if {"contains", "ends"}.intersection(modes_of(texts)) else 6
        case Dates() | Quantities() | Updated() as ranges:
            return SCAN if "ne" in prefixes_of(ranges) else 8
        case _:
            return SCAN


def source_of(
    predicates: Predicates,
    node: Node,
    types: tuple[str, ...],
    others: Sequence[Node] = (),
    *,
    ordered: bool = False,
) -> Source:
    """The candidates that `node`, of a rank before `SCAN`, gives. `others` must hold of them as well.

    They are of `types` as far as their index rows say (`types_of`). `ordered`: any order will do, and one that an index
    has is best.
    """
    if is_keyed(node):
        return _keyed(predicates, node)
    match node:
        case Leaf():
            return _leaf(predicates, node, types, others, ordered=ordered)
        case Back():
            return _pointed_at(predicates, node, types)
        case Some(nodes):
            each = " union all ".join(reached(predicates, one, types, PK) for one in nodes)
            return Source(f"(select distinct u.pk from ({each}) u(pk)) c", rows=each)
        case _:
            raise ValueError("No source of candidates")


def is_keyed(node: Node) -> bool:
    """Whether its candidates are those of some keys: in lists by moment, one for each key."""
    if equal_leaves(node):
        return True
    match node:
        case Link() | Leaf(Terms()):
            return True
        case Some(nodes):
            return all(map(is_keyed, nodes))
        case _:
            return False


def is_set(node: Node) -> bool:
    """Whether its candidates are those of a stretch of an ordered table, or of several."""
    match node:
        case Leaf(Strings() | Dates() | Quantities() | Near()):
            return True
        case Some(nodes):
            return all(map(is_set, nodes))
        case _:
            return False


def comes_in_order(node: Node) -> bool:
    """Whether its source, when `ordered`, stops at the end of a page and not at that of its candidates."""
    match node:
        case Leaf(Updated() | Terms()):
            return True
        case Link(_, ways):
            return all(rank(inner) <= IDENTIFIED for _, inner in ways)
        case Some(nodes) if is_keyed(node):
            return all(map(comes_in_order, nodes))
        case Leaf() if not equal_leaves(node):
            return has_order(node)
        case _:
            return bool(equal_leaves(node))


def all_of(predicates: Predicates, types: tuple[str, ...]) -> Source:
    """Every resource of the types."""
    return rows_of_types(predicates, types, "true")


def lead_of(node: Node) -> tuple[Node, tuple[Node, ...]]:
    """What gives the candidates of a node, and what must be true of these as well."""
    if not isinstance(node, Every):
        return node, ()
    leader = min(node.nodes, key=rank)
    return leader, tuple(one for one in node.nodes if one is not leader)


def reached(predicates: Predicates, node: Node, types: tuple[str, ...], columns: str) -> str:
    """A select of `columns` of the live resources {r} of some types that meet a node, perhaps repeated."""
    leader, rest = lead_of(node)
    source = source_of(predicates, leader, types, rest)
    candidate = source.candidate(types)
    asked = [one for one in (rest if source.complete else (leader, *rest)) if one not in source.settles]
    where = " and ".join([source.condition, *(predicates.condition(one, candidate) for one in asked)])
    row = "c.*" if source.row else "c.pk"
    found = f"select {row} from {source.sql} where {where}"
    if source.rows and where == "true":  # whether something is there twice matters to nobody here
        found = source.rows
    if source.lists:
        found = f"select c.* from {source.lists} cross join lateral ({found} offset 0) c"
    typed = is_typed(leader, types)
    if source.row:
        kind = "true" if typed else predicates.of_types(types).format(c="r")
        return f"select {columns.format(r='r')} from ({found} offset 0) r where {kind}"
    if typed and columns == PK:
        return found
    kind = "" if typed else f" and {predicates.of_types(types).format(c='r')}"
    # One scan for all of them, in the order of the index, and not one for each.
    return f"select {columns.format(r='r')} from resource r where r.pk = any(array({found})){kind}"


def rows_reached(predicates: Predicates, node: Node, types: tuple[str, ...]) -> Source:
    """The candidates that `node` gives, as rows of `resource`."""
    return Source(f"({reached(predicates, node, types, '{r}.*')}) c", row=True, moment=True)


def is_typed(node: Node, types: tuple[str, ...]) -> bool:
    """Whether the candidates of a node are of these types for certain."""
    if not types:
        return True
    match node:
        case Leaf(Ids() | Listed() | Updated() | Words() | Nothing()) | Back():
            return True
        case Some(nodes) if not is_keyed(node):
            return all(is_typed(one, types) for one in nodes)
        case _:
            held = types_of(node)
            return held is not None and held.issubset(types)


PK: Final = "{r}.pk"


# Rows of `resource` ---------------------------------------------------------------------------------------------------


def rows_of_types(
    predicates: Predicates,
    types: tuple[str, ...],
    condition: str,
    *,
    order: tuple[tuple[str, Kind], ...] = (),
    descending: bool = True,
    complete: bool = True,
) -> Source:
    """By type, so that each is a stretch of an index."""
    lists = ""
    if len(types) == 1:
        kind = predicates.bind("smallint", TYPE_NUMBERS[types[0]])
    else:
        kind = "v.type"
        lists = (
            f"unnest({predicates.bind('smallint[]', [TYPE_NUMBERS[one] for one in types or TYPES])}) v(type)"
        )
    return Source(
        "resource c",
        f"c.type = {kind} and not c.deleted and {condition}",
        row=True,
        moment=True,
        lists=lists,
        order=order,
        descending=descending,
        complete=complete,
    )


def _selves(predicates: Predicates, numbers: str, types: tuple[str, ...]) -> Source:
    typed = f" and {predicates.of_types(types).format(c='c')}" if types else ""
    return Source("resource c", f"c.self = any({numbers}) and not c.deleted{typed}", row=True, moment=True)


def pointed_at(predicates: Predicates, node: Back) -> str:
    """What follows `from`: `v.self` of all that the resources of a `_has` point to."""
    targets = targets_in("{r}.refs", predicates.seed(node.link))
    inner = reached(predicates, node.node, (node.link.type,), targets)
    return f"(select distinct l.self from ({inner} offset 0) l(self) order by 1 offset 0) v"


def _pointed_at(predicates: Predicates, node: Back, types: tuple[str, ...]) -> Source:
    """In the order of `self`, so that only those of the page are looked up."""
    row = "cross join lateral (select * from resource where self = v.self and not deleted offset 0) c"
    typed = predicates.of_types(types).format(c="c") if types else "true"
    return Source(
        f"{pointed_at(predicates, node)} {row}",
        typed,
        row=True,
        moment=True,
        order=(("v.self", "bigint"),),
        descending=False,
    )


# Rows of `entry` ------------------------------------------------------------------------------------------------------


def _keyed(predicates: Predicates, node: Node) -> Source:
    """Rows of one key and space lie in the order of their moments."""
    leaves = equal_leaves(node)
    pair = predicates.single(leaves) if leaves else None
    if pair is not None:
        condition = f"c.key = {pair[0]} and c.space = {pair[1]}"
        return Source("entry c", condition, moment=True, order=BY_MOMENT)
    return Source(
        "entry c",
        "c.key = v.key and c.space = v.space",
        moment=True,
        lists=f"({' union '.join(_keys(predicates, node))} offset 0) v",
        order=BY_MOMENT,
    )


BY_MOMENT: Final[tuple[tuple[str, Kind], ...]] = (("c.moment", "bigint"),)


def _keys(predicates: Predicates, node: Node) -> list[str]:
    """Selects of keys and spaces."""
    leaves = equal_leaves(node)
    if leaves:
        return [f"select key, space from {predicates.pairs(leaves)} p"]
    match node:
        case Leaf(Terms()):
            return [f"select t.key, 0::bigint as space from ({predicates.terms(node)}) t(key)"]
        case Link(link, ways):
            columns = f"{predicates.seed(link)} # {{r}}.self as key, 0::bigint as space"
            if all(equal_leaves(inner) for _, inner in ways):  # whose keys tell of which type they are
                inner = ways[0][1] if len(ways) == 1 else Some(tuple(inner for _, inner in ways))
                ways = ((ways[0][0], inner),)
                types = tuple(dict.fromkeys(target for target, _ in node.ways))
                return [f"select distinct key, space from ({reached(predicates, inner, types, columns)}) l"]
            return [
                f"select distinct key, space from ({reached(predicates, inner, (target,), columns)}) l"
                for target, inner in ways
            ]
        case Some(nodes):
            equal = [one for one in nodes if equal_leaves(one)]
            found = [select for one in nodes if one not in equal for select in _keys(predicates, one)]
            return found + (_keys(predicates, Some(tuple(equal))) if equal else [])
        case _:
            raise ValueError("No source of keys")


# Leaves ---------------------------------------------------------------------------------------------------------------


def _leaf(
    predicates: Predicates, leaf: Leaf, types: tuple[str, ...], others: Sequence[Node], *, ordered: bool
) -> Source:
    place = leaf.place
    match leaf.predicate:
        case Nothing():
            return rows_of_types(predicates, types, "false")
        case Ids():
            return _selves(predicates, predicates.selves(place, types or TYPES), types)
        case Listed():
            return _selves(predicates, predicates.listed(place), types)
        case Words() as words:
            return words_source(predicates, words, types) or rows_of_types(predicates, types, "false")
        case Updated() as updated:
            return _updated(predicates, updated, place, types)
        case _:
            return stretch_of(predicates, leaf, others, ordered=ordered)


def _updated(predicates: Predicates, updated: Updated, place: int, types: tuple[str, ...]) -> Source:
    """The span of a stamp is a millisecond: both of its ends bound its start."""
    conditions = []
    for (side, sign), limit in span_bounds(prefixes_of(updated)).items():
        shift = 1000 if side == "high" else 0

        def take(parts: Parts, limit: Callable[[Updated], int] = limit, shift: int = shift) -> int:
            return max(FIRST, limit(parts[place]) - shift)

        conditions.append(f"c.updated {sign} {predicates.bind_taken('bigint', take)}")
    # Ascending: a resource that is updated meanwhile comes again at the end, and is never passed over.
    order: tuple[tuple[str, Kind], ...] = (("c.updated", "bigint"),)
    return rows_of_types(
        predicates, types, " and ".join(conditions) or "true", order=order, descending=False, complete=False
    )
