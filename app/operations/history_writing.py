"""Grouped past sales become items, customers, completed orders with a payment each, and refunds.

Each of these works on rows it finds undone, and does no row twice.
"""

from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.contact import searchable
from app.operations import interests, numbers
from app.operations.history_staging import find_categories, find_items
from app.operations.import_reading import cursor_of, fresh_temp
from models.history import Noun
from models.imports import ImportJob

NEW_CUSTOMER = "Customer {}"
REASON = "Came back, as the earlier till tells"


def _run(session: Session, job: ImportJob, statement: str, **values: Any) -> Any:
    known = {"vendor": job.vendor_id, "job": job.id}
    return session.execute(text(statement), known | values)


_OPEN = (
    "i.vendor_id = :vendor AND i.job_id = :job AND i.variant_id IS NULL AND i.service_id IS NULL"
    " AND EXISTS (SELECT 1 FROM staged_sales s WHERE s.vendor_id = i.vendor_id"
    " AND s.job_id = i.job_id AND s.item = i.key AND s.code IS NULL AND s.quantity > 0)"
)
_MADE = "INSERT INTO import_made (vendor_id, job_id, noun, row_id)"


def make_categories(session: Session, job: ImportJob) -> None:
    """The categories that are missing. Only the marketplace may: it acts, for the vendor."""
    _run(
        session, job,
        "WITH new AS (INSERT INTO categories (kind, name)"
        " SELECT DISTINCT ON (kind, lower(category)) kind, category FROM (SELECT i.category,"
        " i.line, CASE WHEN i.kind = 'service' THEN 'service' ELSE 'product' END AS kind"
        f" FROM staged_items i WHERE {_OPEN} AND i.category IS NOT NULL AND i.category_id IS NULL)"
        " AS said ORDER BY kind, lower(category), line ON CONFLICT DO NOTHING RETURNING id)"
        f" {_MADE} SELECT :vendor, :job, '{Noun.CATEGORY}', id FROM new",
    )  # fmt: skip


def make_items(session: Session, job: ImportJob) -> None:
    """What the catalogue does not have: archived products of one variant, inactive services."""
    find_categories(session, job)
    fresh_temp(
        session, "fresh",
        "SELECT DISTINCT ON (code, CASE WHEN code IS NULL THEN lower(name) END) line, code, name,"
        " category_id, unit_price, NULL::bigint AS product_id"
        f" FROM staged_items i WHERE {_OPEN} AND i.kind IS DISTINCT FROM 'service'"
        " ORDER BY code, CASE WHEN code IS NULL THEN lower(name) END, line, key",
        vendor=job.vendor_id, job=job.id,
    )  # fmt: skip
    _run(
        session, job,
        "WITH new AS (INSERT INTO products (name, category_id, status)"
        " SELECT name, category_id, 'archived' FROM fresh ORDER BY line, code, name RETURNING id),"
        " paired AS (UPDATE fresh f SET product_id = n.id FROM"
        "  (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM new) AS n JOIN"
        "  (SELECT ctid AS at, row_number() OVER (ORDER BY line, code, name) AS nth FROM fresh)"
        "  AS p USING (nth) WHERE f.ctid = p.at RETURNING f.product_id)"
        f" {_MADE} SELECT :vendor, :job, '{Noun.PRODUCT}', product_id FROM paired",
    )  # fmt: skip
    _run(
        session, job,
        "INSERT INTO variants (product_id, sku, price)"
        " SELECT product_id, coalesce(code, 'PAST-' || product_id || CASE WHEN EXISTS"
        "  (SELECT 1 FROM variants v WHERE v.vendor_id = :vendor AND v.sku = 'PAST-' || product_id)"
        "  THEN '-' || :other ELSE '' END), unit_price FROM fresh ORDER BY product_id",
        other=uuid4().hex[:12],
    )  # fmt: skip
    _run(
        session, job,
        "WITH new AS (INSERT INTO services (name, category_id, price, is_active)"
        " SELECT name, category_id, unit_price, false FROM (SELECT DISTINCT ON (lower(i.name))"
        f" i.name, i.category_id, i.unit_price, i.line FROM staged_items i WHERE {_OPEN}"
        " AND i.kind = 'service' ORDER BY lower(i.name), i.line, i.key) AS said"
        f" ORDER BY line RETURNING id) {_MADE} SELECT :vendor, :job, '{Noun.SERVICE}', id FROM new",
    )  # fmt: skip
    find_items(session, job)


# --- customers ---------------------------------------------------------------------------


def name_known_customers(session: Session, job: ImportJob) -> None:
    """Give customers who were found by their contact the number of the other till."""
    _run(
        session, job,
        "WITH named AS (UPDATE customers c SET reference = b.reference FROM"
        " (SELECT DISTINCT ON (customer_id) customer_id, reference FROM staged_buyers"
        "  WHERE vendor_id = :vendor AND job_id = :job AND customer_id IS NOT NULL"
        "  AND reference IS NOT NULL AND since IS NOT NULL ORDER BY customer_id, line, key) AS b"
        " WHERE c.vendor_id = :vendor AND c.id = b.customer_id AND c.reference IS NULL"
        " AND c.anonymised_at IS NULL AND NOT EXISTS (SELECT 1 FROM customers o"
        "  WHERE o.vendor_id = :vendor AND o.reference = b.reference) RETURNING c.id)"
        f" {_MADE} SELECT :vendor, :job, '{Noun.REFERENCE}', id FROM named",
    )  # fmt: skip
    find_by_numbers(session, job)


def find_by_numbers(session: Session, job: ImportJob) -> None:
    """Who was given the number of the other till, or lost it again, is found by what is left."""
    named = _run(
        session, job,
        "SELECT c.id, c.full_name, c.company, c.email, c.phone, c.phone_2, c.reference"
        " FROM import_made m JOIN customers c ON c.vendor_id = :vendor AND c.id = m.row_id"
        f" WHERE m.vendor_id = :vendor AND m.job_id = :job AND m.noun = '{Noun.REFERENCE}'",
    ).all()  # fmt: skip
    fresh_temp(session, "called", "SELECT id, search_text FROM customers WHERE false")
    with cursor_of(session).copy("COPY called FROM STDIN") as copy:
        for customer_id, *names in named:
            copy.write_row((customer_id, searchable(*names)[1]))
    _run(
        session, job,
        "UPDATE customers c SET search_text = n.search_text FROM called n"
        " WHERE c.vendor_id = :vendor AND c.id = n.id AND c.search_text <> n.search_text",
    )  # fmt: skip


def make_customers(session: Session, job: ImportJob, *, after: int | None, size: int) -> int | None:
    """The next customers who bought something and are new; the key of the last, None: no more.

    They are known since they bought first.
    """
    new = _run(
        session, job,
        "SELECT key, reference, full_name, email, phone, since FROM staged_buyers"
        " WHERE vendor_id = :vendor AND job_id = :job AND customer_id IS NULL AND leader IS NULL"
        " AND since IS NOT NULL AND key > coalesce(CAST(:after AS bigint), key - 1)"
        " ORDER BY key LIMIT :size",
        after=after, size=size,
    ).all()  # fmt: skip
    if not new:
        return None
    fresh_temp(
        session, "newcomers",
        "SELECT key, reference, full_name, email, phone, since, full_name AS sort_name,"
        " full_name AS search_text FROM staged_buyers WHERE false",
    )  # fmt: skip
    with cursor_of(session).copy("COPY newcomers FROM STDIN") as copy:
        for key, reference, name, email, phone, since in new:
            called = name or (NEW_CUSTOMER.format(reference) if reference else None)
            words = searchable(called, None, email, phone, None, reference)
            copy.write_row((key, reference, called, email, phone, since, *words))
    _run(
        session, job,
        "WITH new AS (INSERT INTO customers (reference, full_name, email, phone, channel,"
        " sort_name, search_text, created_at, last_activity_at)"
        " SELECT reference, full_name, email, phone, (SELECT channel FROM import_jobs"
        " WHERE id = :job), sort_name, search_text, since, since FROM newcomers ORDER BY key"
        " RETURNING id), paired AS (UPDATE staged_buyers b SET customer_id = n.id FROM"
        "  (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM new) AS n JOIN"
        "  (SELECT key, row_number() OVER (ORDER BY key) AS nth FROM newcomers) AS p USING (nth)"
        "  WHERE b.vendor_id = :vendor AND b.job_id = :job AND b.key = p.key"
        "  RETURNING b.customer_id)"
        f" {_MADE} SELECT :vendor, :job, '{Noun.CUSTOMER}', customer_id FROM paired",
    )  # fmt: skip
    return int(new[-1].key)


def follow_leaders(session: Session, job: ImportJob) -> None:
    """Who is the same as a buyer who has become a customer is that customer."""
    _run(
        session, job,
        "UPDATE staged_buyers b SET customer_id = l.customer_id FROM staged_buyers l"
        " WHERE b.vendor_id = :vendor AND b.job_id = :job AND b.customer_id IS NULL"
        " AND l.vendor_id = :vendor AND l.job_id = :job AND l.key = b.leader",
    )  # fmt: skip


# --- orders ------------------------------------------------------------------------------


def next_order(session: Session, job: ImportJob, *, done: int, lines: int) -> tuple[int, int]:
    """Up to which order the next lines reach, and how many lines are done with it.

    At least one order; (done, 0) when there is none left.
    """
    # two numbers that are small are sent as smallints, and their sum may not be one: hence the cast
    found = _run(
        session, job,
        "SELECT number, until_line FROM staged_orders WHERE vendor_id = :vendor AND job_id = :job"
        " AND number > :done AND (number = :done + 1 OR until_line <= :lines + coalesce("
        "  (SELECT until_line FROM staged_orders WHERE vendor_id = :vendor AND job_id = :job"
        "   AND number = :done), 0)) AND number <= CAST(:done AS bigint) + :lines"
        " ORDER BY number DESC LIMIT 1",
        done=done, lines=lines,
    ).one_or_none()  # fmt: skip
    return (done, 0) if found is None else (found.number, found.until_line)


def make_orders(session: Session, job: ImportJob, *, after: int, until: int) -> None:
    """The orders after the first number, up to and with the second, numbered in their order."""
    fresh_temp(
        session, "these",
        "SELECT o.number, o.key, o.placed_at, o.reference, o.channel, o.total, b.customer_id"
        " FROM staged_orders o LEFT JOIN staged_buyers b ON b.vendor_id = o.vendor_id"
        " AND b.job_id = o.job_id AND b.key = o.buyer WHERE o.vendor_id = :vendor"
        " AND o.job_id = :job AND o.number > :after AND o.number <= :until",
        vendor=job.vendor_id, job=job.id, after=after, until=until,
    )  # fmt: skip
    fresh_temp(session, "made", "SELECT 0::bigint AS number, 0::bigint AS order_id WHERE false")
    session.execute(text("ANALYZE pg_temp.these"))
    _hold_customers(session, job, "SELECT customer_id FROM these")
    before = numbers.draw_many(
        session, vendor_id=job.vendor_id, series="orders", count=until - after
    )
    _run(
        session, job,
        "WITH new AS (INSERT INTO orders (number, public_ref, reference, import_job_id,"
        " customer_id, status, channel, total, placed_at, fulfilled_at, completed_at)"
        " SELECT CAST(:before AS bigint) + number, gen_random_uuid(), reference, :job, customer_id,"
        " 'completed', channel, total, placed_at, placed_at, placed_at FROM these ORDER BY number"
        " RETURNING id, number)"
        " INSERT INTO made SELECT number - CAST(:before AS bigint), id FROM new",
        before=before - after,
    )  # fmt: skip
    session.execute(text("ANALYZE pg_temp.made"))
    _run(
        session, job,
        "UPDATE staged_orders o SET order_id = m.order_id FROM made m"
        " WHERE o.vendor_id = :vendor AND o.job_id = :job AND o.number = m.number",
    )  # fmt: skip
    _make_lines(session, job)
    _run(
        session, job,
        "INSERT INTO payments (order_id, tender, status, amount, captured_at)"
        " SELECT m.order_id, 'elsewhere', 'captured', t.total, t.placed_at"
        " FROM these t JOIN made m USING (number) WHERE t.total > 0 ORDER BY m.order_id",
    )  # fmt: skip
    interests.count_orders(session, vendor_id=job.vendor_id, among="SELECT order_id FROM made")


def _hold_customers(session: Session, job: ImportJob, who: str) -> None:
    _run(
        session, job,
        "SELECT 1 FROM customers WHERE vendor_id = :vendor"
        f" AND id IN ({who}) ORDER BY id FOR NO KEY UPDATE",
    )  # fmt: skip


def _make_lines(session: Session, job: ImportJob) -> None:
    _run(
        session, job,
        "INSERT INTO order_lines (order_id, position, kind, variant_id, service_id, name,"
        " quantity, unit_price, discount, total)"
        " SELECT m.order_id, row_number() OVER (PARTITION BY t.number ORDER BY s.position),"
        " CASE WHEN i.service_id IS NULL THEN 'product' ELSE 'service' END,"
        " i.variant_id, i.service_id, coalesce(s.name, i.name), s.quantity, s.unit_price,"
        " s.unit_price * s.quantity - s.total, s.total"
        " FROM these t JOIN made m USING (number)"
        " JOIN staged_sales s ON s.vendor_id = :vendor AND s.job_id = :job AND s.order_key = t.key"
        " AND s.code IS NULL AND s.quantity > 0"
        " JOIN staged_items i ON i.vendor_id = :vendor AND i.job_id = :job AND i.key = s.item"
        " ORDER BY t.number, s.position",
    )  # fmt: skip


# --- refunds -----------------------------------------------------------------------------


def make_refunds(session: Session, job: ImportJob, *, after: int, until: int) -> int:
    """The refunds of these numbers; how many lines they give something back for.

    A sale of an earlier import, of which meanwhile less is left, is left as it is.
    """
    fresh_temp(
        session, "parts",
        "SELECT r.number, r.position, r.at, r.reference, r.sale, r.order_key, r.amount,"
        " r.order_line_id AS line_id, coalesce(o.order_id, l.order_id) AS order_id"
        " FROM staged_refunds r"
        " LEFT JOIN staged_orders o ON o.vendor_id = r.vendor_id AND o.job_id = r.job_id"
        "  AND o.key = r.order_key"
        " LEFT JOIN order_lines l ON l.vendor_id = r.vendor_id AND l.id = r.order_line_id"
        " WHERE r.vendor_id = :vendor AND r.job_id = :job AND r.number > :after"
        " AND r.number <= :until",
        vendor=job.vendor_id, job=job.id, after=after, until=until,
    )  # fmt: skip
    session.execute(text("ANALYZE pg_temp.parts"))
    _run(
        session, job,
        "SELECT 1 FROM orders WHERE vendor_id = :vendor AND id IN (SELECT order_id FROM parts)"
        " ORDER BY id FOR NO KEY UPDATE",
    )  # fmt: skip
    _run(
        session, job,
        "UPDATE parts p SET line_id = l.id FROM (SELECT s.position, s.order_key, row_number() OVER"
        "  (PARTITION BY s.order_key ORDER BY s.position) AS nth FROM staged_sales s"
        "  WHERE s.vendor_id = :vendor AND s.job_id = :job AND s.code IS NULL AND s.quantity > 0"
        "  AND s.order_key IN (SELECT order_key FROM parts)) AS s"
        " JOIN staged_orders o ON o.vendor_id = :vendor AND o.job_id = :job AND o.key = s.order_key"
        " JOIN order_lines l ON l.vendor_id = :vendor AND l.order_id = o.order_id"
        "  AND l.position = s.nth"
        " WHERE p.sale = s.position",
    )  # fmt: skip
    _run(
        session, job,
        "DELETE FROM parts p WHERE p.sale IS NULL AND EXISTS (SELECT 1 FROM order_lines l"
        " WHERE l.vendor_id = :vendor AND l.id = p.line_id AND l.total - l.refunded <"
        " (SELECT sum(q.amount) FROM parts q WHERE q.line_id = p.line_id))",
    )  # fmt: skip
    fresh_temp(
        session, "back",
        "SELECT number, order_id, min(at) AS at, min(reference) AS reference,"
        " sum(amount) AS amount, 0::bigint AS refund_id FROM parts GROUP BY number, order_id",
    )  # fmt: skip
    _run(
        session, job,
        "WITH new AS (INSERT INTO refunds (order_id, payment_id, import_job_id, tender, status,"
        " amount, reason, reference, created_at)"
        " SELECT b.order_id, (SELECT min(p.id) FROM payments p WHERE p.vendor_id = :vendor"
        "  AND p.order_id = b.order_id AND p.tender = 'elsewhere' AND p.status = 'captured'),"
        " :job, 'elsewhere', 'succeeded', b.amount, CAST(:reason AS text), b.reference, b.at"
        " FROM back b ORDER BY b.number RETURNING id)"
        " UPDATE back b SET refund_id = n.id FROM"
        "  (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM new) AS n JOIN"
        "  (SELECT number, row_number() OVER (ORDER BY number) AS nth FROM back) AS m USING (nth)"
        " WHERE b.number = m.number",
        reason=REASON,
    )  # fmt: skip
    _run(
        session, job,
        "INSERT INTO refund_lines (refund_id, order_line_id, amount)"
        " SELECT b.refund_id, p.line_id, sum(p.amount) FROM parts p JOIN back b USING (number)"
        " GROUP BY 1, 2 ORDER BY 1, 2",
    )  # fmt: skip
    interests.move_refunds(
        session, vendor_id=job.vendor_id, among="SELECT refund_id FROM back", by=-1
    )
    return int(_run(session, job, "SELECT count(DISTINCT position) FROM parts").scalar() or 0)
