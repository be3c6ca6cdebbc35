"""Indexing anew visits what is deleted in its place among the rest."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index resource_gone on resource (type, pk) where deleted")
