"""Run by Alembic, on the connection and in the transaction that `store.tables.migrate` hands it."""

from alembic import context

from earthward.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
