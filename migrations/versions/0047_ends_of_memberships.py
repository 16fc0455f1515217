"""A membership that ended early says why; like other free text it is no matter of the trail."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import audit

revision, down_revision = "0047", "0046"

SILENT = ("anchor_at", "freeze_reason")


def upgrade() -> None:
    op.add_column("memberships", sa.Column("end_reason", sa.Text))
    _without((*SILENT, "end_reason"))


def downgrade() -> None:
    _without(SILENT)
    op.drop_column("memberships", "end_reason")


def _without(columns: tuple[str, ...]) -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON memberships")
    audit("memberships", without=columns)
