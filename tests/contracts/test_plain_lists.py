"""Lists of one person within a view: what is plainly seen is told by their ties alone, and the rest is asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import Name, Not, Query, References, Sort, Tokens, TokenValue
from fhir_server.search.sight import Label, Link, Sight, Stamp, Tie
from fhir_server.search.view import View, narrowed
from fhir_server.store import statements
from fhir_server.store.compile import Search
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Reader
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.statements import Compiler
from tests.contracts import hidden_worlds
from tests.contracts.hidden_worlds import OpenWorld, World, filled
from tests.contracts.writing import Writer, all_pages, entries
from tests.databases import Databases

ME, SOMEBODY = Key("Practitioner", "me"), Key("Practitioner", "somebody")
PLAIN, MIXED, OTHER = (Key("Patient", name) for name in ("plain", "mixed", "other"))
CELL, OTHER_CELL, NOW, EACH = 1, 2, 1_000_000, 40
ALL, NONE = (1 << CELL,) * len(Tie), (0,) * len(Tie)
SUBJECT, STATUS, DATE = (Name("Observation", code) for code in ("subject", "status", "date"))
LATEST: Final = (Sort("date", DATE, descending=True),)
NOT_FINAL: Final = Not(Tokens(STATUS, (TokenValue("", "final"),)))


def view_of(actor: Key) -> View:
    return View(Sight((actor,), ALL, ALL, ALL, ALL, NONE, NONE, sensitive=5, now=NOW))


def of_person(person: Key) -> References:
    return References(SUBJECT, (person,))


def lists(person: Key) -> dict[str, Query]:
    return {
        "a list": Query(("Observation",), (of_person(person),), count=7),
        "the latest": Query(("Observation",), (of_person(person),), sort=LATEST, count=7),
        "a part": Query(("Observation",), (of_person(person), NOT_FINAL), count=7),
    }


@pytest.fixture
def url(databases: Databases, migrated: str) -> str:
    return databases.create(template=migrated)


@pytest.fixture
async def store(url: str, databases: Databases) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    yield opened
    await opened.close()
    databases.drop(url)


@pytest.fixture
async def known(store: PostgresStore) -> dict[Key, list[Key]]:
    """By person, their Observations that are seen, the latest first. Of MIXED some are not, and some not plainly."""
    writer = Writer(store)
    seen: dict[Key, list[Key]] = {PLAIN: [], MIXED: []}
    async with store.begin(interactive=True) as tx:
        for person in seen:
            await tx.tie(person, [Link(person, actor, Tie.TEAM, 1 << CELL) for actor in (ME, SOMEBODY)])
    for number in range(EACH):
        for person, found in seen.items():
            hidden = person == MIXED and number in {EACH - 3, EACH // 2}
            of_other = person == MIXED and number == 2  # nothing else on its page
            masked = person == MIXED and number in {EACH - 2, EACH // 3}
            made = entries(
                store.hasher,
                "Observation",
                references=[("subject", person)],
                tokens=[("status", "", "final" if is_final(number) else "preliminary")],
                dates=[("date", number, number + 1)],
                moment=number,
            )
            made.stamp = Stamp(
                OTHER_CELL if hidden else CELL,
                Label.MASQUE_PS if masked else 0,
                (OTHER if of_other else person,),
                (ME,) if masked else (),
                (ME,) if masked else (),
            )
            key = Key("Observation", f"{person.id}-{number}")
            await writer.put(key, made)
            if not (hidden or of_other):
                found.insert(0, key)
    return seen


def is_final(number: int) -> bool:
    return number % 3 == 0


def wanted(found: Sequence[Key], name: str) -> list[Key]:
    return [key for key in found if name != "a part" or not is_final(int(key.id.partition("-")[2]))]


async def back(reader: Reader, query: Query) -> list[Key]:
    """All that there is, from the last page to the first."""
    page = await reader.search(query)
    while page.next:
        page = await reader.search(replace(query, cursor=page.next))
    found = [stored.key for stored in page.items]
    while page.previous:
        page = await reader.search(replace(query, cursor=page.previous))
        found = [*[stored.key for stored in page.items], *found]
    return found


async def ways(reader: Reader, query: Query) -> list[str]:
    """Which statements a page takes."""
    return ["full" if "is_seen(" in sql else "plain" for sql, _ in await reader.explain(query)]


@pytest.mark.parametrize("person", [PLAIN, MIXED])
@pytest.mark.parametrize("name", lists(PLAIN))
async def test_pages_of_a_list_have_what_is_seen_in_both_directions(
    store: PostgresStore,
    known: dict[Key, list[Key]],
    name: str,
    person: Key,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "RECENT_SECONDS", 0.0)
    query = lists(person)[name]
    for actor, seen in ((ME, known[person]), (Key("Practitioner", "stranger"), [])):
        reader = store.within(view_of(actor))
        assert await all_pages(reader, query) == wanted(seen, name)
        assert await back(reader, query) == wanted(seen, name)


@pytest.mark.parametrize("name", lists(PLAIN))
async def test_a_list_that_is_plainly_seen_takes_a_simple_statement(
    store: PostgresStore, known: dict[Key, list[Key]], name: str
) -> None:
    assert await ways(store.within(view_of(ME)), lists(PLAIN)[name]) == ["plain"]


async def test_a_list_that_is_not_is_asked_again_in_full_and_the_next_one_at_once(
    store: PostgresStore, known: dict[Key, list[Key]], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = store.within(view_of(ME)), store.within(view_of(SOMEBODY))
    mixed, plain = lists(MIXED)["a list"], lists(PLAIN)["a list"]
    monkeypatch.setattr(statements, "RECENT_SECONDS", 0.0)
    assert await ways(mine, mixed) == ["plain", "full"]
    assert await ways(mine, plain) == ["plain"]
    monkeypatch.setattr(statements, "RECENT_SECONDS", 3600.0)
    assert await ways(mine, mixed) == ["plain", "full"]
    assert await ways(mine, mixed) == ["full"]
    assert await ways(mine, plain) == ["full"]
    assert await ways(theirs, plain) == ["plain"]


async def test_what_orders_a_list_in_another_way_or_is_of_many_persons_is_asked_in_full(
    store: PostgresStore, known: dict[Key, list[Key]]
) -> None:
    reader, observations = store.within(view_of(ME)), ("Observation",)
    by_id = Query(observations, (of_person(PLAIN),), sort=(Sort("id", None),))
    of_both = Query(observations, (References(SUBJECT, (PLAIN, MIXED)),))
    for query in (by_id, of_both, Query(observations)):
        assert "plain" not in await ways(reader, query)


@pytest.mark.parametrize("kind", [World, OpenWorld])
async def test_a_page_of_what_is_plainly_seen_has_no_body_of_anything_hidden(
    store: PostgresStore, url: str, kind: type[World]
) -> None:
    world = await filled(store, kind(3))
    compiler = Compiler(store.hasher)
    tied = blanks = blank_seen = 0
    conninfo = session_conninfo(url, "test", PLANNER)
    async with await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, context=ADAPTERS
    ) as connection:
        session = Session(connection)
        for _ in range(200):
            sight, person = world.sight(), world.random.choice(hidden_worlds.PERSONS)
            query = narrowed(Query(("Observation",), (of_person(person),)), View(sight))
            search = Search(query, compiler)
            plan = search.plan()
            assert plan is not None
            plain = search.plain_page(plan, limit=100)
            assert plain is not None
            rows: Sequence[tuple[Any, ...]] = await session.run(plain.statement, plain.params)
            given = {Key("Observation", row[1]): row[4] for row in rows}
            assert sorted(given) == sorted(key for key, persons in world.about.items() if person in persons)
            for key, body in given.items():
                assert body is None or world.sees(sight, key)
                tied += body is not None and not sight.unlinked >> world.stamps[key][-1].cell & 1
                blanks += body is None
                blank_seen += body is None and world.sees(sight, key)
    assert min(tied, blanks, blank_seen) > 30
