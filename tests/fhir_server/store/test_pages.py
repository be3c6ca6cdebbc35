"""Pages of searches on PostgreSQL: totals, what they bring along, and what a search may cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Malformed, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.query import (
    Chain,
    Has,
    Include,
    Listed,
    Name,
    Not,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Draft, Page
from fhir_server.store.pages import SORTABLE_TEXTS, search
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.plans import CHEAP
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.statements import Compiler

PATIENT, OBSERVATION, LIST = "Patient", "Observation", "List"
GENDER, FAMILY = Name(PATIENT, "gender"), Name(PATIENT, "family")
CODE, SUBJECT = Name(OBSERVATION, "code"), Name(OBSERVATION, "subject")
MALE = Tokens(GENDER, (TokenValue("s", "male"),))
ADA = Strings(FAMILY, (StringValue("ada"),))
WEIGHT = Tokens(CODE, (TokenValue("s", "weight"),))


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url, search_timeout_seconds=1)
    yield opened
    await opened.close()


def entries(
    hasher: Hasher,
    *,
    tokens: dict[Name, str] | None = None,
    strings: dict[Name, str] | None = None,
    links: dict[Name, Key] | None = None,
) -> Entries:
    found = Entries()
    for name, code in (tokens or {}).items():
        seed = hasher.seed(name.type, name.code)
        found.tokens.append((hasher.code(seed, code), hasher.space("s")))
        found.present.append(seed)
    for name, text in (strings or {}).items():
        found.strings.append((hasher.seed(name.type, name.code), text))
    for name, target in (links or {}).items():
        seed = hasher.seed(name.type, name.code)
        found.tokens.append((hasher.reference(seed, hasher.self_of(target)), 0))
        found.references.append((seed, target))
    return found


async def write(store: PostgresStore, *drafts: tuple[Key, Entries, bytes]) -> None:
    async with store.begin() as tx:
        stamp = await tx.stamp()
        for key, rows, body in drafts:
            await tx.write(Draft(key, 1, stamp, body, "POST", rows))


def patient(store: PostgresStore, number: int, gender: str = "male") -> tuple[Key, Entries, bytes]:
    rows = entries(store.hasher, tokens={GENDER: gender}, strings={FAMILY: "ada"})
    return Key(PATIENT, f"p{number}"), rows, b'{"resourceType":"Patient","gender":"%b"}' % gender.encode()


def observation(store: PostgresStore, number: int, subject: int) -> tuple[Key, Entries, bytes]:
    links = {SUBJECT: Key(PATIENT, f"p{subject}")}
    return (
        Key(OBSERVATION, f"o{number}"),
        entries(store.hasher, tokens={CODE: "weight"}, links=links),
        b'{"resourceType":"Observation"}',
    )


def ids(page: Page) -> list[str]:
    return [stored.key.id for stored in page.items]


# Totals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [(MALE,), (ADA,), (MALE, ADA), (Not(WEIGHT),), ()])
async def test_a_total_is_told_where_it_is_cheap(store: PostgresStore, where: tuple[Any, ...]) -> None:
    await write(store, *[patient(store, number) for number in range(30)])

    assert (await store.search(Query((PATIENT,), where, count=10))).total == 30
    assert (await store.search(Query((PATIENT,), where, count=10, total="none"))).total is None
    assert (await store.search(Query((PATIENT,), where, count=30, total="none"))).total == 30
    assert (await store.search(Query((PATIENT,), where, count=0))).total == 30


async def test_a_total_past_the_limit_is_told_to_those_who_ask(store: PostgresStore) -> None:
    await write(store, *[patient(store, number) for number in range(CHEAP + 10)])

    async def total(how: Any, *where: Any) -> int | None:
        return (await store.search(Query((PATIENT,), where, count=10, total=how))).total

    for where in ((MALE,), (ADA,), (MALE, ADA)):
        assert await total(None, *where) is None
        assert await total("accurate", *where) == CHEAP + 10
        assert await total("estimate", *where) == CHEAP + 10


async def test_an_estimate_beyond_what_is_counted_is_near_the_truth(url: str, store: PostgresStore) -> None:
    for start in range(0, 6000, 2000):
        await write(
            store, *[patient(store, n, "male" if n % 4 else "female") for n in range(start, start + 2000)]
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")

    page = await store.search(Query((PATIENT,), (ADA, MALE), count=10, total="estimate"))

    assert page.total is not None
    assert 3000 < page.total < 6000  # 4500 in truth


# Pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sort", [(), (Sort("id", None),), (Sort("string", FAMILY), Sort("updated", None, True))]
)
async def test_what_stays_is_on_one_page_each_while_others_write(
    store: PostgresStore, sort: tuple[Sort, ...]
) -> None:
    await write(store, *[patient(store, number) for number in range(100, 130)])
    query = Query((PATIENT,), (MALE,), sort, count=7)
    seen: list[str] = []
    page = await store.search(query)
    for number in range(200, 210):
        seen += ids(page)
        if not page.next:
            break
        assert len(page.items) == 7
        await write(store, patient(store, number), patient(store, number - 200))
        page = await store.search(replace(query, cursor=page.next))

    assert len(seen) == len(set(seen))
    assert {f"p{number}" for number in range(100, 130)} <= set(seen)


async def test_a_search_of_several_types_says_what_each_hit_is(store: PostgresStore) -> None:
    await write(store, patient(store, 1), observation(store, 1, 1))

    page = await store.search(Query((), (), (Sort("id", None),)))

    assert [stored.key for stored in page.items] == [Key(OBSERVATION, "o1"), Key(PATIENT, "p1")]
    assert ids(await store.search(Query((PATIENT, OBSERVATION), (), (Sort("id", None, True),), count=1))) == [
        "p1"
    ]
    assert ids(await store.search(Query(("Unheard", PATIENT)))) == ["p1"]
    assert (await store.search(Query(("Unheard",)))).total == 0


async def test_a_page_goes_on_behind_a_number_without_end(store: PostgresStore) -> None:
    value = Name(OBSERVATION, "value-quantity")
    seed = store.hasher.seed(value.type, value.code)
    drafts = [
        (Key(OBSERVATION, f"o{number}"), Entries(quantities=[(seed, 0, 1.0, float("inf"))]), b"{}")
        for number in range(5)
    ]
    await write(store, *drafts)
    query = Query((OBSERVATION,), (), (Sort("number", value, True),), count=2)

    first = await store.search(query)
    second = await store.search(replace(query, cursor=first.next))
    third = await store.search(replace(query, cursor=second.next))

    assert sorted(ids(first) + ids(second) + ids(third)) == ["o0", "o1", "o2", "o3", "o4"]


# Other resources ------------------------------------------------------------------------------------------------------


async def test_a_list_holds_what_it_has_not_marked_as_deleted(store: PostgresStore) -> None:
    item = Name(LIST, "item")
    rows = Entries()
    for number in range(3):
        rows.references.append((store.hasher.seed(item.type, item.code), Key(PATIENT, f"p{number}")))
    body = (
        b'{"resourceType":"List","entry":[{"item":{"reference":"Patient/p0"}},'
        b'{"item":{"reference":"Patient/p1"},"deleted":true},'
        b'{"item":{"reference":"https://here.example/fhir/Patient/p2/_history/1"}},'
        b'{"item":{"reference":"https://elsewhere.example/fhir/Patient/p3"}}]}'
    )
    key = Key(LIST, "l")
    await write(store, *[patient(store, number) for number in range(5)], (key, rows, body))

    async def found(*where: Any) -> list[str]:
        return sorted(ids(await store.search(Query((PATIENT,), where))))

    assert await found(Listed(key)) == ["p0", "p2"]
    assert await found(Not(Listed(key))) == ["p1", "p3", "p4"]
    assert await found(Listed(Key(LIST, "none"))) == []


async def test_a_query_with_an_empty_source_has_an_empty_answer(store: PostgresStore) -> None:
    await write(store, patient(store, 1), observation(store, 1, 1))
    nowhere = Tokens(CODE, (TokenValue("s", "nowhere"),))

    page = await store.search(Query((OBSERVATION,), (WEIGHT, nowhere), count=0))

    assert (page.items, page.total) == ((), 0)


async def test_includes_end_at_a_limit_and_say_so(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(store, patient(store, 1), *[observation(store, number, 1) for number in range(10)])
    query = Query((PATIENT,), (), includes=(Include(SUBJECT, reverse=True),))

    for most, found, truncated in ((9, 9, True), (10, 10, False)):
        monkeypatch.setattr("fhir_server.store.includes.MOST", most)
        page = await store.search(query)
        assert (len(page.included), page.truncated) == (found, truncated)


async def test_includes_that_go_in_circles_come_to_an_end(store: PostgresStore) -> None:
    link = Name(PATIENT, "link")
    seed = store.hasher.seed(link.type, link.code)
    ring = [Key(PATIENT, f"p{number}") for number in range(5)]
    for number, key in enumerate(ring):
        rows = entries(store.hasher, links={link: ring[(number + 1) % 5]})
        assert rows.references == [(seed, ring[(number + 1) % 5])]
        await write(store, (key, rows, b"{}"))

    page = await store.search(
        Query((PATIENT,), (References(link, (ring[3],)),), includes=(Include(link, iterate=True),))
    )

    assert ids(page) == ["p2"]
    assert sorted(stored.key.id for stored in page.included) == ["p0", "p1", "p3", "p4"]


# Costs --------------------------------------------------------------------------------------------------------------


async def test_a_search_that_takes_too_long_is_ended_and_may_be_tried_again(
    url: str, store: PostgresStore
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("lock table entry in access exclusive mode")

        with pytest.raises(Unavailable):
            await store.search(Query((PATIENT,), (MALE,)))
        connection.rollback()

    assert (await store.search(Query((PATIENT,), (MALE,)))).total == 0


async def test_so_many_bodies_are_not_read_for_a_sort(url: str, store: PostgresStore) -> None:
    await write(store, patient(store, 1))
    by_gender = (Sort("text", GENDER),)
    assert ids(await store.search(Query((PATIENT,), (), by_gender))) == ["p1"]
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs, body)"
            " select pk + n, n, type, 'x' || n, 1, updated, moment, 1, false, '{}', '{}', body"
            f" from resource, generate_series(1, {SORTABLE_TEXTS}) n"
        )

    with pytest.raises(Malformed):
        await store.search(Query((PATIENT,), (), by_gender))


async def test_an_explanation_shows_each_step_and_no_value(store: PostgresStore) -> None:
    await write(store, patient(store, 1), observation(store, 1, 1))
    chained = Chain(SUBJECT, PATIENT, Strings(FAMILY, (StringValue("o'dette"),)))
    pointed = Query((PATIENT,), (Has(SUBJECT, WEIGHT), ADA, MALE), (Sort("string", FAMILY),))

    steps = [*await store.explain(Query((OBSERVATION,), (chained, WEIGHT))), *await store.explain(pointed)]

    assert len(steps) >= 3
    for sql, plan in steps:
        assert sql.startswith(("select", "with"))
        assert "Index" in plan
        assert "Seq Scan" not in plan
        assert "dette" not in sql + plan
    async with store.begin() as tx:
        assert await tx.explain(Query((PATIENT,), (MALE,)))


async def test_a_search_finds_the_same_through_an_empty_and_through_a_warm_compiler(
    url: str, store: PostgresStore
) -> None:
    await write(store, *[patient(store, number, "male" if number % 2 else "female") for number in range(6)])
    warm = Compiler(store.hasher)
    async with await psycopg.AsyncConnection.connect(
        session_conninfo(url, "test", PLANNER), autocommit=True, context=ADAPTERS
    ) as connection:
        run = Session(connection).run
        for gender in ("male", "female", "other"):
            query = Query((PATIENT,), (Tokens(GENDER, (TokenValue("s", gender),)), ADA))
            assert ids(await search(run, warm, query)) == ids(
                await search(run, Compiler(store.hasher), query)
            )


@pytest.mark.parametrize(
    ("gender", "seconds", "again"),
    [("male", 10.0, False), ("male", 0.0, True), ("female", 10.0, True)],
    ids=["many", "many, long ago", "few"],
)
async def test_what_was_many_a_moment_ago_is_not_counted_again(
    url: str,
    store: PostgresStore,
    monkeypatch: pytest.MonkeyPatch,
    gender: str,
    seconds: float,
    again: bool,
) -> None:
    for limit, number in {"plans.FEW": 2, "plans.WIDE": 4, "compile.WIDE": 4}.items():
        monkeypatch.setattr(f"fhir_server.store.{limit}", number)
    monkeypatch.setattr("fhir_server.store.statements.RECENT_SECONDS", seconds)
    await write(store, *[patient(store, number) for number in range(9)], patient(store, 9, "female"))
    query = Query((PATIENT,), (Tokens(GENDER, (TokenValue("s", gender),)), ADA))
    compiler, ran = Compiler(store.hasher), list[str]()
    async with await psycopg.AsyncConnection.connect(
        session_conninfo(url, "test", PLANNER), autocommit=True, context=ADAPTERS
    ) as connection:

        async def run(statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
            ran.append(statement.sql)
            return await Session(connection).run(statement, params)

        first = ids(await search(run, compiler, query))
        counted, *_ = ran
        ran.clear()

        assert ids(await search(run, compiler, query)) == first
        assert (counted in ran) == again
