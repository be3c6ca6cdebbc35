"""Who hears of news, and who leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import psycopg
import pytest

from fhir_server.store import watch
from fhir_server.store.watch import Watch


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")


class Heard:
    """Counts news."""

    def __init__(self) -> None:
        self.times = 0

    async def hear(self, said: Sequence[str] | None) -> int:
        self.times += 1
        return 0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_TRY_SECONDS", 0.05)
    monkeypatch.setattr(watch, "_RETRY_SECONDS", 0.05)


async def opened(url: str, stack: AsyncExitStack, heard: Heard | None = None) -> Watch:
    watching = Watch(url, "news", (heard or Heard()).hear)
    watching.volunteer()
    watching.start()
    stack.push_async_callback(watching.close)
    return watching


async def test_one_leads_and_another_when_it_is_gone(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        one = await opened(database_url, stack)
        await until(lambda: one.leading)
        other = await opened(database_url, stack)
        await asyncio.sleep(0.2)
        assert not other.leading

        await one.close()
        await until(lambda: other.leading)

        assert not one.leading


async def test_who_does_not_volunteer_never_leads(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        watching = Watch(database_url, "news", Heard().hear)
        watching.start()
        stack.push_async_callback(watching.close)
        await asyncio.sleep(0.2)

        assert not watching.leading


async def test_news_are_heard_at_once(database_url: str) -> None:
    heard = Heard()
    async with AsyncExitStack() as stack:
        await opened(database_url, stack, heard)
        await until(lambda: heard.times == 1)  # whatever was missed before it listened
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("notify news")

        await until(lambda: heard.times == 2)


async def test_a_lost_connection_ends_the_lead_and_is_made_anew(
    database_url: str, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    async with AsyncExitStack() as stack:
        watching = await opened(database_url, stack, heard)
        await until(lambda: watching.leading)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cordee watch'"
            )
        await until(lambda: heard.times == 2)  # it may have missed something
        await until(lambda: watching.leading)

    assert "Lost the connection" in caplog.text
