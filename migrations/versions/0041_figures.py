"""Figures by day, week and month are kept beside the ledgers, so that reports read few rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import CURRENT_VENDOR, protect

revision, down_revision = "0041", "0040"

GRAINS = "grain IN ('day', 'week', 'month')"
CHANNELS = "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')"
SOLD = (
    "kind IN ('product', 'service', 'package', 'membership', 'fee', 'shipping', 'tip',"
    " 'unassigned')"
)
SERVICES = "kind IN ('appointment', 'class', 'lab_test', 'stay')"

SALES = (
    "lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
    "refunded_tax",
)  # fmt: skip
MONEY = {
    "gross", "discount", "net", "tax", "cost", "refunded", "refunded_tax", "total", "shipping",
    "value", "lost", "fees",
}  # fmt: skip
SMALL = {"weekday", "hour"}
WORDS = {"kind", "channel"}

TABLES: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "item_figures": (("kind", "item_id", "category_id", "channel"), SALES),
    "sale_figures": (("kind", "category_id", "channel"), SALES),
    "order_figures": (
        ("channel",), ("orders", "with_customer", "total", "discount", "shipping"),
    ),
    "booking_figures": (
        ("service_id", "kind", "category_id", "channel"),
        ("bookings", "open", "completed", "cancelled", "late", "no_shows", "seats", "minutes",
         "value", "lost", "fees"),
    ),
    "staff_figures": (
        ("staff_id", "category_id", "channel"),
        ("bookings", "completed", "cancelled", "no_shows", "minutes", "value"),
    ),
    "staff_hours": (("staff_id",), ("available_minutes",)),
    "hour_figures": (("weekday", "hour", "channel"), ("bookings", "no_shows", "minutes")),
}  # fmt: skip
"""What each table sums up by, besides vendor and time, and what it sums up."""

CHECKS = {
    "item_figures": {"kind_known": SOLD},
    "sale_figures": {"kind_known": SOLD},
    "booking_figures": {"kind_known": SERVICES},
    "hour_figures": {
        "weekday_is_one_of_seven": "weekday BETWEEN 1 AND 7",
        "hour_is_of_a_day": "hour BETWEEN 0 AND 23",
    },
}


def upgrade() -> None:
    for table, (keys, sums) in TABLES.items():
        _make(table, keys, sums)
        op.create_index(f"ix_{table}_grain_starts_on", table, ["grain", "starts_on"])
        columns = ("vendor_id", "grain", "starts_on", *keys, *sums)
        # only what works them out, for the whole marketplace, writes them
        protect(table, vendor="SELECT", admin="SELECT, INSERT, DELETE", analyst=columns)
    op.create_table(
        "stale_days",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("day", sa.Date),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_stale_days_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stale_days"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_stale_days_vendor_id_id"),
    )
    protect("stale_days", vendor="SELECT, INSERT")


def _make(table: str, keys: Sequence[str], sums: Sequence[str]) -> None:
    checks = {"grain_known": GRAINS, **CHECKS.get(table, {})}
    if "channel" in keys:
        checks["channel_known"] = CHANNELS
    op.create_table(
        table,
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        *(sa.Column(name, _key(name), nullable=False) for name in keys),
        *(
            sa.Column(
                name,
                sa.Numeric(12, 2) if name in MONEY else sa.Integer,
                nullable=False,
                comment="pieces that came back" if name == "returned" else None,
            )
            for name in sums
        ),
        sa.PrimaryKeyConstraint("vendor_id", "grain", "starts_on", *keys, name=f"pk_{table}"),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))
            for name, rule in checks.items()
        ),
    )


def _key(name: str) -> sa.types.TypeEngine[object]:
    if name in WORDS:
        return sa.Text()
    return sa.SmallInteger() if name in SMALL else sa.BigInteger()


def downgrade() -> None:
    for table in ("stale_days", *reversed(TABLES)):
        op.drop_table(table)
