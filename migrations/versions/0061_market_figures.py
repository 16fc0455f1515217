"""The marketplace's own sums, so that an admin's page adds up no vendor; quarters of long periods.

Figures are written by one worker and read by pages, so nothing that people wait for is locked. What
is there already is summed up here, from months and from vendors' rows.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant, policy, secure

revision, down_revision = "0061", "0060"

GRAINS = ("day", "week", "month")
CHANNELS = "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')"
SOLD = (
    "kind IN ('product', 'service', 'package', 'membership', 'fee', 'shipping', 'tip',"
    " 'unassigned')"
)
SALES = (
    "lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
    "refunded_tax",
)  # fmt: skip
BOOKINGS = (
    "bookings", "open", "completed", "cancelled", "late", "no_shows", "seats", "minutes", "value",
    "lost", "fees", *(f"lead_{days}" for days in (0, 1, 2, 4, 8, 15, 31)),
)  # fmt: skip
MONEY = {
    "gross", "discount", "net", "tax", "cost", "refunded", "refunded_tax", "value", "lost", "fees",
}  # fmt: skip
QUARTERED: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "item_figures": (("kind", "item_id", "category_id", "channel"), SALES),
    "sale_figures": (("kind", "category_id", "channel"), SALES),
    "booking_figures": (("service_id", "kind", "category_id", "channel"), BOOKINGS),
}
"""The tables that keep quarters, what each sums up by besides vendor and time, and its sums."""

TABLES: dict[str, tuple[str, Sequence[str], Sequence[str], str]] = {
    "market_sale_figures": ("sale_figures", ("kind", "category_id", "channel"), SALES, ""),
    "market_booking_figures": ("booking_figures", ("category_id", "channel"), BOOKINGS, ""),
    "market_staff_figures": (
        "staff_figures", ("category_id", "channel"), ("minutes",), " AND staff_id <> 0",
    ),
    "market_staff_hours": ("staff_hours", (), ("available_minutes",), ""),
    "market_hour_figures": (
        "hour_figures", ("weekday", "hour", "channel"), ("bookings", "no_shows", "minutes"), "",
    ),
}  # fmt: skip
"""The vendors' table that each one sums up, by what, its sums, and which rows."""

CHECKS = {
    "market_sale_figures": {"kind_known": SOLD},
    "market_hour_figures": {
        "weekday_is_one_of_seven": "weekday BETWEEN 1 AND 7",
        "hour_is_of_a_day": "hour BETWEEN 0 AND 23",
    },
}


def upgrade() -> None:
    for table in QUARTERED:
        _know_grains(table, (*GRAINS, "quarter"))
    for table, (_, keys, sums, _) in TABLES.items():
        _make(table, keys, sums)
    op.create_table(
        "stale_market_days",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stale_market_days"),
    )
    _guard("stale_market_days", "SELECT, INSERT, DELETE")
    op.execute("SET LOCAL ROLE app_admin")
    _sum_up()
    op.execute("RESET ROLE")


def _know_grains(table: str, grains: Sequence[str]) -> None:
    """Rows that are there were looked at before; they are again, with nobody shut out."""
    name = f"ck_{table}_grain_known"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (grain IN {grains}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _make(table: str, keys: Sequence[str], sums: Sequence[str]) -> None:
    checks = {"grain_known": f"grain IN {GRAINS}", **CHECKS.get(table, {})}
    if "channel" in keys:
        checks["channel_known"] = CHANNELS
    key = ("grain", "starts_on", *keys)
    op.create_table(
        table,
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        *(sa.Column(name, _key(name), nullable=False) for name in keys),
        *(sa.Column(name, _sum(table, name), nullable=False, comment=_say(name)) for name in sums),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))
            for name, rule in checks.items()
        ),
    )
    _guard(table, "SELECT, INSERT, DELETE")


def _key(name: str) -> sa.types.TypeEngine[object]:
    if name in ("kind", "channel"):
        return sa.Text()
    return sa.SmallInteger() if name in ("weekday", "hour") else sa.BigInteger()


def _sum(table: str, name: str) -> sa.types.TypeEngine[object]:
    if name in MONEY:
        return sa.Numeric(24, 2)
    wide = table not in ("market_sale_figures", "market_booking_figures")
    return sa.BigInteger() if wide else sa.Integer()


def _say(name: str) -> str | None:
    said = {"returned": "pieces that came back", "lead_0": "made on the day itself"}
    return said.get(name)


def _guard(table: str, verbs: str) -> None:
    """The marketplace's alone: no vendor reads it."""
    secure(table)
    policy(table, "app_admin")
    grant(table, "app_admin", verbs)
    policy(table, "app_analyst", verb="SELECT")
    grant(table, "app_analyst", "SELECT")


def _sum_up() -> None:
    quarter = "CAST(date_trunc('quarter', CAST(starts_on AS timestamp)) AS date)"
    for table, (keys, sums) in QUARTERED.items():
        by = ", ".join(keys)
        op.execute(
            f"INSERT INTO {table} (vendor_id, grain, starts_on, {by}, {', '.join(sums)})"
            f" SELECT vendor_id, 'quarter', {quarter}, {by}, {_summed(sums)}"
            f" FROM {table} WHERE grain = 'month'"
            f" GROUP BY {', '.join(str(n) for n in range(1, 4 + len(keys)))}"
        )
    for table, (of, keys, sums, those) in TABLES.items():
        by = ", ".join(["grain", "starts_on", *keys])
        op.execute(
            f"INSERT INTO {table} ({by}, {', '.join(sums)}) SELECT {by}, {_summed(sums)}"
            f" FROM {of} WHERE grain IN {GRAINS}{those} GROUP BY {by}"
        )


def _summed(sums: Sequence[str]) -> str:
    return ", ".join(f"sum({name})" for name in sums)


def downgrade() -> None:
    op.drop_table("stale_market_days")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("SET LOCAL ROLE app_admin")
    for table in QUARTERED:
        op.execute(f"DELETE FROM {table} WHERE grain = 'quarter'")
    op.execute("RESET ROLE")
    for table in QUARTERED:
        _know_grains(table, GRAINS)
