from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_server import checks
from fhir_server.checks import Check, checks_of, evaluated_in
from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.packages import add
from profiles import shipped
from profiles.archives import Definition, Package


def failures(settings: Settings) -> dict[str, str]:
    return {check.subject: check.text for check in checks_of(settings) if not check.good}


def settings_for(url: str) -> Settings:
    return Settings(database=DatabaseSettings(url=url))


def test_a_sound_installation_passes_every_check(database_url: str) -> None:
    migrate(database_url)

    found = list(checks_of(settings_for(database_url)))

    assert [check for check in found if not check.good] == []
    assert [check.subject for check in found] == [
        "settings",
        "access",
        "addresses",
        "secrets",
        "package names",
        *(f"definitions {name} {version}" for name, version in shipped.packages().items()),
        "compiled definitions",
        "database",
    ]


def test_a_package_without_what_it_needs_is_told(database_url: str) -> None:
    migrate(database_url)
    definition = Definition("ValueSet", "https://example.org/ValueSet/a", "1", "a", zlib.compress(b"{}"))
    needs = {"example.absent": "1.0.0"}
    package = Package("example.one", "1.0.0", "", needs, "", (definition,), ())
    add(database_url, [package], without_dependencies=True)

    assert failures(settings_for(database_url)) == {
        "package example.one#1.0.0": "example.one#1.0.0 depends on example.absent#1.0.0, which is not there"
    }


def test_a_database_without_tables_fails_with_what_would_help(database_url: str) -> None:
    assert "cordee migrate" in failures(settings_for(database_url))["database"]


def test_a_database_that_does_not_answer_fails() -> None:
    assert set(failures(settings_for("postgresql://localhost:1/nothing"))) == {"database"}


def test_no_database_yet_is_no_fault() -> None:
    found = {check.subject: check for check in checks_of(Settings(database=DatabaseSettings()))}

    assert found["database"] == Check("database", True, "none yet: the first start makes one")


def test_a_search_parameter_that_is_read_slowly_is_named() -> None:
    first_name = {
        "url": "urn:x",
        "code": "first-name",
        "type": "string",
        "base": ["Patient"],
        "expression": "Patient.name.first().given.first()",
    }

    assert "FHIRPath reads Patient.first-name," in evaluated_in(Parameters([first_name]))
    assert evaluated_in(CORE) == ""


def test_a_setting_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_REFERENCE", "off")

    assert "CORDEE_REFERENCE;" in failures(Settings())["settings"]


def test_settings_of_every_depth_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_AUTH__MODE", "tokens")
    monkeypatch.setenv("CORDEE_AUDIT__SITE", "x")
    assert failures(Settings()) == {}

    monkeypatch.setenv("CORDEE_AUTH__MOD", "tokens")

    assert "CORDEE_AUTH__MOD;" in failures(Settings())["settings"]


TOKENS: dict[str, Any] = {"mode": "tokens"}
BEHIND_A_PROXY: dict[str, Any] = {
    "auth": TOKENS,
    "host": "0.0.0.0",
    "trusted_proxies": ["10.0.0.1"],
    "base_url": "https://fhir.example.org/fhir",
}


@pytest.mark.parametrize(
    ("settings", "subject", "words"),
    [
        ({"host": "0.0.0.0"}, "access", "serve refuses"),
        ({**BEHIND_A_PROXY, "demo": True}, "access", "CORDEE_DEMO"),
        ({**BEHIND_A_PROXY, "explain": True}, "access", "CORDEE_EXPLAIN"),
        ({**BEHIND_A_PROXY, "base_url": ""}, "addresses", "CORDEE_BASE_URL is empty"),
        ({"auth": TOKENS, "trusted_proxies": ["127.0.0.1"]}, "addresses", "CORDEE_BASE_URL is empty"),
        ({**BEHIND_A_PROXY, "base_url": "http://fhir.example.org/fhir"}, "addresses", "is not https"),
        ({**BEHIND_A_PROXY, "trusted_proxies": ["*"]}, "addresses", "anybody says their address"),
        ({**BEHIND_A_PROXY, "trusted_proxies": []}, "addresses", "without a trusted proxy"),
        (
            {"database": {"url": "postgresql://cordee@db.example/cordee"}},
            "addresses",
            "sslmode=verify-full would be right",
        ),
        ({"audit": {"collector": "udp://siem.example"}}, "addresses", "without TLS"),
    ],
)
def test_what_is_not_safe_is_said_with_what_would_be(
    settings: dict[str, Any], subject: str, words: str
) -> None:
    assert words in failures(Settings.model_validate(settings))[subject]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"auth": TOKENS},
        {"auth": TOKENS, "demo": True},  # on this machine alone
        BEHIND_A_PROXY,
        {"audit": {"collector": "tls://siem.example"}},
        {"audit": {"collector": "udp://127.0.0.1"}},
        {"database": {"url": "postgresql://cordee@db.example/cordee?sslmode=verify-full"}},
        {"database": {"url": "postgresql://cordee@/cordee?host=/run/postgresql"}},
    ],
)
def test_what_is_safe_passes(settings: dict[str, Any]) -> None:
    assert set(failures(Settings.model_validate(settings))) <= {"database"}


def psc(**files: Path) -> dict[str, Any]:
    issuer = {
        "issuer": "https://psc.example",
        "kind": "psc",
        "jwks_url": "https://psc.example/certs",
        "introspection_url": "https://psc.example/introspect",
        "userinfo_url": "https://psc.example/userinfo",
        "client_id": "cordee",
        "azp": ["dui"],
        **files,
    }
    return {"auth": {"mode": "tokens", "issuers": [issuer]}}


def test_a_secret_that_others_can_read_is_named_and_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "psc"
    settings = Settings.model_validate(psc(client_secret_file=secret))

    assert failures(settings)["secrets"] == f"{secret} is not there"
    secret.write_text("hush-hush")
    secret.chmod(0o640)
    assert (
        failures(settings)["secrets"]
        == f"{secret} can be read by others than its owner: chmod 600 would be right"
    )
    secret.chmod(0o600)
    assert failures(settings) == {}
    assert "hush-hush" not in repr(list(checks_of(settings)))


def test_the_keys_of_the_audit_log_are_their_owner_s(tmp_path: Path) -> None:
    key, heads = tmp_path / "audit/key", tmp_path / "audit/heads"
    key.parent.mkdir()
    for file in (key, heads):
        file.touch(0o600)
    settings = Settings(data_dir=tmp_path)

    assert failures(settings) == {}
    key.chmod(0o644)
    heads.chmod(0o666)
    assert failures(settings)["secrets"] == (
        f"{key} can be read by others than its owner: chmod 600 would be right; "
        f"{heads} can be written by others than its owner: chmod go-w would be right"
    )


def test_keys_that_others_can_replace_are_named(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.touch()
    keys.chmod(0o646)
    issuer = {"issuer": "https://id.example", "kind": "oidc", "jwks_file": keys, "audience": ["us"]}
    settings = Settings.model_validate({"auth": {"mode": "tokens", "issuers": [issuer]}})

    assert "can be written by others" in failures(settings)["secrets"]


def test_a_package_name_that_another_distribution_owns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    owners: Callable[[], dict[str, list[str]]] = lambda: {"profiles": ["somebody-else", "cordee"]}  # noqa: E731
    monkeypatch.setattr(checks, "packages_distributions", owners)

    assert failures(Settings())["package names"].startswith("profiles also comes from another distribution")
