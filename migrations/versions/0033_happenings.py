"""Rules of what customers hear of, tasks that follow from them, and how often something is used."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import CURRENT_VENDOR, audit, protect

revision, down_revision = "0033", "0032"

EVENTS = (
    "booking_confirmed", "booking_moved", "booking_cancelled", "booking_offered",
    "booking_reminder", "booking_completed", "booking_no_show", "order_placed", "order_shipped",
    "order_delivered", "order_refunded", "membership_renewing", "membership_renewed",
    "membership_failed", "membership_expiring", "membership_ended", "package_low",
    "package_expiring", "points_expiring", "replenishment_due", "visit_due", "birthday",
    "win_back", "task_done",
)  # fmt: skip

TASK_KEYS = {"booking_id": "bookings", "order_id": "orders", "after_id": "tasks"}

STALE = """
CREATE FUNCTION note_stale_usages() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO stale_usages (vendor_id, customer_id)
    SELECT DISTINCT n.vendor_id, n.customer_id FROM new_rows n JOIN old_rows o USING (id)
    WHERE (n.times, n.last_at, n.customer_id) IS DISTINCT FROM (o.times, o.last_at, o.customer_id)
    ORDER BY 1, 2
    ON CONFLICT (vendor_id, customer_id) DO UPDATE SET at = now();
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO stale_usages (vendor_id, customer_id)
    SELECT DISTINCT vendor_id, customer_id FROM new_rows ORDER BY 1, 2
    ON CONFLICT (vendor_id, customer_id) DO UPDATE SET at = now();
  ELSE
    INSERT INTO stale_usages (vendor_id, customer_id)
    SELECT DISTINCT vendor_id, customer_id FROM old_rows ORDER BY 1, 2
    ON CONFLICT (vendor_id, customer_id) DO UPDATE SET at = now();
  END IF;
  RETURN NULL;
END $$
"""
"""A row that is noted already is written again: whoever works it off just now does not see us."""

TRIGGERS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _tasks()
    _rules()
    _usages()
    protect("message_rules")
    audit("message_rules", without=("scanned_until",))
    protect(
        "usages",
        analyst=(
            "id", "vendor_id", "customer_id", "kind", "item_id", "times", "first_on", "last_on",
            "interval_days", "source", "next_on",
        ),
    )  # fmt: skip
    protect("stale_usages")
    op.execute(STALE)
    for verb, referencing in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER stale_usages_{verb.lower()} AFTER {verb} ON customer_interests"
            f" {referencing} FOR EACH STATEMENT EXECUTE FUNCTION note_stale_usages()"
        )
    _note_all()


def _id() -> list[sa.Column[int]]:
    return [
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
    ]


def _stamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def _same_vendor(table: str, column: str, other: str, **how: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", column], [f"{other}.vendor_id", f"{other}.id"],
        name=f"fk_{table}_vendor_id_{column}_{other}", **how,
    )  # fmt: skip


def _known(column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(
        f"{column} IN ({listed})", name=op.f(f"ck_message_rules_{column}_known")
    )


def _rules() -> None:
    table = "message_rules"
    op.create_table(
        table,
        *_id(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("action", sa.Text, server_default="message", nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("template_id", sa.BigInteger, comment="empty: the words in force"),
        sa.Column("days", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("minutes", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("at", sa.Time),
        sa.Column("service_id", sa.BigInteger),
        sa.Column("category_id", sa.BigInteger),
        sa.Column("plan_id", sa.BigInteger),
        sa.Column("came_by", sa.Text, comment="the channel it was booked or bought by"),
        sa.Column("task_kind", sa.Text),
        sa.Column("task_title", sa.Text),
        sa.Column("assignee_id", sa.BigInteger),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, server_default="1", nullable=False),
        sa.Column(
            "scanned_until",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        *_stamps(),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=f"fk_{table}_category_id_categories"
        ),
        _same_vendor(table, "service_id", "services"),
        _same_vendor(table, "plan_id", "membership_plans"),
        _same_vendor(table, "assignee_id", "staff_members"),
        _same_vendor(table, "template_id", "message_templates"),
        _known("event", *EVENTS),
        _known("action", "message", "task"),
        _known("channel", "email", "sms", "push", "in_app"),
        _known("came_by", "online", "walk_in", "phone", "partner", "import"),
        _known("task_kind", "follow_up", "reminder", "delivery_check", "replenishment"),
        *(
            sa.CheckConstraint(f"{name} >= 0", name=op.f(f"ck_{table}_{name}_not_negative"))
            for name in ("days", "minutes")
        ),
        sa.CheckConstraint(
            "days <= 3650 AND minutes <= 14400", name=op.f(f"ck_{table}_is_within_reach")
        ),
        sa.CheckConstraint(
            "(action = 'task') = (task_title IS NOT NULL AND task_kind IS NOT NULL)",
            name=op.f(f"ck_{table}_task_is_said"),
        ),
        sa.CheckConstraint(
            "at IS NULL OR minutes = 0", name=op.f(f"ck_{table}_at_needs_no_minutes")
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
    )
    op.create_index(f"ix_{table}_vendor_id_event", table, ["vendor_id", "event"])
    for column in ("service_id", "plan_id", "assignee_id", "template_id"):
        op.create_index(
            f"ix_{table}_vendor_id_{column}", table, ["vendor_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )  # fmt: skip
    op.create_index(
        f"ix_{table}_category_id", table, ["category_id"],
        postgresql_where=sa.text("category_id IS NOT NULL"),
    )  # fmt: skip


def _usages() -> None:
    op.create_table(
        "usages",
        *_id(),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item_id", sa.BigInteger, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("first_on", sa.Date, nullable=False),
        sa.Column("last_on", sa.Date, nullable=False),
        sa.Column("interval_days", sa.BigInteger),
        sa.Column("source", sa.Text),
        sa.Column("next_on", sa.Date),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_usages_vendor_id_vendors"),
        _same_vendor("usages", "customer_id", "customers"),
        sa.CheckConstraint(
            "kind IN ('visit', 'appointment', 'class', 'lab_test', 'stay', 'product')",
            name=op.f("ck_usages_kind_known"),
        ),
        sa.CheckConstraint(
            "source IN ('personal', 'product')", name=op.f("ck_usages_source_known")
        ),
        sa.CheckConstraint("times > 0", name=op.f("ck_usages_times_is_positive")),
        sa.CheckConstraint("interval_days > 0", name=op.f("ck_usages_interval_is_positive")),
        sa.CheckConstraint("last_on >= first_on", name=op.f("ck_usages_last_is_after_first")),
        sa.CheckConstraint(
            "num_nulls(interval_days, source, next_on) IN (0, 3)",
            name=op.f("ck_usages_expects_all_or_nothing"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_usages"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_usages_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id", "customer_id", "kind", "item_id",
            name="uq_usages_vendor_id_customer_id_kind_item_id",
        ),
    )  # fmt: skip
    expected = sa.text("next_on IS NOT NULL")
    op.create_index(
        "ix_usages_vendor_id_next_on_id", "usages", ["vendor_id", "next_on", "id"],
        postgresql_where=expected,
    )  # fmt: skip
    op.create_index("ix_usages_next_on_id", "usages", ["next_on", "id"], postgresql_where=expected)
    op.create_table(
        "stale_usages",
        *_id(),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        _same_vendor("stale_usages", "customer_id", "customers", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_stale_usages"),
        sa.UniqueConstraint(
            "vendor_id", "customer_id", name="uq_stale_usages_vendor_id_customer_id"
        ),
    )


def _note_all() -> None:
    """What was bought before has to be worked out too: the first rounds of the scan do it."""
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "INSERT INTO stale_usages (vendor_id, customer_id)"
        " SELECT DISTINCT vendor_id, customer_id FROM customer_interests ON CONFLICT DO NOTHING"
    )
    op.execute("RESET ROLE")


def _tasks() -> None:
    """Columns that are empty so far; their keys and indexes are made while others work.

    First, since each step commits by itself: whoever breaks it off begins anew.
    """
    for column, table in TASK_KEYS.items():
        op.add_column("tasks", sa.Column(column, sa.BigInteger), if_not_exists=True)
        key = f"fk_tasks_vendor_id_{column}_{table}"
        # what a broken-off run has left goes first
        op.execute(f"ALTER TABLE tasks DROP CONSTRAINT IF EXISTS {key}")
        op.execute(
            f"ALTER TABLE tasks ADD CONSTRAINT {key} FOREIGN KEY (vendor_id, {column})"
            f" REFERENCES {table} (vendor_id, id) NOT VALID"
        )
        op.execute(f"ALTER TABLE tasks VALIDATE CONSTRAINT {key}")
        _find(f"ix_tasks_vendor_id_{column}", column)
    op.add_column("tasks", sa.Column("key", sa.Text), if_not_exists=True)
    _find("uq_tasks_vendor_id_key", "key", unique=True)


def _find(name: str, column: str, *, unique: bool = False) -> None:
    op.drop_index(name, "tasks", if_exists=True, postgresql_concurrently=True)
    op.create_index(
        name, "tasks", ["vendor_id", column], unique=unique,
        postgresql_where=sa.text(f"{column} IS NOT NULL"), postgresql_concurrently=True,
    )  # fmt: skip


def downgrade() -> None:
    for column in ("key", *reversed(TASK_KEYS)):
        op.drop_column("tasks", column)
    for verb in TRIGGERS:
        op.execute(f"DROP TRIGGER stale_usages_{verb.lower()} ON customer_interests")
    op.execute("DROP FUNCTION note_stale_usages()")
    for table in ("stale_usages", "usages", "message_rules"):
        op.drop_table(table)
