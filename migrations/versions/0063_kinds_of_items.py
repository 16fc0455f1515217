"""Figures of items are found by their kind: packages and memberships are few among products."""

from collections.abc import Sequence

from alembic import op

revision, down_revision = "0063", "0062"

TABLE = "item_figures"
OLD: Sequence[str] = ("grain", "starts_on")
NEW: Sequence[str] = ("grain", "kind", "starts_on")


def upgrade() -> None:
    _exchange(NEW, OLD)


def downgrade() -> None:
    _exchange(OLD, NEW)


def _exchange(columns: Sequence[str], old: Sequence[str]) -> None:
    """One index for another, while others work."""
    name, gone = (f"ix_{TABLE}_{'_'.join(those)}" for those in (columns, old))
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, TABLE, list(columns), postgresql_concurrently=True)
        op.drop_index(gone, TABLE, if_exists=True, postgresql_concurrently=True)
