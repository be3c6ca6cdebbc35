"""The contract of a store: single resources, transactions, references."""

from __future__ import annotations

import asyncio
import os

import pytest

from fhir_server.kernel.keys import Key, is_id
from fhir_server.search.entries import Entries
from fhir_server.search.query import Name, Query, Tokens, TokenValue
from fhir_server.store.contract import Missing, NeedsLocks, ResourceStore, Span, Stale, Stored, Transaction
from tests.contracts.writing import Writer, all_pages, entries, keys_of

PATIENT = "Patient"
OBSERVATION = "Observation"


@pytest.mark.external
def test_an_external_postgresql_is_named() -> None:
    if not os.environ.get("CORDEE_TEST_EXTERNAL_URL"):
        pytest.skip("CORDEE_TEST_EXTERNAL_URL names no PostgreSQL: the contract is tried without one")


# Single resources ---------------------------------------------------------------------------------------------------


async def test_what_was_written_is_read_back(store: ResourceStore, writer: Writer) -> None:
    key = Key(PATIENT, store.new_id())

    draft = await writer.put(key, body=b'{"resourceType":"Patient"}')

    assert await store.read(key) == Stored(
        key, 1, draft.updated, b'{"resourceType":"Patient"}', False, "POST"
    )


async def test_what_never_was_is_none(store: ResourceStore) -> None:
    assert await store.read(Key(PATIENT, "nobody")) is None
    assert await store.read(Key(PATIENT, "nobody"), 1) is None
    assert await store.read(Key("NoSuchType", "1")) is None
    assert (await store.history(Span(PATIENT, "nobody"))).items == ()


async def test_new_ids_are_ids_and_ascend(store: ResourceStore) -> None:
    ids = [store.new_id() for _ in range(5000)]

    assert all(map(is_id, ids))
    assert ids == sorted(set(ids))


async def test_every_version_stays_readable(store: ResourceStore, writer: Writer) -> None:
    key = await writer.new(PATIENT)
    await writer.put(key)
    await writer.put(key)

    bodies = [stored.body if (stored := await store.read(key, n)) else None for n in (1, 2, 3, 4, 0, 2**40)]

    assert bodies == [b'{"version":1}', b'{"version":2}', b'{"version":3}', None, None, None]


async def test_a_deletion_is_a_version_without_body_and_the_old_ones_stay(
    store: ResourceStore, writer: Writer
) -> None:
    key = await writer.new(PATIENT)
    draft = await writer.put(key, deleted=True)

    assert await store.read(key) == Stored(key, 2, draft.updated, b"", True, "DELETE")
    first = await store.read(key, 1)
    assert first is not None
    assert first.body == b'{"version":1}'


async def test_a_deleted_resource_can_come_back(store: ResourceStore, writer: Writer) -> None:
    here = entries(store.hasher, PATIENT, tokens=[("gender", "s", "female")])
    query = Query((PATIENT,), (Tokens(Name(PATIENT, "gender"), (TokenValue("s", "female"),)),))
    key = await writer.new(PATIENT, here)
    await writer.put(key, deleted=True)
    gone = await keys_of(store, query)

    await writer.put(key, here)

    assert gone == []
    assert await keys_of(store, query) == [key]
    assert [v.version for v in (await store.history(Span(PATIENT, key.id))).items] == [3, 2, 1]


@pytest.mark.parametrize("interactive", [False, True])
async def test_a_body_of_ten_megabytes_is_kept(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    key, body = Key("Binary", store.new_id()), os.urandom(10_000_000)

    async with store.begin(interactive=interactive) as tx:
        await tx.write(writer.draft(key, None, await tx.stamp(), body=body))

    stored = await store.read(key)
    assert stored is not None
    assert stored.body == body


# Transactions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interactive", [False, True])
async def test_an_exception_undoes_everything(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    old, new = await writer.new(PATIENT), Key(PATIENT, store.new_id())

    with pytest.raises(ZeroDivisionError):
        async with store.begin(interactive=interactive) as tx:
            await tx.write(writer.draft(new, None, await tx.stamp()))
            await tx.write(writer.draft(old, await tx.lock(old), await tx.stamp()))
            raise ZeroDivisionError

    assert await store.read(new) is None
    stored = await store.read(old)
    assert stored is not None
    assert stored.version == 1
    assert len((await store.history(Span())).items) == 1


async def test_an_interactive_transaction_undoes_what_it_flushed_for_a_search(
    store: ResourceStore, writer: Writer
) -> None:
    key = Key(PATIENT, store.new_id())

    with pytest.raises(ZeroDivisionError):
        async with store.begin(interactive=True) as tx:
            await tx.write(writer.draft(key, None, await tx.stamp()))
            assert await keys_of(tx, Query((PATIENT,))) == [key]
            raise ZeroDivisionError

    assert await store.read(key) is None


@pytest.mark.parametrize("interactive", [False, True])
async def test_a_transaction_reads_what_it_wrote_and_others_do_not(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    key = await writer.new(PATIENT)

    async with store.begin(interactive=interactive) as tx:
        await tx.write(writer.draft(key, await tx.lock(key), await tx.stamp()))
        mine, first, others = await tx.read(key), await tx.read(key, 1), await store.read(key)

    assert mine is not None
    assert first is not None
    assert others is not None
    assert (mine.version, first.version, others.version) == (2, 1, 1)


async def test_an_interactive_transaction_finds_and_recounts_what_it_wrote(
    store: ResourceStore, writer: Writer
) -> None:
    key = await writer.new(PATIENT)

    async with store.begin(interactive=True) as tx:
        await tx.write(writer.draft(key, await tx.lock(key), await tx.stamp()))
        found = await keys_of(tx, Query((PATIENT,)))
        one = await tx.history(Span(PATIENT, key.id))
        everything = await tx.history(Span())
        another = Key(PATIENT, store.new_id())
        await tx.write(writer.draft(another, None, await tx.stamp()))
        both = await keys_of(tx, Query((PATIENT,)))

    assert found == [key]
    assert [v.version for v in one.items] == [2, 1]
    assert [v.version for v in everything.items] == [2, 1]
    assert sorted(both) == sorted([key, another])


async def test_a_buffered_transaction_asks_for_locks_when_it_needs_them(
    store: ResourceStore, writer: Writer
) -> None:
    key = await writer.new(PATIENT)

    async def guard(tx: Transaction) -> None:
        await tx.guard(["a"])

    async def search_after_write(tx: Transaction) -> None:
        await tx.write(writer.draft(key, await tx.lock(key), await tx.stamp()))
        await tx.search(Query((PATIENT,)))

    async def referrers(tx: Transaction) -> None:
        await tx.referrers(key, (), 1)

    for act in (guard, search_after_write, referrers):
        with pytest.raises(NeedsLocks):
            async with store.begin() as tx:
                await act(tx)

    stored = await store.read(key)
    assert stored is not None
    assert stored.version == 1


@pytest.mark.parametrize("interactive", [False, True])
async def test_a_version_that_is_no_longer_current_is_stale_and_nothing_is_written(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    key, other = await writer.new(PATIENT), Key(PATIENT, store.new_id())
    before = await store.read(key)
    await writer.put(key)

    with pytest.raises(Stale):
        async with store.begin(interactive=interactive) as tx:
            await tx.write(writer.draft(other, None, await tx.stamp()))
            await tx.write(writer.draft(key, before, await tx.stamp()))

    assert await store.read(other) is None
    stored = await store.read(key)
    assert stored is not None
    assert stored.version == 2


async def test_what_was_locked_and_not_written_must_still_be_current(
    store: ResourceStore, writer: Writer
) -> None:
    key, other = await writer.new(PATIENT), Key(PATIENT, store.new_id())

    with pytest.raises(Stale):
        async with store.begin() as tx:
            await tx.lock(key)
            await tx.write(writer.draft(other, None, await tx.stamp()))
            await writer.put(key)

    assert await store.read(other) is None


@pytest.mark.parametrize("interactive", [False, True])
async def test_of_parallel_updates_one_wins_and_the_others_are_stale(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    key = await writer.new(PATIENT)
    old = await store.read(key)

    async def update() -> bool:
        try:
            async with store.begin(interactive=interactive) as tx:
                if interactive and (now := await tx.lock(key)) and old and now.version != old.version:
                    return False
                await tx.write(writer.draft(key, old, await tx.stamp()))
        except Stale:
            return False
        return True

    outcomes = await asyncio.gather(*(update() for _ in range(16)))

    assert outcomes.count(True) == 1
    stored = await store.read(key)
    assert stored is not None
    assert stored.version == 2


async def test_of_parallel_creations_of_one_id_one_wins(store: ResourceStore, writer: Writer) -> None:
    key = Key(PATIENT, "chosen")

    async def create() -> bool:
        try:
            async with store.begin() as tx:
                await tx.write(writer.draft(key, None, await tx.stamp()))
        except Stale:
            return False
        return True

    outcomes = await asyncio.gather(*(create() for _ in range(16)))

    assert outcomes.count(True) == 1
    assert len((await store.history(Span())).items) == 1


async def test_twenty_conditional_creates_make_one_resource(store: ResourceStore, writer: Writer) -> None:
    here = entries(store.hasher, PATIENT, tokens=[("identifier", "s", "1")])
    query = Query((PATIENT,), (Tokens(Name(PATIENT, "identifier"), (TokenValue("s", "1"),)),))

    async def create() -> None:
        async with store.begin(interactive=True) as tx:
            await tx.guard(["Patient?identifier=s|1", "another"])
            if not (await tx.search(query)).items:
                await tx.write(writer.draft(Key(PATIENT, store.new_id()), None, await tx.stamp(), here))

    await asyncio.gather(*(create() for _ in range(20)))

    assert len(await keys_of(store, query)) == 1


async def test_a_cancelled_transaction_leaves_nothing_and_harms_no_other(
    store: ResourceStore, writer: Writer
) -> None:
    held = asyncio.Event()

    async def wait() -> None:
        async with store.begin(interactive=True) as tx:
            await tx.guard(["a"])
            await tx.write(writer.draft(Key(PATIENT, "never"), None, await tx.stamp()))
            await tx.search(Query((PATIENT,)))
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await held.wait()
    blocked = asyncio.create_task(_guarded(store))
    await asyncio.sleep(0.05)
    blocked.cancel()
    task.cancel()
    await asyncio.gather(task, blocked, return_exceptions=True)

    await asyncio.gather(*(_guarded(store) for _ in range(10)))
    assert await store.read(Key(PATIENT, "never")) is None


async def _guarded(store: ResourceStore) -> None:
    async with store.begin(interactive=True) as tx:
        await tx.guard(["a"])
        await tx.read(Key(PATIENT, "never"))


async def test_a_thousand_resources_go_in_at_once(store: ResourceStore, writer: Writer) -> None:
    keys = [Key(PATIENT, store.new_id()) for _ in range(1000)]
    here = entries(store.hasher, PATIENT, tokens=[("gender", "s", "female")], strings=[("name", "Payet")])

    async with store.begin() as tx:
        for key in keys:
            await tx.write(writer.draft(key, None, await tx.stamp(), here))
    async with store.begin() as tx:
        for key in keys:
            await tx.write(writer.draft(key, await tx.lock(key), await tx.stamp(), here))

    female = Tokens(Name(PATIENT, "gender"), (TokenValue(None, "female"),))
    query = Query((PATIENT,), (female,), count=300, total="accurate")
    assert sorted(await all_pages(store, query)) == keys
    assert (await store.search(query)).total == 1000


async def test_an_imported_file_is_recorded_once_and_with_its_contents(
    store: ResourceStore, writer: Writer
) -> None:
    for interactive in (False, True):
        name = f"file {interactive}"
        with pytest.raises(ZeroDivisionError):
            async with store.begin(interactive=interactive) as tx:
                assert await tx.note_file(name)
                raise ZeroDivisionError
        async with store.begin(interactive=interactive) as tx:
            assert await tx.note_file(name)
            assert not await tx.note_file(name)
        async with store.begin(interactive=interactive) as tx:
            assert not await tx.note_file(name)
        assert await store.noted(name)
    assert not await store.noted("another file")


async def test_two_imports_of_one_file_do_not_both_commit(store: ResourceStore) -> None:
    async def load() -> bool:
        async with store.begin() as tx:
            if not await tx.note_file("hash"):
                return False
            await asyncio.sleep(0.02)
        return True

    outcomes = await asyncio.gather(load(), load(), return_exceptions=True)

    assert outcomes.count(True) == 1


# References ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interactive", [False, True])
async def test_targets_that_do_not_exist_are_named_and_nothing_is_written(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    there, gone, never = await writer.new(PATIENT), await writer.new(PATIENT), Key(PATIENT, "never")
    await writer.put(gone, deleted=True)
    key = Key(OBSERVATION, store.new_id())

    with pytest.raises(Missing) as caught:
        async with store.begin(interactive=interactive) as tx:
            await tx.write(writer.draft(key, None, await tx.stamp(), targets=[there, gone, never]))

    assert set(caught.value.keys) == {gone, never}
    assert await store.read(key) is None


@pytest.mark.parametrize("interactive", [False, True])
async def test_resources_of_one_transaction_may_refer_to_one_another(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    one, two = Key(PATIENT, store.new_id()), Key(PATIENT, store.new_id())

    async with store.begin(interactive=interactive) as tx:
        await tx.write(writer.draft(one, None, await tx.stamp(), targets=[two, one]))
        await tx.write(writer.draft(two, None, await tx.stamp(), targets=[one]))

    assert await store.read(one)


@pytest.mark.parametrize("interactive", [False, True])
async def test_what_a_transaction_deletes_it_cannot_refer_to(
    store: ResourceStore, writer: Writer, interactive: bool
) -> None:
    target = await writer.new(PATIENT)

    with pytest.raises(Missing):
        async with store.begin(interactive=interactive) as tx:
            await tx.write(writer.draft(target, await tx.lock(target), await tx.stamp(), deleted=True))
            key = Key(OBSERVATION, store.new_id())
            await tx.write(writer.draft(key, None, await tx.stamp(), targets=[target]))

    stored = await store.read(target)
    assert stored is not None
    assert not stored.deleted


async def test_referrers_are_found_through_parameters_and_without(
    store: ResourceStore, writer: Writer
) -> None:
    target = await writer.new(PATIENT)
    through = await writer.new(
        OBSERVATION, entries(store.hasher, OBSERVATION, references=[("subject", target)]), targets=[target]
    )
    without = await writer.new("Basic", targets=[target])
    await writer.put(target, entries(store.hasher, PATIENT, references=[("link", target)]), targets=[target])
    names = [Name(OBSERVATION, "subject"), Name(PATIENT, "link")]

    async with store.begin(interactive=True) as tx:
        both = await tx.referrers(target, names, 10)
        one = await tx.referrers(target, names, 1)
    await writer.put(through, deleted=True)
    await writer.put(without)
    async with store.begin(interactive=True) as tx:
        nobody = await tx.referrers(target, names, 10)

    assert sorted(both) == sorted([through, without])
    assert len(one) == 1
    assert nobody == []


async def test_a_resource_cannot_be_deleted_while_another_begins_to_refer_to_it(
    store: ResourceStore, writer: Writer
) -> None:
    """Whichever comes first, there is never a reference to nothing."""
    for _ in range(5):
        target = await writer.new(PATIENT)
        key = Key(OBSERVATION, store.new_id())
        here = entries(store.hasher, OBSERVATION, references=[("subject", target)])

        async def refer(key: Key = key, target: Key = target, here: Entries = here) -> None:
            async with store.begin() as tx:
                await tx.write(writer.draft(key, None, await tx.stamp(), here, targets=[target]))

        async def delete(target: Key = target) -> None:
            async with store.begin(interactive=True) as tx:
                old = await tx.lock(target)
                if not await tx.referrers(target, [Name(OBSERVATION, "subject")], 1):
                    await tx.write(writer.draft(target, old, await tx.stamp(), deleted=True))

        await asyncio.gather(refer(), delete(), return_exceptions=True)

        stored = await store.read(target)
        assert stored is not None
        assert not (stored.deleted and await store.read(key))
