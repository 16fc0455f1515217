"""Lines of past sales as they were read: kept, and grouped into buyers, items, orders, returns."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations.history_returns import match_returns
from app.operations.import_reading import cursor_of, fresh_temp
from app.past_sales import BUYER, ITEM, LINE, Piece
from models.imports import ImportJob

STAGED = ("staged_sales", "staged_buyers", "staged_items", "staged_orders", "staged_refunds")
MOST = "9999999999.99"
PAST_SALE = "Past sale"
"""What an item without name and code is called."""


class TooMuchMoney(DomainError):
    sentence = (
        "The amounts add up to more than can be kept for one order or one customer: check which "
        "column holds the amount."
    )


def keep(session: Session, job: ImportJob, piece: Piece) -> None:
    """Keep a piece of the list. COPY is refused under row security: it goes through a table."""
    for table, columns, lines in (
        ("staged_sales", LINE, piece.lines),
        ("staged_buyers", BUYER, piece.buyers),
        ("staged_items", ITEM, piece.items),
    ):
        if not lines:
            continue
        listed = ", ".join(columns)
        fresh_temp(session, "arriving", f"SELECT {listed} FROM {table} WHERE false")
        with cursor_of(session).copy(f"COPY arriving ({listed}) FROM STDIN") as copy:
            for start in range(0, len(lines), 2000):
                copy.write("".join(lines[start : start + 2000]))
        if table == "staged_sales":
            source = f"SELECT :job, {listed} FROM arriving ORDER BY position"
            session.execute(
                text(f"INSERT INTO {table} (job_id, {listed}) {source}"), {"job": job.id}
            )
        else:
            _merge(session, job, table, columns)


def _merge(session: Session, job: ImportJob, table: str, columns: tuple[str, ...]) -> None:
    """What the list says of a buyer or an item: of each column the first that says anything."""
    further = [name for name in columns if name not in ("key", "line")]
    firsts = ", ".join(
        f"(array_agg(a.{name} ORDER BY a.line) FILTER (WHERE a.{name} IS NOT NULL))[1]"
        for name in further
    )
    kept = ", ".join(f"{name} = coalesce(s.{name}, excluded.{name})" for name in further)
    session.execute(
        text(
            f"INSERT INTO {table} AS s (job_id, key, line, {', '.join(further)})"
            f" SELECT :job, a.key, min(a.line), {firsts} FROM arriving a GROUP BY a.key"
            f" ON CONFLICT (vendor_id, job_id, key) DO UPDATE SET {kept}"
        ),
        {"job": job.id},
    )


def forget(session: Session, job: ImportJob) -> None:
    """Let go of everything that was read of the list."""
    for table in STAGED:
        _run(session, job, f"DELETE FROM {table} WHERE vendor_id = :vendor AND job_id = :job")


def _run(session: Session, job: ImportJob, statement: str, **values: Any) -> Any:
    known = {"vendor": job.vendor_id, "job": job.id}
    return session.execute(text(statement), known | values)


OF = "{0}.vendor_id = :vendor AND {0}.job_id = :job"
_S, _B, _I, _O = (OF.format(name) for name in "sbio")
SOLD = f"{_S} AND s.code IS NULL AND s.quantity > 0"


def group(session: Session, job: ImportJob) -> None:
    """Say of each buyer and item who and what it is, and which lines are one order."""
    find_items(session, job)
    _find_buyers(session, job)
    _group_orders(session, job)
    _since_when(session, job)
    match_returns(session, job)


# --- items -------------------------------------------------------------------------------


def find_items(session: Session, job: ImportJob) -> None:
    """Items by their code (SKU, then barcode), without one by name; services by name."""
    _run(
        session, job,
        f"UPDATE staged_items i SET name = coalesce(i.name, i.code, '{PAST_SALE}')"
        f" WHERE {_I} AND i.name IS NULL",
    )  # fmt: skip
    open_product = (
        f"{_I} AND i.variant_id IS NULL AND i.service_id IS NULL"
        " AND i.kind IS DISTINCT FROM 'service'"
    )
    for column in ("sku", "barcode"):
        _run(
            session, job,
            "UPDATE staged_items i SET variant_id = v.id FROM"
            f" (SELECT {column} AS code, min(id) AS id FROM variants WHERE vendor_id = :vendor"
            f" AND {column} IS NOT NULL GROUP BY {column}) AS v"
            f" WHERE {open_product} AND i.code = v.code",
        )  # fmt: skip
    _run(
        session, job,
        "UPDATE staged_items i SET variant_id = v.id FROM"
        " (SELECT DISTINCT ON (lower(p.name)) lower(p.name) AS name, v.id FROM products p"
        "  JOIN variants v ON v.vendor_id = p.vendor_id AND v.product_id = p.id"
        "  WHERE p.vendor_id = :vendor"
        "  ORDER BY lower(p.name), p.status <> 'active', v.id) AS v"
        f" WHERE {open_product} AND i.code IS NULL AND lower(i.name) = v.name",
    )  # fmt: skip
    _run(
        session, job,
        "UPDATE staged_items i SET service_id = s.id FROM"
        " (SELECT DISTINCT ON (lower(name)) lower(name) AS name, id FROM services"
        "  WHERE vendor_id = :vendor ORDER BY lower(name), NOT is_active, id) AS s"
        f" WHERE {_I} AND i.variant_id IS NULL AND i.service_id IS NULL"
        " AND i.kind IS DISTINCT FROM 'product' AND lower(i.name) = s.name",
    )  # fmt: skip
    find_categories(session, job)


KIND = "CASE WHEN i.kind = 'service' OR i.service_id IS NOT NULL THEN 'service' ELSE 'product' END"


def find_categories(session: Session, job: ImportJob) -> None:
    """The marketplace's categories of these names, whatever their case."""
    _run(
        session, job,
        "UPDATE staged_items i SET category_id = c.id FROM"
        " (SELECT DISTINCT ON (kind, lower(name)) kind, lower(name) AS name, id FROM categories"
        "  ORDER BY kind, lower(name), parent_id IS NOT NULL, id) AS c"
        f" WHERE {_I} AND i.category_id IS NULL AND i.category IS NOT NULL"
        f" AND c.kind = {KIND} AND c.name = lower(i.category)",
    )  # fmt: skip


# --- buyers ------------------------------------------------------------------------------

_SAME_CONTACT = """
    SELECT DISTINCT ON (b.key) b.key, b.line, c.id FROM staged_buyers b
    JOIN customers c ON c.vendor_id = :vendor AND c.{column} = b.{contact}
      AND c.anonymised_at IS NULL AND (b.reference IS NULL OR c.reference IS NULL)
    WHERE {of} AND b.customer_id IS NULL AND b.{contact} IS NOT NULL
    ORDER BY b.key, c.merged_into_id IS NOT NULL, c.archived_at IS NOT NULL, c.id
"""


def _find_buyers(session: Session, job: ImportJob) -> None:
    """Customers by the number they had in the other till, then by e-mail, then by phone.

    Two with different numbers are two, whatever their e-mail: the first has it.
    """
    _run(
        session, job,
        f"UPDATE staged_buyers b SET leader = NULL, since = NULL, customer_id = NULL WHERE {_B}",
    )  # fmt: skip
    _run(
        session, job,
        "UPDATE staged_buyers b SET customer_id = c.id FROM customers c"
        f" WHERE {_B} AND c.vendor_id = :vendor AND c.reference = b.reference",
    )  # fmt: skip
    for column, contact in (("email", "email"), ("phone", "phone"), ("phone_2", "phone")):
        same = _SAME_CONTACT.format(column=column, contact=contact, of=_B)
        _run(
            session, job,
            f"UPDATE staged_buyers b SET customer_id = m.id FROM ({same}) AS m"
            f" WHERE {_B} AND b.key = m.key AND (b.reference IS NULL OR NOT EXISTS"
            f" (SELECT 1 FROM ({same}) AS n JOIN staged_buyers r ON r.vendor_id = :vendor"
            "  AND r.job_id = :job AND r.key = n.key WHERE r.reference IS NOT NULL"
            "  AND n.id = m.id AND (n.line, n.key) < (m.line, m.key))"
            " AND NOT EXISTS (SELECT 1 FROM staged_buyers t WHERE t.vendor_id = :vendor"
            "  AND t.job_id = :job AND t.customer_id = m.id AND t.reference IS NOT NULL))",
        )  # fmt: skip
    _follow(session, job)
    followed = 1
    while followed:  # a customer whose file became another one's
        followed = _run(
            session, job,
            "UPDATE staged_buyers b SET customer_id = c.merged_into_id FROM customers c"
            f" WHERE {_B} AND c.vendor_id = :vendor AND c.id = b.customer_id"
            " AND c.merged_into_id IS NOT NULL",
        ).rowcount  # fmt: skip


def _follow(session: Session, job: ImportJob) -> None:
    for contact in ("email", "phone"):
        _run(
            session, job,
            "UPDATE staged_buyers b SET leader = l.key, customer_id = l.customer_id FROM"
            f" (SELECT DISTINCT ON ({contact}) {contact}, key, customer_id FROM staged_buyers"
            f"  WHERE vendor_id = :vendor AND job_id = :job AND {contact} IS NOT NULL"
            f"  AND leader IS NULL ORDER BY {contact}, line, key) AS l"
            f" WHERE {_B} AND b.reference IS NULL AND b.customer_id IS NULL AND b.leader IS NULL"
            f" AND b.{contact} = l.{contact} AND b.key <> l.key",
        )  # fmt: skip


# --- orders ------------------------------------------------------------------------------


def _group_orders(session: Session, job: ImportJob) -> None:
    fresh_temp(
        session, "grouped",
        "SELECT s.order_key AS key, min(s.sold_at) AS placed_at, min(s.position) AS first,"
        " count(*) AS lines, min(s.reference) AS reference, min(s.buyer) AS buyer,"
        " min(s.channel) AS channel, sum(s.total) AS total"
        f" FROM staged_sales s WHERE {SOLD} GROUP BY s.order_key",
        vendor=job.vendor_id, job=job.id,
    )  # fmt: skip
    session.execute(text("ANALYZE pg_temp.grouped"))
    _refuse_too_much(session, job)
    _run(session, job, f"DELETE FROM staged_orders o WHERE {_O}")
    _run(
        session, job,
        "INSERT INTO staged_orders (job_id, number, key, until_line, placed_at, reference, buyer,"
        " channel, total) SELECT :job, row_number() OVER w, key, sum(lines) OVER w, placed_at,"
        " reference, buyer, channel, total FROM grouped WINDOW w AS (ORDER BY placed_at, first)",
    )  # fmt: skip
    _find_own_orders(session, job)
    session.execute(text("SELECT refresh_statistics_of_sales()"))  # by them returns are matched


def _refuse_too_much(session: Session, job: ImportJob) -> None:
    too_much = _run(
        session, job,
        "SELECT coalesce(max(total), 0) > :most OR EXISTS (SELECT 1 FROM grouped g"
        " LEFT JOIN staged_buyers b"
        "  ON b.vendor_id = :vendor AND b.job_id = :job AND b.key = g.buyer"
        " LEFT JOIN customers c ON c.vendor_id = :vendor AND c.id = b.customer_id"
        " WHERE g.buyer IS NOT NULL GROUP BY coalesce(b.customer_id, b.leader, b.key)"
        " HAVING sum(g.total) + coalesce(max(c.total_spent), 0) > :most) FROM grouped",
        most=MOST,
    ).scalar()  # fmt: skip
    if too_much:
        raise TooMuchMoney


def _find_own_orders(session: Session, job: ImportJob) -> None:
    """Orders of this list that were made before a crash of the server emptied what was staged."""
    _run(
        session, job,
        "UPDATE staged_orders o SET order_id = m.id FROM (SELECT id, row_number() OVER"
        " (ORDER BY number) AS nth FROM orders WHERE vendor_id = :vendor"
        f" AND import_job_id = :job) AS m WHERE {_O} AND o.number = m.nth",
    )  # fmt: skip


def _since_when(session: Session, job: ImportJob) -> None:
    _run(
        session, job,
        "UPDATE staged_buyers b SET since = n.since FROM (SELECT coalesce(l.leader, l.key) AS key,"
        " min(o.placed_at) AS since FROM staged_orders o JOIN staged_buyers l"
        " ON l.vendor_id = o.vendor_id AND l.job_id = o.job_id AND l.key = o.buyer"
        f" WHERE {_O} GROUP BY 1) AS n WHERE {_B} AND b.key = n.key",
    )  # fmt: skip
