"""The keys that sign our tokens, as several workers share them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.own_tokens import UnknownKey, key_of, new_key, signed
from fhir_server.kernel.errors import Unavailable
from fhir_server.store import registrations
from fhir_server.store.credentials import PostgresCredentials, SigningKey
from fhir_server.store.pipeline import Pipeline
from fhir_server.web.own_keys import OVERLAP, OwnKeys

ISSUER = "urn:cordee"
NOW = 1_800_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
CALLER = Caller("system", subject="dui", client="dui")


@pytest.fixture
async def workers(url: str) -> AsyncIterator[list[OwnKeys]]:
    async with AsyncExitStack() as opened:
        found = []
        for _ in range(2):
            pipeline = await Pipeline.open(url)
            opened.push_async_callback(pipeline.close)
            credentials = PostgresCredentials(pipeline.run, pipeline.run)
            found.append(OwnKeys(lambda credentials=credentials: credentials))  # type: ignore[misc]  # a default
        yield found


async def issued(worker: OwnKeys, now: int) -> str:
    return signed(CALLER, "system/*.rs", await worker.current(now), issuer=ISSUER, now=now)


async def test_what_one_worker_signs_another_believes(workers: list[OwnKeys]) -> None:
    one, other = workers

    token = await issued(one, NOW)

    assert (await other.verified(token, issuer=ISSUER, now=NOW))[0].subject == "dui"
    assert await other.current(NOW) is not None


async def test_workers_share_one_key(workers: list[OwnKeys]) -> None:
    keys = [await worker.current(NOW) for worker in workers]

    assert keys[0].kid == keys[1].kid


async def test_a_key_that_an_operator_just_made_is_looked_for(workers: list[OwnKeys], url: str) -> None:
    await issued(workers[0], NOW)
    kid, jwk = new_key()
    registrations.put_signing_key(url, SigningKey(kid, jwk, NOW + 3 * SECOND), overlap=OVERLAP)

    token = signed(CALLER, "", key_of(jwk), issuer=ISSUER, now=NOW + 3 * SECOND)

    assert (await workers[0].verified(token, issuer=ISSUER, now=NOW + 3 * SECOND))[0].subject == "dui"


async def test_after_a_rotation_tokens_are_believed_until_they_expire(
    workers: list[OwnKeys], url: str
) -> None:
    token = await issued(workers[0], NOW)
    registrations.put_signing_key(url, SigningKey(*new_key(), NOW + SECOND), overlap=OVERLAP)

    assert await workers[1].verified(token, issuer=ISSUER, now=NOW + 299 * SECOND)


async def test_no_token_is_believed_a_minute_after_the_keys_were_distrusted(
    workers: list[OwnKeys], url: str
) -> None:
    token = await issued(workers[0], NOW)
    registrations.put_signing_key(url, SigningKey(*new_key(), NOW + SECOND), overlap=0)

    with pytest.raises(UnknownKey):
        await workers[0].verified(token, issuer=ISSUER, now=NOW + 61 * SECOND)


async def test_invented_keys_are_not_looked_for_each_time() -> None:
    store = Counted()
    worker = OwnKeys(lambda: store)
    token = signed(CALLER, "", key_of(new_key()[1]), issuer=ISSUER, now=NOW)

    for number in range(100):
        with pytest.raises(UnknownKey):
            await worker.verified(token, issuer=ISSUER, now=NOW + number * SECOND // 20)

    assert store.asked <= 4  # in five seconds


class Counted:
    """No keys at all, and how often they were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    async def signing_keys(self, now: int) -> tuple[SigningKey, ...]:
        self.asked += 1
        return ()

    async def renew(self, key: SigningKey, *, older_than: int, overlap: int) -> None:
        """Nothing is kept."""


async def test_without_a_key_no_token_is_signed() -> None:
    with pytest.raises(Unavailable):
        await OwnKeys(Counted).current(NOW)


async def test_a_key_that_is_old_is_replaced_in_all_workers(workers: list[OwnKeys]) -> None:
    first = await workers[0].current(NOW)
    later = NOW + 31 * DAY

    renewed = [await worker.current(later) for worker in workers]

    assert renewed[0].kid == renewed[1].kid != first.kid


async def test_while_the_server_starts_there_are_no_keys() -> None:
    def starting() -> PostgresCredentials:
        raise Unavailable("The server is starting")

    with pytest.raises(Unavailable):
        await OwnKeys(starting).current(NOW)
