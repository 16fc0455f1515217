"""What customers bought, and the running numbers on them: kept as things happen, and provable.

`app.operations.truth` says what they must be; this module alone writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.operations.truth import KEY, these, true_interests, true_numbers
from models.customers import Customer
from models.interests import CustomerInterest
from models.words import InterestKind

NUMBERS = (
    "visit_count",
    "no_show_count",
    "order_count",
    "services_spent",
    "products_spent",
    "total_spent",
    "last_visit_at",
    "last_order_at",
    "last_activity_at",
)
"""The running numbers on a customer; nothing but this module writes them."""


NOTHING = Decimal("0.00")
"""What something costs that was not paid for."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A number that is not what the bookings and orders say. Empty lists of these are the law."""

    customer_id: int
    number: str
    kept: Any
    true: Any


# --- as things happen ---------------------------------------------------------------------


def hold(session: Session, customer_id: int) -> None:
    """Let no one else move this customer's numbers until the transaction ends."""
    row = select(Customer.id).where(Customer.id == customer_id)
    session.execute(row.with_for_update(key_share=True))


def record(
    session: Session,
    *,
    customer_id: int,
    kind: InterestKind,
    item_id: int,
    category_id: int | None,
    times: int,
    spent: Decimal,
    at: datetime,
) -> None:
    """Remember that a customer bought an item `times` times for `spent` in all."""
    vendor = select(Customer.vendor_id).where(Customer.id == customer_id).scalar_subquery()
    new = insert(CustomerInterest).values(
        vendor_id=vendor,
        customer_id=customer_id,
        kind=kind,
        item_id=item_id,
        category_id=category_id,
        times=times,
        spent=spent,
        last_at=at,
    )
    kept = CustomerInterest
    session.execute(
        new.on_conflict_do_update(
            index_elements=list(KEY),
            set_={
                "times": kept.times + new.excluded.times,
                "spent": kept.spent + new.excluded.spent,
                "last_at": func.greatest(kept.last_at, new.excluded.last_at),
                "category_id": new.excluded.category_id,
            },
        )
    )


def count(
    session: Session,
    *,
    customer_id: int,
    visits: int = 0,
    no_shows: int = 0,
    orders: int = 0,
    services: Decimal = Decimal(0),
    products: Decimal = Decimal(0),
    others: Decimal = Decimal(0),
    visit_at: datetime | None = None,
    order_at: datetime | None = None,
) -> None:
    """Move a customer's running numbers by what has just happened."""
    moved = {
        "visit_count": Customer.visit_count + visits,
        "no_show_count": Customer.no_show_count + no_shows,
        "order_count": Customer.order_count + orders,
        "services_spent": Customer.services_spent + services,
        "products_spent": Customer.products_spent + products,
        "total_spent": Customer.total_spent + services + products + others,
        "last_visit_at": func.greatest(Customer.last_visit_at, visit_at),
        "last_order_at": func.greatest(Customer.last_order_at, order_at),
        "last_activity_at": func.greatest(Customer.last_activity_at, visit_at, order_at),
    }
    _write(session, [customer_id], moved)


def count_orders(session: Session, *, vendor_id: int, among: str) -> None:
    """Orders without bookings, packages and memberships count from now on, many at once.

    `among` selects their ids. Whoever asks holds the customers.
    """
    known = {"vendor": vendor_id}
    session.execute(text(_COUNT_ORDERS.format(among=among)), known)
    session.execute(text(_RECORD_LINES.format(among=among)), known)


def move_refunds(session: Session, *, vendor_id: int, among: str, by: int) -> None:
    """Refunds of lines without tax count from now on (`by` is -1), or no more (1), many at once.

    `among` selects their ids. Their orders count already, and whoever asks holds them.
    """
    known = {"vendor": vendor_id, "by": by}
    held = "SELECT DISTINCT o.customer_id FROM orders o JOIN refunds r ON r.order_id = o.id"
    session.execute(
        text(
            f"SELECT 1 FROM customers WHERE vendor_id = :vendor AND id IN ({held}"
            f" AND r.vendor_id = :vendor AND r.id IN ({among})) ORDER BY id FOR NO KEY UPDATE"
        ),
        known,
    )
    session.execute(text(_MOVE_NUMBERS.format(among=among)), known)
    session.execute(text(_MOVE_INTERESTS.format(among=among)), known)


_REFUNDED = """
    SELECT o.customer_id, i.kind, i.item_id, sum(b.amount) AS amount
    FROM refund_lines b JOIN order_lines l ON l.vendor_id = b.vendor_id AND l.id = b.order_line_id
    JOIN orders o ON o.vendor_id = l.vendor_id AND o.id = l.order_id
    CROSS JOIN LATERAL (
      SELECT 'product' AS kind, v.product_id AS item_id FROM variants v
      WHERE v.vendor_id = l.vendor_id AND v.id = l.variant_id
      UNION ALL
      SELECT s.kind, s.id FROM services s WHERE s.vendor_id = l.vendor_id AND s.id = l.service_id
    ) AS i
    WHERE b.vendor_id = :vendor AND b.refund_id IN ({among}) AND o.customer_id IS NOT NULL
    GROUP BY 1, 2, 3
"""
_MOVE_NUMBERS = (
    """
  UPDATE customers c SET total_spent = c.total_spent + :by * t.amount,
    products_spent = c.products_spent + :by * t.products,
    services_spent = c.services_spent + :by * (t.amount - t.products)
  FROM (SELECT customer_id, sum(amount) AS amount,
          coalesce(sum(amount) FILTER (WHERE kind = 'product'), 0) AS products
        FROM ("""
    + _REFUNDED
    + """) AS b GROUP BY customer_id) AS t
  WHERE c.vendor_id = :vendor AND c.id = t.customer_id
"""
)
_MOVE_INTERESTS = (
    "UPDATE customer_interests k SET spent = k.spent + :by * t.amount FROM ("
    + _REFUNDED
    + ") AS t WHERE k.vendor_id = :vendor AND k.customer_id = t.customer_id"
    " AND k.kind = t.kind AND k.item_id = t.item_id"
)

_COUNT_ORDERS = """
  UPDATE customers c SET order_count = c.order_count + t.orders,
    services_spent = c.services_spent + t.services,
    products_spent = c.products_spent + t.products, total_spent = c.total_spent + t.spent,
    last_order_at = greatest(c.last_order_at, t.last_at),
    last_activity_at = greatest(c.last_activity_at, t.last_at)
  FROM (
    SELECT o.customer_id, count(*) AS orders, sum(o.total) AS spent, max(o.placed_at) AS last_at,
      coalesce(sum(l.services), 0) AS services, coalesce(sum(l.products), 0) AS products
    FROM orders o JOIN (
      SELECT order_id, sum(total) FILTER (WHERE kind = 'service') AS services,
        sum(total) FILTER (WHERE kind = 'product') AS products
      FROM order_lines WHERE vendor_id = :vendor AND order_id IN ({among}) GROUP BY order_id
    ) AS l ON l.order_id = o.id
    WHERE o.vendor_id = :vendor AND o.id IN ({among}) AND o.customer_id IS NOT NULL
    GROUP BY o.customer_id
  ) AS t
  WHERE c.vendor_id = :vendor AND c.id = t.customer_id
"""
_RECORD_LINES = """
  INSERT INTO customer_interests AS k
    (customer_id, kind, item_id, category_id, times, spent, last_at)
  SELECT o.customer_id, coalesce(s.kind, 'product'), coalesce(s.id, p.id),
    coalesce(s.category_id, p.category_id), sum(l.quantity), sum(l.total), max(o.fulfilled_at)
  FROM orders o JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
  LEFT JOIN variants v ON v.vendor_id = l.vendor_id AND v.id = l.variant_id
  LEFT JOIN products p ON p.vendor_id = v.vendor_id AND p.id = v.product_id
  LEFT JOIN services s ON s.vendor_id = l.vendor_id AND s.id = l.service_id
  WHERE o.vendor_id = :vendor AND o.id IN ({among}) AND o.customer_id IS NOT NULL
    AND l.kind IN ('product', 'service')
  GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3
  ON CONFLICT (vendor_id, customer_id, kind, item_id) DO UPDATE SET
    times = k.times + excluded.times, spent = k.spent + excluded.spent,
    last_at = greatest(k.last_at, excluded.last_at), category_id = excluded.category_id
"""


def _write(
    session: Session, customer_ids: Sequence[int], moved: dict[str, Any], of: Any = None
) -> None:
    """Statistics are no edit of the record: `updated_at` stays, so nobody's open form conflicts.

    `of` tells of each customer what is `moved` to.
    """
    statement = (
        update(Customer)
        .where(Customer.id.in_(customer_ids))
        .where(*([] if of is None else [of.c.customer_id == Customer.id]))
        .values(**moved, updated_at=Customer.updated_at)
        .execution_options(synchronize_session=False)
    )
    session.execute(statement)
    for row in session.identity_map.values():
        if isinstance(row, Customer) and row.id in customer_ids:
            session.expire(row, list(NUMBERS))


def rebuild(session: Session, *, customer_ids: Sequence[int]) -> None:
    """Work out interests and numbers of these customers anew: after a merge, or its undoing."""
    session.flush()  # what was moved by the mapper counts too
    held = select(Customer.id).where(Customer.id.in_(customer_ids)).order_by(Customer.id)
    session.execute(held.with_for_update(key_share=True))
    for items in _HOLD_ITEMS:
        session.execute(text(items), {"customers": list(customer_ids)})
    mine = CustomerInterest.customer_id.in_(customer_ids)
    session.execute(delete(CustomerInterest).where(mine))
    truth = true_interests(customer_ids).subquery()
    columns = [*KEY, "category_id", "times", "spent", "last_at"]
    session.execute(
        insert(CustomerInterest).from_select(columns, select(*(truth.c[c] for c in columns)))
    )
    true = true_numbers(customer_ids).subquery()
    _write(session, customer_ids, {name: true.c[name] for name in NUMBERS}, true)


_ON_LINES = """
  SELECT l.{}_id FROM orders o JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
  WHERE o.customer_id = ANY (:customers) AND l.{}_id IS NOT NULL
"""
_HOLD_ITEMS = tuple(
    f"SELECT 1 FROM {table} WHERE id IN ({found}) ORDER BY id FOR SHARE"
    for table, found in {
        "packages": "SELECT package_id FROM package_holdings WHERE customer_id = ANY (:customers)"
        f" UNION ALL {_ON_LINES.format('package', 'package')}",
        "products": "SELECT product_id FROM variants WHERE id IN"
        f" ({_ON_LINES.format('variant', 'variant')})",
        "services": "SELECT service_id FROM bookings WHERE customer_id = ANY (:customers)"
        f" UNION ALL {_ON_LINES.format('service', 'service')}",
    }.items()
)
"""What customers bought, held: who gives it another category meanwhile would take along the
interests that are there, and not those that are just being written."""


# --- the proof ----------------------------------------------------------------------------


def drift(
    session: Session, *, customer_ids: Sequence[int] | None = None, limit: int = 1000
) -> list[Drift]:
    """Every number that differs from what is recomputed, at most `limit` customers and interests.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # numbers not yet written would look like drift
    return [
        *_drifting_numbers(session, customer_ids, limit),
        *_drifting_interests(session, customer_ids, limit),
    ]


def _drifting_numbers(
    session: Session, customer_ids: Sequence[int] | None, limit: int
) -> list[Drift]:
    truth = true_numbers(customer_ids).subquery("truth")
    pairs = [(name, getattr(Customer, name), truth.c[name]) for name in NUMBERS]
    rows = session.execute(
        select(Customer.id, *(column for _, *both in pairs for column in both))
        .join(truth, truth.c.customer_id == Customer.id)
        .where(or_(*(kept.is_distinct_from(true) for _, kept, true in pairs)))
        .order_by(Customer.id)
        .limit(limit)
    )
    return [
        Drift(row[0], name, row[1 + 2 * i], row[2 + 2 * i])
        for row in rows
        for i, name in enumerate(NUMBERS)
        if row[1 + 2 * i] != row[2 + 2 * i]
    ]


def _drifting_interests(
    session: Session, customer_ids: Sequence[int] | None, limit: int
) -> list[Drift]:
    truth = true_interests(customer_ids).subquery("truth")
    kept = (
        select(CustomerInterest)
        .where(*these(CustomerInterest.customer_id, customer_ids))
        .subquery("kept")
    )
    numbers = ("category_id", "times", "spent", "last_at")
    differs = or_(*(kept.c[n].is_distinct_from(truth.c[n]) for n in numbers))
    both = and_(*(kept.c[k] == truth.c[k] for k in KEY))
    who, kind, item = (func.coalesce(kept.c[k], truth.c[k]) for k in KEY[1:])
    rows = session.execute(
        select(who, kind, item, *(side.c[n] for side in (kept, truth) for n in numbers))
        .select_from(kept.join(truth, both, full=True))
        .where(differs)
        .order_by(who, kind, item)
        .limit(limit)
    )
    return [
        Drift(row[0], f"{row[1]} {row[2]} {name}", row[3 + i], row[7 + i])
        for row in rows
        for i, name in enumerate(numbers)
        if row[3 + i] != row[7 + i]
    ]
