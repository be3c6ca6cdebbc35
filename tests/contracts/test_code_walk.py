"""Lists of one code within a view: whichever way they are gone, the same pages come in the same order.

The rows of a code by person may be missing for what an older server wrote, or be left over from what it changed: it is
played here by taking back what a write did to `entry_person` and `told`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.query import Name, Query, Tokens, TokenValue
from fhir_server.search.sight import FOREVER, Label, Link, Sight, Stamp, Tie, sees
from fhir_server.search.view import View
from fhir_server.store.contract import Draft
from fhir_server.store.definitions import Indexed
from fhir_server.store.migrations.migrate import HEAD, migrate
from fhir_server.store.postgres import PostgresStore
from tests.contracts.writing import Writer, entries
from tests.databases import Databases

ME, ALSO_ME, OTHER = (Key("Practitioner", name) for name in ("me", "also-me", "other"))
PERSONS: Final = tuple(Key("Patient", f"p{number}") for number in range(12))
COUNT: Final = 100  # Observations
CELLS, SENSITIVE, NOW = 4, 5, 1_000_000
KEPT, OPEN = 3, 0  # cells of which I see my own without a tie, and all
SYSTEM: Final = "http://loinc.org"
CODE, STATUS = Name("Observation", "code"), Name("Observation", "status")
ALL = ((1 << CELLS) - 1,) * len(Tie)
NONE = (0,) * len(Tie)
SIGHT = Sight((ME, ALSO_ME), ALL, ALL, ALL, ALL, NONE, NONE, SENSITIVE, 1 << OPEN, 1 << KEPT, NOW)
VIEW = View(SIGHT)


def coded(code: str) -> Tokens:
    return Tokens(CODE, (TokenValue(SYSTEM, code),))


X: Final = Query(("Observation",), (coded("x"),))
QUERIES: Final = {
    "a code": X,
    "another code": Query(("Observation",), (coded("y"),)),
    "a code and what else": Query(("Observation",), (coded("x"), Tokens(STATUS, (TokenValue("", "final"),)))),
}
MANY: Final = {"tied.PERSONS": 1, "tied.WALKED": 1, "tied.SCATTERED": 1, "plans.WIDE": 3}
# What bounds the ways: of so few resources, all are gone.
WAYS: Final[dict[str, dict[str, Any]]] = {
    "as in a small database": {},
    "persons are walked": {**MANY, "code_walk.MAIN_CODES": {}},
    "by code": MANY,
    "by code as far as a page needs": {**MANY, "code_walk.MOST": (9, 9)},
    "by code as far as nothing": {**MANY, "code_walk.MOST": (1, 1)},
}


class World:
    """Observations with one or two codes: about one person, several, nobody; written, changed, deleted, made anew."""

    def __init__(self, store: PostgresStore, url: str, seed: int) -> None:
        self.store = store
        self.url = url
        self.writer = Writer(store)
        self.chance = random.Random(seed)
        self.links: dict[Key, list[Link]] = {person: [] for person in PERSONS}
        self.codes: dict[Key, set[str]] = {}
        self.stamps: dict[Key, Stamp] = {}

    def entries(self) -> tuple[Entries, set[str]]:
        chance = self.chance
        codes = {"x"} if chance.random() < 0.6 else {"y"} if chance.random() < 0.7 else {"x", "y"}
        persons = chance.sample(PERSONS, chance.choice([0, 1, 1, 1, 1, 1, 2]))
        made = entries(
            self.store.hasher,
            "Observation",
            tokens=[
                *(("code", SYSTEM, code) for code in codes),
                ("status", "", chance.choice(["final", "draft"])),
            ],
            moment=chance.choice([None, chance.randrange(1000)]),
        )
        parties = (chance.choice([ME, OTHER]),)
        labels = Label.MASQUE_PS if chance.random() < 0.1 else 0
        # Of what is open and of what is kept there is little.
        cell = chance.choice([OPEN, KEPT]) if chance.random() < 0.15 else chance.choice([1, 2])
        made.stamp = Stamp(cell, labels, tuple(persons), parties, parties)
        return made, codes

    async def write(self, name: str) -> None:
        key, (made, codes) = Key("Observation", name), self.entries()
        await self.writer.put(key, made)
        self.codes[key], self.stamps[key] = codes, made.stamp

    async def delete(self, name: str) -> None:
        key = Key("Observation", name)
        await self.writer.put(key, Entries(stamp=self.stamps[key]), deleted=True)
        self.codes[key] = set()

    async def fill(self, count: int) -> None:
        async with self.store.begin(interactive=True) as tx:
            for person in PERSONS:
                self.links[person] = [
                    Link(person, actor, Tie.TEAM, self.chance.randrange(4, 1 << CELLS), until=FOREVER)
                    for actor in (ME, ALSO_ME, OTHER)
                    if self.chance.random() < 0.7
                ]
                await tx.tie(person, self.links[person])
        for number in range(count):
            await self.write(f"o{number}")
        await self.change(count)

    async def change(self, count: int) -> None:
        """Other codes and other persons, deletions and what comes back after them."""
        for number in range(count):
            match self.chance.randrange(6):
                case 0:
                    await self.write(f"o{number}")
                case 1:
                    await self.delete(f"o{number}")
                case 2:
                    await self.delete(f"o{number}")
                    await self.write(f"o{number}")

    def wanted(self, query: Query) -> list[Key]:
        """What is seen, in the order: by person, and the latest first."""
        return [key for _, key in self.places(query)]

    def places(self, query: Query) -> list[tuple[tuple[int, int], Key]]:
        """The same, each with the person and the pk that it stands at."""
        asked = [one for one in query.where if isinstance(one, Tokens)]
        self_of = self.store.hasher.self_of
        with psycopg.connect(self.url) as connection:
            pks: dict[str, int] = dict(connection.execute("select id, pk from resource").fetchall())
        found = []
        for key, codes in self.codes.items():
            stamp = self.stamps[key]
            links = [link for person in stamp.persons for link in self.links[person]]
            seed = self.store.hasher.seed("Observation", "status")
            status = {(self.store.hasher.code(seed, "final"), 0)}
            said = set(self.writer.known[key][0].tokens)
            if asked[0].values[0].code not in codes or (len(asked) > 1 and not status & said):
                continue
            if sees(SIGHT, stamp, links):
                alone = len(stamp.persons) == 1 and stamp.cell not in {OPEN, KEPT}
                person = self_of(stamp.persons[0]) if alone else -(2**63)
                found.append(((person, pks[key.id]), key))
        return sorted(found, reverse=True)

    @contextmanager
    def by_an_older_server(self) -> Iterator[None]:
        """What is written meanwhile knows nothing of codes by person."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute("select code, person, pk from entry_person").fetchall()
            told = connection.execute("select pk, told from resource").fetchall()
            yield
            connection.execute("truncate entry_person")
            connection.execute("update resource set told = null")
            with connection.cursor() as cursor:
                cursor.executemany("insert into entry_person values (%s, %s, %s)", rows)
                cursor.executemany("update resource set told = %s where pk = %s", [(b, a) for a, b in told])

    async def index(self) -> None:
        """What `$reindex` does."""
        keeper = self.store.definitions
        await keeper.request(["Observation"], "")
        job = await keeper.prepare(keeper.current.jobs[0])
        while job is not None:
            found = await keeper.unindexed(job, 7)
            if not found.scanned:
                await keeper.finish(job)
                return
            rows = []
            for one in found.resources:
                known = Entries() if one.deleted else self.writer.known[one.key][0]
                rows.append(Indexed(one, replace(known), ()))
            job = await keeper.index(job, found, rows)

    def rows(self) -> set[tuple[int, ...]]:
        with psycopg.connect(self.url) as connection:
            return set(connection.execute("select code, person, pk from entry_person").fetchall())


async def pages(store: PostgresStore, query: Query) -> tuple[list[Key], list[Key]]:
    """What one meets forward, and then on the way back."""
    reader = store.within(VIEW)
    page = await reader.search(query)
    forward = [one.key for one in page.items]
    last = list(forward)
    while page.next:
        page = await reader.search(replace(query, cursor=page.next))
        last = [one.key for one in page.items]
        forward += last
    back = last
    while page.previous:
        page = await reader.search(replace(query, cursor=page.previous))
        back = [one.key for one in page.items] + back
    return forward, back


async def by_code(store: PostgresStore, query: Query) -> bool:
    """Whether rows of the code are gone through by person, and persons are not walked."""
    sql, plan = (await store.within(VIEW).explain(query))[-1]
    if "entry_person" not in sql:
        return False
    _, _, persons = plan.partition("CTE enough\n")  # which the walk of persons begins with
    return "never executed" in persons.splitlines()[0]


@contextmanager
def way(limits: dict[str, Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, number in limits.items():
            patch.setattr(f"fhir_server.store.{name}", number)
        yield


async def assert_same(world: World, queries: Sequence[Query] = tuple(QUERIES.values())) -> None:
    """Each way with statements of its own: the numbers that are changed stand in their texts and are kept."""
    for limits in WAYS.values():
        with way(limits):
            store = await PostgresStore.open(world.url)
            try:
                for query in queries:
                    wanted = world.wanted(query)
                    for count in (1, 3, 100):
                        forward, back = await pages(store, replace(query, count=count))
                        assert forward == back == wanted
                    counted = await store.within(VIEW).search(replace(query, count=2, total="accurate"))
                    assert counted.total == len(wanted)
            finally:
                await store.close()


@pytest.fixture
async def opened(databases: Databases, migrated: str) -> AsyncIterator[tuple[PostgresStore, str]]:
    url = databases.create(migrated)
    store = await PostgresStore.open(url)
    yield store, url
    await store.close()
    databases.drop(url)


@pytest.fixture(params=range(3))
async def world(opened: tuple[PostgresStore, str], request: pytest.FixtureRequest) -> World:
    made = World(*opened, request.param)
    await made.fill(COUNT)
    return made


async def test_all_ways_give_the_same_pages_forward_and_backward(world: World) -> None:
    assert len(world.wanted(X)) > 7
    await assert_same(world)


async def test_rows_of_a_code_are_gone_through_where_many_persons_are_tied(world: World) -> None:
    with way(MANY):
        assert await by_code(world.store, replace(X, count=3))


async def test_persons_are_walked_where_a_page_needs_more_rows_than_are_gone_through(world: World) -> None:
    with way({**MANY, "code_walk.MOST": (1, 1)}):
        assert not await by_code(world.store, replace(X, count=3))


async def test_more_rows_are_gone_through_where_more_persons_would_be_walked(world: World) -> None:
    for thousands, is_enough in ((0, True), (100, False)):
        with way({**MANY, "code_walk.MOST": (1, 1000), "code_walk.THOUSANDS": thousands}):
            store = await PostgresStore.open(world.url)
            assert await by_code(store, replace(X, count=3)) == is_enough
            await store.close()


async def test_whoever_is_tied_to_few_goes_as_before(world: World) -> None:
    told = await world.store.within(VIEW).explain(X)

    assert "entry_person" not in told[-1][0]


async def test_the_rows_of_a_code_are_those_of_the_current_version_and_person(world: World) -> None:
    hasher = world.store.hasher
    seed = hasher.seed("Observation", "code")
    with psycopg.connect(world.url) as connection:
        pks: dict[str, int] = dict(connection.execute("select id, pk from resource").fetchall())
    wanted = set()
    for key, codes in world.codes.items():
        persons = world.stamps[key].persons
        person = hasher.self_of(persons[0]) if len(persons) == 1 else -(2**63)
        wanted |= {(hasher.code(seed, code) ^ hasher.space(SYSTEM), person, pks[key.id]) for code in codes}

    assert world.rows() == wanted


async def test_what_an_older_server_wrote_is_found_and_indexed_anew_it_goes_by_code(world: World) -> None:
    before = world.rows()
    with world.by_an_older_server():
        await world.change(COUNT)
        for number in range(COUNT, COUNT + 20):
            await world.write(f"o{number}")
    assert world.rows() == before
    await assert_same(world)
    with way(MANY):
        assert not await by_code(world.store, replace(X, count=3))

    await world.index()

    await assert_same(world)
    with way(MANY):
        assert await by_code(world.store, replace(X, count=3))


async def test_what_is_written_after_an_older_server_is_found_as_it_is(world: World) -> None:
    """Rows are left over then, and others were never there; a version that is written now has all of its own."""
    with world.by_an_older_server():
        await world.change(COUNT)
    for key, codes in list(world.codes.items()):
        if codes:
            await world.write(key.id)

    await assert_same(world)
    with way(MANY):
        assert await by_code(world.store, replace(X, count=3))


async def test_a_row_that_an_older_server_adds_between_two_pages_is_found(world: World) -> None:
    with way(MANY):
        reader = world.store.within(VIEW)
        page = await reader.search(replace(X, count=1))
        (start, first), *_ = world.places(X)
        assert [one.key for one in page.items] == [first]
        with world.by_an_older_server():
            await world.change(COUNT)
        rest = []
        while page.next:
            page = await reader.search(replace(X, count=1, cursor=page.next))
            rest += [one.key for one in page.items]

        assert rest == [key for place, key in world.places(X) if place < start]


async def test_another_person_without_another_version_is_found_under_that_person(world: World) -> None:
    hers = next(key for key in world.wanted(X) if len(world.stamps[key].persons) == 1)
    mine = next(one for one in PERSONS if any(link.actor == ME and link.allow for link in world.links[one]))
    stamp = replace(world.stamps[hers], persons=(mine,))
    async with world.store.begin(interactive=True) as tx:
        await tx.restamp(hers, lambda old: stamp)
    world.stamps[hers] = stamp
    world.writer.known[hers][0].stamp = stamp

    await assert_same(world)
    await world.index()
    await assert_same(world)


async def test_a_stamp_that_changes_while_it_is_indexed_leaves_nothing_unfound(world: World) -> None:
    keeper = world.store.definitions
    await keeper.request(["Observation"], "")
    job = await keeper.prepare(keeper.current.jobs[0])
    assert job is not None
    found = await keeper.unindexed(job, 1000)
    hers = next(key for key in world.wanted(X) if len(world.stamps[key].persons) == 1)
    other = next(one for one in PERSONS if one != world.stamps[hers].persons[0])
    stamp = replace(world.stamps[hers], persons=(other,))
    async with world.store.begin(interactive=True) as tx:
        await tx.restamp(hers, lambda old: stamp)
    world.stamps[hers] = stamp
    rows = [
        Indexed(one, Entries() if one.deleted else replace(world.writer.known[one.key][0]), ())
        for one in found.resources
    ]
    await keeper.index(job, found, rows)

    await assert_same(world)


async def test_a_database_of_the_version_before_is_migrated_with_what_is_in_it(world: World) -> None:
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("alter table access drop column contested")  # with the index that has it
        connection.execute("create index access_person on access (person, actor)")
        connection.execute("drop table entry_person")
        connection.execute("drop index resource_untold")
        connection.execute("alter table resource drop column told")
        connection.execute("update alembic_version set version_num = '0016'")

    assert migrate(world.url)

    with psycopg.connect(world.url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == (HEAD,)
    await assert_same(world)
    store = await PostgresStore.open(world.url)
    world.store = world.writer.store = store
    await world.write("new")
    await assert_same(world)
    await world.index()
    await assert_same(world)
    with way(MANY):
        assert await by_code(store, replace(X, count=3))
    await store.close()


async def test_what_nobody_sees_has_no_rows(opened: tuple[PostgresStore, str]) -> None:
    store, url = opened
    made = entries(store.hasher, "Observation", tokens=[("code", SYSTEM, "x")])
    await Writer(store).put(Key("Observation", "o"), made)

    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from entry_person").fetchone() == (0,)
        assert connection.execute("select told from resource").fetchone() == (None,)


async def test_several_at_once_are_written_with_their_rows(opened: tuple[PostgresStore, str]) -> None:
    store, url = opened
    made = []
    for number in range(5):
        one = entries(store.hasher, "Observation", tokens=[("code", SYSTEM, "x")])
        one.stamp = Stamp(1, 0, (PERSONS[number],) if number else ())
        made.append(Draft(Key("Observation", f"o{number}"), 1, 0, b"{}", "PUT", one))
    async with store.begin() as tx:
        stamp = await tx.stamp()
        for draft in made:
            await tx.write(replace(draft, updated=stamp))

    with psycopg.connect(url) as connection:
        found: Any = connection.execute(
            "select count(*) from entry_person e join resource r using (pk)"
            " where r.told = (e.person # r.version) and e.person = coalesce(r.compartment, e.person)"
        ).fetchone()
    assert found == (5,)
