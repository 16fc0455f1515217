"""Usages: every how many days a customer comes, and buys the same again; kept as things happen.

What is counted are days of the vendor's calendar on which something was used: a completed booking
(at its start, or when it was completed if that was earlier), and a line of a fulfilled order for a
product or for a service without a booking, unless all of it came back. Twice a day is once.

The personal interval is the median of the gaps between these days: half of them are shorter, half
longer, and unlike the mean it does not move with one long holiday (the sample median, as any
textbook of statistics defines it; of an even number of gaps the mean of the two in the middle,
rounded half up). The last `GAPS` gaps count, since habits change, and there must be two of them:
one gap is no rhythm. Where there is none, a product has the days that its last purchase lasts:
pieces times `replenishment_days` of the variant. What is expected next is the last day plus the
interval; from the day after it on the customer is late.

The database notes of whom something has changed, in `stale_usages`, and who has bought a product
that is said to last for another time now; `freshen` works that off, and with it what else follows
from purchases: `app.operations.score_keeping`. Another clock of the vendor may move all of its
days: then everybody is noted, little by little (`NOTE_ALL`).
"""

from collections.abc import Sequence

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app.operations import score_keeping
from models.customers import Customer
from models.usages import StaleUsage

GAPS = 12
NOTE_ALL = "tasks.happenings.note_usages"
NOTED = 1_000
"""So many are noted in one transaction at most: whoever sells to one of them waits for it."""
BATCH = 500
AHEAD = 20
"""So many batches are looked at for vendors whose customers can be worked out now."""
LONGEST_DAYS = 3650
"""What would last longer is not expected."""

_REBUILD = """
  WITH w AS (
    SELECT * FROM unnest(CAST(:vendors AS bigint[]), CAST(:customers AS bigint[]))
      AS w(vendor_id, customer_id)
  ),
  used AS (
    SELECT b.vendor_id, b.customer_id, s.kind, s.id AS item_id, TRUE AS came,
      CAST(least(b.starts_at, b.completed_at) AT TIME ZONE v.time_zone AS date) AS day,
      CAST(NULL AS bigint) AS lasts
    FROM w
    JOIN vendors v ON v.id = w.vendor_id
    JOIN bookings b ON b.vendor_id = w.vendor_id AND b.customer_id = w.customer_id
    JOIN services s ON s.vendor_id = b.vendor_id AND s.id = b.service_id
    WHERE b.status = 'completed'
    UNION ALL
    SELECT o.vendor_id, o.customer_id, coalesce(s.kind, 'product'), coalesce(s.id, p.product_id),
      FALSE, CAST(o.fulfilled_at AT TIME ZONE v.time_zone AS date),
      (l.quantity - l.returned) * p.replenishment_days
    FROM w
    JOIN vendors v ON v.id = w.vendor_id
    JOIN orders o ON o.vendor_id = w.vendor_id AND o.customer_id = w.customer_id
    JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
    LEFT JOIN services s ON s.vendor_id = l.vendor_id AND s.id = l.service_id
    LEFT JOIN variants p ON p.vendor_id = l.vendor_id AND p.id = l.variant_id
    WHERE o.status IN ('fulfilled', 'completed') AND o.fulfilled_at IS NOT NULL
      AND l.booking_id IS NULL AND l.kind IN ('product', 'service') AND l.quantity > l.returned
  ),
  days AS (
    SELECT vendor_id, customer_id, kind, item_id, day, sum(lasts) AS lasts FROM used
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT DISTINCT vendor_id, customer_id, 'visit', CAST(0 AS bigint), day, CAST(NULL AS numeric)
    FROM used WHERE came
  ),
  gaps AS (
    SELECT *, day - lag(day) OVER past AS gap, row_number() OVER latest AS nth
    FROM days
    WINDOW past AS (PARTITION BY vendor_id, customer_id, kind, item_id ORDER BY day),
      latest AS (PARTITION BY vendor_id, customer_id, kind, item_id ORDER BY day DESC)
  ),
  counted AS (
    SELECT vendor_id, customer_id, kind, item_id, count(*) AS times, min(day) AS first_on,
      max(day) AS last_on, count(gap) AS gaps, max(lasts) FILTER (WHERE nth = 1) AS lasts,
      floor(percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FILTER (WHERE nth <= :gaps) + 0.5)
        AS median
    FROM gaps GROUP BY 1, 2, 3, 4
  ),
  expected AS (
    SELECT *, CAST(CASE WHEN gaps >= 2 THEN median ELSE lasts END AS bigint) AS days FROM counted
  ),
  fresh AS (
    SELECT *, CASE WHEN days BETWEEN 1 AND :longest THEN CAST(days AS integer) END AS interval_days
    FROM expected
  ),
  put AS (
    INSERT INTO usages AS u (vendor_id, customer_id, kind, item_id, times, first_on, last_on,
      interval_days, source, next_on)
    SELECT vendor_id, customer_id, kind, item_id, times, first_on, last_on, interval_days,
      CASE WHEN interval_days IS NULL THEN NULL WHEN gaps >= 2 THEN 'personal' ELSE 'product' END,
      last_on + interval_days
    FROM fresh
    ON CONFLICT (vendor_id, customer_id, kind, item_id) DO UPDATE SET
      times = excluded.times, first_on = excluded.first_on, last_on = excluded.last_on,
      interval_days = excluded.interval_days, source = excluded.source, next_on = excluded.next_on
  )
  DELETE FROM usages u USING w
  WHERE u.vendor_id = w.vendor_id AND u.customer_id = w.customer_id AND NOT EXISTS (
    SELECT FROM fresh f WHERE f.vendor_id = u.vendor_id AND f.customer_id = u.customer_id
      AND f.kind = u.kind AND f.item_id = u.item_id)
"""
"""Usages of some customers as their bookings and orders tell them; what they tell no more goes."""


_NOTE = """
  WITH those AS (
    SELECT DISTINCT vendor_id, customer_id FROM usages
    WHERE customer_id > :after ORDER BY customer_id LIMIT :most
  ),
  put AS (
    INSERT INTO stale_usages (vendor_id, customer_id) SELECT vendor_id, customer_id FROM those
    ON CONFLICT DO NOTHING
  )
  SELECT count(*) AS noted, max(customer_id) AS last FROM those
"""
"""Who is noted already is not worked out yet, and will be by the clock that is known by now."""


def note(session: Session, *, after: int) -> tuple[int, int]:
    """Note the next customers of the vendor acting who have usages; how many, and the last."""
    row = session.execute(text(_NOTE), {"after": after, "most": NOTED}).one()
    return row.noted, row.last or after


def freshen(session: Session, *, most: int = BATCH) -> int:
    """Work out usages and scores of `most` customers of whom something has changed; of how many.

    Of the vendor acting, or of all of them for the marketplace. Whom somebody else is busy with
    is left to the next time, and so are vendors whose scores are being worked out as a whole:
    whoever sells something to a customer of theirs must not wait for that.
    """
    oldest = select(StaleUsage.vendor_id).order_by(StaleUsage.id).limit(AHEAD * most).subquery()
    waiting = session.scalars(select(oldest.c.vendor_id).distinct().order_by(oldest.c.vendor_id))
    free = score_keeping.hold_free(session, waiting.all())
    held = select(StaleUsage.id).where(StaleUsage.id.in_(_in_reach(session, free, most)))
    gone = session.execute(
        delete(StaleUsage)
        .where(StaleUsage.id.in_(held.order_by(StaleUsage.id).with_for_update(skip_locked=True)))
        .returning(StaleUsage.vendor_id, StaleUsage.customer_id)
        .execution_options(synchronize_session=False)
    ).all()
    changed = sorted((row.vendor_id, row.customer_id) for row in gone)
    rebuild(session, customers=changed)
    score_keeping.rebuild(session, customers=changed)
    return len(gone)


def _in_reach(session: Session, vendors: Sequence[int], most: int) -> list[int]:
    """The oldest notes of these vendors, but for customers who are just being merged or forgotten.

    Held before their notes are: whoever merges holds both, too, in this order.
    """
    noted = select(StaleUsage.id, StaleUsage.customer_id).where(StaleUsage.vendor_id.in_(vendors))
    oldest = session.execute(noted.order_by(StaleUsage.id).limit(most)).all()
    here = select(Customer.id).where(Customer.id.in_({row.customer_id for row in oldest}))
    free = here.order_by(Customer.id).with_for_update(read=True, key_share=True, skip_locked=True)
    held = set(session.scalars(free))
    return [row.id for row in oldest if row.customer_id in held]


def rebuild(session: Session, *, customers: Sequence[tuple[int, int]]) -> None:
    """Work out the usages of these customers, each as `(vendor_id, customer_id)`."""
    if not customers:
        return
    vendors, ids = zip(*customers, strict=True)
    known = {"vendors": list(vendors), "customers": list(ids)}
    session.execute(text(_REBUILD), {**known, "gaps": GAPS, "longest": LONGEST_DAYS})
