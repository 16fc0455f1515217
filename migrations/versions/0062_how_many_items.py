"""The planner learns how few items many figures are about, and adds them up side by side.

Without it each row of a long period was taken for an item of its own.
"""

from alembic import op

revision, down_revision = "0062", "0058"

NAME, TABLE = "st_item_figures_items", "item_figures"


def upgrade() -> None:
    # read by the next ANALYZE; nobody who writes waits for it
    op.execute(f"CREATE STATISTICS {NAME} (ndistinct) ON vendor_id, kind, item_id FROM {TABLE}")


def downgrade() -> None:
    op.execute(f"DROP STATISTICS {NAME}")
