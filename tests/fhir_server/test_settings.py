from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fhir_server.settings import DatabaseSettings, Settings

PAGE = Path(__file__).parents[2] / "docs/settings.md"
WORDS: dict[str, Any] = {"empty": "", "see below": None}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CORDEE_"):
            monkeypatch.delenv(name)


def documented() -> dict[str, Any]:
    """The table of docs/settings.md: variable → default."""
    rows = re.findall(r"^\| `(CORDEE_\w+)` \| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    return {
        name: WORDS[default] if default in WORDS else value_of(default.strip("`")) for name, default in rows
    }


def value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def defaults(settings: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from defaults(value, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper(), list(value) if isinstance(value, tuple) else value


def test_the_page_on_settings_lists_every_setting_with_its_default() -> None:
    assert documented() == dict(defaults(Settings(), "CORDEE_"))


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDEE_DATABASE__URL", "postgresql://somebody@host/name")
    monkeypatch.setenv("CORDEE_REFERENCES", "off")
    monkeypatch.setenv("CORDEE_CORS_ORIGINS", '["https://app.example"]')

    settings = Settings()

    assert settings.database.url == "postgresql://somebody@host/name"
    assert settings.references == "off"
    assert settings.cors_origins == ("https://app.example",)


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 65536), ("workers", 0), ("references", "maybe"), ("max_body_bytes", 1), ("page_size", 0)],
)
def test_a_value_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: value})


def test_a_database_is_named_by_a_url() -> None:
    with pytest.raises(ValidationError, match="would be right"):
        DatabaseSettings(url="host=localhost password=secret")
