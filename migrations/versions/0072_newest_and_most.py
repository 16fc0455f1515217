"""New customers of the marketplace, and of a group those who brought most, stand in an index.

At a million customers the first page looked up 54,000 of them by their last activity to count the
new ones, and read and sorted a whole group for its first sixty.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0072", "0071"

CREATED, REVENUE = "ix_customers_created_at", "ix_customer_scores_vendor_segment_revenue"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(CREATED, "customers", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            CREATED, "customers", ["created_at"], postgresql_concurrently=True,
            postgresql_where=sa.text("archived_at IS NULL"),
        )  # fmt: skip
        op.drop_index(REVENUE, "customer_scores", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            REVENUE, "customer_scores",
            ["vendor_id", "segment", sa.text("revenue DESC"), "customer_id"],
            postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(REVENUE, "customer_scores", if_exists=True, postgresql_concurrently=True)
        op.drop_index(CREATED, "customers", if_exists=True, postgresql_concurrently=True)
