"""Memberships give something and are renewed; uses of packages are a ledger that adds up.

What stood before is taken over step by step, each a transaction of its own: every package in hand
gets the entry that grants its uses, and one for what is not there any more; every membership the
period that it is in. What broke off goes on where it stopped: who has an entry or a period already
is passed over. Nobody has used, held or renewed anything before this revision, so nothing of it
changes meanwhile; what is sold while it runs is taken over at the end, when nobody else writes.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import ALL, CURRENT_VENDOR, audit, grant, protect

revision, down_revision = "0032", "0031"

CURRENT_USER = "NULLIF(current_setting('app.user_id', true), '')::bigint"
STEP = 2000


def _number(name: str, *, default: str | None = None, null: bool = True, comment: str | None = None
            ) -> sa.Column[object]:  # fmt: skip
    return sa.Column(name, sa.BigInteger, server_default=default, nullable=null, comment=comment)


def _word(name: str, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text, server_default=default, nullable=False)


def _time(name: str, *, null: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=null)


def _stamps() -> tuple[sa.Column[object], ...]:
    return _time("created_at", now=True), _time("updated_at", now=True)


def _same_vendor(
    table: str, column: str, other: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", column], [f"{other}.vendor_id", f"{other}.id"],
        name=f"fk_{table}_vendor_id_{column}_{other}", ondelete=ondelete,
    )  # fmt: skip


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=f"ck_{table}_{name}")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _table(name: str, *parts: sa.Column[object] | sa.Constraint, owned: bool = True) -> None:
    keys: tuple[sa.Constraint, ...] = (sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),)
    if owned:
        keys += (
            _unique(name, "vendor_id", "id"),
            sa.ForeignKeyConstraint(
                ["vendor_id"], ["vendors.id"], name=f"fk_{name}_vendor_id_vendors"
            ),
        )
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        *parts,
        *keys,
    )


INDEXES: tuple[tuple[str, str, list[str], str | None, bool], ...] = (
    ("ix_plan_benefits_vendor_id_plan_id", "plan_benefits", ["vendor_id", "plan_id"], None, False),
    ("ix_plan_benefits_vendor_id_service_id", "plan_benefits", ["vendor_id", "service_id"], None,
     False),
    ("ix_plan_benefits_vendor_id_product_id", "plan_benefits", ["vendor_id", "product_id"],
     "product_id IS NOT NULL", False),
    ("ix_plan_benefits_category_id", "plan_benefits", ["category_id"], "category_id IS NOT NULL",
     False),
    ("uq_membership_periods_number", "membership_periods",
     ["vendor_id", "membership_id", "number"], "status <> 'void'", True),
    ("ix_membership_periods_vendor_id_membership_id_starts_at", "membership_periods",
     ["vendor_id", "membership_id", "starts_at"], None, False),
    ("ix_membership_periods_vendor_id_order_id", "membership_periods", ["vendor_id", "order_id"],
     "order_id IS NOT NULL", False),
    ("ix_membership_periods_due", "membership_periods", ["vendor_id", "next_try_at"],
     "status = 'due'", False),
    ("ix_included_uses_vendor_id_period_id_benefit_id", "included_uses",
     ["vendor_id", "period_id", "benefit_id"], None, False),
    ("ix_included_uses_vendor_id_benefit_id", "included_uses", ["vendor_id", "benefit_id"], None,
     False),
    ("ix_package_services_vendor_id_service_id", "package_services", ["vendor_id", "service_id"],
     None, False),
    ("ix_package_entries_vendor_id_holding_id_id", "package_entries",
     ["vendor_id", "holding_id", "id"], None, False),
    ("ix_package_entries_vendor_id_booking_id", "package_entries", ["vendor_id", "booking_id"],
     "booking_id IS NOT NULL", False),
    ("ix_package_entries_vendor_id_order_line_id", "package_entries",
     ["vendor_id", "order_line_id"], "order_line_id IS NOT NULL", False),
    ("ix_package_entries_vendor_id_service_id", "package_entries", ["vendor_id", "service_id"],
     "service_id IS NOT NULL", False),
)  # fmt: skip
"""Of the new tables: name, table, columns, where, unique."""

GROWN: dict[str, tuple[sa.Column[object], ...]] = {
    "membership_plans": (
        _number("level", default="0", null=False, comment="0: it stands beside the others"),
        _number("trial_days"),
    ),
    "memberships": (
        _time("anchor_at", now=True),
        sa.Column("gateway", sa.Text, comment="what is asked for renewals"),
        _time("frozen_from", null=True),
        _time("frozen_until", null=True),
        sa.Column("freeze_reason", sa.Text),
    ),
    "package_holdings": (
        *(
            _number(f"uses_{where}", default="0", null=False)
            for where in ("held", "used", "forfeited", "expired", "refunded")
        ),
        _number("order_id", comment="the order that sold it"),
        sa.Column("paid", sa.Numeric(12, 2)),
    ),
    "order_lines": (
        _number("holding_id", comment="the package whose uses pay for it"),
        _number("membership_id", comment="the membership that includes it, or is renewed"),
    ),
}

ADD_UP = "uses = uses_left + uses_held + uses_used + uses_forfeited + uses_expired + uses_refunded"
RULES = (
    ("membership_plans", "ck_membership_plans_level_not_negative", "CHECK (level >= 0)"),
    ("membership_plans", "ck_membership_plans_trial_days_are_positive", "CHECK (trial_days > 0)"),
    ("memberships", "ck_memberships_frozen_until_is_later", "CHECK (frozen_until > frozen_from)"),
    ("package_holdings", "ck_package_holdings_uses_add_up", f"CHECK ({ADD_UP})"),
    *(
        ("package_holdings", f"ck_package_holdings_{name}_not_negative", f"CHECK ({name} >= 0)")
        for name in ("uses_held", "uses_used", "uses_forfeited", "uses_expired", "uses_refunded",
                     "paid")
    ),
    ("package_holdings", "fk_package_holdings_vendor_id_order_id_orders",
     "FOREIGN KEY (vendor_id, order_id) REFERENCES orders (vendor_id, id)"),
    ("order_lines", "fk_order_lines_vendor_id_holding_id_package_holdings",
     "FOREIGN KEY (vendor_id, holding_id) REFERENCES package_holdings (vendor_id, id)"),
    ("order_lines", "fk_order_lines_vendor_id_membership_id_memberships",
     "FOREIGN KEY (vendor_id, membership_id) REFERENCES memberships (vendor_id, id)"),
    ("order_lines", "ck_order_lines_uses_pay_for_services",
     "CHECK (holding_id IS NULL OR kind = 'service' AND membership_id IS NULL)"),
    ("order_lines", "ck_order_lines_memberships_pay_or_are_renewed",
     "CHECK (membership_id IS NULL OR kind IN ('service', 'membership'))"),
)  # fmt: skip
"""Of tables that are in use: looked at while others work."""

ADDED = (
    ("ix_memberships_ending", "memberships", ["vendor_id", "period_ends_at"],
     "status IN ('trialing', 'active', 'past_due')"),
    ("ix_memberships_freezing", "memberships", ["vendor_id", "frozen_from"],
     "frozen_from IS NOT NULL OR frozen_until IS NOT NULL"),
    ("ix_package_holdings_vendor_id_order_id", "package_holdings", ["vendor_id", "order_id"],
     "order_id IS NOT NULL"),
    ("ix_package_holdings_expiring", "package_holdings", ["vendor_id", "expires_at"],
     "status = 'active' AND expires_at IS NOT NULL"),
    ("ix_order_lines_vendor_id_holding_id", "order_lines", ["vendor_id", "holding_id"],
     "holding_id IS NOT NULL"),
    ("ix_order_lines_vendor_id_membership_id", "order_lines", ["vendor_id", "membership_id"],
     "membership_id IS NOT NULL"),
)  # fmt: skip

COUNTED = (
    "uses", "uses_left", "uses_held", "uses_used", "uses_forfeited", "uses_expired",
    "uses_refunded",
)  # fmt: skip
SILENT = {
    "memberships": ("anchor_at", "freeze_reason"),
    "package_holdings": COUNTED,
}
"""What the trail does not tell: the ledger does, or it is no place to forget it from."""

GRANTS = {
    "plan_benefits": ALL,
    "membership_periods": "SELECT, INSERT, UPDATE",
    "included_uses": "SELECT, INSERT, UPDATE",
    "package_services": ALL,
    "package_entries": "SELECT, INSERT",
}
FIGURES = {
    "plan_benefits": (
        "id", "vendor_id", "plan_id", "kind", "reach", "service_id", "product_id", "category_id",
        "percent", "uses",
    ),
    "membership_periods": (
        "id", "vendor_id", "membership_id", "number", "kind", "status", "starts_at", "ends_at",
        "order_id",
    ),
    "included_uses": (
        "id", "vendor_id", "period_id", "benefit_id", "booking_id", "order_line_id", "uses",
        "status", "at",
    ),
    "package_services": ("id", "vendor_id", "package_id", "service_id", "most"),
    "package_entries": (
        "id", "vendor_id", "holding_id", "kind", "uses", "service_id", "booking_id",
        "order_line_id", "of_id", "at",
    ),
}  # fmt: skip
MORE_FIGURES = {
    "membership_plans": ("level", "trial_days"),
    "package_holdings": (
        "uses_held", "uses_used", "uses_forfeited", "uses_expired", "uses_refunded", "order_id",
        "paid",
    ),
    "order_lines": ("holding_id", "membership_id"),
}  # fmt: skip

HOLDINGS = sa.text(
    """
    WITH taken AS (
      SELECT vendor_id, id, status, uses, uses_left, bought_at, expires_at, updated_at
      FROM package_holdings h WHERE id > :after AND id <= :upto AND uses > 0 AND NOT EXISTS (
        SELECT FROM package_entries e WHERE e.vendor_id = h.vendor_id AND e.holding_id = h.id)
    ), told AS (
      INSERT INTO package_entries (vendor_id, holding_id, kind, uses, at)
      SELECT vendor_id, id, kind, number, at FROM (
        SELECT vendor_id, id, 1 AS place, 'grant' AS kind, uses AS number, bought_at AS at
        FROM taken
        UNION ALL
        SELECT vendor_id, id, 2, 'use', uses - uses_left, greatest(bought_at, updated_at) FROM taken
        UNION ALL
        SELECT vendor_id, id, 3, CASE status WHEN 'expired' THEN 'expire' ELSE 'refund' END,
          uses_left, greatest(bought_at, coalesce(expires_at, updated_at))
        FROM taken WHERE status IN ('expired', 'cancelled')
      ) AS entries
      WHERE number > 0 ORDER BY id, place
    )
    UPDATE package_holdings h SET uses_used = s.uses - s.uses_left,
      uses_expired = CASE WHEN s.status = 'expired' THEN s.uses_left ELSE 0 END,
      uses_refunded = CASE WHEN s.status = 'cancelled' THEN s.uses_left ELSE 0 END,
      uses_left = CASE WHEN s.status IN ('expired', 'cancelled') THEN 0 ELSE s.uses_left END
    FROM taken s WHERE h.id = s.id AND (s.uses <> s.uses_left OR s.status IN ('expired', 'cancelled'))
    """
)
MEMBERSHIPS = sa.text(
    """
    WITH taken AS (
      SELECT m.vendor_id, m.id, m.period_starts_at, m.period_ends_at,
        (m.period_starts_at AT TIME ZONE v.time_zone + CAST('1 ' || p.period AS interval))
          AT TIME ZONE v.time_zone AS plain_end
      FROM memberships m JOIN vendors v ON v.id = m.vendor_id
      JOIN membership_plans p ON p.vendor_id = m.vendor_id AND p.id = m.plan_id
      WHERE m.id > :after AND m.id <= :upto AND NOT EXISTS (
        SELECT FROM membership_periods q
        WHERE q.vendor_id = m.vendor_id AND q.membership_id = m.id)
    ), told AS (
      INSERT INTO membership_periods (vendor_id, membership_id, number, starts_at, ends_at)
      SELECT vendor_id, id, 1, period_starts_at, period_ends_at FROM taken ORDER BY id
    )
    UPDATE memberships m SET anchor_at =
      CASE WHEN s.plain_end = s.period_ends_at THEN s.period_starts_at ELSE s.period_ends_at END
    FROM taken s WHERE m.id = s.id
    """
)

COUNT = """
CREATE FUNCTION uses_are_counted() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  -- one after the other, in order: what the others have written is seen once they are done
  PERFORM FROM package_holdings WHERE id IN (SELECT holding_id FROM new_rows) ORDER BY id
  FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT FROM new_rows n JOIN package_entries o ON o.vendor_id = n.vendor_id AND o.id = n.of_id
    WHERE (o.holding_id, o.uses) <> (n.holding_id, n.uses)
      OR o.kind <> ALL (CASE n.kind WHEN 'restore' THEN ARRAY['use', 'forfeit', 'expire']
                        ELSE ARRAY['hold'] END)
  ) THEN
    RAISE check_violation USING MESSAGE = 'this does not go on from that entry',
      TABLE = 'package_entries', CONSTRAINT = 'ck_package_entries_goes_on_from_its_entry';
  END IF;
  UPDATE package_holdings h SET uses = h.uses + m.granted, uses_left = h.uses_left + m.free,
    uses_held = h.uses_held + m.held, uses_used = h.uses_used + m.used,
    uses_forfeited = h.uses_forfeited + m.forfeited, uses_expired = h.uses_expired + m.expired,
    uses_refunded = h.uses_refunded + m.refunded
  FROM (
    SELECT n.holding_id,
      sum(CASE n.kind WHEN 'grant' THEN n.uses ELSE 0 END) AS granted,
      sum(CASE WHEN n.kind IN ('grant', 'release', 'restore') THEN n.uses
               WHEN n.kind IN ('hold', 'expire', 'refund') OR n.kind = 'use' AND n.of_id IS NULL
               THEN -n.uses ELSE 0 END) AS free,
      sum(CASE WHEN n.kind = 'hold' THEN n.uses WHEN o.kind = 'hold' THEN -n.uses ELSE 0 END)
        AS held,
      sum(CASE WHEN n.kind = 'use' THEN n.uses WHEN o.kind = 'use' THEN -n.uses ELSE 0 END)
        AS used,
      sum(CASE WHEN n.kind = 'forfeit' THEN n.uses WHEN o.kind = 'forfeit' THEN -n.uses
               ELSE 0 END) AS forfeited,
      sum(CASE WHEN n.kind = 'expire' THEN n.uses WHEN o.kind = 'expire' THEN -n.uses ELSE 0 END)
        AS expired,
      sum(CASE n.kind WHEN 'refund' THEN n.uses ELSE 0 END) AS refunded
    FROM new_rows n
    LEFT JOIN package_entries o ON o.vendor_id = n.vendor_id AND o.id = n.of_id
    GROUP BY n.holding_id
  ) AS m
  WHERE h.id = m.holding_id;
  RETURN NULL;
END $$
"""
STAY = """
CREATE FUNCTION package_entries_stay() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  RAISE check_violation USING MESSAGE = 'entries are added, never changed',
    TABLE = 'package_entries', CONSTRAINT = 'ck_package_entries_stay';
END $$
"""


def upgrade() -> None:
    # a run that was broken off has made all of this at once, or nothing of it
    if not sa.inspect(op.get_bind()).has_table("plan_benefits"):
        _grow()
    with op.get_context().autocommit_block():
        _take_over(0)
        for table, name, rule in RULES:
            # the rows are looked at while others work; what a broken-off run has left goes first
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        for name, table, on, where in ADDED:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, on, postgresql_concurrently=True, postgresql_where=sa.text(where)
            )
    op.execute("LOCK TABLE package_holdings, memberships IN SHARE ROW EXCLUSIVE MODE")
    _take_over(-STEP)
    _count()
    for table in ("plan_benefits", "membership_periods", "included_uses", "package_services"):
        audit(table, without=("tries", "next_try_at") if table == "membership_periods" else ())


def _grow() -> None:
    _tables()
    for table, verbs in GRANTS.items():
        protect(table, vendor=verbs, admin=verbs, analyst=FIGURES[table])
    for table, columns in GROWN.items():
        for column in columns:
            op.add_column(table, column)
    for name in ("uses", "uses_left"):
        op.alter_column("package_holdings", name, server_default="0")
    for table, names in MORE_FIGURES.items():
        grant(table, "app_analyst", "SELECT", names)
    for table, silent in SILENT.items():
        _told(table, silent)


def _told(table: str, silent: tuple[str, ...]) -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER audit_{event} ON {table}")
    audit(table, without=silent)


def _take_over(beyond: int) -> None:
    """All that is there; with a negative `beyond` only the newest, of which some may be left."""
    bind = op.get_bind()
    op.execute("SET ROLE app_admin")  # the owner sees no rows
    op.execute("SELECT set_config('app.user_id', '1', false)")
    for table, statement in (("package_holdings", HOLDINGS), ("memberships", MEMBERSHIPS)):
        last = bind.scalar(sa.text(f"SELECT max(id) FROM {table}")) or 0
        first = 0 if beyond == 0 else max(last + beyond, 0)
        for after in range(first, last, STEP):
            bind.execute(statement, {"after": after, "upto": after + STEP})
    op.execute("RESET ROLE")
    op.execute("RESET app.user_id")


def _count() -> None:
    op.execute(COUNT)
    op.execute(STAY)
    op.execute(
        "CREATE TRIGGER is_counted AFTER INSERT ON package_entries REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION uses_are_counted()"
    )
    op.execute(
        "CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON package_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION package_entries_stay()"
    )
    listed = ", ".join(COUNTED)
    olds, news = (", ".join(f"{row}.{name}" for name in COUNTED) for row in ("OLD", "NEW"))
    zeros = ", ".join("0" for _ in COUNTED)
    for event, condition in (
        (f"UPDATE OF {listed}", f"({olds}) IS DISTINCT FROM ({news})"),
        ("INSERT", f"({news}) IS DISTINCT FROM ({zeros})"),
    ):
        op.execute(
            f"CREATE TRIGGER counted_not_written_{event.split()[0].lower()} BEFORE {event}"
            f" ON package_holdings FOR EACH ROW WHEN ({condition})"
            " EXECUTE FUNCTION counted_not_written()"
        )


def _tables() -> None:
    def check(name: str, rule: str) -> sa.CheckConstraint:
        return _check(table, name, rule)

    def key(column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
        return _same_vendor(table, column, other, ondelete)

    table = "plan_benefits"
    _table(
        table,
        _number("plan_id", null=False),
        _word("kind", "discount"),
        _word("reach", "everything"),
        _number("service_id"),
        _number("product_id"),
        _number("category_id"),
        sa.Column("percent", sa.Numeric(5, 2)),
        _number("uses", comment="in each period"),
        *_stamps(),
        key("plan_id", "membership_plans", "CASCADE"),
        key("service_id", "services"),
        key("product_id", "products"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name="fk_plan_benefits_category_id_categories"
        ),
        check("kind_known", "kind IN ('discount', 'included', 'access')"),
        check("reach_known", "reach IN ('everything', 'services', 'products')"),
        check("percent_is_a_part", "percent > 0 AND percent <= 100"),
        check("uses_are_positive", "uses > 0"),
        check("discount_has_percent", "(kind = 'discount') = (percent IS NOT NULL)"),
        check("included_has_uses", "(kind = 'included') = (uses IS NOT NULL)"),
        check("is_about_one_thing", "num_nonnulls(service_id, product_id, category_id) <= 1"),
        check(
            "names_a_service",
            "kind = 'discount' OR product_id IS NULL AND num_nonnulls(service_id, category_id) = 1",
        ),
    )
    table = "membership_periods"
    _table(
        table,
        _number("membership_id", null=False),
        _number("number", null=False),
        _word("kind", "free"),
        _word("status", "held"),
        _time("starts_at"),
        _time("ends_at"),
        _number("order_id"),
        _number("tries", default="0", null=False),
        _time("next_try_at", null=True),
        *_stamps(),
        key("membership_id", "memberships"),
        key("order_id", "orders"),
        check("kind_known", "kind IN ('trial', 'sold', 'free')"),
        check("status_known", "status IN ('due', 'held', 'void')"),
        check("ends_after_start", "ends_at > starts_at"),
        check("number_is_positive", "number > 0"),
        check("only_sold_has_an_order", "kind = 'sold' OR order_id IS NULL"),
        check("tries_not_negative", "tries >= 0"),
    )
    table = "included_uses"
    _table(
        table,
        _number("period_id", null=False),
        _number("benefit_id", null=False),
        _number("booking_id"),
        _number("order_line_id"),
        _number("uses", default="1", null=False),
        _word("status", "held"),
        _time("at", now=True),
        key("period_id", "membership_periods"),
        key("benefit_id", "plan_benefits"),
        key("booking_id", "bookings"),
        key("order_line_id", "order_lines"),
        check("status_known", "status IN ('held', 'used', 'released', 'forfeited')"),
        check("uses_are_positive", "uses > 0"),
        check("is_for_one_thing", "num_nonnulls(booking_id, order_line_id) = 1"),
        _unique(table, "vendor_id", "booking_id"),
        _unique(table, "vendor_id", "order_line_id"),
    )
    table = "package_services"
    _table(
        table,
        _number("package_id", null=False),
        _number("service_id", null=False),
        _number("most", comment="of the package's uses; empty: all of them"),
        key("package_id", "packages", "CASCADE"),
        key("service_id", "services", "CASCADE"),
        check("most_is_positive", "most > 0"),
        _unique(table, "vendor_id", "package_id", "service_id"),
        owned=False,
    )
    table = "package_entries"
    _table(
        table,
        _number("holding_id", null=False),
        sa.Column("kind", sa.Text, nullable=False),
        _number("uses", null=False),
        _number("service_id", comment="what they were held or used for"),
        _number("booking_id"),
        _number("order_line_id"),
        _number("of_id", comment="the entry it goes on from"),
        sa.Column("user_id", sa.BigInteger, server_default=sa.text(CURRENT_USER), nullable=False),
        _time("at", now=True),
        key("holding_id", "package_holdings"),
        key("booking_id", "bookings"),
        key("order_line_id", "order_lines"),
        key("service_id", "services"),
        check(
            "kind_known",
            "kind IN ('grant', 'hold', 'use', 'release', 'forfeit', 'expire', 'refund', 'restore')",
        ),
        check("uses_are_positive", "uses > 0"),
        check(
            "follows_an_entry",
            "(kind IN ('use', 'release', 'forfeit', 'restore')) = (of_id IS NOT NULL)"
            " OR kind = 'use'",
        ),
        check("is_for_one_thing", "num_nonnulls(booking_id, order_line_id) <= 1"),
        _unique(table, "vendor_id", "of_id"),
        key("of_id", "package_entries"),
    )
    for name, table, columns, where, unique in INDEXES:
        op.create_index(
            name, table, columns, unique=unique, postgresql_where=sa.text(where) if where else None
        )


def downgrade() -> None:
    for event in ("update", "insert"):
        op.execute(f"DROP TRIGGER counted_not_written_{event} ON package_holdings")
    op.drop_constraint("ck_package_holdings_uses_add_up", "package_holdings")
    op.execute("SET LOCAL ROLE app_admin")  # the owner sees no rows
    op.execute(
        "UPDATE package_holdings SET uses_left = uses - uses_used - uses_forfeited"
        " WHERE uses_left <> uses - uses_used - uses_forfeited"
    )
    op.execute("RESET ROLE")
    for name in ("uses", "uses_left"):
        op.alter_column("package_holdings", name, server_default=None)
    for table in SILENT:
        _told(table, ())
    for table, columns in reversed(GROWN.items()):
        for column in columns:
            op.drop_column(table, column.name)
    for table in ("package_entries", "package_services", "included_uses", "membership_periods",
                  "plan_benefits"):  # fmt: skip
        op.drop_table(table)
    op.execute("DROP FUNCTION uses_are_counted()")
    op.execute("DROP FUNCTION package_entries_stay()")
