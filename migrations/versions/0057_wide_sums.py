"""Sums of many amounts have room for them: two sales could fill what one amount may be."""

from alembic import op

revision, down_revision = "0057", "0059"

SOLD = ("gross", "discount", "net", "tax", "cost", "refunded", "refunded_tax")
TABLES = {
    "item_figures": SOLD,
    "sale_figures": SOLD,
    "order_figures": ("total", "discount", "shipping"),
    "booking_figures": ("value", "lost", "fees"),
    "staff_figures": ("value",),
    "vendor_figures": ("revenue",),
    "coupon_figures": ("taken_off", "borne", "brought", "brought_by_others"),
    "package_figures": ("deferred",),
    "active_figures": ("revenue",),
    "place_figures": ("services", "products", "other"),
    "preference_figures": ("spent", "revenue"),
    "engagement_figures": ("revenue",),
}


def upgrade() -> None:
    _widen("numeric(24, 2)")  # more digits before the point: no row is written anew


def downgrade() -> None:
    _widen("numeric(12, 2)")


def _widen(kind: str) -> None:
    for table, columns in TABLES.items():
        changes = ", ".join(f"ALTER COLUMN {column} TYPE {kind}" for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
