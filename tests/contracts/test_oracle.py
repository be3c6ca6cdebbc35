"""The two stores against each other: random resources, random searches, the same answers.

The store in memory asks `search/match.py` about every resource; the one on PostgreSQL has SQL. What a URL means and
what a resource says, both have from the same code, which `tests/fhir_server/search` holds against the specification.

`CORDEE_ORACLE_CASES` asks for more searches than the test run has time for.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import integers

from fhir_server.definitions.parameters import Parameter
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.order import sort_key
from fhir_server.search.parse import query_of
from fhir_server.search.query import Query
from fhir_server.store.contract import Draft, Page, ResourceStore, Stored
from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from tests.contracts.questions import Question, Values, question
from tests.contracts.values import BASE
from tests.contracts.worlds import World

CASES: Final = int(os.environ.get("CORDEE_ORACLE_CASES", "0"))
WORLDS: Final = max(3, CASES // 2000)
EACH: Final = max(100, CASES // WORLDS)  # searches of each world
NOW: Final = 1_710_000_000_000_000  # µs: what `ap` measures from


@dataclass
class Limits:
    page: int = 5
    max_page: int = 1000


@dataclass
class Answer:
    """What a store says to a search, all pages of it."""

    keys: list[Key]
    totals: set[int | None]
    included: set[Key]


# From how many candidates on a search goes another way: so few that a small world has ways like a large one.
LIMITS: Final = {
    "plans.FEW": 2,
    "plans.WIDE": 4,
    "plans.FAR": 2,
    "compile.FAR": 2,
    "predicates.MANY_TERMS": 2,
    "predicates.SET_AT_ONCE": 3,
}


@pytest.mark.parametrize("number", range(WORLDS))
def test_both_stores_give_the_same_answer_to_any_search(
    number: int, databases: Any, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, limit in LIMITS.items() if number % 2 else ():
        monkeypatch.setattr(f"fhir_server.store.{name}", limit)
    url = databases.create(template=migrated)
    try:
        with asyncio.Runner() as runner:
            _ask_world(World(number), number, url, runner)
    finally:
        databases.drop(url)


def _ask_world(world: World, number: int, url: str, runner: asyncio.Runner) -> None:
    stores = MemoryStore(), runner.run(PostgresStore.open(url))
    stamp = (now() // 1000 + 300) * 1000  # later than either store has a reason to ask for
    rows = runner.run(_fill(stores[0], world, stamp))
    runner.run(_fill(stores[1], world, stamp))
    values = _values(world, rows, stores[0].hasher)
    seen: Counter[str] = Counter()

    # Nothing to shrink: which question a number stands for is chance.
    @seed(number)
    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(integers(0, 2**64))
    def ask(chance: int) -> None:
        asked = question(Random(chance), values)
        told = runner.run(_difference(stores, rows, asked, seen))
        if told:
            asked = runner.run(_shortest(stores, rows, asked))
            told = runner.run(_difference(stores, rows, asked, seen))
        assert not told, f"{asked}\n{told}"

    try:
        ask()
    finally:
        runner.run(stores[1].close())
    # An oracle that is asked nothing has nothing to say.
    assert seen["asked"] > 0.6 * EACH, seen
    assert seen["found something"] > 0.15 * EACH, seen


async def _shortest(stores: Stores, rows: Rows, asked: Question) -> Question:
    """The same question with what does not matter left out."""
    parts = asked.text.split("&")
    for part in list(parts):
        fewer = [one for one in parts if one is not part]
        if fewer and await _difference(stores, rows, replace(asked, text="&".join(fewer)), Counter()):
            parts = fewer
    return replace(asked, text="&".join(parts))


async def _difference(stores: Stores, rows: Rows, asked: Question, seen: Counter[str]) -> str:
    """What the stores say that differs, or is wrong; empty: nothing."""
    try:
        query = _query_of(asked)
    except Malformed:
        seen["refused"] += 1
        return ""
    expected, found = [await _answer(store, query) for store in stores]
    seen["asked"] += 1
    seen["found something"] += bool(expected.keys)
    for one, other in ((set(expected.keys), set(found.keys)), (expected.included, found.included)):
        for key in sorted(one ^ other):
            who = "memory" if key in one else "PostgreSQL"
            return f"only {who} finds {key}: {encode(rows[key][2]).decode()}\n{query}"
    if len(found.keys) != len(expected.keys):
        return f"the same twice: {query}"
    for totals in (expected.totals, found.totals):
        if totals - {None} not in ({len(expected.keys)}, set()) and query.count:
            return f"a wrong total: {query}"
    if not query.count and expected.totals != found.totals:
        return f"a wrong total: {query}"
    places = [
        sort_key(query.sort, entries, key=key, updated=stored.updated, hasher=stores[0].hasher, tree=tree)
        for key in found.keys
        for entries, stored, tree in (rows[key],)
    ]
    return "" if places == sorted(places) else f"out of order: {query}"


def _query_of(asked: Question) -> Query:
    return query_of(
        asked.type,
        asked.text,
        lenient=True,
        limits=Limits(),
        base=BASE,
        now=NOW,
        compartment=asked.compartment,
    ).query


Stores = tuple[MemoryStore, PostgresStore]
Rows = dict[Key, tuple[Entries, Stored, Tree]]


def _values(world: World, rows: Rows, hasher: Hasher) -> Values:
    seeds = {seed for entries, _, _ in rows.values() for seed in entries.present}
    stamps = sorted({stored.updated for _, stored, _ in rows.values()})

    def is_present(parameter: Parameter) -> bool:
        if parameter.code in {"_id", "_lastUpdated"}:
            return True
        return any(hasher.seed(parameter.type, name) in seeds for name in (parameter.code, *parameter.parts))

    return Values(world, stamps, is_present)


async def _fill(store: ResourceStore, world: World, stamp: int) -> Rows:
    """Writes the world, in steps: what was there before, then what there is. The live ones."""
    found: Rows = {}
    first = {**world.trees, **world.before, **world.gone}
    await _write(store, first, {}, stamp, found)
    await _write(store, {key: world.trees[key] for key in world.before}, first, stamp + 100_000, found)
    await _write(store, dict.fromkeys(world.gone), first, stamp + 200_000, found)
    return {key: row for key, row in found.items() if not row[1].deleted}


async def _write(
    store: ResourceStore,
    trees: Mapping[Key, Tree | None],
    before: Mapping[Key, Tree],
    stamp: int,
    found: Rows,
) -> None:
    """`stamp`: of the first; several have the same."""
    async with store.begin() as tx:
        for number, (key, given) in enumerate(trees.items()):
            old, previous = await tx.lock(key), before.get(key)
            body = encode(given) if given else b""
            tree = decode(body) if given else {}
            updated = stamp + 1000 * (number // 4)
            entries = entries_of(tree, store.hasher, BASE) if given else Entries()
            stored = Stored(key, old.version + 1 if old else 1, updated, body, not given)
            found[key] = entries, stored, tree
            await tx.write(
                Draft(
                    key,
                    stored.version,
                    updated,
                    body,
                    "PUT" if given else "DELETE",
                    entries,
                    not given,
                    old=entries_of(decode(encode(previous)), store.hasher, BASE) if previous else None,
                )
            )


async def _answer(store: ResourceStore, query: Query) -> Answer:
    answer = Answer([], set(), set())
    page: Page | None = None
    while page is None or page.next:
        page = await store.search(replace(query, cursor=page.next) if page else query)
        answer.keys += [stored.key for stored in page.items]
        answer.totals.add(page.total)
        answer.included |= {stored.key for stored in page.included}
        assert len(answer.keys) < 1000, "a search without end"
    return answer
