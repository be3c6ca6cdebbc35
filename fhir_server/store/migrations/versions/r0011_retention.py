"""What was purged, and why; and what was deleted of a person, found again when all of theirs is purged."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """create table tombstone (
        type smallint not null,
        id text collate "C" not null,
        purged bigint not null,
        created bigint not null,
        updated bigint not null,
        reason text not null,
        primary key (type, id, purged))""",
    "create index resource_deleted on resource (compartment) where deleted",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
