from __future__ import annotations

import zlib
from collections.abc import Callable

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


def test_a_package_name_that_another_distribution_owns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    owners: Callable[[], dict[str, list[str]]] = lambda: {"profiles": ["somebody-else", "cordee"]}  # noqa: E731
    monkeypatch.setattr(checks, "packages_distributions", owners)

    assert failures(Settings())["package names"].startswith("profiles also comes from another distribution")
