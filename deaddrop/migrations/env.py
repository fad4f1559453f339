"""What Alembic runs; `deaddrop.migrate` hands it a connection in a transaction."""

from alembic import context

from deaddrop.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata
)
context.run_migrations()
