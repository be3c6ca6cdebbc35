"""The tables of what resources are judged and searched by: generations, large code systems, packages.

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
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
)

from fhir_server.store.tables import metadata

# How often the search parameters in force have changed, in one row; `gate` is what writes are held to, and follows it:
# see `definitions.py`.
generation = Table(
    "generation", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False)
)

gate = Sequence("gate", metadata=metadata, minvalue=0, start=0)

# Types whose index rows are made anew, and how far that has come.
reindex = Table(
    "reindex",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("codes", ARRAY(Text), nullable=False),  # `Type.code` of what no search may use meanwhile
    Column("holding", ARRAY(Text)),  # only what contains one of these types is looked at; null: everything
    Column("exact", Boolean, nullable=False),  # rows that ought not to be there are removed too
    Column("base", Text, nullable=False),  # the public base URL below which references are local
    Column("since", BigInteger, nullable=False),  # the generation in which it began, or began again
    Column("position", BigInteger, nullable=False),  # the pk up to which it is done
    Column("done", BigInteger, nullable=False),  # resources
    Column("total", BigInteger),  # resources; null: not counted yet
)

# Large code systems, by version; see `codes.py`.
code_system_pk = Sequence("code_system_pk", metadata=metadata)

code_system = Table(
    "code_system",
    metadata,
    Column("pk", Integer, primary_key=True, autoincrement=False),
    Column("url", Text(collation="C"), nullable=False),
    Column("version", Text(collation="C"), nullable=False),  # empty: it has none
    Column("sha256", Text(collation="C"), nullable=False),  # of the files that it was loaded from
    Column("loaded", BigInteger, nullable=False),  # µs
    Column("count", Integer, nullable=False),  # concepts
    Column("head", LargeBinary, nullable=False),  # the CodeSystem without its concepts, as JSON
    Index("code_system_url", "url", "version", unique=True),
)

concept = Table(
    "concept",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column(
        "place", Integer, primary_key=True, autoincrement=False
    ),  # in the order of the code system, from 0
    Column("key", Text(collation="C"), nullable=False),  # the code; folded where case does not matter
    Column("tree", LargeBinary, nullable=False),  # CodeSystem.concept, as JSON
    Index("concept_key", "system", "key", unique=True),
)

concept_parent = Table(
    "concept_parent",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("parent", Integer, primary_key=True, autoincrement=False),  # its place
)

# Which places of a code system have what: see `terminology/indexing.py`.
concept_term = Table(
    "concept_term",
    metadata,
    Column("system", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("key", Text(collation="C"), primary_key=True),
    Column("places", LargeBinary, nullable=False),
)

# Packages that an operator installed: see `packages.py`.
package = Table(
    "package",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("version", Text(collation="C"), primary_key=True),
    Column("canonical", Text, nullable=False),
    Column("dependencies", Text, nullable=False),  # JSON: name → version
    Column("sha256", Text, nullable=False),
    Column("installed", BigInteger, nullable=False),  # µs
)

package_definition = Table(
    "package_definition",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("version", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), primary_key=True),
    Column("url", Text(collation="C"), primary_key=True),
    Column("own_version", Text(collation="C"), primary_key=True),
    Column("id", Text(collation="C"), nullable=False),
    Column("packed", LargeBinary, nullable=False),  # JSON, by `zlib`
    ForeignKeyConstraint(["name", "version"], ["package.name", "package.version"], ondelete="CASCADE"),
)

# Resources that are copies of packaged definitions: see `definitions.py`.
published = Table(
    "published",
    metadata,
    Column("type", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Text(collation="C"), primary_key=True),
    Column("digest", Text, nullable=False),  # of what was published
)

# How often the definitions to judge by have changed, in one row: see `telling.py`.
edition = Table("edition", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False))
