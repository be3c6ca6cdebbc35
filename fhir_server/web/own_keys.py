"""The keys that sign this server's tokens, as one worker knows them: shared through the database, made anew in time.

A token signed by a key that the worker has not seen makes it look once more, though not for every such token. The
current key is replaced when it is old; what it signed is believed until it expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from joserfc.jwk import OKPKey

from fhir_server.access import own_tokens
from fhir_server.access.caller import Caller
from fhir_server.access.own_tokens import UnknownKey
from fhir_server.kernel.errors import Unavailable
from fhir_server.store.credentials import SigningKey

SECOND: Final = 1_000_000  # µs
OVERLAP: Final = (
    2 * own_tokens.LONGEST_SECONDS * SECOND
)  # that a key is believed after another took its place
_OLD: Final = 30 * 24 * 3600 * SECOND  # age at which a key is replaced
_FRESH: Final = 60 * SECOND  # for which what was read is not read again
_REST: Final = 2 * SECOND  # between two looks for keys that are not there


class SigningKeys(Protocol):
    async def signing_keys(self, now: int) -> tuple[SigningKey, ...]:
        """The keys whose tokens are believed, the current one first."""

    async def renew(self, key: SigningKey, *, older_than: int, overlap: int) -> None:
        """Put a new key in the place of those that are old."""


class OwnKeys:
    """`store` gives what keeps the keys; it raises `Unavailable` while the server starts. Times are in µs."""

    def __init__(self, store: Callable[[], SigningKeys]) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._known: Mapping[str, tuple[OKPKey, SigningKey]] = {}
        self._read = 0  # when

    async def current(self, now: int) -> OKPKey:
        """The key to sign with."""
        if now - self._read >= _FRESH or not self._known:
            await self._look(now, _REST)
        found = self._current()
        if found is None or found.since < now - _OLD:
            kid, jwk = own_tokens.new_key()
            new = SigningKey(kid, jwk, now)
            await self._store().renew(new, older_than=now - _OLD, overlap=OVERLAP)
            await self._look(now, 0)
            found = self._current()
        if found is None:
            raise Unavailable(
                "There is no key to sign tokens with; try again later",
                french="Aucune clé ne peut signer de jeton\u202f; réessayez plus tard",
            )
        return self._known[found.kid][0]

    async def verified(self, token: str, *, issuer: str, now: int, demo: bool = False) -> tuple[Caller, str]:
        """As `own_tokens.verified`, with the keys of the database."""
        if now - self._read >= _FRESH:
            await self._look(now, _REST)
        try:
            return own_tokens.verified(token, self._in_force(now), issuer=issuer, now=now, demo=demo)
        except UnknownKey:
            if not await self._look(now, _REST):
                raise
        return own_tokens.verified(token, self._in_force(now), issuer=issuer, now=now, demo=demo)

    def _in_force(self, now: int) -> dict[str, OKPKey]:
        return {kid: key for kid, (key, one) in self._known.items() if one.until is None or one.until > now}

    def _current(self) -> SigningKey | None:
        return next((one for _, one in self._known.values() if one.until is None), None)

    async def _look(self, now: int, rest: int) -> bool:
        """Read the keys, unless they were read less than `rest` ago; whether they were read."""
        async with self._lock:
            if rest and now - self._read < rest:
                return False
            found = await self._store().signing_keys(now)
            self._known = {one.kid: (own_tokens.key_of(one.jwk), one) for one in found}
            self._read = now
            return True
