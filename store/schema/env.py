"""Alembic's entry: runs the revisions on the connection that `store/migrations.py` brings."""

from alembic import context

from store.metadata_sql import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
