"""The SQL of a search says what `search/match.py` says, under every plan; and no plan is left to chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.order import sort_key
from fhir_server.search.query import (
    AnyOf,
    Chain,
    Dates,
    DateValue,
    Has,
    Ids,
    Missing,
    Name,
    Near,
    Not,
    Quantities,
    QuantityValue,
    Query,
    Sort,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.store.binary import unpack_int
from fhir_server.store.compile import Search
from fhir_server.store.cursors import Value
from fhir_server.store.leading import can_lead
from fhir_server.store.memory_search import Live
from fhir_server.store.pages import keys_of
from fhir_server.store.plans import ALL, BY_SORT_KEY, Plan, sources_in
from fhir_server.store.rows import Loaded
from fhir_server.store.statements import Compiler
from tests.databases import Databases
from tests.fhir_server.store.made_up import (
    BIRTH,
    FAMILY,
    GENDER,
    HASHER,
    LINK,
    MEMBER,
    OBSERVATION,
    PATIENT,
    PLACE,
    SUBJECT,
    VALUE,
    WORDS,
    World,
    connected,
)
from tests.fhir_server.store.made_up_queries import (
    BORN,
    BY_DATE,
    FINAL,
    FRENCH,
    IDENTIFIER,
    LATEST,
    MALE,
    NAMED,
    OBSERVED,
    OF_PATIENT,
    asked,
    asked_of,
    asked_of_several,
    predicates,
    prefixes,
)


@pytest.fixture(scope="module")
def world(databases: Databases, migrated: str) -> Iterator[World]:
    url = databases.create(migrated)
    found = World(url)
    found.runner.run(found.open())
    yield found
    found.close()
    databases.drop(url)


def plans_of(search: Search) -> list[Plan]:
    places = sources_in(search.nodes)
    sets = [Plan(lead, frozenset(places) - {lead}) for lead in (ALL, *places)]
    by_key = [Plan(BY_SORT_KEY)] if can_lead(search.query.sort, search.types, search.nodes) else []
    many = [Plan(lead, many=True) for lead in places]
    return [Plan(ALL), *map(Plan, places), *by_key, *sets, *many]


async def paged(world: World, search: Search, plan: Plan, size: int, *, backward: bool) -> list[Key]:
    """The whole result, page by page, forwards, or backwards and turned round."""
    found: list[Key] = []
    start: tuple[Value, ...] | None = None
    while True:
        compiled = search.page(plan, start=start, backward=backward, limit=size)
        rows = await world.run(compiled)
        found += [one.key for one in Loaded(rows)]
        if len(rows) < size:
            return found[::-1] if backward else found
        start = keys_of(rows[-1])


def order(world: World, query: Query, keys: list[Key]) -> list[Any]:
    return [
        sort_key(
            query.sort,
            world.rows[key].entries,
            key=key,
            updated=world.rows[key].updated,
            hasher=world.hasher,
            tree=world.rows[key].tree,
        )
        for key in keys
    ]


async def compare(world: World, query: Query, size: int) -> None:
    """Every way to the result gives the same set, in the order asked for, whatever the size of a page."""
    wanted = {row.key for row in Live(world.rows, world.hasher).found(query)}
    search = await world.search(query)
    for plan in plans_of(search):
        forwards = await paged(world, search, plan, size, backward=False)
        assert set(forwards) == wanted, plan
        assert len(forwards) == len(wanted), plan
        assert order(world, query, forwards) == sorted(order(world, query, forwards)), plan
        assert await paged(world, search, plan, size, backward=True) == forwards, plan
        ((matched, candidates),) = await world.run(search.count(plan))
        assert unpack_int(matched or b"") == len(wanted), plan
        assert unpack_int(candidates or b"") >= len(wanted), plan
        ((matched, candidates),) = await world.run(search.count(plan, size, all_or_none=True))
        if unpack_int(candidates or b"") < size:
            assert unpack_int(matched or b"") == len(wanted), plan
    places = sources_in(search.nodes)
    for wide in (False, True):
        (counts,) = await world.run(search.probe(wide=wide))
        for count, place in zip(counts, places, strict=False):
            # What points to a resource, or is pointed to by one, may be more than one; that it is none is certain.
            assert unpack_int(count or b"") or not wanted, place


@settings(max_examples=120)
@given(st.one_of(*map(asked_of, predicates)), st.sampled_from((1, 3, 7, 100)))
def test_the_database_agrees_with_the_meaning_of_search(world: World, query: Query, size: int) -> None:
    world.runner.run(compare(world, query, size))


@settings(max_examples=40)
@given(asked_of_several, st.sampled_from((2, 7, 100)))
def test_searches_of_several_types_agree_too(world: World, query: Query, size: int) -> None:
    world.runner.run(compare(world, query, size))


@settings(max_examples=20)
@given(value=st.lists(st.tuples(prefixes, st.integers(-3, 8), st.integers(1, 3)), min_size=1, max_size=2))
def test_last_updated_agrees_too(world: World, value: list[tuple[Any, int, int]]) -> None:
    first = min(row.updated for row in world.rows.values())
    values = tuple(
        DateValue(prefix, first + 1000 * low, first + 1000 * (low + width)) for prefix, low, width in value
    )

    world.runner.run(compare(world, Query((PATIENT,), (Updated(values),)), 7))
    world.runner.run(compare(world, Query((), (Updated(values),), (Sort("updated", None, True),)), 7))


def test_queries_of_one_shape_have_one_text() -> None:
    compiler = Compiler(HASHER)

    def text(code: str, family: str, *ids: str) -> str:
        where = (Tokens(GENDER, (TokenValue("s", code),)), Strings(FAMILY, (StringValue(family),)), Ids(ids))
        return Search(asked(*where), compiler).page(Plan(0), limit=5).statement.sql

    assert text("a", "b", "1") == text("c", "d", "2", "3", "4")


def test_a_text_that_is_nowhere_in_a_body_is_nothing_to_sort_by() -> None:
    with pytest.raises(Malformed):
        Search(asked(sort=(Sort("text", Name(PATIENT, "nothing")),)), Compiler(HASHER))


SHAPES = {
    "identifier": asked(IDENTIFIER),
    "code of any system": asked(FRENCH),
    "patient and code, by date": asked(OF_PATIENT, MALE, sort=BY_DATE),
    "code, then name": asked(MALE, NAMED),
    "name, then code": asked(NAMED, MALE),
    "date, then missing": asked(BORN, Missing(FAMILY, True)),
    "updated": asked(Updated((DateValue("ge", 0, 1),))),
    "all, not of a code": asked(Not(MALE)),
    "all by name": asked(sort=(Sort("string", FAMILY),)),
    "all by last update": asked(sort=(Sort("updated", None, True),)),
    "range of dates, by date": asked(BORN, Dates(BIRTH, (DateValue("lt", 9, 10),)), sort=BY_DATE),
    "chain": asked(Chain(LINK, PATIENT, IDENTIFIER)),
    "chain, or contained": asked(AnyOf((Chain(LINK, PATIENT, NAMED), MALE))),
    "has": asked(OBSERVED),
    "has of has": asked(Has(SUBJECT, Has(MEMBER, FINAL)), MALE),
    "near": asked(Near(PLACE, 0.0, 0.0, 100.0)),
    "number": Query((OBSERVATION,), (Quantities(VALUE, (QuantityValue("gt", 1.0, 0.5, 1.5),)),)),
    "term": Query((OBSERVATION,), (Terms(WORDS, (StringValue("a"),)), FINAL)),
    "code, the latest first": Query((OBSERVATION,), (FINAL, Missing(VALUE, False)), LATEST),
    "every type": Query((), (), (Sort("updated", None, True),)),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_every_step_of_a_search_is_an_index_scan(world: World, name: str) -> None:
    """On an almost empty table, where a planner left alone would scan it."""
    search = Search(SHAPES[name], world.compiler)
    async with await connected(world) as connection:
        for plan in plans_of(search):
            for compiled in (search.page(plan, limit=20), search.count(plan), search.probe(wide=True)):
                await connection.execute(f"prepare shape as {compiled.statement.sql}")
                nulls = ", ".join(["null"] * len(compiled.params))
                execute = f"execute shape({nulls})" if nulls else "execute shape"
                cursor = await connection.execute(f"explain (costs off) {execute}")
                shown = "\n".join(row[0] for row in await cursor.fetchall())
                await connection.execute("deallocate shape")

                assert "Seq Scan" not in shown, shown
                assert "Hash Join" not in shown, shown
                assert "Merge Join" not in shown, shown
