"""Tokens of our own: a Caller, signed."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from fhir_server.access.caller import Caller
from fhir_server.access.grants import grants_of
from fhir_server.access.own_tokens import (
    ALGORITHM,
    CLASS,
    LONGEST_SECONDS,
    UnknownKey,
    issuer_of,
    key_of,
    new_key,
    signed,
    verified,
)
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.keys import Key

ISSUER = "https://fhir.example.org/fhir"
NOW = 1_800_000_000_000_000
SECOND = 1_000_000
SYSTEM = Caller(
    "system",
    issuer=ISSUER,
    subject="dui",
    client="dui",
    roles=("infirmier",),
    actors=(Key("Organization", "ssiad"),),
    organisation=Key("Organization", "ssiad"),
    purpose="TREAT",
)


@pytest.fixture(scope="module")
def key() -> OKPKey:
    return key_of(new_key()[1])


def token(key: OKPKey, caller: Caller = SYSTEM, scope: str = "system/*.rs", **options: Any) -> str:
    return signed(caller, scope, key, **{"issuer": ISSUER, "now": NOW, **options})


def read(text: str, key: OKPKey, **options: Any) -> Caller:
    return verified(text, {str(key.kid): key}, **{"issuer": ISSUER, "now": NOW, **options})[0]


def test_a_caller_comes_back_as_it_was_signed(key: OKPKey) -> None:
    caller = read(token(key), key)

    assert caller == Caller(
        "system",
        issuer=ISSUER,
        subject="dui",
        client="dui",
        roles=("infirmier",),
        actors=(Key("Organization", "ssiad"), Key(CLASS, "infirmier")),
        organisation=Key("Organization", "ssiad"),
        purpose="TREAT",
        grants=grants_of("system/*.rs"),
        expires=NOW + LONGEST_SECONDS * SECOND,
    )


def test_a_person_has_nothing_of_scopes_of_systems_and_the_reverse(key: OKPKey) -> None:
    person = Caller("professional", subject="a", level="eidas2", patient=Key("Patient", "p"))
    scope = "system/*.cruds user/Patient.r"

    assert str(read(token(key, person, scope), key).grants) == "user/Patient.r"
    assert str(read(token(key, SYSTEM, scope), key).grants) == "system/*.cruds"
    assert read(token(key, person, scope), key).patient == Key("Patient", "p")


def test_a_token_without_scope_grants_nothing(key: OKPKey) -> None:
    caller = read(token(key, scope=""), key)

    assert caller.grants is not None
    assert not caller.grants.permits("Patient", "r")


def test_a_token_may_be_bound_to_a_certificate(key: OKPKey) -> None:
    text = token(key, thumbprint="abc")

    assert verified(text, {str(key.kid): key}, issuer=ISSUER, now=NOW)[1] == "abc"


@pytest.mark.parametrize(("later", "good"), [(0, True), (299, True), (300, False), (3600, False)])
def test_a_token_lives_for_five_minutes(key: OKPKey, later: int, good: bool) -> None:
    text = token(key)

    if good:
        read(text, key, now=NOW + later * SECOND)
    else:
        with pytest.raises(Unauthenticated, match="expired"):
            read(text, key, now=NOW + later * SECOND)


def test_no_token_lives_longer(key: OKPKey) -> None:
    with pytest.raises(ValueError, match="300"):
        token(key, seconds=301)


def test_a_token_is_for_the_server_that_issued_it(key: OKPKey) -> None:
    with pytest.raises(Unauthenticated, match="another server"):
        read(token(key), key, issuer="https://other.example.org/fhir")
    assert issuer_of("") == "urn:cordee"
    assert issuer_of(ISSUER) == ISSUER


def test_the_demonstration_is_believed_in_demonstration_mode_alone(key: OKPKey) -> None:
    text = token(key, demo=True)

    assert read(text, key, demo=True).subject == "dui"
    with pytest.raises(Unauthenticated, match="demonstration"):
        read(text, key)


def test_a_key_that_is_not_known_is_told_apart_so_that_it_can_be_looked_for(key: OKPKey) -> None:
    other = key_of(new_key()[1])

    with pytest.raises(UnknownKey):
        read(token(other), key)


def test_another_key_under_the_same_name_is_refused(key: OKPKey) -> None:
    forged = OKPKey.generate_key("Ed25519", parameters={"kid": str(key.kid)})

    with pytest.raises(Unauthenticated, match="signature"):
        read(token(forged), key)


def with_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A JWT whose HMAC has `secret` for its key, even where a library would refuse that."""
    parts = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    digest = sha256
    signature = urlsafe_b64encode(hmac.new(secret, parts, digest).digest()).rstrip(b"=")
    return (parts + b"." + signature).decode()


def test_neither_no_signature_nor_one_with_the_public_key_as_the_secret_is_one(key: OKPKey) -> None:
    claims = {"iss": ISSUER, "aud": ISSUER, "cordee": {"kind": "operator"}}
    public = key.as_bytes(encoding="PEM", private=False)
    hs256 = with_secret({"alg": "HS256", "typ": "at+jwt", "kid": str(key.kid)}, claims, public)
    none = token(key).rsplit(".", 1)[0] + "."
    nothing = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + token(key).split(".")[1] + "."

    for text in (hs256, none, nothing):
        with pytest.raises(Unauthenticated):
            read(text, key)


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "é", "a" * 20_000, "e30.e30.e30"])
def test_what_is_no_token_is_refused_as_one(key: OKPKey, text: str) -> None:
    with pytest.raises(Unauthenticated):
        read(text, key)


@pytest.mark.parametrize(
    "change",
    [
        {"cordee": None},
        {"cordee": {"kind": "anyone"}},
        {"cordee": {"kind": "god"}},
        {"exp": None},
        {"iat": None},
        {"exp": NOW // SECOND + 3600},
        {"aud": None},
    ],
)
def test_a_token_that_does_not_say_enough_is_refused(key: OKPKey, change: dict[str, Any]) -> None:
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "iat": NOW // SECOND,
        "exp": NOW // SECOND + 60,
        "cordee": {"kind": "system"},
    }
    claims = {name: value for name, value in {**claims, **change}.items() if value is not None}
    text = jwt.encode(
        {"alg": ALGORITHM, "typ": "at+jwt", "kid": str(key.kid)}, claims, key, algorithms=[ALGORITHM]
    )

    with pytest.raises(Unauthenticated):
        read(text, key)


def test_an_id_token_is_no_access_token(key: OKPKey) -> None:
    text = jwt.encode(
        {"alg": ALGORITHM, "kid": str(key.kid)}, {"iss": ISSUER, "aud": ISSUER}, key, algorithms=[ALGORITHM]
    )

    with pytest.raises(Unauthenticated, match="none of this server"):
        read(text, key)


def test_a_signed_token_that_was_changed_is_refused(key: OKPKey) -> None:
    header, payload, signature = token(key).split(".")

    for place in range(0, len(payload), 7):
        other = "A" if payload[place] != "A" else "B"
        changed = f"{header}.{payload[:place]}{other}{payload[place + 1 :]}.{signature}"
        with pytest.raises(Unauthenticated):
            read(changed, key)
