"""Conformance packages that an operator installed, what of them is published, and the number of editions.

The texts of definitions are packed before they come here.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """create table package (
        name text collate "C" not null,
        version text collate "C" not null,
        canonical text not null,
        dependencies text not null,
        sha256 text not null,
        installed bigint not null,
        primary key (name, version))""",
    """create table package_definition (
        name text collate "C" not null,
        version text collate "C" not null,
        kind text collate "C" not null,
        url text collate "C" not null,
        own_version text collate "C" not null,
        id text collate "C" not null,
        packed bytea not null,
        primary key (name, version, kind, url, own_version),
        foreign key (name, version) references package (name, version) on delete cascade)""",
    "alter table package_definition alter column packed set storage external",
    """create table published (
        type smallint not null,
        id text collate "C" not null,
        digest text not null,
        primary key (type, id))""",
    "create table edition (number bigint not null, primary key (number))",
    "insert into edition values (0)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
