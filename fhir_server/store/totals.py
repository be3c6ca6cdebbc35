"""How many of the candidates of a source there are, and how many of them match, as one statement."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.store.predicates import Predicates, Source
from fhir_server.store.selects import all_in
from fhir_server.store.sources import BY_MOMENT


def counted(
    predicates: Predicates, source: Source, conditions: Sequence[str], limit: str, *, all_or_none: bool
) -> str:
    """A row of both numbers, of the first `limit` candidates.

    `all_or_none`: where there are as many as the limit, it need not be said how many match.
    """
    if all_or_none and conditions and source.order == BY_MOMENT and not source.lists:
        # To go along an index takes a tenth of what it takes to ask each.
        every = f"select 1 from {all_in(source)} limit {limit}"
        conditions = [f"(select count(*) from ({every}) n) < {limit}", *conditions]
    matched = f"count(*) filter (where {' and '.join(conditions)})" if conditions else "count(*)"
    if source.rows:
        every = f"select c.pk, count(*) over () as n from ({source.rows} limit {limit}) c"
        found = f"select distinct c.* from ({every}) c"
        return f"select {matched}, coalesce(max(c.n), 0) from ({found}) c"
    if not source.lists:
        columns = "c.*" if source.row and conditions else "c.pk, c.moment" if source.moment else "c.pk"
        found = f"select {columns} from {source.sql} where {source.condition} limit {limit}"
        return f"select {matched}, count(*) from ({found}) c"
    each = f"select c.pk, c.moment from {source.sql} where {source.condition} limit {limit}"
    every = f"select c.pk, c.moment from {source.lists} cross join lateral ({each}) c limit {limit}"
    if not conditions:
        return _of_lists(predicates, source, every)
    # A candidate may be in several lists.
    found = f"select distinct * from (select *, count(*) over () as n from ({every}) e) c"
    if source.row:
        found = f"select c.*, f.n from ({found}) f join resource c on c.pk = f.pk"
    return f"select {matched}, coalesce(max(c.n), 0) from ({found}) c"


def _of_lists(predicates: Predicates, source: Source, every: str) -> str:
    """Where there is but one list, or each type has its own, nothing is there twice."""
    plain = f"(select count(*) from ({every}) c)"
    if source.row:
        return f"select n, n from (select {plain} as n) c"
    predicates.common.append(f"lists as materialized (select v.* from {source.lists})")
    plain = plain.replace(f"from {source.lists} ", "from lists v ")
    distinct = plain.replace("(select count(*) from", "(select count(distinct c.pk) from", 1)
    return f"select case when (select count(*) from lists) < 2 then {plain} else {distinct} end, {plain}"
