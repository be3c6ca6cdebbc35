"""What a command works on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.targeting import (
    UsageError,
    any_database,
    has_data,
    require_data,
    require_loopback,
    server_database,
    settings_of_environment,
    with_auth,
    with_url,
)

ELSEWHERE = Settings(database=DatabaseSettings(url="postgresql://db.example/cordee"))


def silent(_: str) -> None:
    """A progress that nobody watches."""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_may_be_listened_to(host: str) -> None:
    require_loopback(host, Settings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_the_network_may_not(host: str) -> None:
    with pytest.raises(UsageError, match="loopback"):
        require_loopback(host, Settings())


def test_a_server_that_knows_its_callers_may_listen_to_everybody() -> None:
    require_loopback("0.0.0.0", with_auth(Settings(), "tokens"))


def test_a_configured_database_is_used_as_it_is() -> None:
    with (
        server_database(ELSEWHERE, None, silent) as (url, embedded),
        any_database(ELSEWHERE, None, silent) as other,
    ):
        assert url == other == ELSEWHERE.database.url
        assert embedded is None


def test_a_configured_database_and_a_data_directory_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data-dir"), any_database(ELSEWHERE, tmp_path, silent):
        pass


def test_an_empty_directory_holds_no_data(tmp_path: Path) -> None:
    assert not has_data(Settings(), tmp_path)
    with pytest.raises(UsageError, match="holds no data"):
        require_data(Settings(), tmp_path)


def test_a_configured_database_is_not_asked_for_a_directory(tmp_path: Path) -> None:
    require_data(ELSEWHERE, tmp_path)


def test_another_url_changes_nothing_else() -> None:
    changed = with_url(Settings(port=9), "postgresql://other.example/x")

    assert (changed.port, changed.database.url) == (9, "postgresql://other.example/x")


@pytest.mark.parametrize(
    ("name", "value"),
    [("CORDEE_PORT", "many"), ("CORDEE_CORS_ORIGINS", "not json"), ("CORDEE_REFERENCES", "perhaps")],
)
def test_a_setting_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(UsageError, match=name):
        settings_of_environment()
