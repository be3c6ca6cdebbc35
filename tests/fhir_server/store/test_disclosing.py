"""What is read with its trace: one statement for both, for those who ask together, and for nothing that is hidden."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Entries
from fhir_server.search.sight import PUBLIC, Label, Sight, Stamp, Tie
from fhir_server.store import gathering
from fhir_server.store.connections import PLANNER
from fhir_server.store.contract import Stored
from fhir_server.store.disclosing import Disclosing
from fhir_server.store.ids import Pks
from fhir_server.store.pipeline import Pipeline, Row, Statement
from fhir_server.store.postgres import PostgresStore
from tests.contracts.writing import Writer

SHOWN, HIDDEN = 3, 4  # cells
NONE = (0,) * len(Tie)
ACTOR = Key("Practitioner", "a")
SIGHT = Sight((ACTOR,), NONE, NONE, NONE, NONE, NONE, NONE, 5, unlinked=1 << SHOWN | 1 << PUBLIC)
NOBODY = Sight((), NONE, NONE, NONE, NONE, NONE, NONE, 5, unlinked=1 << SHOWN)
PERSON = Key("Patient", "p")
NOTES = tuple(Key("Observation", f"o{number}") for number in range(4))
OFFICE = Key("Organization", "office")
MANY = 1_000_000_000


class Noted:
    """A connection for writers: how many each of its statements was for. `open`: they are sent."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.sizes: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        several = statement is Disclosing.of_several
        self.sizes.append(struct.unpack_from("!i", params[2] or b"", 12)[0] if several else 1)
        await self.open.wait()
        return await self.pipeline.run(statement, params)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    writer = Writer(opened)
    await writer.put(PERSON, Entries(stamp=Stamp(SHOWN, persons=(PERSON,))))
    for key in NOTES:
        await writer.put(key, Entries(stamp=Stamp(SHOWN, persons=(PERSON,))))
    await writer.put(NOTES[0], Entries(stamp=Stamp(SHOWN, persons=(PERSON,))))
    await writer.put(OFFICE, Entries(stamp=Stamp(PUBLIC)))
    await writer.put(Key("Observation", "hidden"), Entries(stamp=Stamp(HIDDEN, persons=(PERSON,))))
    gone = Key("Observation", "gone")
    for deleted in (False, True):
        await writer.put(gone, Entries(stamp=Stamp(SHOWN, persons=(PERSON,))), deleted=deleted)
    yield opened
    await opened.close()


@pytest.fixture
async def noted(url: str, store: PostgresStore) -> AsyncIterator[Noted]:
    pipeline = await Pipeline.open(url, options=PLANNER)
    yield Noted(pipeline)
    await pipeline.close()


@pytest.fixture
async def readers(store: PostgresStore, noted: Noted, monkeypatch: pytest.MonkeyPatch) -> Disclosing:
    """Who are patient."""
    monkeypatch.setattr(gathering, "QUIET_TURNS", MANY)
    return Disclosing(noted.run, store.hasher, Pks(1))


def told(key: Key) -> Foretold:
    name = key.id.encode("utf-8", "surrogatepass")
    return Foretold(key, before=name + b" v", middle=b" was", ending=b"!", agents=(str(ACTOR),))


def kept(url: str) -> list[tuple[bytes, int]]:
    """What the traces say, and how many names each has."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("select data, length(keys) / 8, outcome from audit order by pk").fetchall()
    assert all(outcome == 0 for *_, outcome in rows)
    return [(bytes(data), names) for data, names, _ in rows]


async def ask(readers: Disclosing, *keys: Key, sight: Sight = SIGHT) -> list[Stored | BaseException | None]:
    return await asyncio.gather(*[readers.current(told(key), sight) for key in keys], return_exceptions=True)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_trace_says_what_only_the_row_told(
    readers: Disclosing, store: PostgresStore, url: str
) -> None:
    asked = [told(key) for key in (PERSON, NOTES[0], OFFICE)]
    found = await asyncio.gather(*[readers.current(one, SIGHT) for one in asked])

    number = str(store.hasher.self_of(PERSON)).encode()
    assert [one and (one.key, one.version) for one in found] == [(PERSON, 1), (NOTES[0], 2), (OFFICE, 1)]
    assert found[0] is not None
    assert found[0].body == b'{"version":1}'
    assert found[0].person == store.hasher.self_of(PERSON)
    assert [one.written for one in asked] == [True] * 3
    # The actor and the resource; of a note also whom it is about.
    assert kept(url) == [
        (b'p v1 was,"numbers":[%b]!' % number, 2),
        (b'o0 v2 was,"numbers":[%b]!' % number, 3),
        (b"office v1 was!", 2),
    ]


@pytest.mark.parametrize(
    "key",
    [
        Key("Observation", "hidden"),
        Key("Observation", "gone"),
        Key("Observation", "unknown"),
        Key("Nothing", "o1"),
    ],
    ids=str,
)
async def test_of_what_is_not_given_out_nothing_is_written(
    readers: Disclosing, noted: Noted, url: str, key: Key
) -> None:
    trace = told(key)

    found, other = await asyncio.gather(readers.current(trace, SIGHT), readers.current(told(NOTES[1]), SIGHT))

    assert found is None
    assert not trace.written
    assert other is not None
    assert [data[:5] for data, _ in kept(url)] == [b"o1 v1"]


async def test_who_has_no_actors_is_shown_nothing_here(readers: Disclosing, noted: Noted) -> None:
    assert await ask(readers, NOTES[0], sight=NOBODY) == [None]
    assert noted.sizes == []


async def test_what_has_a_label_is_for_the_whole_rule_to_judge(
    readers: Disclosing, store: PostgresStore, url: str
) -> None:
    cells = (1 << SHOWN,) * len(Tie)
    tied = Sight((ACTOR,), cells, NONE, NONE, NONE, NONE, NONE, now())
    writer, key = Writer(store), Key("Observation", "labelled")
    labelled = Stamp(SHOWN, labels=Label.SENSITIVE, persons=(PERSON,))
    await writer.put(key, Entries(stamp=labelled))

    assert await ask(readers, key, sight=tied) == [None]
    assert kept(url) == []


async def test_those_who_ask_in_one_turn_share_a_statement(readers: Disclosing, noted: Noted) -> None:
    found = await ask(readers, *NOTES)

    assert [isinstance(one, Stored) and one.key for one in found] == list(NOTES)
    assert noted.sizes == [len(NOTES)]


async def test_those_who_come_during_a_commit_are_the_next(readers: Disclosing, noted: Noted) -> None:
    noted.open.clear()
    first = asyncio.create_task(ask(readers, NOTES[0]))
    await settled()
    others = asyncio.create_task(ask(readers, *NOTES[1:]))
    await settled()

    assert noted.sizes == [1]
    noted.open.set()
    await first
    assert not others.done(), "the first may ask again"
    await ask(readers, NOTES[0])
    await others
    assert noted.sizes == [1, 4]


async def test_whoever_asks_alone_waits_for_nobody(readers: Disclosing, noted: Noted) -> None:
    for key in NOTES:
        await ask(readers, key)

    assert noted.sizes == [1] * len(NOTES)


async def test_nobody_is_waited_for_who_does_not_come(
    readers: Disclosing, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "QUIET_TURNS", 1)
    await ask(readers, *NOTES)

    await ask(readers, NOTES[0])
    monkeypatch.setattr(gathering, "QUIET_TURNS", MANY)
    await ask(readers, NOTES[0])

    assert noted.sizes == [4, 1, 1]


async def test_no_more_than_some_share_a_statement(
    readers: Disclosing, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disclosing, "most", 3)
    monkeypatch.setattr(gathering, "QUIET_TURNS", 1)

    await ask(readers, *NOTES)

    assert noted.sizes == [3, 1]


async def test_whoever_is_cancelled_takes_nobody_along(readers: Disclosing, url: str) -> None:
    tasks = [asyncio.create_task(readers.current(told(key), SIGHT)) for key in NOTES]
    await asyncio.sleep(0)
    tasks[0].cancel()

    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert [getattr(one, "key", None) for one in found[1:]] == list(NOTES[1:])
    assert len(kept(url)) == len(NOTES)


@pytest.mark.parametrize("id", ["a\0", "\ud800"], ids=ascii)
async def test_what_cannot_be_sent_leaves_nothing_written(
    readers: Disclosing, url: str, id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is then read by itself: see `reader.py`."""
    assert await ask(readers, NOTES[0], Key("Observation", id)) == [None, None]
    assert kept(url) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert id not in caplog.text


async def test_a_pk_that_another_process_made_leaves_nothing_written(
    readers: Disclosing, store: PostgresStore, noted: Noted, url: str
) -> None:
    pks = Pks(1)
    pks.pass_by(now() // 1000 + 60_000)
    ahead = Disclosing(noted.run, store.hasher, pks)
    again = Pks(1)
    again.pass_by(now() // 1000 + 60_000)
    again._last = pks._last
    assert await ask(ahead, NOTES[0]) != [None]

    assert await ask(Disclosing(noted.run, store.hasher, again), NOTES[0], NOTES[1]) == [None, None]
    assert len(kept(url)) == 1


async def test_behind_the_sealer_nothing_is_given_out(readers: Disclosing, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select setval('audit_fence', %s)", (now() // 1000 + 60_000,))

    assert await ask(readers, NOTES[0]) == [None]
    assert kept(url) == []


async def test_without_a_database_each_is_told(readers: Disclosing, noted: Noted) -> None:
    await noted.pipeline.close()

    found = await ask(readers, *NOTES)

    assert [type(one) for one in found] == [Unavailable] * len(NOTES)
    assert len({id(one) for one in found}) == len(NOTES)
