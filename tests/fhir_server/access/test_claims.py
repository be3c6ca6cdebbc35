from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.claims import at, bound_to, client_of, expiry_of, require_intended, text, texts
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.settings import IssuerSettings

SECOND = 1_000_000
NOW = 1_800_000_000  # seconds


def issuer(**changed: Any) -> IssuerSettings:
    told = {
        "issuer": "https://id.example",
        "kind": "oidc",
        "jwks_url": "https://id.example/certs",
        "audience": ["us"],
        "azp": ["app"],
        **changed,
    }
    return IssuerSettings.model_validate(told)


@pytest.mark.parametrize(
    ("claims", "ends"),
    [
        ({"exp": NOW + 10}, NOW + 70),
        ({"exp": NOW - 59}, NOW + 1),
        ({"exp": NOW + 0.5}, NOW + 60.5),
        ({"exp": NOW + 10, "nbf": NOW + 60, "iat": NOW + 60}, NOW + 70),
        ({"exp": NOW + 10, "nbf": None}, NOW + 70),
    ],
)
def test_a_token_ends_when_it_says_and_the_skew_is_over(claims: dict[str, Any], ends: float) -> None:
    assert expiry_of(claims, NOW * SECOND, 60) == ends * SECOND


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({}, "does not say when"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": "2030-01-01"}, "not a time"),
        ({"exp": True}, "not a time"),
        ({"exp": -1}, "not a time"),
        ({"exp": 1e300}, "not a time"),
        ({"exp": float("nan")}, "not a time"),
        ({"exp": NOW + 100, "nbf": NOW + 61}, "not valid yet"),
        ({"exp": NOW + 100, "iat": NOW + 61}, "not valid yet"),
        ({"exp": NOW + 100, "iat": [NOW]}, "not a time"),
    ],
)
def test_a_token_out_of_its_time_is_refused(claims: dict[str, Any], words: str) -> None:
    with pytest.raises(Unauthenticated, match=words):
        expiry_of(claims, NOW * SECOND, 60)


RIGHT = {"iss": "https://id.example", "aud": "us", "azp": "app"}


@pytest.mark.parametrize(
    "claims",
    [
        RIGHT,
        {**RIGHT, "aud": ["them", "us"]},
        {"iss": "https://id.example", "aud": "us", "client_id": "app"},
        {**RIGHT, "typ": "Bearer"},
    ],
)
def test_a_token_for_us_by_a_client_that_we_believe_passes(claims: dict[str, Any]) -> None:
    require_intended(claims, issuer())


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.example/"},
        {"iss": None},
        {"iss": ["https://id.example"]},
        {"aud": "them"},
        {"aud": None},
        {"aud": {"us": True}},
        {"aud": []},
        {"azp": "other"},
        {"azp": None},
        {"azp": ["app"]},
        {"azp": "other", "client_id": "app"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Offline"},
    ],
)
def test_a_token_for_anybody_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        require_intended({**RIGHT, **changed}, issuer())


def test_where_no_client_is_named_all_are_believed() -> None:
    require_intended({**RIGHT, "azp": "any"}, issuer(azp=[]))


@pytest.mark.parametrize(
    "bond", [{}, {"jkt": "x"}, {"x5t#S256": "x", "jkt": "y"}, {"x5t#S256": ""}, "x", {"x5t#S256": 5}]
)
def test_a_bond_that_cannot_be_checked_refuses_the_token(bond: Any) -> None:
    with pytest.raises(Unauthenticated):
        bound_to({"cnf": bond})


def test_a_bond_to_a_certificate_is_its_thumbprint() -> None:
    assert bound_to({"cnf": {"x5t#S256": "abc"}}) == "abc"
    assert bound_to({}) == ""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("sub", "x"),
        ("realm_access.roles", ["a"]),
        ("https://claims.example/role", "b"),
        ("realm_access.none", None),
        ("sub.more", None),
        ("none.more", None),
        ("", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_its_path(path: str, found: Any) -> None:
    claims = {"sub": "x", "realm_access": {"roles": ["a"]}, "https://claims.example/role": "b"}

    assert at(claims, path) == found


def test_only_texts_are_texts() -> None:
    assert texts(["a", 5, "", " b ", None, ["c"]]) == ("a", "b")
    assert texts("a") == ("a",)
    assert texts({"a": 1}) == ()
    assert text(5) == ""
    assert client_of({"azp": 5, "client_id": "app"}) == "app"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("iss", "aud", "azp", "typ", "exp", "nbf", "iat", "cnf"), JSON)
    )
)
def test_no_claims_do_more_than_be_refused(claims: dict[str, Any]) -> None:
    for check in (
        lambda: require_intended(claims, issuer()),
        lambda: expiry_of(claims, NOW * SECOND, 60),
        lambda: bound_to(claims),
    ):
        with suppress(Unauthenticated):
            check()
