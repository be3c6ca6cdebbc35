from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from fhir_server.access.signatures import Signed, opened
from fhir_server.kernel.errors import Unauthenticated, Unavailable
from fhir_server.web.jwks import PAUSE_SECONDS, STALE_SECONDS, KeySet, read

FRESH = 600.0
ALLOWED = ("ES256",)


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": kid})


def signed_by(key: ECKey) -> Signed:
    found = opened(jwt.encode({"alg": "ES256", "kid": str(key.kid)}, {"sub": "x"}, key))
    assert found is not None
    return found


class Issuer:
    """Keys that change, an issuer that may be away, and a clock that the test winds."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys: Sequence[ECKey] = keys
        self.asked = 0
        self.away = False
        self.broken = b""
        self.time = 1000.0
        self.gate: asyncio.Event | None = None
        self.set = KeySet(self.fetch, fresh_seconds=FRESH, clock=lambda: self.time)

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.gate:
            await self.gate.wait()
        if self.away:
            raise Unavailable("away")
        told: Any = {"keys": [key.as_dict(private=False) for key in self.keys]}
        return self.broken or orjson.dumps(told)

    async def check(self, key: ECKey) -> None:
        await self.set.require_signed(signed_by(key), ALLOWED)


ONE, TWO = new_key("one"), new_key("two")


async def test_keys_are_fetched_once_while_they_are_fresh() -> None:
    issuer = Issuer(ONE)

    for _ in range(3):
        await issuer.check(ONE)
        issuer.time += FRESH / 3 - 1

    assert issuer.asked == 1


async def test_a_key_that_is_gone_is_not_believed_once_the_keys_are_old() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.keys = [TWO]
    issuer.time += FRESH

    with pytest.raises(Unauthenticated, match="does not have"):
        await issuer.check(ONE)


async def test_a_new_key_is_looked_for_once_and_then_not_for_a_while() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.time += PAUSE_SECONDS

    for _ in range(3):
        with pytest.raises(Unauthenticated, match="does not have"):
            await issuer.check(TWO)
    issuer.keys = [ONE, TWO]
    issuer.time += PAUSE_SECONDS
    await issuer.check(TWO)

    assert issuer.asked == 3


async def test_who_needs_the_keys_at_the_same_time_shares_one_fetch() -> None:
    issuer = Issuer(ONE, TWO)
    issuer.gate = asyncio.Event()
    checks = [asyncio.create_task(issuer.check(key)) for key in (ONE, TWO) * 10]
    await asyncio.sleep(0)

    issuer.gate.set()
    await asyncio.gather(*checks)

    assert issuer.asked == 1


async def test_a_miss_during_a_fetch_waits_for_it() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.keys, issuer.gate = [ONE, TWO], asyncio.Event()
    issuer.time += PAUSE_SECONDS
    first = asyncio.create_task(issuer.check(TWO))
    await asyncio.sleep(0)
    second = asyncio.create_task(issuer.check(TWO))
    await asyncio.sleep(0)
    first.cancel()

    issuer.gate.set()
    await second

    assert issuer.asked == 2


async def test_without_keys_an_issuer_that_is_away_is_503_and_is_not_asked_at_every_request() -> None:
    issuer = Issuer(ONE)
    issuer.away = True

    for _ in range(3):
        with pytest.raises(Unavailable):
            await issuer.check(ONE)
    assert issuer.asked == 1
    issuer.away = False
    issuer.time += PAUSE_SECONDS
    await issuer.check(ONE)


async def test_known_keys_outlive_an_issuer_that_is_away_for_a_while() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.away = True
    issuer.time += FRESH + STALE_SECONDS - 1
    await issuer.check(ONE)
    issuer.time += 1

    with pytest.raises(Unavailable):
        await issuer.check(ONE)


async def test_whether_a_key_is_new_cannot_be_said_while_its_issuer_is_away() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.away = True
    issuer.time += PAUSE_SECONDS

    for _ in range(2):
        with pytest.raises(Unavailable):
            await issuer.check(TWO)

    assert issuer.asked == 2


async def test_keys_that_cannot_be_read_are_as_good_as_none() -> None:
    issuer = Issuer(ONE)
    issuer.broken = b"<html>"

    with pytest.raises(Unavailable):
        await issuer.check(ONE)


async def test_a_wrong_signature_by_a_known_key_fetches_nothing() -> None:
    issuer = Issuer(ONE)
    await issuer.check(ONE)
    issuer.time += PAUSE_SECONDS

    with pytest.raises(Unauthenticated, match="signature"):
        await issuer.check(new_key("one"))

    assert issuer.asked == 1


async def test_a_file_that_is_not_there_is_no_key_set(tmp_path: Path) -> None:
    keys = KeySet(read(tmp_path / "none.json"), fresh_seconds=FRESH)

    with pytest.raises(Unavailable):
        await keys.require_signed(signed_by(ONE), ALLOWED)
