"""The contract of a store: histories, their pages, and the watermark before which none misses a version."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store.contract import ResourceStore, Span, Stale, Stored
from tests.contracts.writing import Writer

PATIENT = "Patient"


def named(versions: Sequence[Stored]) -> list[tuple[Key, int]]:
    return [(v.key, v.version) for v in versions]


async def test_a_history_is_newest_first_and_shows_deletions(store: ResourceStore, writer: Writer) -> None:
    one, two, other = await writer.new(PATIENT), await writer.new(PATIENT), await writer.new("Basic")
    await writer.put(one)
    await writer.put(two, deleted=True)

    of_one = await store.history(Span(PATIENT, one.id))
    of_type = await store.history(Span(PATIENT))
    of_all = await store.history(Span())

    assert named(of_one.items) == [(one, 2), (one, 1)]
    assert of_one.total == 2
    assert named(of_type.items) == [(two, 2), (one, 2), (two, 1), (one, 1)]
    assert named(of_all.items) == [(two, 2), (one, 2), (other, 1), (two, 1), (one, 1)]
    assert of_type.items[0].deleted
    assert of_type.items[0].method == "DELETE"
    assert of_type.items[0].body == b""
    assert of_type.items[3].body == b'{"version":1}'


@pytest.mark.parametrize("scope", ["instance", "type", "system"])
async def test_a_history_can_be_paged_to_its_end_and_back(
    store: ResourceStore, writer: Writer, scope: str
) -> None:
    key = await writer.new(PATIENT)
    for _ in range(6):
        await writer.put(key)
    span = {
        "instance": Span(PATIENT, key.id, count=3),
        "type": Span(PATIENT, count=3),
        "system": Span(count=3),
    }[scope]

    first = await store.history(span)
    await writer.put(key)
    second = await store.history(replace(span, cursor=first.next))
    third = await store.history(replace(span, cursor=second.next))
    back = await store.history(replace(span, cursor=third.previous))
    again = await store.history(replace(span, cursor=back.previous))

    pages = [[v.version for v in page.items] for page in (first, second, third, back, again)]
    assert pages == [[7, 6, 5], [4, 3, 2], [1], [4, 3, 2], [7, 6, 5]]
    assert first.previous == ""
    assert third.next == ""
    if scope != "instance":
        assert again.previous == ""
        assert len({page.watermark for page in (first, second, third, back, again)}) == 1


async def test_since_is_inclusive(store: ResourceStore, writer: Writer) -> None:
    key = await writer.new(PATIENT)
    second = await writer.put(key)
    await writer.put(key)

    for span in (Span(PATIENT, key.id), Span(PATIENT), Span()):
        page = await store.history(replace(span, since=second.updated))
        assert [v.version for v in page.items] == [3, 2]


async def test_at_gives_the_versions_that_were_current_at_some_moment(
    store: ResourceStore, writer: Writer
) -> None:
    key = await writer.new(PATIENT)
    second = await writer.put(key)
    await asyncio.sleep(0.005)
    third = await writer.put(key)
    await writer.put(key, deleted=True)
    between = second.updated + 1000

    for span in (Span(PATIENT, key.id), Span(PATIENT), Span()):
        moment = await store.history(replace(span, at=(between, between + 1)))
        stretch = await store.history(replace(span, at=(between, third.updated + 1)))
        before = await store.history(replace(span, at=(0, 1)))
        after = await store.history(replace(span, at=(now() + 10**6, now() + 2 * 10**6)))
        assert [v.version for v in moment.items] == [2]
        assert [v.version for v in stretch.items] == [3, 2]
        assert before.items == ()
        assert [v.version for v in after.items] == [4]


async def test_a_count_of_nothing_still_tells_the_total(store: ResourceStore, writer: Writer) -> None:
    key = await writer.new(PATIENT)
    await writer.put(key)

    for span in (Span(PATIENT, key.id, count=0), Span(PATIENT, count=0), Span(count=0)):
        page = await store.history(span)
        assert (page.items, page.total, page.next, page.previous) == ((), 2, "", "")


async def test_a_cursor_of_another_history_is_refused(store: ResourceStore, writer: Writer) -> None:
    key = await writer.new(PATIENT)
    await writer.put(key)
    cursor = (await store.history(Span(PATIENT, count=1))).next

    for span in (Span("Basic", cursor=cursor), Span(PATIENT, cursor=cursor[:-2]), Span(PATIENT, cursor="ù")):
        with pytest.raises(Malformed):
            await store.history(span)


async def test_what_one_wrote_is_in_the_history_at_once(store: ResourceStore, writer: Writer) -> None:
    for _ in range(30):
        key = await writer.new(PATIENT)
        page = await store.history(Span(PATIENT, count=1))
        assert named(page.items) == [(key, 1)]
        assert page.watermark > page.items[0].updated


async def test_an_open_transaction_holds_the_watermark_back(store: ResourceStore, writer: Writer) -> None:
    early = await writer.new(PATIENT)
    await asyncio.sleep(0.002)  # what has the stamp of an open transaction is held back too
    slow = Key(PATIENT, store.new_id())
    async with store.begin(interactive=True) as tx:
        stamp = await tx.stamp()
        await tx.write(writer.draft(slow, None, stamp))
        late = await writer.new(PATIENT)
        during = await store.history(Span(PATIENT))
    after = await store.history(Span(PATIENT))

    assert named(during.items) == [(early, 1)]
    assert during.watermark <= stamp
    assert sorted(named(after.items)) == sorted([(early, 1), (slow, 1), (late, 1)])


async def test_no_stamp_comes_before_a_watermark_that_was_shown(store: ResourceStore, writer: Writer) -> None:
    async with store.begin() as tx:
        draft = writer.draft(Key(PATIENT, store.new_id()), None, await tx.stamp())
    await asyncio.sleep(0.002)
    mark = (await store.history(Span())).watermark

    async with store.begin() as buffered, store.begin(interactive=True) as interactive:
        assert await buffered.stamp() >= mark
        assert await interactive.stamp() >= mark
    assert draft.updated < mark


async def test_a_client_that_polls_misses_no_version(store: ResourceStore, writer: Writer) -> None:
    """Fast and slow writers at once, and a poller that resumes at the watermark."""
    written: set[Key] = set()

    async def write(number: int) -> None:
        for turn in range(12):
            key = Key(PATIENT, store.new_id())
            interactive = number % 2 == 0
            async with store.begin(interactive=interactive) as tx:
                await tx.write(writer.draft(key, None, await tx.stamp()))
                if interactive:
                    await asyncio.sleep(0.003 * (turn % 4))
            written.add(key)

    async def poll() -> tuple[set[Key], int]:
        seen: set[Key] = set()
        since = 0
        while True:
            finished = all(task.done() for task in writers)
            page = await store.history(Span(PATIENT, since=since, count=1000))
            assert all(v.updated < page.watermark for v in page.items)
            seen |= {v.key for v in page.items}
            since = page.watermark
            if finished:
                return seen, since
            await asyncio.sleep(0.001)

    async def stubborn(number: int) -> None:
        while True:
            try:
                return await write(number)
            except Stale:
                continue

    writers = [asyncio.create_task(stubborn(number)) for number in range(6)]
    seen, _ = await poll()
    await asyncio.gather(*writers)

    assert written <= seen
