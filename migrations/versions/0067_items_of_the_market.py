"""Months and quarters of items whatever their channel, and what each vendor's bookings called off.

An admin's two years of all items are a third of the rows that tell channels apart. What is there
already is summed up here, while no worker is at it; pages go on reading.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant, policy, secure

revision, down_revision = "0067", "0066"

TABLE = "market_item_figures"
KINDS = ("product", "service", "package", "membership", "fee", "shipping", "tip", "unassigned")
KEYS = ("grain", "starts_on", "kind", "vendor_id", "item_id")
PIECES = ("lines", "quantity", "returned")
MONEY = ("gross", "discount", "net", "tax", "cost", "refunded", "refunded_tax")
FIGURES, MARKET = 6_041_000_000_001, 6_061_000_000_001
"""The locks of whoever works out all figures, and the marketplace's."""

OF_VENDORS = ("vendor_id", "grain", "starts_on")
DONE = ("revenue", "orders", "bookings", "completed", "no_shows")
PARTS = {
    "sale_figures": "net - refunded, 0, 0, 0, 0, 0",
    "order_figures": "0, orders, 0, 0, 0, 0",
    "booking_figures": "0, 0, bookings - cancelled, completed, no_shows, cancelled",
}
"""What each table of figures says of a vendor's business."""


def upgrade() -> None:
    _make_room()
    op.execute(f"SELECT pg_advisory_xact_lock({FIGURES}), pg_advisory_xact_lock({MARKET})")
    _keep_items()
    _sum_up_vendors()
    op.alter_column("vendor_figures", "cancelled", server_default=None)
    grant("vendor_figures", "app_analyst", "SELECT", ["cancelled"])


def _make_room() -> None:
    """First, since it commits by itself: nobody waits for it while rows are summed up."""
    column = sa.Column("cancelled", sa.Integer, nullable=False, server_default="0")
    with op.get_context().autocommit_block():
        op.add_column("vendor_figures", column, if_not_exists=True)


def _keep_items() -> None:
    op.create_table(
        TABLE,
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("item_id", sa.BigInteger, nullable=False),
        *(
            sa.Column(
                name, sa.Integer, nullable=False,
                comment="pieces that came back" if name == "returned" else None,
            )
            for name in PIECES
        ),
        *(sa.Column(name, sa.Numeric(24, 2), nullable=False) for name in MONEY),
        sa.PrimaryKeyConstraint(*KEYS, name=f"pk_{TABLE}"),
        sa.CheckConstraint("grain IN ('month', 'quarter')", name=op.f(f"ck_{TABLE}_grain_known")),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f(f"ck_{TABLE}_kind_known")),
    )  # fmt: skip
    secure(TABLE)
    policy(TABLE, "app_admin")
    grant(TABLE, "app_admin", "SELECT, INSERT, DELETE")
    policy(TABLE, "app_analyst", verb="SELECT")
    grant(TABLE, "app_analyst", "SELECT")
    keys, sums = ", ".join(KEYS), (*PIECES, *MONEY)
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        f"INSERT INTO {TABLE} ({keys}, {', '.join(sums)})"
        f" SELECT {keys}, {', '.join(f'sum({name})' for name in sums)} FROM item_figures"
        f" WHERE grain IN ('month', 'quarter') GROUP BY {keys} ORDER BY {keys}"
    )
    op.execute("RESET ROLE")


def _sum_up_vendors() -> None:
    """All rows anew: a few for each vendor and day."""
    keys, sums = ", ".join(OF_VENDORS), (*DONE, "cancelled")
    rows = " UNION ALL ".join(
        f"SELECT {keys}, {those} FROM {table} WHERE grain IN ('day', 'week', 'month')"
        for table, those in PARTS.items()
    )
    op.execute("SET LOCAL ROLE app_admin")
    op.execute("DELETE FROM vendor_figures")
    op.execute(
        f"INSERT INTO vendor_figures ({keys}, {', '.join(sums)})"
        f" SELECT {keys}, {', '.join(f'sum({name})' for name in sums)}"
        f" FROM ({rows}) AS parts ({keys}, {', '.join(sums)})"
        f" GROUP BY {keys} ORDER BY {keys}"
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.drop_column("vendor_figures", "cancelled")
    op.drop_table(TABLE)
