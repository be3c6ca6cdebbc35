"""Pro Santé Connect on loopback: what a resource server sees of it, with switches for all that can go wrong.

Certs, introspection with Basic authentication, UserInfo as JSON or as a signed JWS, the discovery document under its
own name; keys that rotate, a clock that is off, answers that fail or are slow. People and numbers are invented: RPPS
numbers of the test series 8997.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

import anyio
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REALM = "/auth/realms/esante-wallet"
CLIENT_ID = "cordee:test"  # escaped in Basic authentication, as RFC 6749 asks
CLIENT_SECRET = "secret/with+signs %"
SOFTWARE = "dui-de-test"  # the client that tokens are issued to

SigningKey = RSAKey | ECKey


def activity(structure: str = "", finess: str = "", **more: str) -> dict[str, str]:
    return {
        "codeModeExercice": "S",
        "codeSecteurDactivite": "SA07",
        "numeroFinessSite": finess,
        "numeroSiretSite": "",
        "identifiantTechniqueDeLaStructure": structure,
        **more,
    }


def exercise(profession: str, *activities: Mapping[str, str], category: str = "C") -> dict[str, Any]:
    return {
        "codeProfession": profession,
        "codeCategorieProfessionnelle": category,
        "activities": [dict(one) for one in activities],
    }


def userinfo(number: str, *exercises: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What UserInfo says of a professional whose national number is `number` (8 and the RPPS)."""
    return {
        "sub": f"f:00000000-0000-4000-8000-000000000001:{number}",
        "SubjectNameID": number,
        "preferred_username": number,
        "SubjectRole": [f"{one['codeProfession']}^1.2.250.1.213.1.1.5.5" for one in exercises],
        "SubjectOrganizationID": "",
        "Acces_Regulation_Medicale": "FAUX",
        "otherIds": [{"identifiant": number, "origine": "RPPS", "qualite": 1}],
        "SubjectRefPro": {"codeCivilite": "M", "exercices": [dict(one) for one in exercises]},
        **more,
    }


NURSE = userinfo("899700000021", exercise("60", activity("R10000000000021", finess="750000021")))


def new_key(kid: str, kind: Literal["RSA", "EC"] = "RSA") -> SigningKey:
    parameters: KeyParameters = {"kid": kid, "use": "sig"}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters=parameters)
    return ECKey.generate_key("P-256", parameters=parameters)


@dataclass
class Simulator:
    """The state of one Pro Santé Connect; tests turn its switches. `asked`: requests by their path."""

    base: str = ""
    keys: list[SigningKey] = field(default_factory=lambda: [new_key("key-1")])
    announced: list[SigningKey] | None = None  # in the certs; None: all keys
    userinfo_as: Literal["json", "jws"] = "json"
    userinfo_key: SigningKey | None = None  # that signs UserInfo; None: the current one
    broken: dict[str, int] = field(default_factory=dict)  # path → status instead of an answer
    garbage: dict[str, bytes] = field(default_factory=dict)  # path → body instead of an answer
    userinfo_claims: dict[str, Any] = field(default_factory=dict)  # of the JWS, told otherwise
    slow_seconds: float = 0.0
    clock_seconds: float = 0.0  # by which its clock is ahead of ours
    revoked: set[str] = field(default_factory=set)
    introspection: dict[str, Any] = field(default_factory=dict)  # claims that it tells otherwise
    people: dict[str, dict[str, Any]] = field(default_factory=dict)  # by token
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def issuer(self) -> str:
        return f"{self.base}{REALM}"

    def url(self, end: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{end}"

    def claims(self, person: Mapping[str, Any] = NURSE, **changed: Any) -> dict[str, Any]:
        """The claims of an access token; `changed` to None: absent."""
        now = int(time.time() + self.clock_seconds)
        told = {
            "iss": self.issuer,
            "sub": person.get("sub"),
            "typ": "Bearer",
            "azp": SOFTWARE,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "acr": "eidas1",
            "SubjectNameID": person.get("SubjectNameID"),
            **changed,
        }
        return {name: value for name, value in told.items() if value is not None}

    def token(
        self,
        person: Mapping[str, Any] = NURSE,
        *,
        key: SigningKey | None = None,
        header: Mapping[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        """A signed access token for a professional, of whom UserInfo will speak."""
        used = key or self.keys[-1]
        algorithm = "RS256" if used.key_type == "RSA" else "ES256"
        head = {"alg": algorithm, "typ": "JWT", "kid": str(used.kid), **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        token = jwt.encode(head, self.claims(person, **changed), used, algorithms=[algorithm])
        self.people[token] = dict(person)
        return token

    def opaque(self, person: Mapping[str, Any] = NURSE) -> str:
        token = secrets.token_urlsafe(32)
        self.people[token] = dict(person)
        return token

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays announced."""
        self.keys.append(new_key(f"key-{len(self.keys) + 1}"))

    def app(self) -> Starlette:
        openid = f"{REALM}/protocol/openid-connect"
        return Starlette(
            routes=[
                Route(f"{REALM}/.well-known/wallet-openid-configuration", self._discovery),
                Route(f"{openid}/certs", self._certs),
                Route(f"{openid}/token/introspect", self._introspect, methods=["POST"]),
                Route(f"{openid}/userinfo", self._userinfo),
            ]
        )

    async def _discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "jwks_uri": self.url("certs"),
                "introspection_endpoint": self.url("token/introspect"),
                "userinfo_endpoint": self.url("userinfo"),
            }
        )

    async def _certs(self, request: Request) -> Response:
        if failed := await self._met("certs"):
            return failed
        shown = self.keys if self.announced is None else self.announced
        return JSONResponse({"keys": [key.as_dict(private=False) for key in shown]})

    async def _introspect(self, request: Request) -> Response:
        if failed := await self._met("token/introspect"):
            return failed
        if not _is_our_client(request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_client"}, 401)
        token = dict(parse_qsl((await request.body()).decode())).get("token", "")
        person = self.people.get(token)
        if person is None or token in self.revoked:
            return JSONResponse({"active": False})
        told = _payload(token) or self.claims(person)
        return JSONResponse({"active": True, **told, **self.introspection})

    async def _userinfo(self, request: Request) -> Response:
        if failed := await self._met("userinfo"):
            return failed
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        person = self.people.get(token)
        if person is None or token in self.revoked:
            return JSONResponse({"error": "invalid_token"}, 401)
        if self.userinfo_as == "json":
            return JSONResponse(person)
        key = self.userinfo_key or self.keys[-1]
        algorithm = "RS256" if key.key_type == "RSA" else "ES256"
        told = {"iss": self.issuer, "aud": SOFTWARE, **person, **self.userinfo_claims}
        signed = jwt.encode({"alg": algorithm, "kid": str(key.kid)}, told, key, algorithms=[algorithm])
        return Response(signed, media_type="application/jwt")

    async def _met(self, path: str) -> Response | None:
        """Count the request; the failure that is switched on for this path, if any."""
        self.asked[path] += 1
        if self.slow_seconds:
            await anyio.sleep(self.slow_seconds)
        if path in self.garbage:
            return Response(self.garbage[path], media_type="application/json")
        status = self.broken.get(path)
        if status is None:
            return None
        return Response(status_code=status, headers={"location": self.url(path)} if status < 400 else None)


@contextmanager
def served(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator behind a real socket of loopback, for as long as the block runs."""
    config = uvicorn.Config(
        simulator.app(), host="127.0.0.1", port=0, log_level="warning", ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    simulator.base = f"http://127.0.0.1:{socket.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield simulator
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        socket.close()


def unsigned(claims: Mapping[str, Any]) -> str:
    """A token whose algorithm is `none`."""
    return f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(claims)}."


def signed_with_the_public_key(claims: Mapping[str, Any], key: SigningKey) -> str:
    """A token of HS256 whose secret is the public key, which everybody knows."""
    secret = key.as_pem(private=False)
    body = f"{_segment({'alg': 'HS256', 'typ': 'JWT', 'kid': str(key.kid)})}.{_segment(claims)}"
    signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _segment(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(value)).encode()).decode().rstrip("=")


def _payload(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return found


def _is_our_client(header: str) -> bool:
    kind, _, encoded = header.partition(" ")
    if kind != "Basic":
        return False
    name, _, secret = base64.b64decode(encoded).decode().partition(":")
    return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)
