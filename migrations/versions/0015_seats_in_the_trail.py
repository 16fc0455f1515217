"""The trail tells of a class what people changed; who takes a seat, the bookings tell."""

from alembic import op

from migrations.tenancy import audit

revision, down_revision = "0015", "0014"

COUNTED = ("taken", "with_buffer_before", "with_buffer_after")


def upgrade() -> None:
    _without(COUNTED)


def downgrade() -> None:
    _without(())


def _without(columns: tuple[str, ...]) -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON class_sessions")
    audit("class_sessions", without=columns)
