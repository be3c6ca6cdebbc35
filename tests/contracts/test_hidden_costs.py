"""What is hidden does not make a search read more: beyond a bound, however much there is of it.

A search of what somebody sees either goes by the persons whom they are tied to, or by candidates of which there are few
(`plans.WIDE`). So hidden resources can make it read what so many candidates take, and no more.

Domain: `coordination-domain.md`, 18.10.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    Chain,
    Has,
    Name,
    Predicate,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
)
from fhir_server.search.sight import Link, Sight, Stamp, Tie
from fhir_server.search.view import View
from fhir_server.store import code_walk, plans, tied
from fhir_server.store.contract import Draft
from fhir_server.store.postgres import PostgresStore
from tests.contracts.writing import entries
from tests.databases import Databases

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME, OTHER = Key("Practitioner", "me"), Key("Practitioner", "other")
CELL, NOW = 1, 1_000_000
MINE, SOME, MANY = 20, 1_500, 4_500  # persons: those whom I am tied to; those of whom I know nothing
EACH: Final = 2  # Observations of a person
WIDE: Final = 100  # in the place of 2 000, so that many need not be tens of thousands
# Pages: to count candidates as far as so many; and deeper trees, in each probe for one of mine.
BOUND: Final = 5 * WIDE
DEEPER: Final = 150
CODE, SUBJECT, FAMILY = (
    Name("Observation", "code"),
    Name("Observation", "subject"),
    Name("Patient", "family"),
)
_BUFFERS: Final = re.compile(r"Buffers: shared hit=(\d+)")
ALL = (1 << CELL,) * len(Tie)
VIEW = View(Sight((ME,), ALL, ALL, ALL, ALL, (0,) * len(Tie), (0,) * len(Tie), sensitive=2, now=NOW))


def coded(code: str) -> Tokens:
    return Tokens(CODE, (TokenValue(None, code),))


def of_no_system(code: str) -> Tokens:
    """A single key, whose rows are there by person."""
    return Tokens(CODE, (TokenValue("", code),))


def named(text: str) -> Strings:
    return Strings(FAMILY, (StringValue(text),))


def found(type_: str, *where: Predicate, **rest: Any) -> Query:
    return Query((type_,), where, **rest)


QUERIES = {
    "all of a type": found("Observation"),
    "all Patients": found("Patient"),
    "a code on every row": found("Observation", coded("common")),
    "one code on every row": found("Observation", of_no_system("common")),
    "one code on few rows": found("Observation", of_no_system("rare")),
    "one code and another": found("Observation", of_no_system("common"), coded("rare")),
    "how many of one code": found("Observation", of_no_system("common"), total="accurate", count=0),
    "two codes": found("Observation", coded("common"), coded("rare")),
    "a name that all begin with": found("Patient", named("al")),
    "a name and what points to it": found("Patient", named("al"), Has(SUBJECT, coded("common"))),
    "the latest": found("Observation", sort=(Sort("updated", None, descending=True),)),
    "a code, the latest": found(
        "Observation", coded("common"), sort=(Sort("updated", None, descending=True),)
    ),
    "of one person": found("Observation", References(SUBJECT, (Key("Patient", "mine-0"),))),
    "of one person, hidden": found("Observation", References(SUBJECT, (Key("Patient", "hidden-0"),))),
    "by the name of the person": found("Observation", Chain(SUBJECT, "Patient", named("al"))),
    "what points to it": found("Patient", Has(SUBJECT, coded("rare"))),
    "how many": found("Observation", coded("common"), total="accurate", count=0),
}


def drafts(store: PostgresStore, kind: str, numbers: range) -> list[Draft]:
    made = []
    for number in numbers:
        person = Key("Patient", f"{kind}-{number}")
        about = entries(store.hasher, "Patient", strings=[("family", f"Al{kind}{number}")])
        made.append((person, about))
        for place in range(EACH):
            code = "rare" if number % 10 == 0 and not place else "usual"
            said = entries(
                store.hasher,
                "Observation",
                tokens=[("code", "", "common"), ("code", "", code)],
                references=[("subject", person)],
            )
            made.append((Key("Observation", f"{kind}-{number}-{place}"), said))
    for key, one in made:
        one.stamp = Stamp(
            CELL, 0, (Key("Patient", key.id) if key.type == "Patient" else one.references[0][1],)
        )
    return [Draft(key, 1, NOW, b"{}", "PUT", one) for key, one in made]


async def write(store: PostgresStore, url: str, kind: str, numbers: range, actor: Key) -> None:
    for part in (drafts(store, kind, numbers[at : at + 100]) for at in range(0, len(numbers), 100)):
        async with store.begin(interactive=True) as tx:
            stamp = await tx.stamp()
            for draft in part:
                await tx.write(replace(draft, updated=stamp))
            for draft in part:
                if draft.key.type == "Patient":
                    await tx.tie(draft.key, [Link(draft.key, actor, Tie.TEAM, 1 << CELL)])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


async def buffers(store: PostgresStore, query: Query) -> int:
    """The pages that a search looks at, in all its statements."""
    told = [_BUFFERS.search(plan) for _, plan in await store.within(VIEW).explain(query)]
    return sum(int(match[1]) for match in told if match is not None)


Costs = dict[str, list[int]]


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[MINE // 2, tied.WALKED],
    ids=["persons can be walked", "they are few"],
)
async def costs(databases: Databases, migrated: str, request: pytest.FixtureRequest) -> AsyncIterator[Costs]:
    """The pages of each search: with nothing hidden, with some, with many."""
    walked: int = request.param
    url = databases.create(migrated)
    store = await PostgresStore.open(url)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plans, "WIDE", WIDE)
            patch.setattr(plans, "FEW", 10)
            patch.setattr(code_walk, "MOST", (WIDE // 2, WIDE // 2))
            patch.setattr(tied, "WALKED", walked)
            yield await measured(store, url)
    finally:
        await store.close()
        databases.drop(url)


async def measured(store: PostgresStore, url: str) -> Costs:
    told: Costs = {name: [] for name in QUERIES}
    await write(store, url, "mine", range(MINE), ME)
    for hidden in (range(0), range(SOME), range(SOME, MANY)):
        await write(store, url, "hidden", hidden, OTHER)
        for name, query in QUERIES.items():
            await store.within(VIEW).search(query)  # what is read once is in memory
            told[name].append(await buffers(store, query))
    return told


@pytest.mark.parametrize("name", QUERIES)
async def test_however_much_is_hidden_a_search_reads_no_more_than_a_bound(costs: Costs, name: str) -> None:
    alone, some, many = costs[name]
    assert some - alone <= BOUND
    assert many - some <= DEEPER
