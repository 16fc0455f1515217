"""The shared relational schema: vendors, people, customers, what they book, buy and hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import make_roles

revision, down_revision = "0001", None

TABLES = (
    "audit_entries",
    "categories",
    "people",
    "sign_in_attempts",
    "users",
    "vendors",
    "api_tokens",
    "bulk_jobs",
    "counters",
    "coupons",
    "customers",
    "import_jobs",
    "login_sessions",
    "membership_plans",
    "one_time_links",
    "outbox_messages",
    "products",
    "saved_views",
    "services",
    "staff_members",
    "tags",
    "addresses",
    "bookings",
    "bulk_rows",
    "consents",
    "customer_interests",
    "customer_merges",
    "customer_preferences",
    "customer_tags",
    "import_rows",
    "memberships",
    "orders",
    "packages",
    "preferred_categories",
    "tasks",
    "variants",
    "vendor_users",
    "order_lines",
    "package_holdings",
)


def upgrade() -> None:
    make_roles()
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("old", postgresql.JSONB(), nullable=True),
        sa.Column("new", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "action IN ('create', 'update', 'delete')", name="ck_audit_entries_action_known"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index(
        "ix_audit_entries_table_name_row_id_id",
        "audit_entries",
        ["table_name", "row_id", "id"],
        unique=False,
    )
    op.create_index("ix_audit_entries_user_id_id", "audit_entries", ["user_id", "id"], unique=False)
    op.create_index(
        "ix_audit_entries_vendor_id_customer_id_id",
        "audit_entries",
        ["vendor_id", "customer_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_audit_entries_vendor_id_id", "audit_entries", ["vendor_id", "id"], unique=False
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('service', 'product', 'package')", name="ck_categories_kind_known"
        ),
        sa.CheckConstraint("parent_id <> id", name="ck_categories_parent_is_another"),
        sa.ForeignKeyConstraint(
            ["parent_id", "kind"],
            ["categories.id", "categories.kind"],
            name="fk_categories_parent_id_kind_categories",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
        sa.UniqueConstraint("id", "kind", name="uq_categories_id_kind"),
        sa.UniqueConstraint(
            "kind",
            "parent_id",
            "name",
            name="uq_categories_kind_parent_id_name",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_categories_parent_id_kind", "categories", ["parent_id", "kind"], unique=False
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="verified, lower case"),
        sa.Column("phone", sa.Text(), nullable=True, comment="verified, E.164"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("email", name="uq_people_email"),
        sa.UniqueConstraint("phone", name="uq_people_phone"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempts"),
    )
    op.create_index(
        "ix_sign_in_attempts_address_at", "sign_in_attempts", ["address", "at"], unique=False
    )
    op.create_index(
        "ix_sign_in_attempts_email_at", "sign_in_attempts", ["email", "at"], unique=False
    )
    op.create_table(
        "users",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True, start=2),
            nullable=False,
            comment="1 is the user `system`, as whom tasks and the command line act",
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('admin', 'analyst', 'system')", name="ck_users_role_known"),
        sa.CheckConstraint("email = lower(email)", name="ck_users_email_is_lower_case"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "vendors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="other", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column(
            "time_zone", sa.Text(), nullable=False, comment="IANA name, such as Europe/Lisbon"
        ),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_vendors_country_is_iso"),
        sa.CheckConstraint(
            "kind IN ('salon', 'clinic', 'pet_shop', 'gym', 'store', 'lab', 'other')",
            name="ck_vendors_kind_known",
        ),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="ck_vendors_slug_is_an_address"
        ),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'closed')", name="ck_vendors_status_known"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vendors"),
        sa.UniqueConstraint("slug", name="uq_vendors_slug"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_api_tokens_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"], unique=False)
    op.create_index("ix_api_tokens_vendor_id", "api_tokens", ["vendor_id"], unique=False)
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=True,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skipped_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('add_tag', 'remove_tag', 'set_status', 'create_task')",
            name="ck_bulk_jobs_kind_known",
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'undoing', 'undone')",
            name="ck_bulk_jobs_status_known",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bulk_jobs_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_bulk_jobs_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_jobs"),
    )
    op.create_index("ix_bulk_jobs_user_id_id", "bulk_jobs", ["user_id", "id"], unique=False)
    op.create_index("ix_bulk_jobs_vendor_id_id", "bulk_jobs", ["vendor_id", "id"], unique=False)
    op.create_table(
        "counters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_counters_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_counters"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_counters_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "series", name="uq_counters_vendor_id_series"),
    )
    op.create_table(
        "coupons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="percent", nullable=False),
        sa.Column("value", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_redemptions", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "code = upper(btrim(code)) AND code <> ''", name="ck_coupons_code_is_normal"
        ),
        sa.CheckConstraint("kind IN ('percent', 'amount')", name="ck_coupons_kind_known"),
        sa.CheckConstraint(
            "value > 0 AND (kind <> 'percent' OR value <= 100)", name="ck_coupons_value_fits"
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ck_coupons_ends_after_start"),
        sa.CheckConstraint("max_redemptions > 0", name="ck_coupons_max_redemptions_are_positive"),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_coupons_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_coupons"),
        sa.UniqueConstraint("vendor_id", "code", name="uq_coupons_vendor_id_code"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_coupons_vendor_id_id"),
    )
    op.create_index(
        "ix_coupons_vendor_id_ends_at", "coupons", ["vendor_id", "ends_at"], unique=False
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="NFKC, lower case"),
        sa.Column("phone", sa.Text(), nullable=True, comment="E.164"),
        sa.Column("phone_2", sa.Text(), nullable=True, comment="E.164"),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("channel", sa.Text(), server_default="walk_in", nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True, comment="IANA name; empty: the vendor's"),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anonymised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("visit_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("no_show_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("order_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "services_spent", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column(
            "products_spent", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column(
            "total_spent", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("last_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_activity_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sort_name", sa.Text(), server_default="", nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "array_to_tsvector(array_remove(string_to_array('#' || vendor_id::text || ' ' || search_text, ' '), ''))",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_customers_channel_known",
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'pending_follow_up')",
            name="ck_customers_status_known",
        ),
        sa.CheckConstraint("no_show_count >= 0", name="ck_customers_no_show_count_not_negative"),
        sa.CheckConstraint(
            "num_nonnulls(full_name, company, email, phone) > 0 OR anonymised_at IS NOT NULL",
            name="ck_customers_has_a_name_or_contact",
        ),
        sa.CheckConstraint("order_count >= 0", name="ck_customers_order_count_not_negative"),
        sa.CheckConstraint("visit_count >= 0", name="ck_customers_visit_count_not_negative"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_customers_person_id_people"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "merged_into_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customers_vendor_id_merged_into_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_customers_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_customers_vendor_id_id"),
    )
    op.create_index(
        "ix_customers_channel",
        "customers",
        ["channel", sa.literal_column("last_activity_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_last_activity",
        "customers",
        [sa.literal_column("last_activity_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_person_id",
        "customers",
        ["person_id"],
        unique=False,
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_archived",
        "customers",
        ["id"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_search",
        "customers",
        ["search"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "256"},
    )
    op.create_index(
        "ix_customers_sort_name",
        "customers",
        ["sort_name", "id"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_status",
        "customers",
        ["status", sa.literal_column("last_activity_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_vendor_channel",
        "customers",
        [
            "vendor_id",
            "channel",
            sa.literal_column("last_activity_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_vendor_id_birthday_sort_name",
        "customers",
        ["vendor_id", "birthday", "sort_name"],
        unique=False,
    )
    op.create_index(
        "ix_customers_vendor_id_email",
        "customers",
        ["vendor_id", "email"],
        unique=False,
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_vendor_id_merged_into_id",
        "customers",
        ["vendor_id", "merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_vendor_id_phone",
        "customers",
        ["vendor_id", "phone"],
        unique=False,
        postgresql_where=sa.text("phone IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_vendor_id_phone_2",
        "customers",
        ["vendor_id", "phone_2"],
        unique=False,
        postgresql_where=sa.text("phone_2 IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_vendor_last_activity",
        "customers",
        ["vendor_id", sa.literal_column("last_activity_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_vendor_sort_name",
        "customers",
        ["vendor_id", "sort_name", "id"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_customers_vendor_status",
        "customers",
        [
            "vendor_id",
            "status",
            sa.literal_column("last_activity_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "import_jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column(
            "stored_as", sa.Text(), nullable=False, comment="name of the kept file below var/files"
        ),
        sa.Column("checksum", sa.Text(), nullable=False, comment="SHA-256 of the file"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("delimiter", sa.Text(), nullable=True),
        sa.Column("header", postgresql.JSONB(), nullable=False),
        sa.Column("samples", postgresql.JSONB(), nullable=False),
        sa.Column(
            "mapping", postgresql.JSONB(), nullable=False, comment="header -> field, null: left out"
        ),
        sa.Column("strategy", sa.Text(), server_default="fill", nullable=False),
        sa.Column(
            "match_by",
            postgresql.JSONB(),
            nullable=False,
            comment="of: email, phone, name_birthday",
        ),
        sa.Column("total_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("progress", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tried", postgresql.JSONB(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True, comment="why the whole file is refused"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('uploaded', 'mapped', 'tried', 'importing', 'completed', 'failed', 'undone')",
            name="ck_import_jobs_status_known",
        ),
        sa.CheckConstraint(
            "strategy IN ('fill', 'overwrite', 'skip')", name="ck_import_jobs_strategy_known"
        ),
        sa.CheckConstraint("progress >= 0", name="ck_import_jobs_progress_not_negative"),
        sa.CheckConstraint("total_rows >= 0", name="ck_import_jobs_total_rows_not_negative"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_import_jobs_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_import_jobs_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_jobs"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_import_jobs_vendor_id_id"),
    )
    op.create_index("ix_import_jobs_user_id", "import_jobs", ["user_id"], unique=False)
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_login_sessions_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_login_sessions_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_login_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_login_sessions_token_hash"),
    )
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"], unique=False)
    op.create_index("ix_login_sessions_vendor_id", "login_sessions", ["vendor_id"], unique=False)
    op.create_table(
        "membership_plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("period", sa.Text(), server_default="month", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "period IN ('week', 'month', 'year')", name="ck_membership_plans_period_known"
        ),
        sa.CheckConstraint("price >= 0", name="ck_membership_plans_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_membership_plans_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_membership_plans"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_membership_plans_vendor_id_id"),
    )
    op.create_index(
        "ix_membership_plans_vendor_id_name",
        "membership_plans",
        ["vendor_id", "name"],
        unique=False,
    )
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('invite', 'reset')", name="ck_one_time_links_purpose_known"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_one_time_links_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_links"),
        sa.UniqueConstraint("token_hash", name="uq_one_time_links_token_hash"),
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"], unique=False)
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=True,
        ),
        sa.Column("task", sa.Text(), nullable=False, comment="module path of the Celery task"),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_outbox_messages_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_messages"),
    )
    op.create_index("ix_outbox_messages_vendor_id", "outbox_messages", ["vendor_id"], unique=False)
    op.create_index(
        "ix_outbox_messages_waiting",
        "outbox_messages",
        ["available_at", "id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'archived')", name="ck_products_status_known"
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_products_category_id_categories"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_products_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_products_vendor_id_id"),
    )
    op.create_index("ix_products_category_id", "products", ["category_id"], unique=False)
    op.create_index(
        "ix_products_vendor_id_category_id", "products", ["vendor_id", "category_id"], unique=False
    )
    op.create_index("ix_products_vendor_id_name", "products", ["vendor_id", "name"], unique=False)
    op.create_table(
        "saved_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=True,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("screen", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "query", sa.Text(), nullable=False, comment="the address after the question mark"
        ),
        sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("name <> ''", name="ck_saved_views_name_is_given"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_saved_views_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_saved_views_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
    )
    op.create_index("ix_saved_views_user_id", "saved_views", ["user_id"], unique=False)
    op.create_index(
        "uq_saved_views_screen_name",
        "saved_views",
        ["vendor_id", "user_id", "screen", "name"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "services",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="appointment", nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("duration_minutes", sa.BigInteger(), server_default="60", nullable=False),
        sa.Column("buffer_before_minutes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("buffer_after_minutes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("capacity", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('appointment', 'class', 'lab_test', 'stay')", name="ck_services_kind_known"
        ),
        sa.CheckConstraint(
            "buffer_after_minutes >= 0", name="ck_services_buffer_after_minutes_not_negative"
        ),
        sa.CheckConstraint(
            "buffer_before_minutes >= 0", name="ck_services_buffer_before_minutes_not_negative"
        ),
        sa.CheckConstraint("capacity > 0", name="ck_services_capacity_is_positive"),
        sa.CheckConstraint("duration_minutes > 0", name="ck_services_duration_is_positive"),
        sa.CheckConstraint("price >= 0", name="ck_services_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_services_category_id_categories"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_services_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_services"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_services_vendor_id_id"),
    )
    op.create_index("ix_services_category_id", "services", ["category_id"], unique=False)
    op.create_index(
        "ix_services_vendor_id_category_id", "services", ["vendor_id", "category_id"], unique=False
    )
    op.create_index("ix_services_vendor_id_name", "services", ["vendor_id", "name"], unique=False)
    op.create_table(
        "staff_members",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_staff_members_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_members"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_staff_members_vendor_id_id"),
    )
    op.create_index(
        "ix_staff_members_vendor_id_name", "staff_members", ["vendor_id", "name"], unique=False
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "name = lower(btrim(name)) AND name <> ''", name="ck_tags_name_is_normal"
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_tags_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_tags_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "name", name="uq_tags_vendor_id_name"),
    )
    op.create_index("ix_tags_name", "tags", ["name"], unique=False)
    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("line1", sa.Text(), nullable=True),
        sa.Column("line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column(
            "city_key", sa.Text(), nullable=True, comment="the city with case and accents folded"
        ),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_addresses_country_is_iso"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_addresses_vendor_id_customer_id_customers",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_addresses"),
    )
    op.create_index(
        "ix_addresses_city_key_customer_id", "addresses", ["city_key", "customer_id"], unique=False
    )
    op.create_index(
        "ix_addresses_vendor_id_city_key_customer_id",
        "addresses",
        ["vendor_id", "city_key", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_addresses_vendor_id_customer_id",
        "addresses",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "bookings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("public_ref", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="the service's kind when it was booked"
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("channel", sa.Text(), server_default="walk_in", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_buffer_before", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("with_buffer_after", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("with_buffer_after"), "&&"),
            where=sa.text(
                "status IN ('pending', 'confirmed', 'checked_in')"
                " AND kind <> 'class' AND staff_id IS NOT NULL"
            ),
            using="gist",
            name="ex_bookings_staff_with_buffer_after",
        ),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("with_buffer_before"), "&&"),
            where=sa.text(
                "status IN ('pending', 'confirmed', 'checked_in')"
                " AND kind <> 'class' AND staff_id IS NOT NULL"
            ),
            using="gist",
            name="ex_bookings_staff_with_buffer_before",
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_bookings_channel_known",
        ),
        sa.CheckConstraint(
            "kind IN ('appointment', 'class', 'lab_test', 'stay')", name="ck_bookings_kind_known"
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'confirmed', 'checked_in', 'completed', 'cancelled', 'no_show')",
            name="ck_bookings_status_known",
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ck_bookings_ends_after_start"),
        sa.CheckConstraint("price >= 0", name="ck_bookings_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_bookings_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_bookings_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_bookings_vendor_id_staff_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_bookings_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
        sa.UniqueConstraint("public_ref", name="uq_bookings_public_ref"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_bookings_vendor_id_id"),
    )
    op.create_index("ix_bookings_starts_at", "bookings", ["starts_at"], unique=False)
    op.create_index(
        "ix_bookings_status_starts_at", "bookings", ["status", "starts_at"], unique=False
    )
    op.create_index(
        "ix_bookings_vendor_id_customer_id_starts_at",
        "bookings",
        ["vendor_id", "customer_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_bookings_vendor_id_service_id_starts_at",
        "bookings",
        ["vendor_id", "service_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_bookings_vendor_id_staff_id_starts_at",
        "bookings",
        ["vendor_id", "staff_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_bookings_vendor_id_starts_at", "bookings", ["vendor_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_bookings_vendor_id_status_starts_at",
        "bookings",
        ["vendor_id", "status", "starts_at"],
        unique=False,
    )
    op.create_table(
        "bulk_rows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'done', 'skipped', 'undone', 'kept')",
            name="ck_bulk_rows_outcome_known",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_jobs.id"], name="fk_bulk_rows_job_id_bulk_jobs"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_bulk_rows_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_bulk_rows_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_rows"),
        sa.UniqueConstraint("job_id", "customer_id", name="uq_bulk_rows_job_id_customer_id"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_bulk_rows_vendor_id_id"),
    )
    op.create_index(
        "ix_bulk_rows_job_id_outcome_id", "bulk_rows", ["job_id", "outcome", "id"], unique=False
    )
    op.create_index(
        "ix_bulk_rows_vendor_id_customer_id",
        "bulk_rows",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="where it was said: form, counter, import, link",
        ),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'push', 'phone', 'letter')",
            name="ck_consents_channel_known",
        ),
        sa.CheckConstraint(
            "purpose IN ('transactional', 'reminder', 'marketing')",
            name="ck_consents_purpose_known",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_consents_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_consents_vendor_id_customer_id_customers",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_user_id", "consents", ["user_id"], unique=False)
    op.create_index(
        "ix_consents_vendor_id_customer_id_channel_purpose_id",
        "consents",
        ["vendor_id", "customer_id", "channel", "purpose", "id"],
        unique=False,
    )
    op.create_table(
        "customer_interests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('appointment', 'class', 'lab_test', 'stay', 'product', 'package', 'membership')",
            name="ck_customer_interests_kind_known",
        ),
        sa.CheckConstraint("times >= 0", name="ck_customer_interests_times_not_negative"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_customer_interests_category_id_categories"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customer_interests_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_customer_interests_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customer_interests"),
        sa.UniqueConstraint(
            "vendor_id",
            "customer_id",
            "kind",
            "item_id",
            name="uq_customer_interests_vendor_id_customer_id_kind_item_id",
            postgresql_include=["category_id"],
        ),
        sa.UniqueConstraint("vendor_id", "id", name="uq_customer_interests_vendor_id_id"),
    )
    op.create_index(
        "ix_customer_interests_category_id_kind_customer_id",
        "customer_interests",
        ["category_id", "kind", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_interests_kind_customer_id",
        "customer_interests",
        ["kind", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_interests_kind_item_id_customer_id",
        "customer_interests",
        ["kind", "item_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_interests_vendor_id_category_id_kind_customer_id",
        "customer_interests",
        ["vendor_id", "category_id", "kind", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_interests_vendor_id_kind_customer_id",
        "customer_interests",
        ["vendor_id", "kind", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_interests_vendor_id_kind_item_id_customer_id",
        "customer_interests",
        ["vendor_id", "kind", "item_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("survivor_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("moved", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_customer_merges_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "merged_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customer_merges_vendor_id_merged_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "survivor_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customer_merges_vendor_id_survivor_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_customer_merges_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customer_merges"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_customer_merges_vendor_id_id"),
    )
    op.create_index("ix_customer_merges_user_id", "customer_merges", ["user_id"], unique=False)
    op.create_index(
        "ix_customer_merges_vendor_id_merged_id",
        "customer_merges",
        ["vendor_id", "merged_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_merges_vendor_id_survivor_id",
        "customer_merges",
        ["vendor_id", "survivor_id"],
        unique=False,
    )
    op.create_table(
        "customer_preferences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'push', 'phone', 'letter')",
            name="ck_customer_preferences_channel_known",
        ),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)",
            name="ck_customer_preferences_quiet_hours_have_both_ends",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customer_preferences_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_customer_preferences_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customer_preferences"),
        sa.UniqueConstraint(
            "vendor_id", "customer_id", name="uq_customer_preferences_vendor_id_customer_id"
        ),
        sa.UniqueConstraint("vendor_id", "id", name="uq_customer_preferences_vendor_id_id"),
    )
    op.create_table(
        "customer_tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_customer_tags_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "tag_id"],
            ["tags.vendor_id", "tags.id"],
            name="fk_customer_tags_vendor_id_tag_id_tags",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customer_tags"),
        sa.UniqueConstraint(
            "vendor_id",
            "customer_id",
            "tag_id",
            name="uq_customer_tags_vendor_id_customer_id_tag_id",
        ),
    )
    op.create_index(
        "ix_customer_tags_tag_id_customer_id",
        "customer_tags",
        ["tag_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_tags_vendor_id_tag_id_customer_id",
        "customer_tags",
        ["vendor_id", "tag_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "import_rows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=False,
            comment="1 for the first row after the header",
        ),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "code", sa.Text(), nullable=True, comment="why, such as same_person or no_identity"
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("raw", postgresql.JSONB(), nullable=True),
        sa.Column("problems", postgresql.JSONB(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("undone", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "outcome IN ('created', 'updated', 'unchanged', 'skipped_duplicate', 'invalid')",
            name="ck_import_rows_outcome_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_import_rows_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "job_id"],
            ["import_jobs.vendor_id", "import_jobs.id"],
            name="fk_import_rows_vendor_id_job_id_import_jobs",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_rows"),
        sa.UniqueConstraint(
            "vendor_id", "job_id", "position", name="uq_import_rows_vendor_id_job_id_position"
        ),
    )
    op.create_index(
        "ix_import_rows_vendor_id_customer_id",
        "import_rows",
        ["vendor_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_import_rows_vendor_id_job_id_outcome_position",
        "import_rows",
        ["vendor_id", "job_id", "outcome", "position"],
        unique=False,
        postgresql_where=sa.text("outcome <> 'created'"),
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("channel", sa.Text(), server_default="walk_in", nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("period_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_at_period_end", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_memberships_channel_known",
        ),
        sa.CheckConstraint(
            "status IN ('trialing', 'active', 'past_due', 'paused', 'ended')",
            name="ck_memberships_status_known",
        ),
        sa.CheckConstraint(
            "period_ends_at > period_starts_at", name="ck_memberships_period_ends_after_start"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_memberships_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "plan_id"],
            ["membership_plans.vendor_id", "membership_plans.id"],
            name="fk_memberships_vendor_id_plan_id_membership_plans",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_memberships_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_memberships_vendor_id_id"),
    )
    op.create_index(
        "ix_memberships_plan_id_status_customer_id",
        "memberships",
        ["plan_id", "status", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_memberships_vendor_id_customer_id",
        "memberships",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_memberships_vendor_id_plan_id_status_customer_id",
        "memberships",
        ["vendor_id", "plan_id", "status", "customer_id"],
        unique=False,
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("public_ref", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("channel", sa.Text(), server_default="walk_in", nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_orders_channel_known",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'placed', 'fulfilled', 'completed', 'cancelled')",
            name="ck_orders_status_known",
        ),
        sa.CheckConstraint("total >= 0", name="ck_orders_total_not_negative"),
        sa.CheckConstraint(
            "number IS NOT NULL OR status IN ('draft', 'cancelled')",
            name="ck_orders_number_given_when_placed",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_orders_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_orders_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("public_ref", name="uq_orders_public_ref"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_orders_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "number", name="uq_orders_vendor_id_number"),
    )
    op.create_index("ix_orders_placed_at", "orders", ["placed_at"], unique=False)
    op.create_index("ix_orders_status_placed_at", "orders", ["status", "placed_at"], unique=False)
    op.create_index(
        "ix_orders_vendor_id_customer_id_placed_at",
        "orders",
        ["vendor_id", "customer_id", "placed_at"],
        unique=False,
    )
    op.create_index(
        "ix_orders_vendor_id_placed_at", "orders", ["vendor_id", "placed_at"], unique=False
    )
    op.create_index(
        "ix_orders_vendor_id_status_placed_at",
        "orders",
        ["vendor_id", "status", "placed_at"],
        unique=False,
    )
    op.create_table(
        "packages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("price >= 0", name="ck_packages_price_not_negative"),
        sa.CheckConstraint("uses > 0", name="ck_packages_uses_are_positive"),
        sa.CheckConstraint("valid_days > 0", name="ck_packages_valid_days_are_positive"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_packages_category_id_categories"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_packages_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_packages_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_packages"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_packages_vendor_id_id"),
    )
    op.create_index("ix_packages_category_id", "packages", ["category_id"], unique=False)
    op.create_index("ix_packages_vendor_id_name", "packages", ["vendor_id", "name"], unique=False)
    op.create_index(
        "ix_packages_vendor_id_service_id", "packages", ["vendor_id", "service_id"], unique=False
    )
    op.create_table(
        "preferred_categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["categories.id"],
            name="fk_preferred_categories_category_id_categories",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_preferred_categories_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_preferred_categories_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_preferred_categories"),
        sa.UniqueConstraint(
            "vendor_id",
            "customer_id",
            "category_id",
            name="uq_preferred_categories_vendor_id_customer_id_category_id",
        ),
        sa.UniqueConstraint("vendor_id", "id", name="uq_preferred_categories_vendor_id_id"),
    )
    op.create_index(
        "ix_preferred_categories_category_id", "preferred_categories", ["category_id"], unique=False
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="follow_up", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('follow_up', 'reminder', 'delivery_check', 'replenishment')",
            name="ck_tasks_kind_known",
        ),
        sa.CheckConstraint(
            "status IN ('open', 'in_progress', 'done', 'cancelled')", name="ck_tasks_status_known"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "assignee_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_tasks_vendor_id_assignee_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_tasks_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_tasks_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_tasks_vendor_id_id"),
    )
    op.create_index("ix_tasks_status_due_at", "tasks", ["status", "due_at"], unique=False)
    op.create_index(
        "ix_tasks_vendor_id_assignee_id_status_due_at",
        "tasks",
        ["vendor_id", "assignee_id", "status", "due_at"],
        unique=False,
    )
    op.create_index(
        "ix_tasks_vendor_id_customer_id_due_at",
        "tasks",
        ["vendor_id", "customer_id", "due_at"],
        unique=False,
    )
    op.create_index(
        "ix_tasks_vendor_id_status_due_at", "tasks", ["vendor_id", "status", "due_at"], unique=False
    )
    op.create_table(
        "variants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column(
            "option", sa.Text(), nullable=True, comment="What sets it apart, such as 10 l or red"
        ),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("cost", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("replenishment_days", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("cost >= 0", name="ck_variants_cost_not_negative"),
        sa.CheckConstraint("price >= 0", name="ck_variants_price_not_negative"),
        sa.CheckConstraint(
            "replenishment_days > 0", name="ck_variants_replenishment_days_are_positive"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "product_id"],
            ["products.vendor_id", "products.id"],
            name="fk_variants_vendor_id_product_id_products",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_variants_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_variants"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_variants_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "sku", name="uq_variants_vendor_id_sku"),
    )
    op.create_index(
        "ix_variants_vendor_id_barcode", "variants", ["vendor_id", "barcode"], unique=False
    )
    op.create_index(
        "ix_variants_vendor_id_product_id", "variants", ["vendor_id", "product_id"], unique=False
    )
    op.create_table(
        "vendor_users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("staff_member_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('manager', 'staff')", name="ck_vendor_users_role_known"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_vendor_users_user_id_users"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_member_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_vendor_users_vendor_id_staff_member_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_vendor_users_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vendor_users"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_vendor_users_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "user_id", name="uq_vendor_users_vendor_id_user_id"),
    )
    op.create_index("ix_vendor_users_user_id", "vendor_users", ["user_id"], unique=False)
    op.create_index(
        "ix_vendor_users_vendor_id_staff_member_id",
        "vendor_users",
        ["vendor_id", "staff_member_id"],
        unique=False,
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("package_id", sa.BigInteger(), nullable=True),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "discount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("price_steps", postgresql.JSONB(), nullable=True, comment="why this price"),
        sa.CheckConstraint(
            "(variant_id IS NOT NULL) = (kind = 'product') AND (service_id IS NOT NULL) = (kind = 'service') AND (package_id IS NOT NULL) = (kind = 'package') AND (plan_id IS NOT NULL) = (kind = 'membership')",
            name="ck_order_lines_item_fits_kind",
        ),
        sa.CheckConstraint(
            "kind IN ('product', 'service', 'package', 'membership', 'fee', 'tip')",
            name="ck_order_lines_kind_known",
        ),
        sa.CheckConstraint("discount >= 0", name="ck_order_lines_discount_not_negative"),
        sa.CheckConstraint("quantity > 0", name="ck_order_lines_quantity_is_positive"),
        sa.CheckConstraint(
            "total = unit_price * quantity - discount", name="ck_order_lines_total_adds_up"
        ),
        sa.CheckConstraint("total >= 0", name="ck_order_lines_total_not_negative"),
        sa.CheckConstraint("unit_price >= 0", name="ck_order_lines_unit_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_order_lines_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "package_id"],
            ["packages.vendor_id", "packages.id"],
            name="fk_order_lines_vendor_id_package_id_packages",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "plan_id"],
            ["membership_plans.vendor_id", "membership_plans.id"],
            name="fk_order_lines_vendor_id_plan_id_membership_plans",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_order_lines_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "variant_id"],
            ["variants.vendor_id", "variants.id"],
            name="fk_order_lines_vendor_id_variant_id_variants",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_order_lines_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_order_lines_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id", "order_id", "position", name="uq_order_lines_vendor_id_order_id_position"
        ),
    )
    op.create_index(
        "ix_order_lines_vendor_id_package_id",
        "order_lines",
        ["vendor_id", "package_id"],
        unique=False,
    )
    op.create_index(
        "ix_order_lines_vendor_id_plan_id", "order_lines", ["vendor_id", "plan_id"], unique=False
    )
    op.create_index(
        "ix_order_lines_vendor_id_service_id",
        "order_lines",
        ["vendor_id", "service_id"],
        unique=False,
    )
    op.create_index(
        "ix_order_lines_vendor_id_variant_id",
        "order_lines",
        ["vendor_id", "variant_id"],
        unique=False,
    )
    op.create_table(
        "package_holdings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id",
            sa.BigInteger(),
            server_default=sa.text("NULLIF(current_setting('app.vendor_id', true), '')::bigint"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("package_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("channel", sa.Text(), server_default="walk_in", nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("uses_left", sa.BigInteger(), nullable=False),
        sa.Column(
            "bought_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_package_holdings_channel_known",
        ),
        sa.CheckConstraint(
            "status IN ('active', 'used_up', 'expired', 'cancelled')",
            name="ck_package_holdings_status_known",
        ),
        sa.CheckConstraint(
            "uses_left BETWEEN 0 AND uses", name="ck_package_holdings_uses_left_within_uses"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_package_holdings_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "package_id"],
            ["packages.vendor_id", "packages.id"],
            name="fk_package_holdings_vendor_id_package_id_packages",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_package_holdings_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_package_holdings"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_package_holdings_vendor_id_id"),
    )
    op.create_index(
        "ix_package_holdings_package_id_status_customer_id",
        "package_holdings",
        ["package_id", "status", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_package_holdings_vendor_id_customer_id",
        "package_holdings",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_package_holdings_vendor_id_package_id_status_customer_id",
        "package_holdings",
        ["vendor_id", "package_id", "status", "customer_id"],
        unique=False,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
