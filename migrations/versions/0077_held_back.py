"""A campaign that does not go out says why, and is not told of again every ten minutes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import audit

revision, down_revision = "0077", "0074"

TABLE = "campaigns"
BOTH = "ck_campaigns_what_held_it_back_was_told"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("held_back", sa.Text))
    op.add_column(TABLE, sa.Column("told_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(op.f(BOTH), TABLE, "num_nulls(held_back, told_at) IN (0, 2)")
    _audit(without=("next_at", "held_back", "told_at"))


def _audit(*, without: Sequence[str]) -> None:
    """Of what the house notes by itself, the trail does not tell."""
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON {TABLE}")
    audit(TABLE, without=without)


def downgrade() -> None:
    _audit(without=("next_at",))
    op.drop_constraint(BOTH, TABLE)
    op.drop_column(TABLE, "told_at")
    op.drop_column(TABLE, "held_back")
