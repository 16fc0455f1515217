"""A night is compared with the one before: what changed is kept beside the models."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant

revision, down_revision = "0058", "0056"

TABLES = ("score_models", "market_models")
CHANGES = ("groups_moved", "people_change", "buying_change", "spending_change")


def upgrade() -> None:
    for table in TABLES:  # a row a vendor, and no row is written: the default is a constant
        op.add_column(table, sa.Column("since", sa.Date))
        for name in CHANGES:
            op.add_column(table, sa.Column(name, sa.Numeric(16, 6)))
        op.add_column(
            table, sa.Column("is_sharp", sa.Boolean, server_default=sa.false(), nullable=False)
        )
    grant("score_models", "app_analyst", "SELECT", ("since", *CHANGES, "is_sharp"))


def downgrade() -> None:
    for table in TABLES:
        for name in ("since", *CHANGES, "is_sharp"):
            op.drop_column(table, name)
