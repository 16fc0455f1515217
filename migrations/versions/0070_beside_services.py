"""Months and quarters of what is bought beside services, whatever the channel, as of items."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant, policy, secure

revision, down_revision = "0070", "0069"

TABLE = "market_attach_figures"
KEYS = ("grain", "starts_on", "vendor_id", "service_id")
SUMS = ("orders", "with_product")
FIGURES, MARKET = 6_041_000_000_001, 6_061_000_000_001
"""The locks of whoever works out all figures, and the marketplace's."""


def upgrade() -> None:
    op.execute(f"SELECT pg_advisory_xact_lock({FIGURES}), pg_advisory_xact_lock({MARKET})")
    op.create_table(
        TABLE,
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in KEYS[2:]),
        *(sa.Column(name, sa.Integer, nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(*KEYS, name=f"pk_{TABLE}"),
        sa.CheckConstraint("grain IN ('month', 'quarter')", name=op.f(f"ck_{TABLE}_grain_known")),
    )
    secure(TABLE)
    policy(TABLE, "app_admin")
    grant(TABLE, "app_admin", "SELECT, INSERT, DELETE")
    policy(TABLE, "app_analyst", verb="SELECT")
    grant(TABLE, "app_analyst", "SELECT")
    keys, sums = ", ".join(KEYS), ", ".join(f"sum({name})" for name in SUMS)
    quarter = "CAST(date_trunc('quarter', CAST(starts_on AS timestamp)) AS date)"
    op.execute("SET LOCAL ROLE app_admin")
    for grain, start in (("month", "starts_on"), ("quarter", quarter)):
        op.execute(
            f"INSERT INTO {TABLE} ({keys}, {', '.join(SUMS)})"
            f" SELECT '{grain}', {start}, vendor_id, service_id, {sums} FROM attach_figures"
            " WHERE grain = 'month' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.drop_table(TABLE)
