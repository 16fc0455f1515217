"""Report runs: questions that take longer than a page may, with their answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import CURRENT_VENDOR, protect

revision, down_revision = "0051", "0050"

TABLE = "report_runs"
NOW = sa.text("now()")
FIGURES = (
    "id", "vendor_id", "user_id", "slug", "question", "words", "asked_on", "status", "done", "steps",
    "result", "created_at", "updated_at", "finished_at",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR)),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("words", JSONB, nullable=False),
        sa.Column("asked_on", sa.Date, nullable=False),
        sa.Column("status", sa.Text, server_default="queued", nullable=False),
        sa.Column("done", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("steps", sa.BigInteger, server_default="1", nullable=False),
        sa.Column("result", JSONB),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_runs"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_report_runs_vendor_id_vendors"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_report_runs_user_id_users"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed')",
            name=op.f("ck_report_runs_status_known"),
        ),
        sa.CheckConstraint("done BETWEEN 0 AND steps", name=op.f("ck_report_runs_done_is_a_part")),
        sa.CheckConstraint(
            "(status = 'done') = (result IS NOT NULL)",
            name=op.f("ck_report_runs_done_has_a_result"),
        ),
    )
    op.create_index(
        "uq_report_runs_in_work", TABLE, ["vendor_id", "question"], unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )  # fmt: skip
    op.create_index("ix_report_runs_vendor_id_question_id", TABLE, ["vendor_id", "question", "id"])
    op.create_index("ix_report_runs_user_id_id", TABLE, ["user_id", "id"])
    op.create_index("ix_report_runs_created_at", TABLE, ["created_at"])
    protect(TABLE, vendor="SELECT, INSERT, UPDATE", analyst=FIGURES)


def downgrade() -> None:
    op.drop_table(TABLE)
