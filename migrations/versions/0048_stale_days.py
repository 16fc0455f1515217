"""The database notes the days of which something changed that counts, for their figures."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0048", "0047"

HEAD = (
    "LANGUAGE plpgsql SET search_path = pg_catalog, public"
    # planned once, not with every booking: the rows are few, and their keys are known
    " SET plan_cache_mode = force_generic_plan"
)
NOTE = """
    INSERT INTO stale_days (vendor_id, day)
    SELECT DISTINCT t.vendor_id, CAST(t.at AT TIME ZONE v.time_zone AS date)
    FROM ({}) AS t (vendor_id, at) JOIN vendors v ON v.id = t.vendor_id WHERE t.at IS NOT NULL;
"""
VISIT = "CASE WHEN {0}.status = 'completed' THEN least({0}.starts_at, {0}.completed_at) END"
"""When a visit was, which for most is when its booking begins."""

NOTE_ORDERS = f"""
CREATE FUNCTION note_orders(ids bigint[]) RETURNS void {HEAD} AS $$
BEGIN
  {
    NOTE.format('''
    SELECT o.vendor_id, o.fulfilled_at FROM orders o WHERE o.id = ANY (ids)
    UNION ALL
    SELECT b.vendor_id, least(b.starts_at, b.completed_at) FROM orders o
    JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
    JOIN bookings b ON b.vendor_id = l.vendor_id AND b.id = l.booking_id
    WHERE o.id = ANY (ids) AND b.status = 'completed'
    UNION ALL
    SELECT r.vendor_id, r.created_at FROM orders o
    JOIN refunds r ON r.vendor_id = o.vendor_id AND r.order_id = o.id WHERE o.id = ANY (ids)
    UNION ALL
    SELECT r.vendor_id, r.received_at FROM orders o
    JOIN product_returns r ON r.vendor_id = o.vendor_id AND r.order_id = o.id
    WHERE o.id = ANY (ids)
  ''')
}
END $$
"""
"""Every day that an order which counts says something about, as it stands now."""

BOTH = "FROM new_rows n JOIN old_rows o USING (id)"


def differ(*columns: str) -> str:
    """The condition that one of these has changed."""
    olds, news = (", ".join(f"{row}.{name}" for name in columns) for row in "on")
    return f"({news}) IS DISTINCT FROM ({olds})"


OF_BOOKINGS = (
    "status", "starts_at", "ends_at", "price", "service_id", "staff_id", "channel", "kind",
    "seats", "completed_at", "fee", "held_until", "class_session_id",
)  # fmt: skip
OF_LINES = (
    "kind", "variant_id", "service_id", "package_id", "plan_id", "quantity", "discount", "total",
    "tax", "tax_percent", "cost", "booking_id", "refunded", "returned",
)  # fmt: skip
SETTLED = "{}.status IN ('fulfilled', 'completed')"
WAS, IS = SETTLED.format("o"), SETTLED.format("n")

BOOKINGS = {
    "INSERT": NOTE.format(
        "SELECT vendor_id, starts_at FROM new_rows UNION ALL"
        f" SELECT vendor_id, {VISIT.format('n')} FROM new_rows n WHERE n.completed_at < n.starts_at"
    ),
    "DELETE": NOTE.format(
        "SELECT vendor_id, starts_at FROM old_rows UNION ALL"
        f" SELECT vendor_id, {VISIT.format('o')} FROM old_rows o"
    ),
    "UPDATE": f"""
    IF NOT EXISTS (SELECT {BOTH} WHERE {differ(*OF_BOOKINGS)}) THEN
      RETURN NULL;
    END IF;
    {
        NOTE.format(f'''
      SELECT t.vendor_id, t.at FROM (
        SELECT n.vendor_id, o.starts_at AS was, n.starts_at AS now, {VISIT.format("n")} AS visit,
          {VISIT.format("o")} AS visited {BOTH} WHERE {differ(*OF_BOOKINGS)}
      ) AS c CROSS JOIN LATERAL
        (VALUES (c.vendor_id, was), (c.vendor_id, now), (c.vendor_id, visit),
          (c.vendor_id, visited)) AS t (vendor_id, at)
    ''')
    }
    -- what was given back of an order for no line depends on the visits it sold
    ids := array(
      SELECT DISTINCT l.order_id {BOTH}
      JOIN order_lines l ON l.vendor_id = n.vendor_id AND l.booking_id = n.id
      JOIN orders p ON p.vendor_id = l.vendor_id AND p.id = l.order_id
      WHERE {differ("status", "starts_at", "completed_at")} AND p.refunded > 0
        AND {SETTLED.format("p")});
    """,
}
ORDERS = {
    "INSERT": f"ids := array(SELECT id FROM new_rows n WHERE {IS});",
    "UPDATE": f"""
    ids := array(
      SELECT n.id {BOTH} WHERE ({WAS} OR {IS}) AND (
        ({IS}, n.fulfilled_at, n.channel, n.total, n.includes_tax, n.customer_id IS NULL,
          n.refunded, n.returned) IS DISTINCT FROM
        ({WAS}, o.fulfilled_at, o.channel, o.total, o.includes_tax, o.customer_id IS NULL,
          o.refunded, o.returned) OR n.paid <> o.paid AND n.refunded > 0));
    IF cardinality(ids) > 0 THEN
      {
        NOTE.format(
            f"SELECT o.vendor_id, o.fulfilled_at {BOTH} WHERE {WAS} AND {differ('fulfilled_at')}"
        )
    }
    END IF;
    """,
    "DELETE": NOTE.format(
        f"SELECT o.vendor_id, o.fulfilled_at FROM old_rows o WHERE {SETTLED.format('o')}"
    ),
}
OF_ORDER = (
    f"JOIN orders p ON p.vendor_id = {{0}}.vendor_id AND p.id = {{0}}.order_id"
    f" AND {SETTLED.format('p')}"
)
SOLD_BEFORE = (
    "SELECT b.vendor_id, least(b.starts_at, b.completed_at) FROM old_rows o JOIN bookings b"
    " ON b.vendor_id = o.vendor_id AND b.id = o.booking_id"
)
LINES = {
    "INSERT": f"ids := array(SELECT DISTINCT p.id FROM new_rows n {OF_ORDER.format('n')});",
    "UPDATE": f"""
    ids := array(
      SELECT DISTINCT p.id {BOTH} {OF_ORDER.format("n")} WHERE {differ(*OF_LINES)});
    IF cardinality(ids) > 0 THEN
      {NOTE.format(f"{SOLD_BEFORE} JOIN new_rows n ON n.id = o.id WHERE {differ('booking_id')}")}
    END IF;
    """,
    "DELETE": f"""
    ids := array(SELECT DISTINCT p.id FROM old_rows o {OF_ORDER.format("o")});
    {NOTE.format(SOLD_BEFORE)}
    """,
}
REFUNDS = {
    "UPDATE": f"""
    ids := array(SELECT DISTINCT p.id {BOTH} {OF_ORDER.format("n")}
      WHERE {differ("status", "amount", "created_at")});
    {NOTE.format(f"SELECT o.vendor_id, o.created_at {BOTH} WHERE {differ('created_at')}")}
    """,
    "DELETE": f"""
    ids := array(SELECT DISTINCT p.id FROM old_rows o {OF_ORDER.format("o")});
    {NOTE.format("SELECT o.vendor_id, o.created_at FROM old_rows o")}
    """,
}
RETURNS = {
    "UPDATE": f"""
    ids := array(SELECT DISTINCT p.id {BOTH} {OF_ORDER.format("n")}
      WHERE {differ("received_at")});
    {NOTE.format(f"SELECT o.vendor_id, o.received_at {BOTH} WHERE {differ('received_at')}")}
    """,
}
WATCHED = {
    "bookings": BOOKINGS, "orders": ORDERS, "order_lines": LINES, "refunds": REFUNDS,
    "product_returns": RETURNS,
}  # fmt: skip
"""What is written, and what it changes. New refunds and refunded lines are counted into their
order and its lines, which are watched."""

ALL_DAYS = {"vendors": "time_zone", "services": "category_id", "products": "category_id",
            "packages": "category_id"}  # fmt: skip
"""What changes all days of a vendor: its clock, and the categories of what it sells."""

REFERENCING = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}
INDEXES = {
    "ix_orders_vendor_id_fulfilled_at": (
        "orders", ["vendor_id", "fulfilled_at"], "fulfilled_at IS NOT NULL",
    ),
    "ix_bookings_over_early": (
        "bookings", ["vendor_id", "completed_at"], "completed_at < starts_at",
    ),
    "ix_product_returns_vendor_id_received_at": (
        "product_returns", ["vendor_id", "received_at"], "received_at IS NOT NULL",
    ),
}  # fmt: skip


def upgrade() -> None:
    _find()
    op.execute(NOTE_ORDERS)
    for table, events in WATCHED.items():
        for event, body in events.items():
            name = f"{table}_make_days_stale_{event.lower()}"
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger {HEAD} AS $$"
                f" DECLARE ids bigint[]; BEGIN {body}"
                " IF cardinality(ids) > 0 THEN PERFORM note_orders(ids); END IF;"
                " RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER makes_days_stale_{event.lower()} AFTER {event} ON {table}"
                f" REFERENCING {REFERENCING[event]} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
    op.execute(
        f"CREATE FUNCTION note_all_days() RETURNS trigger {HEAD} AS $$ BEGIN"
        " INSERT INTO stale_days (vendor_id, day) VALUES"
        " (CASE TG_TABLE_NAME WHEN 'vendors' THEN NEW.id"
        "  ELSE CAST(to_jsonb(NEW) ->> 'vendor_id' AS bigint) END, NULL);"
        " RETURN NULL; END $$"
    )
    for table, column in ALL_DAYS.items():
        op.execute(
            f"CREATE TRIGGER makes_days_stale AFTER UPDATE OF {column} ON {table} FOR EACH ROW"
            f" WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION note_all_days()"
        )
    # what was there before is worked out by the first round
    op.execute("SET LOCAL ROLE app_admin")
    op.execute("INSERT INTO stale_days (vendor_id, day) SELECT id, NULL FROM vendors")
    op.execute("RESET ROLE")


def _find() -> None:
    """First, since it commits by itself: whoever breaks it off begins anew."""
    with op.get_context().autocommit_block():
        for name, (table, columns, those) in INDEXES.items():
            # what a broken-off run has left goes first
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_where=sa.text(those),
                postgresql_concurrently=True,
            )  # fmt: skip


def downgrade() -> None:
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
    for table in ALL_DAYS:
        op.execute(f"DROP TRIGGER makes_days_stale ON {table}")
    op.execute("DROP FUNCTION note_all_days()")
    for table, events in WATCHED.items():
        for event in events:
            op.execute(f"DROP TRIGGER makes_days_stale_{event.lower()} ON {table}")
            op.execute(f"DROP FUNCTION {table}_make_days_stale_{event.lower()}()")
    op.execute("DROP FUNCTION note_orders(bigint[])")
