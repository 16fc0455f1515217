"""Users are deactivated with a reason, old sign-ins go, and managers hand out API tokens."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import OWN_USER, audit, grant, policy

revision, down_revision = "0009", "0008"

CLEARED = ("sign_in_attempts", "login_sessions", "one_time_links")


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("inactive_reason", sa.Text, comment="why somebody may not sign in any more"),
    )
    op.create_check_constraint(
        "ck_users_reason_only_while_inactive", "users", "inactive_reason IS NULL OR NOT is_active"
    )
    grant("users", "app_vendor", "SELECT", ["inactive_reason"])
    op.add_column(
        "api_tokens",
        sa.Column("prefix", sa.Text, nullable=False, comment="how its owner knows it again"),
    )

    op.execute("DROP POLICY app_admin_all ON login_sessions")
    policy("login_sessions", "app_admin")  # ends the sessions of others
    policy("sign_in_attempts", "app_admin", verb="DELETE")
    for table in CLEARED:
        grant(table, "app_admin", "DELETE")

    op.execute("REVOKE UPDATE ON api_tokens FROM app_vendor")
    grant("api_tokens", "app_vendor", "INSERT")
    grant("api_tokens", "app_vendor", "UPDATE", ["revoked_at", "updated_at"])
    op.execute(
        "CREATE POLICY app_vendor_own_user ON api_tokens AS RESTRICTIVE FOR INSERT TO app_vendor"
        f" WITH CHECK (user_id = {OWN_USER})"  # a token acts as its user: as oneself only
    )
    heard_without("token_hash", "last_used_at")


def heard_without(*columns: str) -> None:
    """Write changes of tokens down, but for `columns`."""
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON api_tokens")
    audit("api_tokens", without=columns)


def downgrade() -> None:
    heard_without("token_hash")
    op.execute("DROP POLICY app_vendor_own_user ON api_tokens")
    op.execute("REVOKE INSERT ON api_tokens FROM app_vendor")
    op.execute("REVOKE UPDATE (revoked_at, updated_at) ON api_tokens FROM app_vendor")
    grant("api_tokens", "app_vendor", "UPDATE")

    for table in CLEARED:
        op.execute(f"REVOKE DELETE ON {table} FROM app_admin")
    op.execute("DROP POLICY app_admin_delete ON sign_in_attempts")
    op.execute("DROP POLICY app_admin_all ON login_sessions")
    policy("login_sessions", "app_admin", f"user_id = {OWN_USER}")

    op.drop_column("api_tokens", "prefix")
    op.execute("REVOKE SELECT (inactive_reason) ON users FROM app_vendor")
    op.drop_constraint("ck_users_reason_only_while_inactive", "users")
    op.drop_column("users", "inactive_reason")
