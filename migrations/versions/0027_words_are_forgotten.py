"""Who is forgotten is forgotten in the words beside money and returns too, and in their trail."""

from alembic import op

from migrations.tenancy import define_as, drop_owned, grant

revision, down_revision = "0027", "0026"

WORDS = {"refunds": "reason", "credit_entries": "reason"}
"""Free text in the books; the amounts beside it can still never change."""

ERASE = """
CREATE FUNCTION erase_trail_of(named text, ids bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  vendor bigint := current_setting('app.vendor_id')::bigint;
  erased bigint;
BEGIN
  IF named NOT IN ('orders', 'order_lines', 'payments', 'refunds', 'product_returns',
                   'return_lines', 'shipments', 'covers', 'warranty_claims') THEN
    RAISE insufficient_privilege USING MESSAGE = 'this trail stays';
  END IF;
  UPDATE audit_entries SET
    old = (SELECT jsonb_object_agg(key, 'erased'::text) FROM jsonb_object_keys(old) AS key),
    new = (SELECT jsonb_object_agg(key, 'erased'::text) FROM jsonb_object_keys(new) AS key)
  WHERE vendor_id = vendor AND table_name = named AND row_id = ANY (ids);
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$
"""
SIGNATURE = "erase_trail_of(text, bigint[])"


def upgrade() -> None:
    define_as("app_audit", ERASE, SIGNATURE, "app_vendor, app_admin")
    for table, column in WORDS.items():
        for role in ("app_vendor", "app_admin"):
            grant(table, role, "UPDATE", [column])


def downgrade() -> None:
    drop_owned("app_audit", SIGNATURE)
    for table, column in WORDS.items():
        op.execute(f"REVOKE UPDATE ({column}) ON {table} FROM app_vendor, app_admin")
