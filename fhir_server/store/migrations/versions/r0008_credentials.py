"""Who may ask for tokens, with which keys; whom the accounts of citizens stand for; the keys that sign tokens."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """create table client (
        id text collate "C" not null,
        name text not null,
        organisation text not null,
        roles text[] not null,
        purposes text[] not null,
        types text[] not null,
        scopes text not null,
        jwks_url text not null,
        active boolean not null,
        changed bigint not null,
        primary key (id))""",
    """create table client_key (
        client text collate "C" not null,
        kid text collate "C" not null,
        jwk text not null,
        since bigint not null,
        until bigint,
        primary key (client, kid),
        foreign key (client) references client (id) on delete cascade)""",
    """create table client_assertion (
        client text collate "C" not null,
        digest bytea not null,
        expires bigint not null,
        primary key (client, digest))""",
    "create index client_assertion_expires on client_assertion (expires)",
    """create table account (
        issuer text collate "C" not null,
        subject text collate "C" not null,
        type text collate "C" not null,
        id text collate "C" not null,
        since bigint not null,
        primary key (issuer, subject, type, id))""",
    """create table signing_key (
        kid text collate "C" not null,
        jwk text not null,
        since bigint not null,
        until bigint,
        primary key (kid))""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
