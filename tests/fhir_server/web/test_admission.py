"""Who is listened to: limits by address and client, around real tokens of our own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from fhir_server.access import own_tokens
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.identity import Identifier
from fhir_server.kernel.errors import Throttled, Unauthenticated
from fhir_server.kernel.keys import Key
from fhir_server.settings import AuthSettings, LimitSettings
from fhir_server.web.admission import Admission
from fhir_server.web.authentication import Authentication
from fhir_server.web.origin import Origin
from fhir_server.web.throttling import throttling_of

ISSUER = "urn:cordee"
SCOPE = {"type": "http", "client": ("192.0.2.1", 4711)}


class Nobody:
    """A directory and accounts without anybody."""

    async def actors_of(self, identifiers: Sequence[Identifier]) -> tuple[Key, ...]:
        return ()

    async def codes_of(self, actors: Sequence[Key]) -> tuple[Identifier, ...]:
        return ()

    async def account(self, issuer: str, subject: str) -> Key | None:
        return None


class Own:
    def __init__(self) -> None:
        self.key: OKPKey = own_tokens.key_of(own_tokens.new_key()[1])

    async def verified(self, token: str, *, issuer: str, now: int, demo: bool = False) -> tuple[Caller, str]:
        return own_tokens.verified(token, {str(self.key.kid): self.key}, issuer=issuer, now=now, demo=demo)

    def token(self, client: str = "dui", *, age: int = 0) -> dict[bytes, bytes]:
        """The headers of a request by a client."""
        caller = Caller("system", subject=client, client=client)
        moment = (int(time.time()) - age) * 1_000_000
        text = own_tokens.signed(caller, "system/*.rs", self.key, issuer=ISSUER, now=moment)
        return {b"authorization": b"Bearer " + text.encode()}


@pytest.fixture
def own() -> Own:
    return Own()


@pytest.fixture
async def authentication(own: Own) -> AsyncIterator[Authentication]:
    made = Authentication(AuthSettings(mode="tokens"), Nobody(), Nobody(), own=own, own_issuer=ISSUER)
    yield made
    await made.aclose()


def door(authentication: Authentication, **limits: Any) -> Admission:
    settings = LimitSettings(**{"failures": 0, "address_per_second": 0, "client_per_second": 0, **limits})
    return Admission(authentication, throttling_of(settings, 1), Origin())


async def test_a_client_is_known_by_its_token(authentication: Authentication, own: Own) -> None:
    assert (await door(authentication)(SCOPE, own.token())).client == "dui"


async def test_an_address_has_its_limit_whatever_it_brings(authentication: Authentication, own: Own) -> None:
    admission = door(authentication, address_per_second=0.01, address_burst=2)

    await admission(SCOPE, own.token())
    with pytest.raises(Unauthenticated):
        await admission(SCOPE, {})
    with pytest.raises(Throttled):
        await admission(SCOPE, own.token())
    await admission({**SCOPE, "client": ("192.0.2.2", 4711)}, own.token())


async def test_what_is_public_needs_no_token_and_counts(authentication: Authentication, own: Own) -> None:
    admission = door(authentication, address_per_second=0.01, address_burst=1)

    assert await admission(SCOPE, {}, public=True) is ANYONE
    with pytest.raises(Throttled):
        await admission(SCOPE, {}, public=True)


async def test_a_client_has_its_limit_wherever_it_comes_from(
    authentication: Authentication, own: Own
) -> None:
    admission = door(authentication, client_per_second=0.01, client_burst=2)

    for number in range(2):
        await admission({**SCOPE, "client": (f"192.0.2.{number}", 1)}, own.token())
    with pytest.raises(Throttled):
        await admission({**SCOPE, "client": ("192.0.2.9", 1)}, own.token())
    await admission(SCOPE, own.token("another"))


async def test_who_guesses_is_locked_out_and_a_token_that_was_good_goes_on(
    authentication: Authentication, own: Own
) -> None:
    admission = door(authentication, failures=3)
    known = own.token()
    await admission(SCOPE, known)

    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await admission(SCOPE, Own().token())

    with pytest.raises(Throttled):
        await admission(SCOPE, own.token("newcomer"))
    assert (await admission(SCOPE, known)).client == "dui"
    assert (
        await admission({**SCOPE, "client": ("192.0.2.2", 1)}, own.token("newcomer"))
    ).client == "newcomer"


async def test_tokens_that_expired_or_are_missing_are_no_guesses(
    authentication: Authentication, own: Own
) -> None:
    admission = door(authentication, failures=1)

    for headers in ({}, own.token(age=400), {b"authorization": b"Basic YTpi"}):
        with pytest.raises(Unauthenticated):
            await admission(SCOPE, headers)

    assert (await admission(SCOPE, own.token())).client == "dui"
