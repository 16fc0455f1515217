"""The user `system`, as whom tasks and the command line act."""

from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "INSERT INTO users (id, email, name, role, is_active) OVERRIDING SYSTEM VALUE"
        " VALUES (1, 'system@backroom.invalid', 'Backroom', 'system', false)"
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE app_admin")
    op.execute("DELETE FROM users WHERE id = 1")
    op.execute("RESET ROLE")
