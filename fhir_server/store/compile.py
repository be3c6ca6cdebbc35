"""A `Query` becomes SQL text: candidates, the conditions on them, their order, and the row behind which a page begins.

The order of work is written down here, never left to the planner. One source gives the candidates (`sources.py`), where
possible by an index scan that is already in the order of the result and ends with the page. Any other order is made
from the candidates' own index rows (`ordering.py`). Texts are kept by the shape of the query (`statements.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.search.query import Listed, Query
from fhir_server.store import totals
from fhir_server.store.binding import Compiled, Parts, Template
from fhir_server.store.code_walk import place_of_code, walked_by_code
from fhir_server.store.cursors import Value
from fhir_server.store.fulltext import words_condition
from fhir_server.store.leading import is_as_listed, is_by_moment, sorted_by
from fhir_server.store.nodes import Back, Node, equal_leaves, nodes_of, person_in
from fhir_server.store.ordering import SortKey, Turn, keys_of, ordered
from fhir_server.store.plans import (
    ALL,
    BY_SORT_KEY,
    CHEAP,
    FAR,
    TIED,
    WIDE,
    Plan,
    cheap_limit,
    counting,
    counts_of,
    goes_back,
    leads_in,
    plan_by,
    plan_of,
)
from fhir_server.store.predicates import Candidate, Predicates, Source
from fhir_server.store.rows import FOUND
from fhir_server.store.selects import all_in, appended, selected, selected_by_moment
from fhir_server.store.shapes import Ask
from fhir_server.store.sources import (
    BY_MOMENT,
    IDENTIFIED,
    all_of,
    comes_in_order,
    is_keyed,
    is_set,
    is_typed,
    pointed_at,
    rank,
    rows_reached,
    source_of,
)
from fhir_server.store.statements import Compiler, Shaped, form_of, template_of
from fhir_server.store.tied import gathered, is_narrowed, is_sight, keys_by_person, seen_in_order, walked

_VALUES: Final = ", ".join(f"r.{name}" for name in FOUND.split(", "))


class Search:
    """One query and its statements. `parameters`: those in force, which say what a text to sort by is."""

    def __init__(self, query: Query, compiler: Compiler, parameters: Parameters = CORE) -> None:
        form = form_of(query, compiler, parameters)
        self.query = query
        self.listed: dict[Key, Sequence[int]] = {}  # by List, `self` of its members: to be filled in first
        self.types = form.types
        self._hasher = compiler.hasher
        self._parts = form.parts.copy()
        self._paths = form.paths
        self._shaped = form.shaped
        self._recent = compiler.recent

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Those of the first query that had this shape: what values they hold is of no importance."""
        return self._shaped.fact("nodes", lambda: nodes_of(self.query.where))

    @property
    def _actors(self) -> int:
        """How many ask."""
        return 0 if self.query.sight is None else len(self.query.sight.actors)

    @property
    def lists(self) -> list[Key]:
        """The Lists that it names."""
        return [part.key for part in self._parts if type(part) is Listed]

    # Plans ------------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan | None:
        """The plan, if the kinds of the predicates tell; None: ask `probe`, and then `plan_by`."""
        return self._shaped.fact("plan", lambda: plan_of(self.query, self.nodes, self.types))

    @property
    def recent_plan(self) -> Plan | None:
        """The plan that the same query of the same actors had a moment ago, when all it goes by was many.

        What is many stays so for a while; few may be many the next moment, which a walk by code can bear.
        """
        found: Plan | None = self._recent.get(self._question)
        return found

    def keep_plan(self, plan: Plan) -> None:
        counted = not self.query.count or self.query.total in {"accurate", "estimate"}
        if (plan.by_code and not counted) or (plan.least is not None and plan.least >= WIDE):
            self._recent.put(self._question, plan)

    @property
    def _question(self) -> tuple[Shaped, int]:
        """What is asked and by whom, in short: if two are taken for one, only the way is that of the other."""
        actors = None if self.query.sight is None else self.query.sight.actors
        return self._shaped, hash((self.query.where, actors, self.query.total, not self.query.count))

    def probe(self, *, wide: bool) -> Compiled:
        """A row of counts; `wide`: as far as it takes."""

        def compose() -> Template:
            predicates = self._predicates()
            return template_of(
                counts_of(predicates, self.query, self.nodes, self.types, wide=wide), predicates
            )

        return self._compiled(("probe", wide), compose, None)

    def plan_by(self, counts: Sequence[int], *, wide: bool) -> Plan | None:
        """The plan after `probe`; None: it takes another, which is `wide`."""
        leads = self._shaped.fact("leads", lambda: leads_in(self.nodes, self.types))
        return plan_by(self.query, self.nodes, self.types, leads, counts, wide=wide)

    # Statements -------------------------------------------------------------------------------------------------------

    def page(
        self, plan: Plan, *, start: Sequence[Value] | None = None, backward: bool = False, limit: int
    ) -> Compiled:
        """At most `limit` loaded rows: `FOUND`, number of candidates, sort keys, of which the last is the pk.

        They come behind `start` (`backward`: before it, nearest first), which is the sort keys of a row; None: from the
        first. All pages of a search have the same plan. The number of candidates goes as far as `CHEAP` + 1; it is
        null, unless this is the first page, all candidates match and a stretch of an index has them.
        """
        nulls = None if start is None else tuple([value is None for value in start])
        return self._compiled(
            ("page", plan.number, nulls, backward, self._actors if plan.lead == TIED or plan.by_code else 0),
            lambda: self._page(plan, nulls, backward),
            limit,
            start or (),
        )

    def plain_page(
        self, plan: Plan, *, start: Sequence[Value] | None = None, backward: bool = False, limit: int
    ) -> Compiled | None:
        """The same rows and those between them that are not seen; only what is plainly seen has its body.

        None: it is no list of one person; or a moment ago these actors met in one what is not plainly seen.
        """
        is_list = self._shaped.fact(("list", plan.number), lambda: self._is_list_of_person(plan))
        if not is_list or self._recent.get(self._whose):
            return None
        nulls = None if start is None else tuple([value is None for value in start])
        return self._compiled(
            ("plain page", plan.number, nulls, backward),
            lambda: self._plain_page(plan, nulls, backward),
            limit,
            start or (),
        )

    def keep_apart(self) -> None:
        """Remember for a moment that not all in a list is plainly seen by these actors."""
        self._recent.put(self._whose, True)

    @property
    def _whose(self) -> tuple[Shaped, tuple[Key, ...]]:
        """Who has a list like this, as far as it matters for the way."""
        return self._shaped, () if self.query.sight is None else self.query.sight.actors[:1]

    def cheap_limit(self, plan: Plan) -> int:
        """How many candidates may be gone through for a total that nobody asked for; 0: none."""
        least = None if plan.least is None else WIDE if plan.least > CHEAP else min(plan.least, FAR)
        known = Plan(plan.lead, least=least)
        return self._shaped.fact(("cheap", known), lambda: cheap_limit(known, self.nodes))

    def count(self, plan: Plan, limit: int | None = None, *, all_or_none: bool = False) -> Compiled:
        """Among the first `limit` candidates (None: all) how many match, and how many candidates there are.

        `all_or_none`: where there are as many as the limit, it need not be said how many match.
        """
        plan = counting(plan, self.nodes)
        use = ("count", plan.number, all_or_none)
        return self._compiled(use, lambda: self._count(plan, all_or_none=all_or_none), limit)

    def estimate(self, plan: Plan) -> Compiled:
        """What PostgreSQL expects there to be of candidates: its plan, as JSON. Nothing is read."""
        plan = counting(plan, self.nodes)

        def compose() -> Template:
            predicates = self._predicates()
            lead = self.nodes[plan.lead] if plan.lead != ALL else None
            if lead is not None and equal_leaves(lead):
                # Of a key alone, whose frequency PostgreSQL may know; of its space it would think as of something else.
                rows = f"entry c where c.key = any({predicates.keys(equal_leaves(lead))})"
            else:
                rows = all_in(self._source(predicates, plan)[0])
            return template_of(f"select 1 from {rows}", predicates, before="explain (format json) ")

        return self._compiled(("estimate", plan.number), compose, None)

    def _compiled(
        self,
        which: tuple[Any, ...],
        compose: Callable[[], Template],
        limit: int | None,
        start: Sequence[Value] = (),
    ) -> Compiled:
        template = self._shaped.template(which, compose)
        self._parts[0] = Ask(limit, start, self.listed, self.query.sight)
        return template.filled(self._parts)

    def _predicates(self) -> Predicates:
        return Predicates(self.types, self._hasher, words_condition, self._paths, person_in(self.nodes))

    def _page(self, plan: Plan, nulls: tuple[bool, ...] | None, backward: bool) -> Template:
        predicates, sort = self._predicates(), self.query.sort
        turn = Turn(nulls, backward, predicates.bind_taken("bigint", _limit))
        number = "null::bigint"
        if plan.lead == BY_SORT_KEY:
            inner, keys = self._by_sort_key(predicates, plan, turn)
        elif (plan.lead == TIED or plan.by_code) and not sort:
            inner, keys = self._walked(predicates, plan, turn)
        else:
            by_person = self._is_by_person()
            in_order = not (sort or by_person)
            source, conditions = self._source(
                predicates, plan, ordered=in_order, rows=True, by_person=by_person
            )
            if by_person:
                keys = keys_by_person(predicates, source)
                every = selected(predicates, source, conditions, keys, turn, cut=False)
                inner = seen_in_order(predicates, every, self.types, self.nodes, keys, turn)
            elif source.joined and is_as_listed(sort, self.types):
                keys = keys_of((), predicates, source, self._paths)
                found = selected(predicates, source, conditions, keys, turn, f"{_VALUES}, {number}, ")
                return template_of(found, predicates, loaded=True)
            elif source.order == BY_MOMENT and is_by_moment(sort, self.types):
                inner, keys = selected_by_moment(predicates, source, conditions, sort, self._paths, turn)
            else:
                keys = keys_of(sort, predicates, source, self._paths)
                inner = selected(predicates, source, conditions, keys, turn)
            many = plan.lead >= 0 and rank(self.nodes[plan.lead]) > IDENTIFIED  # else there is no second page
            all_match = not (conditions or source.lists or by_person)
            if many and nulls is None and source.order == BY_MOMENT and all_match:
                some = f"select 1 from {all_in(source)} limit {predicates.bind('bigint', CHEAP + 1)}"
                number = f"(select count(*) from ({some}) n)"
        names = [f"c.k{number}" for number in range(len(keys))]
        return template_of(
            f"select {_VALUES}, {number}, {', '.join(names)} from ({inner}) c"
            f" join resource r on r.pk = {names[-1]} {ordered(keys, turn, cut=False)}",
            predicates,
            loaded=True,
        )

    def _walked(self, predicates: Predicates, plan: Plan, turn: Turn) -> tuple[str, list[SortKey]]:
        asked = partial(self._asked, predicates, plan)
        place = place_of_code(self.query, self.types, self.nodes)
        if not plan.by_code or place is None:
            return walked(predicates, self.types, asked, turn, self._actors)
        code = self.nodes[place], place
        return walked_by_code(predicates, self.types, code, asked, turn, self._actors, plan.by_code)

    def _is_by_person(self) -> bool:
        """Whether the order is by person, as it is where the way of a search is not told by its form alone."""
        return not self.query.sort and is_narrowed(self.types, self.nodes) and self.plan() is None

    def _is_list_of_person(self, plan: Plan) -> bool:
        """Whether the page is a list that an index has in order, of what is about one person."""
        sort, nodes = self.query.sort, self.nodes
        if plan.lead < 0 or plan.by_code or person_in(nodes) is None or not is_narrowed(self.types, nodes):
            return False
        if self._is_by_person() or not is_as_listed(sort, self.types):
            return False
        return bool(self._source(self._predicates(), plan, ordered=not sort, rows=True)[0].joined)

    def _plain_page(self, plan: Plan, nulls: tuple[bool, ...] | None, backward: bool) -> Template:
        predicates = self._predicates()
        turn = Turn(nulls, backward, predicates.bind_taken("bigint", _limit))
        in_order = not self.query.sort
        source, conditions = self._source(predicates, plan, ordered=in_order, rows=True, plainly=True)
        values = _VALUES.replace("r.body", f"case when {predicates.is_plain('r')} then r.body end")
        keys = keys_of((), predicates, source, self._paths)
        found = selected(predicates, source, conditions, keys, turn, f"{values}, null::bigint, ")
        return template_of(found, predicates, loaded=True)

    def _by_sort_key(self, predicates: Predicates, plan: Plan, turn: Turn) -> tuple[str, list[SortKey]]:
        """Those that have a value, by its index, and then those that have none."""
        leading, *others = self.query.sort
        by = sorted_by(predicates, leading, self.nodes)
        first = SortKey(f"null::{by.kind}", by.kind, leading.descending, nullable=True)

        def select(source: Source, key: SortKey, settled: Sequence[Node] = ()) -> str:
            keys = [key, *keys_of(others, predicates, source, self._paths, first)]
            conditions = self._conditions(predicates, plan, source, settled)
            return selected(predicates, source, conditions, keys, turn)

        keys = [first, *keys_of(others, predicates, by.sources[0], self._paths, first)]
        held = replace(first, sql=by.value, nullable=False)
        parts = [select(source, held, by.settled) for source in by.sources]
        if by.several is not None:
            (key, *_) = keys_of((leading,), predicates, by.several, self._paths)
            each = ") union all (".join([*parts, select(by.several, key)])
            return f"select * from (({each})) c {ordered(keys, turn)}", keys
        assert by.without is not None
        parts.append(select(by.without, first))
        return appended(parts, turn), keys

    def _count(self, plan: Plan, *, all_or_none: bool) -> Template:
        predicates = self._predicates()
        limit = predicates.bind_taken("bigint", _limit)
        source, conditions = self._source(predicates, plan)
        found = totals.counted(predicates, source, conditions, limit, all_or_none=all_or_none)
        return template_of(found, predicates)

    def _source(
        self,
        predicates: Predicates,
        plan: Plan,
        *,
        ordered: bool = False,
        rows: bool = False,
        by_person: bool = False,
        plainly: bool = False,
    ) -> tuple[Source, list[str]]:
        """The source, and the conditions that it does not settle.

        `rows`: if their rows will be asked for who sees them, and they are in the order of an index, they are joined.
        `by_person`: that is their order, and who sees them is asked in it. `plainly`: it is asked by a page of bodies.
        """
        later = by_person or plainly
        but = [place for place, node in enumerate(self.nodes) if later and is_sight(node)]
        if plan.lead == ALL:
            source = all_of(predicates, self.types)
            return source, self._conditions(predicates, plan, source, but=but)
        if plan.lead == TIED:
            source = gathered(predicates, self.types)
            return source, self._conditions(predicates, plan, source)
        node = self.nodes[plan.lead]
        others = [one for place, one in enumerate(self.nodes) if place != plan.lead]
        pointed = is_set(node) and not (ordered and comes_in_order(node)) and any(map(goes_back, others))
        if pointed or (by_person and is_keyed(node)):
            # What points to a candidate is asked by its `self`, what orders by person by its compartment: all rows are
            # read in one scan, in the order of pk.
            source = rows_reached(predicates, node, self.types)
            return source, self._conditions(predicates, plan, source, but=but, many=plan.many)
        source = source_of(predicates, node, self.types, others, ordered=ordered)
        if rows and source.order == BY_MOMENT and not source.lists and any(map(is_sight, self.nodes)):
            source = replace(source, sql=f"{source.sql} join resource r on r.pk = c.pk", joined="r")
        conditions = self._conditions(predicates, plan, source, but=but)
        if not is_typed(node, self.types):
            conditions.insert(0, predicates.of_type(source.candidate(self.types)))
        return source, conditions

    def _conditions(
        self,
        predicates: Predicates,
        plan: Plan,
        source: Source,
        settled: Sequence[Node] = (),
        but: Sequence[int] = (),
        *,
        many: bool = False,
    ) -> list[str]:
        candidate = replace(source.candidate(self.types), many=many)
        known = {*but, *[place for place in (plan.lead,) if place >= 0 and source.complete]}
        known |= {place for place, node in enumerate(self.nodes) if node in settled or node in source.settles}
        return self._asked(predicates, plan, candidate, known)

    def _asked(
        self, predicates: Predicates, plan: Plan, candidate: Candidate, but: Container[int] = ()
    ) -> list[str]:
        """Every node as a condition, but for those at some places."""
        found = []
        for place, node in enumerate(self.nodes):
            if place in but:
                continue
            if place in plan.sets and isinstance(node, Back):
                self_of = predicates.column("self", candidate)
                found.append(f"({self_of} in (select v.self from {pointed_at(predicates, node)})) is true")
            else:
                found.append(predicates.condition(node, candidate))
        return found


def _limit(parts: Parts) -> Any:
    return parts[0].limit
