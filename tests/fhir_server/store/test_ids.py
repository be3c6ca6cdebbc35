from __future__ import annotations

import asyncio
import time

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.keys import is_id
from fhir_server.kernel.times import now
from fhir_server.store.ids import EPOCH, Lease, Pks, created, first_of, id_of, pk_of
from fhir_server.store.migrations.migrate import migrate


def test_pks_ascend_even_within_a_millisecond() -> None:
    pks = Pks(7)

    made = [pks.next() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_a_moment_can_be_passed_by() -> None:
    pks = Pks(7)
    ahead = now() // 1000 + 5000

    pks.pass_by(ahead)
    later = pks.next()
    pks.pass_by(ahead - 1000)

    assert created(later) == (ahead + 1) * 1000
    assert pks.next() == later + 1


@given(st.integers(0, 2**63 - 1))
def test_an_id_tells_its_pk(pk: int) -> None:
    assert pk_of(id_of(pk)) == pk


@pytest.mark.parametrize(
    "text", ["", "8000000000000", "000000000000", "00000000000000", "ILOU000000000", "é" * 13]
)
def test_an_id_that_was_not_made_here_has_no_pk(text: str) -> None:
    assert pk_of(text) is None


@given(st.integers(0, 2**61))
def test_the_first_pk_of_a_moment_divides_what_was_made_before_from_what_was_made_then(moment: int) -> None:
    first = first_of(moment)

    assert first == 2**63 - 1 or first == 0 or created(first) >= moment > created(first - 1)


def test_a_pk_tells_when_it_was_made() -> None:
    before = now()

    moment = created(Pks(1023).next())

    assert before <= moment <= now()


def test_pks_of_two_processes_never_meet() -> None:
    one, two = Pks(1), Pks(2)

    assert not {one.next() for _ in range(5000)} & {two.next() for _ in range(5000)}


def test_a_clock_that_was_set_back_makes_no_pk_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    pks = Pks(0)
    last = pks.next()
    real = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: real - 3_600_000_000_000)

    assert pks.next() > last


def test_pks_begin_above_those_of_the_database() -> None:
    future = (time.time_ns() // 1_000_000 - EPOCH + 86_400_000) << 22 | 1023 << 12 | 4095

    assert Pks(0, above=future).next() > future


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_ids_are_fhir_ids_and_sort_like_their_pks(one: int, other: int) -> None:
    assert is_id(id_of(one))
    assert len(id_of(one)) == 13
    assert (id_of(one) < id_of(other)) == (one < other)


async def test_leases_at_once_have_different_numbers(database_url: str) -> None:
    migrate(database_url)
    leases = await asyncio.gather(*(Lease.take(database_url) for _ in range(8)))

    numbers = {lease.pks.worker for lease in leases}

    for lease in leases:
        await lease.close()
    assert len(numbers) == 8


async def test_a_lost_lease_is_taken_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_server.store.ids._RETRY_SECONDS", 0.05)
    migrate(database_url)
    lease = await Lease.take(database_url)

    def held() -> list[tuple[int]]:
        query = "select pid from pg_stat_activity where application_name = 'cordee lease'"
        with psycopg.connect(database_url) as connection:
            return connection.execute(f"{query} and datname = current_database()").fetchall()

    ((first,),) = held()
    with psycopg.connect(database_url) as connection:
        connection.execute("select pg_terminate_backend(%s)", (first,))
    for _ in range(100):
        await asyncio.sleep(0.05)
        now_held = held()
        if now_held and now_held != [(first,)]:
            break
    await lease.close()

    assert now_held != [(first,)]
    assert len(now_held) == 1
