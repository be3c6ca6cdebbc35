"""The trace of every act, and the seals that it is kept under.

No statement changes a trace or takes one away, but a purge, which says so first. That keeps mistakes out, not an
attacker who owns the tables: for those there are the seals.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """create table audit (
        pk bigint not null,
        outcome smallint not null,
        keys bytea not null,
        data bytea not null,
        primary key (pk))""",
    """create table audit_entry (
        key bigint not null,
        pk bigint not null,
        primary key (key, pk))""",
    """create table audit_block (
        number bigint not null,
        first bigint not null,
        until bigint not null,
        count bigint not null,
        sealed bigint not null,
        digest bytea not null,
        previous bytea not null,
        key bytea not null,
        head bytea not null,
        purged bytea,
        primary key (number))""",
    "create sequence audit_fence minvalue 0 start 0",
    """create function audit_stays() returns trigger language plpgsql as $$
        begin
            if current_setting('cordee.purge', true) is distinct from 'on' then
                raise exception 'A trace is never changed';
            end if;
            return null;
        end $$""",
    """create trigger audit_stays before update or delete or truncate on audit
        for each statement execute function audit_stays()""",
    """create trigger audit_entry_stays before update or delete or truncate on audit_entry
        for each statement execute function audit_stays()""",
    """create trigger audit_block_stays before update or delete or truncate on audit_block
        for each statement execute function audit_stays()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
