"""Coupons grow: codes of their own, what they are about and when, who used them.

How often a coupon and a code were redeemed and are held, the database counts. What the marketplace
bears of a discount, only the marketplace says.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import ALL, CURRENT_VENDOR, audit, grant, protect

revision, down_revision = "0035", "0034"

HEAD = "LANGUAGE plpgsql SET search_path = pg_catalog, public"

CHANGES = {
    "INSERT": "SELECT coupon_id, code_id, status, 1 AS by FROM new_rows",
    "UPDATE": "SELECT coupon_id, code_id, status, 1 AS by FROM new_rows"
    " UNION ALL SELECT coupon_id, code_id, status, -1 FROM old_rows",
}
"""What was counted before goes, what is written comes."""

ADD = """
  -- those that change, and no others: one after the other, in order
  PERFORM FROM {table} WHERE id IN (SELECT id FROM ({more}) AS m) ORDER BY id FOR NO KEY UPDATE;
  UPDATE {table} c SET redeemed = c.redeemed + m.redeemed, held = c.held + m.held
  FROM ({more}) AS m WHERE c.id = m.id;
"""

MORE = """
  SELECT {key} AS id, coalesce(sum(by) FILTER (WHERE status = 'redeemed'), 0) AS redeemed,
    coalesce(sum(by) FILTER (WHERE status = 'held'), 0) AS held
  FROM ({changes}) AS changed WHERE {key} IS NOT NULL GROUP BY {key}
  HAVING coalesce(sum(by) FILTER (WHERE status = 'redeemed'), 0) <> 0
    OR coalesce(sum(by) FILTER (WHERE status = 'held'), 0) <> 0
"""

FUNDING = """
BEGIN
  IF current_user = 'app_vendor' THEN
    RAISE check_violation USING MESSAGE = 'the marketplace says what it bears',
      TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_coupons_marketplace_says_what_it_bears';
  END IF;
  RETURN NEW;
END
"""

FIGURES = {
    "code_batches": ("id", "vendor_id", "coupon_id", "wanted", "made", "uses"),
    "coupon_targets": (
        "id", "vendor_id", "coupon_id", "part", "service_id", "product_id", "variant_id",
        "category_id",
    ),
    "coupon_codes": (
        "id", "vendor_id", "coupon_id", "batch_id", "max_redemptions", "redeemed", "held",
        "is_active",
    ),
    "coupon_redemptions": (
        "id", "vendor_id", "coupon_id", "code_id", "order_id", "customer_id", "status", "channel",
        "amount", "marketplace_amount", "redeemed_at", "ended_at",
    ),
}  # fmt: skip
"""What a report may read."""

STAYS = {"coupon_redemptions": "SELECT, INSERT, UPDATE"}
NOT_AUDITED = {"coupon_codes", "coupon_redemptions"}
"""They come by the hundred thousand, and say themselves what became of them."""

CHECKS = {
    "kind_known": "kind IN ('percent', 'amount', 'free_item', 'buy_get')",
    "stacking_known": "stacking IN ('combinable', 'best_of', 'exclusive')",
    "value_fits": "value > 0 AND (kind = 'amount' OR value <= 100)",
    "quantities_fit_kind": "(kind = 'buy_get') = (buy_quantity IS NOT NULL)"
    " AND (kind IN ('buy_get', 'free_item')) = (get_quantity IS NOT NULL)",
    "buy_quantity_is_positive": "buy_quantity > 0",
    "get_quantity_is_positive": "get_quantity > 0",
    "max_per_customer_is_positive": "max_per_customer > 0",
    "birthday_days_are_few": "birthday_days BETWEEN 0 AND 60",
    "minimum_spend_is_positive": "minimum_spend > 0",
    "marketplace_percent_is_a_percentage": "marketplace_percent BETWEEN 0 AND 100",
    "redeemed_not_negative": "redeemed >= 0",
    "held_not_negative": "held >= 0",
    "redeemed_within_limit": "redeemed + held <= max_redemptions",
}
BEFORE = {
    "kind_known": "kind IN ('percent', 'amount')",
    "value_fits": "value > 0 AND (kind <> 'percent' OR value <= 100)",
}


def _common() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
    )


def _times() -> tuple[sa.Column[object], ...]:
    now = sa.text("now()")
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    )


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, server_default="0", nullable=False)


def _id(name: str, *, wanted: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=not wanted)


def _key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.Constraint:
    name = f"fk_{table}_vendor_id_{column}_{to}"
    return sa.ForeignKeyConstraint(
        ["vendor_id", column], [f"{to}.vendor_id", f"{to}.id"], name=name, ondelete=ondelete
    )


def _own(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"
        ),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
    )


def _checks(table: str, **rules: str) -> tuple[sa.Constraint, ...]:
    return tuple(sa.CheckConstraint(sql, name=f"ck_{table}_{name}") for name, sql in rules.items())


def _new() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("needs_code", sa.Boolean, server_default="true", nullable=False),
        sa.Column("buy_quantity", sa.BigInteger),
        sa.Column("get_quantity", sa.BigInteger),
        sa.Column("windows", JSONB),
        sa.Column("channels", JSONB),
        sa.Column("minimum_spend", sa.Numeric(12, 2)),
        sa.Column("first_visit", sa.Boolean, server_default="false", nullable=False),
        sa.Column("birthday_days", sa.BigInteger, comment="before and after a birthday"),
        sa.Column("tag_id", sa.BigInteger),
        sa.Column("max_per_customer", sa.BigInteger),
        sa.Column("stacking", sa.Text, server_default="combinable", nullable=False),
        sa.Column(
            "marketplace_percent", sa.Numeric(5, 2), server_default="0", nullable=False,
            comment="how much of the discount the marketplace bears",
        ),
        sa.Column("redeemed", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger, server_default="0", nullable=False),
    )  # fmt: skip


def upgrade() -> None:
    _coupons()
    _tables()
    for table, figures in FIGURES.items():
        verbs = STAYS.get(table, ALL)
        protect(table, vendor=verbs, admin=verbs, analyst=figures)
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "INSERT INTO coupon_codes (vendor_id, coupon_id, code) SELECT vendor_id, id, code"
        " FROM coupons"
    )
    op.execute("RESET ROLE")
    op.drop_column("coupons", "code")
    for table in FIGURES:
        if table not in NOT_AUDITED:
            audit(table, without=("made",) if table == "code_batches" else ())
    _count_them()
    op.execute(f"CREATE FUNCTION coupons_are_borne() RETURNS trigger {HEAD} AS $${FUNDING}$$")
    was = {"INSERT": "0", "UPDATE OF marketplace_percent": "OLD.marketplace_percent"}
    for event, before in was.items():
        op.execute(
            f"CREATE TRIGGER is_borne_{event.split()[0].lower()} BEFORE {event} ON coupons FOR EACH"
            f" ROW WHEN (NEW.marketplace_percent IS DISTINCT FROM {before})"
            " EXECUTE FUNCTION coupons_are_borne()"
        )
    grant(
        "coupons", "app_analyst", "SELECT",
        ("name", "needs_code", "stacking", "marketplace_percent", "redeemed", "held", "is_active"),
    )  # fmt: skip


def _coupons() -> None:
    for column in _new():
        op.add_column("coupons", column)
    for name in BEFORE:
        op.drop_constraint(f"ck_coupons_{name}", "coupons")
    for name, rule in CHECKS.items():
        op.create_check_constraint(f"ck_coupons_{name}", "coupons", rule)
    op.create_foreign_key(
        "fk_coupons_vendor_id_tag_id_tags", "coupons", "tags", ["vendor_id", "tag_id"],
        ["vendor_id", "id"],
    )  # fmt: skip
    op.create_index("ix_coupons_vendor_id_tag_id", "coupons", ["vendor_id", "tag_id"])
    op.create_index(
        "ix_coupons_by_themselves", "coupons", ["vendor_id"],
        postgresql_where=sa.text("is_active AND NOT needs_code"),
    )  # fmt: skip
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON coupons")
    audit("coupons", without=("redeemed", "held"))


def _tables() -> None:
    op.create_table(
        "code_batches",
        *_common(),
        _id("coupon_id", wanted=True),
        sa.Column("prefix", sa.Text, server_default="", nullable=False),
        _id("wanted", wanted=True),
        _count("made"),
        sa.Column("uses", sa.BigInteger, server_default="1", nullable=False),
        *_times(),
        *_own("code_batches"),
        _key("code_batches", "coupon_id", "coupons", "CASCADE"),
        *_checks(
            "code_batches", wanted_is_possible="wanted BETWEEN 1 AND 1000000",
            made_was_wanted="made BETWEEN 0 AND wanted", uses_are_positive="uses > 0",
        ),
    )  # fmt: skip
    _index("code_batches", "coupon_id")
    op.create_table(
        "coupon_targets",
        *_common(),
        _id("coupon_id", wanted=True),
        sa.Column("part", sa.Text, server_default="cheaper", nullable=False),
        *(_id(name) for name in ("service_id", "product_id", "variant_id", "category_id")),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_targets"),
        _key("coupon_targets", "coupon_id", "coupons", "CASCADE"),
        _key("coupon_targets", "service_id", "services"),
        _key("coupon_targets", "product_id", "products"),
        _key("coupon_targets", "variant_id", "variants"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_coupon_targets_category_id_categories"
        ),
        *_checks(
            "coupon_targets", part_known="part IN ('cheaper', 'bought')",
            is_one_thing="num_nonnulls(service_id, product_id, variant_id, category_id) = 1",
        ),
    )  # fmt: skip
    _index("coupon_targets", "coupon_id")
    for name in ("service_id", "product_id", "variant_id"):
        _index("coupon_targets", name, where=f"{name} IS NOT NULL")
    op.create_index(
        "ix_coupon_targets_category_id", "coupon_targets", ["category_id"],
        postgresql_where=sa.text("category_id IS NOT NULL"),
    )  # fmt: skip
    _codes()
    _redemptions()


def _codes() -> None:
    op.create_table(
        "coupon_codes",
        *_common(),
        _id("coupon_id", wanted=True),
        _id("batch_id"),
        sa.Column("code", sa.Text, nullable=False),
        _id("max_redemptions"),
        _count("redeemed"),
        _count("held"),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        *_own("coupon_codes"),
        sa.UniqueConstraint("vendor_id", "code", name="uq_coupon_codes_vendor_id_code"),
        _key("coupon_codes", "coupon_id", "coupons", "CASCADE"),
        _key("coupon_codes", "batch_id", "code_batches", "CASCADE"),
        *_checks(
            "coupon_codes", code_is_normal="code = upper(btrim(code)) AND code <> ''",
            max_redemptions_are_positive="max_redemptions > 0", held_not_negative="held >= 0",
            redeemed_not_negative="redeemed >= 0",
            redeemed_within_limit="redeemed + held <= max_redemptions",
        ),
    )  # fmt: skip
    _index("coupon_codes", "coupon_id", "id")
    _index("coupon_codes", "batch_id", "id", where="batch_id IS NOT NULL")


def _redemptions() -> None:
    name = "coupon_redemptions"
    op.create_table(
        name,
        *_common(),
        _id("coupon_id", wanted=True),
        _id("code_id"),
        _id("order_id", wanted=True),
        _id("customer_id"),
        sa.Column("status", sa.Text, server_default="held", nullable=False),
        sa.Column("channel", sa.Text, server_default="walk_in", nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("marketplace_amount", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("email_key", sa.Text),
        sa.Column("phone_key", sa.Text),
        *(
            sa.Column(at, sa.DateTime(timezone=True))
            for at in ("held_until", "redeemed_at", "ended_at")
        ),
        *_times(),
        *_own(name),
        _key(name, "coupon_id", "coupons"),
        _key(name, "code_id", "coupon_codes"),
        _key(name, "order_id", "orders"),
        _key(name, "customer_id", "customers"),
        sa.UniqueConstraint(
            "vendor_id", "order_id", "coupon_id", name=f"uq_{name}_vendor_id_order_id_coupon_id"
        ),
        *_checks(
            name, amount_not_negative="amount >= 0",
            status_known="status IN ('held', 'redeemed', 'released', 'reversed')",
            channel_known="channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            marketplace_amount_is_a_part="marketplace_amount BETWEEN 0 AND amount",
            held_for_a_time="(status = 'held') = (held_until IS NOT NULL)",
        ),
    )  # fmt: skip
    _index(name, "coupon_id", "status", "redeemed_at")
    _index(name, "code_id", where="code_id IS NOT NULL")
    _index(name, "customer_id", where="customer_id IS NOT NULL")
    _index(name, "coupon_id", "email_key", where="email_key IS NOT NULL")
    _index(name, "coupon_id", "phone_key", where="phone_key IS NOT NULL")
    op.create_index(
        f"ix_{name}_held_until", name, ["vendor_id", "held_until"],
        postgresql_where=sa.text("status = 'held'"),
    )  # fmt: skip


def _index(table: str, *columns: str, where: str | None = None) -> None:
    op.create_index(
        f"ix_{table}_vendor_id_{'_'.join(columns)}", table, ["vendor_id", *columns],
        postgresql_where=None if where is None else sa.text(where),
    )  # fmt: skip


def _count_them() -> None:
    for event, changes in CHANGES.items():
        body = "".join(
            ADD.format(table=table, more=MORE.format(key=key, changes=changes))
            for table, key in (("coupons", "coupon_id"), ("coupon_codes", "code_id"))
        )
        function = f"redemptions_count_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {function}() RETURNS trigger {HEAD} AS"
            f" $$ BEGIN {body} RETURN NULL; END $$"
        )
        old = " OLD TABLE AS old_rows" if event == "UPDATE" else ""
        op.execute(
            f"CREATE TRIGGER is_counted_{event.lower()} AFTER {event} ON coupon_redemptions"
            f" REFERENCING{old} NEW TABLE AS new_rows FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {function}()"
        )
    for table in ("coupons", "coupon_codes"):
        pairs = {
            "UPDATE OF redeemed, held": "(OLD.redeemed, OLD.held)",
            "INSERT": "(0::bigint, 0::bigint)",
        }
        for event, before in pairs.items():
            op.execute(
                f"CREATE TRIGGER counted_not_written_{event.split()[0].lower()} BEFORE {event} ON"
                f" {table} FOR EACH ROW WHEN ((NEW.redeemed, NEW.held) IS DISTINCT FROM {before})"
                " EXECUTE FUNCTION counted_not_written()"
            )


def downgrade() -> None:
    op.drop_table("coupon_redemptions")
    for event in CHANGES:
        op.execute(f"DROP FUNCTION redemptions_count_{event.lower()}()")
    for event in ("update", "insert"):
        op.execute(f"DROP TRIGGER counted_not_written_{event} ON coupons")
        op.execute(f"DROP TRIGGER is_borne_{event} ON coupons")
    op.execute("DROP FUNCTION coupons_are_borne()")
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON coupons")
    op.add_column("coupons", sa.Column("code", sa.Text))
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "UPDATE coupons c SET kind = CASE WHEN kind = 'amount' THEN kind ELSE 'percent' END,"
        " code = coalesce((SELECT min(k.code) FROM coupon_codes k WHERE k.vendor_id = c.vendor_id"
        " AND k.coupon_id = c.id), 'OFFER-' || id), buy_quantity = NULL, get_quantity = NULL"
    )
    op.execute("RESET ROLE")
    for table in ("coupon_codes", "coupon_targets", "code_batches"):
        op.drop_table(table)
    op.drop_constraint("fk_coupons_vendor_id_tag_id_tags", "coupons")
    for name in CHECKS:
        op.drop_constraint(f"ck_coupons_{name}", "coupons")
    for name, rule in BEFORE.items():
        op.create_check_constraint(f"ck_coupons_{name}", "coupons", rule)
    op.create_check_constraint(
        "ck_coupons_code_is_normal", "coupons", "code = upper(btrim(code)) AND code <> ''"
    )
    for column in _new():
        op.drop_column("coupons", column.name)
    op.alter_column("coupons", "code", nullable=False)
    op.create_unique_constraint("uq_coupons_vendor_id_code", "coupons", ["vendor_id", "code"])
    grant("coupons", "app_analyst", "SELECT", ("code",))
    op.execute("REVOKE SELECT (name, is_active) ON coupons FROM app_analyst")
    audit("coupons")
