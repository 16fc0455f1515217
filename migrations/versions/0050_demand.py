"""Demand of the waitlist is kept by day, week and month."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import protect

revision, down_revision = "0050", "0049"

TABLE = "wait_figures"
KEYS = ("service_id", "category_id", "weekday", "channel")
SUMS = ("joined", "offered", "booked", "waiting", "expired", "left_it")
GONE, FRESH = "ix_waitlist_entries_created_at", "ix_waitlist_entries_updated_at"


def upgrade() -> None:
    _find()
    op.create_table(
        TABLE,
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("service_id", sa.BigInteger, nullable=False),
        sa.Column("category_id", sa.BigInteger, nullable=False),
        sa.Column("weekday", sa.SmallInteger, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in SUMS),
        sa.CheckConstraint(
            "grain IN ('day', 'week', 'month')", name=op.f(f"ck_{TABLE}_grain_known")
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name=op.f(f"ck_{TABLE}_channel_known"),
        ),
        sa.CheckConstraint(
            "weekday BETWEEN 1 AND 8", name=op.f(f"ck_{TABLE}_weekday_is_one_of_seven_or_any")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "grain", "starts_on", *KEYS, name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_grain_starts_on", TABLE, ["grain", "starts_on"])
    columns = ("vendor_id", "grain", "starts_on", *KEYS, *SUMS)
    protect(TABLE, vendor="SELECT", admin="SELECT, INSERT, DELETE", analyst=columns)


def _find() -> None:
    """First, since it commits by itself: whoever breaks it off begins anew."""
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(FRESH, "waitlist_entries", if_exists=True, postgresql_concurrently=True)
        op.create_index(FRESH, "waitlist_entries", ["updated_at"], postgresql_concurrently=True)
        op.drop_index(GONE, "waitlist_entries", if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    op.create_index(GONE, "waitlist_entries", ["created_at"])
    op.drop_index(FRESH, "waitlist_entries")
    op.drop_table(TABLE)
