"""The trigrams of texts, so that a text inside others is found by an index: see `trigrams.py` and decision 0021."""

from __future__ import annotations

from alembic import op
from psycopg import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from fhir_server.store.migrations.migrate import WrongSchema

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SCHEMA = """
    select quote_ident(n.nspname), has_schema_privilege(n.oid, 'usage')
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm'"""


def upgrade() -> None:
    schema = _schema_of_trigrams(op.get_bind())
    op.execute(
        f"create index entry_string_trigrams on entry_string using gin (value {schema}.gin_trgm_ops)"
        " with (gin_pending_list_limit = 8192)"
    )


def _schema_of_trigrams(connection: Connection) -> str:
    """The schema that the extension is in, which may be one that is not searched. Raises `WrongSchema`."""
    # Asked first: where an administrator has made it, no right to make it is needed.
    found = connection.execute(text(_SCHEMA)).one_or_none()
    if found is None:
        try:
            connection.exec_driver_sql("create extension pg_trgm")
        except DBAPIError as error:
            raise WrongSchema(_remedy(error.orig)) from error
        found = connection.execute(text(_SCHEMA)).one()
    schema, usable = found
    if not usable:
        raise WrongSchema(
            f"Cordée may not use the extension pg_trgm of this database: let an administrator run"
            f" `GRANT USAGE ON SCHEMA {schema}` to its role, then run `cordee migrate`"
        )
    return str(schema)


def _remedy(error: BaseException | None) -> str:
    match error:
        case errors.FeatureNotSupported() | errors.UndefinedFile():
            return (
                "This PostgreSQL has no extension pg_trgm, which Cordée needs: install PostgreSQL's contrib modules on"
                " its machine (the package postgresql-contrib), then run `cordee migrate`"
            )
        case errors.InsufficientPrivilege():
            return (
                "Cordée needs the extension pg_trgm and may not make it here: let an administrator run"
                " `CREATE EXTENSION pg_trgm` in this database, then run `cordee migrate`"
            )
        case _:
            return (
                "The extension pg_trgm, which Cordée needs, could not be made: the log of PostgreSQL says why"
            )
