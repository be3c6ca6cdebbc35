"""The contract of a store: another stamp, without another version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.query import Query
from fhir_server.search.sight import Label, Link, Sight, Stamp, Tie
from fhir_server.search.view import View
from fhir_server.store.contract import NeedsLocks, ResourceStore, Span
from tests.contracts.writing import Writer, keys_of

NURSE, DOCTOR = Key("Practitioner", "nurse"), Key("Practitioner", "doctor")
ONE, TWO = Key("Patient", "one"), Key("Patient", "two")
LETTER = Key("Binary", "letter")
HERS = Stamp(2, 0, (), (NURSE,), (NURSE,))
OF_ONE = Stamp(1, int(Label.URGENCE), (ONE,), (NURSE,), (NURSE,), Key("Organization", "home"))
OF_BOTH = Stamp(1, int(Label.SEVERAL), (ONE, TWO))


def sight(actor: Key) -> View:
    everything = (2,) * len(Tie)
    nothing = (0,) * len(Tie)
    return View(Sight((actor,), everything, nothing, nothing, nothing, nothing, nothing, 3, kept=4, now=1))


@pytest.fixture
async def tied(store: ResourceStore, writer: Writer) -> None:
    """The doctor is tied to one person; a Binary of two versions is the nurse's alone."""
    for _ in range(2):
        await writer.put(LETTER, Entries(stamp=HERS))
    async with store.begin(interactive=True) as tx:
        await tx.tie(ONE, [Link(ONE, DOCTOR, Tie.TEAM, allow=2)])


async def restamp(store: ResourceStore, stamp: Stamp, key: Key = LETTER) -> None:
    async with store.begin(interactive=True) as tx:
        await tx.restamp(key, lambda old: stamp)


async def seen_by(store: ResourceStore, actor: Key) -> list[bool]:
    """Whether each version is read, the current one is found, and the history has any."""
    reader = store.within(sight(actor))
    return [
        await reader.read(LETTER, 1) is not None,
        await reader.read(LETTER) is not None,
        LETTER in await keys_of(reader, Query(("Binary",))),
        bool((await reader.history(Span("Binary", "letter"))).items),
    ]


@pytest.mark.usefixtures("tied")
async def test_a_stamp_is_of_all_versions_and_makes_none(store: ResourceStore) -> None:
    assert [any(await seen_by(store, DOCTOR)), all(await seen_by(store, NURSE))] == [False, True]
    await restamp(store, OF_ONE)
    assert [all(await seen_by(store, DOCTOR)), any(await seen_by(store, NURSE))] == [True, False]
    assert await store.stamps([LETTER]) == {LETTER: OF_ONE}
    stored = await store.read(LETTER)
    assert stored is not None
    assert (stored.version, stored.body) == (2, b'{"version":2}')
    await restamp(store, OF_BOTH)
    assert await store.stamps([LETTER]) == {LETTER: OF_BOTH}
    assert not any(await seen_by(store, DOCTOR))


@pytest.mark.usefixtures("tied")
async def test_a_change_is_of_the_stamp_that_there_is_at_the_end(
    store: ResourceStore, writer: Writer
) -> None:
    fresh = Key("Binary", "fresh")
    found = []

    def change(old: Stamp) -> Stamp:
        found.append(old)
        return replace(OF_ONE, labels=old.labels | Label.INTERNE)

    async with store.begin(interactive=True) as tx:
        await tx.restamp(fresh, change)  # which is yet to come
        await tx.restamp(LETTER, change)
        await tx.restamp(LETTER, change)
        await tx.write(writer.draft(fresh, None, await tx.stamp(), Entries(stamp=HERS)))
        newer = writer.draft(LETTER, await tx.lock(LETTER), await tx.stamp(), Entries(stamp=OF_ONE))
        await tx.write(newer)
    interne = replace(OF_ONE, labels=int(Label.INTERNE))
    assert (await store.stamps([fresh]))[fresh] == interne
    assert (await store.stamps([LETTER]))[LETTER] == replace(
        OF_ONE, labels=int(Label.INTERNE | Label.URGENCE)
    )
    assert {HERS, OF_ONE} <= set(found)


@pytest.mark.usefixtures("tied")
async def test_nothing_is_restamped_when_the_transaction_fails(store: ResourceStore) -> None:
    with pytest.raises(RuntimeError):
        async with store.begin(interactive=True) as tx:
            await tx.restamp(LETTER, lambda old: OF_ONE)
            raise RuntimeError
    assert await store.stamps([LETTER]) == {LETTER: HERS}


@pytest.mark.usefixtures("tied")
async def test_what_is_not_there_is_passed_over(store: ResourceStore) -> None:
    await restamp(store, OF_ONE, Key("Binary", "nowhere"))
    assert await store.stamps([LETTER]) == {LETTER: HERS}


@pytest.mark.usefixtures("tied")
async def test_it_takes_locks(store: ResourceStore) -> None:
    with pytest.raises(NeedsLocks):
        async with store.begin() as tx:
            await tx.restamp(LETTER, lambda old: OF_ONE)
