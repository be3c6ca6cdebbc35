"""Signed statements by which a client system proves who it is, instead of a password (`private_key_jwt`).

An assertion is a JWT that names the client twice, the token endpoint, a number that is used once, and an end at most
five minutes away. It is signed with RS384 or ES384 by one of the keys that the client registered. Pure: keys and time
are arguments; whether the number was used before is asked elsewhere.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html · https://www.rfc-editor.org/rfc/rfc7523
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fhir_server.access.signatures import nests
from fhir_server.kernel.values import immutable

ALGORITHMS: Final = ("RS384", "ES384")
LONGEST_SECONDS: Final = 300
SKEW_SECONDS: Final = 30  # that a client's clock may be ahead of ours, or behind

Jwk = Mapping[str, Any]

_LARGEST: Final = 8192  # characters of an assertion
_LONGEST_ID: Final = 256
_LEAST_BITS: Final = 2048  # of RSA; more than 8192 would cost a verification too much
_MOST_BITS: Final = 8192
_MOST_KEYS: Final = 20  # of one client
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_FAR: Final = 2**40  # seconds: no date, and too large a number to reckon with


class BadAssertion(Exception):
    """An assertion that proves nothing. The text repeats nothing of it."""


class BadKey(ValueError):
    """A key that no client should have, or that tells what only the client may know. The text says what is right."""


@immutable
class Assertion:
    """What a verified assertion says. `expires`: seconds since 1970, after which it is worth nothing."""

    client: str
    jti: str
    expires: int
    purpose: str = ""


@immutable
class Claim:
    """What an assertion says of itself before anybody verified it: where to look for the key."""

    client: str
    kid: str
    jku: str = ""


def claim_of(text: str) -> Claim:
    """Who an assertion claims to be of, unverified. Raises `BadAssertion` for what is no signed JWT of ours."""
    header, claims = _opened(text)
    client, kid, jku = claims.get("iss"), header.get("kid"), header.get("jku", "")
    if not isinstance(client, str) or not 0 < len(client) <= _LONGEST_ID:
        raise BadAssertion("The assertion has no 'iss': the client's id would be right")
    if not isinstance(kid, str) or not kid:
        raise BadAssertion(
            "The header of the assertion has no 'kid': that of the key that signed it would be right"
        )
    return Claim(client, kid, jku if isinstance(jku, str) else "")


def verified(
    text: str, claim: Claim, keys: Sequence[Jwk], *, audiences: frozenset[str], now: int
) -> Assertion:
    """What an assertion says, once one of the client's keys has shown that it is the client's.

    `keys`: those registered for `claim.client`; may be empty. `audiences`: the addresses of the token endpoint. `now`:
    seconds since 1970. Raises `BadAssertion`.
    """
    claims = _signed_by(text, claim.kid, keys)
    if claims.get("iss") != claim.client or claims.get("sub") != claim.client:
        raise BadAssertion("'iss' and 'sub' must both be the client's id")
    aud = claims.get("aud")
    if not isinstance(aud, str | list) or audiences.isdisjoint(
        [aud] if isinstance(aud, str) else map(str, aud)
    ):
        raise BadAssertion("'aud' is not the address of this token endpoint")
    expires = _moment(claims, "exp")
    if expires is None:
        raise BadAssertion("The assertion has no 'exp'")
    if expires <= now - SKEW_SECONDS:
        raise BadAssertion("The assertion has expired")
    issued = _moment(claims, "iat")
    if expires > now + LONGEST_SECONDS + SKEW_SECONDS or (issued or expires) < expires - LONGEST_SECONDS:
        raise BadAssertion(f"The assertion lives longer than {LONGEST_SECONDS} seconds")
    if any((_moment(claims, name) or now) > now + SKEW_SECONDS for name in ("iat", "nbf")):
        raise BadAssertion("The assertion is of the future: the clock of the client is ahead")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_ID:
        raise BadAssertion(f"The assertion has no 'jti' of at most {_LONGEST_ID} characters")
    purpose = claims.get("purpose_of_use", "")
    return Assertion(claim.client, jti, expires + SKEW_SECONDS, purpose if isinstance(purpose, str) else "")


def usable(document: Any) -> tuple[Jwk, ...]:
    """The keys of a JWK Set that sign with RS384 or ES384; others in it are for something else.

    Raises `BadKey` where there is none, or too many, or one is private or weak, or has no `kid` of its own.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(jwk, dict) for jwk in listed):
        raise BadKey('Not a JWK Set: {"keys": [...]} would be right')
    if len(listed) > _MOST_KEYS:
        raise BadKey(f"More than {_MOST_KEYS} keys")
    if any(not _SECRET.isdisjoint(jwk) for jwk in listed):
        raise BadKey("A private key: only the public part of it may leave the client. Make a new pair")
    found = [jwk for jwk in listed if _signs(jwk)]
    if not found:
        raise BadKey("No key for RS384 (RSA, at least 2048 bits) or ES384 (EC, P-384) is in it")
    kids = [jwk.get("kid") for jwk in found]
    if not all(isinstance(kid, str) and 0 < len(kid) <= _LONGEST_ID for kid in kids) or len(set(kids)) < len(
        kids
    ):
        raise BadKey("Every key needs a 'kid' that no other has")
    for jwk in found:
        _loaded(jwk)
    return tuple(found)


def _opened(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, unverified."""
    if len(text) > _LARGEST:
        raise BadAssertion(f"The assertion is longer than {_LARGEST} characters")
    try:
        found = jws.extract_compact(text.encode())
        header, claims = found.headers(), None if nests(found.payload) else orjson.loads(found.payload)
    except (JoseError, ValueError, TypeError):
        header, claims = {}, None
    if not isinstance(claims, dict) or header.get("alg") not in ALGORITHMS:
        raise BadAssertion("The assertion is no JWT signed with RS384 or ES384")
    return header, claims


def _signed_by(text: str, kid: str, keys: Sequence[Jwk]) -> Mapping[str, Any]:
    algorithm = _opened(text)[0]["alg"]
    for jwk in keys:
        if jwk.get("kid") != kid or not _signs(jwk, algorithm):
            continue
        try:
            return jwt.decode(text, _loaded(jwk), algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            continue
    # The same for an unknown client, an unknown key and a wrong signature: nobody learns which clients there are.
    raise BadAssertion("The assertion is not signed by a key of a registered client")


def _signs(jwk: Jwk, algorithm: str | None = None) -> bool:
    kind = {"RSA": "RS384", "EC": "ES384"}.get(str(jwk.get("kty")))
    operations = jwk.get("key_ops", ["verify"])
    return (
        kind is not None
        and algorithm in {None, kind}
        and jwk.get("alg", kind) == kind
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and (kind == "RS384" or jwk.get("crv") == "P-384")
    )


def _loaded(jwk: Jwk) -> RSAKey | ECKey:
    known = {name: value for name, value in jwk.items() if name not in {"alg", "use", "key_ops"}}
    try:
        if jwk["kty"] == "EC":
            return ECKey.import_key(known)
        # Before the key is made: one of a million bits would take long.
        if not _LEAST_BITS <= _bits(jwk["n"]) <= _MOST_BITS:
            raise BadKey(f"An RSA key has {_LEAST_BITS} to {_MOST_BITS} bits")
        return RSAKey.import_key(known)
    except BadKey:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise BadKey("A key cannot be read") from None


def _bits(number: str) -> int:
    """Of a number in base64url."""
    data = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return int.from_bytes(data, "big").bit_length()


def _moment(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < _FAR else None
