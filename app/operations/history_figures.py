"""What a list of past sales comes to, before and after it is imported."""

from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations.history_staging import SOLD
from models.imports import ImportJob

SHOWN_LINES = 20
"""Of how many lines the numbers are told for each kind of problem."""

_LINES = """
  SELECT count(*) AS lines, count(*) FILTER (WHERE code IS NULL AND quantity > 0) AS sales_lines,
    count(*) FILTER (WHERE code IS NULL AND quantity < 0) AS return_lines,
    count(code) AS refused_lines,
    count(*) - count(DISTINCT digest) AS duplicate_lines,
    count(*) FILTER (WHERE code IS NULL AND quantity > 0 AND buyer IS NULL) AS anonymous_lines,
    coalesce(sum(total) FILTER (WHERE code IS NULL AND quantity > 0), 0) AS revenue,
    min(sold_at) AS first_at, max(sold_at) AS last_at
  FROM staged_sales WHERE vendor_id = :vendor AND job_id = :job
"""
_ORDERS = """
  SELECT count(*) AS orders, count(*) FILTER (WHERE o.buyer IS NULL) AS anonymous_orders,
    count(DISTINCT coalesce(b.customer_id, b.leader, b.key)) AS customers,
    count(DISTINCT coalesce(b.leader, b.key)) FILTER (WHERE b.customer_id IS NULL)
      AS new_customers
  FROM staged_orders o LEFT JOIN staged_buyers b
    ON b.vendor_id = o.vendor_id AND b.job_id = o.job_id AND b.key = o.buyer
  WHERE o.vendor_id = :vendor AND o.job_id = :job
"""
_ITEMS = """
  SELECT count(*) AS items, count(*) FILTER (WHERE is_new) AS new_items,
    count(*) FILTER (WHERE is_new AND kind = 'product') AS new_products,
    count(*) FILTER (WHERE is_new AND kind = 'service') AS new_services,
    count(DISTINCT (kind, lower(category))) FILTER (WHERE category IS NOT NULL) AS categories,
    count(DISTINCT (kind, lower(category))) FILTER (WHERE is_new AND category IS NOT NULL
      AND category_id IS NULL) AS new_categories
  FROM (
    SELECT variant_id IS NULL AND service_id IS NULL AS is_new, category, category_id,
      CASE WHEN kind = 'service' OR service_id IS NOT NULL THEN 'service' ELSE 'product' END AS kind
    FROM staged_items i WHERE i.vendor_id = :vendor AND i.job_id = :job AND EXISTS
      (SELECT 1 FROM sold_items s WHERE s.item = i.key)
  ) AS said
"""
_RETURNS = """
  SELECT count(DISTINCT position) FILTER (WHERE number > 0) AS returns,
    coalesce(sum(amount) FILTER (WHERE number > 0), 0) AS returned,
    count(DISTINCT number) FILTER (WHERE number > 0) AS refunds,
    count(*) FILTER (WHERE number = 0) AS no_sale_found,
    coalesce(sum(amount) FILTER (WHERE number = 0), 0) AS not_returned
  FROM staged_refunds WHERE vendor_id = :vendor AND job_id = :job
"""
_PROBLEMS = """
  SELECT p ->> 'code' AS code, count(*) AS lines, (array_agg(s.line ORDER BY s.position))[1:{n}]
      AS first_lines
  FROM staged_sales s CROSS JOIN LATERAL jsonb_array_elements(s.problems) AS p
  WHERE s.vendor_id = :vendor AND s.job_id = :job AND s.problems IS NOT NULL
  GROUP BY 1
  UNION ALL
  SELECT 'no_sale_found', count(*), (array_agg(s.line ORDER BY s.position))[1:{n}]
  FROM staged_refunds r JOIN staged_sales s
    ON s.vendor_id = r.vendor_id AND s.job_id = r.job_id AND s.position = r.position
  WHERE r.vendor_id = :vendor AND r.job_id = :job AND r.number = 0 HAVING count(*) > 0
  ORDER BY 1
"""


def figures(session: Session, job: ImportJob) -> dict[str, Any]:
    """What the list would make, as JSON: counts of lines, orders, customers, items, categories.

    `revenue`, `returned` and `not_returned` are amounts as text. `problems` tells of each kind how
    many lines have it, and which are the first.
    """
    known = {"vendor": job.vendor_id, "job": job.id}
    session.execute(text("DROP TABLE IF EXISTS pg_temp.sold_items"))
    session.execute(
        text(
            "CREATE TEMP TABLE sold_items ON COMMIT DROP AS"
            f" SELECT DISTINCT s.item FROM staged_sales s WHERE {SOLD}"
        ),
        known,
    )
    told: dict[str, Any] = {}
    for question in (_LINES, _ORDERS, _ITEMS, _RETURNS):
        told |= session.execute(text(question), known).mappings().one()
    problems = session.execute(text(_PROBLEMS.format(n=SHOWN_LINES)), known).mappings()
    told["problems"] = {
        row["code"]: {"lines": row["lines"], "first": row["first_lines"]} for row in problems
    }
    return {name: _as_json(value) for name, value in told.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if hasattr(value, "isoformat") else value
