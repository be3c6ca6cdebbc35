"""The tables of who may see what, who may ask, and what was done: ties, clients, accounts and keys, the audit log.

They are described as in `tables.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)

from fhir_server.store.tables import metadata

# Who is tied to whom, and how: see `search/sight.py`. Rows of one person are written together.
access = Table(
    "access",
    metadata,
    Column("person", BigInteger, nullable=False),
    Column("actor", BigInteger, nullable=False),
    Column("tie", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),  # µs
    Column("until", BigInteger, nullable=False),  # µs
    Column("allow", BigInteger, nullable=False),  # cells, as bits
    Column("named", BigInteger, nullable=False),
    Column("deny", BigInteger, nullable=False),
    Column("oppose", BigInteger, nullable=False),
    Column("data", ARRAY(BigInteger)),  # of which time alone, and by which dates: see `ties.py`; null: of any
    # Of all ties of the person, `deny` and `oppose`: what anybody is denied.
    Column("contested", BigInteger, nullable=False, server_default=text("0")),
    # With all that tells whether a row is plainly seen.
    Index(
        "access_person",
        "person",
        "actor",
        postgresql_include=["tie", "since", "until", "allow", "named", "contested"],
    ),
    # For the persons of an actor. No tie is 0: only statements that say so can go by this one, so that the ties of a
    # person are looked up by the other, where they stand together.
    Index(
        "access_actor",
        "actor",
        "person",
        postgresql_include=["since", "until"],
        postgresql_where=text("tie <> 0"),
    ),
)

# Who may ask for tokens, and with which keys: see `credentials.py`. Times are in µs.
client = Table(
    "client",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation", Text, nullable=False),  # `Organization/7`; may be empty
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("types", ARRAY(Text), nullable=False),  # none: any
    Column("scopes", Text, nullable=False),
    Column("jwks_url", Text, nullable=False),  # empty: the keys are below
    Column("active", Boolean, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

client_key = Table(
    "client_key",
    metadata,
    Column("client", Text(collation="C"), primary_key=True),
    Column("kid", Text(collation="C"), primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    ForeignKeyConstraint(["client"], ["client.id"], ondelete="cascade"),
)

# Assertions that were used, until they expire.
client_assertion = Table(
    "client_assertion",
    metadata,
    Column("client", Text(collation="C"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # of its `jti`
    Column("expires", BigInteger, nullable=False),
    Index("client_assertion_expires", "expires"),
)

# The Patient or RelatedPerson that somebody is, whom an issuer knows by a subject.
account = Table(
    "account",
    metadata,
    Column("issuer", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("type", Text(collation="C"), primary_key=True),
    Column("id", Text(collation="C"), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# Who may become one of these accounts, by a code of which the digest is kept. `tries`: that are left. See
# `invitations.py`.
invitation = Table(
    "invitation",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("type", Text(collation="C"), nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("since", BigInteger, nullable=False),  # µs
    Column("until", BigInteger, nullable=False),  # µs
    Column("tries", SmallInteger, nullable=False),
    Index("invitation_person", "type", "id", unique=True),
)

# What signs the tokens that this server issues. `until`: when a key that was superseded stops being believed.
signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text(collation="C"), primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
)

# The trace of every act, in the order of time, and what finds it again: see `audit_rows.py`.
audit = Table(
    "audit",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),  # made by `ids.py`
    Column("outcome", SmallInteger, nullable=False),
    Column("keys", LargeBinary, nullable=False),  # those of its rows of `audit_entry`, 8 bytes each
    Column("data", LargeBinary, nullable=False),  # JSON
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

# The seals of the log: each block has the traces from `first` to before `until`. See `audit_seal.py`.
audit_block = Table(
    "audit_block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # from 1 on, without gaps
    Column("first", BigInteger, nullable=False),  # a pk
    Column("until", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sealed", BigInteger, nullable=False),  # µs
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of its traces
    Column("previous", LargeBinary, nullable=False),  # the head of the block before
    Column("key", LargeBinary, nullable=False),  # the fingerprint of the key that made the head
    Column("head", LargeBinary, nullable=False),
    Column("purged", LargeBinary),  # made with the key, when its traces have been purged
)

# The stamp, in ms, up to which traces may have been sealed: see `audit_seal.py`.
audit_fence = Sequence("audit_fence", metadata=metadata, minvalue=0, start=0)

# What was purged, and why: see `purging.py`. Times are in µs.
tombstone = Table(
    "tombstone",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Text(collation="C"), primary_key=True),
    Column("purged", BigInteger, primary_key=True, autoincrement=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),  # when it was last written by anybody else
    Column("reason", Text, nullable=False),
)
