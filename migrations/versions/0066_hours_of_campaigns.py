"""The hour at which a campaign goes out again is kept: counted from one of its times, it moved.

What the clocks skip on one day goes out an hour later on that day alone.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0066", "0065"

TABLE = "campaigns"
GIVEN = "ck_campaigns_hour_of_the_next_is_given"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("goes_at", sa.Time))
    op.execute("SET LOCAL ROLE app_admin")  # the owner sees no rows
    op.execute(
        "UPDATE campaigns c SET goes_at = CAST(c.next_at AT TIME ZONE v.time_zone AS time)"
        " FROM vendors v WHERE v.id = c.vendor_id AND c.next_at IS NOT NULL"
    )
    op.execute("RESET ROLE")
    op.create_check_constraint(op.f(GIVEN), TABLE, "next_at IS NULL OR goes_at IS NOT NULL")


def downgrade() -> None:
    op.drop_constraint(GIVEN, TABLE)
    op.drop_column(TABLE, "goes_at")
