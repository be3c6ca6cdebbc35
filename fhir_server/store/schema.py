"""All the tables of a database together: what the migrations make of an empty one."""

from __future__ import annotations

from typing import Final

from fhir_server.store import access_tables, definition_tables, tables

# A module adds its tables to the metadata of all when it is imported.
MODULES: Final = (tables, definition_tables, access_tables)
METADATA: Final = tables.metadata
