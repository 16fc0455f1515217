"""Loyalty: programmes, tiers, rules and rewards; points in lots, with a ledger that adds up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import ALL, CURRENT_VENDOR, audit, grant, protect

revision, down_revision = "0034", "0033"

CURRENT_USER = "NULLIF(current_setting('app.user_id', true), '')::bigint"
HEAD = "LANGUAGE plpgsql SET search_path = pg_catalog, public"

TABLES = (
    "loyalty_programs", "loyalty_tiers", "loyalty_rules", "rewards", "loyalty_accounts",
    "loyalty_lots", "reward_redemptions", "loyalty_entries", "tier_changes",
)  # fmt: skip
CATALOGUE = ("loyalty_programs", "loyalty_tiers", "loyalty_rules", "rewards")
"""What managers write, and the trail tells of; what is written beside it tells of itself."""

VERBS = {
    "loyalty_accounts": "SELECT, INSERT, UPDATE",
    "loyalty_lots": "SELECT, INSERT, UPDATE",
    "reward_redemptions": "SELECT, INSERT, UPDATE",
    "loyalty_entries": "SELECT, INSERT",
    "tier_changes": "SELECT, INSERT",
}

FIGURES = {
    "loyalty_programs": ("id", "vendor_id", "name", "points_per", "point_value", "is_active"),
    "loyalty_tiers": ("id", "vendor_id", "program_id", "name", "spend_from", "multiplier"),
    "loyalty_rules": ("id", "vendor_id", "program_id", "name", "earned_by", "multiplier", "bonus"),
    "rewards": ("id", "vendor_id", "program_id", "name", "kind", "points"),
    "loyalty_accounts": (
        "id", "vendor_id", "program_id", "points", "pending", "tier_id", "created_at",
    ),
    "loyalty_lots": (
        "id", "vendor_id", "account_id", "source", "granted", "remaining", "pending", "spend",
        "earned_at", "matures_at", "expires_at",
    ),
    "reward_redemptions": (
        "id", "vendor_id", "account_id", "reward_id", "order_id", "status", "points", "worth",
        "held_at", "redeemed_at", "undone_at",
    ),
    "loyalty_entries": (
        "id", "vendor_id", "account_id", "kind", "points", "pending", "spend", "lot_id", "order_id",
        "booking_id", "redemption_id", "at",
    ),
    "tier_changes": ("id", "vendor_id", "account_id", "tier_id", "was_id", "spend", "why", "at"),
}  # fmt: skip
"""What a report may read; nothing of it says who a customer is."""

COUNTED = {"loyalty_accounts": ("points", "pending"),
           "loyalty_lots": ("remaining", "pending", "spend")}  # fmt: skip

POINTS = """
BEGIN
  PERFORM FROM loyalty_accounts WHERE id IN (SELECT account_id FROM new_rows) ORDER BY id
  FOR NO KEY UPDATE;
  PERFORM FROM loyalty_lots WHERE id IN (SELECT lot_id FROM new_rows) ORDER BY id
  FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT FROM new_rows n JOIN loyalty_lots l ON l.id = n.lot_id
    WHERE n.kind IN ('hold', 'redeem') AND l.expires_at <= n.at
  ) THEN
    RAISE check_violation USING MESSAGE = 'these points have expired', TABLE = TG_TABLE_NAME,
      CONSTRAINT = 'ck_loyalty_entries_spends_what_has_not_expired';
  END IF;
  IF EXISTS (
    SELECT FROM new_rows n JOIN loyalty_lots l ON l.id = n.lot_id
    WHERE n.account_id <> l.account_id AND n.kind <> 'transfer'
  ) THEN
    RAISE check_violation USING MESSAGE = 'these points are another account''s',
      TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_loyalty_entries_lot_is_the_accounts';
  END IF;
  UPDATE loyalty_lots l SET remaining = l.remaining + moved.points,
    pending = l.pending + moved.pending, spend = l.spend + moved.spend
  FROM (
    SELECT lot_id, sum(points) AS points, sum(pending) AS pending, sum(spend) AS spend
    FROM new_rows GROUP BY lot_id
  ) AS moved
  WHERE l.id = moved.lot_id;
  UPDATE loyalty_accounts a SET points = a.points + moved.points,
    pending = a.pending + moved.pending
  FROM (
    SELECT account_id, sum(points) AS points, sum(pending) AS pending
    FROM new_rows GROUP BY account_id
  ) AS moved
  WHERE a.id = moved.account_id;
  RETURN NULL;
END
"""
APPEND_ONLY = """
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'reason' IS DISTINCT FROM to_jsonb(OLD) - 'reason' THEN
    RAISE check_violation USING MESSAGE = 'what is in this book stays', TABLE = TG_TABLE_NAME,
      CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_append_only';
  END IF;
  RETURN NEW;
END
"""


def upgrade() -> None:
    _tables()
    for table in TABLES:
        verbs = VERBS.get(table, ALL)
        protect(table, vendor=verbs, admin=verbs, analyst=FIGURES[table])
        if table in CATALOGUE:
            audit(table)
    for role in ("app_vendor", "app_admin"):  # words about a person are forgotten with them
        grant("loyalty_entries", role, "UPDATE", ["reason"])
    op.execute(f"CREATE FUNCTION points_are_counted() RETURNS trigger {HEAD} AS $${POINTS}$$")
    op.execute(
        "CREATE TRIGGER is_counted AFTER INSERT ON loyalty_entries REFERENCING NEW TABLE AS"
        " new_rows FOR EACH STATEMENT EXECUTE FUNCTION points_are_counted()"
    )
    op.execute(f"CREATE FUNCTION book_stays() RETURNS trigger {HEAD} AS $${APPEND_ONLY}$$")
    for table in ("loyalty_entries", "tier_changes"):
        op.execute(
            f"CREATE TRIGGER book_stays BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION book_stays()"
        )
    _guard()


def _guard() -> None:
    for table, columns in COUNTED.items():
        listed = ", ".join(columns)
        olds, news = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        zeros = ", ".join("0" for _ in columns)
        for event, condition in (
            (f"UPDATE OF {listed}", f"({olds}) IS DISTINCT FROM ({news})"),
            ("INSERT", f"({news}) IS DISTINCT FROM ({zeros})"),
        ):
            op.execute(
                f"CREATE TRIGGER counted_not_written_{event.split()[0].lower()} BEFORE {event}"
                f" ON {table} FOR EACH ROW WHEN ({condition})"
                " EXECUTE FUNCTION counted_not_written()"
            )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION points_are_counted()")
    op.execute("DROP FUNCTION book_stays()")


def _tables() -> None:
    op.create_table(
        "loyalty_programs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "points_per",
            sa.Numeric(precision=10, scale=4),
            server_default="1",
            nullable=False,
            comment="points for 1.00 of money",
        ),
        sa.Column("rounding", sa.Text(), server_default="down", nullable=False),
        sa.Column(
            "min_spend", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("on_tax", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("on_shipping", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("return_days", sa.BigInteger(), server_default="14", nullable=False),
        sa.Column("expiry", sa.Text(), server_default="never", nullable=False),
        sa.Column("expiry_days", sa.BigInteger(), nullable=True),
        sa.Column("lowest", sa.BigInteger(), server_default="-10000", nullable=False),
        sa.Column(
            "point_value", sa.Numeric(precision=12, scale=4), server_default="0.01", nullable=False
        ),
        sa.Column("window_days", sa.BigInteger(), server_default="365", nullable=False),
        sa.Column("grace_days", sa.BigInteger(), server_default="30", nullable=False),
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
            "(expiry = 'days') = (expiry_days IS NOT NULL)",
            name="ck_loyalty_programs_expiry_days_fit_the_expiry",
        ),
        sa.CheckConstraint(
            "expiry IN ('never', 'days', 'month_end', 'year_end')",
            name="ck_loyalty_programs_expiry_known",
        ),
        sa.CheckConstraint(
            "rounding IN ('down', 'nearest', 'up')", name="ck_loyalty_programs_rounding_known"
        ),
        sa.CheckConstraint(
            "expiry_days BETWEEN 1 AND 36500", name="ck_loyalty_programs_expiry_days_fit"
        ),
        sa.CheckConstraint(
            "grace_days BETWEEN 0 AND 3650", name="ck_loyalty_programs_grace_days_fit"
        ),
        sa.CheckConstraint(
            "lowest BETWEEN -1000000000 AND 0", name="ck_loyalty_programs_lowest_fits"
        ),
        sa.CheckConstraint("min_spend >= 0", name="ck_loyalty_programs_min_spend_not_negative"),
        sa.CheckConstraint(
            "point_value BETWEEN 0 AND 10000", name="ck_loyalty_programs_point_value_fits"
        ),
        sa.CheckConstraint(
            "points_per BETWEEN 0 AND 10000", name="ck_loyalty_programs_points_per_fit"
        ),
        sa.CheckConstraint(
            "return_days BETWEEN 0 AND 3650", name="ck_loyalty_programs_return_days_fit"
        ),
        sa.CheckConstraint(
            "window_days BETWEEN 1 AND 3650", name="ck_loyalty_programs_window_days_fit"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_programs_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_programs"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_programs_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "name", name="uq_loyalty_programs_vendor_id_name"),
    )
    op.create_table(
        "loyalty_tiers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spend_from", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "multiplier", sa.Numeric(precision=6, scale=3), server_default="1", nullable=False
        ),
        sa.Column("benefits", sa.Text(), nullable=True),
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
        sa.CheckConstraint("multiplier BETWEEN 1 AND 100", name="ck_loyalty_tiers_multiplier_fits"),
        sa.CheckConstraint(
            "spend_from BETWEEN 0 AND 9999999999.99", name="ck_loyalty_tiers_spend_from_fits"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "program_id"],
            ["loyalty_programs.vendor_id", "loyalty_programs.id"],
            name="fk_loyalty_tiers_vendor_id_program_id_loyalty_programs",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_tiers_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_tiers"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_tiers_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id", "program_id", "name", name="uq_loyalty_tiers_vendor_id_program_id_name"
        ),
        sa.UniqueConstraint(
            "vendor_id",
            "program_id",
            "spend_from",
            name="uq_loyalty_tiers_vendor_id_program_id_spend_from",
        ),
    )
    op.create_table(
        "loyalty_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tier_id", sa.BigInteger(), nullable=True),
        sa.Column("tier_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("qualified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tier_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(tier_id IS NULL) = (tier_until IS NULL) AND (tier_id IS NULL) = (tier_since IS NULL) AND (tier_id IS NULL) = (qualified_at IS NULL)",
            name="ck_loyalty_accounts_tier_has_its_times",
        ),
        sa.CheckConstraint("pending >= 0", name="ck_loyalty_accounts_pending_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_loyalty_accounts_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "program_id"],
            ["loyalty_programs.vendor_id", "loyalty_programs.id"],
            name="fk_loyalty_accounts_vendor_id_program_id_loyalty_programs",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "tier_id"],
            ["loyalty_tiers.vendor_id", "loyalty_tiers.id"],
            name="fk_loyalty_accounts_vendor_id_tier_id_loyalty_tiers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_accounts_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_accounts"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_accounts_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id",
            "program_id",
            "customer_id",
            name="uq_loyalty_accounts_vendor_id_program_id_customer_id",
        ),
    )
    op.create_index(
        "ix_loyalty_accounts_vendor_id_customer_id",
        "loyalty_accounts",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_accounts_vendor_id_program_id_checked_at",
        "loyalty_accounts",
        ["vendor_id", "program_id", "checked_at"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_accounts_vendor_id_tier_id",
        "loyalty_accounts",
        ["vendor_id", "tier_id"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_accounts_vendor_id_tier_until",
        "loyalty_accounts",
        ["vendor_id", "tier_until"],
        unique=False,
        postgresql_where=sa.text("tier_until IS NOT NULL"),
    )
    op.create_table(
        "loyalty_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("earned_by", sa.Text(), server_default="purchase", nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("multiplier", sa.Numeric(precision=6, scale=3), nullable=True),
        sa.Column("bonus", sa.BigInteger(), nullable=True),
        sa.Column("within_days", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
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
            "(earned_by = 'purchase') = (multiplier IS NOT NULL) AND (earned_by = 'purchase') = (bonus IS NULL)",
            name="ck_loyalty_rules_gives_what_fits",
        ),
        sa.CheckConstraint(
            "(earned_by = 'rebooking') = (within_days IS NOT NULL)",
            name="ck_loyalty_rules_within_days_of_a_visit",
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_loyalty_rules_channel_known",
        ),
        sa.CheckConstraint(
            "earned_by <> 'birthday' OR num_nonnulls(category_id, service_id, channel) = 0",
            name="ck_loyalty_rules_birthdays_are_about_nothing",
        ),
        sa.CheckConstraint(
            "earned_by IN ('purchase', 'visit', 'rebooking', 'birthday')",
            name="ck_loyalty_rules_earned_by_known",
        ),
        sa.CheckConstraint(
            "product_id IS NULL OR earned_by = 'purchase'",
            name="ck_loyalty_rules_products_are_purchased",
        ),
        sa.CheckConstraint("bonus BETWEEN 1 AND 1000000000", name="ck_loyalty_rules_bonus_fits"),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_loyalty_rules_ends_after_start"),
        sa.CheckConstraint("multiplier BETWEEN 0 AND 100", name="ck_loyalty_rules_multiplier_fits"),
        sa.CheckConstraint(
            "num_nonnulls(category_id, service_id, product_id) <= 1",
            name="ck_loyalty_rules_is_about_one_thing",
        ),
        sa.CheckConstraint(
            "within_days BETWEEN 0 AND 365", name="ck_loyalty_rules_within_days_fit"
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_loyalty_rules_category_id_categories"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "product_id"],
            ["products.vendor_id", "products.id"],
            name="fk_loyalty_rules_vendor_id_product_id_products",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "program_id"],
            ["loyalty_programs.vendor_id", "loyalty_programs.id"],
            name="fk_loyalty_rules_vendor_id_program_id_loyalty_programs",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_loyalty_rules_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_rules_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_rules"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_rules_vendor_id_id"),
    )
    op.create_index(
        "ix_loyalty_rules_category_id",
        "loyalty_rules",
        ["category_id"],
        unique=False,
        postgresql_where=sa.text("category_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_rules_vendor_id_product_id",
        "loyalty_rules",
        ["vendor_id", "product_id"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_rules_vendor_id_program_id",
        "loyalty_rules",
        ["vendor_id", "program_id"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_rules_vendor_id_service_id",
        "loyalty_rules",
        ["vendor_id", "service_id"],
        unique=False,
        postgresql_where=sa.text("service_id IS NOT NULL"),
    )
    op.create_table(
        "rewards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="amount", nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "min_spend", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
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
            "(amount IS NOT NULL) = (kind = 'amount') AND (percent IS NOT NULL) = (kind = 'percent') AND (product_id IS NOT NULL) = (kind = 'product') AND (service_id IS NOT NULL) = (kind = 'service')",
            name="ck_rewards_gives_what_fits",
        ),
        sa.CheckConstraint(
            "kind IN ('amount', 'percent', 'product', 'service')", name="ck_rewards_kind_known"
        ),
        sa.CheckConstraint("amount BETWEEN 0.01 AND 9999999999.99", name="ck_rewards_amount_fits"),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_rewards_ends_after_start"),
        sa.CheckConstraint("min_spend >= 0", name="ck_rewards_min_spend_not_negative"),
        sa.CheckConstraint(
            "percent > 0 AND percent <= 100", name="ck_rewards_percent_is_a_percentage"
        ),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000000", name="ck_rewards_points_fit"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "product_id"],
            ["products.vendor_id", "products.id"],
            name="fk_rewards_vendor_id_product_id_products",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "program_id"],
            ["loyalty_programs.vendor_id", "loyalty_programs.id"],
            name="fk_rewards_vendor_id_program_id_loyalty_programs",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_rewards_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_rewards_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_rewards"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_rewards_vendor_id_id"),
    )
    op.create_index(
        "ix_rewards_vendor_id_product_id",
        "rewards",
        ["vendor_id", "product_id"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
    op.create_index(
        "ix_rewards_vendor_id_program_id", "rewards", ["vendor_id", "program_id"], unique=False
    )
    op.create_index(
        "ix_rewards_vendor_id_service_id",
        "rewards",
        ["vendor_id", "service_id"],
        unique=False,
        postgresql_where=sa.text("service_id IS NOT NULL"),
    )
    op.create_table(
        "reward_redemptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="held", nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("worth", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column(
            "held_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('held', 'lapsed', 'redeemed', 'released', 'reversed')",
            name="ck_reward_redemptions_status_known",
        ),
        sa.CheckConstraint("points > 0", name="ck_reward_redemptions_points_are_positive"),
        sa.CheckConstraint("worth >= 0", name="ck_reward_redemptions_worth_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "account_id"],
            ["loyalty_accounts.vendor_id", "loyalty_accounts.id"],
            name="fk_reward_redemptions_vendor_id_account_id_loyalty_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_reward_redemptions_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "reward_id"],
            ["rewards.vendor_id", "rewards.id"],
            name="fk_reward_redemptions_vendor_id_reward_id_rewards",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_reward_redemptions_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reward_redemptions"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_reward_redemptions_vendor_id_id"),
    )
    op.create_index(
        "ix_reward_redemptions_held",
        "reward_redemptions",
        ["vendor_id", "held_at"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(
        "ix_reward_redemptions_vendor_id_account_id_held_at",
        "reward_redemptions",
        ["vendor_id", "account_id", "held_at"],
        unique=False,
    )
    op.create_index(
        "ix_reward_redemptions_vendor_id_order_id",
        "reward_redemptions",
        ["vendor_id", "order_id"],
        unique=False,
    )
    op.create_index(
        "ix_reward_redemptions_vendor_id_reward_id_status",
        "reward_redemptions",
        ["vendor_id", "reward_id", "status"],
        unique=False,
    )
    op.create_table(
        "tier_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("tier_id", sa.BigInteger(), nullable=True),
        sa.Column("was_id", sa.BigInteger(), nullable=True),
        sa.Column("spend", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "why IN ('reached', 'lapsed', 'given_back')", name="ck_tier_changes_why_known"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "account_id"],
            ["loyalty_accounts.vendor_id", "loyalty_accounts.id"],
            name="fk_tier_changes_vendor_id_account_id_loyalty_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "tier_id"],
            ["loyalty_tiers.vendor_id", "loyalty_tiers.id"],
            name="fk_tier_changes_vendor_id_tier_id_loyalty_tiers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "was_id"],
            ["loyalty_tiers.vendor_id", "loyalty_tiers.id"],
            name="fk_tier_changes_vendor_id_was_id_loyalty_tiers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_tier_changes_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tier_changes"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_tier_changes_vendor_id_id"),
    )
    op.create_index(
        "ix_tier_changes_vendor_id_account_id_at",
        "tier_changes",
        ["vendor_id", "account_id", "at"],
        unique=False,
    )
    op.create_index(
        "ix_tier_changes_vendor_id_tier_id",
        "tier_changes",
        ["vendor_id", "tier_id"],
        unique=False,
        postgresql_where=sa.text("tier_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tier_changes_vendor_id_was_id",
        "tier_changes",
        ["vendor_id", "was_id"],
        unique=False,
        postgresql_where=sa.text("was_id IS NOT NULL"),
    )
    op.create_table(
        "loyalty_lots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spend", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matures_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.Column("steps", JSONB(), nullable=True, comment="why so many"),
        sa.Column("key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "source IN ('purchase', 'visit', 'rebooking', 'birthday', 'gift', 'reinstated')",
            name="ck_loyalty_lots_source_known",
        ),
        sa.CheckConstraint("granted >= 0", name="ck_loyalty_lots_granted_not_negative"),
        sa.CheckConstraint("pending >= 0", name="ck_loyalty_lots_pending_not_negative"),
        sa.CheckConstraint(
            "remaining + pending <= granted", name="ck_loyalty_lots_no_more_than_was_granted"
        ),
        sa.CheckConstraint("remaining >= 0", name="ck_loyalty_lots_remaining_not_negative"),
        sa.CheckConstraint("spend >= 0", name="ck_loyalty_lots_spend_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "account_id"],
            ["loyalty_accounts.vendor_id", "loyalty_accounts.id"],
            name="fk_loyalty_lots_vendor_id_account_id_loyalty_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_loyalty_lots_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_loyalty_lots_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_lots_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_lots"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_lots_vendor_id_id"),
    )
    op.create_index(
        "ix_loyalty_lots_expiring",
        "loyalty_lots",
        ["vendor_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("remaining > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_lots_maturing",
        "loyalty_lots",
        ["vendor_id", "matures_at"],
        unique=False,
        postgresql_where=sa.text("pending > 0"),
    )
    op.create_index(
        "ix_loyalty_lots_spendable",
        "loyalty_lots",
        ["vendor_id", "account_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_index(
        "ix_loyalty_lots_vendor_id_account_id_earned_at",
        "loyalty_lots",
        ["vendor_id", "account_id", "earned_at"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_lots_vendor_id_booking_id",
        "loyalty_lots",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_lots_vendor_id_order_id",
        "loyalty_lots",
        ["vendor_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "uq_loyalty_lots_vendor_id_key",
        "loyalty_lots",
        ["vendor_id", "key"],
        unique=True,
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_table(
        "loyalty_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spend", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), server_default=sa.text(CURRENT_USER), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "kind = 'earn' AND points >= 0 AND pending = 0 AND spend >= 0 AND lot_id IS NOT NULL OR kind = 'pending_earn' AND points = 0 AND pending >= 0 AND spend >= 0 AND lot_id IS NOT NULL OR kind = 'mature' AND points > 0 AND pending = -points AND spend = 0 AND lot_id IS NOT NULL OR kind = 'hold' AND points < 0 AND pending = 0 AND spend = 0 AND lot_id IS NOT NULL OR kind = 'release' AND points > 0 AND pending = 0 AND spend = 0 AND lot_id IS NOT NULL OR kind = 'redeem' AND points < 0 AND pending = 0 AND spend = 0 AND lot_id IS NOT NULL OR kind = 'reverse' AND num_nonnulls(order_id, redemption_id) > 0 OR kind = 'repay' AND points <> 0 AND pending = 0 AND spend = 0 OR kind = 'expire' AND points < 0 AND pending = 0 AND spend = 0 AND lot_id IS NOT NULL OR kind = 'adjust' AND points <> 0 AND pending = 0 AND spend = 0 AND reason IS NOT NULL OR kind = 'reinstate' AND points > 0 AND pending = 0 AND reason IS NOT NULL AND lot_id IS NOT NULL OR kind = 'transfer' AND spend = 0",
            name="ck_loyalty_entries_amounts_fit_the_kind",
        ),
        sa.CheckConstraint(
            "kind IN ('earn', 'pending_earn', 'mature', 'hold', 'release', 'redeem', 'reverse', 'repay', 'expire', 'adjust', 'reinstate', 'transfer')",
            name="ck_loyalty_entries_kind_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "account_id"],
            ["loyalty_accounts.vendor_id", "loyalty_accounts.id"],
            name="fk_loyalty_entries_vendor_id_account_id_loyalty_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_loyalty_entries_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "lot_id"],
            ["loyalty_lots.vendor_id", "loyalty_lots.id"],
            name="fk_loyalty_entries_vendor_id_lot_id_loyalty_lots",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_loyalty_entries_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "redemption_id"],
            ["reward_redemptions.vendor_id", "reward_redemptions.id"],
            name="fk_loyalty_entries_vendor_id_redemption_id_reward_redemptions",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_loyalty_entries_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_entries"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_loyalty_entries_vendor_id_id"),
    )
    op.create_index(
        "ix_loyalty_entries_vendor_id_account_id_at",
        "loyalty_entries",
        ["vendor_id", "account_id", "at"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_entries_vendor_id_booking_id",
        "loyalty_entries",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_entries_vendor_id_lot_id",
        "loyalty_entries",
        ["vendor_id", "lot_id"],
        unique=False,
        postgresql_where=sa.text("lot_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_entries_vendor_id_order_id",
        "loyalty_entries",
        ["vendor_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_entries_vendor_id_redemption_id",
        "loyalty_entries",
        ["vendor_id", "redemption_id"],
        unique=False,
        postgresql_where=sa.text("redemption_id IS NOT NULL"),
    )
