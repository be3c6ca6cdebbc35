"""Issuers as data: what is refused when it is read, before any token could slip through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from fhir_server.settings import AuthSettings, IssuerSettings, Settings

OIDC: dict[str, Any] = {
    "issuer": "https://id.example",
    "kind": "oidc",
    "jwks_url": "https://id.example/certs",
    "audience": ["us"],
}
PSC: dict[str, Any] = {
    "issuer": "https://psc.example",
    "kind": "psc",
    "jwks_url": "https://psc.example/certs",
    "introspection_url": "https://psc.example/introspect",
    "userinfo_url": "https://psc.example/userinfo",
    "client_id": "cordee",
    "client_secret": "hush-hush",
    "azp": ["dui"],
}


def test_issuers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_AUTH__MODE", "tokens")
    monkeypatch.setenv(
        "CORDEE_AUTH__ISSUERS", json.dumps([PSC, OIDC, {"issuer": "urn:cordee", "kind": "smart"}])
    )

    auth = Settings().auth

    assert [issuer.kind for issuer in auth.issuers] == ["psc", "oidc", "smart"]
    assert auth.issuers[0].minimum_level == "eidas1"


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": []},
        {"jwks_url": ""},
        {"jwks_file": "/keys.json"},  # both
        {"jwks_url": "http://id.example/certs"},
        {"jwks_url": "http://10.0.0.1/certs"},
        {"jwks_url": "file:///keys"},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"minimum_level": "high"},
        {"levels": {"gold": "platinum"}},
        {"minimum_levle": "eidas2"},
        {"claims": {"practicioner": "x"}},
        {"claims": {"roles": [{"claim": "roles", "source": "anything"}]}},
        {"issuer": ""},
        {"kind": "saml"},
        {"callers": ["operator"]},
        {"kind": "smart"},  # whose keys are our own
    ],
)
def test_an_issuer_whose_tokens_could_be_forged_or_misread_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IssuerSettings.model_validate({**OIDC, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"azp": []},
        {"client_id": ""},
        {"client_secret": ""},
        {"client_secret_file": "/secret"},  # both
        {"introspection_url": ""},
        {"introspection_url": "http://psc.example/introspect"},
        {"userinfo_url": ""},
    ],
)
def test_pro_sante_connect_needs_all_that_it_is_asked_with(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IssuerSettings.model_validate({**PSC, **changed})


@pytest.mark.parametrize(
    "settings",
    [
        {"issuers": [OIDC, OIDC]},
        {"issuers": [{**OIDC, "opaque": True}]},
        {"issuers": [{**PSC, "opaque": True}, {**PSC, "issuer": "https://other.example", "opaque": True}]},
        {"skew_seconds": 301},
        {"cache_seconds": 601},
        {"mode": "some"},
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AuthSettings.model_validate(settings)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:9000"])
def test_http_is_good_enough_on_loopback(host: str) -> None:
    IssuerSettings.model_validate({**OIDC, "jwks_url": f"http://{host}/certs"})


def test_a_secret_is_not_shown() -> None:
    settings = AuthSettings.model_validate({"issuers": [PSC]})

    assert "hush-hush" not in repr(settings) + settings.model_dump_json()


def test_a_secret_is_not_shown_by_what_is_wrong_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_AUTH__ISSUERS", json.dumps([{**PSC, "azp": []}]))

    with pytest.raises(ValidationError) as raised:
        Settings()

    assert "azp is missing" in str(raised.value)
    assert "hush-hush" not in str(raised.value)
