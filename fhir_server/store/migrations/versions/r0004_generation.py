"""The generation of the definitions in force, and which types have their index rows made anew."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # What writes are held to. It follows `generation`, and is read as it stands at that moment, not as of a snapshot.
    "create sequence gate minvalue 0 start 0",
    "create table generation (number bigint not null, primary key (number))",
    """create table reindex (
        type smallint not null,
        codes text[] not null,
        holding text[],
        exact boolean not null,
        base text not null,
        since bigint not null,
        position bigint not null,
        done bigint not null,
        total bigint,
        primary key (type))""",
    # Rows are made otherwise than before: other letters of a code, units, texts, what is contained.
    """insert into reindex
        select distinct type, '{}'::text[], null::text[], true, '', 1, 0, 0, null::bigint from resource
        where not deleted""",
    "insert into generation select count(*) from (select from reindex limit 1) r",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
