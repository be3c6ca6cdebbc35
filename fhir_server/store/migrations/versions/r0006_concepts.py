"""Large code systems: their concepts, each with a place in the order, and the terms that sets of places answer."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # A number is never used again: what a process remembers of a code system is true for ever.
    "create sequence code_system_pk",
    """create table code_system (
        pk integer not null,
        url text collate "C" not null,
        version text collate "C" not null,
        sha256 text collate "C" not null,
        loaded bigint not null,
        count integer not null,
        head bytea not null,
        primary key (pk))""",
    "create unique index code_system_url on code_system (url, version)",
    """create table concept (
        system integer not null,
        place integer not null,
        key text collate "C" not null,
        tree bytea not null,
        primary key (system, place))""",
    "create unique index concept_key on concept (system, key)",
    """create table concept_parent (
        system integer not null,
        place integer not null,
        parent integer not null,
        primary key (system, place, parent))""",
    """create table concept_term (
        system integer not null,
        kind smallint not null,
        key text collate "C" not null,
        places bytea not null,
        primary key (system, kind, key))""",
    "alter table concept_term alter column places set storage external",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
