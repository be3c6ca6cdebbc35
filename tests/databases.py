"""Databases on the PostgreSQL of the tests: made empty or as a copy of another, and dropped."""

from __future__ import annotations

from itertools import count

import psycopg
from psycopg import sql

from fhir_server.store.embedded import DATABASE, Embedded


class Databases:
    """Makes and drops databases on a running PostgreSQL."""

    def __init__(self, server: Embedded) -> None:
        self._server = server
        self._numbers = count(1)

    def create(self, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`: a URL made here (nobody may be connected) or a name."""
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("create database {} owner {} template {}")
        names = [sql.Identifier(n) for n in (name, DATABASE, _name_in(template))]
        self._do(statement.format(*names))
        return self._server.url.replace(f"/{DATABASE}?", f"/{name}?")

    def drop(self, url: str) -> None:
        """Drop a database made here, and end the sessions that are still in it."""
        self._do(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(_name_in(url))))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.superuser_url(), autocommit=True) as connection:
            connection.execute(statement)


def _name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0] or url
