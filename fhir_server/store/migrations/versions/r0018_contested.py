"""What anybody is denied of a person, in each of their ties: see `store/seeing.py`."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    "alter table access add column contested bigint not null default 0",
    """update access a set contested = d.contested
        from (select person, bit_or(deny | oppose) as contested from access group by person) d
        where d.person = a.person and d.contested <> 0""",
    "drop index access_person",
    """create index access_person on access (person, actor)
        include (tie, since, until, allow, named, contested)""",
    # What is read from the index alone, is so while its page is known to be seen by all.
    "alter table access set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
