"""A list says how its new customers came; rows that wait for a decision are found at once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"

CHANNELS = "'online', 'walk_in', 'phone', 'partner', 'import'"


def upgrade() -> None:
    op.add_column(
        "import_jobs",
        sa.Column(
            "channel", sa.Text, nullable=False, server_default="import",
            comment="how its new customers came",
        ),
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_import_jobs_channel_known"), "import_jobs", f"channel IN ({CHANNELS})"
    )
    op.create_index(
        "ix_import_rows_waiting", "import_rows", ["vendor_id", "job_id", "code", "position"],
        postgresql_where=sa.text("code IN ('same_person', 'in_file')"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_import_rows_waiting", "import_rows")
    op.drop_constraint(op.f("ck_import_jobs_channel_known"), "import_jobs")
    op.drop_column("import_jobs", "channel")
