"""What few orders, bookings and customers have is found by an index of it.

An admin's list of all vendors walked millions of rows for a channel that nobody came by, for money
paid too much, or for shipping lines where nothing is sent.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0079", "0077"

INDEXES: Sequence[tuple[str, str, Sequence[str], str | None]] = (
    ("ix_orders_channel_handing", "orders", ["channel", "handing"], None),
    (
        "ix_orders_overpaid", "orders", ["vendor_id", "placed_at"], "paid - refunded > total",
    ),
    (
        "ix_orders_fulfilled_undone", "orders", ["vendor_id", "fulfilled_at"],
        "fulfilled_at IS NOT NULL AND status NOT IN ('fulfilled', 'completed')",
    ),
    (
        "ix_order_lines_other_kinds", "order_lines", ["kind"],
        "kind IN ('fee', 'shipping', 'tip')",
    ),
    ("ix_bookings_channel_kind", "bookings", ["channel", "kind"], None),
    (
        "ix_customer_scores_vendor_id_first_channel", "customer_scores",
        ["vendor_id", "first_channel"], None,
    ),
)  # fmt: skip
"""Name, table, columns, and which rows."""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, which in INDEXES:
            # what a broken-off run has left goes first
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_concurrently=True,
                postgresql_where=None if which is None else sa.text(which),
            )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _, _ in reversed(INDEXES):
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
