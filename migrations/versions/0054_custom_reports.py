"""Custom reports: measures and dimensions somebody put together, shared and mailed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import CURRENT_VENDOR, audit, protect

revision, down_revision = "0054", "0053"

TABLE = "custom_reports"
NOW = sa.text("now()")
COLUMNS = (
    "id", "vendor_id", "user_id", "name", "definition_json", "shared_with", "sent_every",
    "next_send_at", "created_at", "updated_at",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR)),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("definition_json", JSONB, nullable=False),
        sa.Column("shared_with", sa.Text, server_default="nobody", nullable=False),
        sa.Column("sent_every", sa.Text, server_default="never", nullable=False),
        sa.Column("next_send_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_custom_reports"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_custom_reports_vendor_id_vendors"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_custom_reports_user_id_users"),
        sa.CheckConstraint("name <> ''", name=op.f("ck_custom_reports_name_is_given")),
        sa.CheckConstraint(
            "shared_with IN ('nobody', 'managers', 'analysts')",
            name=op.f("ck_custom_reports_shared_with_known"),
        ),
        sa.CheckConstraint(
            "sent_every IN ('never', 'day', 'week', 'month')",
            name=op.f("ck_custom_reports_sent_every_known"),
        ),
        sa.CheckConstraint(
            "(sent_every = 'never') = (next_send_at IS NULL)",
            name=op.f("ck_custom_reports_next_when_it_is_sent"),
        ),
    )
    op.create_index(
        "uq_custom_reports_vendor_id_name", TABLE, ["vendor_id", "name"], unique=True,
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.create_index("ix_custom_reports_user_id", TABLE, ["user_id"])
    op.create_index(
        "ix_custom_reports_next_send_at", TABLE, ["next_send_at"],
        postgresql_where=sa.text("next_send_at IS NOT NULL"),
    )  # fmt: skip
    protect(TABLE, analyst=COLUMNS)
    audit(TABLE)


def downgrade() -> None:
    op.drop_table(TABLE)
