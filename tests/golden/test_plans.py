"""No search is left to chance: the plan of each form of SQL is kept in `plans/`, and a change of it is looked at.

Plans are PostgreSQL's generic ones, which the server's connections use, on a database of made-up resources, all of
whose rows are in the statistics. `make golden` writes them anew; their diff is reviewed like code.

https://www.postgresql.org/docs/current/sql-explain.html
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from bench.data import observation, patient
from fhir_server.interactions.address import entry_call_of
from fhir_server.interactions.call import Action, Call, Limits
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.extract import entries_of
from fhir_server.search.parse import query_of
from fhir_server.search.query import Query
from fhir_server.search.sight import Link, Sight, Stamp, Tie
from fhir_server.search.view import View
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Draft
from fhir_server.store.pages import search
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.plans import WIDE
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.statements import Compiler
from tests.databases import Databases

HERE = Path(__file__).parent
PLANS = HERE / "plans"
KEPT = tomllib.loads((HERE / "shapes.toml").read_text())
SHAPES = {shape["name"]: shape for shape in KEPT["shape"]}
RENEW = os.environ.get("CORDEE_GOLDEN") == "renew"

BASE = "https://example.org/fhir"
PATIENTS = WIDE + 400
OBSERVATIONS = 2 * WIDE
CELL = 4  # of all that is stored
AT_ONCE = 500  # resources a transaction
PLAIN = "then r.body end"  # in a page that has the bodies alone of what is plainly seen
COMMON = {"system": "http://loinc.org", "code": "19999", "display": "Analyte courant"}
INDEX = r"(?:resource|version|entry(?:_\w+)?)"
# A node that reads a whole table, or that joins what it should have looked up.
REFUSED = (
    re.compile(rf"Seq Scan on {INDEX}\b"),
    re.compile(r"Hash Join|Merge Join"),
    re.compile(r"Disabled: true"),
)


@dataclass(frozen=True)
class World:
    """A database with resources, and a session as the server's are."""

    url: str
    compiler: Compiler

    def statements(self, url: str, *, pages: bool, actor: str = "") -> list[tuple[str, Statement]]:
        """What a search asks the database, each with what it is for. `actor`: a Practitioner, in whose view it is."""
        view = View(sight_of(Key("Practitioner", actor))) if actor else None
        return asyncio.run(self._statements(query_at(url), view, pages=pages))

    async def _statements(
        self, query: Query, view: View | None, *, pages: bool
    ) -> list[tuple[str, Statement]]:
        found: list[tuple[str, Statement]] = []
        conninfo = session_conninfo(self.url, "golden", PLANNER)
        async with await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, context=ADAPTERS
        ) as connection:
            session = Session(connection)

            async def page_of(title: str, query: Query) -> tuple[str, str]:
                async def run(statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
                    if not statement.sql.startswith("explain"):
                        found.append((f"{title}: {task_of(statement)}", statement))
                    rows = await session.run(statement, params)
                    if PLAIN in statement.sql:  # what is not plainly seen is asked again
                        rows = [(*row[:4], None, *row[5:]) for row in rows]
                    return rows

                page = await search(run, self.compiler, query, view=view)
                return page.next, page.previous

            after, _ = await page_of("first page", query)
            if pages:
                assert after, "there is no second page"
                _, before = await page_of("next page", replace(query, cursor=after))
                await page_of("previous page", replace(query, cursor=before))
        return found

    def plan(self, statement: Statement) -> str:
        """The generic plan, without what differs between two databases of the same data."""
        with psycopg.connect(session_conninfo(self.url, "golden", PLANNER), autocommit=True) as connection:
            lines = psycopg.RawCursor(connection).execute(
                f"explain (generic_plan, costs off) {statement.sql}"
            )
            return "\n".join(re.sub(r"\$\d+", "$", line) for (line,) in lines)


def task_of(statement: Statement) -> str:
    """What a statement of a search is for. Counts choose the way before a page, and make a total behind it."""
    if not statement.name.startswith("search_"):
        return statement.name
    if PLAIN in statement.sql:
        return "resources, plainly seen"
    return "resources" if "select r.type, r.id, " in statement.sql else "count"


def sight_of(actor: Key) -> Sight:
    """Of somebody who sees everything of those they are tied to."""
    every = (1 << CELL,) * len(Tie)
    nothing = (0,) * len(Tie)
    return Sight((actor,), every, nothing, nothing, nothing, nothing, nothing, 5, kept=1 << 12)


def query_at(url: str) -> Query:
    call = entry_call_of("GET", url, Call(Action.BUNDLE, base=BASE))
    return query_of(
        call.type, call.query, lenient=False, limits=Limits(), base=BASE, compartment=call.compartment
    ).query


def resources() -> Iterator[tuple[str, Tree]]:
    """With ids. One family begins `WIDE` names, one code is on as many Observations, one patient has half of them."""
    chance = random.Random(5)
    tag = {"system": "https://example.org/bench", "code": "all"}
    for number in range(PATIENTS):
        one = patient(number, chance)
        one["meta"]["tag"] = [tag]
        one["name"] = one["name"][:1]
        if number > PATIENTS - WIDE - 100:
            one["name"][0]["family"] = f"Payet {one['name'][0]['family']}"
        if number == 7:
            one["identifier"][1]["type"] = {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]
            }
            one["identifier"][1]["value"] = "M7"
            one["name"][0]["family"] = "Nguyen Van"
        if number % 50 == 0:
            one["deceasedDateTime"] = "2020-01-01"
        yield f"p{number}", one
    for number in range(OBSERVATIONS):
        about = "p1" if number % 4 == 0 else f"p{chance.randrange(PATIENTS)}"
        one = observation(about, chance)
        one["meta"]["tag"] = [tag]
        if number % 8 < 5:
            one["code"]["coding"] = [COMMON]
        if number % 10 == 0:
            one["encounter"] = {"reference": f"Encounter/e{number % 20}"}
        if number % 30 == 0:
            one["subject"]["identifier"] = {"system": "urn:oid:1.2.250.1.999.1", "value": f"{number:015d}"}
        yield f"o{number}", one
    yield from others()


def others() -> Iterator[tuple[str, Tree]]:
    """A few of other types."""
    for number in range(20):
        yield (
            f"e{number}",
            {
                "resourceType": "Encounter",
                "status": "finished",
                "class": {"code": "AMB"},
                "serviceProvider": {"reference": f"Organization/h{number % 3}"},
            },
        )
        yield (
            f"r{number}",
            {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": number / 20}]},
        )
        yield f"v{number}", {"resourceType": "ValueSet", "url": f"https://example.org/ValueSet/v{number}"}
        position = {"latitude": 48.8 + number / 100, "longitude": 2.3}
        yield f"w{number}", {"resourceType": "Location", "position": position}
        team = {
            "resourceType": "CareTeam",
            "id": "t",
            "participant": [{"member": {"reference": f"Practitioner/d{number % 4}"}}],
        }
        yield (
            f"c{number}",
            {"resourceType": "CarePlan", "contained": [team], "careTeam": [{"reference": "#t"}]},
        )
    for number in range(3):
        yield f"h{number}", {"resourceType": "Organization", "name": f"Hospice {number}"}
    entries = [{"item": {"reference": f"Patient/p{number}"}} for number in range(5)]
    yield "l1", {"resourceType": "List", "status": "current", "mode": "working", "entry": entries}


def persons_in(key: Key, tree: Tree) -> Iterator[Key]:
    """Whom a resource is about."""
    if key.type == "Patient":
        yield key
    elif "subject" in tree:
        yield Key(*tree["subject"]["reference"].split("/"))


async def filled(url: str) -> Compiler:
    with psycopg.connect(url, autocommit=True) as connection:
        # The order of hashes is in the statistics.
        connection.execute("update setting set value = %s where name = 'secret'", [b"golden plans 16 bytes"])
    store = await PostgresStore.open(url)
    try:
        every = list(resources())
        for start in range(0, len(every), AT_ONCE):
            async with store.begin() as tx:
                stamp = await tx.stamp()
                for name, tree in every[start : start + AT_ONCE]:
                    key = Key(tree["resourceType"], name)
                    body = encode(tree)
                    entries = entries_of(decode(body), store.hasher, BASE)
                    entries.stamp = Stamp(CELL, persons=tuple(persons_in(key, tree)))
                    await tx.write(Draft(key, 1, stamp, body, "PUT", entries))
        while await store.index_words():
            pass
        async with store.begin(interactive=True) as tx:
            for number in range(PATIENTS):
                person = Key("Patient", f"p{number}")
                actors = ["many", *(["few"] if number % 100 == 0 else [])]
                ties = [
                    Link(person, Key("Practitioner", one), Tie.TEAM_INFORMED, 1 << CELL) for one in actors
                ]
                await tx.tie(person, ties)
        return Compiler(store.hasher)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def world(databases: Databases, migrated: str) -> Iterator[World]:
    url = databases.create(migrated)
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.info.server_version // 10_000 != KEPT["postgresql"]:
            pytest.skip(f"The plans are those of PostgreSQL {KEPT['postgresql']}")
    compiler = asyncio.run(filled(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_statistics_target = 5000")  # every row is in the sample
        connection.execute("vacuum analyze")
    yield World(url, compiler)
    databases.drop(url)


@pytest.mark.xdist_group("plans")
@pytest.mark.parametrize("name", SHAPES)
def test_a_search_goes_the_way_that_is_written_down(world: World, name: str) -> None:
    shape = SHAPES[name]
    plans = [
        (title, world.plan(statement))
        for title, statement in world.statements(
            shape["url"], pages=shape.get("pages", False), actor=shape.get("actor", "")
        )
    ]
    text = "\n\n".join([shape["url"], *(f"# {title}\n{plan}" for title, plan in plans)]) + "\n"

    refused = [line.strip() for line in text.splitlines() for one in REFUSED if one.search(line)]
    assert not refused, "\n".join([shape["url"], *refused])
    if RENEW:
        PLANS.mkdir(exist_ok=True)
        file_of(name).write_text(text)
    assert text == file_of(name).read_text(), "the plan has changed; if it is meant to: make golden"


@pytest.mark.xdist_group("plans")
def test_every_plan_belongs_to_a_shape() -> None:
    files = {file_of(name) for name in SHAPES}
    if RENEW:
        for path in set(PLANS.glob("*")) - files:
            path.unlink()

    assert len(files) == len(SHAPES)
    assert set(PLANS.glob("*")) == files


def file_of(name: str) -> Path:
    return PLANS / f"{re.sub('[^a-z]+', '-', name)}.txt"
