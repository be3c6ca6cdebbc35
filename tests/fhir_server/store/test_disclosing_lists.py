"""Lists that are read with their traces: one statement for all who ask together, none of what has anything hidden."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Foretold
from fhir_server.search.query import Include, Name, Predicate, Query, References, Sort, Tokens, TokenValue
from fhir_server.search.sight import Label, Link, Sight, Stamp, Tie
from fhir_server.search.view import View, narrowed
from fhir_server.store import disclosing_lists
from fhir_server.store.connections import PLANNER
from fhir_server.store.disclosing_lists import DisclosingLists
from fhir_server.store.ids import Pks
from fhir_server.store.pipeline import Pipeline, Row, Statement
from fhir_server.store.postgres import PostgresStore
from tests.contracts import hidden_worlds
from tests.contracts.hidden_worlds import SUBJECT, OpenWorld, filled
from tests.contracts.writing import Writer, entries

CELL, HIDDEN, NOW = 1, 2, 1_000_000
ME = Key("Practitioner", "me")
ALL, NONE = (1 << CELL,) * len(Tie), (0,) * len(Tie)
SIGHT = Sight((ME,), ALL, ALL, ALL, ALL, NONE, NONE, sensitive=5, now=NOW)
PLAIN, HIDING, LABELLED, EMPTY, MIXED = PERSONS = tuple(
    Key("Patient", name) for name in ("plain", "hiding", "labelled", "empty", "mixed")
)
EACH = 5


class Noted:
    """A connection for writers: how many lists each of its statements was for."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.sizes: list[int] = []

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        several = statement is DisclosingLists.of_several
        self.sizes.append(struct.unpack_from("!i", params[2] or b"", 12)[0] if several else 1)
        return await self.pipeline.run(statement, params)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    yield opened
    await opened.close()


@pytest.fixture
async def noted(url: str) -> AsyncIterator[Noted]:
    pipeline = await Pipeline.open(url, options=PLANNER)
    yield Noted(pipeline)
    await pipeline.close()


@pytest.fixture
async def lists(store: PostgresStore, noted: Noted) -> DisclosingLists:
    return DisclosingLists(noted.run, store.hasher, Pks(1))


@pytest.fixture
async def known(store: PostgresStore) -> None:
    """Observations of each person but one. Of some the latest but one is hidden, labelled, about somebody else."""
    writer = Writer(store)
    async with store.begin(interactive=True) as tx:
        for person in PERSONS:
            await tx.tie(person, [Link(person, ME, Tie.TEAM, 1 << CELL)])
    for number in range(EACH):
        for person in PERSONS:
            if person == EMPTY:
                continue
            made = entries(store.hasher, "Observation", references=[("subject", person)], moment=number)
            apart = number == EACH - 2
            made.stamp = Stamp(
                HIDDEN if apart and person == HIDING else CELL,
                Label.SENSITIVE if apart and person == LABELLED else 0,
                (PLAIN if apart and person == MIXED else person,),
            )
            await writer.put(Key("Observation", f"{person.id}-{number}"), made)


def of_person(person: Key, *more: Predicate, **rest: Any) -> Query:
    return narrowed(Query(("Observation",), (References(SUBJECT, (person,)), *more), **rest), View(SIGHT))


def told(name: str) -> Foretold:
    return Foretold(None, before=name.encode(), middle=b"", ending=b"!", agents=(str(ME),))


def kept(url: str) -> list[tuple[bytes, int, int]]:
    """What the traces say, how many names each has, and how it ended."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select data, length(keys) / 8, outcome from audit order by data"
        ).fetchall()
    return [(bytes(data), names, outcome) for data, names, outcome in rows]


def ids(rows: Sequence[Sequence[Any]] | None) -> list[str] | None:
    return None if rows is None else [row[1] for row in rows]


async def test_a_list_is_given_out_with_a_trace_that_names_the_person(
    lists: DisclosingLists, known: None, store: PostgresStore, url: str
) -> None:
    trace = told("plain")
    rows = await lists.page(trace, of_person(PLAIN))

    assert ids(rows) == [f"plain-{number}" for number in reversed(range(EACH))]
    assert trace.written
    person = store.hasher.self_of(PLAIN)
    assert kept(url) == [(b'plain,"numbers":[%d]!' % person, 2, 0)]
    assert rows is not None
    type_, name, version, _, body, compartment, number, *keys = rows[0]
    assert (type_, name, version, body) == (rows[1][0], "plain-4", 1, b'{"version":1}')
    assert compartment == person
    assert number is None
    assert keys[0] == EACH - 1


async def test_a_list_of_nothing_has_a_trace_that_names_nobody(
    lists: DisclosingLists, known: None, url: str
) -> None:
    trace = told("empty")
    assert await lists.page(trace, of_person(EMPTY)) == []
    assert trace.written
    assert kept(url) == [(b"empty!", 1, 0)]


@pytest.mark.parametrize("person", [HIDING, LABELLED, MIXED], ids=str)
async def test_of_a_list_with_anything_apart_nothing_is_given_out_or_written(
    lists: DisclosingLists, known: None, url: str, person: Key
) -> None:
    trace, other = told("apart"), told("other")
    found = await asyncio.gather(lists.page(trace, of_person(person)), lists.page(other, of_person(PLAIN)))

    assert found[0] is None
    assert not trace.written
    assert other.written
    assert [data[:5] for data, *_ in kept(url)] == [b"other"]


async def test_a_page_that_ends_before_what_is_apart_is_given_out(
    lists: DisclosingLists, known: None, url: str
) -> None:
    assert ids(await lists.page(told("one"), of_person(LABELLED, count=0))) == ["labelled-4"]
    assert await lists.page(told("two"), of_person(LABELLED, count=1)) is None
    assert len(kept(url)) == 1


async def test_nobody_waits_for_a_list_that_is_large(
    lists: DisclosingLists, known: None, store: PostgresStore, url: str
) -> None:
    made = entries(store.hasher, "Observation", references=[("subject", EMPTY)])
    made.stamp = Stamp(CELL, 0, (EMPTY,))
    for number, rest in ((1, 10_000), (2, disclosing_lists.LARGEST)):
        body = b'{"a":"%b"}' % (b"x" * (rest - 100))
        await Writer(store).put(Key("Observation", f"large-{number}"), made, body=body)
        rows = await lists.page(told(str(number)), of_person(EMPTY))
        assert (rows is None) == (number == 2)
    assert len(kept(url)) == 1


async def test_those_who_ask_together_share_a_statement_and_each_gets_their_own(
    lists: DisclosingLists, known: None, noted: Noted, url: str
) -> None:
    asked = [PLAIN, EMPTY, HIDING, PLAIN, MIXED]
    sights = [SIGHT, SIGHT, SIGHT, replace(SIGHT, actors=(Key("Practitioner", "stranger"),)), SIGHT]
    queries = [
        replace(of_person(person, count=2), sight=sight) for person, sight in zip(asked, sights, strict=True)
    ]
    found = await asyncio.gather(*[lists.page(told(f"t{n}"), query) for n, query in enumerate(queries)])

    assert [ids(rows) for rows in found] == [["plain-4", "plain-3", "plain-2"], [], None, None, None]
    assert noted.sizes == [5]
    assert [data[:2] for data, *_ in kept(url)] == [b"t0", b"t1"]


@pytest.mark.parametrize(
    "query",
    [
        of_person(PLAIN, sort=(Sort("id", None),)),
        of_person(PLAIN, includes=(Include(SUBJECT),)),
        of_person(PLAIN, Tokens(Name("Observation", "code"), (TokenValue(None, "x"),))),
        of_person(PLAIN, cursor="somewhere"),
        of_person(PLAIN, count=disclosing_lists.LONGEST),
        of_person(Key("Practitioner", "me")),
        replace(of_person(PLAIN), types=("Observation", "Condition")),
        replace(of_person(PLAIN), types=("Condition",)),
        replace(of_person(PLAIN), where=of_person(PLAIN).where[:1]),
        replace(of_person(PLAIN), sight=None),
        replace(of_person(PLAIN), sight=replace(SIGHT, actors=())),
        replace(of_person(PLAIN), where=(References(SUBJECT, PERSONS), *of_person(PLAIN).where[1:])),
        narrowed(Query(("Observation",)), View(SIGHT)),
    ],
    ids=lambda query: repr(query.where)[:40],
)
async def test_what_is_no_plain_list_is_not_asked_here(
    lists: DisclosingLists, known: None, noted: Noted, query: Query
) -> None:
    assert await lists.page(told("none"), query) is None
    assert noted.sizes == []


async def test_what_is_given_out_is_seen_whoever_asks(
    lists: DisclosingLists, store: PostgresStore, url: str
) -> None:
    world = await filled(store, OpenWorld(3))
    given = 0
    for number in range(300):
        sight, person = world.sight(), world.random.choice(hidden_worlds.PERSONS)
        query = narrowed(Query(("Observation",), (References(SUBJECT, (person,)),), count=1), View(sight))
        trace = told(str(number))
        rows = await lists.page(trace, query)
        assert trace.written == (rows is not None)
        for row in rows or ():
            key = Key("Observation", row[1])
            assert world.sees(sight, key)
            assert world.about[key] == (person,)
        given += bool(rows)
    assert given > 20
    assert len(kept(url)) >= given
