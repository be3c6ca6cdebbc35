"""Assertions by which clients prove who they are."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha384
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from fhir_server.access.assertions import (
    LONGEST_SECONDS,
    SKEW_SECONDS,
    Assertion,
    BadAssertion,
    BadKey,
    claim_of,
    usable,
    verified,
)

ENDPOINT = "https://fhir.example.org/fhir/auth/token"
NOW = 1_800_000_000
CLAIMS = {"iss": "dui", "sub": "dui", "aud": ENDPOINT, "exp": NOW + 240, "iat": NOW, "jti": "1"}


@cache
def ec(kid: str = "ec", curve: str = "P-384") -> ECKey:
    return ECKey.generate_key(curve, parameters={"kid": kid})


@cache
def rsa(kid: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid})


def public(key: ECKey | RSAKey, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def assertion(
    key: ECKey | RSAKey | None = None,
    algorithm: str = "",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    key = key or ec()
    algorithm = algorithm or ("RS384" if isinstance(key, RSAKey) else "ES384")
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, told, key, algorithms=[algorithm])


def read(text: str, *keys: dict[str, Any], now: int = NOW) -> Assertion:
    return verified(
        text, claim_of(text), keys or (public(ec()), public(rsa())), audiences=frozenset({ENDPOINT}), now=now
    )


def with_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A JWT whose HMAC has `secret` for its key, even where a library would refuse that."""
    parts = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    digest = sha384
    signature = urlsafe_b64encode(hmac.new(secret, parts, digest).digest()).rstrip(b"=")
    return (parts + b"." + signature).decode()


@pytest.mark.parametrize("key", [ec(), rsa()], ids=["ES384", "RS384"])
def test_a_client_proves_who_it_is_with_either_algorithm(key: ECKey | RSAKey) -> None:
    assert read(assertion(key)) == Assertion("dui", "1", NOW + 240 + SKEW_SECONDS)


def test_the_audience_may_stand_in_a_list() -> None:
    assert read(assertion(aud=["https://other.example.org", ENDPOINT])).client == "dui"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://fhir.example.org/fhir"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": 7}, "aud"),
        ({"aud": []}, "aud"),
        ({"sub": "other"}, "sub"),
        ({"sub": None}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"exp": NOW - SKEW_SECONDS}, "expired"),
        ({"exp": NOW + LONGEST_SECONDS + SKEW_SECONDS + 1, "iat": None}, "longer"),
        ({"exp": NOW + 200, "iat": NOW - 200}, "longer"),
        ({"iat": NOW + SKEW_SECONDS + 1}, "future"),
        ({"nbf": NOW + SKEW_SECONDS + 1}, "future"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "a" * 257}, "jti"),
    ],
)
def test_an_assertion_that_says_something_else_is_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadAssertion, match=reason):
        read(assertion(**claims))


def test_clocks_may_differ_a_little() -> None:
    ahead = assertion(exp=NOW + LONGEST_SECONDS + 20, iat=NOW + 20)

    assert read(ahead).client == "dui"
    assert read(assertion(exp=NOW - 20, iat=NOW - 200)).client == "dui"


@pytest.mark.parametrize(("iss", "reason"), [(None, "iss"), ("", "iss"), (7, "iss"), ("a" * 300, "iss")])
def test_an_assertion_says_whose_it_is(iss: Any, reason: str) -> None:
    with pytest.raises(BadAssertion, match=reason):
        claim_of(assertion(iss=iss))


def test_the_key_is_named() -> None:
    with pytest.raises(BadAssertion, match="kid"):
        claim_of(assertion(header={"kid": ""}))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa(), "RS256"),
        (rsa(), "PS384"),
        (rsa(), "RS512"),
        (ec("p256", "P-256"), "ES256"),
        (ec("p521", "P-521"), "ES512"),
    ],
)
def test_other_algorithms_prove_nothing(key: ECKey | RSAKey, algorithm: str) -> None:
    with pytest.raises(BadAssertion, match="RS384 or ES384"):
        read(assertion(key, algorithm))


def test_neither_no_signature_nor_the_public_key_as_a_secret_proves_anything() -> None:
    header, payload, _ = assertion().split(".")
    pem = rsa().as_bytes(encoding="PEM", private=False)
    hs384 = with_secret({"alg": "HS384", "kid": "rsa"}, CLAIMS, pem)
    none = "eyJhbGciOiJub25lIiwia2lkIjoiZWMifQ." + payload + "."

    for text in (hs384, none, f"{header}.{payload}."):
        with pytest.raises(BadAssertion):
            read(text)


@pytest.mark.parametrize(
    "keys",
    [
        [public(ec("other"))],
        [public(ECKey.generate_key("P-384", parameters={"kid": "ec"}))],
        [public(rsa(), kid="ec")],
        [public(ec(), use="enc")],
        [public(ec(), alg="ES256")],
        [public(ec(), key_ops=["sign"])],
    ],
    ids=[
        "another key",
        "another key of the same name",
        "another type",
        "for encryption",
        "for ES256",
        "to sign",
    ],
)
def test_a_signature_is_that_of_a_registered_key(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(BadAssertion, match="not signed by a key of a registered client"):
        read(assertion(), *keys)


def test_an_unknown_client_is_refused_in_the_words_of_a_wrong_signature() -> None:
    text = assertion()

    with pytest.raises(BadAssertion) as unknown:
        verified(text, claim_of(text), (), audiences=frozenset({ENDPOINT}), now=NOW)
    with pytest.raises(BadAssertion) as wrong:
        read(text, public(ec("other")))
    assert str(unknown.value) == str(wrong.value)


def test_two_keys_are_believed_while_one_takes_the_place_of_the_other() -> None:
    keys = [public(ec("before")), public(ec("after"))]

    assert read(assertion(ec("before")), *keys).client == "dui"
    assert read(assertion(ec("after")), *keys).client == "dui"


def test_headers_that_must_be_understood_are_not() -> None:
    with pytest.raises(BadAssertion):
        read(assertion().replace("eyJ", "", 1))
    text = assertion(header={"jku": "https://keys.example.org"})
    assert claim_of(text).jku == "https://keys.example.org"


def test_claims_that_nest_deep_are_none() -> None:
    deep: list[Any] = []
    for _ in range(600):
        deep = [deep]

    with pytest.raises(BadAssertion, match="no JWT"):
        read(assertion(purpose_of_use=deep))


def test_an_assertion_says_for_what_the_client_acts() -> None:
    assert read(assertion(purpose_of_use="TREAT")).purpose == "TREAT"
    assert read(assertion(purpose_of_use=["TREAT"])).purpose == ""


@pytest.mark.parametrize(
    "text", ["", "..", "a.b.c", "é.é.é", "a" * 9000, "e30.W10.e30", "bnVsbA.bnVsbA.bnVsbA"]
)
def test_what_is_no_assertion_is_refused_as_one(text: str) -> None:
    with pytest.raises(BadAssertion):
        claim_of(text)


def test_the_keys_of_a_set_that_sign_as_we_ask_are_taken() -> None:
    others = [public(ec("p256", "P-256")), public(rsa("enc"), use="enc"), {"kty": "OKP", "kid": "x"}]

    found = usable({"keys": [public(ec()), *others, public(rsa(), alg="RS384")]})

    assert [jwk["kid"] for jwk in found] == ["ec", "rsa"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "JWK Set"),
        ([], "JWK Set"),
        ({}, "JWK Set"),
        ({"keys": "a"}, "JWK Set"),
        ({"keys": [7]}, "JWK Set"),
        ({"keys": []}, "No key"),
        ({"keys": [public(ec("p256", "P-256"))]}, "No key"),
        ({"keys": [ec().as_dict(private=True)]}, "private"),
        ({"keys": [{**rsa().as_dict(private=True), "use": "enc"}, public(ec())]}, "private"),
        ({"keys": [OctKey.import_key("a secret of enough bits").as_dict(private=True)]}, "private"),
        ({"keys": [public(ec()), public(ec())]}, "kid"),
        ({"keys": [{name: value for name, value in public(ec()).items() if name != "kid"}]}, "kid"),
        ({"keys": [{**public(rsa()), "n": "AQAB" * 40}]}, "2048"),
        ({"keys": [{**public(rsa()), "n": "AQAB" * 400}]}, "2048"),
        ({"keys": [{"kty": "EC", "crv": "P-384", "kid": "a", "x": "AA", "y": "AA"}]}, "read"),
        ({"keys": [{"kty": "RSA", "kid": "a"}]}, "read"),
        ({"keys": [public(ec(f"{number}")) for number in range(1)] * 21}, "More than"),
    ],
)
def test_a_set_without_a_good_key_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(BadKey, match=reason):
        usable(document)
