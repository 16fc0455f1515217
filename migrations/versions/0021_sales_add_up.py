"""Stock, store credit and orders add up: the database counts them from their ledgers."""

from alembic import op

revision, down_revision = "0021", "0020"

HEAD = "LANGUAGE plpgsql SET search_path = pg_catalog, public"

COUNT_ORDERS = f"""
CREATE FUNCTION count_orders(ids bigint[]) RETURNS void {HEAD} AS $$
BEGIN
  -- one after the other, in order: what the others have written is seen once they are done
  PERFORM FROM orders WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE payments p SET refunded = given.back
  FROM (
    SELECT q.id, coalesce(sum(r.amount) FILTER (WHERE r.status <> 'failed'), 0) AS back
    FROM payments q LEFT JOIN refunds r ON r.vendor_id = q.vendor_id AND r.payment_id = q.id
    WHERE q.vendor_id IN (SELECT vendor_id FROM orders WHERE id = ANY (ids))
      AND q.order_id = ANY (ids)
    GROUP BY q.id
  ) AS given
  WHERE p.id = given.id AND p.refunded <> given.back;
  UPDATE order_lines l SET packed = n.packed, handed_over = n.handed_over,
    delivered = n.delivered, returned = n.returned, refunded = n.refunded
  FROM (
    SELECT m.id, sent.packed, sent.handed_over, sent.delivered, back.returned, given.refunded
    FROM order_lines m
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(i.quantity) FILTER (WHERE s.status <> 'failed'), 0) AS packed,
        coalesce(sum(i.quantity) FILTER (WHERE s.status IN ('handed_over', 'delivered')), 0)
          AS handed_over,
        coalesce(sum(i.quantity) FILTER (WHERE s.status = 'delivered'), 0) AS delivered
      FROM shipment_lines i JOIN shipments s ON s.vendor_id = i.vendor_id AND s.id = i.shipment_id
      WHERE i.vendor_id = m.vendor_id AND i.order_line_id = m.id
    ) AS sent
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(i.received), 0) AS returned FROM return_lines i
      WHERE i.vendor_id = m.vendor_id AND i.order_line_id = m.id
    ) AS back
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(i.amount), 0) AS refunded
      FROM refund_lines i JOIN refunds r ON r.vendor_id = i.vendor_id AND r.id = i.refund_id
      WHERE i.vendor_id = m.vendor_id AND i.order_line_id = m.id AND r.status <> 'failed'
    ) AS given
    WHERE m.vendor_id IN (SELECT vendor_id FROM orders WHERE id = ANY (ids))
      AND m.order_id = ANY (ids)
  ) AS n
  WHERE l.id = n.id AND (l.packed, l.handed_over, l.delivered, l.returned, l.refunded)
    IS DISTINCT FROM (n.packed, n.handed_over, n.delivered, n.returned, n.refunded);
  UPDATE orders o SET paid = money.paid, refunded = money.refunded,
    handed_over = goods.handed_over, delivered = goods.delivered, returned = goods.returned
  FROM orders p
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount), 0) AS paid, coalesce(sum(refunded), 0) AS refunded
    FROM payments q
    WHERE q.vendor_id = p.vendor_id AND q.order_id = p.id AND q.status = 'captured'
  ) AS money
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(handed_over), 0) AS handed_over, coalesce(sum(delivered), 0) AS delivered,
      coalesce(sum(returned), 0) AS returned
    FROM order_lines m WHERE m.vendor_id = p.vendor_id AND m.order_id = p.id
  ) AS goods
  WHERE p.id = ANY (ids) AND o.id = p.id
    AND (o.paid, o.refunded, o.handed_over, o.delivered, o.returned)
      IS DISTINCT FROM (money.paid, money.refunded, goods.handed_over, goods.delivered,
        goods.returned);
END $$
"""

CHANGED = "FROM new_rows n JOIN old_rows o USING (id) WHERE (n.{0}) IS DISTINCT FROM (o.{0})"
PARENT = "JOIN {0} p ON p.vendor_id = n.vendor_id AND p.id = n.{1}"
OF_ORDERS = {
    ("payments", "INSERT"): "n.order_id FROM new_rows n",
    ("payments", "UPDATE"): "n.order_id " + CHANGED.format("status"),
    ("refunds", "INSERT"): "n.order_id FROM new_rows n",
    ("refunds", "UPDATE"): "n.order_id " + CHANGED.format("status"),
    ("refund_lines", "INSERT"): "p.order_id FROM new_rows n " + PARENT.format("refunds",
                                                                             "refund_id"),
    ("shipments", "UPDATE"): "n.order_id " + CHANGED.format("status"),
    ("shipment_lines", "INSERT"): "p.order_id FROM new_rows n "
    + PARENT.format("shipments", "shipment_id"),
    ("return_lines", "UPDATE"): "p.order_id FROM new_rows n JOIN old_rows o USING (id) "
    + PARENT.format("product_returns", "return_id")
    + " WHERE n.received <> o.received",
}  # fmt: skip
"""Which orders are counted anew, by what was written: a part of SELECT DISTINCT."""

MOVES = """
BEGIN
  PERFORM FROM variants WHERE id IN (SELECT variant_id FROM new_rows) ORDER BY id
  FOR NO KEY UPDATE;
  UPDATE variants v SET on_hand = v.on_hand + moved.on_hand, reserved = v.reserved + moved.reserved
  FROM (
    SELECT variant_id, sum(on_hand) AS on_hand, sum(reserved) AS reserved
    FROM new_rows GROUP BY variant_id
  ) AS moved
  WHERE v.id = moved.variant_id;
  RETURN NULL;
END
"""
CREDIT = """
BEGIN
  PERFORM FROM customers WHERE id IN (SELECT customer_id FROM new_rows) ORDER BY id
  FOR NO KEY UPDATE;
  UPDATE customers c SET store_credit = c.store_credit + given.amount
  FROM (SELECT customer_id, sum(amount) AS amount FROM new_rows GROUP BY customer_id) AS given
  WHERE c.id = given.customer_id;
  RETURN NULL;
END
"""
GUARD = """
BEGIN
  IF pg_trigger_depth() < 2 THEN
    RAISE check_violation USING MESSAGE = 'this is counted, not written', TABLE = TG_TABLE_NAME,
      CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_counted_not_written';
  END IF;
  RETURN NEW;
END
"""

COUNTED = {
    "variants": ("on_hand", "reserved"),
    "customers": ("store_credit",),
    "payments": ("refunded",),
    "orders": ("paid", "refunded", "handed_over", "delivered", "returned"),
    "order_lines": ("packed", "handed_over", "delivered", "returned", "refunded"),
}


def upgrade() -> None:
    op.execute(COUNT_ORDERS)
    for (table, event), ids in OF_ORDERS.items():
        name = f"{table}_count_orders_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger {HEAD} AS $$"
            f"DECLARE ids bigint[] := array(SELECT DISTINCT {ids});"
            " BEGIN IF cardinality(ids) > 0 THEN PERFORM count_orders(ids); END IF;"
            " RETURN NULL; END $$"
        )
        old = " OLD TABLE AS old_rows" if event == "UPDATE" else ""
        op.execute(
            f"CREATE TRIGGER counts_orders_{event.lower()} AFTER {event} ON {table}"
            f" REFERENCING{old} NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    for table, function, body in (
        ("stock_moves", "moves_are_counted", MOVES),
        ("credit_entries", "credit_is_counted", CREDIT),
    ):
        op.execute(f"CREATE FUNCTION {function}() RETURNS trigger {HEAD} AS $${body}$$")
        op.execute(
            f"CREATE TRIGGER is_counted AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
    op.execute(f"CREATE FUNCTION counted_not_written() RETURNS trigger {HEAD} AS $${GUARD}$$")
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
    for table in COUNTED:
        for event in ("update", "insert"):
            op.execute(f"DROP TRIGGER counted_not_written_{event} ON {table}")
    for table in ("stock_moves", "credit_entries"):
        op.execute(f"DROP TRIGGER is_counted ON {table}")
    for table, event in OF_ORDERS:
        op.execute(f"DROP TRIGGER counts_orders_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION {table}_count_orders_{event.lower()}()")
    for signature in (
        "counted_not_written()", "credit_is_counted()", "moves_are_counted()",
        "count_orders(bigint[])",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {signature}")
