"""Every cell of the access matrix: what each role reads, creates and updates of each category.

Expected values come from the CSV, and the same is asked under matrices whose cells were changed at random: what is
tested is the engine, not the table that comes with it.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio

from fhir_server.access.authority import Authority
from fhir_server.access.cells import CATEGORIES
from fhir_server.access.matrix import ROLES, matrix_of
from fhir_server.access.policy import Policy
from fhir_server.access.shipped import shipped
from fhir_server.access.tables import shipped_tables
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.wire import Tree, encode
from fhir_server.store.contract import ResourceStore
from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from tests.circles import PERSON
from tests.flows.matrix_world import (
    ACTIONS,
    KINDS,
    OTHER,
    SOMEBODY,
    Cells,
    Kind,
    action,
    acts,
    caller_of,
    cells_of,
    circle_of,
    creates,
    directory,
    document,
    goal,
    mutated,
    reads,
    refers,
    resource,
    updates,
)
from tests.guarded import Guarded

pytestmark = pytest.mark.asyncio(loop_scope="session")

Place = tuple[str, Kind, str]  # category, kind, action

MATRICES: Final = {
    "the shipped matrix": shipped("matrix"),
    "a mutated matrix": mutated(shipped("matrix"), 1),
    "another mutated matrix": mutated(shipped("matrix"), 2),
}


class World:
    """The two persons on a store, and what their resources are to a role."""

    def __init__(self, store: ResourceStore, matrix: bytes) -> None:
        self.cells: Cells = cells_of(matrix)
        tables = shipped_tables()
        self.guarded = Guarded(store)
        authority = Authority(Policy(matrix_of(matrix), tables.cells(), tables))
        self.guarded.server = replace(self.guarded.server, access=authority)
        self.guarded.engine = Engine(self.guarded.server)

    async def fill(self, roles: Collection[str] = ROLES, categories: Collection[str] = CATEGORIES) -> None:
        trees = [*directory(), *circle_of(PERSON), *circle_of(OTHER), goal(PERSON), goal(OTHER)]
        for category in categories:
            for kind in KINDS:
                trees += [made(category, kind, role) for role in (roles if kind == "own" else ["all"])]
        for tree in trees:
            await self.guarded.put(tree)

    async def status(self, role: str, category: str, kind: Kind, action_: str) -> int:
        """What a caller is answered."""
        tree = made(category, kind, role if kind == "own" else "all")
        if action_ == "create":
            author = caller_of(role, PERSON).actors[0] if kind == "own" else SOMEBODY
            person = OTHER if kind == "consented" else PERSON
            tree = resource(category, "", author, person, minimal=kind == "minimal")
        if action_ == "update":
            tree = {**tree, "language": "fr"}
        return await self.answer(role, kind, action_, tree)

    async def answer(self, role: str, kind: Kind, action_: str, tree: Tree) -> int:
        caller = caller_of(role, OTHER if kind == "consented" else PERSON)
        body = encode({name: value for name, value in tree.items() if value != ""})
        call = Call(Action(action_), tree["resourceType"], tree["id"] or None, body=body, caller=caller)
        try:
            return (await self.guarded.engine.perform(call)).status
        except FhirError as error:
            return error.status

    def expected(self, role: str, category: str, kind: Kind, action_: str) -> int:
        if action_ == "create":
            if not creates(self.cells, role, category):
                return 403
            return 201 if refers(self.cells, role, kind) else 422  # what is hidden is not there to be named
        if not reads(self.cells, role, category, kind):
            return 404
        return 200 if action_ == "read" or updates(self.cells, role, category, kind) else 403

    async def differences(self, role: str, categories: Collection[str]) -> dict[Place, tuple[int, int]]:
        """Where the answer is not what the matrix says: (answered, expected)."""
        found = {}
        for category, kind, action_ in places(categories):
            answered = await self.status(role, category, kind, action_)
            expected = self.expected(role, category, kind, action_)
            if answered != expected:
                found[category, kind, action_] = (answered, expected)
        return found


def places(categories: Collection[str]) -> Iterator[Place]:
    """What is asked, reads first: an update must not be asked of what another one made."""
    for category in categories:
        for kind in KINDS:
            if (category, kind) != ("trace", "own"):  # a trace is nobody's own
                yield from ((category, kind, action_) for action_ in ACTIONS)


def made(category: str, kind: Kind, role: str) -> Tree:
    """The resource that is there. `role`: whose own it is."""
    person = OTHER if kind == "consented" else PERSON
    author = caller_of(role, person).actors[0] if kind == "own" else SOMEBODY
    return resource(category, f"{category}-{kind}-{role}", author, person, minimal=kind == "minimal")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=MATRICES)
async def world(request: pytest.FixtureRequest) -> World:
    found = World(MemoryStore(), MATRICES[request.param])
    await found.fill()
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_does_what_its_line_of_the_matrix_says(world: World, role: str) -> None:
    assert await world.differences(role, CATEGORIES) == {}


@pytest.mark.parametrize("role", ROLES)
async def test_an_action_under_a_goal_is_added_by_its_owner_or_by_who_creates_plans(
    world: World, role: str
) -> None:
    own = caller_of(role, PERSON).actors[0]

    mine = await world.answer(role, "own", "create", action("", own, PERSON))
    others = await world.answer(role, "other", "create", action("", SOMEBODY, PERSON))

    made = 201 if refers(world.cells, role, "own") and reads(world.cells, role, "plan", "minimal") else 422
    assert mine == (made if acts(world.cells, role) else 403)
    assert others == (made if creates(world.cells, role, "plan") else 403)


async def test_a_type_of_document_is_refused_to_the_roles_that_its_table_says(world: World) -> None:
    rows = list(csv.DictReader(shipped("documents").decode().splitlines()))
    expected, answered = {}, {}
    for number, row in enumerate(rows):
        tree = {
            **document(row["system"], row["code"]),
            "id": f"document-{number}",
            "subject": {"reference": str(PERSON)},
            "author": [{"reference": str(SOMEBODY)}],
        }
        await world.guarded.put(tree)
        for role in ("coordonnateur", "infirmier"):
            open_to = row.get(f"{role}_read", "yes") == "yes"
            seen = open_to and reads(world.cells, role, row["category"], "other")
            expected[row["code"], role] = 200 if seen else 404
            answered[row["code"], role] = await world.answer(role, "other", "read", tree)

    assert answered == expected
    assert len(rows) > 70


def sampled(role: str) -> tuple[str, ...]:
    """Two categories of a role, so that all roles together ask of every one."""
    place = ROLES.index(role)
    return CATEGORIES[place % len(CATEGORIES)], CATEGORIES[(place + 7) % len(CATEGORIES)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on_postgres(databases: Any, migrated: str) -> AsyncIterator[World]:
    url = databases.create(migrated)
    store = await PostgresStore.open(url, pool_size=2)
    found = World(store, MATRICES["a mutated matrix"])
    await found.fill()
    yield found
    await store.close()
    databases.drop(url)


@pytest.mark.parametrize("role", ROLES)
async def test_the_same_is_answered_from_postgresql(on_postgres: World, role: str) -> None:
    assert await on_postgres.differences(role, sampled(role)) == {}
