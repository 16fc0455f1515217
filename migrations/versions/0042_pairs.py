"""What customers buy together, worked out each night."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import CURRENT_VENDOR, protect

revision, down_revision = "0042", "0041"

KINDS = "('appointment', 'class', 'lab_test', 'stay', 'product', 'package', 'membership')"
CHECKS = {
    "kind_known": f"kind IN {KINDS}",
    "next_kind_known": f"next_kind IN {KINDS}",
    "two_different_items": "kind <> next_kind OR item_id <> next_id",
    "both_are_among_the_customers": "together BETWEEN 1 AND customers",
    "share_is_a_share": "share > 0 AND share <= 1",
    "usual_is_a_share": "usual > 0 AND usual <= 1",
}
FIGURES = (
    "id", "vendor_id", "kind", "item_id", "next_kind", "next_id", "customers", "together", "share",
    "usual", "lift", "as_of",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "item_pairs",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item_id", sa.BigInteger, nullable=False),
        sa.Column("next_kind", sa.Text, nullable=False),
        sa.Column("next_id", sa.BigInteger, nullable=False),
        sa.Column("customers", sa.BigInteger, nullable=False),
        sa.Column("together", sa.BigInteger, nullable=False),
        sa.Column("share", sa.Numeric(6, 5), nullable=False),
        sa.Column("usual", sa.Numeric(6, 5), nullable=False),
        sa.Column("lift", sa.Numeric(12, 4), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_item_pairs"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_item_pairs_vendor_id_vendors"
        ),
        sa.UniqueConstraint("vendor_id", "id", name="uq_item_pairs_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id", "kind", "item_id", "next_kind", "next_id",
            name="uq_item_pairs_vendor_id_kind_item_id_next_kind_next_id",
        ),
        *(
            sa.CheckConstraint(check, name=op.f(f"ck_item_pairs_{name}"))
            for name, check in CHECKS.items()
        ),
    )  # fmt: skip
    protect("item_pairs", analyst=FIGURES)


def downgrade() -> None:
    op.drop_table("item_pairs")
