"""Tokens that this server issues: a Caller, signed for a few minutes by a key that its workers share.

Nobody else reads them, so they say what a Caller is in its own words, under one claim. Every function is pure: keys,
time and issuer are arguments.

https://www.rfc-editor.org/rfc/rfc9068 · https://www.rfc-editor.org/rfc/rfc8037
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.grants import Context, grants_of
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.keys import Key, is_id

ALGORITHM: Final = "Ed25519"
LONGEST_SECONDS: Final = 300
CLASS: Final = "class"  # the type of the keys that stand for all who have a role

_TYPE: Final = "at+jwt"
_OURS: Final = "cordee"  # the claim that holds what no standard has a claim for
_LARGEST: Final = 16_384  # characters of a token
_CONTEXTS: Final[Mapping[CallerKind, Sequence[Context]]] = {
    "system": ("system",),
    "operator": ("system",),
    "professional": ("user", "patient"),
    "citizen": ("user", "patient"),
}


class UnknownKey(Unauthenticated):
    """Signed by a key that is not at hand: it may be newer than what this worker knows."""


def issuer_of(base_url: str) -> str:
    """Who issues our tokens, and whom they are for. Keys differ from server to server, so a constant would do."""
    return base_url or "urn:cordee"


def new_key() -> tuple[str, str]:
    """A key to sign with: its `kid`, and all of it as JSON (JWK)."""
    kid = secrets.token_urlsafe(12)
    key = OKPKey.generate_key("Ed25519", parameters={"kid": kid, "alg": ALGORITHM, "use": "sig"})
    return kid, orjson.dumps(key.as_dict(private=True)).decode()


def key_of(jwk: str) -> OKPKey:
    """The key that `new_key` wrote."""
    return OKPKey.import_key(orjson.loads(jwk))


def signed(
    caller: Caller,
    scope: str,
    key: OKPKey,
    *,
    issuer: str,
    now: int,
    seconds: int = LONGEST_SECONDS,
    demo: bool = False,
    thumbprint: str = "",
) -> str:
    """A token for a caller. `now`: µs. `scope` counts, not the grants of the caller.

    `demo`: of the demonstration cast, whom only a server in demonstration mode believes. `thumbprint`: of the client's
    certificate, to which the token is bound (RFC 8705).
    """
    if not 0 < seconds <= LONGEST_SECONDS:
        raise ValueError(f"A token lives from 1 to {LONGEST_SECONDS} seconds")
    start = now // 1_000_000
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": caller.subject,
        "client_id": caller.client,
        "iat": start,
        "exp": start + seconds,
        "jti": secrets.token_urlsafe(16),
        "scope": scope,
        _OURS: _told(caller, demo=demo),
    }
    if thumbprint:
        claims["cnf"] = {"x5t#S256": thumbprint}
    header = {"alg": ALGORITHM, "typ": _TYPE, "kid": str(key.kid)}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


def verified(
    token: str, keys: Mapping[str, OKPKey], *, issuer: str, now: int, demo: bool = False
) -> tuple[Caller, str]:
    """The caller that a token of ours names, and the thumbprint of the certificate it is bound to, or nothing.

    `keys`: by `kid`. Raises `UnknownKey` when none of them signed it, `Unauthenticated` for all else that is wrong.
    """
    kid = _kid(token)
    key = keys.get(kid)
    if key is None:
        raise UnknownKey(
            "The token is signed by a key that this server does not know",
            code="unknown",
            french="Le jeton est signé par une clé que ce serveur ne connaît pas",
        )
    try:
        found = jwt.decode(token, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        raise _refused("The signature of the token is wrong", "La signature du jeton est fausse") from None
    claims = found.claims
    if claims.get("iss") != issuer or claims.get("aud") != issuer:
        raise _refused("The token was issued for another server", "Le jeton a été émis pour un autre serveur")
    start, end, moment = claims.get("iat"), claims.get("exp"), now // 1_000_000
    if not isinstance(start, int) or not isinstance(end, int) or end - start > LONGEST_SECONDS:
        raise _refused(
            "The token does not say how long it lives", "Le jeton ne dit pas combien de temps il vaut"
        )
    if moment >= end:
        raise _refused("The token has expired", "Le jeton a expiré", code="expired")
    ours = claims.get(_OURS)
    if not isinstance(ours, dict):
        raise _refused("The token does not say who has it", "Le jeton ne dit pas qui le porte")
    if ours.get("demo") and not demo:
        raise _refused(
            "The token is one of the demonstration, and this server is not in demonstration mode",
            "Le jeton est celui d'une démonstration, et ce serveur n'est pas en mode démonstration",
        )
    bound = claims.get("cnf", {}).get("x5t#S256", "")
    return _caller(claims, ours, end * 1_000_000), str(bound)


def _kid(token: str) -> str:
    if len(token) > _LARGEST:
        raise _refused("The token is too long", "Le jeton est trop long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise _refused("The token is no signed JWT", "Le jeton n'est pas un JWT signé") from None
    if header.get("alg") != ALGORITHM or header.get("typ") != _TYPE:
        raise _refused("The token is none of this server", "Le jeton ne vient pas de ce serveur")
    return str(header.get("kid", ""))


def _told(caller: Caller, *, demo: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": caller.kind}
    for name, value in (
        ("roles", list(caller.roles)),
        ("actors", [str(actor) for actor in caller.actors if actor.type != CLASS]),
        ("organisation", _text(caller.organisation)),
        ("level", caller.level),
        ("purpose", caller.purpose),
        ("patient", _text(caller.patient)),
        ("delegator", _text(caller.delegator)),
        ("demo", demo),
    ):
        if value:
            told[name] = value
    return told


def _caller(claims: Mapping[str, Any], ours: Mapping[str, Any], expires: int) -> Caller:
    kind = next((kind for kind in _CONTEXTS if kind == ours.get("kind")), None)
    if kind is None:
        raise _refused("The token does not say who has it", "Le jeton ne dit pas qui le porte")
    roles = tuple(sorted(ours.get("roles", ())))
    actors = [_key(text) for text in ours.get("actors", ())]
    return Caller(
        kind,
        issuer=str(claims["iss"]),
        subject=str(claims.get("sub", "")),
        client=str(claims.get("client_id", "")),
        roles=roles,
        actors=(*filter(None, actors), *(Key(CLASS, role) for role in roles)),
        organisation=_key(ours.get("organisation", "")),
        level=str(ours.get("level", "")),
        purpose=str(ours.get("purpose", "")),
        grants=grants_of(str(claims.get("scope", ""))).within(_CONTEXTS[kind]),
        patient=_key(ours.get("patient", "")),
        delegator=_key(ours.get("delegator", "")),
        expires=expires,
    )


def _refused(sentence: str, french: str, *, code: str = "unknown") -> Unauthenticated:
    return Unauthenticated(sentence, code=code, french=french)


def _text(key: Key | None) -> str:
    return str(key) if key else ""


def _key(text: str) -> Key | None:
    type_, _, id_ = text.partition("/")
    return Key(type_, id_) if type_ and is_id(id_) else None
