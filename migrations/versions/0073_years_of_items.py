"""Years of items and of what is bought beside services, whatever the channel: of all vendors.

An admin's two years are six times of each item in place of nine. What is there already is summed
up here, while the one worker who writes the tables waits; pages go on reading.
"""

from collections.abc import Sequence

from alembic import op

revision, down_revision = "0073", "0072"

GRAINS = ("month", "quarter")
SALES = ("lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
         "refunded_tax")  # fmt: skip
TABLES: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "market_item_figures": (("kind", "vendor_id", "item_id"), SALES),
    "market_attach_figures": (("vendor_id", "service_id"), ("orders", "with_product")),
}
"""What each sums up by besides time, and its sums."""
FIGURES, MARKET = 6_041_000_000_001, 6_061_000_000_001
"""The locks of whoever works out all figures, and the marketplace's."""


def upgrade() -> None:
    _know_grains((*GRAINS, "year"))
    op.execute(f"SELECT pg_advisory_xact_lock({FIGURES}), pg_advisory_xact_lock({MARKET})")
    for table, (keys, sums) in TABLES.items():
        listed = ", ".join(["grain", "starts_on", *keys, *sums])
        op.execute("SET LOCAL ROLE app_admin")
        op.execute(
            f"INSERT INTO {table} ({listed})"
            " SELECT 'year', CAST(date_trunc('year', CAST(starts_on AS timestamp)) AS date) AS year,"
            f" {', '.join(keys)}, {', '.join(f'sum({name})' for name in sums)}"
            f" FROM {table} WHERE grain = 'quarter'"
            f" GROUP BY year, {', '.join(keys)} ORDER BY year, {', '.join(keys)}"
        )
        op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute(f"SELECT pg_advisory_xact_lock({FIGURES}), pg_advisory_xact_lock({MARKET})")
    for table in TABLES:
        op.execute("SET LOCAL ROLE app_admin")
        op.execute(f"DELETE FROM {table} WHERE grain = 'year'")
        op.execute("RESET ROLE")
    _know_grains(GRAINS)


def _know_grains(grains: Sequence[str]) -> None:
    """By itself: nobody waits for it while rows are summed up, or looked at."""
    with op.get_context().autocommit_block():
        for table in TABLES:
            name = f"ck_{table}_grain_known"
            op.execute(
                f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name},"
                f" ADD CONSTRAINT {name} CHECK (grain IN {tuple(grains)}) NOT VALID"
            )
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
