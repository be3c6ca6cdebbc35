"""Codes by person, for lists of one code within a view: see `store/by_person.py`.

What was written before has no such rows until it is indexed anew or written again, and says so by having no `told`.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """create table entry_person (
        code bigint not null,
        person bigint not null,
        pk bigint not null,
        primary key (code, person, pk)
    ) with (
        autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.02)""",
    "alter table resource add column told bigint",
    """create index resource_untold on resource (type, pk)
        where not deleted and cell < 62
            and told is distinct from (coalesce(compartment, '-9223372036854775808'::bigint) # version)""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
