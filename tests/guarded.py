"""An engine that knows who may see what, in the words of tests: asked by a caller, over circles of `circles.py`.

A small world to begin with:

    @everywhere
    async def test_…(guarded: Guarded) -> None:
        await guarded.keep(*CIRCLE)
        with refused(404):
            await guarded.by(PHARMACIST).ask("Patient/payet")

A folder of tests that uses the fixture imports it, and `on_postgres`, in its `conftest.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
import pytest
import pytest_asyncio

from fhir_server.access.authority import Authority
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.store.contract import ResourceStore
from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.write_statement import ENTRY_TABLES
from tests import circles
from tests.databases import Databases
from tests.fhir_server.operations.asking import Operator

SINCE: Final = "2020-01-01"
BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
COMMUNE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
OPERATOR: Final = Caller("operator", roles=("operateur",))
DPO: Final = Caller("professional", roles=("dpo",), level="eidas2")


def recognised(*members: str, pcp: str = "") -> tuple[Tree, ...]:
    """The person, whose circle these members are in, and whose team they are: recognised, the person informed."""
    return (
        circles.patient(),
        circles.circle(
            *(circles.member(one, SINCE, pcp=one == pcp) for one in members), period={"start": SINCE}
        ),
        decided("reconnaissance-equipe", *members),
        decided("information-dossier"),
    )


def decided(code: str, *actors: str, **more: Any) -> Tree:
    """A Consent of the person that is in force, sound enough to be written."""
    return circles.consent(
        code, *actors, **{"dated": f"{SINCE}T10:00:00Z", "policyRule": {"text": "L. 1110-4 CSP"}, **more}
    )


def identified(ins: str = "239027621812345", family: str = "PAYET", **more: Any) -> Tree:
    """The person with an INS and the five strict traits."""
    system = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
    commune = {"url": COMMUNE, "valueCoding": {"system": system, "code": "97411"}}
    return circles.patient(
        identifier=[{"system": "urn:oid:1.2.250.1.213.1.4.8", "value": ins}],
        name=[{"use": "official", "family": family, "given": ["Marie", "Josèphe"]}],
        gender="female",
        extension=[{"url": BIRTH_PLACE, "valueAddress": {"extension": [commune]}}],
        **more,
    )


# The GP, who is the médecin traitant, and the nurse; everybody else of the directory is of no circle.
CIRCLE: Final = recognised("PractitionerRole/gp", "PractitionerRole/nurse", pcp="PractitionerRole/gp")


# Whoever is referred to comes before.
_ORDER: Final = {"Organization": 0, "Practitioner": 1}
DIRECTORY: Final = sorted(circles.DIRECTORY, key=lambda tree: _ORDER.get(tree["resourceType"], 2))


class Guarded(Operator):
    """Asked by the server itself, to whom everything is open, unless `by` says by whom."""

    caller: Caller = ANYONE

    def __init__(self, store: ResourceStore, **settings: Any) -> None:
        super().__init__(store, **settings)
        tables = shipped_tables()
        policy = Policy(shipped_matrix(), tables.cells(), tables)
        self.server = replace(self.server, access=Authority(policy))
        self.engine = Engine(self.server)

    def with_settings(self, **settings: Any) -> Guarded:
        return Guarded(self.store, **settings)

    def by(self, caller: Caller) -> Guarded:
        """The same server, asked by somebody."""
        other = copy(self)
        other.caller = caller
        return other

    async def keep(self, *trees: Tree) -> None:
        """The directory, and these: each under its own id."""
        await super().keep(*DIRECTORY, *trees)

    async def sees(self, key: Key, version: int | None = None) -> bool:
        """Whether the caller reads a resource, or a version of it."""
        with suppress(NotFound):
            if version is None:
                return (await self(Action.READ, *key)).status == 200
            return (await self(Action.VREAD, *key, version=str(version))).status == 200
        return False

    async def told(self) -> list[Tree]:
        """The announcements that the caller reads."""
        found = await self.search("Communication", "category=notification")
        return [entry["resource"] for entry in found.get("entry", ())]

    async def perform(self, call: Call) -> Reply:
        return await self.engine.perform(replace(call, caller=self.caller))


class Opened(NamedTuple):
    store: PostgresStore
    url: str

    def empty(self) -> None:
        """Forget every resource, and who is tied to whom."""
        tables = ", ".join([*ENTRY_TABLES, "resource, version, access, account, invitation"])
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"truncate {tables}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def on_postgres(databases: Databases, migrated: str) -> AsyncIterator[Opened]:
    """One store for all the tests of this process, because to open one takes longer than they do."""
    url = databases.create(migrated)
    store = await PostgresStore.open(url, pool_size=4)
    yield Opened(store, url)
    await store.close()
    databases.drop(url)


@pytest.fixture
def guarded(request: pytest.FixtureRequest) -> Guarded:
    """A server with no resources. Indirect parameter: `memory` (the default) or `postgres`."""
    if getattr(request, "param", "memory") == "memory":
        return Guarded(MemoryStore())
    opened: Opened = request.getfixturevalue("on_postgres")
    opened.empty()
    return Guarded(opened.store)


Test = TypeVar("Test", bound=Callable[..., Any])


def everywhere(test: Test) -> Test:
    """Run a test on the store in memory and on the one on PostgreSQL."""
    stores = pytest.mark.parametrize("guarded", ["memory", "postgres"], indirect=True)
    marked: Test = pytest.mark.asyncio(loop_scope="session")(stores(test))
    return marked
