"""What a server that knows its callers is made of: the policy, the door, and the endpoint that gives tokens.

The routes are built before the database is open; until `open`, nobody comes in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import Scope

from fhir_server.access.audit import event
from fhir_server.access.authority import Authority
from fhir_server.access.caller import Caller
from fhir_server.access.facts import ACTORS
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.own_tokens import issuer_of
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.interactions.call import Change
from fhir_server.interactions.directory import StoreDirectory
from fhir_server.kernel.errors import Forbidden, Throttled, Unauthenticated, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.logs import trace_id
from fhir_server.kernel.times import now
from fhir_server.settings import Settings
from fhir_server.store.credentials import PostgresCredentials
from fhir_server.store.postgres import PostgresStore
from fhir_server.web.admission import Admission
from fhir_server.web.authentication import Authentication
from fhir_server.web.origin import Origin
from fhir_server.web.smart import TokenAct, smart_of
from fhir_server.web.throttling import throttling_of
from fhir_server.web.turned_away import TurnedAway


def authority_of(settings: Settings) -> Authority | None:
    """Who may see and do what; None: a server without authentication, where everybody may do everything."""
    if settings.auth.mode == "none":
        return None
    tables = shipped_tables()
    released = [Key(*name.split("/")) for name in settings.access.released_notes]
    return Authority(Policy(shipped_matrix(), tables.cells(), tables, released))


class Door:
    """Where callers come in, of one worker. `routes`: where client systems ask for tokens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: PostgresStore | None = None
        self._admission: Admission | None = None
        self._authentication: Authentication | None = None
        self._turned_away: TurnedAway | None = None
        self._origin = Origin(settings.base_url, settings.trusted_proxies)
        self._throttling = throttling_of(settings.limits, settings.workers)
        self._own, self.routes = smart_of(
            self._credentials,
            settings.tokens,
            settings.base_url,
            self._throttling,
            origin=self._origin,
            standing=self._standing,
            heard=self._heard,
            thumbprint_of=self._thumbprint,
        )

    async def open(self, store: PostgresStore) -> None:
        settings = self._settings
        self._store = store
        self._turned_away = TurnedAway(store.audit.write)
        self._turned_away.start()
        self._authentication = Authentication(
            settings.auth,
            StoreDirectory(store),
            store.credentials,
            own=self._own,
            own_issuer=issuer_of(settings.base_url),
            demo=settings.demo,
        )
        self._admission = Admission(self._authentication, self._throttling, self._origin)

    async def close(self) -> None:
        self._admission = None
        if self._turned_away is not None:
            await self._turned_away.close()
        if self._authentication is not None:
            await self._authentication.aclose()

    async def caller_of(
        self, scope: Scope, headers: Mapping[bytes, bytes], /, *, public: bool = False
    ) -> Caller:
        """See `Admission`. Whoever may not come in is traced."""
        if self._admission is None:
            raise _starting()
        try:
            return await self._admission(scope, headers, public=public)
        except (Unauthenticated, Forbidden, Throttled) as error:
            await self._refused(self._origin.address(scope, headers), str(error))
            raise

    def noticed(self, changes: Sequence[Change]) -> None:
        """Look callers up again when this worker has written what says who they are; others do so in their time."""
        if self._authentication is not None and any(change.key.type in ACTORS for change in changes):
            self._authentication.forget()

    async def _heard(self, act: TokenAct) -> None:
        if act.issued is None:
            await self._refused(act.address, act.reason)
            return
        trace = event("login", act.issued.caller, at=now(), address=act.address, request=trace_id.get())
        await self._opened().audit.write(trace)

    async def _refused(self, address: str, reason: str) -> None:
        if self._turned_away is None:
            raise _starting()
        await self._turned_away.note(address, reason, trace_id.get())

    async def _standing(self, organisation: Key) -> tuple[Key, ...]:
        return await StoreDirectory(self._opened()).organisations_of(organisation)

    def _thumbprint(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        if self._authentication is None:
            raise _starting()
        return self._authentication.thumbprint(headers, proxied=self._origin.is_proxied(scope))

    def _credentials(self) -> PostgresCredentials:
        return self._opened().credentials

    def _opened(self) -> PostgresStore:
        if self._store is None:
            raise _starting()
        return self._store


def _starting() -> Unavailable:
    return Unavailable("The server is starting", french="Le serveur démarre")
