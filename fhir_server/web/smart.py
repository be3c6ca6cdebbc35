"""What a SMART client asks beside FHIR: how this server is asked for tokens, and a token.

`[base]/.well-known/smart-configuration`, also at the root of the host, and `[base]/auth/token`.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html · https://www.rfc-editor.org/rfc/rfc6749#section-5
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.types import Scope

from fhir_server.access.assertions import ALGORITHMS
from fhir_server.access.own_tokens import issuer_of
from fhir_server.kernel.errors import FhirError, Throttled, Unavailable
from fhir_server.kernel.times import now
from fhir_server.kernel.values import immutable
from fhir_server.settings import TokenSettings
from fhir_server.store.credentials import PostgresCredentials
from fhir_server.web.client_keys import ClientKeys
from fhir_server.web.origin import ROOT, Origin
from fhir_server.web.own_keys import OwnKeys
from fhir_server.web.public_documents import Document, fetched
from fhir_server.web.rest import joined
from fhir_server.web.security_headers import UNSTORED
from fhir_server.web.throttling import Throttling
from fhir_server.web.token_endpoint import Asked, Issued, Refused, Standing, TokenEndpoint

ENDPOINT: Final = "/auth/token"  # below the base
CONFIGURATION: Final = "/.well-known/smart-configuration"

_LARGEST: Final = 65_536  # bytes of a form
_PRIVATE: Final = {"Cache-Control": UNSTORED.decode(), "Pragma": "no-cache"}
_PUBLIC: Final = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
_SCOPES: Final = (
    *("openid", "fhirUser", "launch/patient"),
    *("patient/*.rs", "patient/*.cruds", "user/*.rs", "user/*.cruds", "system/*.rs", "system/*.cruds"),
)

logger = logging.getLogger(__name__)


@immutable
class TokenAct:
    """That a token was asked for, for the trace. `issued` None: it was refused, for `reason`."""

    address: str
    issued: Issued | None = None
    reason: str = ""


Heard = Callable[[TokenAct], Awaitable[None]]
ThumbprintOf = Callable[[Scope, Mapping[bytes, bytes]], str]


async def _unheard(act: TokenAct) -> None:
    """Where nobody keeps a trace."""


def _unbound(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    """Where nobody knows certificates of clients."""
    return ""


def smart_configuration(base: str, authorization_endpoint: str = "", issuer: str = "") -> dict[str, Any]:
    """The document. `authorization_endpoint` and `issuer`: where people log in; empty: nowhere."""
    found: dict[str, Any] = {
        "token_endpoint": base + ENDPOINT,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": list(_SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
    if authorization_endpoint:
        found["authorization_endpoint"] = authorization_endpoint
        found["response_types_supported"] = ["code"]
        found["capabilities"] += ["permission-patient", "permission-user", "context-standalone-patient"]
    if issuer:
        found["issuer"] = issuer
    return found


def smart_router(
    endpoint: TokenEndpoint,
    throttling: Throttling,
    *,
    origin: Origin,
    authorization_endpoint: str = "",
    issuer: str = "",
    heard: Heard = _unheard,
    thumbprint_of: ThumbprintOf = _unbound,
) -> APIRouter:
    """The routes. `heard` is told of every token before the client is; where it fails, there is no token.

    `thumbprint_of` a request: of the certificate that its client showed to a trusted proxy, or nothing.
    """
    router = APIRouter()

    @router.get(CONFIGURATION)
    @router.get(ROOT + CONFIGURATION)
    async def configuration(request: Request) -> JSONResponse:
        try:
            base = origin.base(request.scope, joined(request.scope["headers"]))
        except FhirError as error:
            return _refusal(400, "invalid_request", str(error))
        return JSONResponse(smart_configuration(base, authorization_endpoint, issuer), headers=_PUBLIC)

    @router.post(ROOT + ENDPOINT)
    async def token(request: Request) -> JSONResponse:
        scope = request.scope
        try:
            headers = joined(scope["headers"])
            address = origin.address(scope, headers)
            base = origin.base(scope, headers)
        except FhirError as error:
            return _refusal(400, "invalid_request", str(error))
        clock = asyncio.get_running_loop().time()
        try:
            throttling.admit(address, clock)
            throttling.listen(address, clock)
            try:
                asked = Asked(await _form(request), base + ENDPOINT, thumbprint_of(scope, headers))
                issued = await endpoint.issue(asked, now())
            except Refused as error:
                if error.bad:
                    throttling.failed(address, clock)
                await heard(TokenAct(address, reason=error.error))
                return _refusal(error.status, error.error, str(error))
            throttling.admit_client(issued.caller.client, clock)
            await heard(TokenAct(address, issued))
        except Throttled as error:
            await heard(TokenAct(address, reason=str(error)))
            return _refusal(429, "temporarily_unavailable", str(error), error.seconds)
        except Unavailable as error:
            return _refusal(503, "temporarily_unavailable", str(error), 1)
        return JSONResponse(
            {
                "access_token": issued.token,
                "token_type": "bearer",
                "expires_in": issued.seconds,
                "scope": issued.scope,
            },
            headers=_PRIVATE,
        )

    return router


def smart_of(
    credentials: Callable[[], PostgresCredentials],
    settings: TokenSettings,
    base_url: str,
    throttling: Throttling,
    *,
    origin: Origin,
    standing: Standing,
    heard: Heard = _unheard,
    thumbprint_of: ThumbprintOf = _unbound,
) -> tuple[OwnKeys, APIRouter]:
    """What verifies our tokens, and the routes by which clients get them. For the arguments see `smart_router`."""

    async def fetch(url: str) -> Document:
        return await fetched(url, settings.private_hosts)

    own = OwnKeys(credentials)
    endpoint = TokenEndpoint(
        credentials,
        own.current,
        ClientKeys(fetch),
        issuer=issuer_of(base_url),
        seconds=settings.seconds,
        standing=standing,
    )
    router = smart_router(
        endpoint,
        throttling,
        origin=origin,
        authorization_endpoint=settings.authorization_url,
        issuer=settings.authorization_issuer,
        heard=heard,
        thumbprint_of=thumbprint_of,
    )
    return own, router


async def _form(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "The body must be application/x-www-form-urlencoded")
    if "authorization" in request.headers:
        raise Refused("invalid_request", "A client proves who it is with client_assertion, in one way alone")
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > _LARGEST:
            raise Refused("invalid_request", f"The body has more than {_LARGEST} bytes")
    return bytes(found)


def _refusal(status: int, error: str, text: str, seconds: int = 0) -> JSONResponse:
    headers = {**_PRIVATE, "Retry-After": str(seconds)} if seconds else dict(_PRIVATE)
    return JSONResponse({"error": error, "error_description": text}, status, headers)
