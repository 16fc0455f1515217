"""Every vendor sees its own rows, the marketplace all, analysts figures without people."""

from alembic import op

from migrations.tenancy import (
    ACTING_ROLES,
    ALL,
    OWN_USER,
    OWN_VENDOR,
    grant,
    policy,
    protect,
    secure,
)

revision, down_revision = "0002", "0001"

APPEND = "SELECT, INSERT"

FIGURES = {
    "customers": (
        "id", "vendor_id", "person_id", "status", "channel", "archived_at", "merged_into_id",
        "visit_count", "no_show_count", "order_count", "services_spent", "products_spent",
        "total_spent", "last_visit_at", "last_order_at", "last_activity_at", "created_at",
    ),
    "addresses": ("id", "vendor_id", "customer_id", "city", "region", "country"),
    "bookings": (
        "id", "vendor_id", "customer_id", "service_id", "staff_id", "kind", "status", "channel",
        "starts_at", "ends_at", "price", "completed_at", "cancelled_at", "created_at",
    ),
    "orders": (
        "id", "vendor_id", "customer_id", "number", "status", "channel", "total", "placed_at",
        "fulfilled_at", "completed_at", "cancelled_at", "created_at",
    ),
    "order_lines": (
        "id", "vendor_id", "order_id", "kind", "variant_id", "service_id", "package_id",
        "plan_id", "name", "quantity", "unit_price", "discount", "total",
    ),
    "services": ("id", "vendor_id", "name", "kind", "category_id", "duration_minutes", "price"),
    "products": ("id", "vendor_id", "name", "category_id", "status"),
    "variants": ("id", "vendor_id", "product_id", "sku", "option", "price", "cost"),
    "packages": ("id", "vendor_id", "name", "category_id", "service_id", "uses", "price"),
    "package_holdings": (
        "id", "vendor_id", "customer_id", "package_id", "status", "channel", "uses",
        "uses_left", "bought_at", "expires_at",
    ),
    "membership_plans": ("id", "vendor_id", "name", "price", "period"),
    "memberships": (
        "id", "vendor_id", "customer_id", "plan_id", "status", "channel", "started_at",
        "period_starts_at", "period_ends_at", "ended_at",
    ),
    "coupons": ("id", "vendor_id", "code", "kind", "value", "starts_at", "ends_at"),
    "customer_interests": (
        "id", "vendor_id", "customer_id", "kind", "item_id", "category_id", "times", "spent",
        "last_at",
    ),
    "tasks": ("id", "vendor_id", "customer_id", "kind", "status", "due_at", "done_at"),
    "tags": ("id", "vendor_id", "name"),
    "customer_tags": ("id", "vendor_id", "customer_id", "tag_id"),
}  # fmt: skip

PLAIN = (
    "customers", "addresses", "customer_preferences", "preferred_categories",
    "customer_merges", "tags", "customer_tags", "customer_interests", "services", "staff_members",
    "products", "variants", "packages", "package_holdings", "membership_plans", "memberships",
    "coupons", "bookings", "orders", "order_lines", "tasks", "saved_views", "bulk_jobs",
    "bulk_rows", "import_jobs", "import_rows", "outbox_messages", "counters",
)  # fmt: skip

GATE_READS = {
    "users": ("id", "email", "name", "role", "password_hash", "is_active"),
    "vendor_users": ("id", "vendor_id", "user_id", "role", "staff_member_id"),
    "vendors": ("id", "slug", "name", "kind", "status", "country", "time_zone", "city"),
}

GATE_WRITES = ("login_sessions", "api_tokens", "one_time_links", "sign_in_attempts")


def upgrade() -> None:
    for table in PLAIN:
        protect(table, analyst=FIGURES.get(table, ()))

    protect("consents", vendor=APPEND, admin=APPEND)
    for role in ("app_vendor", "app_admin"):
        grant("consents", role, "UPDATE", ["customer_id"])  # a merge moves them

    protect("audit_entries", vendor="SELECT", admin="SELECT")
    policy("audit_entries", "app_audit")
    grant("audit_entries", "app_audit", "SELECT, INSERT, UPDATE")

    protect(
        "vendors",
        vendor="SELECT",
        analyst=("id", "slug", "name", "kind", "status", "country", "time_zone", "city"),
        key="id",
    )
    grant(
        "vendors", "app_vendor", "UPDATE",
        ["name", "time_zone", "city", "email", "phone", "updated_at"],
    )  # fmt: skip

    secure("people")
    policy("people", "app_admin")
    grant("people", "app_admin", ALL)

    secure("categories")
    for role in ("app_vendor", "app_admin", "app_analyst"):
        policy("categories", role, verb="ALL" if role == "app_admin" else "SELECT")
        grant("categories", role, ALL if role == "app_admin" else "SELECT")

    protect("vendor_users")
    protect("api_tokens", vendor="SELECT, UPDATE")

    secure("users")
    policy("users", "app_admin")
    grant("users", "app_admin", ALL)
    policy(
        "users", "app_vendor", verb="SELECT",
        using=f"id = {OWN_USER} OR EXISTS"
        " (SELECT 1 FROM vendor_users v WHERE v.user_id = users.id)",
    )  # fmt: skip
    policy("users", "app_vendor", verb="UPDATE", using=f"id = {OWN_USER}")
    policy("users", "app_analyst", f"id = {OWN_USER}", verb="SELECT")
    policy("users", "app_analyst", f"id = {OWN_USER}", verb="UPDATE")
    for role in ("app_vendor", "app_analyst"):
        columns = ["id", "email", "name", "role", "is_active", "created_at", "updated_at"]
        grant("users", role, "SELECT", columns)
        grant("users", role, "UPDATE", ["name", "updated_at"])

    for table, columns in GATE_READS.items():
        policy(table, "app_gate", verb="SELECT")
        grant(table, "app_gate", "SELECT", columns)
    grant("users", "app_gate", "UPDATE", ["password_hash", "updated_at"])
    policy("users", "app_gate", verb="UPDATE")
    for table in GATE_WRITES:
        if table != "api_tokens":
            secure(table)
        policy(table, "app_gate")
        grant(table, "app_gate", "SELECT, INSERT, UPDATE")
    for role in ("app_vendor", "app_admin", "app_analyst"):
        policy("login_sessions", role, f"user_id = {OWN_USER}")
        grant("login_sessions", role, "SELECT")
        grant("login_sessions", role, "UPDATE", ["ended_at", "vendor_id"])
    policy("one_time_links", "app_admin")
    grant("one_time_links", "app_admin", APPEND)
    policy("one_time_links", "app_vendor", verb="INSERT",
           using=f"EXISTS (SELECT 1 FROM vendor_users v WHERE v.user_id = one_time_links.user_id"
           f" AND v.vendor_id = {OWN_VENDOR})")  # fmt: skip
    grant("one_time_links", "app_vendor", "INSERT")
    policy("sign_in_attempts", "app_admin", verb="SELECT")
    grant("sign_in_attempts", "app_admin", "SELECT")


def downgrade() -> None:
    op.execute(
        """
        DO $$ DECLARE p record; t record; BEGIN
          FOR p IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'public' LOOP
            EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename);
          END LOOP;
          FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                   AND tablename <> 'alembic_version' LOOP
            EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', t.tablename);
            EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t.tablename);
          END LOOP;
        END $$
        """
    )
    for role in (*ACTING_ROLES, "app_audit"):
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
