"""Who may see and change which rows: roles, row security, the audit trigger.

Revisions call these by name; nothing here imports the application.
"""

from collections.abc import Iterable, Sequence

from alembic import op

ROLES = ("app_vendor", "app_admin", "app_analyst", "app_gate", "app_search", "app_audit")
ACTING_ROLES = ("app_vendor", "app_admin", "app_analyst", "app_gate")

CURRENT_VENDOR = "NULLIF(current_setting('app.vendor_id', true), '')::bigint"
OWN_VENDOR = "(SELECT current_setting('app.vendor_id')::bigint)"
"""Raises when no vendor is set: nothing set is an error, never all rows."""
OWN_USER = "(SELECT current_setting('app.user_id')::bigint)"

ALL = "SELECT, INSERT, UPDATE, DELETE"


def make_roles(roles: Sequence[str] = ROLES) -> None:
    """Make roles of the house once per server; another database may have made them before."""
    for role in roles:
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
    for role in roles:
        op.execute(
            f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{role}', 'SET') THEN"
            f" GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE; END IF; END $$"
        )
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {', '.join(ROLES)}")


def secure(table: str) -> None:
    """Switch row security on, for the owner too; without a policy nobody sees a row."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def policy(
    table: str, role: str, using: str = "true", check: str | None = None, verb: str = "ALL"
) -> None:
    """Let `role` reach the rows where `using` holds, and write those where `check` holds."""
    name = f"{role}_{verb.lower()}"
    parts = [f"CREATE POLICY {name} ON {table} FOR {verb} TO {role}"]
    if verb != "INSERT":
        parts.append(f"USING ({using})")
    if verb not in ("SELECT", "DELETE"):
        parts.append(f"WITH CHECK ({check or using})")
    op.execute(" ".join(parts))


def grant(table: str, role: str, verbs: str, columns: Iterable[str] = ()) -> None:
    """Grant verbs on a table, or on some of its columns."""
    listed = ", ".join(columns)
    for verb in verbs.split(", "):
        op.execute(f"GRANT {verb}{f' ({listed})' if listed else ''} ON {table} TO {role}")


def protect(
    table: str,
    *,
    vendor: str = ALL,
    admin: str = ALL,
    analyst: Sequence[str] = (),
    key: str = "vendor_id",
) -> None:
    """Guard a vendor's table: vendors reach their own rows, admins all, analysts some columns.

    `vendor` and `admin` are verbs, `analyst` the columns a report page may read.
    """
    secure(table)
    policy(table, "app_vendor", f"{key} = {OWN_VENDOR}")
    policy(table, "app_admin")
    grant(table, "app_vendor", vendor)
    grant(table, "app_admin", admin)
    if analyst:
        policy(table, "app_analyst", verb="SELECT")
        grant(table, "app_analyst", "SELECT", analyst)


def audit(table: str, *, without: Sequence[str] = ()) -> None:
    """Write every change of the table to the audit trail, but never the columns of `without`."""
    skipped = ",".join(("updated_at", *without))
    events = {
        "INSERT": "REFERENCING NEW TABLE AS new_rows",
        "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "REFERENCING OLD TABLE AS old_rows",
    }
    for event, referencing in events.items():
        op.execute(
            f"CREATE TRIGGER audit_{event.lower()} AFTER {event} ON {table} {referencing}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_changes('{{{skipped}}}')"
        )


def define_as(role: str, statement: str, signature: str, callers: str = "") -> None:
    """Define a SECURITY DEFINER function that `role` owns and only `callers` may call."""
    op.execute(statement)
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    op.execute(f"ALTER FUNCTION {signature} OWNER TO {role}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {role}")
    if callers:
        op.execute(f"SET LOCAL ROLE {role}")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {callers}")
        op.execute("RESET ROLE")


def drop_owned(role: str, signature: str) -> None:
    """Drop a function that another role of the house owns."""
    op.execute(f"SET LOCAL ROLE {role}")
    op.execute(f"DROP FUNCTION {signature}")
    op.execute("RESET ROLE")
