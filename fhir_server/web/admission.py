"""Whether a request to `/fhir` is listened to, and who asks: limits by address, the bearer token, limits by client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.identity import is_nobody, unbound
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.times import now
from fhir_server.web.authentication import Authentication
from fhir_server.web.origin import Origin
from fhir_server.web.throttling import Throttling

_REDEEMING: Final = "/$redeem-invitation"  # by which a citizen who is nobody here becomes somebody


class Admission:
    """An `Authenticate` of `rest.py`."""

    def __init__(self, authentication: Authentication, throttling: Throttling, origin: Origin) -> None:
        self._authentication = authentication
        self._throttling = throttling
        self._origin = origin

    async def __call__(
        self, scope: Scope, headers: Mapping[bytes, bytes], /, *, public: bool = False
    ) -> Caller:
        """Who asks; for what is public, anyone. Raises what `Authentication.caller_of` does, and `Throttled` (429)."""
        address = self._origin.address(scope, headers)
        clock = asyncio.get_running_loop().time()
        self._throttling.admit(address, clock)
        if public:
            return ANYONE
        try:
            caller = await self._authentication.caller_of(
                headers,
                now(),
                proxied=self._origin.is_proxied(scope),
                verifying=lambda: self._throttling.listen(address, clock),
            )
        except Unauthenticated as error:
            # `unknown`: nobody's. One that has expired was somebody's, and one that is missing is no guess.
            if error.issues[0].code == "unknown":
                self._throttling.failed(address, clock)
            raise
        self._throttling.admit_client(caller.client or caller.subject, clock)
        if is_nobody(caller) and not scope["path"].endswith(_REDEEMING):
            raise unbound()
        return caller
