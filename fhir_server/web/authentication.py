"""The bearer token of a request becomes a Caller: verified by what its issuer vouches for, found in our directory.

A token that is new is verified (its signature; at Pro Santé Connect also introspection and UserInfo), and what it says
is remembered for a short while under its SHA-256. Tokens are never logged, stored or repeated.

https://www.rfc-editor.org/rfc/rfc6750 · https://www.rfc-editor.org/rfc/rfc8725 · https://www.rfc-editor.org/rfc/rfc8705
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, Protocol

import httpx

from fhir_server.access import oidc_claims
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.certificates import thumbprint_of
from fhir_server.access.claims import expiry_of, require_intended
from fhir_server.access.identity import (
    PRACTICE_HEADER,
    Accounts,
    Directory,
    Identity,
    citizen,
    practice_of,
    professional,
)
from fhir_server.access.levels import levels_from, reaches
from fhir_server.access.signatures import LARGEST, Signed, opened, require_readable
from fhir_server.kernel.errors import InsufficientLevel, Unauthenticated
from fhir_server.settings import AuthSettings, IssuerSettings
from fhir_server.web.jwks import KeySet, fetched, read
from fhir_server.web.psc import NotActive, ProSanteConnect
from fhir_server.web.sessions import Session, Sessions

# https://www.rfc-editor.org/rfc/rfc6750#section-2.1
_BEARER: Final = re.compile(rb"(?i:bearer) +([A-Za-z0-9\-._~+/]+=*)\Z")
_PRACTICE: Final = PRACTICE_HEADER.lower().encode()
_SECOND: Final = 1_000_000  # µs
_MOST_QUESTIONS: Final = 20  # to issuers at a time, by one worker


class OwnTokens(Protocol):
    """The tokens of our own token endpoint."""

    async def verified(self, token: str, *, issuer: str, now: int, demo: bool = False) -> tuple[Caller, str]:
        """The caller that a token of ours names, and the thumbprint of the certificate it is bound to, or nothing."""


class Authentication:
    """`directory` and `accounts`: who is who here. `own`: the tokens that this server signs, as `own_issuer`.

    `demo`: tokens of the demonstration cast are believed. Raises `ValueError` or `OSError` for a secret that cannot be
    read.
    """

    def __init__(
        self,
        settings: AuthSettings,
        directory: Directory,
        accounts: Accounts,
        *,
        own: OwnTokens | None = None,
        own_issuer: str = "",
        demo: bool = False,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._accounts = accounts
        self._own = own
        self._own_issuer = own_issuer
        self._demo = demo
        self._issuers = {issuer.issuer: issuer for issuer in settings.issuers}
        self._opaque = next((issuer for issuer in settings.issuers if issuer.opaque), None)
        self._sessions = Sessions(settings.cache_entries)
        self._beginning: dict[bytes, asyncio.Task[Session]] = {}
        self._certificate = settings.certificate_header.lower().encode()
        limits = httpx.Limits(max_connections=_MOST_QUESTIONS)
        self._client = httpx.AsyncClient(timeout=settings.timeout_seconds, limits=limits)
        self._keys = {
            issuer.issuer: self._key_set(issuer) for issuer in settings.issuers if issuer.kind != "smart"
        }
        self._psc = {
            issuer.issuer: ProSanteConnect(
                issuer, _secret(issuer), self._keys[issuer.issuer], self._client, settings.skew_seconds
            )
            for issuer in settings.issuers
            if issuer.kind == "psc"
        }

    async def aclose(self) -> None:
        """Close the connections to issuers."""
        await self._client.aclose()

    def forget(self) -> None:
        """Ask the directory and the accounts again: one of them has changed."""
        self._sessions.forget_callers()

    async def caller_of(
        self,
        headers: Mapping[bytes, bytes],
        now: int,
        *,
        proxied: bool = False,
        verifying: Callable[[], None] | None = None,
    ) -> Caller:
        """Who asks. `headers`: by lower-case name. `now`: µs. `proxied`: the peer is a proxy that is trusted.

        `verifying` is called before a token is looked at that was not found good lately; what it raises is raised.
        Raises `Unauthenticated` (401) when no valid token is there, `Forbidden` (403) when its level is too low or it
        is not clear for whom it acts, `Unavailable` (503) when its issuer does not answer.
        """
        if self._settings.mode == "none":
            return ANYONE
        digest = sha256(headers.get(b"authorization", b"")).digest()
        session = self._sessions.get(digest, now)
        if session is None:
            token = _token_of(headers)
            if verifying is not None:
                verifying()
            session = await self._begun(digest, token, now)
        self._require_bound(session, headers, proxied=proxied)
        if session.caller is not None:
            return session.caller
        if session.identity is None:
            raise NotActive
        asked = headers.get(_PRACTICE, b"").decode("latin-1").strip()
        caller = session.callers.get(asked)
        if caller is None:
            caller = await self._found(session.identity, asked)
            # A citizen who is nobody here may be somebody in a moment.
            if caller.actors or caller.kind != "citizen":
                session.callers[asked] = caller
        return caller

    def thumbprint(self, headers: Mapping[bytes, bytes], *, proxied: bool) -> str:
        """Of the certificate that the client showed to a trusted proxy; empty: of none. Anybody can send a header."""
        if not proxied or not self._certificate:
            return ""
        return thumbprint_of(headers.get(self._certificate, b""))

    async def _begun(self, digest: bytes, token: str, now: int) -> Session:
        """The session of a token that is new: requests that bring the same at a time wait for one verification."""
        task = self._beginning.get(digest)
        if task is None:
            task = self._beginning[digest] = asyncio.create_task(self._begin(digest, token, now))
            task.add_done_callback(lambda done: self._ended(digest, done))
        return await asyncio.shield(task)

    def _ended(self, digest: bytes, task: asyncio.Task[Session]) -> None:
        del self._beginning[digest]
        if not task.cancelled():
            task.exception()  # seen, even if everybody who waited has gone

    async def _begin(self, digest: bytes, token: str, now: int) -> Session:
        longest = now + round(self._settings.cache_seconds * _SECOND)
        try:
            session = await self._verified(token, now)
        except NotActive:
            session = Session(longest)
        session.until = min(session.until, longest)
        self._sessions.put(digest, session, now)
        return session

    async def _verified(self, token: str, now: int) -> Session:
        """The session of a token, until the token ends. Raises `Unauthenticated` or `Unavailable`."""
        signed = opened(token)
        if signed is None:
            if self._opaque is None or token.count(".") == 2:
                raise _unknown()
            identity = await self._psc[self._opaque.issuer].identity(token, {}, now)
            return self._session(identity, now)
        named = signed.claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if self._own is not None and named == self._own_issuer:
            return await self._of_ours(self._own, signed, issuer, now)
        if issuer is None or issuer.kind == "smart":
            raise _unknown()
        require_readable(signed, issuer.algorithms)
        require_intended(signed.claims, issuer)
        expires = expiry_of(signed.claims, now, self._settings.skew_seconds)
        await self._keys[issuer.issuer].require_signed(signed, issuer.algorithms)
        if issuer.kind == "psc":
            identity = await self._psc[issuer.issuer].identity(token, signed.claims, now)
        else:
            identity = oidc_claims.identity_of(issuer, signed.claims, expires)
        return self._session(identity, now)

    def _session(self, identity: Identity, now: int) -> Session:
        # With the skew a token may be taken after its end, yet it is not remembered beyond it.
        end = identity.expires - round(self._settings.skew_seconds * _SECOND)
        return Session(max(end, now), identity.thumbprint, identity)

    async def _of_ours(
        self, own: OwnTokens, signed: Signed, issuer: IssuerSettings | None, now: int
    ) -> Session:
        caller, thumbprint = await own.verified(
            signed.token, issuer=self._own_issuer, now=now, demo=self._demo
        )
        if issuer is not None:
            require_intended(signed.claims, issuer)
            if caller.kind in {"professional", "citizen"}:
                _require_level(caller.level, issuer)
            _require_binding(thumbprint, issuer)
        return Session(caller.expires, thumbprint, caller=caller)

    async def _found(self, identity: Identity, asked: str) -> Caller:
        """The Caller that an identity is here. Raises `Forbidden`."""
        issuer = self._issuers[identity.issuer]
        _require_level(identity.level, issuer)
        _require_binding(identity.thumbprint, issuer)
        if identity.kind == "citizen":
            return citizen(identity, await self._accounts.account(identity.issuer, identity.subject))
        practice = practice_of(identity, asked)
        actors = await self._directory.actors_of((*identity.person, *practice.organisation))
        codes = await self._directory.codes_of(actors) if actors else ()
        delegator = (
            await self._directory.actors_of((*identity.delegator, *practice.organisation))
            if identity.delegator
            else ()
        )
        return professional(identity, practice, actors, codes, delegator)

    def _require_bound(self, session: Session, headers: Mapping[bytes, bytes], *, proxied: bool) -> None:
        """Raises `Unauthenticated` unless whoever sends a bound token has shown the certificate it is bound to."""
        if not session.thumbprint:
            return
        shown = self.thumbprint(headers, proxied=proxied)
        if not hmac.compare_digest(shown.encode(), session.thumbprint.encode()):
            raise Unauthenticated(
                "The token is bound to a certificate that the client did not show",
                code="unknown",
                french="Le jeton est lié à un certificat que le client n'a pas présenté",
            )

    def _key_set(self, issuer: IssuerSettings) -> KeySet:
        fetch = read(issuer.jwks_file) if issuer.jwks_file else fetched(self._client, issuer.jwks_url)
        return KeySet(fetch, fresh_seconds=self._settings.keys_seconds)


def _token_of(headers: Mapping[bytes, bytes]) -> str:
    """The token of the header Authorization: in an address or a form it would end up in logs."""
    sent = headers.get(b"authorization", b"")
    if sent[:7].lower() != b"bearer ":
        raise Unauthenticated(
            "A bearer token is needed: header Authorization",
            french="Un jeton est nécessaire\u202f: en-tête Authorization",
            error="",
        )
    match = _BEARER.match(sent) if len(sent) <= LARGEST else None
    if match is None:
        raise Unauthenticated(
            "The header Authorization does not hold one bearer token",
            code="unknown",
            french="L'en-tête Authorization ne contient pas un jeton et un seul",
        )
    return match[1].decode("ascii")


def _secret(issuer: IssuerSettings) -> str:
    if issuer.client_secret_file is None:
        return issuer.client_secret.get_secret_value()
    secret = issuer.client_secret_file.read_text().strip()
    if not secret:
        raise ValueError(f"The file of the secret for {issuer.issuer} is empty")
    return secret


def _require_level(level: str, issuer: IssuerSettings) -> None:
    if not reaches(level, issuer.minimum_level):
        raise InsufficientLevel(
            f"The level of authentication is too low, or not said: {issuer.minimum_level} or more is needed",
            levels_from(issuer.minimum_level, issuer.levels),
            french=f"Niveau d'authentification trop bas ou absent\u202f: il faut au moins {issuer.minimum_level}",
        )


def _require_binding(thumbprint: str, issuer: IssuerSettings) -> None:
    if issuer.certificate_bound and not thumbprint:
        raise Unauthenticated(
            "Only tokens that are bound to a certificate are accepted",
            code="unknown",
            french="Seuls les jetons liés à un certificat sont acceptés",
        )


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "The token is of no issuer that is known here",
        code="unknown",
        french="Le jeton ne vient d'aucun émetteur connu ici",
    )
