"""`_text` and `_content`: words are taken in the background, and a search finds also those that have not been.

A write pays nothing for words. `index_words`, called from time to time by any worker, goes through the versions in the
order of their stamps and moves a mark behind them; it stops at the watermark (`watermark.py`), before which nothing can
appear any more. A search asks the index about what lies before the mark, and the bodies themselves about what lies
behind it, with the same functions of the database (migration 0003): what is committed is found at once.

The words of a type are told apart by a word that nobody can ask for, `~` and the number of the type, so that the index
alone answers a search of few types. Accents go, French inflections too; a word's place is kept, for phrases.

https://hl7.org/fhir/R4/search.html#content · https://www.postgresql.org/docs/current/textsearch.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.search.query import Words
from fhir_server.search.words import Expression, expression_of, parts_of
from fhir_server.store.binary import (
    INT2_ARRAY,
    INT4,
    INT8,
    pack_int2s,
    pack_int4,
    pack_int8,
    unpack_bool,
)
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Statement
from fhir_server.store.predicates import Predicates, Source
from fhir_server.store.watermark import Clock, Run, watermark

BATCH: Final = 500  # resources of one step of the indexing
BATCH_BYTES: Final = 4_000_000  # of their bodies; a longer one comes alone
_LAST: Final = 2**63 - 1

_MARK: Final = Statement(
    "words_mark",
    """
    select m.updated, m.pk, exists (
        select 1 from unnest($1::smallint[]) t(type) cross join lateral (
            select 1 from resource where type = t.type and (updated, pk) > (m.updated, m.pk) limit 1) r)
    from text_mark m""",
    (INT2_ARRAY,),
)
# Nothing happens if another worker has moved the mark from ($2, $3), or is about to: a locked row is skipped, and one
# that has changed since the snapshot is judged anew. So whoever goes on sees all that was indexed before.
_INDEX: Final = Statement(
    "words_index",
    """
    with mark as materialized (
        select updated, pk from text_mark where updated = $2 and pk = $3 for update skip locked),
    behind as materialized (
        select r.* from mark m cross join unnest($1::smallint[]) t(type) cross join lateral (
            select pk, type, updated, deleted, octet_length(body) as size from resource
            where type = t.type and (updated, pk) > (m.updated, m.pk) and updated < $4
            order by updated, pk limit $5) r
        order by updated, pk limit $5),
    batch as materialized (
        select * from (select *, sum(size) over (order by updated, pk) - size as before from behind) b
        where coalesce(before, 0) < $6),
    removed as (delete from entry_text where pk in (select pk from batch where deleted)),
    added as (
        insert into entry_text as e (pk, words)
        select b.pk, words_of(r.body) || array_to_tsvector(array['~' || b.type])
        from batch b join resource r on r.pk = b.pk where not b.deleted
        on conflict (pk) do update set words = excluded.words where e.words <> excluded.words),
    last as (select updated, pk from batch order by updated desc, pk desc limit 1),
    state as materialized (
        select size = $5 or size < (select count(*) from behind) as more
        from (select count(*) as size from batch) b),
    moved as (
        update text_mark set
            updated = case when s.more then l.updated else $4 - 1 end,
            pk = case when s.more then l.pk else $7 end
        from mark m cross join state s left join last l on true where $4 > m.updated)
    select more from state""",
    (INT2_ARRAY, INT8, INT8, INT8, INT4, INT8, INT8),
)
_ALL_TYPES: Final = pack_int2s(list(TYPE_NUMBERS.values()))


async def index_words(run: Run, clock: Clock, *, batch: int = BATCH) -> bool:
    """Take the words of the next resources; whether there are more. `run` is outside any transaction."""
    ((updated, pk, waiting),) = await run(_MARK, (_ALL_TYPES,))
    assert updated is not None
    assert pk is not None
    assert waiting is not None
    if not unpack_bool(waiting):
        return False
    end = await watermark(run, clock)
    params = (
        _ALL_TYPES,
        updated,
        pk,
        pack_int8(end),
        pack_int4(batch),
        pack_int8(BATCH_BYTES),
        pack_int8(_LAST),
    )
    ((more,),) = await run(_INDEX, params)
    assert more is not None
    return unpack_bool(more)


def words_condition(predicates: Predicates, predicate: Words, source: Source) -> str:
    """What must be true of a candidate of `source`. Raises `Malformed` for too many words."""
    expression = expression_of(predicate.text)
    if expression is None:
        return "false"
    asked = _asked(predicates, predicate, expression, ())
    known = "exists (select 1 from entry_text t where t.pk = {c}.pk and t.words @@ a.words offset 0)"
    judged = (
        "coalesce(case when ({c}.updated, {c}.pk) > (a.updated, a.pk)"
        f" then words_of({{c}}.body) @@ a.words else {known} end, false)"
    )
    if source.row:
        return f"exists (select 1 from {asked} a where {judged.format(c='c')} offset 0)"
    return (
        f"exists (select 1 from {asked} a cross join resource x"
        f" where x.pk = c.pk and {judged.format(c='x')} offset 0)"
    )


def words_source(predicates: Predicates, predicate: Words, types: Sequence[str]) -> Source | None:
    """The candidates of `types` (empty: of any type) that have the words; None when there is no word to look for."""
    expression = expression_of(predicate.text)
    if expression is None:
        return None
    asked = _asked(predicates, predicate, expression, types)
    numbers = predicates.bind("bigint[]", [TYPE_NUMBERS[name] for name in types or TYPES])
    indexed = (
        f"select r.* from entry_text t join resource r on r.pk = t.pk where t.words @@ (select typed from {asked})"
        f" and (r.updated, r.pk) <= (select updated, pk from {asked}) and not r.deleted"
    )
    # A deleted resource has no body. To ask whether it is deleted might lead the planner to another index.
    waiting = (
        f"select r.* from unnest({numbers}) n(type) cross join lateral (select * from resource"
        f" where type = n.type and (updated, pk) > (select updated, pk from {asked}) offset 0) r"
        f" where words_of(r.body) @@ (select words from {asked})"
    )
    return Source(f"({indexed} union all {waiting} offset 0) c", row=True, moment=True)


def _asked(predicates: Predicates, predicate: Words, expression: Expression, types: Sequence[str]) -> str:
    """The name of a relation of one row: the question, the question about `types`, and the mark."""
    parts = predicates.bind("text[]", parts_of(expression))
    label = predicates.bind("text", "A" if predicate.part == "narrative" else "")
    typed = predicates.bind("text", " | ".join(f"'~{TYPE_NUMBERS[name]}'" for name in types) or None)
    name = f"asked{len(predicates.common)}"
    predicates.common.append(
        f"{name} as materialized (select q.words,"
        f" case when {typed} is null then q.words else q.words && ({typed})::tsquery end as typed, m.updated, m.pk"
        f" from text_mark m cross join (select words_asked({parts}, {label}) as words) q)"
    )
    return name
