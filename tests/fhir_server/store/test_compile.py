"""The SQL of a search says what `search/match.py` says, under every plan; and no plan is left to chance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.match import matches, sort_key
from fhir_server.search.query import (
    Dates,
    DateValue,
    Ids,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.search.spans import BEGINNING, END
from fhir_server.store.binary import unpack_int
from fhir_server.store.compile import (
    ALL,
    BY_SORT_KEY,
    WIDE,
    Compiled,
    count_of,
    count_plan,
    page_of,
    plan_by,
    plan_of,
    probe_of,
)
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Draft, Stored
from fhir_server.store.cursors import Value
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.pages import keys_of
from fhir_server.store.pipeline import Row
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.sources import SCAN, can_lead, rank

TYPE = "Patient"
CODE, OTHER, FAMILY, BIRTH, LINK = (
    Name(TYPE, code) for code in ("gender", "language", "family", "birthdate", "link")
)
SYSTEMS, CODES = ("", "s", "t"), ("a", "b", "c")
TEXTS = ("ada", "adam", "a b", "b", "zoe", "éa", "ab")
SPANS = [(0, 10), (0, 1), (5, 6), (5, 10), (10, 20), (BEGINNING, 5), (15, END), (0, 100)]
TARGETS = [Key(TYPE, f"target{number}") for number in range(3)]


@dataclass
class World:
    """A database with resources, what was written into it, and a way to ask it in SQL."""

    url: str
    hasher: Hasher
    rows: dict[Key, tuple[Entries, int]]
    session: Session | None = None

    async def run(self, compiled: Compiled) -> list[Row]:
        assert self.session is not None
        return await self.session.run(compiled.statement, compiled.params)


def random_entries(hasher: Hasher, chance: random.Random) -> Entries:
    found = Entries(moment=chance.choice((None, 1, 2)))
    present = set()
    for name in (CODE, OTHER):
        seed = hasher.seed(name.type, name.code)
        for _ in range(chance.choice((0, 1, 1, 2))):
            system = chance.choice(SYSTEMS)
            found.tokens.append((hasher.code(seed, chance.choice(CODES)), hasher.space(system)))
            present |= {seed, hasher.system(seed, system)} if system else {seed}
    link = hasher.seed(LINK.type, LINK.code)
    for target in chance.sample(TARGETS, chance.choice((0, 1, 2))):
        found.tokens.append((hasher.reference(link, hasher.self_of(target)), 0))
        present.add(link)
    family = hasher.seed(FAMILY.type, FAMILY.code)
    found.strings = [(family, text) for text in chance.sample(TEXTS, chance.choice((0, 1, 2, 3)))]
    birth = hasher.seed(BIRTH.type, BIRTH.code)
    found.dates = [(birth, *span) for span in chance.sample(SPANS, chance.choice((0, 1, 2)))]
    present |= ({family} if found.strings else set()) | ({birth} if found.dates else set())
    found.tokens = list(dict.fromkeys(found.tokens))
    found.present = sorted(present)
    return found


async def filled(url: str) -> World:
    store = await PostgresStore.open(url)
    chance = random.Random(7)
    world = World(url, store.hasher, {})
    try:
        async with store.begin() as tx:
            stamp = await tx.stamp()
            for number in range(60):
                key = Key(TYPE, f"p{number:02}")
                updated = stamp + 1000 * chance.randrange(5)
                world.rows[key] = random_entries(store.hasher, chance), updated
                await tx.write(Draft(key, 1, updated, b"{}", "POST", world.rows[key][0]))
            await tx.write(Draft(Key("Basic", "b"), 1, stamp, b"{}", "POST"))
        async with store.begin() as tx:
            key = Key(TYPE, "p00")
            old, rows = await tx.lock(key), world.rows.pop(key)
            assert isinstance(old, Stored)
            await tx.write(Draft(key, 2, old.updated + 10**6, b"", "DELETE", deleted=True, old=rows[0]))
    finally:
        await store.close()
    return world


@pytest.fixture(scope="module")
def world(databases: Any) -> Iterator[World]:
    url = databases.create()
    migrate(url)
    yield asyncio.run(filled(url))
    databases.drop(url)


tokens = st.builds(
    Tokens,
    st.sampled_from((CODE, OTHER)),
    st.lists(
        st.builds(TokenValue, st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES))
        | st.builds(TokenValue, st.sampled_from(("s", "t")), st.none()),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
references = st.builds(
    References,
    st.just(LINK),
    st.lists(st.sampled_from(TARGETS), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from(((), ("http://elsewhere",))),
)
strings = st.builds(
    Strings,
    st.just(FAMILY),
    st.lists(
        st.builds(
            StringValue,
            st.sampled_from(("a", "ad", "ada", "b", "é")),
            st.sampled_from(("starts", "contains")),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
)
prefixes = st.sampled_from(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))
spans = st.sampled_from([(0, 10), (5, 6), (5, 10), (10, 20), (9, 11), (0, 1)])
dates = st.builds(
    Dates,
    st.just(BIRTH),
    st.lists(st.builds(lambda p, s: DateValue(p, *s), prefixes, spans), min_size=1, max_size=2).map(tuple),
)
missing = st.builds(Missing, st.sampled_from((CODE, FAMILY, BIRTH, LINK)), st.booleans())
ids = st.builds(
    Ids, st.lists(st.integers(0, 61).map("p{:02}".format), min_size=1, max_size=5, unique=True).map(tuple)
)
plain = tokens | references | strings | dates | missing | ids | st.just(Nothing())
predicates = plain | st.builds(Not, plain) | st.builds(Not, st.builds(Not, plain))
sorts = st.builds(Sort, st.just("id"), st.none(), st.booleans()) | st.builds(
    Sort, st.just("updated"), st.none(), st.booleans()
)
sorts |= st.builds(Sort, st.just("date"), st.just(BIRTH), st.booleans())
sorts |= st.builds(Sort, st.just("string"), st.just(FAMILY), st.booleans())


def plans_of(query: Query) -> list[int]:
    places = [place for place, predicate in enumerate(query.where) if rank(predicate) < SCAN]
    return [ALL, *places, *([BY_SORT_KEY] if can_lead(query.sort) else [])]


async def paged(world: World, query: Query, plan: int, size: int, *, backward: bool) -> list[Key]:
    """The whole result, page by page, forwards, or backwards and turned round."""
    found: list[Key] = []
    start: tuple[Value, ...] | None = None
    while True:
        compiled = page_of(query, world.hasher, plan, start=start, backward=backward, limit=size)
        rows = await world.run(compiled)
        found += [Key(TYPE, (row[1] or b"").decode()) for row in rows]
        if len(rows) < size:
            return found[::-1] if backward else found
        start = keys_of(rows[-1], compiled.keys)


def expected(world: World, query: Query) -> set[Key]:
    return {
        key
        for key, (entries, updated) in world.rows.items()
        if matches(query, entries, key=key, updated=updated, hasher=world.hasher)
    }


def order(world: World, query: Query, keys: list[Key]) -> list[Any]:
    return [
        sort_key(query.sort, world.rows[key][0], key=key, updated=world.rows[key][1], hasher=world.hasher)
        for key in keys
    ]


@settings(max_examples=80)
@given(
    where=st.lists(predicates, max_size=3).map(tuple),
    sort=st.lists(sorts, max_size=2).map(tuple),
    size=st.sampled_from((1, 3, 7, 100)),
)
def test_the_database_agrees_with_the_meaning_of_search(
    world: World, where: tuple[Predicate, ...], sort: tuple[Sort, ...], size: int
) -> None:
    query = Query(TYPE, where, sort)
    wanted = expected(world, query)

    async def ask() -> None:
        conninfo = session_conninfo(world.url, "test", PLANNER)
        async with await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, context=ADAPTERS
        ) as connection:
            world.session = Session(connection)
            for plan in plans_of(query):
                forwards = await paged(world, query, plan, size, backward=False)
                assert set(forwards) == wanted, plan
                assert len(forwards) == len(wanted), plan
                assert order(world, query, forwards) == sorted(order(world, query, forwards)), plan
                assert await paged(world, query, plan, size, backward=True) == forwards, plan
                counted = count_of(query, world.hasher, count_plan(query, plan), limit=None)
                ((count,),) = await world.run(counted)
                assert unpack_int(count or b"") == len(wanted), plan

    asyncio.run(ask())


@settings(max_examples=30)
@given(value=st.lists(st.tuples(prefixes, st.integers(-3, 8), st.integers(1, 3)), min_size=1, max_size=2))
def test_last_updated_agrees_too(world: World, value: list[tuple[Any, int, int]]) -> None:
    first = min(updated for _, updated in world.rows.values())
    values = tuple(
        DateValue(prefix, first + 1000 * low, first + 1000 * (low + width)) for prefix, low, width in value
    )
    query = Query(TYPE, (Updated(values),))

    async def ask() -> None:
        conninfo = session_conninfo(world.url, "test", PLANNER)
        async with await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, context=ADAPTERS
        ) as connection:
            world.session = Session(connection)
            for plan in (ALL, 0):
                found = await paged(world, query, plan, 7, backward=False)
                assert set(found) == expected(world, query)
                assert len(found) == len(set(found))

    asyncio.run(ask())


# Plans --------------------------------------------------------------------------------------------------------------

HASHER = Hasher(b"a secret of sixteen")
IDENTIFIER = Tokens(Name(TYPE, "identifier"), (TokenValue("s", "1"),))
STATUS = Tokens(CODE, (TokenValue("s", "a"),))
LANGUAGE = Tokens(OTHER, (TokenValue(None, "a"),))
NAMED = Strings(FAMILY, (StringValue("a"),))
BORN = Dates(BIRTH, (DateValue("ge", 0, 1),))
OF_PATIENT = References(LINK, (TARGETS[0],))
BY_DATE = (Sort("date", BIRTH, True),)


@pytest.mark.parametrize(
    ("query", "plan"),
    [
        (Query(TYPE), ALL),
        (Query(TYPE, (STATUS,)), 0),
        (Query(TYPE, (Missing(CODE, True),)), ALL),
        (Query(TYPE, (STATUS, IDENTIFIER)), 1),
        (Query(TYPE, (STATUS, OF_PATIENT), BY_DATE), 1),
        (Query(TYPE, (STATUS, Ids(("1",)))), 1),
        (Query(TYPE, (STATUS, Nothing())), 1),
    ],
)
def test_some_plans_are_certain(query: Query, plan: int) -> None:
    assert plan_of(query) == plan


@pytest.mark.parametrize(
    ("query", "counts", "plan"),
    [
        (Query(TYPE, (STATUS, LANGUAGE)), (WIDE, 3), 1),
        (Query(TYPE, (NAMED, STATUS)), (2, 2), 1),  # as rare as the other: the better kind
        (Query(TYPE, (STATUS, LANGUAGE)), (WIDE, WIDE), 0),
        (Query(TYPE, (STATUS,), BY_DATE), (10,), 0),
        (Query(TYPE, (STATUS,), BY_DATE), (WIDE,), BY_SORT_KEY),
        (Query(TYPE, (), BY_DATE), (WIDE,), BY_SORT_KEY),
        (Query(TYPE, (), BY_DATE), (10,), ALL),
        (Query(TYPE, (STATUS,), (Sort("updated", None),)), (WIDE,), ALL),
        (Query(TYPE, (STATUS,), (Sort("updated", None),)), (10,), 0),
    ],
)
def test_the_other_plans_follow_from_bounded_counts(query: Query, counts: tuple[int, ...], plan: int) -> None:
    assert plan_of(query) is None
    assert plan_by(query, counts) == plan


def test_queries_of_one_shape_have_one_text() -> None:
    def text(code: str, family: str, *ids: str) -> str:
        where = (Tokens(CODE, (TokenValue("s", code),)), Strings(FAMILY, (StringValue(family),)), Ids(ids))
        return page_of(Query(TYPE, where), HASHER, 0, start=None, backward=False, limit=5).statement.sql

    assert text("a", "b", "1") == text("c", "d", "2", "3", "4")


def test_tokens_have_no_order_to_sort_by() -> None:
    query = Query(TYPE, sort=(Sort("token", CODE),))

    with pytest.raises(Malformed):
        page_of(query, HASHER, ALL, start=None, backward=False, limit=5)


async def test_a_probe_counts_each_source_as_far_as_it_matters(world: World) -> None:
    query = Query(TYPE, (STATUS, LANGUAGE, NAMED, BORN))
    async with await psycopg.AsyncConnection.connect(
        world.url, autocommit=True, context=ADAPTERS
    ) as connection:
        world.session = Session(connection)
        (counts,) = await world.run(probe_of(query, world.hasher))

    for count, predicate in zip(counts, query.where, strict=True):
        assert unpack_int(count or b"") >= len(expected(world, Query(TYPE, (predicate,))))


SHAPES = {
    "identifier": Query(TYPE, (IDENTIFIER,)),
    "code of any system": Query(TYPE, (LANGUAGE,)),
    "patient and code, by date": Query(TYPE, (OF_PATIENT, STATUS), BY_DATE),
    "code, then name": Query(TYPE, (STATUS, NAMED)),
    "name, then code": Query(TYPE, (NAMED, STATUS)),
    "date, then missing": Query(TYPE, (BORN, Missing(FAMILY, True))),
    "updated": Query(TYPE, (Updated((DateValue("ge", 0, 1),)),)),
    "all, not of a code": Query(TYPE, (Not(STATUS),)),
    "all by name": Query(TYPE, (), (Sort("string", FAMILY),)),
    "all by last update": Query(TYPE, (), (Sort("updated", None, True),)),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_every_step_of_a_search_is_an_index_scan(world: World, name: str) -> None:
    """On an almost empty table, where a planner left alone would scan it."""
    query = SHAPES[name]
    conninfo = session_conninfo(world.url, "test", PLANNER)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        for plan in plans_of(query):
            sql = page_of(query, world.hasher, plan, start=None, backward=False, limit=20).statement.sql
            await connection.execute(f"prepare shape as {sql}")
            nulls = ", ".join(
                ["null"] * len(page_of(query, HASHER, plan, start=None, backward=False, limit=1).params)
            )
            cursor = await connection.execute(f"explain (costs off) execute shape({nulls})")
            shown = "\n".join(row[0] for row in await cursor.fetchall())
            await connection.execute("deallocate shape")

            assert "Seq Scan" not in shown, shown
            assert "Hash Join" not in shown, shown
            assert "Merge Join" not in shown, shown
