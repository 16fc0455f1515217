"""A reward can be limited: in all, for one customer, and both within some days."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0049", "0048"

LIMITS = ("max_redemptions", "max_per_customer", "limit_days")
CHECKS = {
    "max_redemptions_are_positive": "max_redemptions > 0",
    "max_per_customer_is_positive": "max_per_customer > 0",
    "limit_days_fit": "limit_days BETWEEN 1 AND 3650",
    "limit_days_limit_something": (
        "limit_days IS NULL OR num_nonnulls(max_redemptions, max_per_customer) > 0"
    ),
}


def upgrade() -> None:
    for name in LIMITS:
        op.add_column("rewards", sa.Column(name, sa.BigInteger))
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_rewards_{name}"), "rewards", check)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_rewards_{name}"), "rewards")
    for name in LIMITS:
        op.drop_column("rewards", name)
