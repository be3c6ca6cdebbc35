from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from fhir_server.access.signatures import (
    Signed,
    candidates,
    is_signed_by,
    opened,
    public_keys,
    require_readable,
)
from fhir_server.kernel.errors import Unauthenticated

RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa"})
P256 = ECKey.generate_key("P-256", parameters={"kid": "p256"})
P384 = ECKey.generate_key("P-384", parameters={"kid": "p384"})
ED = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})
ALL = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")


def jwks(*keys: Any) -> bytes:
    return orjson.dumps(
        {"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]}
    )


def token(key: Any, algorithm: str, **header: Any) -> Signed:
    head = {"alg": algorithm, "kid": key.kid, **header}
    signed = opened(jwt.encode(head, {"sub": "x"}, key, algorithms=[algorithm]))
    assert signed is not None
    return signed


def raw(header: Any, claims: Any = None, signature: str = "AAAA") -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    ]
    return ".".join((*parts, signature))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *((RSA, f"{kind}{bits}") for kind in ("RS", "PS") for bits in (256, 384, 512)),
        (P256, "ES256"),
        (P384, "ES384"),
        (ED, "Ed25519"),
    ],
)
def test_a_signature_is_verified_with_the_algorithms_of_the_key(key: Any, algorithm: str) -> None:
    keys = public_keys(jwks(RSA, P256, P384, ED))
    signed = token(key, algorithm)

    found = candidates(signed, keys, ALL)

    assert [one.kid for one in found] == [key.kid]
    assert is_signed_by(signed, found)


@pytest.mark.parametrize(
    "algorithm", ["none", "HS256", "HS384", "HS512", "ES512", "RS1", "", None, 5, ["RS256"]]
)
def test_no_key_fits_another_algorithm(algorithm: Any) -> None:
    keys = public_keys(jwks(RSA, P256, P384, ED))
    signed = opened(raw({"alg": algorithm, "kid": "rsa"}, {}))

    assert signed is not None
    assert candidates(signed, keys, (*ALL, "none", "HS256")) == ()


def test_an_algorithm_that_the_issuer_may_not_use_fits_no_key() -> None:
    assert candidates(token(RSA, "RS256"), public_keys(jwks(RSA)), ("ES256",)) == ()


def test_the_algorithm_that_a_key_names_is_its_only_one() -> None:
    keys = public_keys(jwks({**RSA.as_dict(private=False), "alg": "PS256"}))

    assert candidates(token(RSA, "RS256"), keys, ALL) == ()
    assert candidates(token(RSA, "PS256"), keys, ALL) == keys


def test_a_token_without_kid_fits_the_only_key_of_its_algorithm() -> None:
    signed = opened(jwt.encode({"alg": "ES256"}, {}, P256))
    other = ECKey.generate_key("P-256", parameters={"kid": "other"})

    assert signed is not None
    assert len(candidates(signed, public_keys(jwks(RSA, P256)), ALL)) == 1
    assert candidates(signed, public_keys(jwks(P256, other)), ALL) == ()


@pytest.mark.parametrize(
    "jwk",
    [
        OctKey.generate_key(256, parameters={"kid": "secret"}).as_dict(),
        {**RSA.as_dict(private=False), "use": "enc"},
        {**RSA.as_dict(private=False), "key_ops": ["encrypt"]},
        {**RSA.as_dict(private=False), "n": "AQAB"},  # weak
        {**RSA.as_dict(private=False), "n": 5},
        {**P256.as_dict(private=False), "crv": "secp256k1"},
        {**P256.as_dict(private=False), "x": "AAAA"},
        {"kty": "EC"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {},
    ],
)
def test_a_key_that_verifies_nothing_is_left_out(jwk: dict[str, Any]) -> None:
    assert [key.kid for key in public_keys(jwks(jwk, ED))] == ["ed"]


def test_a_private_key_in_a_key_set_is_only_used_as_public() -> None:
    (key,) = public_keys(jwks(RSA.as_dict(private=True)))

    assert not key.key.is_private


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff"])
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="key set"):
        public_keys(body)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256", "crit": ["exp"]},
        {"alg": "RS256", "crit": ["b64"], "b64": False},
        {"alg": "RS256", "typ": "logout+jwt"},
        {"alg": "RS256", "typ": "dpop+jwt"},
        {"alg": "RS256", "typ": ["JWT"]},
    ],
)
def test_what_no_key_could_make_right_is_refused_at_once(header: dict[str, Any]) -> None:
    signed = opened(raw(header, {}))

    assert signed is not None
    with pytest.raises(Unauthenticated):
        require_readable(signed, ALL)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_the_types_of_access_tokens_are_read(typ: str) -> None:
    require_readable(token(RSA, "RS256", typ=typ), ALL)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "..", "a.b.c.d.e", raw([], {}), raw({}, []), raw({}, "x"), f"={raw({}, {})}"],
)
def test_what_is_no_jws_of_an_object_is_not_opened(text: str) -> None:
    assert opened(text) is None


@pytest.mark.parametrize("levels", [100, 1000, 1020])
def test_a_header_that_nests_deeper_than_it_can_be_verified_is_not_opened(levels: int) -> None:
    deep = f'{{"alg":"Ed25519","kid":"ed","a":{"[" * levels}{"]" * levels}}}'.encode()
    text = f"{base64.urlsafe_b64encode(deep).decode().rstrip('=')}.{raw({}, {}).split('.')[1]}.AAAA"

    assert opened(text) is None


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_reader(head: str, body: str, signature: str) -> None:
    assert opened(f"{head}.{body}.{signature}") is None or head


@given(place=st.integers(0, 200), bit=st.integers(0, 5))
def test_a_token_that_was_changed_anywhere_is_not_signed(place: int, bit: int) -> None:
    keys = public_keys(jwks(ED))
    text = SIGNED.token
    at = place % (len(text) - 1)  # the last character has bits that say nothing
    changed = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]

    signed = opened(changed)

    assert signed is None or not is_signed_by(signed, candidates(signed, keys, ALL))


SIGNED = token(ED, "Ed25519")
