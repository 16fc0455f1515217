"""An import of past sales is taken back: all it made goes, but for what somebody has used since."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations import interests, numbers, score_keeping
from app.operations.history_writing import find_by_numbers
from app.operations.import_reading import fresh_temp
from models.base import Base
from models.history import Noun
from models.imports import ImportJob


def _run(session: Session, job: ImportJob, statement: str, **values: Any) -> Any:
    known = {"vendor": job.vendor_id, "job": job.id}
    return session.execute(text(statement), known | values)


def _used(target: str, row: str, *, but: frozenset[str] = frozenset()) -> str:
    """A condition: some row of another table refers to this one of `target`."""
    of_all = "vendor_id" not in Base.metadata.tables[target].c
    asked = [
        f"EXISTS (SELECT 1 FROM {table.name} x WHERE x.{part.parent.name} = {row}"
        + (")" if of_all else " AND x.vendor_id = :vendor)")
        for table in Base.metadata.sorted_tables
        if table.name not in but
        for key in table.foreign_key_constraints
        if key.referred_table.name == target
        for part in key.elements
        if part.column.name == "id"
    ]
    return " OR ".join(asked) or "false"


def drop_refunds(session: Session, job: ImportJob, *, size: int) -> int:
    """Let the next refunds go that nothing speaks of; how many there were to look at."""
    fresh_temp(
        session, "leaving",
        "SELECT r.id FROM refunds r WHERE r.vendor_id = :vendor AND r.import_job_id = :job"
        f" AND NOT ({_used('refunds', 'r.id', but=frozenset({'refund_lines'}))})"
        " ORDER BY r.id LIMIT :size",
        vendor=job.vendor_id, job=job.id, size=size,
    )  # fmt: skip
    _run(
        session, job,
        "SELECT 1 FROM orders WHERE vendor_id = :vendor AND id IN (SELECT r.order_id FROM refunds r"
        " JOIN leaving USING (id)) ORDER BY id FOR NO KEY UPDATE",
    )  # fmt: skip
    interests.move_refunds(session, vendor_id=job.vendor_id, among="SELECT id FROM leaving", by=1)
    gone = _run(
        session, job,
        "DELETE FROM refunds WHERE vendor_id = :vendor AND id IN (SELECT id FROM leaving)",
    )  # fmt: skip
    return int(gone.rowcount)


Cursor = tuple[int, int]
"""A customer (0: nobody) and an order: how far the orders are taken back."""

_TOUCHED = (
    "o.updated_at > o.created_at OR o.status <> 'completed'"
    " OR EXISTS (SELECT 1 FROM refunds r WHERE r.vendor_id = o.vendor_id AND r.order_id = o.id)"
    " OR (SELECT count(*) FROM payments p WHERE p.vendor_id = o.vendor_id AND p.order_id = o.id)"
    "  <> CASE WHEN o.total > 0 THEN 1 ELSE 0 END"
)


def drop_orders(
    session: Session, job: ImportJob, *, after: Cursor, size: int
) -> tuple[Cursor | None, int]:
    """Let the next orders go that nobody has touched; how far it came, and how many went.

    In the order of their customers, whose numbers are worked out anew.
    """
    of_line = " OR ".join(
        [
            "EXISTS (SELECT 1 FROM order_lines l WHERE l.vendor_id = o.vendor_id"
            f" AND l.order_id = o.id AND ({_used('order_lines', 'l.id')}))",
            "EXISTS (SELECT 1 FROM payments p WHERE p.vendor_id = o.vendor_id"
            f" AND p.order_id = o.id AND ({_used('payments', 'p.id')}))",
        ]
    )
    own = frozenset({"order_lines", "payments", "refunds"})
    fresh_temp(
        session, "leaving",
        "SELECT o.id, o.customer_id, coalesce(o.customer_id, 0) AS whose,"
        f" {_TOUCHED} OR {_used('orders', 'o.id', but=own)} OR {of_line} AS kept"
        " FROM orders o WHERE o.vendor_id = :vendor AND o.import_job_id = :job"
        " AND (coalesce(o.customer_id, 0), o.id) > (:whose, :order)"
        " ORDER BY coalesce(o.customer_id, 0), o.id LIMIT :size",
        vendor=job.vendor_id, job=job.id, whose=after[0], order=after[1], size=size,
    )  # fmt: skip
    last = session.execute(
        text("SELECT whose, id FROM leaving ORDER BY whose DESC, id DESC LIMIT 1")
    ).one_or_none()
    if last is None:
        return None, 0
    _run(
        session, job,
        "SELECT 1 FROM customers WHERE vendor_id = :vendor AND id IN"
        " (SELECT customer_id FROM leaving) ORDER BY id FOR NO KEY UPDATE",
    )  # fmt: skip
    gone = 0
    for table, key in (("payments", "order_id"), ("order_lines", "order_id"), ("orders", "id")):
        gone = _run(
            session, job,
            f"DELETE FROM {table} WHERE vendor_id = :vendor"
            f" AND {key} IN (SELECT id FROM leaving WHERE NOT kept)",
        ).rowcount  # fmt: skip
    bought = session.scalars(
        text("SELECT DISTINCT customer_id FROM leaving WHERE customer_id IS NOT NULL AND NOT kept")
    )
    interests.rebuild(session, customer_ids=list(bought))
    return (last.whose, last.id), gone


_WORKED_OUT = frozenset(
    {"usages", "stale_usages", "customer_months", "customer_scores", "segment_memberships"}
)
"""Of what a customer is and bought: it goes with the customer."""

_THINGS: dict[Noun, tuple[str, frozenset[str]]] = {
    Noun.CUSTOMER: ("customers", _WORKED_OUT),
    Noun.PRODUCT: ("products", frozenset({"variants"})),
    Noun.SERVICE: ("services", frozenset()),
    Noun.CATEGORY: ("categories", frozenset()),
}


def drop_things(session: Session, job: ImportJob, noun: Noun, *, size: int) -> int:
    """Let the next things of a noun go that it made and nobody uses or has changed; how many."""
    table, own = _THINGS[noun]
    in_use = _used(table, "t.id", but=own)
    if noun is Noun.PRODUCT:
        in_use += (
            " OR EXISTS (SELECT 1 FROM variants v WHERE v.vendor_id = :vendor"
            f" AND v.product_id = t.id AND (v.updated_at > m.at OR {_used('variants', 'v.id')}))"
        )
    fresh_temp(
        session, f"leaving_{table}",
        f"SELECT t.id FROM import_made m JOIN {table} t ON t.id = m.row_id"
        " WHERE m.vendor_id = :vendor AND m.job_id = :job AND m.noun = :noun"
        f" AND NOT (t.updated_at > m.at OR {in_use}) ORDER BY t.id LIMIT :size",
        vendor=job.vendor_id, job=job.id, noun=noun.value, size=size,
    )  # fmt: skip
    if noun is Noun.PRODUCT:
        _run(
            session, job,
            "DELETE FROM variants WHERE vendor_id = :vendor"
            " AND product_id IN (SELECT id FROM leaving_products)",
        )  # fmt: skip
    if noun is Noun.CUSTOMER:  # worked out of what they bought, which has gone before them
        leaving = list(session.scalars(text("SELECT id FROM leaving_customers ORDER BY id")))
        score_keeping.leave(session, vendor_id=job.vendor_id, customer_ids=leaving)
        for worked_out in ("usages", "segment_memberships"):
            _run(
                session, job,
                f"DELETE FROM {worked_out} WHERE vendor_id = :vendor"
                " AND customer_id IN (SELECT id FROM leaving_customers)",
            )  # fmt: skip
    gone = _run(session, job, f"DELETE FROM {table} WHERE id IN (SELECT id FROM leaving_{table})")
    return int(gone.rowcount)


def take_references_back(session: Session, job: ImportJob) -> None:
    """Customers who were known by their contact lose the number of the other till again."""
    _run(
        session, job,
        "UPDATE customers c SET reference = NULL FROM import_made m WHERE m.vendor_id = :vendor"
        f" AND m.job_id = :job AND m.noun = '{Noun.REFERENCE}' AND c.vendor_id = :vendor"
        " AND c.id = m.row_id AND NOT EXISTS (SELECT 1 FROM orders o"
        "  WHERE o.vendor_id = :vendor AND o.customer_id = c.id AND o.import_job_id IS NOT NULL)",
    )  # fmt: skip
    find_by_numbers(session, job)


def give_numbers_back(session: Session, job: ImportJob) -> None:
    """The next order counts on from the last one that is left."""
    last = _run(
        session, job, "SELECT coalesce(max(number), 0) FROM orders WHERE vendor_id = :vendor"
    ).scalar()
    numbers.give_back(session, vendor_id=job.vendor_id, series="orders", last=last or 0)


def left_over(session: Session, job: ImportJob) -> dict[str, int]:
    """What stays of the import, by noun; only what there is any of."""
    of_job = "SELECT count(*) FROM {} WHERE vendor_id = :vendor AND import_job_id = :job"
    kept = {table: of_job.format(table) for table in ("orders", "refunds")} | {
        table: f"SELECT count(*) FROM import_made m JOIN {table} t ON t.id = m.row_id"
        f" WHERE m.vendor_id = :vendor AND m.job_id = :job AND m.noun = '{noun}'"
        for noun, (table, _) in _THINGS.items()
    }
    counted = {name: _run(session, job, asked).scalar() or 0 for name, asked in kept.items()}
    return {name: count for name, count in counted.items() if count}
