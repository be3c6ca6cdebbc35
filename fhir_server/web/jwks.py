"""The public keys of one issuer, fetched when needed: one that is not known is looked for again, and not too often.

An issuer changes its keys by announcing the new one beside the old. So a token with an unknown `kid` has them fetched
again; requests that need the same wait for the same answer, and whoever sends invented `kid`s causes one question in a
while, not one each.

https://www.rfc-editor.org/rfc/rfc7517#section-5 · https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final

import httpx

from fhir_server.access.signatures import PublicKey, Signed, candidates, is_signed_by, public_keys
from fhir_server.kernel.errors import Unauthenticated, Unavailable
from fhir_server.web.issuing import ask, unavailable

Fetch = Callable[[], Awaitable[bytes]]

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 10.0  # between two fetches for keys that are not known, or after one that failed
STALE_SECONDS: Final = 3600.0  # that known keys are still used while their issuer does not answer


class KeySet:
    """`fetch` gives the JWKS; `fresh_seconds`: after which it is fetched again; `clock`: seconds that only grow."""

    def __init__(
        self, fetch: Fetch, *, fresh_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._fresh = fresh_seconds
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched: float | None = None  # when the keys at hand came
        self._tried = -PAUSE_SECONDS + clock()  # when they were last asked for, in vain or not
        self._failed = False  # the last time
        self._fetching: asyncio.Task[None] | None = None

    async def require_signed(self, signed: Signed, allowed: Collection[str]) -> None:
        """Raises `Unauthenticated` unless a key of the issuer signed this; `Unavailable` when no keys can be had."""
        asked = self._clock()
        if self._fetched is None or asked - self._fetched >= self._fresh:
            await self._refresh(asked)
        found = candidates(signed, self._keys, allowed)
        if not found:
            await self._refresh(asked)
            found = candidates(signed, self._keys, allowed)
        if not found:
            if self._failed:
                raise _away()
            raise Unauthenticated(
                "The token is signed by a key that its issuer does not have",
                code="unknown",
                french="Le jeton est signé par une clé que son émetteur n'a pas",
            )
        if not is_signed_by(signed, found):
            raise Unauthenticated(
                "The signature of the token is wrong",
                code="unknown",
                french="La signature du jeton est fausse",
            )

    async def _refresh(self, asked: float) -> None:
        """Fetch the keys, wait for whoever does, or let it be where somebody just did."""
        if self._fetching is None and asked - self._tried >= PAUSE_SECONDS:
            self._fetching = asyncio.create_task(self._load())
        if self._fetching is not None:
            # Shielded: that one of those who wait goes away must not take the answer from the others.
            await asyncio.shield(self._fetching)
        if self._fetched is None or asked - self._fetched >= self._fresh + STALE_SECONDS:
            raise _away()

    async def _load(self) -> None:
        self._tried = self._clock()
        self._failed = True
        try:
            self._keys = public_keys(await self._fetch())
        except Unavailable:
            return  # said in the log where it happened
        except ValueError as error:
            logger.warning("The keys of an issuer cannot be read: %s", error)
            return
        finally:
            self._fetching = None
        self._fetched, self._failed = self._tried, False


def _away() -> Unavailable:
    return Unavailable(
        "The keys of the issuer cannot be had; the same request may succeed later",
        french="Les clés de l'émetteur ne sont pas accessibles\u202f; la même requête peut réussir plus tard",
    )


def fetched(client: httpx.AsyncClient, url: str) -> Fetch:
    """The JWKS at an address."""

    async def fetch() -> bytes:
        answer = await ask(
            client, "GET", url, headers={"accept": "application/jwk-set+json, application/json"}
        )
        if answer.status != 200:
            raise unavailable(url, f"status {answer.status}")
        return answer.body

    return fetch


def read(path: Path) -> Fetch:
    """The JWKS in a file."""

    async def fetch() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise ValueError(type(error).__name__) from None

    return fetch
