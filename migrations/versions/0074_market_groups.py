"""Customer groups of the whole marketplace, added up: its pages read no vendor's rows any more.

The nightly gathering writes the table; what there is already is added up here.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant, policy, secure

revision, down_revision = "0074", "0073"

TABLE = "market_score_figures"
KEY = ("month", "segment", "channel", "category_id")
SUMS: dict[str, sa.types.TypeEngine[object]] = {
    "customers": sa.BigInteger(), "days": sa.BigInteger(), "recency_days": sa.BigInteger(),
    "revenue": sa.Numeric(16, 2), "valued": sa.BigInteger(), "alive": sa.Numeric(14, 4),
    "expected_12m": sa.Numeric(14, 4), "value_12m": sa.Numeric(16, 2),
    "variance": sa.Numeric(24, 4),
}  # fmt: skip
NOTHING_YET = ("revenue", "valued", "alive", "expected_12m", "value_12m", "variance")
SEGMENTS = (
    "champions", "loyal", "potential_loyalist", "new", "promising", "needs_attention",
    "about_to_sleep", "at_risk", "cant_lose", "hibernating", "lost",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("category_id", sa.BigInteger, nullable=False),
        *(
            sa.Column(
                name, kind, nullable=False, server_default="0" if name in NOTHING_YET else None,
                comment="of all of them together" if name == "recency_days" else None,
            )
            for name, kind in SUMS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint(*KEY, name=f"uq_{TABLE}_key"),
        sa.CheckConstraint(f"segment IN {SEGMENTS}", name=op.f(f"ck_{TABLE}_segment_known")),
    )  # fmt: skip
    secure(TABLE)
    policy(TABLE, "app_admin")
    grant(TABLE, "app_admin", "SELECT, INSERT, DELETE")
    policy(TABLE, "app_analyst", verb="SELECT")
    grant(TABLE, "app_analyst", "SELECT")
    key, sums = ", ".join(KEY), ", ".join(SUMS)
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        f"INSERT INTO {TABLE} ({key}, as_of, {sums})"
        f" SELECT {key}, max(as_of), {', '.join(f'sum({name})' for name in SUMS)}"
        f" FROM score_figures GROUP BY {key} ORDER BY {key}"
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.drop_table(TABLE)
