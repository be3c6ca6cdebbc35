"""The dictionary of the texts that stand for keys of `entry`."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table entry_term (
            parameter bigint not null,
            value text collate "C" not null,
            key bigint not null,
            primary key (parameter, value, key))
        with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)""")
