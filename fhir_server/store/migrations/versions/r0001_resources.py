"""Resources, their versions, and the index that searches them."""

from __future__ import annotations

import os

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Almost all rows are inserted and never touched again: vacuum and analyze must follow inserts, not dead rows.
_GROWS = """with (
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02)"""

_STATEMENTS = (
    "create sequence fence minvalue 0 start 0",
    f"""create table resource (
        pk bigint not null,
        self bigint not null,
        type smallint not null,
        id text collate "C" not null,
        version integer not null,
        updated bigint not null,
        compartment bigint,
        moment bigint not null,
        method smallint not null,
        deleted boolean not null,
        present bigint[] not null,
        refs bigint[] not null,
        body bytea,
        primary key (pk)) {_GROWS}""",
    "create unique index resource_self on resource (self)",
    "create index resource_updated on resource (type, updated, pk)",
    "create index resource_live on resource (type, pk) where not deleted",
    f"""create table version (
        pk bigint not null,
        version integer not null,
        type smallint not null,
        compartment bigint,
        updated bigint not null,
        until bigint not null,
        method smallint not null,
        deleted boolean not null,
        body bytea,
        primary key (pk, version)) {_GROWS}""",
    "create index version_updated on version (type, updated, pk, version)",
    f"""create table entry (
        key bigint not null,
        space bigint not null,
        moment bigint not null,
        pk bigint not null,
        primary key (key, space, moment, pk)) {_GROWS}""",
    # The planner's own guess was off by orders of magnitude.
    "alter table entry alter column key set (n_distinct = -0.3)",
    "alter table entry alter column key set statistics 1000",
    f"""create table entry_string (
        parameter bigint not null,
        value text collate "C" not null,
        pk bigint not null,
        primary key (parameter, value, pk)) {_GROWS}""",
    "create index entry_string_pk on entry_string (pk)",
    "alter table entry_string alter column value set (n_distinct = -0.3)",
    f"""create table entry_date (
        parameter bigint not null,
        low bigint not null,
        high bigint not null,
        pk bigint not null,
        primary key (parameter, low, high, pk)) {_GROWS}""",
    "create index entry_date_high on entry_date (parameter, high, low, pk)",
    "create index entry_date_pk on entry_date (pk)",
    f"""create table entry_quantity (
        parameter bigint not null,
        unit bigint not null,
        low double precision not null,
        high double precision not null,
        pk bigint not null,
        primary key (parameter, unit, low, high, pk)) {_GROWS}""",
    "create index entry_quantity_pk on entry_quantity (pk)",
    """create table import_file (
        sha256 text collate "C" not null,
        at bigint not null,
        primary key (sha256))""",
    """create table setting (
        name text collate "C" not null,
        value bytea not null,
        primary key (name))""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    connection = op.get_bind()
    # Bodies under 2 kB stay in the row as they are. For the longer ones lz4 is several times faster than the
    # default, where the server was built with it.
    methods = connection.scalar(
        text("select enumvals from pg_settings where name = 'default_toast_compression'")
    )
    if methods and "lz4" in methods:
        op.execute("alter table resource alter column body set compression lz4")
        op.execute("alter table version alter column body set compression lz4")
    connection.execute(
        text("insert into setting (name, value) values ('secret', :secret)"), {"secret": os.urandom(32)}
    )
