"""SMART Backend Services: a client system proves who it is with a signed assertion, and gets a token for a few minutes.

`client_credentials` with `private_key_jwt` and nothing else. What is refused is told as OAuth tells it, in words that
do not say which clients there are. HTTP is in `smart.py`.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html · https://www.rfc-editor.org/rfc/rfc6749#section-5
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, Protocol
from urllib.parse import parse_qsl

from joserfc.jwk import OKPKey

from fhir_server.access import assertions, own_tokens
from fhir_server.access.assertions import Assertion, BadAssertion, Claim, Jwk
from fhir_server.access.caller import Caller
from fhir_server.access.grants import LETTERS, Grant, Grants, grants_of
from fhir_server.access.roles import OPERATOR
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.store.credentials import Client
from fhir_server.web.client_keys import ClientKeys
from fhir_server.web.public_documents import Unfetchable

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_SCOPE: Final = 4000  # characters: a token travels in a header

Error = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_scope",
    "unsupported_grant_type",
    "temporarily_unavailable",
]

_STATUSES: Final[Mapping[Error, int]] = {"invalid_client": 401, "temporarily_unavailable": 503}
_SECOND: Final = 1_000_000  # µs

logger = logging.getLogger(__name__)


class Refused(Exception):
    """No token. `bad`: the credentials were nobody's, as those of who guesses are."""

    def __init__(self, error: Error, text: str, *, bad: bool = False) -> None:
        super().__init__(text)
        self.error = error
        self.status = _STATUSES.get(error, 400)
        self.bad = bad


class Credentials(Protocol):
    async def client(self, id: str, now: int) -> Client | None:
        """The client, with the keys that are in force; None if there is none."""

    async def use(self, client: str, jti: str, expires: int, now: int) -> bool:
        """Whether an assertion is used for the first time."""


@immutable
class Asked:
    """A request for a token. `endpoint`: the address that it came to; `thumbprint`: of the client's certificate."""

    form: bytes
    endpoint: str
    thumbprint: str = ""


@immutable
class Issued:
    """A token, and for whom."""

    token: str
    seconds: int
    scope: str
    caller: Caller


Standing = Callable[[Key], Awaitable[tuple[Key, ...]]]


async def _alone(organisation: Key) -> tuple[Key, ...]:
    return (organisation,)


class TokenEndpoint:
    """Everything but HTTP.

    `credentials`: what knows the clients, once the server has started. `signing`: gives the key to sign with. `issuer`:
    see `own_tokens.issuer_of`. `standing`: the actors that an organisation is, itself first: also those it is part of.
    """

    def __init__(
        self,
        credentials: Callable[[], Credentials],
        signing: Callable[[int], Awaitable[OKPKey]],
        keys: ClientKeys,
        *,
        issuer: str,
        seconds: int = own_tokens.LONGEST_SECONDS,
        standing: Standing = _alone,
    ) -> None:
        self._credentials = credentials
        self._signing = signing
        self._keys = keys
        self._issuer = issuer
        self._seconds = seconds
        self._standing = standing

    async def issue(self, asked: Asked, now: int) -> Issued:
        """A token for a client that proves who it is. `now`: µs. Raises `Refused`, and `Unavailable`."""
        form = _read(asked.form)
        if form.get("grant_type") != "client_credentials":
            raise Refused("unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise Refused(
                "invalid_request", f"client_assertion, and client_assertion_type {ASSERTION_TYPE}, are needed"
            )
        try:
            client, assertion = await self._known(form["client_assertion"], asked.endpoint, now)
        except BadAssertion as error:
            raise Refused("invalid_client", str(error), bad=True) from error
        if form.get("client_id", client.id) != client.id:
            raise Refused("invalid_request", "client_id is not the 'iss' of the assertion")
        grants = granted(client, form.get("scope", ""))
        purpose = _purpose(client, assertion)
        # Last, so that an assertion is not spent on a request that is refused for what else it says.
        if not await self._credentials().use(client.id, assertion.jti, assertion.expires * _SECOND, now):
            raise Refused("invalid_client", "The assertion was used before: each has a 'jti' of its own")
        actors = await self._standing(client.organisation) if client.organisation else ()
        caller = Caller(
            "operator" if OPERATOR in client.roles else "system",
            issuer=self._issuer,
            subject=client.id,
            client=client.id,
            roles=tuple(sorted(client.roles)),
            actors=actors,
            organisation=client.organisation,
            purpose=purpose,
        )
        scope = str(grants)
        token = own_tokens.signed(
            caller,
            scope,
            await self._signing(now),
            issuer=self._issuer,
            now=now,
            seconds=self._seconds,
            thumbprint=asked.thumbprint,
        )
        return Issued(token, self._seconds, scope, caller)

    async def _known(self, text: str, endpoint: str, now: int) -> tuple[Client, Assertion]:
        """The client whose assertion it is. Raises `BadAssertion`."""
        claim = assertions.claim_of(text)
        client = await self._credentials().client(claim.client, now)
        keys = await self._keys_of(client, claim) if client else ()
        found = assertions.verified(text, claim, keys, audiences=frozenset({endpoint}), now=now // _SECOND)
        assert client is not None  # nothing is verified without keys
        return client, found

    async def _keys_of(self, client: Client, claim: Claim) -> tuple[Jwk, ...]:
        if claim.jku and claim.jku != client.jwks_url:
            return ()
        if not client.jwks_url or any(jwk["kid"] == claim.kid for jwk in client.keys):
            return client.keys
        try:
            return (*client.keys, *await self._keys.at(client.jwks_url, claim.kid, _clock()))
        except Unfetchable as error:
            # Told to operators alone: an answer would say that there is such a client, and what our network sees.
            logger.warning("The keys of the client %s were not fetched: %s", client.id, error)
            return client.keys


def granted(client: Client, scope: str) -> Grants:
    """What a client is granted of what it asks for: of its scopes, on its types. Raises `Refused`: nothing."""
    if not scope:
        raise Refused("invalid_scope", "scope is needed: system/Observation.rs, for example")
    if len(scope) > LONGEST_SCOPE:
        raise Refused("invalid_scope", f"scope has more than {LONGEST_SCOPE} characters")
    found = grants_of(scope).within(("system",)).meet(grants_of(client.scopes).within(("system",)))
    if client.types:
        found = found.meet(Grants(tuple(Grant("system", one, LETTERS) for one in client.types)))
    if not found.of:
        raise Refused("invalid_scope", "None of the scopes is one that this client may ask for")
    if len(str(found)) > LONGEST_SCOPE:
        raise Refused(
            "invalid_scope", "Fewer scopes, or one with *, would be right: together they are too long"
        )
    return found


def _purpose(client: Client, assertion: Assertion) -> str:
    """For what the client acts: what it says, if it may, else the first that it is registered for; may be empty."""
    if not assertion.purpose:
        return client.purposes[0] if client.purposes else ""
    if assertion.purpose not in client.purposes:
        raise Refused("invalid_request", "purpose_of_use is none that this client is registered for")
    return assertion.purpose


def _read(form: bytes) -> dict[str, str]:
    """The parameters. Raises `Refused` when one is there twice, or they are no form."""
    try:
        pairs = parse_qsl(form.decode("utf-8"), strict_parsing=bool(form), errors="strict", max_num_fields=20)
    except ValueError:
        raise Refused("invalid_request", "The body is no application/x-www-form-urlencoded") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("invalid_request", "A parameter is there twice")
    return found


def _clock() -> float:
    return asyncio.get_running_loop().time()
