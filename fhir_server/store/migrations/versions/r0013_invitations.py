"""Invitations of citizens; and ties that are about data of some time alone."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ABOUT = """
    create function {name}(pk bigint, data bigint[]) returns boolean stable language plpgsql as $$
    begin
        return (
            select bool_and({holds}) from entry_date d
            where d.pk = {name}.pk and d.parameter = any(data[3:])) is true;
    end $$"""

_STATEMENTS: tuple[str, ...] = (
    """create table invitation (
        digest bytea primary key,
        type text collate "C" not null,
        id text collate "C" not null,
        since bigint not null,
        until bigint not null,
        tries smallint not null
    )""",
    "create unique index invitation_person on invitation (type, id)",
    "alter table access add column data bigint[]",
    # Of a tie that is about data of some time alone, `data` has that time and the parameters that are main dates. Not
    # in the statements themselves, because nearly no tie is such a one, and each statement would be planned with it.
    _ABOUT.format(name="is_within", holds="data[1] <= d.low and d.high <= data[2]"),
    _ABOUT.format(name="is_elsewhere", holds="d.high <= data[1] or data[2] <= d.low"),
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
