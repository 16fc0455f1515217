"""Past sales are imported: what another till sold becomes completed orders, and can go again.

Payments, refunds and their lines stay, as before, but for those of an import that is being taken
back. The trail tells of such an import once, not of each line: what it writes while it runs, and
what goes while it is taken back, carries its number. Orders are counted anew when a refund goes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import (
    CURRENT_VENDOR,
    audit,
    define_as,
    drop_owned,
    grant,
    policy,
    protect,
)

revision, down_revision = "0026", "0025"


def _money(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(12, 2), nullable=nullable)


def _number(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = True, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=nullable, comment=comment)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


STAGED: dict[str, tuple[sa.Column[object] | sa.Constraint, ...]] = {
    "staged_sales": (
        _number("position", comment="1 for the first row after the header"),
        _number("line"),
        _number("digest"),
        _text("code", comment="why the line is left out"),
        sa.Column("raw", JSONB),
        sa.Column("problems", JSONB),
        _time("sold_at", nullable=True),
        _number("order_key", nullable=True),
        _text("reference", comment="the order's number in the other till"),
        _number("buyer", nullable=True),
        _number("item", nullable=True),
        _text("name"),
        _number("quantity", nullable=True),
        _money("unit_price", nullable=True),
        _money("total", nullable=True),
        _text("channel"),
    ),
    "staged_buyers": (
        _number("key"),
        _number("line", comment="the first that names them"),
        _text("reference"),
        _text("full_name"),
        _text("email"),
        _text("phone"),
        _number("leader", nullable=True),
        _number("customer_id", nullable=True),
        _time("since", nullable=True),
    ),
    "staged_items": (
        _number("key"),
        _number("line", comment="the first that names it"),
        _text("kind"),
        _text("code"),
        _text("name"),
        _text("category"),
        _money("unit_price"),
        _number("category_id", nullable=True),
        _number("variant_id", nullable=True),
        _number("service_id", nullable=True),
    ),
    "staged_orders": (
        _number("number"),
        _number("key"),
        _number("until_line", comment="lines of this order and all older ones"),
        _time("placed_at"),
        _text("reference"),
        _number("buyer", nullable=True),
        _text("channel", nullable=False),
        _money("total"),
        _number("order_id", nullable=True),
    ),
    "staged_refunds": (
        _number("number"),
        _number("position", comment="of the line that is the return"),
        _time("at"),
        _text("reference"),
        _number("sale", nullable=True),
        _number("order_key", nullable=True),
        _number("order_line_id", nullable=True),
        _money("amount"),
        sa.CheckConstraint(
            "num_nonnulls(sale, order_line_id) <= 1",
            name="ck_staged_refunds_one_line_was_sold",
        ),
    ),
}
KEYS: dict[str, dict[bool, tuple[str, ...]]] = {
    "staged_sales": {True: ("position",), False: ("order_key",)},
    "staged_buyers": {True: ("key",)},
    "staged_items": {True: ("key",)},
    "staged_orders": {True: ("number", "key")},
    "staged_refunds": {False: ("number",)},
}
"""By whether it is unique: what rows of a job are found by."""

STATISTICS = {
    "staged_sales": "vendor_id, job_id, position, order_key, buyer, item",
    "staged_buyers": "vendor_id, job_id, key, customer_id, leader",
    "staged_items": "vendor_id, job_id, key, variant_id, service_id",
    "staged_orders": "vendor_id, job_id, number, key, buyer, order_id",
    "staged_refunds": "vendor_id, job_id, number, sale, order_key, order_line_id",
    "import_made": "vendor_id, job_id, noun, row_id",
    "customers": "vendor_id, email, phone, reference, archived_at",
    "products": "vendor_id, name",
    "variants": "vendor_id, product_id, sku, barcode",
    "orders": "vendor_id, customer_id, placed_at, number, status, import_job_id",
    "order_lines": "vendor_id, order_id, position, variant_id, service_id",
    "payments": "vendor_id, order_id",
    "refunds": "vendor_id, order_id, payment_id, import_job_id",
    "customer_interests": "vendor_id, customer_id, kind, item_id",
}

GROWN = (
    ("orders", "import_job_id", None), ("refunds", "import_job_id", None),
    ("orders", "reference", "its number elsewhere"),
    ("customers", "reference", "their number elsewhere"),
)  # fmt: skip
RULES = (
    (
        "orders", "fk_orders_vendor_id_import_job_id_import_jobs",
        "FOREIGN KEY (vendor_id, import_job_id) REFERENCES import_jobs (vendor_id, id)",
    ),
    (
        "refunds", "fk_refunds_vendor_id_import_job_id_import_jobs",
        "FOREIGN KEY (vendor_id, import_job_id) REFERENCES import_jobs (vendor_id, id)",
    ),
)  # fmt: skip
INDEXES = (
    (
        "ix_orders_import", "orders", ["vendor_id", "import_job_id", "customer_id", "id"], False,
        "import_job_id IS NOT NULL",
    ),
    (
        "ix_orders_vendor_id_reference", "orders", ["vendor_id", "reference"], False,
        "reference IS NOT NULL",
    ),
    (
        "ix_refunds_vendor_id_import_job_id", "refunds", ["vendor_id", "import_job_id"], False,
        "import_job_id IS NOT NULL",
    ),
    (
        "uq_customers_vendor_id_reference", "customers", ["vendor_id", "reference"], True,
        "reference IS NOT NULL",
    ),
)  # fmt: skip

SHOWN_BEFORE = (
    "id", "vendor_id", "person_id", "full_name", "company", "email", "phone", "phone_2",
    "birthday", "status", "channel", "locale", "time_zone", "note", "archived_at",
    "anonymised_at", "merged_into_id", "created_at",
)  # fmt: skip
SHOWN = {"customers": (*SHOWN_BEFORE, "reference")}
"""What the trail says of a new customer: all columns but the shadows."""

CREATED = """
CREATE OR REPLACE FUNCTION audit_created_customers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  actor bigint := NULLIF(current_setting('app.user_id', true), '')::bigint;
BEGIN
  INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, new)
  SELECT vendor_id, id, 'customers', id, 'create', actor,
         JSON_OBJECT({columns} ABSENT ON NULL RETURNING jsonb)
  FROM new_rows;
  RETURN NULL;
END $$
"""

OF_IMPORT = {
    "orders": ("import_job_id", "import_jobs j ON j.id = n.id"),
    "order_lines": ("order_id", "orders o ON o.id = n.id JOIN import_jobs j"
                    " ON j.id = o.import_job_id"),
    "payments": ("order_id", "orders o ON o.id = n.id JOIN import_jobs j"
                 " ON j.id = o.import_job_id"),
    "refunds": ("import_job_id", "import_jobs j ON j.id = n.id"),
}  # fmt: skip
"""By which column a row is of an import of past sales, and how that is found."""

HIDDEN = {
    "orders": ("paid", "refunded", "handed_over", "delivered", "returned", "request_key"),
    "order_lines": ("packed", "handed_over", "delivered", "returned", "refunded"),
    "payments": ("refunded",),
    "refunds": (),
}
"""As before: what the trail does not tell of these."""

TOLD_ONCE = """
CREATE FUNCTION audit_{event}_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  hidden text[] := TG_ARGV[0]::text[];
  actor bigint := NULLIF(current_setting('app.user_id', true), '')::bigint;
  named bigint[] := array(SELECT DISTINCT {column_of} FROM {rows} WHERE {column_of} IS NOT NULL);
  quiet bigint[] := array(SELECT n.id FROM unnest(named) AS n (id) JOIN {job} WHERE {runs});
BEGIN
  IF cardinality(quiet) > 0 AND NOT EXISTS
    (SELECT 1 FROM {rows} r WHERE r.{column_of} IS NULL OR cardinality(quiet) < cardinality(named))
  THEN
    RETURN NULL;
  END IF;
  INSERT INTO audit_entries
    (vendor_id, customer_id, table_name, row_id, action, user_id, {column})
  SELECT vendor_id, audit_customer('{table}', said), '{table}', id, '{action}', actor,
         jsonb_strip_nulls(said - hidden)
  FROM (
    SELECT r.id, r.vendor_id, to_jsonb(r) AS said FROM {rows} r
    WHERE r.{column_of} IS NULL OR r.{column_of} <> ALL (quiet) OFFSET 0
  ) AS told;
  RETURN NULL;
END $$
"""
EVENTS = {
    "insert": ("create", "new", "new_rows", "NEW TABLE AS new_rows", "j.status = 'importing'"),
    "delete": ("delete", "old", "old_rows", "OLD TABLE AS old_rows", "j.result ? 'undoing'"),
}

LEDGERS = {
    "payments": "EXISTS (SELECT 1 FROM orders o JOIN import_jobs j ON j.vendor_id = o.vendor_id"
    " AND j.id = o.import_job_id WHERE o.vendor_id = payments.vendor_id"
    " AND o.id = payments.order_id AND j.result ? 'undoing')",
    "refunds": "EXISTS (SELECT 1 FROM import_jobs j WHERE j.vendor_id = refunds.vendor_id"
    " AND j.id = refunds.import_job_id AND j.result ? 'undoing')",
}
"""What goes with an import that is taken back; nothing else ever goes. Lines go with refunds."""

COUNTED = """
CREATE FUNCTION {table}_count_orders_delete() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE ids bigint[] := array(SELECT DISTINCT order_id FROM old_rows);
BEGIN
  IF cardinality(ids) > 0 THEN PERFORM count_orders(ids); END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _grow()
    for table, columns in STAGED.items():
        _staged(table, columns)
    _made()
    _refresh()
    _go_with_their_job()
    _tell_of_customers(SHOWN["customers"])
    _tell_of_sales()
    for table, which in LEDGERS.items():
        _may_go(table, which)


def _common() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, nullable=False, server_default=sa.text(CURRENT_VENDOR)
        ),
        sa.Column("job_id", sa.BigInteger, nullable=False),
    )


def _of_job(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "job_id"], ["import_jobs.vendor_id", "import_jobs.id"],
            name=f"fk_{table}_vendor_id_job_id_import_jobs", ondelete="CASCADE",
        ),
    )  # fmt: skip


def _staged(table: str, columns: tuple[sa.Column[object] | sa.Constraint, ...]) -> None:
    op.create_table(table, *_common(), *columns, *_of_job(table), prefixes=["UNLOGGED"])
    protect(table)
    for unique, keys in KEYS[table].items():
        for key in keys:
            prefix = "uq" if unique else "ix"
            name, by = f"{prefix}_{table}_vendor_id_job_id_{key}", ["vendor_id", "job_id", key]
            if unique:
                op.create_unique_constraint(name, table, by)
            else:
                op.create_index(name, table, by)


def _made() -> None:
    op.create_table(
        "import_made",
        *_common(),
        sa.Column("noun", sa.Text, nullable=False),
        sa.Column("row_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_of_job("import_made"),
        sa.UniqueConstraint(
            "vendor_id", "job_id", "noun", "row_id",
            name="uq_import_made_vendor_id_job_id_noun_row_id",
        ),
        sa.CheckConstraint(
            "noun IN ('category', 'customer', 'product', 'reference', 'service')",
            name="ck_import_made_noun_known",
        ),
    )  # fmt: skip
    protect("import_made")


def _refresh() -> None:
    """Only the owner may ANALYZE: without it an import into a new database is planned blindly."""
    listed = ", ".join(f"{table} ({columns})" for table, columns in STATISTICS.items())
    op.execute(
        "CREATE FUNCTION refresh_statistics_of_sales() RETURNS void LANGUAGE plpgsql"
        " SECURITY DEFINER SET search_path = pg_catalog, public AS"
        f" $$ BEGIN ANALYZE {listed}; END $$"
    )
    op.execute("REVOKE ALL ON FUNCTION refresh_statistics_of_sales() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION refresh_statistics_of_sales() TO app_vendor, app_admin")


# --- rows that go with their job: see 0012 --------------------------------------------------


def _keys_can_rest() -> bool:
    return (op.get_bind().dialect.server_version_info or (0,)) >= (18,)


GOES = """
CREATE OR REPLACE FUNCTION rows_go_with_their_job() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public AS $$
BEGIN
{deletions}
  RETURN OLD;
END $$
"""


def _goes(tables: tuple[str, ...]) -> None:
    deletions = "\n".join(
        f"  DELETE FROM {table} WHERE vendor_id = OLD.vendor_id AND job_id = OLD.id;"
        for table in tables
    )
    op.execute(GOES.format(deletions=deletions))


def _go_with_their_job() -> None:
    if not _keys_can_rest():
        return
    tables = (*STAGED, "import_made")
    _goes(("staged_rows", "import_rows", *tables))
    for table in tables:
        key = f"fk_{table}_vendor_id_job_id_import_jobs"
        op.execute(f"ALTER TABLE {table} ALTER CONSTRAINT {key} NOT ENFORCED")
        op.execute(
            f"CREATE TRIGGER of_a_job AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION rows_have_their_job('{key}')"
        )
        op.execute(
            f"CREATE TRIGGER of_the_same_job AFTER UPDATE ON {table} FOR EACH ROW"
            " WHEN ((OLD.vendor_id, OLD.job_id) IS DISTINCT FROM (NEW.vendor_id, NEW.job_id))"
            f" EXECUTE FUNCTION rows_keep_their_job('{key}')"
        )


# --- the trail ------------------------------------------------------------------------------


def _tell_of_customers(columns: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{name}' VALUE {name}" for name in columns)
    op.execute("GRANT CREATE ON SCHEMA public TO app_audit")
    op.execute("SET LOCAL ROLE app_audit")
    op.execute(CREATED.format(columns=listed))
    op.execute("RESET ROLE")
    op.execute("REVOKE CREATE ON SCHEMA public FROM app_audit")


def _tell_of_sales() -> None:
    """New and removed rows, but for those of an import that runs, or is taken back."""
    for table, columns in {
        "orders": ("id", "import_job_id"), "import_jobs": ("id", "status", "result"),
    }.items():  # fmt: skip
        policy(table, "app_audit", verb="SELECT")
        grant(table, "app_audit", "SELECT", columns)
    for table, (column_of, job) in OF_IMPORT.items():
        for event, (action, column, rows, referencing, runs) in EVENTS.items():
            function = f"audit_{event}_{table}()"
            statement = TOLD_ONCE.format(
                event=event, table=table, action=action, column=column, rows=rows, runs=runs,
                job=job, column_of=column_of,
            )  # fmt: skip
            define_as("app_audit", statement, function, "SESSION_USER")
            skipped = ",".join(("updated_at", *HIDDEN[table]))
            op.execute(f"DROP TRIGGER audit_{event} ON {table}")
            op.execute(
                f"CREATE TRIGGER audit_{event} AFTER {event.upper()} ON {table}"
                f" REFERENCING {referencing} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION {function[:-2]}('{{{skipped}}}')"
            )


def _may_go(table: str, which: str) -> None:
    for role in ("app_vendor", "app_admin"):
        grant(table, role, "DELETE")
    op.execute(
        f"CREATE POLICY only_taken_back ON {table} AS RESTRICTIVE FOR DELETE"
        f" TO app_vendor, app_admin USING ({which})"
    )
    op.execute(COUNTED.format(table=table))
    op.execute(
        f"CREATE TRIGGER counts_orders_delete AFTER DELETE ON {table}"
        " REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {table}_count_orders_delete()"
    )


def _grow() -> None:
    """Each rule is added without a look at the rows, which are looked at while others work.

    First, since each step commits by itself: whoever breaks it off begins anew.
    """
    for table, name, comment in GROWN:
        kind = sa.Text if name == "reference" else sa.BigInteger
        op.add_column(table, sa.Column(name, kind, comment=comment), if_not_exists=True)
    for table, name, rule in RULES:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    for name, table, columns, unique, where in INDEXES:
        # what a broken-off run has left of it goes first
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, table, columns, unique=unique, postgresql_concurrently=True,
            postgresql_where=sa.text(where),
        )  # fmt: skip


def downgrade() -> None:
    """What was imported stays, as orders like any others; it cannot be taken back any more."""
    for table in LEDGERS:
        op.execute(f"DROP TRIGGER counts_orders_delete ON {table}")
        op.execute(f"DROP FUNCTION {table}_count_orders_delete()")
        op.execute(f"DROP POLICY only_taken_back ON {table}")
        op.execute(f"REVOKE DELETE ON {table} FROM app_vendor, app_admin")
    for table in OF_IMPORT:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER audit_{event} ON {table}")
        for event in EVENTS:
            drop_owned("app_audit", f"audit_{event}_{table}()")
        audit(table, without=HIDDEN[table])
    for table in ("orders", "import_jobs"):
        op.execute(f"DROP POLICY app_audit_select ON {table}")
    op.execute("REVOKE SELECT (id, import_job_id) ON orders FROM app_audit")
    op.execute("REVOKE SELECT (id, status, result) ON import_jobs FROM app_audit")
    _tell_of_customers(SHOWN_BEFORE)
    if _keys_can_rest():
        _goes(("staged_rows", "import_rows"))
    op.execute("DROP FUNCTION refresh_statistics_of_sales()")
    for table in (*STAGED, "import_made"):
        op.drop_table(table)
    op.drop_column("customers", "reference")
    for column in ("import_job_id", "reference"):
        op.drop_column("orders", column)
    op.drop_column("refunds", "import_job_id")
