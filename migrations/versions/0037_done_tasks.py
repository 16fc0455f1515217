"""What was done on a day is found by an index."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0037", "0036"

NAME = "ix_tasks_vendor_id_done_at"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # what a broken-off run has left of it goes first
        op.drop_index(NAME, "tasks", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME, "tasks", ["vendor_id", "done_at"], postgresql_concurrently=True,
            postgresql_where=sa.text("done_at IS NOT NULL"),
        )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "tasks", if_exists=True, postgresql_concurrently=True)
