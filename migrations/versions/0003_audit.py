"""Every change of a record is written down in the transaction that makes it."""

from alembic import op

from migrations.tenancy import audit, define_as, drop_owned

revision, down_revision = "0003", "0002"

CUSTOMER_SHADOWS = (
    "search", "search_text", "sort_name", "visit_count", "no_show_count", "order_count",
    "services_spent", "products_spent", "total_spent", "last_visit_at", "last_order_at",
    "last_activity_at",
)  # fmt: skip

AUDITED: dict[str, tuple[str, ...]] = {
    "vendors": (), "users": ("password_hash",), "vendor_users": (), "api_tokens": ("token_hash",),
    "people": (), "customers": CUSTOMER_SHADOWS, "addresses": ("city_key",), "consents": (),
    "customer_preferences": (), "preferred_categories": (), "customer_merges": ("before", "moved"),
    "tags": (), "customer_tags": (), "categories": (), "services": (), "staff_members": (),
    "products": (), "variants": (), "packages": (), "package_holdings": (),
    "membership_plans": (), "memberships": (), "coupons": (), "bookings":
    ("with_buffer_before", "with_buffer_after"), "orders": (), "order_lines": (), "tasks": (),
    "saved_views": (), "bulk_jobs": ("done_count", "skipped_count"),
    "import_jobs": ("progress", "samples"),
}  # fmt: skip

CHANGES = """
CREATE FUNCTION audit_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  hidden text[] := TG_ARGV[0]::text[];
  actor bigint := NULLIF(current_setting('app.user_id', true), '')::bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, new)
    SELECT audit_vendor(TG_TABLE_NAME, r), audit_customer(TG_TABLE_NAME, r), TG_TABLE_NAME,
           id, 'create', actor, jsonb_strip_nulls(r - hidden)
    FROM (SELECT id, to_jsonb(n) AS r FROM new_rows n OFFSET 0) AS made;  -- once a row, not per use
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, old)
    SELECT audit_vendor(TG_TABLE_NAME, r), audit_customer(TG_TABLE_NAME, r), TG_TABLE_NAME,
           (r ->> 'id')::bigint, 'delete', actor, jsonb_strip_nulls(r - hidden)
    FROM (SELECT to_jsonb(o) AS r FROM old_rows o OFFSET 0) AS gone;
  ELSE
    INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, old, new)
    SELECT audit_vendor(TG_TABLE_NAME, was), audit_customer(TG_TABLE_NAME, was), TG_TABLE_NAME,
           (was ->> 'id')::bigint, 'update', actor, changed.old, changed.new
    FROM (SELECT to_jsonb(o) - hidden AS was, to_jsonb(n) - hidden AS is_now
          FROM old_rows o JOIN new_rows n USING (id) OFFSET 0) AS pairs
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(key, was -> key) AS old, jsonb_object_agg(key, value) AS new
      FROM jsonb_each(is_now) WHERE was -> key IS DISTINCT FROM value
    ) AS changed
    WHERE was IS DISTINCT FROM is_now;
  END IF;
  RETURN NULL;
END $$
"""

SHOWN = {
    "customers": (
        "id", "vendor_id", "person_id", "full_name", "company", "email", "phone", "phone_2",
        "birthday", "status", "channel", "locale", "time_zone", "note", "archived_at",
        "anonymised_at", "merged_into_id", "created_at",
    ),
    "addresses": (
        "id", "vendor_id", "customer_id", "label", "line1", "line2", "city", "region",
        "postal_code", "country", "created_at",
    ),
}  # fmt: skip
"""What the trail says of a new customer or address: all columns but the shadows."""

CREATED = """
CREATE FUNCTION audit_created_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  actor bigint := NULLIF(current_setting('app.user_id', true), '')::bigint;
BEGIN
  INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, new)
  SELECT vendor_id, {customer}, '{table}', id, 'create', actor,
         JSON_OBJECT({columns} ABSENT ON NULL RETURNING jsonb)
  FROM new_rows;
  RETURN NULL;
END $$
"""
"""What `audit_changes` writes, at a third of the price: these come by the hundred thousand."""

VENDOR = """
CREATE FUNCTION audit_vendor(source text, r jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN source = 'vendors' THEN (r ->> 'id')::bigint
              ELSE (r ->> 'vendor_id')::bigint END $$
"""

CUSTOMER = """
CREATE FUNCTION audit_customer(source text, r jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN source = 'customers' THEN (r ->> 'id')::bigint
              ELSE (r ->> 'customer_id')::bigint END $$
"""

ERASE = """
CREATE FUNCTION erase_trail(customer bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  vendor bigint := current_setting('app.vendor_id')::bigint;
  erased bigint;
BEGIN
  UPDATE audit_entries SET
    old = (SELECT jsonb_object_agg(key, 'erased'::text) FROM jsonb_object_keys(old) AS key),
    new = (SELECT jsonb_object_agg(key, 'erased'::text) FROM jsonb_object_keys(new) AS key)
  WHERE vendor_id = vendor AND customer_id = customer
    AND table_name IN ('customers', 'addresses', 'consents', 'customer_preferences', 'tasks',
                       'bookings', 'orders', 'waitlist_entries');
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$
"""


def upgrade() -> None:
    op.execute(VENDOR)  # without a search_path of their own, so that they are inlined
    op.execute(CUSTOMER)
    define_as("app_audit", CHANGES, "audit_changes()", "SESSION_USER")
    define_as("app_audit", ERASE, "erase_trail(bigint)", "app_vendor, app_admin")
    for table, without in AUDITED.items():
        audit(table, without=without)
    for table, columns in SHOWN.items():
        _audit_created(table, columns)


def _audit_created(table: str, columns: tuple[str, ...]) -> None:
    function = f"audit_created_{table}()"
    customer = "customer_id" if "customer_id" in columns else "id"
    listed = ", ".join(f"'{name}' VALUE {name}" for name in columns)
    statement = CREATED.format(table=table, customer=customer, columns=listed)
    define_as("app_audit", statement, function, "SESSION_USER")
    op.execute(f"DROP TRIGGER audit_insert ON {table}")
    op.execute(
        f"CREATE TRIGGER audit_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {function}"
    )


def downgrade() -> None:
    for table in AUDITED:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER audit_{event} ON {table}")
    created = [f"audit_created_{table}()" for table in SHOWN]
    for signature in (*created, "erase_trail(bigint)", "audit_changes()"):
        drop_owned("app_audit", signature)
    for signature in ("audit_customer(text, jsonb)", "audit_vendor(text, jsonb)"):
        op.execute(f"DROP FUNCTION {signature}")
