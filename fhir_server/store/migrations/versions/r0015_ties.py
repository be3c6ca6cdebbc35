"""Of the ties of a person nobody goes by the index of actors, which is for the persons of an actor."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    "drop index access_actor",
    # No tie has the number 0. Only statements that say so can go by this index: for a person and some actors the
    # planner would else take either, and this one is three descents where the other is one.
    "create index access_actor on access (actor, person) include (since, until) where tie <> 0",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
