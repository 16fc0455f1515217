"""Classes count the changes that a calendar must hear of, as bookings do."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0018", "0017"

BEYOND = 200_000_000
"""Calendars knew a class by the seconds from its making to its last change: six years of them."""


def upgrade() -> None:
    # A calendar takes a lower number for an older version, so what stands goes on from beyond.
    op.add_column(
        "class_sessions",
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text(str(BEYOND)), nullable=False),
    )
    op.alter_column("class_sessions", "sequence", server_default="0")


def downgrade() -> None:
    op.drop_column("class_sessions", "sequence")
