"""The tables of resources and of their index, as SQLAlchemy Core describes them.

Migrations make the tables; a test holds the two together (`schema.py`). `resource` has the current version of all that
was ever created (a deleted one without its body), `version` what was superseded, so that history is one ∪ the other.
The `entry` tables are the search index: narrow, and keyed so that an index scan is already in the order of the result.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from fhir_server.search.sight import UNSTAMPED
from fhir_server.store import by_person
from fhir_server.store.numbers import SHORT_SPAN

metadata = MetaData()

# The stamp, in ms, that a history has shown everything up to: see `watermark.py`.
fence = Sequence("fence", metadata=metadata, minvalue=0, start=0)


def _stamp() -> tuple[Column[Any], ...]:
    """What decides who sees a version: see `seeing.py`."""
    return (
        Column("cell", SmallInteger, nullable=False, server_default="62"),
        Column("labels", SmallInteger, nullable=False, server_default="0"),
        Column("owner", BigInteger),  # the hash of the organisation that wrote it
        Column("parties", ARRAY(BigInteger)),
        Column("persons", ARRAY(BigInteger)),  # where there are several
        Column("stamp", Text),  # the same in names, for those who write the next version
    )


resource = Table(
    "resource",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),  # made by `ids.py`
    Column("self", BigInteger, nullable=False),  # the hash of `Patient/123`: stands for unique (type, id)
    Column("type", SmallInteger, nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),  # µs
    Column("compartment", BigInteger),  # the hash of the patient it belongs to
    Column("moment", BigInteger, nullable=False),  # µs: where the main date of the type ends; see `UNDATED`
    Column("method", SmallInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("present", ARRAY(BigInteger), nullable=False),  # the parameters that have a value
    Column("refs", ARRAY(BigInteger), nullable=False),  # parameter, target, parameter, target …
    Column("body", LargeBinary),
    *_stamp(),
    Column("told", BigInteger),  # for which version and person `entry_person` has its codes
    Index("resource_self", "self", unique=True),
    Index("resource_updated", "type", "updated", "pk"),
    Index("resource_live", "type", "pk", postgresql_where=text("not deleted")),
    # For those who see what is about some persons alone: see `tied.py`.
    Index(
        "resource_person",
        "compartment",
        "type",
        "pk",
        postgresql_where=text(f"not deleted and cell < {UNSTAMPED.cell}"),
    ),
    Index(
        "resource_cell",
        "type",
        "cell",
        "pk",
        postgresql_where=text("not deleted and compartment is not null"),
    ),
    Index("resource_deleted", "compartment", postgresql_where=text("deleted")),
    Index("resource_gone", "type", "pk", postgresql_where=text("deleted")),
    Index("resource_untold", "type", "pk", postgresql_where=text(by_person.UNTOLD_SQL.format(c=""))),
)

version = Table(
    "version",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("compartment", BigInteger),
    Column("updated", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),  # µs: when the next version took its place
    Column("method", SmallInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary),
    *_stamp(),
    Index("version_updated", "type", "updated", "pk", "version"),
)

entry = Table(
    "entry",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("space", BigInteger, primary_key=True, autoincrement=False),
    Column("moment", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

entry_string = Table(
    "entry_string",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), primary_key=True),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_string_pk", "pk"),
    # For texts inside others: see `trigrams.py`.
    Index(
        "entry_string_trigrams",
        "value",
        postgresql_using="gin",
        postgresql_ops={"value": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 8192},  # kB: a writer that meets a longer list sorts it
    ),
)

entry_date = Table(
    "entry_date",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("high", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_date_high", "parameter", "high", "low", "pk"),
    Index("entry_date_pk", "pk"),
    Index(
        "entry_date_wide",
        "parameter",
        "high",
        "low",
        "pk",
        postgresql_where=text(f"low < (high - '{SHORT_SPAN}'::bigint)"),
    ),
)

entry_quantity = Table(
    "entry_quantity",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("low", Float(53), primary_key=True, autoincrement=False),
    Column("high", Float(53), primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Index("entry_quantity_pk", "pk"),
    Index(
        "entry_quantity_wide", "parameter", "unit", "high", "low", "pk", postgresql_where=text("low < high")
    ),
)

# For those who ask for a code and see what is about some persons alone: see `by_person.py`.
entry_person = Table(
    by_person.TABLE,
    metadata,
    Column("code", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

# What all resources say in texts: the words beside a code, from each of them on, and uris. A row outlives the last
# resource that said so.
entry_term = Table(
    "entry_term",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), primary_key=True),
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # of the token that stands for it
)

# The words of a resource, with their places, and how far they have been taken: see `fulltext.py`.
entry_text = Table(
    "entry_text",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("entry_text_words", "words", postgresql_using="gin"),
)

text_mark = Table(
    "text_mark",
    metadata,
    Column("updated", BigInteger, primary_key=True, autoincrement=False),  # µs
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
)

import_file = Table(
    "import_file",
    metadata,
    Column("sha256", Text(collation="C"), primary_key=True),
    Column("at", BigInteger, nullable=False),  # µs
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
