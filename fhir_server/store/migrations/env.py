"""What alembic runs for every command: the revisions, on the connection that `migrate.py` (or a test) hands over."""

from __future__ import annotations

from alembic import context

from fhir_server.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
