"""What each vendor's business comes to, a row a day: pages that look at all of them read few."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import protect

revision, down_revision = "0052", "0051"

SUMS = ("revenue", "orders", "bookings", "completed", "no_shows")
KEYS = ("vendor_id", "grain", "starts_on")
PARTS = {
    "sale_figures": "net - refunded, 0, 0, 0, 0",
    "order_figures": "0, orders, 0, 0, 0",
    "booking_figures": "0, 0, bookings - cancelled, completed, no_shows",
}


def upgrade() -> None:
    op.create_table(
        "vendor_figures",
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("revenue", sa.Numeric(12, 2), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in SUMS[1:]),
        sa.PrimaryKeyConstraint(*KEYS, name="pk_vendor_figures"),
        sa.CheckConstraint(
            "grain IN ('day', 'week', 'month')", name=op.f("ck_vendor_figures_grain_known")
        ),
    )
    op.create_index("ix_vendor_figures_grain_starts_on", "vendor_figures", ["grain", "starts_on"])
    protect(
        "vendor_figures", vendor="SELECT", admin="SELECT, INSERT, DELETE", analyst=(*KEYS, *SUMS)
    )
    _sum_up()


def _sum_up() -> None:
    """What is there already; what is still to be worked out brings its own."""
    keys, sums = ", ".join(KEYS), ", ".join(f"sum({name})" for name in SUMS)
    rows = " UNION ALL ".join(
        f"SELECT {keys}, {those} FROM {table}" for table, those in PARTS.items()
    )
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        f"INSERT INTO vendor_figures ({keys}, {', '.join(SUMS)})"
        f" SELECT {keys}, {sums} FROM ({rows}) AS parts ({keys}, {', '.join(SUMS)})"
        f" GROUP BY {keys}"
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.drop_table("vendor_figures")
