"""How long before their day bookings were made is kept beside what became of them."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant

revision, down_revision = "0059", "0055"

TABLE = "booking_figures"
LEADS = tuple(f"lead_{days}" for days in (0, 1, 2, 4, 8, 15, 31))


def upgrade() -> None:
    for name in LEADS:
        comment = "made on the day itself" if name == LEADS[0] else None
        # with a constant no row is written; whoever writes one from now on says all of it
        op.add_column(
            TABLE, sa.Column(name, sa.Integer, nullable=False, server_default="0", comment=comment)
        )
        op.alter_column(TABLE, name, server_default=None)
    grant(TABLE, "app_analyst", "SELECT", LEADS)
    # what is there is counted behind the pages, a vendor at a time
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        f"INSERT INTO stale_days (vendor_id) SELECT DISTINCT vendor_id FROM {TABLE}"
        " ORDER BY vendor_id"
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    for name in LEADS:
        op.drop_column(TABLE, name)
