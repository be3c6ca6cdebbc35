"""The keys of clients that publish them at an address of their own: kept for a while, asked for again when one is new.

A key that is not there is looked for once more, for the client may just have made it; not more often than every few
seconds, for anybody can name a key that does not exist.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#registering-a-client-communicating-public-keys
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from fhir_server.access.assertions import BadKey, Jwk, usable
from fhir_server.web.public_documents import Document, Unfetchable

Fetch = Callable[[str], Awaitable[Document]]

_KEPT_SECONDS: Final = 300.0  # when the server of the document does not say
_LONGEST_SECONDS: Final = 3600.0
_REST_SECONDS: Final = 10.0  # between two requests for one document
_MOST: Final = 1000  # documents


@dataclass(slots=True)
class _Known:
    keys: tuple[Jwk, ...] = ()
    asked: float = float("-inf")
    until: float = float("-inf")
    problem: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ClientKeys:
    """`fetch` gets a document, or raises `Unfetchable`."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def at(self, url: str, kid: str, now: float) -> tuple[Jwk, ...]:
        """The keys at an address, among which `kid` is hoped for. `now`: seconds on a clock that never goes back.

        Raises `Unfetchable` when none are at hand.
        """
        known = self._known.setdefault(url, _Known())
        self._known.move_to_end(url)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        if not _holds(known, kid, now):
            async with known.lock:
                if not _holds(known, kid, now) and now - known.asked >= _REST_SECONDS:
                    await self._ask(url, known, now)
        if now >= known.until:
            raise Unfetchable(known.problem or "The keys were not fetched")
        return known.keys

    async def _ask(self, url: str, known: _Known, now: float) -> None:
        known.asked = now
        try:
            document = await self._fetch(url)
            known.keys = usable(orjson.loads(document.body))
        except Unfetchable as error:
            known.problem = str(error)
        except (BadKey, orjson.JSONDecodeError) as error:
            known.problem = str(error) if isinstance(error, BadKey) else "The document is not JSON"
        else:
            kept = _KEPT_SECONDS if document.max_age is None else min(document.max_age, _LONGEST_SECONDS)
            known.until = now + max(kept, _REST_SECONDS)


def _holds(known: _Known, kid: str, now: float) -> bool:
    return now < known.until and any(jwk["kid"] == kid for jwk in known.keys)
