"""What is in the way of a booking is found by its end: a stay may have begun months before."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0016", "0015"

INDEXES = {
    "ix_bookings_vendor_id_staff_id_ends_at": (
        "bookings", ["vendor_id", "staff_id", "ends_at"],
        "status IN ('pending', 'confirmed', 'checked_in') AND kind <> 'class'"
        " AND staff_id IS NOT NULL",
    ),
    "ix_resource_claims_held": (
        "resource_claims", ["vendor_id", "resource_id", "starts_at"], "held",
    ),
}  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (table, columns, where) in INDEXES.items():
            # what a broken-off run has left of it goes first
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_concurrently=True,
                postgresql_where=sa.text(where),
            )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (table, _, _) in INDEXES.items():
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
