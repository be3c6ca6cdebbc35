"""The ties of a person as rows: each tells what anybody is denied, and who is not denied anything is not slower for it
where nothing is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.sight import Link, Sight, Stamp, Tie
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.ties import contested
from fhir_server.store.together import Together
from tests.contracts.writing import Writer
from tests.fhir_server.store.pipes import Noted

QUIET, DISPUTED = (Key("Patient", name) for name in ("quiet", "disputed"))
MEMBER, EXCLUDED = (Key("Practitioner", name) for name in ("member", "excluded"))
CARE, SOCIAL = 3, 4  # cells
BOTH, NONE = 1 << CARE | 1 << SOCIAL, (0,) * len(Tie)
NOW = 1_000_000  # µs
DENIAL = Link(DISPUTED, EXCLUDED, Tie.DENIAL, deny=1 << CARE)


@pytest.mark.parametrize(
    ("links", "cells"),
    [
        pytest.param([], 0, id="no ties"),
        pytest.param([Link(QUIET, MEMBER, Tie.TEAM, BOTH)], 0, id="ties that allow"),
        pytest.param([DENIAL, Link(DISPUTED, MEMBER, Tie.TEAM, BOTH)], 1 << CARE, id="one is denied a cell"),
        pytest.param(
            [Link(DISPUTED, EXCLUDED, Tie.DENIAL, oppose=2), DENIAL], 2 | 1 << CARE, id="both kinds"
        ),
        pytest.param(
            [Link(DISPUTED, EXCLUDED, Tie.DENIAL, deny=2, since=1, until=2, data=(3, 4))],
            2,
            id="at some time, of some data",
        ),
    ],
)
def test_what_anybody_is_denied_is_contested(links: Sequence[Link], cells: int) -> None:
    assert contested(links) == cells


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    """Two persons with a circle of two; of the one, the second is denied a cell."""
    opened = await PostgresStore.open(url)
    writer = Writer(opened)
    async with opened.begin(interactive=True) as tx:
        for person in (QUIET, DISPUTED):
            links = [Link(person, actor, Tie.TEAM, BOTH) for actor in (MEMBER, EXCLUDED)]
            await tx.tie(person, [*links, DENIAL] if person == DISPUTED else links)
    for person in (QUIET, DISPUTED):
        for cell in (CARE, SOCIAL):
            await writer.put(note(person, cell), Entries(stamp=Stamp(cell, persons=(person,))))
    yield opened
    await opened.close()


def note(person: Key, cell: int) -> Key:
    return Key("Observation", f"{person.id}-{cell}")


def sight_of(actor: Key) -> Sight:
    return Sight((actor,), (BOTH,) * len(Tie), NONE, NONE, NONE, NONE, NONE, sensitive=5, now=NOW)


@pytest.mark.parametrize(
    ("actor", "person", "cell", "is_seen", "is_plain"),
    [
        (MEMBER, QUIET, CARE, True, True),
        (MEMBER, DISPUTED, SOCIAL, True, True),
        (EXCLUDED, DISPUTED, SOCIAL, True, True),
        (MEMBER, DISPUTED, CARE, True, False),
        (EXCLUDED, QUIET, CARE, True, True),
        (EXCLUDED, DISPUTED, CARE, False, False),
    ],
    ids=str,
)
async def test_only_of_what_somebody_is_denied_the_whole_rule_has_to_tell(
    store: PostgresStore, noted: Noted, actor: Key, person: Key, cell: int, is_seen: bool, is_plain: bool
) -> None:
    found = await Together(noted.run, store.hasher).current(note(person, cell), sight_of(actor))

    assert (found is not None) == is_seen
    assert noted.names == (["current_plain"] if is_plain else ["current_plain", "current_seen"])


async def test_a_person_of_whom_nobody_is_denied_anything_any_more_is_like_others(
    store: PostgresStore, noted: Noted
) -> None:
    async with store.begin(interactive=True) as tx:
        await tx.tie(DISPUTED, [Link(DISPUTED, EXCLUDED, Tie.TEAM, BOTH)])

    assert await Together(noted.run, store.hasher).current(note(DISPUTED, CARE), sight_of(EXCLUDED))
    assert noted.names == ["current_plain"]


async def test_ties_of_the_version_before_are_told_by_the_migration(store: PostgresStore, url: str) -> None:
    def rows() -> list[tuple[int, ...]]:
        with psycopg.connect(url) as connection:
            return connection.execute(
                "select person, actor, tie, contested from access order by 1, 2, 3"
            ).fetchall()

    written = rows()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter table access drop column contested")  # with the index that has it
        connection.execute("create index access_person on access (person, actor)")
        connection.execute("update alembic_version set version_num = '0017'")

    assert migrate(url)

    assert rows() == written
    assert {row[-1] for row in written} == {0, 1 << CARE}
