"""What a customer brought month by month: from a roll-up, and yet with the sale just made.

The roll-up (`customer_months`) is minutes old; the running numbers on the file are written in the
transaction of each sale. So the one is held against the other: where money, visits and orders
come to the same, the roll-up is shown. Else the present month and the one before are worked out
from bookings, orders and refunds, and looked at again; and only if that does not make up for it
(somebody wrote down what happened long ago, or nothing was rolled up yet) so are all twelve. It
costs the same for whoever has one order or ten thousand, and no sale is ever missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.customers import Customer

MONTHS = 12
LATELY = 2
"""Months in which nearly all that happens counts, whenever it is looked at."""
SLOW = 31
"""Days within which nearly every order is fulfilled."""
EVER = 36_500


@dataclass(frozen=True, slots=True)
class Month:
    """What one month brought, by the vendor's calendar; `first` is its first day.

    Money is without tax. It stands in the month of the visit, or in which the order was fulfilled;
    what was given back is taken off the month in which that was.
    """

    first: date
    services: Decimal
    products: Decimal


@dataclass(frozen=True, slots=True)
class Kept:
    """The roll-up of a customer: the last twelve months, and the sums of all there are."""

    months: list[Month]
    services: Decimal
    products: Decimal
    other: Decimal
    visits: int
    orders: int


def kept(session: Session, customer: Customer, now: datetime) -> Kept:
    """What was rolled up of a customer."""
    rows = session.connection().execute(_KEPT, _asked(customer, now, MONTHS)).all()
    return Kept([Month(*row[:3]) for row in rows], *rows[0][3:])


def is_complete(customer: Customer, known: Kept) -> bool:
    """Whether the roll-up has everything that the running numbers have."""
    counted = (customer.visit_count, customer.order_count)
    return counted == (known.visits, known.orders) and not any(_missing(customer, known))


def months(session: Session, customer: Customer, now: datetime) -> list[Month]:
    """The last twelve months, the present one last, each also when nothing was bought."""
    return fresh(session, customer, now, kept(session, customer, now))


def fresh(session: Session, customer: Customer, now: datetime, known: Kept) -> list[Month]:
    """The last twelve months, with what is not rolled up yet."""
    if is_complete(customer, known):
        return known.months
    before, rolled_up = known.months[:-LATELY], known.months[-LATELY:]
    lately = from_ledgers(session, customer, now, LATELY, slow=SLOW)
    if _sums(lately, rolled_up) == _missing(customer, known):
        return [*before, *lately]
    return from_ledgers(session, customer, now, MONTHS)


def from_ledgers(
    session: Session, customer: Customer, now: datetime, number: int, *, slow: int = EVER
) -> list[Month]:
    """The last months as bookings, orders and refunds tell them.

    Orders that were placed over `slow` days before the first of them are not looked at.
    """
    asked = _asked(customer, now, number) | {"slow": slow}
    return [Month(*row) for row in session.connection().execute(_LEDGERS, asked)]


def _asked(customer: Customer, now: datetime, number: int) -> dict[str, object]:
    whose = {"vendor_id": customer.vendor_id, "customer_id": customer.id}
    return {**whose, "now": now, "months": number}


Pair = tuple[Decimal, Decimal]
"""Money of services and of products."""


def _missing(customer: Customer, known: Kept) -> Pair:
    """What the roll-up does not have yet, or has too much."""
    services = customer.services_spent - known.services
    return services, customer.products_spent - known.products


def _sums(more: Sequence[Month], less: Sequence[Month]) -> Pair:
    """What some months have more than others."""
    nothing = Decimal(0)
    return (
        sum((m.services for m in more), nothing) - sum((m.services for m in less), nothing),
        sum((m.products for m in more), nothing) - sum((m.products for m in less), nothing),
    )


_HOME = """
  home AS MATERIALIZED (
    SELECT zone, first, first AT TIME ZONE zone AS since FROM (
      SELECT time_zone AS zone,
        date_trunc('month', CAST(:now AS timestamptz) AT TIME ZONE time_zone)
        - make_interval(months => CAST(:months AS int) - 1) AS first
      FROM vendors WHERE id = :vendor_id
    ) AS v
  ),
  steps AS (
    SELECT CAST(first + make_interval(months => n) AS date) AS first
    FROM home, generate_series(0, CAST(:months AS int) - 1) AS n
  )
"""
_KEPT = text(
    f"""
  WITH {_HOME},
  kept AS MATERIALIZED (
    SELECT * FROM customer_months WHERE vendor_id = :vendor_id AND customer_id = :customer_id
  )
  SELECT s.first, coalesce(k.services, 0) AS services, coalesce(k.products, 0) AS products, a.*
  FROM steps s LEFT JOIN kept k ON k.month = s.first
  CROSS JOIN (
    SELECT coalesce(sum(services), 0) AS all_services, coalesce(sum(products), 0) AS all_products,
      coalesce(sum(other), 0) AS all_other, CAST(coalesce(sum(visits), 0) AS bigint) AS all_visits,
      CAST(coalesce(sum(orders), 0) AS bigint) AS all_orders
    FROM kept
  ) AS a
  ORDER BY s.first
"""  # noqa: S608 - nothing but our own words
)
_LEDGERS = text(
    f"""
  WITH {_HOME},
  mine AS MATERIALIZED (
    SELECT o.id, o.fulfilled_at, o.includes_tax, o.refunded
    FROM home, orders o
    WHERE o.vendor_id = :vendor_id AND o.customer_id = :customer_id
      AND o.placed_at >= home.since - make_interval(days => :slow)
      AND o.status IN ('fulfilled', 'completed')
      AND (o.fulfilled_at >= home.since OR o.refunded > 0)
  ),
  lines AS MATERIALIZED (
    SELECT l.id, l.kind, l.tax, l.booking_id, m.id AS order_id, m.refunded,
      l.total + CASE WHEN m.includes_tax THEN 0 ELSE l.tax END AS price,
      CASE WHEN l.booking_id IS NULL THEN m.fulfilled_at
        ELSE least(b.starts_at, b.completed_at) END AS at
    FROM mine m JOIN order_lines l ON l.vendor_id = :vendor_id AND l.order_id = m.id
    LEFT JOIN bookings b ON b.vendor_id = :vendor_id AND b.id = l.booking_id
      AND b.status = 'completed'
    WHERE l.kind IN ('service', 'product') AND (l.booking_id IS NULL OR b.id IS NOT NULL)
  ),
  visits AS (
    SELECT least(b.starts_at, b.completed_at) AS at, coalesce(s.net, b.price) AS net
    FROM home CROSS JOIN bookings b LEFT JOIN LATERAL (
      SELECT l.total - CASE WHEN o.includes_tax THEN l.tax ELSE 0 END AS net
      FROM order_lines l JOIN orders o ON o.vendor_id = l.vendor_id AND o.id = l.order_id
      WHERE l.vendor_id = :vendor_id AND l.booking_id = b.id
        AND o.status IN ('fulfilled', 'completed')
    ) AS s ON TRUE
    WHERE b.vendor_id = :vendor_id AND b.customer_id = :customer_id AND b.status = 'completed'
      AND b.starts_at >= home.since
  ),
  given AS (
    SELECT l.kind, l.at, r.created_at, x.amount,
      coalesce(round(l.tax * sum(x.amount) OVER upto / nullif(l.price, 0), 2), 0) AS tax,
      l.id AS line_id, r.id
    FROM lines l
    JOIN refunds r ON r.vendor_id = :vendor_id AND r.order_id = l.order_id AND r.status <> 'failed'
    JOIN refund_lines x ON x.vendor_id = :vendor_id AND x.refund_id = r.id
      AND x.order_line_id = l.id
    WHERE l.refunded > 0
    WINDOW upto AS (PARTITION BY l.id ORDER BY r.created_at, r.id)
  ),
  entries AS (
    SELECT at, kind, price - tax AS net FROM lines WHERE booking_id IS NULL
    UNION ALL SELECT at, 'service', net FROM visits
    UNION ALL
    SELECT greatest(at, created_at), kind,
      tax - coalesce(lag(tax) OVER (PARTITION BY line_id ORDER BY created_at, id), 0) - amount
    FROM given
  ),
  summed AS (
    SELECT CAST(date_trunc('month', at AT TIME ZONE home.zone) AS date) AS month,
      sum(net) FILTER (WHERE kind = 'service') AS services,
      sum(net) FILTER (WHERE kind = 'product') AS products
    FROM home, entries GROUP BY 1
  )
  SELECT s.first, coalesce(x.services, 0) AS services, coalesce(x.products, 0) AS products
  FROM steps s LEFT JOIN summed x ON x.month = s.first
  ORDER BY s.first
"""  # noqa: S608 - nothing but our own words
)
"""Of the tax of a line a refund takes its share, all refunds together to the cent."""
