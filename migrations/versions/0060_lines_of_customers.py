"""A customer's trail and messages are read in the order of time, whatever there is of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0060", "0057"

SAID = sa.text("coalesce(sent_at, failed_at, send_at)")
Columns = Sequence[str | sa.TextClause]
INDEXES: Sequence[tuple[str, str, Columns, str, Columns]] = (
    (
        "audit_entries", "ix_audit_entries_vendor_id_customer_id_at_id",
        ["vendor_id", "customer_id", "at", "id"],
        "ix_audit_entries_vendor_id_customer_id_id", ["vendor_id", "customer_id", "id"],
    ),
    (
        "messages", "ix_messages_of_customers", ["vendor_id", "customer_id", SAID, "id"],
        "ix_messages_vendor_id_customer_id_id", ["vendor_id", "customer_id", "id"],
    ),
)  # fmt: skip
"""Table, what comes with its columns, and what it takes the place of."""


def upgrade() -> None:
    for table, name, columns, old, _ in INDEXES:
        _exchange(table, name, columns, old)


def downgrade() -> None:
    for table, name, _, old, columns in reversed(INDEXES):
        _exchange(table, old, columns, name)


def _exchange(table: str, name: str, columns: Columns, old: str) -> None:
    """One index for another, while others work."""
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True)
        op.drop_index(old, table, if_exists=True, postgresql_concurrently=True)
