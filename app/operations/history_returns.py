"""What came back finds what was sold: the latest earlier sales that have something left."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations.import_reading import cursor_of, fresh_temp
from models.imports import ImportJob

_CANDIDATES = """
  WITH who AS (
    SELECT b.key, coalesce(b.customer_id, b.leader, b.key) AS same, b.customer_id
    FROM staged_buyers b WHERE b.vendor_id = :vendor AND b.job_id = :job
  ), lines AS (
    SELECT w.same AS buyer, s.item, CASE WHEN s.buyer IS NULL THEN s.reference END AS only_in,
      s.sold_at AS at, s.quantity < 0 AS back, s.position, s.total, s.reference, s.order_key,
      NULL::bigint AS order_line_id, w.customer_id
    FROM staged_sales s LEFT JOIN who w ON w.key = s.buyer
    WHERE s.vendor_id = :vendor AND s.job_id = :job AND s.code IS NULL
  ), returned AS (
    SELECT DISTINCT buyer, item, only_in, customer_id FROM lines
    WHERE back AND (buyer IS NOT NULL OR only_in IS NOT NULL)
  ), known AS (
    SELECT r.buyer, r.item, r.only_in, o.placed_at AS at, false AS back, 0::bigint AS position,
      l.total - l.refunded AS total, o.reference, NULL::bigint AS order_key, l.id AS order_line_id,
      r.customer_id
    FROM returned r
    JOIN staged_items i ON i.vendor_id = :vendor AND i.job_id = :job AND i.key = r.item
    JOIN orders o ON o.vendor_id = :vendor AND o.import_job_id <> :job AND o.status = 'completed'
      AND CASE WHEN r.buyer IS NULL THEN o.customer_id IS NULL AND o.reference = r.only_in
          ELSE o.customer_id = r.customer_id END
    JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
      AND (l.variant_id = i.variant_id OR l.service_id = i.service_id)
    WHERE l.total > l.refunded AND o.refunded =
      (SELECT sum(m.refunded) FROM order_lines m
       WHERE m.vendor_id = o.vendor_id AND m.order_id = o.id)
  )
  SELECT l.* FROM lines l JOIN returned r ON r.item = l.item
    AND r.buyer IS NOT DISTINCT FROM l.buyer AND r.only_in IS NOT DISTINCT FROM l.only_in
  UNION ALL
  SELECT l.* FROM lines l WHERE l.back AND l.buyer IS NULL AND l.only_in IS NULL
  UNION ALL
  SELECT * FROM known
  ORDER BY buyer, item, only_in, at, back, position, order_line_id
"""


@dataclass(slots=True)
class _Sale:
    """A line that was sold, and how much of it was not given back yet."""

    left: Decimal
    position: int | None
    order_key: int | None
    order_line_id: int | None


@dataclass(slots=True)
class _Shelf:
    """What one customer bought of one item so far, the latest last, and by order number."""

    sales: list[_Sale] = field(default_factory=list)
    named: dict[str, list[_Sale]] = field(default_factory=dict)

    def put(self, sale: _Sale, reference: str | None) -> None:
        self.sales.append(sale)
        if reference is not None:
            self.named.setdefault(reference, []).append(sale)

    def take(self, amount: Decimal, reference: str | None) -> Iterator[tuple[_Sale | None, Any]]:
        """The sales that give this amount back, of the named order first; None for the rest."""
        for sales in (self.named.get(reference or "", []), self.sales):
            while sales and amount > 0:
                sale = sales[-1]
                part = min(sale.left, amount)
                if part > 0:
                    sale.left -= part
                    amount -= part
                    yield sale, part
                if sale.left == 0:
                    sales.pop()
        if amount > 0:
            yield None, amount


def match_returns(session: Session, job: ImportJob) -> None:
    """Say of each return which sales it gives back, never more than was paid."""
    known = {"vendor": job.vendor_id, "job": job.id}
    session.execute(
        text("DELETE FROM staged_refunds WHERE vendor_id = :vendor AND job_id = :job"), known
    )
    fresh_temp(
        session, "given",
        "SELECT position, at, reference, sale, order_key, order_line_id, amount,"
        " order_key AS document FROM staged_refunds WHERE false",
    )  # fmt: skip
    rows = session.execute(text(_CANDIDATES), known, execution_options={"yield_per": 5000})
    given = _given(rows)
    while some := list(islice(given, 5000)):  # one connection either reads or copies
        with cursor_of(session).copy("COPY given FROM STDIN") as copy:
            for row in some:
                copy.write_row(row)
    session.execute(
        text(
            "INSERT INTO staged_refunds (job_id, number, position, at, reference, sale, order_key,"
            " order_line_id, amount) SELECT :job, CASE WHEN sale IS NULL AND order_line_id IS NULL"
            " THEN 0 ELSE dense_rank() OVER (ORDER BY sale IS NULL AND order_line_id IS NULL, at,"
            " document, order_key, target) END, position, at, reference, sale, order_key,"
            " order_line_id, amount FROM (SELECT g.*, l.order_id AS target FROM given g"
            " LEFT JOIN order_lines l ON l.vendor_id = :vendor AND l.id = g.order_line_id) AS g"
        ),
        known,
    )


def _given(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """For each return: position, moment, number, and what it takes of which line that was sold."""
    for _, group in groupby(rows, key=lambda row: (row.buyer, row.item, row.only_in)):
        shelf = _Shelf()
        for row in group:
            if not row.back:
                sale = _Sale(row.total, row.position or None, row.order_key, row.order_line_id)
                shelf.put(sale, row.reference)
                continue
            for found, amount in shelf.take(row.total, row.reference):
                yield _told(row, found, amount)


def _told(row: Any, sale: _Sale | None, amount: Decimal) -> tuple[Any, ...]:
    at: datetime = row.at
    of = (None, None, None) if sale is None else (sale.position, sale.order_key, sale.order_line_id)
    return (row.position, at, row.reference, *of, amount, row.order_key)
