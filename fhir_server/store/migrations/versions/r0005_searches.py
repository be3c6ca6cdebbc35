"""For searches: indexes of the few rows that are wide, and bodies as JSON.

With spans of more than a day, and numbers that are ranges, apart, a search for what ends behind some place need not go
through everything that begins before it.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create index entry_date_wide on entry_date (parameter, high, low, pk)
        where low < high - 86400000000""")
    op.execute("""
        create index entry_quantity_wide on entry_quantity (parameter, unit, high, low, pk)
        where low < high""")
    op.execute("""
        create function tree_of(body bytea) returns jsonb immutable strict language plpgsql as $$
        begin
            return convert_from(body, 'UTF8')::jsonb;
        exception when data_exception or program_limit_exceeded then
            return null;
        end $$""")
