"""Signed tokens and the public keys that vouch for them. Which algorithm counts is up to the key, never to the token.

A token says its own algorithm, so an attacker chooses it: `none`, or `HS256` with the public key as the secret. Here
every key carries the algorithms of its type, and a token that says another is not one of this key.

https://www.rfc-editor.org/rfc/rfc7515 · https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.values import immutable

Claims = Mapping[str, Any]

LARGEST: Final = 16_384  # characters of a token; the signed answer of a UserInfo may be longer
_MOST_KEYS: Final = 100  # of one issuer
_MOST_BRACKETS: Final = 100  # that open, in a header; one has two or three
_BITS: Final = range(2048, 8193)  # of RSA: fewer are weak, more cost too much
_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES: Final[Mapping[str, str]] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})


@immutable
class Signed:
    """A JWS apart, nothing of it verified. `header` and `claims` are what it says of itself."""

    token: str
    header: Claims
    claims: Claims


@immutable
class PublicKey:
    """`algorithms`: those that a signature by this key may have."""

    kid: str
    key: RSAKey | ECKey | OKPKey
    algorithms: frozenset[str]


def opened(token: str) -> Signed | None:
    """The parts of a JWS whose payload is a JSON object; None for anything else, such as an opaque token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = _object(parts[0]), _object(parts[1])
    if header is None or claims is None or nests(_bytes(parts[0])):
        return None
    return Signed(token, header, claims)


def nests(text: bytes) -> bool:
    """Whether JSON has so many brackets that it could nest deeper than what verifies signatures reads it."""
    return text.count(b"[") + text.count(b"{") > _MOST_BRACKETS


def public_keys(body: bytes) -> tuple[PublicKey, ...]:
    """The keys of a JWKS that can verify a signature; others are left out, and so is what is private in them.

    Raises `ValueError` when `body` is no JWKS.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("the key set is not JSON") from None
    keys = tree.get("keys") if isinstance(tree, dict) else None
    if not isinstance(keys, list):
        raise ValueError("the key set has no list 'keys'")
    found = (_public(jwk) for jwk in keys[:_MOST_KEYS] if isinstance(jwk, dict))
    return tuple(key for key in found if key is not None)


def candidates(
    signed: Signed, keys: Collection[PublicKey], allowed: Collection[str]
) -> tuple[PublicKey, ...]:
    """The keys that may have signed a token: of its `kid`, and of its algorithm where that is among `allowed`.

    A token without `kid` is matched with the only key of its algorithm. Empty: none may have.
    """
    kid, algorithm = signed.header.get("kid"), signed.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in allowed:
        return ()
    fitting = tuple(key for key in keys if algorithm in key.algorithms)
    if kid is None:
        return fitting if len(fitting) == 1 else ()
    return tuple(key for key in fitting if key.kid == kid)


def require_readable(signed: Signed, allowed: Collection[str]) -> None:
    """Refuse at once what no key could make right, so that nobody fetches keys for it. Raises `Unauthenticated`."""
    if signed.header.get("alg") not in allowed:
        raise Unauthenticated(
            "The token is signed with an algorithm that is not accepted",
            code="unknown",
            french="Le jeton est signé avec un algorithme qui n'est pas accepté",
        )
    # `crit` lists what a reader must understand, and `b64` changes what is signed: neither occurs in these tokens.
    kind = signed.header.get("typ", "")
    if {"crit", "b64"} & signed.header.keys() or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise Unauthenticated(
            "The token is not an access token",
            code="unknown",
            french="Le jeton n'est pas un jeton d'accès",
        )


def is_signed_by(signed: Signed, keys: Collection[PublicKey]) -> bool:
    """Whether one of the keys, as `candidates` chose them, made the signature."""
    return any(_verifies(signed, key) for key in keys)


def _verifies(signed: Signed, key: PublicKey) -> bool:
    registry = jws.JWSRegistry(algorithms=[str(signed.header["alg"])], strict_check_header=False)
    registry.max_header_length = LARGEST
    try:
        jws.deserialize_compact(signed.token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _public(jwk: Mapping[str, Any]) -> PublicKey | None:
    try:
        if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
            return None
        key, algorithms = _key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if "alg" in jwk:
        algorithms &= {str(jwk["alg"])}
    return PublicKey(str(jwk.get("kid", "")), key, algorithms) if algorithms else None


def _key(jwk: Mapping[str, Any]) -> tuple[RSAKey | ECKey | OKPKey, frozenset[str]]:
    """A public key and the algorithms of its type. Raises for keys that are weak, secret or of unknown type."""
    match jwk["kty"]:
        case "RSA":
            if len(_bytes(jwk["n"])) * 8 not in _BITS:
                raise ValueError
            return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}), _RSA
        case "EC":
            part = {"kty": "EC", "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]}
            return ECKey.import_key(part), frozenset({_CURVES[jwk["crv"]]})
        case "OKP" if jwk["crv"] == "Ed25519":
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]}), frozenset({"Ed25519"})
    raise ValueError


def _object(segment: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(_bytes(segment))
    except (ValueError, binascii.Error):
        return None
    return value if isinstance(value, dict) else None


def _bytes(segment: object) -> bytes:
    """base64url without padding, and nothing else."""
    if (
        not isinstance(segment, str)
        or not segment.isascii()
        or "+" in segment
        or "/" in segment
        or "=" in segment
    ):
        raise ValueError
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
