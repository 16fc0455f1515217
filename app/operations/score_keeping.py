"""What each customer bought and brought, by month and by day, and the cohorts that follow: kept.

The truth is in bookings, orders and refunds, as `app.operations.truth` says: a visit is a completed
booking, an order counts once it is fulfilled. A purchase is a day of the vendor's calendar with a
visit, or with an order for anything but visits. Money is without tax. In `customer_months` it is
where it was earned and given back; in `customer_scores.bought_for` what was given back is taken
from the day of the sale, so that a cohort is worth what it really brought. What was given back for
no line is taken from the order as a whole, and never more than that counts for.

Whose money or purchases moved the database notes in `stale_usages`; `usages.freshen` works that off
and asks here. Cohorts move by the difference: what is kept is, to the cent, what a rebuild finds.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations.score_spans import offered_spans

LOCK = 60_41
"""The advisory lock under which scores of a vendor are written, one at a time."""

_MARKED = """
  w AS (
    SELECT w.vendor_id, w.customer_id, v.time_zone
    FROM unnest(CAST(:vendors AS bigint[]), CAST(:customers AS bigint[]))
      AS w(vendor_id, customer_id)
    JOIN vendors v ON v.id = w.vendor_id
  )
"""
_EVERYBODY = """
  w AS (
    SELECT c.vendor_id, c.id AS customer_id, v.time_zone
    FROM customers c JOIN vendors v ON v.id = c.vendor_id
    WHERE c.vendor_id = :vendor AND (c.visit_count > 0 OR c.order_count > 0)
  )
"""

_COUNTED = """
  visits AS (
    SELECT b.vendor_id, b.customer_id, b.channel, s.category_id, b.price, b.id AS booking_id,
      least(b.starts_at, b.completed_at) AS at, w.time_zone,
      CAST(least(b.starts_at, b.completed_at) AT TIME ZONE w.time_zone AS date) AS day,
      l.order_id, l.id AS line_id, l.tax,
      l.total + CASE WHEN o.includes_tax THEN 0 ELSE l.tax END AS gross
    FROM w
    JOIN bookings b ON b.vendor_id = w.vendor_id AND b.customer_id = w.customer_id
    JOIN services s ON s.vendor_id = b.vendor_id AND s.id = b.service_id
    LEFT JOIN (order_lines l JOIN orders o ON o.vendor_id = l.vendor_id AND o.id = l.order_id
        AND o.status IN ('fulfilled', 'completed') AND o.customer_id IS NOT NULL)
      ON l.vendor_id = b.vendor_id AND l.booking_id = b.id
    WHERE b.status = 'completed'
  ),
  bought AS (
    SELECT o.vendor_id, o.customer_id, o.channel, o.id AS order_id, w.time_zone, o.paid, o.refunded,
      o.total, coalesce(o.fulfilled_at, o.completed_at, o.placed_at, o.created_at) AS at,
      CAST(coalesce(o.fulfilled_at, o.completed_at, o.placed_at, o.created_at)
        AT TIME ZONE w.time_zone AS date) AS day, o.includes_tax
    FROM w JOIN orders o ON o.vendor_id = w.vendor_id AND o.customer_id = w.customer_id
    WHERE o.status IN ('fulfilled', 'completed')
  ),
  lines AS (
    SELECT o.vendor_id, o.customer_id, o.channel, o.time_zone, o.order_id, o.at, o.day,
      l.id AS line_id, l.tax, l.total + CASE WHEN o.includes_tax THEN 0 ELSE l.tax END AS gross,
      CASE l.kind WHEN 'service' THEN 'services' WHEN 'product' THEN 'products' ELSE 'other' END
        AS kind,
      coalesce(s.category_id, p.category_id, k.category_id) AS category_id
    FROM bought o
    JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.order_id
    LEFT JOIN services s ON s.vendor_id = l.vendor_id AND s.id = l.service_id
    LEFT JOIN variants v ON v.vendor_id = l.vendor_id AND v.id = l.variant_id
    LEFT JOIN products p ON p.vendor_id = v.vendor_id AND p.id = v.product_id
    LEFT JOIN packages k ON k.vendor_id = l.vendor_id AND k.id = l.package_id
    WHERE l.booking_id IS NULL
  ),
  counted AS (
    SELECT vendor_id, customer_id, order_id, line_id, time_zone, day, 'services' AS kind, gross, tax
    FROM visits WHERE line_id IS NOT NULL
    UNION ALL
    SELECT vendor_id, customer_id, order_id, line_id, time_zone, day, kind, gross, tax FROM lines
  ),
"""
"""Visits, orders, lines, and of them those a refund can be for: of settled orders alone."""

_GIVEN_BACK = """
  for_lines AS (
    SELECT c.*, b.amount, f.created_at,
      sum(b.amount) OVER (PARTITION BY c.vendor_id, c.line_id ORDER BY f.created_at, f.id) AS so_far
    FROM counted c
    JOIN refund_lines b ON b.vendor_id = c.vendor_id AND b.order_line_id = c.line_id
    JOIN refunds f ON f.vendor_id = b.vendor_id AND f.id = b.refund_id AND f.status <> 'failed'
  ),
  back AS (
    SELECT vendor_id, customer_id, kind, day AS sold_on,
      greatest(day, CAST(created_at AT TIME ZONE time_zone AS date)) AS day,
      amount - coalesce(round(tax * so_far / nullif(gross, 0), 2)
        - round(tax * (so_far - amount) / nullif(gross, 0), 2), 0) AS amount
    FROM for_lines
  ),
  owing AS (
    SELECT o.vendor_id, o.customer_id, o.order_id, o.time_zone, min(c.day) AS sold_on,
      greatest(o.paid - o.total, 0) AS too_much,
      sum(c.gross) - coalesce(sum(g.amount), 0) AS counting
    FROM bought o
    JOIN counted c ON c.vendor_id = o.vendor_id AND c.order_id = o.order_id
      AND c.customer_id = o.customer_id
    LEFT JOIN (SELECT vendor_id, line_id, sum(amount) AS amount FROM for_lines GROUP BY 1, 2) g
      ON g.vendor_id = c.vendor_id AND g.line_id = c.line_id
    WHERE o.refunded > 0
    GROUP BY o.vendor_id, o.customer_id, o.order_id, o.time_zone, o.paid, o.total
  ),
  so_far AS (
    SELECT o.*, f.created_at, f.id AS refund_id,
      least(greatest(sum(f.amount) OVER past - o.too_much, 0)
        - sum(coalesce(b.amount, 0)) OVER past, o.counting) AS lost
    FROM owing o
    JOIN refunds f ON f.vendor_id = o.vendor_id AND f.order_id = o.order_id AND f.status <> 'failed'
    LEFT JOIN LATERAL (SELECT sum(amount) AS amount FROM refund_lines b
      WHERE b.vendor_id = f.vendor_id AND b.refund_id = f.id) b ON TRUE
    WINDOW past AS (PARTITION BY o.vendor_id, o.order_id ORDER BY f.created_at, f.id)
  ),
  for_nothing AS (
    SELECT vendor_id, customer_id, sold_on,
      greatest(sold_on, CAST(created_at AT TIME ZONE time_zone AS date)) AS day,
      lost - coalesce(lag(lost) OVER (PARTITION BY vendor_id, order_id
        ORDER BY created_at, refund_id), 0) AS amount
    FROM so_far
  ),
"""
"""What was given back: of a line its net part, the tax rounded over all refunds of the line; and
what was for no line, as far as the order still counts for something."""

_FACTS = (
    _COUNTED
    + _GIVEN_BACK
    + """
  facts AS (
    SELECT vendor_id, customer_id, day AS sold_on, day, at, channel, category_id,
      'services' AS kind, 1 AS visits, 0 AS orders, TRUE AS purchase,
      CASE WHEN line_id IS NULL THEN price ELSE gross - tax END AS amount, booking_id AS nth
    FROM visits
    UNION ALL
    SELECT vendor_id, customer_id, day, day, at, channel, category_id, kind, 0, 0, TRUE,
      gross - tax, line_id
    FROM lines
    UNION ALL
    SELECT vendor_id, customer_id, day, day, at, channel, NULL, 'other', 0, 1, FALSE, 0, order_id
    FROM bought
    UNION ALL
    SELECT vendor_id, customer_id, sold_on, day, NULL, NULL, NULL, kind, 0, 0, FALSE, -amount, 0
    FROM back
    UNION ALL
    SELECT vendor_id, customer_id, sold_on, day, NULL, NULL, NULL, 'other', 0, 0, FALSE, -amount, 0
    FROM for_nothing WHERE amount <> 0
  )
"""
)
"""Everything that happened: `day` is its own, `sold_on` the day of the sale that it belongs to."""

_MONTHS = """
  months AS (
    SELECT vendor_id, customer_id, CAST(date_trunc('month', day) AS date) AS month,
      sum(visits) AS visits, sum(orders) AS orders,
      count(DISTINCT day) FILTER (WHERE purchase) AS days,
      coalesce(sum(amount) FILTER (WHERE kind = 'services'), 0) AS services,
      coalesce(sum(amount) FILTER (WHERE kind = 'products'), 0) AS products,
      coalesce(sum(amount) FILTER (WHERE kind = 'other'), 0) AS other
    FROM facts GROUP BY 1, 2, 3
  )
"""
_SCORES = """
  days AS (
    SELECT vendor_id, customer_id, sold_on AS day, bool_or(purchase) AS purchase,
      sum(visits) AS visits, sum(orders) AS orders, sum(amount) AS amount
    FROM facts GROUP BY 1, 2, 3
  ),
  firsts AS (
    SELECT DISTINCT ON (vendor_id, customer_id) vendor_id, customer_id, channel, category_id
    FROM facts WHERE purchase
    ORDER BY vendor_id, customer_id, sold_on, at, amount DESC, kind, nth
  ),
  scores AS (
    SELECT d.vendor_id, d.customer_id, min(day) FILTER (WHERE purchase) AS first_on,
      max(day) FILTER (WHERE purchase) AS last_on, count(*) FILTER (WHERE purchase) AS days,
      sum(visits) AS visits, sum(orders) AS orders, sum(amount) AS revenue,
      array_agg(day ORDER BY day) FILTER (WHERE purchase) AS bought_on,
      array_agg(amount ORDER BY day) FILTER (WHERE purchase) AS bought_for
    FROM days d GROUP BY 1, 2 HAVING bool_or(purchase)
  ),
  told AS (
    SELECT s.*, bought_on[2] AS second_on, f.channel AS first_channel,
      coalesce(f.category_id, 0) AS first_category_id,
      (SELECT avg(a) FROM unnest(bought_for[2:]) AS a) AS repeat_value
    FROM scores s JOIN firsts f USING (vendor_id, customer_id)
  )
"""

_MONTH_COLUMNS = ("visits", "orders", "days", "services", "products", "other")
_SCORE_COLUMNS = (
    "first_on", "second_on", "last_on", "days", "visits", "orders", "revenue", "repeat_value",
    "first_channel", "first_category_id", "bought_on", "bought_for",
)  # fmt: skip


def _put(table: str, source: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """Write the rows of `source`, over those that are there, where something differs."""
    named, kept = ", ".join(columns), ", ".join(f"t.{column}" for column in columns)
    fresh = ", ".join(f"excluded.{column}" for column in columns)
    listed = ", ".join(key)
    return (
        f"INSERT INTO {table} AS t ({listed}, {named}) SELECT {listed}, {named} FROM {source}"
        f" ORDER BY {listed}"
        f" ON CONFLICT ({listed}) DO UPDATE SET ({named}) = ({fresh})"
        f" WHERE ({kept}) IS DISTINCT FROM ({fresh})"
    )


def _replace(who: str) -> str:
    """Put the months and scores of some customers, and let those go that are no more."""
    put_months = _put(
        "customer_months", "months", ("vendor_id", "customer_id", "month"), _MONTH_COLUMNS
    )
    put_scores = _put("customer_scores", "told", ("vendor_id", "customer_id"), _SCORE_COLUMNS)
    return (
        f"WITH {who}, {_FACTS}, {_MONTHS}, {_SCORES},"
        f" put_months AS ({put_months}), put_scores AS ({put_scores}),"
        " gone AS (DELETE FROM customer_months m USING w WHERE m.vendor_id = w.vendor_id"
        "  AND m.customer_id = w.customer_id AND NOT EXISTS (SELECT FROM months f"
        "   WHERE f.vendor_id = m.vendor_id AND f.customer_id = m.customer_id"
        "   AND f.month = m.month))"
        " DELETE FROM customer_scores s USING w WHERE s.vendor_id = w.vendor_id"
        " AND s.customer_id = w.customer_id AND NOT EXISTS (SELECT FROM told f"
        "  WHERE f.vendor_id = s.vendor_id AND f.customer_id = s.customer_id)"
    )


_REPLACE_MARKED, _REPLACE_EVERYBODY = _replace(_MARKED), _replace(_EVERYBODY)

COHORTS = """
  SELECT {whose} grain, cohort, starts_on, channel, category_id,
    CASE WHEN grain = 'week' THEN (starts_on - cohort) / 7
      ELSE CAST(12 * (EXTRACT(year FROM starts_on) - EXTRACT(year FROM cohort))
        + EXTRACT(month FROM starts_on) - EXTRACT(month FROM cohort) AS bigint) END AS age,
    count(*) AS customers, sum(amount) AS revenue
  FROM (
    SELECT {whose} s.id, g.grain, s.first_channel AS channel, s.first_category_id AS category_id,
      CAST(date_trunc(g.grain, s.first_on) AS date) AS cohort,
      CAST(date_trunc(g.grain, d.day) AS date) AS starts_on, sum(d.amount) AS amount
    FROM {source} s
    CROSS JOIN LATERAL unnest(s.bought_on, s.bought_for) AS d(day, amount)
    CROSS JOIN (VALUES ('week'), ('month')) AS g(grain)
    GROUP BY {whose} s.id, g.grain, s.first_channel, s.first_category_id, cohort, starts_on
  ) AS bought
  GROUP BY {whose} grain, cohort, starts_on, channel, category_id
"""
"""In how many customers of a cohort, and what they brought, each week and month."""

REACH = """
  SELECT {whose} s.starts_on, s.ends_on, s.channel, s.category_id, count(*) AS customers,
    count(*) FILTER (WHERE first_on >= starts_on) AS new_customers,
    count(*) FILTER (WHERE first_on < starts_on) AS returning_customers,
    count(*) FILTER (WHERE times > 1) AS repeat_customers, sum(times) AS purchases,
    coalesce(sum(amount) FILTER (WHERE first_on >= starts_on), 0) AS new_revenue,
    coalesce(sum(amount) FILTER (WHERE first_on < starts_on), 0) AS returning_revenue,
    count(*) FILTER (WHERE first_on >= starts_on AND first_on + {mature} <= as_of) AS mature,
    count(*) FILTER (WHERE first_on >= starts_on AND first_on + {mature} <= as_of
      AND second_on <= first_on + {mature}) AS mature_repeat
  FROM (
    SELECT {whose} p.as_of, p.starts_on, p.ends_on, s.first_on, s.second_on,
      s.first_channel AS channel, s.first_category_id AS category_id, d.times, d.amount
    FROM {source} s
    JOIN spans p ON {of_vendor} s.first_on <= p.ends_on AND s.last_on >= p.starts_on
    CROSS JOIN LATERAL (
      SELECT count(*) AS times, sum(amount) AS amount
      FROM unnest(s.bought_on, s.bought_for) AS d(day, amount)
      WHERE day BETWEEN p.starts_on AND p.ends_on
    ) AS d
    WHERE d.times > 0
  ) AS s
  GROUP BY {whose} s.starts_on, s.ends_on, s.channel, s.category_id
"""
"""Distinct customers of each span of days."""

MATURE_DAYS = 90
"""Whether somebody came back is known that many days after the first purchase."""

COHORT_KEY = ("grain", "starts_on", "cohort", "channel", "category_id")
REACH_KEY = ("starts_on", "ends_on", "channel", "category_id")
REACHED = (
    "customers", "new_customers", "returning_customers", "repeat_customers", "purchases",
    "new_revenue", "returning_revenue", "mature", "mature_repeat",
)  # fmt: skip

SPANS = """
  spans AS (SELECT * FROM unnest(CAST(:span_vendors AS bigint[]), CAST(:as_of AS date[]),
    CAST(:starts AS date[]), CAST(:ends AS date[])) AS p(vendor_id, as_of, starts_on, ends_on))
"""


def cohorts_of(source: str) -> str:
    """The cohorts of the scores in `source`, each vendor's own."""
    return COHORTS.format(whose="vendor_id,", source=source)


def reach_of(source: str) -> str:
    """The distinct customers of the scores in `source` in each of `spans`, each vendor's own."""
    whose = REACH.replace("{whose} p.as_of", "s.vendor_id, p.as_of")
    whose = whose.replace("{whose} s.starts_on", "vendor_id, s.starts_on")
    return whose.format(
        source=source, of_vendor="p.vendor_id = s.vendor_id AND", mature=MATURE_DAYS
    )


# --- as things happen ----------------------------------------------------------------------------


def rebuild(session: Session, *, customers: Sequence[tuple[int, int]]) -> None:
    """Work out months and scores of these customers, each `(vendor_id, customer_id)`.

    Cohorts and the figures of the offered periods move by what has changed.
    """
    if not customers:
        return
    vendors, ids = zip(*customers, strict=True)
    hold(session, vendors)
    known = {"vendors": list(vendors), "customers": list(ids)} | _spans_of(session, vendors)
    marked = (
        "(SELECT s.* FROM customer_scores s JOIN unnest(CAST(:vendors AS bigint[]),"
        " CAST(:customers AS bigint[])) AS w(vendor_id, customer_id)"
        " USING (vendor_id, customer_id))"
    )
    _note(session, "before", marked, known)
    session.execute(text(_REPLACE_MARKED), known)
    _note(session, "after", marked, known)
    _shift(session)


def hold(session: Session, vendors: Iterable[int]) -> None:
    """Let no one else write scores of these vendors until the transaction ends."""
    for vendor in sorted(set(vendors)):
        session.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :vendor)"), {"lock": LOCK, "vendor": vendor}
        )


def hold_free(session: Session, vendors: Sequence[int]) -> list[int]:
    """The same of those vendors whose scores nobody is writing; which ones, without waiting."""
    held = text("SELECT pg_try_advisory_xact_lock(:lock, :vendor)")
    return [v for v in vendors if session.scalar(held, {"lock": LOCK, "vendor": v})]


def _spans_of(session: Session, vendors: Sequence[int]) -> dict[str, list[Any]]:
    """The days whose distinct customers are kept for each vendor, up to its last night."""
    rows = session.execute(
        text("SELECT vendor_id, as_of FROM score_models WHERE vendor_id = ANY(:vendors)"),
        {"vendors": sorted(set(vendors))},
    )
    return spans_known([(row.vendor_id, row.as_of) for row in rows])


def spans_known(vendors: Iterable[tuple[int, date]]) -> dict[str, list[Any]]:
    """What `spans` is bound to: of each vendor and its day, the offered periods."""
    each = [(v, as_of, *span) for v, as_of in vendors for span in offered_spans(as_of)]
    columns = zip(*each, strict=True) if each else ([], [], [], [])
    names = ("span_vendors", "as_of", "starts", "ends")
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _note(session: Session, when: str, source: str, known: dict[str, Any]) -> None:
    for name, question in (("cohorts", cohorts_of(source)), ("reach", reach_of(source))):
        session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}_{when}"))
        spans = f"WITH {SPANS}" if name == "reach" else ""
        session.execute(
            text(f"CREATE TEMP TABLE {name}_{when} ON COMMIT DROP AS {spans} {question}"), known
        )


def _shift(session: Session) -> None:
    """Move cohorts and reach by the difference between what was noted before and after."""
    session.execute(text(_moved("cohort_figures", "cohorts", COHORT_KEY, ("customers", "revenue"),
                                extra=("age",))))  # fmt: skip
    session.execute(text(_moved("reach_figures", "reach", REACH_KEY, REACHED, as_of=True)))
    for table, name in (("cohort_figures", "cohorts"), ("reach_figures", "reach")):
        session.execute(
            text(
                f"DELETE FROM {table} WHERE customers = 0 AND channel <> '' AND vendor_id IN"
                f" (SELECT vendor_id FROM {name}_before UNION SELECT vendor_id FROM {name}_after)"
            )
        )


def _moved(
    table: str,
    name: str,
    key: Sequence[str],
    summed: Sequence[str],
    *,
    extra: Sequence[str] = (),
    as_of: bool = False,
) -> str:
    listed, every = ", ".join(("vendor_id", *key, *extra)), ", ".join(summed)
    taken = ", ".join(f"-{column}" for column in summed)
    sums = ", ".join(f"sum({column}) AS {column}" for column in summed)
    some = " OR ".join(f"sum({column}) <> 0" for column in summed)
    plus = ", ".join(f"{column} = t.{column} + excluded.{column}" for column in summed)
    of_day, day = "", ""
    if as_of:
        of_day = ", as_of"
        day = ", (SELECT m.as_of FROM score_models m WHERE m.vendor_id = d.vendor_id)"
    return (
        f"INSERT INTO {table} AS t ({listed}, {every}{of_day})"
        f" SELECT {listed}, {sums}{day} FROM (SELECT {listed}, {taken} FROM {name}_before"
        f" UNION ALL SELECT {listed}, {every} FROM {name}_after) AS d ({listed}, {every})"
        f" GROUP BY {listed} HAVING {some} ORDER BY {listed}"
        f" ON CONFLICT (vendor_id, {', '.join(key)}) DO UPDATE SET {plus}"
    )


# --- the whole -----------------------------------------------------------------------------------


def rebuild_vendor(session: Session, *, vendor_id: int) -> None:
    """Work out months, scores and cohorts of all customers of a vendor anew, from the ledgers.

    The figures of the offered periods follow: `app.operations.score_nights`.
    """
    hold(session, [vendor_id])
    known = {"vendor": vendor_id}
    idle = (
        "t.vendor_id = :vendor AND NOT EXISTS (SELECT FROM customers c WHERE c.vendor_id = :vendor"
        " AND c.id = t.customer_id AND (c.visit_count > 0 OR c.order_count > 0))"
    )
    for table in ("customer_months", "customer_scores"):
        session.execute(text(f"DELETE FROM {table} t WHERE {idle}"), known)
    session.execute(text(_REPLACE_EVERYBODY), known)
    session.execute(text("DELETE FROM cohort_figures WHERE vendor_id = :vendor"), known)
    mine = "(SELECT * FROM customer_scores WHERE vendor_id = :vendor)"
    listed = f"vendor_id, {', '.join(COHORT_KEY)}, age, customers, revenue"
    session.execute(
        text(
            f"INSERT INTO cohort_figures ({listed}) SELECT {listed}"
            f" FROM ({cohorts_of(mine)}) AS c ORDER BY grain, starts_on, cohort"
        ),
        known,
    )


def leave(session: Session, *, vendor_id: int, customer_ids: Sequence[int]) -> None:
    """Customers go, and with them what they are worth: whoever asks has let their sales go."""
    rebuild(session, customers=[(vendor_id, customer) for customer in customer_ids])


UNRANK = """
  UPDATE customer_scores s SET as_of = NULL, recency_days = NULL, r = NULL, f = NULL, m = NULL,
    segment = NULL, p_alive = NULL, expected_12m = NULL, value_12m = NULL
  WHERE s.vendor_id = :vendor AND s.as_of IS NOT NULL AND s.customer_id IN ({who})
"""
"""Nothing is made of these customers any more; what they bought stays."""


def unrank(session: Session, *, vendor_id: int, customer_ids: Sequence[int]) -> None:
    """Forget what was made of these customers: ranks, groups, and what was expected of them."""
    who = "SELECT unnest(CAST(:ids AS bigint[]))"
    known = {"vendor": vendor_id, "ids": list(customer_ids)}
    session.execute(text(UNRANK.format(who=who)), known)
