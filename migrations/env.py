"""Runs the numbered revisions on the connection that the command line hands over.

One transaction a revision, a short wait for locks: a migration never queues behind a long
query and holds up the whole shop.
"""

from alembic import context
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]

connection.execute(text("SET lock_timeout = '4s'"))
connection.commit()

context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
