"""The ledger of points is read by kind: what was redeemed is found among much that was earned."""

from alembic import op

revision, down_revision = "0040", "0039"

NAME, TABLE = "ix_loyalty_entries_vendor_id_kind_id", "loyalty_entries"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(NAME, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, TABLE, ["vendor_id", "kind", "id"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
