"""What a command works on: the settings of the environment, and the database that they and the options name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import SettingsError

from fhir_server.settings import Settings, is_loopback
from fhir_server.store.embedded import Embedded, default_directory, major_in, opened

Progress = Callable[[str], None]


class UsageError(Exception):
    """A command or a setting that cannot be what was meant, in words for the person at the terminal."""


def settings_of_environment() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        names = ("CORDEE_" + "__".join(str(part) for part in p["loc"]).upper() for p in error.errors())
        problems = zip(names, error.errors(), strict=True)
        raise UsageError(
            "\n".join(
                f"{name}: {problem['msg'].removeprefix('Value error, ')}." for name, problem in problems
            )
        ) from None
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"CORDEE_{field[1].upper()}" if field else "A setting"
        raise UsageError(f'{name} cannot be read: JSON such as ["10.0.0.1"] would be right.') from None


def with_url(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": url})})


def with_data_dir(settings: Settings, data_dir: Path | None) -> Settings:
    """`data_dir`: what the option says, which counts before the setting: for the database and all that is beside it."""
    return settings if data_dir is None else settings.model_copy(update={"data_dir": data_dir})


def with_auth(settings: Settings, mode: Literal["none", "tokens"]) -> Settings:
    return settings.model_copy(update={"auth": settings.auth.model_copy(update={"mode": mode})})


def require_loopback(host: str, settings: Settings) -> None:
    """A server that knows nobody listens to its own machine alone. Raises `UsageError`."""
    if settings.auth.mode != "none":
        return
    if not is_loopback(host):
        raise UsageError(
            f"{host} is not a loopback address, and without authentication everybody who reaches the server may do "
            "everything: --auth tokens would be right, or 127.0.0.1."
        )


@contextmanager
def server_database(
    settings: Settings, data_dir: Path | None, progress: Progress
) -> Iterator[tuple[str, Embedded | None]]:
    """The database's URL, and the embedded PostgreSQL that this process runs, if it is to."""
    refuse_both(settings, data_dir)
    if settings.database.url:
        yield settings.database.url, None
        return
    with Embedded(data_dir or settings.data_dir, progress=progress) as embedded:
        yield embedded.url, embedded


@contextmanager
def any_database(settings: Settings, data_dir: Path | None, progress: Progress) -> Iterator[str]:
    """The database's URL: a configured one, that of a server that runs, or an embedded one for the time being."""
    refuse_both(settings, data_dir)
    if settings.database.url:
        yield settings.database.url
        return
    with opened(data_dir or settings.data_dir, progress) as url:
        yield url


def refuse_both(settings: Settings, data_dir: Path | None) -> None:
    if settings.database.url and data_dir is not None:
        raise UsageError(
            "--data-dir is for the embedded PostgreSQL, and CORDEE_DATABASE__URL names another one."
        )


def has_data(settings: Settings, data_dir: Path | None) -> bool:
    return major_in((data_dir or settings.data_dir or default_directory()).expanduser()) is not None


def require_data(settings: Settings, data_dir: Path | None) -> None:
    if not settings.database.url and not has_data(settings, data_dir):
        raise UsageError(f"{data_dir or settings.data_dir or default_directory()} holds no data of Cordée.")
