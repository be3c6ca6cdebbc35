"""Which way a search goes: where its candidates come from.

The kinds of the predicates tell where one of them gives few candidates for certain. Else each is counted, as far as
`FEW`, and where none has so few, once more as far as `WIDE`: the least leads. Within a view, what is about the caller's
persons is counted as far as `WIDE`, and the others as far as that. Where all are wide, candidates are met in the order
of the result, so that a page ends the work; and the same search goes the same way for some seconds, uncounted
(`compile.py`).

A plan is a number, which cursors carry: all pages of a search have the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from fhir_server.kernel.values import immutable
from fhir_server.search.query import Query
from fhir_server.store.code_walk import place_of_code, reach
from fhir_server.store.leading import can_lead, is_by_moment
from fhir_server.store.nodes import Back, Every, Link, Node, Some, Unless
from fhir_server.store.predicates import Predicates, Source
from fhir_server.store.sources import (
    IDENTIFIED,
    SCAN,
    SELECTIVE,
    all_of,
    comes_in_order,
    is_keyed,
    lead_of,
    rank,
    source_of,
)
from fhir_server.store.tied import counted, is_narrowed

FEW: Final = 64  # candidates: whoever has no more is not worth a comparison
WIDE: Final = 2000  # from here on it pays to meet them in the order of the result
CHEAP: Final = 100  # up to here a total is counted even if nobody asked: a tenth of what a page takes
BROAD: Final = 8  # alternatives; each that a candidate does not meet is asked for nothing
FAR: Final = 200  # resources at the end of a chain: each has a list of those that point to it

# What leads is the place of a node, or one of these.
ALL: Final = -1
BY_SORT_KEY: Final = -2
TIED: Final = -3  # what is about the persons whom the caller is tied to: see `tied.py`
_BITS: Final = 8  # of a plan for what leads; the bits above tell the sets
_SETS: Final = 40  # places that can be told
_HAS_COST: Final = 3  # times that of a candidate which an index gives directly

Leads: TypeAlias = tuple[tuple[int, bool], ...]
"""The place of each, and whether it is a `_has`."""


@immutable
class Plan:
    """`lead` gives the candidates. `sets`: `_has` nodes of few resources, which are best found all at once."""

    lead: int
    sets: frozenset[int] = frozenset()
    least: int | None = None  # candidates of `lead`, where they were counted; WIDE: so many or more
    many: bool = False  # of WIDE candidates, or more, it is asked what points to them
    by_code: int = 0  # within a view, rows of a code are met by person, as far as this: see `code_walk.reach`

    @property
    def number(self) -> int:
        sets = sum([1 << place for place in self.sets]) if self.sets else 0
        flags = self.by_code << 1 | self.many
        return (flags << _SETS | sets) << _BITS | (self.lead - TIED)


NOTHING: Final = Plan(ALL, least=0)  # one of those that must all hold has no candidate


def plan_numbered(number: int) -> Plan:
    """The plan that a cursor carries."""
    sets, lead = number >> _BITS, (number & (1 << _BITS) - 1) + TIED
    places = frozenset(place for place in range(_SETS) if sets >> place & 1)
    flags = sets >> _SETS
    return Plan(lead, places, many=bool(flags & 1), by_code=flags >> 1 & 3)


def plan_of(query: Query, nodes: Sequence[Node], types: tuple[str, ...]) -> Plan | None:
    """The plan, if the kinds of the nodes tell; None: ask `probe_of`."""
    places = sources_in(nodes)
    if places and rank(nodes[places[0]]) <= SELECTIVE:
        return Plan(places[0])
    if is_narrowed(types, nodes):
        return None if places or query.sort else Plan(TIED)
    if not places:
        return Plan(ALL) if not can_lead(query.sort, types, nodes) else None
    if len(places) == 1 and is_by_moment(query.sort, types) and _is_listed(nodes[places[0]]):
        return Plan(places[0])
    if len(places) > 1 or can_lead(query.sort, types, nodes) or _by_column(query):
        return None
    (only,) = places
    return Plan(only) if comes_in_order(nodes[only]) and not query.sort else None


def counts_of(
    predicates: Predicates, query: Query, nodes: Sequence[Node], types: tuple[str, ...], *, wide: bool
) -> str:
    """A select of how many candidates each source has, as far as `FEW`; `wide`: as far as `WIDE`.

    Where there is no source, how many resources there are, as far as `WIDE`.
    """
    leads = leads_in(nodes, types)
    if not leads:
        return f"select {_rows_of(all_of(predicates, types), predicates.bind('bigint', WIDE))}"
    most = predicates.bind("bigint", _limit(leads, wide=wide))
    if not _is_tied(leads):
        return f"select {', '.join([_counted(predicates, lead, nodes, types, most) for lead, _ in leads])}"
    # The others as far as what is about the caller's persons: to know that it is less is enough.
    few = predicates.bind("bigint", FEW)
    each = [
        f"(select case when c.n < l.n then c.n else {most} end from (select {count} as n offset 0) c)"
        for lead, _ in leads
        if lead != TIED
        for count in [_counted(predicates, lead, nodes, types, "l.n")]
    ]
    tied = f"(select {counted(predicates, types, most, walks=not query.sort)} as n offset 0) t"
    limit = f"(select t.n as tied, greatest(t.n, {few}) as n from {tied} offset 0) l"
    columns = [*each, "l.tied"]
    if place_of_code(query, types, nodes) is not None:
        columns.append(f"case when l.tied < {most} then 0 else {reach(predicates, types)} end")
    return f"select {', '.join(columns)} from {limit}"


def plan_by(
    query: Query,
    nodes: Sequence[Node],
    types: tuple[str, ...],
    leads: Leads,
    counts: Sequence[int],
    *,
    wide: bool,
) -> Plan | None:
    """The plan after `counts_of`; None: none has few, count again, `wide`."""
    place = place_of_code(query, types, nodes)
    if place is None or not _is_tied(leads):
        return _plan_by(query, nodes, types, leads, counts, wide=wide)
    *counts, by_code = counts
    plan = _plan_by(query, nodes, types, leads, counts, wide=wide)
    if plan is None or not by_code or plan.least == 0 or plan.lead not in {place, TIED}:
        return plan
    return replace(plan, by_code=by_code)


def _plan_by(
    query: Query,
    nodes: Sequence[Node],
    types: tuple[str, ...],
    leads: Leads,
    counts: Sequence[int],
    *,
    wide: bool,
) -> Plan | None:
    """The same, of the ways that every search has."""
    if 0 in counts:
        return NOTHING
    if not leads:
        (number,) = counts
        return Plan(BY_SORT_KEY if number >= WIDE else ALL, least=number)
    limit = _limit(leads, wide=wide)
    narrow = [(n, place, is_back) for n, (place, is_back) in zip(counts, leads, strict=True) if n < limit]
    if narrow:
        least, lead, _ = min(narrow, key=_cost)
        sets = [place for _, place, is_back in narrow if is_back and place < _SETS and place != lead]
        return Plan(lead, frozenset(sets), least)
    if limit < WIDE:
        return None
    return _wide(query, nodes, types, {place: n for n, (place, _) in zip(counts, leads, strict=True)})


def _limit(leads: Leads, *, wide: bool) -> int:
    """As far as what to count; one that is alone need not be told from others that have few."""
    return WIDE if wide or len(leads) < 2 or _is_tied(leads) else FEW


def _is_tied(leads: Leads) -> bool:
    return any(lead == TIED for lead, _ in leads)


def _cost(lead: tuple[int, int, bool]) -> int:
    n, _, is_back = lead
    return n * _HAS_COST if is_back else n


def _wide(query: Query, nodes: Sequence[Node], types: tuple[str, ...], found: Mapping[int, int]) -> Plan:
    """The plan where none of the leads gives few candidates. `found`: how many, by place."""
    places = sources_in(nodes)
    if TIED in found and not query.sort:
        return Plan(TIED, least=WIDE)
    # Lists of some keys are in order where they are not too many.
    listed = [place for place, n in found.items() if place >= 0 and n <= WIDE and is_keyed(nodes[place])]
    if listed and is_by_moment(query.sort, types):
        return Plan(listed[0], least=WIDE)
    if can_lead(query.sort, types, nodes):
        return Plan(BY_SORT_KEY, least=WIDE)
    if _by_column(query):
        return Plan(ALL, least=WIDE)
    if query.sort:
        lead = next((place for place in places if place in listed or _is_own(nodes[place])), ALL)
    else:
        broad = [
            place for place in places if isinstance(node := nodes[place], Some) and len(node.nodes) >= BROAD
        ]
        flowing = [place for place in places if place in listed or comes_in_order(nodes[place])]
        # To look at all that points to a candidate is dear: it is done for those of a set, not for all of a type.
        own = [place for place in places if _is_own(nodes[place])] if any(map(goes_back, nodes)) else []
        lead = next(iter(flowing + broad + own), ALL)
    return Plan(lead, least=WIDE, many=lead != ALL and any(map(goes_back, nodes)))


def counting(plan: Plan, nodes: Sequence[Node]) -> Plan:
    """How to count what `plan` pages through: the order does not matter."""
    if plan.lead not in {BY_SORT_KEY, ALL}:
        return plan
    return Plan(next(iter(sources_in(nodes)), ALL), plan.sets, many=plan.many)


def cheap_limit(plan: Plan, nodes: Sequence[Node]) -> int:
    """How many candidates of `plan` may be gone through for a total that nobody asked for; 0: none."""
    if plan.lead in {BY_SORT_KEY, ALL} and sources_in(nodes):
        return 0  # one of those that are wide would be gone through
    if plan.least is not None and plan.least > CHEAP:
        return 0
    if plan.lead >= 0 and isinstance(nodes[plan.lead], Back) and plan.least is not None and plan.least >= FAR:
        return 0
    others = [node for place, node in enumerate(nodes) if place != plan.lead]
    return CHEAP // 2 if any(map(goes_back, others)) else CHEAP


def goes_back(node: Node) -> bool:
    """Whether all that points to a candidate is looked at."""
    match node:
        case Back():
            return True
        case Link(_, ways):
            return any(goes_back(inner) for _, inner in ways)
        case Some(nodes) | Every(nodes):
            return any(map(goes_back, nodes))
        case Unless(inner):
            return goes_back(inner)
        case _:
            return False


def sources_in(nodes: Sequence[Node]) -> list[int]:
    """The places of the nodes that can be sources, those with few candidates first."""
    ranked = sorted((rank(node), place) for place, node in enumerate(nodes))
    return [place for number, place in ranked if number < SCAN and place < (1 << _BITS) - 2]


def leads_in(nodes: Sequence[Node], types: tuple[str, ...]) -> Leads:
    """What is counted before one of it leads: sources; in the view of somebody, also what is about their persons."""
    places = sources_in(nodes)
    if is_narrowed(types, nodes):
        places = [*(places or [ALL]), TIED]
    return tuple([(place, place >= 0 and isinstance(nodes[place], Back)) for place in places])


def _is_listed(node: Node) -> bool:
    return is_keyed(node) and comes_in_order(node)


def _is_own(node: Node) -> bool:
    """Whether the candidates are found without going by way of other resources."""
    if isinstance(node, Some):
        return all(map(_is_own, node.nodes))
    return not isinstance(node, Back | Link)


def _by_column(query: Query) -> bool:
    return bool(query.sort) and query.sort[0].kind == "updated"


# Counting -----------------------------------------------------------------------------------------------------------


def _counted(
    predicates: Predicates, lead: int, nodes: Sequence[Node], types: tuple[str, ...], limit: str
) -> str:
    if lead == ALL:
        return _rows_of(all_of(predicates, types), limit)
    return candidates(predicates, nodes[lead], types, limit, nodes)


def candidates(
    predicates: Predicates, node: Node, types: tuple[str, ...], limit: str, others: Sequence[Node] = ()
) -> str:
    """How many candidates a node has, about as far as `limit`; those of a `_has` are what points.

    `others` must hold as well. `limit` + 1: a chain leads to so many resources that what points to them is not worth
    asking.
    """
    node, rest = lead_of(node)
    others = rest or [one for one in others if one is not node]
    match node:
        case Back(link, inner):
            return candidates(predicates, inner, (link.type,), limit)
        case Some(nodes) if not is_keyed(node):
            each = [candidates(predicates, one, types, limit) for one in nodes]
            return f"least({limit} + 1, {' + '.join(each)})"
        case _:
            near = _rows_of(source_of(predicates, node, types, others), limit)
            ends = list(_far(node))
            if not ends:
                return near
            most = predicates.bind("bigint", FAR)
            far = " + ".join([candidates(predicates, inner, (target,), most) for target, inner in ends])
            return f"case when {far} >= {most} then {limit} + 1 else {near} end"


def _far(node: Node) -> Iterator[tuple[str, Node]]:
    """The far ends of the chains in a node of keys, but for those that are few for certain."""
    match node:
        case Link(_, ways):
            yield from ((target, inner) for target, inner in ways if rank(inner) > IDENTIFIED)
        case Some(nodes):
            for one in nodes:
                yield from _far(one)


def _rows_of(source: Source, limit: str) -> str:
    if source.rows:
        return f"(select count(*) from ({source.rows} limit {limit}) c)"
    inner = f"select 1 from {source.sql} where {source.condition} limit {limit}"
    if source.lists:
        inner = f"select 1 from {source.lists} cross join lateral ({inner}) c limit {limit}"
    return f"(select count(*) from ({inner}) c)"
