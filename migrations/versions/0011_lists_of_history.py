"""Consents and the outbox are listed by vendor, newest first; what was given up is found at once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0011", "0010"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        make("ix_consents_vendor_id_id", "consents", ["vendor_id", "id"])
        make("ix_outbox_messages_vendor_id_id", "outbox_messages", ["vendor_id", "id"])
        make("ix_outbox_messages_given_up", "outbox_messages", ["id"], "dead_at IS NOT NULL")
        drop("ix_outbox_messages_vendor_id", "outbox_messages")


def make(name: str, table: str, columns: Sequence[str], where: str | None = None) -> None:
    """Make an index while others work; what a broken-off run has left of it goes first."""
    drop(name, table)
    only = None if where is None else sa.text(where)
    op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=only)


def drop(name: str, table: str) -> None:
    """Drop an index while others work."""
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        make("ix_outbox_messages_vendor_id", "outbox_messages", ["vendor_id"])
        drop("ix_outbox_messages_given_up", "outbox_messages")
        drop("ix_outbox_messages_vendor_id_id", "outbox_messages")
        drop("ix_consents_vendor_id_id", "consents")
