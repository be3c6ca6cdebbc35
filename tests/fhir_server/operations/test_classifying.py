"""What was written without access control gets the stamps and ties that it would have had: on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from fhir_server.access.authority import Authority
from fhir_server.access.classifying import fingerprint_of
from fhir_server.access.policy import Policy
from fhir_server.access.shipped import shipped
from fhir_server.access.tables import Tables, shipped_tables, tables_of
from fhir_server.demo import dossier
from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.operations.classifying import classify
from fhir_server.search.sight import UNSTAMPED, Label, Stamp
from fhir_server.store.classifying import Classifying, Place, Unclassified, is_classified, unguarded
from fhir_server.store.numbers import TYPES
from fhir_server.store.postgres import PostgresStore
from tests.builders import observation, patient
from tests.circles import circle, consent, member, organisation, practitioner, role
from tests.databases import Databases
from tests.fhir_server.interactions.performing import BASE, Performer

GUARDED = {"auth": {"mode": "tokens"}}
BY = fingerprint_of(shipped_tables())
PERSON = Key("Patient", "payet")
WEIGHT = Key("Observation", "weight")


class Stop(Exception):
    """Raised by a test in the middle of the work."""


@pytest.fixture
def other_url(databases: Databases, migrated: str) -> Iterator[str]:
    """Another database, of the same secret."""
    url = databases.create(migrated)
    yield url
    databases.drop(url)


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[Performer]:
    store = await PostgresStore.open(url, pool_size=6)
    try:
        yield Performer(store, **settings)
    finally:
        await store.close()


async def fill(performer: Performer) -> None:
    """Versions of many kinds, about a person with a circle; one resource is deleted, one was and came back."""
    await performer(Action.BUNDLE, body=dossier())
    for tree in (
        organisation("ssiad", "354", site=True),
        practitioner("nurse"),
        role("nurse", "ssiad", "G15_60"),
    ):
        await performer.put(tree)
    await performer.put(patient(id="payet", birthDate="1939-02-17"))
    await performer.put(circle(member("PractitionerRole/nurse")))
    await performer.put(consent("reconnaissance-equipe", "Organization/ssiad", id="known"))
    await performer.put({**observation(PERSON), "id": "weight"})
    await performer.put({**observation(PERSON, note=[{"text": "again"}]), "id": "weight"})
    await performer.put({**observation(PERSON), "id": "gone"})
    await performer.delete(Key("Observation", "gone"))
    await performer.put({**observation(PERSON), "id": "back"})
    await performer.delete(Key("Observation", "back"))
    await performer.put({**observation(PERSON), "id": "back"})
    await performer.put({"resourceType": "Binary", "id": "file", "contentType": "text/plain", "data": "eA=="})
    await performer.put(
        {
            "resourceType": "DocumentReference",
            "id": "document",
            "status": "current",
            "subject": {"reference": str(PERSON)},
            "content": [{"attachment": {"url": "Binary/file"}}],
        }
    )
    source = {
        "resourceType": "Provenance",
        "id": "source",
        "target": [{"reference": str(WEIGHT)}],
        "recorded": "2026-10-01T08:00:00Z",
        "agent": [{"who": {"reference": "PractitionerRole/nurse"}}],
    }
    await performer.put(source)


async def written_plainly(url: str) -> None:
    async with unguarded(url), opened(url) as performer:
        await fill(performer)


async def classified(
    url: str,
    progress: Callable[[Place], None] = lambda place: None,
    *,
    again: bool = False,
    slice: int = 3,
    tables: Tables | None = None,
    work: type[Classifying] = Classifying,
) -> Place | None:
    async with opened(url, **GUARDED) as performer, work.opened(url, performer.store.hasher) as restamping:
        server = performer.server
        if tables is not None:
            assert server.access is not None
            policy = Policy(server.access.policy.matrix, tables.cells(), tables)
            server = Performer(performer.store, **GUARDED).server
            object.__setattr__(server, "access", Authority(policy))
        return await classify(server, restamping, (BASE,), progress, again=again, slice=slice)


def stamps(url: str, where: str = "true") -> dict[tuple[str, int], tuple[Any, ...]]:
    """The columns of every version, by key and version."""
    columns = "cell, labels, owner, parties, persons, compartment, stamp"
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            f"select type, id, version, {columns} from resource where {where} union all"
            f" select r.type, r.id, v.version, {', '.join(f'v.{name}' for name in columns.split(', '))}"
            f" from resource r join version v using (pk) where {where}"
        ).fetchall()
    return {(f"{TYPES[kind - 1]}/{name}", number): tuple(rest) for kind, name, number, *rest in rows}


def ties(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select * from access order by person, actor, tie, since, until, allow, named, deny, oppose"
        ).fetchall()


def bodies(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select pk, version, updated, body from resource union all select pk, version, updated, body from version"
            " order by 1, 2"
        ).fetchall()


async def test_stamps_and_ties_are_those_of_what_is_written_under_access_control(
    url: str, other_url: str
) -> None:
    await written_plainly(url)
    assert {columns[0] for columns in stamps(url).values()} == {UNSTAMPED.cell}
    assert ties(url) == []
    before = bodies(url)

    done = await classified(url)

    async with opened(other_url, **GUARDED) as performer:
        await fill(performer)
    assert done is not None
    assert done.tying
    assert stamps(
        url,
        "id in ('weight', 'gone', 'back', 'payet', 'known', 'nurse', 'ssiad', 'source', 'file', 'document')",
    ) == stamps(
        other_url,
        "id in ('weight', 'gone', 'back', 'payet', 'known', 'nurse', 'ssiad', 'source', 'file', 'document')",
    )
    assert sorted(row[0] for row in stamps(url).values()) == sorted(
        row[0] for row in stamps(other_url).values()
    )
    assert len(ties(url)) == len(ties(other_url)) > 0
    mine = [tie for tie in ties(url) if tie in ties(other_url)]
    assert mine, "the ties of the person whose ids are the same"
    assert bodies(url) == before
    assert is_classified(url, BY)


async def test_where_all_is_classified_nothing_is_done(url: str) -> None:
    await written_plainly(url)
    await classified(url)

    assert await classified(url) is None


async def test_an_empty_database_is_classified_at_once(url: str) -> None:
    assert not is_classified(url, BY)

    await classified(url)

    assert is_classified(url, BY)


@pytest.mark.parametrize("steps", [1, 150, 158])
async def test_what_was_killed_goes_on_where_it_was(url: str, steps: int) -> None:
    await written_plainly(url)
    seen: list[Place] = []

    def stop(place: Place) -> None:
        seen.append(place)
        if len(seen) > steps:
            raise Stop

    with pytest.raises(Stop):
        await classified(url, stop)
    assert not is_classified(url, BY)

    later: list[Place] = []
    await classified(url, later.append)

    assert later[0] == seen[-1]
    assert is_classified(url, BY)
    assert UNSTAMPED.cell not in {columns[0] for columns in stamps(url).values()}
    assert ties(url)


async def test_what_is_written_meanwhile_has_its_own_stamp(url: str) -> None:
    await written_plainly(url)
    rivals: list[Callable[[], Awaitable[object]]] = []

    class Racing(Classifying):
        async def write(self, place: Place, stamps: Sequence[tuple[Unclassified, Sequence[Stamp]]]) -> None:
            if rivals and any(one.key == WEIGHT for one, _ in stamps):
                await rivals.pop()()  # after it was read, before it is stamped
            await super().write(place, stamps)

    async with opened(url, **GUARDED) as rival:
        tree = {**observation(PERSON), "id": "weight", "meta": {"security": [_very_restricted()]}}
        rivals.append(lambda: rival.put(tree))
        await classified(url, work=Racing)

    found = stamps(url, "id = 'weight'")
    assert rivals == []
    assert len(found) == 3
    assert UNSTAMPED.cell not in {columns[0] for columns in found.values()}
    assert found["Observation/weight", 3][0] != found["Observation/weight", 2][0]


def _very_restricted() -> Tree:
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}


async def test_nothing_is_said_to_be_done_while_somebody_writes_without_stamps(url: str) -> None:
    async with unguarded(url):
        with pytest.raises(Unavailable, match="without access control"):
            await classified(url)
    assert not is_classified(url, BY)

    await classified(url)

    assert is_classified(url, BY)


async def test_who_wrote_without_stamps_in_the_middle_is_noticed(url: str) -> None:
    await written_plainly(url)
    seen: list[Place] = []

    def meanwhile(place: Place) -> None:
        seen.append(place)
        if len(seen) == 20:  # what `unguarded` does, by a process that has gone by now
            with psycopg.connect(url) as connection:
                connection.execute("delete from setting where name = 'classifying'")

    with pytest.raises(Unavailable, match="without access control"):
        await classified(url, meanwhile)


async def test_later_only_what_has_no_stamp_is_touched(url: str) -> None:
    await written_plainly(url)
    await classified(url)
    known = ties(url)
    with psycopg.connect(url) as connection:  # what a second look would not find
        connection.execute("update resource set labels = 7 where id = 'payet'")
    async with unguarded(url), opened(url) as performer:
        await performer.put({**observation(PERSON), "id": "later"})

    done = await classified(url)

    assert done is not None
    assert not done.tying
    assert stamps(url, "id = 'later'")["Observation/later", 1][0] != UNSTAMPED.cell
    assert stamps(url, "id = 'payet'")["Patient/payet", 2][1] == 7
    assert ties(url) == known


async def test_a_circle_that_changed_meanwhile_ties_anew(url: str) -> None:
    await written_plainly(url)
    await classified(url)
    async with unguarded(url), opened(url) as performer:
        await performer.put(circle(member("PractitionerRole/nurse"), status="inactive"))
        await performer.delete(Key("Consent", "known"))

    known = len(ties(url))
    await classified(url)

    assert len(ties(url)) < known


async def test_other_tables_mean_other_stamps_for_all(url: str) -> None:
    await written_plainly(url)
    await classified(url)
    documents, forms, codes = (shipped(name).decode() for name in ("documents", "forms", "codes"))
    codes += "http://snomed.info/sct,27113001,is,sante-sensible,a test\n"
    tables = tables_of(documents.encode(), forms.encode(), codes.encode())
    async with opened(url, **GUARDED) as performer:
        code = {"coding": [{"system": "http://snomed.info/sct", "code": "27113001"}]}
        await performer.put({**observation(PERSON), "id": "coded", "code": code})
    before = stamps(url, "id = 'coded'")["Observation/coded", 1][0]

    done = await classified(url, tables=tables)

    assert done is not None
    assert done.whole
    assert stamps(url, "id = 'coded'")["Observation/coded", 1][0] != before
    assert is_classified(url, fingerprint_of(tables))
    assert not is_classified(url, BY)


async def test_who_wrote_something_is_not_forgotten(url: str) -> None:
    await written_plainly(url)
    await classified(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "update resource set stamp = 'Patient/payet;Practitioner/x;Practitioner/x;', labels = labels | %s"
            " where id = 'weight'",
            (int(Label.VERIFIED),),
        )

    await classified(url, again=True)

    assert (
        stamps(url, "id = 'weight'")["Observation/weight", 2][-1]
        == "Patient/payet;Practitioner/x;Practitioner/x;"
    )
