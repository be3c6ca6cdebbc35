"""Candidates in the order of the first sort key: by the index of its values, or by their moment.

Where the same dates are asked about, their stretch of the index suffices. A resource with several dates may meet the
criterion with one of them and stand in the result by another: it comes from a list of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.search.extract import MAIN_DATES
from fhir_server.search.query import Dates, Sort, Strings
from fhir_server.store.binding import Kind
from fhir_server.store.comparisons import span_bounds, spans
from fhir_server.store.nodes import Leaf, Node
from fhir_server.store.numbers import SHORT_SPAN
from fhir_server.store.predicates import Predicates, Source
from fhir_server.store.shapes import prefixes_of
from fhir_server.store.sources import rows_of_types
from fhir_server.store.stretches import apart, bounds_of
from fhir_server.store.texts import exists


@dataclass(frozen=True, slots=True)
class Leading:
    """Candidates by their sort key, which is `value`, of `kind`.

    `sources` settle the nodes `settled`. Behind them come those of `without`, which have no value; or else they are to
    be merged with those of `several`, which have several.
    """

    value: str
    kind: Kind
    sources: tuple[Source, ...]
    settled: tuple[Node, ...] = ()
    without: Source | None = None
    several: Source | None = None


def can_lead(sort: Sequence[Sort], types: tuple[str, ...], nodes: Sequence[Node]) -> bool:
    """Whether an index in the order of the first sort key is a good way, where candidates are many."""
    if not sort or sort[0].name is None or types != (sort[0].name.type,):
        return False
    if sort[0].kind == "string":
        # A criterion about the same texts gives candidates from one place of the index; the order begins elsewhere.
        return not any(isinstance(one, Leaf) and _is_about(one.predicate, sort[0]) for one in nodes)
    return sort[0].kind == "date"


def is_by_moment(sort: Sequence[Sort], types: tuple[str, ...]) -> bool:
    """Whether the first sort key is what the lists of `entry` are in the order of: the main date, the latest first."""
    if not sort or sort[0].name is None:
        return False
    name = sort[0].name
    return sort[0].descending and types == (name.type,) and MAIN_DATES.get(name.type) == name.code


def is_as_listed(sort: Sequence[Sort], types: tuple[str, ...]) -> bool:
    """Whether no other order is asked for than that which such a list has."""
    return not sort or (len(sort) == 1 and is_by_moment(sort, types))


def sorted_by(predicates: Predicates, sort: Sort, nodes: Sequence[Node]) -> Leading:
    """Of several values of a resource the one that comes first counts."""
    assert sort.name is not None
    seed, than = predicates.seed(sort.name), ">" if sort.descending else "<"
    columns = {"string": "value", "date": "high, low" if sort.descending else "low, high"}[sort.kind]
    kind: Kind = "text" if sort.kind == "string" else "bigint"
    table = f"entry_{sort.kind}"
    mine, own = (", ".join(f"{alias}.{column}" for column in columns.split(", ")) for alias in ("c", "e"))
    rows = f"(select parameter, {columns} from {table} where pk = c.pk offset 0) e"
    value = mine.split(", ")[0]
    ranged = [node for node in nodes if isinstance(node, Leaf) and _is_stretch(node, sort)]
    if ranged:
        another = exists(f"{rows} where e.parameter = c.parameter and ({own}) <> ({mine})")
        short, wide = _stretch(predicates, ranged)
        sources = (
            Source("entry_date c", f"c.parameter = {seed} and {' and '.join(short)}", once=f"not {another}"),
            Source(
                f"{apart('entry_date', f'c.parameter = {seed} and ' + ' and '.join(wide))} c",
                once=f"not {another}",
            ),
        )
        several = predicates.bind("bigint", predicates.several(sort.name))
        others = Source("entry c", f"c.key = {several} and c.space = 0", moment=True)
        return Leading(value, kind, sources, tuple(ranged), several=others)
    better = exists(f"{rows} where e.parameter = c.parameter and ({own}) {than} ({mine})")
    # A value that folds to nothing, or a period without an end, is present and has no row.
    rowless = f"(not {seed} = any(c.present) or not {exists(f'{rows} where e.parameter = {seed}')})"
    without = rows_of_types(predicates, (sort.name.type,), rowless)
    present = Source(f"{table} c", f"c.parameter = {seed}", once=f"not {better}")
    return Leading(value, kind, (present,), without=without)


def _is_about(predicate: object, sort: Sort) -> bool:
    return isinstance(predicate, Strings) and predicate.name == sort.name


def _is_stretch(leaf: Leaf, sort: Sort) -> bool:
    predicate = leaf.predicate
    return (
        isinstance(predicate, Dates)
        and predicate.name == sort.name
        and bool(span_bounds(prefixes_of(predicate)))
    )


def _stretch(predicates: Predicates, leaves: Sequence[Leaf]) -> tuple[list[str], list[str]]:
    """Conditions on short rows and on wide ones. Where a short one begins tells where it ends, about."""
    both, short = [], [f"c.low >= c.high - {SHORT_SPAN}"]
    for leaf in leaves:
        assert isinstance(leaf.predicate, Dates)
        prefixes = prefixes_of(leaf.predicate)
        both.append(
            spans(predicates.bind_taken, predicates.bind_all, leaf.place, prefixes, "c.low", "c.high")
        )
        bounds = span_bounds(prefixes)
        both += bounds_of(predicates, leaf.place, bounds, "bigint")
        for (side, sign), limit in bounds.items():
            if (side, sign) == ("low", "<=") and ("high", "<=") not in bounds:
                short += bounds_of(predicates, leaf.place, {("high", "<="): limit}, "bigint", SHORT_SPAN)
            if (side, sign) == ("high", ">=") and ("low", ">=") not in bounds:
                short += bounds_of(predicates, leaf.place, {("low", ">="): limit}, "bigint", -SHORT_SPAN)
    return [*both, *short], [*both, f"c.low < c.high - {SHORT_SPAN}"]
