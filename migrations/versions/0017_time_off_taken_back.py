"""Time off keeps what was done to the bookings in its way, so that it can be taken back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0017", "0016"


def upgrade() -> None:
    op.add_column("time_off", sa.Column("changes", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("time_off", "changes")
