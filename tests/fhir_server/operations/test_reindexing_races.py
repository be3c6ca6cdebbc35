"""The work of indexing may be interrupted, doubled and raced."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import psycopg
import pytest

from fhir_server.kernel.errors import FhirError
from fhir_server.operations.reindexing import Reindexing
from tests.builders import search_parameter
from tests.fhir_server.interactions.performing import Performer, refused
from tests.fhir_server.operations.indexing import Open, assert_exact, found, index_all, single


async def test_an_interrupted_job_goes_on_where_it_was(
    worker: Performer, open_worker: Open, url: str
) -> None:
    for _ in range(20):
        await worker.made(single())
    await worker.made(search_parameter("marital"))
    await worker.store.definitions.refresh()
    first = Reindexing(worker.server, slice=5)
    while not any(
        job.type == "Patient" and job.done == 10 for job in await worker.store.definitions.progress()
    ):
        assert await first.step()

    other = await open_worker()
    jobs = [job for job in await other.store.definitions.progress() if job.type == "Patient"]
    with refused(400, "transient"):
        await other.search("Patient", "marital=M")
    await index_all(other, slice=5)

    assert [(job.done, job.total, job.percent) for job in jobs] == [(10, 20, 50)]
    assert await found(other, "marital=M") == 20
    assert_exact(url, other)


async def test_two_that_believe_to_lead_do_no_harm(worker: Performer, open_worker: Open, url: str) -> None:
    other = await open_worker()
    for _ in range(40):
        await worker.made(single())
    await worker.made(search_parameter("marital"))

    await asyncio.gather(index_all(worker, slice=3), index_all(other, slice=3))

    assert_exact(url, worker)
    assert await found(worker, "marital=M") == 40


async def test_a_worker_that_has_not_heard_prepares_its_write_again(
    worker: Performer, open_worker: Open, url: str
) -> None:
    deaf = await open_worker()
    await deaf.store._watch.close()  # type: ignore[attr-defined] # nobody tells it

    await worker.made(search_parameter("marital"))
    assert deaf.store.definitions.current.generation == 0
    await deaf.made(single())

    assert deaf.store.definitions.current.generation == 1
    assert_exact(url, deaf)


async def test_a_worker_hears_of_new_definitions(worker: Performer, open_worker: Open) -> None:
    other = await open_worker()

    await worker.made(search_parameter("marital"))
    async with asyncio.timeout(5):
        while "marital" not in other.server.parameters.of("Patient"):
            await other.store.definitions.heard(0.5)


async def test_a_commit_whose_process_was_killed_holds_writes_to_it_all_the_same(
    worker: Performer, open_worker: Open, url: str
) -> None:
    with psycopg.connect(url) as connection:  # as far as the commit goes; then the process is gone
        connection.execute("update generation set number = number + 1")
    await open_worker()

    with psycopg.connect(url) as connection:
        assert connection.execute("select last_value from gate").fetchone() == (1,)
    await worker.made(single())
    assert worker.store.definitions.current.generation == 1


async def test_a_job_waits_for_writes_of_the_generation_before(
    worker: Performer, open_worker: Open, url: str
) -> None:
    other = await open_worker()
    async with other.store.begin(interactive=True) as tx:
        assert tx.definitions.generation == 0
        await worker.made(search_parameter("marital"))
        indexing = asyncio.create_task(index_all(worker))
        await asyncio.sleep(0.2)
        assert not indexing.done()
        assert (await worker.store.definitions.progress())[0].total is None
    await indexing

    assert await worker.store.definitions.progress() == ()


async def test_what_comes_back_after_it_was_passed_while_deleted_keeps_no_rows_of_what_is_gone(
    worker: Performer, url: str
) -> None:
    """Whoever deleted it did not know of them any more."""
    keys = [await worker.made(single()) for _ in range(3)]
    definition = await worker.made(search_parameter("marital"))
    await index_all(worker)
    await worker.delete(definition)
    reindexing = Reindexing(worker.server, slice=1)
    await worker.store.definitions.refresh()
    assert await reindexing.step(), "the first one is passed"

    await worker.delete(keys[1])
    assert await reindexing.step()
    assert await reindexing.step()
    await worker.put(single(id=keys[1].id))
    while await reindexing.step():
        pass

    assert_exact(url, worker)


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_while_writers_and_definitions_race(
    worker: Performer, open_worker: Open, url: str, seed: int
) -> None:
    dice = random.Random(seed)
    other = await open_worker()
    workers = [worker, other]
    keys = [await worker.made(single()) for _ in range(30)]
    ended = False

    async def write(performer: Performer) -> None:
        while not ended:
            key = dice.choice(keys)
            with suppress(FhirError):
                match dice.randrange(5):
                    case 0:
                        keys.append(await performer.made(single(dice.choice("MS"))))
                    case 1:
                        await performer.delete(key)
                    case _:
                        await performer.put(single(dice.choice("MS"), id=key.id, active=dice.random() < 0.5))

    async def define() -> None:
        definition = await worker.made(search_parameter("new"))
        for expression in ("Patient.active", "Patient.maritalStatus", "", "Patient.active"):
            await asyncio.sleep(dice.uniform(0, 0.1))
            performer = dice.choice(workers)
            if expression:
                await performer.put(search_parameter("new", id=definition.id, expression=expression))
            else:
                await performer.delete(definition)

    async def index() -> None:
        reindexing = {performer: Reindexing(performer.server, slice=3) for performer in workers}
        while not ended:
            await reindexing[dice.choice(workers)].step()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for performer in workers:
            group.create_task(write(performer))
        group.create_task(index())
        await define()
        await asyncio.sleep(0.1)
        ended = True
    await index_all(worker, slice=10)
    await other.store.definitions.refresh()

    assert_exact(url, worker)
    assert await found(worker, "new=true") == await found(other, "new=true")
