"""A manager invites people, but never gets a link into an account that is not only theirs."""

from alembic import op

from migrations.tenancy import OWN_VENDOR, define_as, drop_owned, policy

revision, down_revision = "0006", "0005"

USER_TO_INVITE = """
CREATE FUNCTION user_to_invite(address text, called text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE one bigint;
BEGIN
  INSERT INTO users (email, name) VALUES (address, called)
  ON CONFLICT (email) DO NOTHING RETURNING id INTO one;
  IF one IS NULL THEN
    SELECT id INTO one FROM users WHERE email = address AND role IS NULL AND is_active FOR UPDATE;
    -- the vendor that had them may hold a link, and if they work nowhere now, know their password
    DELETE FROM one_time_links l WHERE l.user_id = one AND l.used_at IS NULL;
    IF NOT EXISTS (SELECT 1 FROM vendor_users v WHERE v.user_id = one) THEN
      UPDATE users SET password_hash = NULL, updated_at = now() WHERE id = one;
      UPDATE login_sessions s SET ended_at = now() WHERE s.user_id = one AND s.ended_at IS NULL;
    END IF;
  END IF;
  RETURN one;
END $$
"""

WORKS_ONLY_HERE = """
CREATE FUNCTION works_only_here(one bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT EXISTS (SELECT 1 FROM users u WHERE u.id = one AND u.role IS NULL AND u.is_active)
     AND (SELECT array_agg(v.vendor_id) = ARRAY[current_setting('app.vendor_id')::bigint]
          FROM vendor_users v WHERE v.user_id = one)
$$
"""

BEFORE = (
    "EXISTS (SELECT 1 FROM vendor_users v WHERE v.user_id = one_time_links.user_id"
    f" AND v.vendor_id = {OWN_VENDOR})"
)


def upgrade() -> None:
    callers = "app_vendor, app_admin"
    define_as("app_admin", USER_TO_INVITE, "user_to_invite(text, text)", callers)
    define_as("app_admin", WORKS_ONLY_HERE, "works_only_here(bigint)", callers)
    op.execute("DROP POLICY app_vendor_insert ON one_time_links")
    policy("one_time_links", "app_vendor", "works_only_here(user_id)", verb="INSERT")
    op.execute("GRANT SELECT ON alembic_version TO app_gate")  # /readyz compares it


def downgrade() -> None:
    op.execute("REVOKE SELECT ON alembic_version FROM app_gate")
    op.execute("DROP POLICY app_vendor_insert ON one_time_links")
    policy("one_time_links", "app_vendor", BEFORE, verb="INSERT")
    drop_owned("app_admin", "works_only_here(bigint)")
    drop_owned("app_admin", "user_to_invite(text, text)")
