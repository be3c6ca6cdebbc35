"""Who may see what: the stamp of every version, and the ties of persons.

What was written before has a stamp that nobody sees, until it is given its own: see `docs/access.md`.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    *(
        f"""alter table {table}
            add column cell smallint not null default 62,
            add column labels smallint not null default 0,
            add column owner bigint,
            add column parties bigint[],
            add column persons bigint[],
            add column stamp text"""
        for table in ("resource", "version")
    ),
    """create table access (
        person bigint not null,
        actor bigint not null,
        tie smallint not null,
        since bigint not null,
        until bigint not null,
        allow bigint not null,
        named bigint not null,
        deny bigint not null,
        oppose bigint not null
    )""",
    "create index access_person on access (person, actor)",
    "create index access_actor on access (actor, person) include (since, until)",
    "create index resource_person on resource (compartment, type, pk) where not deleted and cell < 62",
    "create index resource_cell on resource (type, cell, pk) where not deleted and compartment is not null",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
