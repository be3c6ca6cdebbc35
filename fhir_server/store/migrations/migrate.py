"""Bring a database to the schema that this code works with; refuse one that it cannot work with.

The ordinary start, where nothing is to be done, asks one question in SQL and never imports alembic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from fhir_server.kernel.errors import Unavailable

HEAD: Final = "0018"  # the newest revision of `versions`
OLDEST_SERVER: Final = 150000  # PostgreSQL 15, as `server_version_num` writes it
LOCK: Final = 0x434D << 48  # the advisory lock of whoever migrates


class WrongSchema(Exception):
    """The database is not one that this version of Cordée can work with; the text says what to do."""


def migrate(url: str) -> bool:
    """Bring the database at `url` to `HEAD`. True if anything had to be done.

    Several processes may call it at once: one works, the others wait. Raises `WrongSchema` for a server older than
    PostgreSQL 15 or a schema made by a newer Cordée, `Unavailable` when the database cannot be reached.
    """
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.ProgrammingError:
        # Not `from` it: its text repeats the address, with the password in it.
        raise Unavailable("The address of the database cannot be read") from None
    except psycopg.OperationalError as error:
        raise Unavailable("The database cannot be reached") from error
    with connection:
        require_server(connection.info.server_version)
        if _current(connection) == HEAD:
            return False
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        if _current(connection) == HEAD:
            return False
        _upgrade(url)
    return True


def require_server(version: int) -> None:
    """Raises `WrongSchema` if a server that reports `version` (`server_version_num`) is too old."""
    if version < OLDEST_SERVER:
        raise WrongSchema(f"Cordée needs PostgreSQL 15 or later; this server is version {version // 10000}")


def require_schema(revision: str | None) -> None:
    """Raises `WrongSchema` unless `revision`, what the database says it is at, is ours."""
    if revision is None:
        raise WrongSchema("The database has no Cordée schema yet; run `cordee migrate`")
    if revision < HEAD:
        raise WrongSchema(
            f"The database schema is at revision {revision} and {HEAD} is needed; run `cordee migrate`"
        )
    if revision > HEAD:
        raise WrongSchema(
            f"The database schema is at revision {revision}, made by a newer Cordée than this one"
        )


def configuration(connection: Any = None) -> Any:
    """The alembic configuration that finds our revisions. `connection` is SQLAlchemy's, for commands that need one."""
    from alembic.config import Config  # noqa: PLC0415 - a fifth of a second, which the ordinary start does not pay

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _current(connection: psycopg.Connection[Any]) -> str | None:
    if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("select version_num from alembic_version").fetchone()
    found = None if row is None else str(row[0])
    if found is not None and found > HEAD:
        require_schema(found)
    return found


def _upgrade(url: str) -> None:
    from alembic import command  # noqa: PLC0415 - as in `configuration`
    from sqlalchemy import create_engine  # noqa: PLC0415 - as in `configuration`
    from sqlalchemy.pool import NullPool  # noqa: PLC0415 - as in `configuration`

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        command.upgrade(configuration(connection), "head")
