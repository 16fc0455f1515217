"""What figures are worked out of: for each table the SQL of its rows of days, some days or all.

What is sold counts without tax on the day of the sale: that of the order's fulfilment, or for a
line that sold a booking the day of the visit, once both have come. A visit is a completed booking,
at its start (or when it was completed, if that was earlier); one that no order sold counts with
its price, of which no tax is known. A visit has the channel it was booked by, all else the order's.
Categories are those of today's catalogue.

Money given back counts on its own day, never before the sale. For a line it is cut into net and
tax as `OrderLine.net` does: of the line's tax it takes its share, all refunds together to the cent.
What was given back for no line takes from all that counts (`app.operations.truth`): what was paid
too much goes first, and no order falls below nothing by it. So all days together are what the
running numbers of customers are, and anonymous sales.
"""

from enum import StrEnum
from itertools import pairwise

from models.figures import LEADS


class Scope(StrEnum):
    """How much is worked out: the days that are named (`:vendors`, `:days`), vendors, or all."""

    DAYS = "days"
    VENDORS = "vendors"
    ALL = "all"


SOLD_ON = "CAST(o.fulfilled_at AT TIME ZONE a.zone AS date)"
VISITED_ON = "CAST(least(b.starts_at, b.completed_at) AT TIME ZONE a.zone AS date)"
STARTS_ON = "CAST(b.starts_at AT TIME ZONE a.zone AS date)"

# The time that a day lies in, wide enough for whatever the clocks do at midnight: indexes find by
# it what may be of the day, which is looked at afterwards.
_ASKED = """
asked AS MATERIALIZED (
  SELECT w.vendor_id, w.day, v.time_zone AS zone,
    CAST(w.day AS timestamp) AT TIME ZONE v.time_zone - interval '3 hours' AS since,
    CAST(w.day + 1 AS timestamp) AT TIME ZONE v.time_zone + interval '3 hours' AS until
  FROM unnest(CAST(:vendors AS bigint[]), CAST(:days AS date[])) AS w (vendor_id, day)
  JOIN vendors v ON v.id = w.vendor_id
)"""

_EARLY = "b.completed_at < b.starts_at AND b.completed_at >= a.since AND b.completed_at < a.until"
"""Visits that were over before they should begin: an index knows the few there are."""

BOOKINGS_OF_DAYS = f"""
WITH {_ASKED}
SELECT b.vendor_id, b.id FROM asked a JOIN bookings b
  ON b.vendor_id = a.vendor_id AND b.starts_at >= a.since AND b.starts_at < a.until
UNION
SELECT b.vendor_id, b.id FROM asked a JOIN bookings b ON b.vendor_id = a.vendor_id AND {_EARLY}
"""
"""Every booking that may say something about the days."""

ORDERS_OF_DAYS = f"""
WITH {_ASKED}
SELECT o.vendor_id, o.id FROM asked a JOIN orders o
  ON o.vendor_id = a.vendor_id AND o.fulfilled_at >= a.since AND o.fulfilled_at < a.until
UNION
SELECT l.vendor_id, l.order_id
FROM unnest(CAST(:booking_vendors AS bigint[]), CAST(:bookings AS bigint[])) AS b (vendor_id, id)
JOIN order_lines l ON l.vendor_id = b.vendor_id AND l.booking_id = b.id
UNION
SELECT r.vendor_id, r.order_id FROM asked a JOIN refunds r
  ON r.vendor_id = a.vendor_id AND r.created_at >= a.since AND r.created_at < a.until
UNION
SELECT p.vendor_id, p.order_id FROM asked a JOIN product_returns p
  ON p.vendor_id = a.vendor_id AND p.received_at >= a.since AND p.received_at < a.until
"""
"""Every order that may say something about the days, some by their bookings."""

# Both are looked up first and named one by one: how many they are is known then, while a planner
# takes a day for a ninth of all there is, and would rather read everything.
_TOUCHED = """
touched AS MATERIALIZED (
  SELECT t.vendor_id, t.id, v.time_zone AS zone
  FROM unnest(CAST(:order_vendors AS bigint[]), CAST(:orders AS bigint[])) AS t (vendor_id, id)
  JOIN vendors v ON v.id = t.vendor_id
), begun AS MATERIALIZED (
  SELECT t.vendor_id, t.id, v.time_zone AS zone
  FROM unnest(CAST(:booking_vendors AS bigint[]), CAST(:bookings AS bigint[])) AS t (vendor_id, id)
  JOIN vendors v ON v.id = t.vendor_id
)"""
_ZONES = "zones AS (SELECT id AS vendor_id, time_zone AS zone FROM vendors{})"

PRELUDE = {
    Scope.DAYS: _ASKED + "," + _TOUCHED,
    Scope.VENDORS: _ZONES.format(" WHERE id = ANY (CAST(:vendors AS bigint[]))"),
    Scope.ALL: _ZONES.format(""),
}
"""What each statement begins with, after WITH."""


def _looked_up(named: str, table: str, row: str, those: str = "true") -> str:
    """The rows that are named, each by its key: OFFSET lets nobody begin at another end."""
    return (
        f"{named} a JOIN LATERAL (SELECT * FROM {table} x"
        f" WHERE x.vendor_id = a.vendor_id AND x.id = a.id OFFSET 0) AS {row} ON {those}"
    )


_ORDERS = {
    Scope.DAYS: _looked_up("touched", "orders", "o"),
    Scope.VENDORS: "zones a JOIN orders o ON o.vendor_id = a.vendor_id",
    Scope.ALL: "zones a JOIN orders o ON o.vendor_id = a.vendor_id",
}
_IS_ASKED = "((b.vendor_id, {}) IN (SELECT vendor_id, day FROM asked)) IS TRUE"
"""Answered by a hash, for each row."""
_BOOKINGS = {
    Scope.DAYS: _looked_up("begun", "bookings", "b", _IS_ASKED.format(STARTS_ON)),
    Scope.VENDORS: "zones a JOIN bookings b ON b.vendor_id = a.vendor_id",
    Scope.ALL: "zones a JOIN bookings b ON b.vendor_id = a.vendor_id",
}
_EARLY_ONES = _looked_up(
    "begun", "bookings", "b", f"b.completed_at < b.starts_at AND {_IS_ASKED.format(VISITED_ON)}"
)

_SETTLED = "o.status IN ('fulfilled', 'completed') AND o.fulfilled_at IS NOT NULL"
_LINES = "JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id"
_CAME = (
    "JOIN bookings b ON b.vendor_id = l.vendor_id AND b.id = l.booking_id"
    " AND b.status = 'completed'"
)
_ITEMS = """
  LEFT JOIN variants g ON g.vendor_id = l.vendor_id AND g.id = l.variant_id
  LEFT JOIN products p ON p.vendor_id = g.vendor_id AND p.id = g.product_id
  LEFT JOIN services s ON s.vendor_id = l.vendor_id AND s.id = l.service_id
  LEFT JOIN packages k ON k.vendor_id = l.vendor_id AND k.id = l.package_id"""
_ITEM = "coalesce(p.id, s.id, l.package_id, l.plan_id, 0)"
_CATEGORY = "coalesce(p.category_id, s.category_id, k.category_id, 0)"
_WITH_TAX = "l.total + CASE WHEN o.includes_tax THEN 0 ELSE l.tax END"
_NET = "CASE WHEN o.includes_tax THEN l.total - l.tax ELSE l.total END"
_DISCOUNT = (
    "CASE WHEN o.includes_tax AND l.discount > 0 AND l.tax_percent > 0"
    " THEN round(l.discount * 100 / (100 + l.tax_percent), 2) ELSE l.discount END"
)

SALES = (
    "lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
    "refunded_tax",
)  # fmt: skip
_NOTHING = "0::numeric"
# IS TRUE keeps it a question of each row, answered by a hash: as a join it was planned for one day,
# and everything was worked out again for each.
_OF_ASKED = """
    WHERE ((vendor_id, day) IN (SELECT vendor_id, day FROM asked)) IS TRUE"""


def _sales(orders: str) -> str:
    """Lines of orders that count: what they brought, before anything was given back."""
    sold = f"""
      l.kind, {_ITEM} AS item_id, {_CATEGORY} AS category_id, {{channel}} AS channel, 1 AS lines,
      l.quantity, 0::bigint AS returned, {_NET} + {_DISCOUNT} AS gross, {_DISCOUNT} AS discount,
      {_NET} AS net, l.tax, coalesce(l.cost, 0) * l.quantity AS cost, {_NOTHING} AS refunded,
      {_NOTHING} AS refunded_tax"""
    return f"""
    SELECT o.vendor_id, {SOLD_ON} AS day, {sold.format(channel="o.channel")}
    FROM {orders} {_LINES} {_ITEMS}
    WHERE {_SETTLED} AND l.booking_id IS NULL
    UNION ALL
    SELECT o.vendor_id, {VISITED_ON}, {sold.format(channel="b.channel")}
    FROM {orders} {_LINES} AND l.booking_id IS NOT NULL {_CAME} {_ITEMS}
    WHERE {_SETTLED}"""


def _visits(bookings: str, early: str | None) -> str:
    """Visits that no order sold."""
    sold = (
        f"SELECT FROM order_lines l JOIN orders o ON o.vendor_id = l.vendor_id AND o.id ="
        f" l.order_id WHERE l.vendor_id = b.vendor_id AND l.booking_id = b.id AND {_SETTLED}"
    )

    def of(source: str, *those: str) -> str:
        return f"""
    SELECT b.vendor_id, {VISITED_ON} AS day, 'service' AS kind, b.service_id AS item_id,
      coalesce(s.category_id, 0) AS category_id, b.channel, 1 AS lines, 1::bigint AS quantity,
      0::bigint AS returned, b.price AS gross, {_NOTHING} AS discount, b.price AS net,
      {_NOTHING} AS tax, {_NOTHING} AS cost, {_NOTHING} AS refunded, {_NOTHING} AS refunded_tax
    FROM {source} JOIN services s ON s.vendor_id = b.vendor_id AND s.id = b.service_id
    WHERE {" AND ".join(("b.status = 'completed'", f"NOT EXISTS ({sold})", *those))}"""

    if early is None:
        return of(bookings)
    not_early = "(b.completed_at IS NULL OR b.completed_at >= b.starts_at)"
    return of(bookings, not_early) + " UNION ALL " + of(early)


def _back(orders: str) -> str:
    """What came back of lines that count, and what was given back, on days of their own.

    Only orders with any of it are looked at.
    """
    return f"""
    sold AS MATERIALIZED (
      SELECT o.vendor_id, o.id AS order_id, l.id AS line_id, a.zone, l.kind, {_ITEM} AS item_id,
        {_CATEGORY} AS category_id, coalesce(b.channel, o.channel) AS channel,
        o.channel AS order_channel, {SOLD_ON} AS settled_on,
        CASE WHEN l.booking_id IS NULL THEN {SOLD_ON} ELSE {VISITED_ON} END AS day,
        l.booking_id IS NULL OR b.id IS NOT NULL AS counts,
        {_WITH_TAX} AS price, l.tax, l.refunded, l.returned, o.refunded AS order_refunded,
        greatest(o.paid - o.total, 0) AS too_much
      FROM {orders} {_LINES}
      LEFT {_CAME} {_ITEMS}
      WHERE {_SETTLED} AND (o.refunded > 0 OR o.returned > 0)
    ),
    given AS (
      SELECT r.vendor_id, r.order_id, r.id, r.created_at, r.amount,
        (SELECT coalesce(sum(x.amount), 0) FROM refund_lines x
         WHERE x.vendor_id = r.vendor_id AND x.refund_id = r.id) AS for_lines
      FROM refunds r
      WHERE r.status <> 'failed' AND (r.vendor_id, r.order_id) IN
        (SELECT vendor_id, order_id FROM sold WHERE order_refunded > 0)
    ),
    whole AS (
      SELECT vendor_id, order_id, zone, order_channel, too_much,
        coalesce(min(day) FILTER (WHERE counts), settled_on) AS day,
        coalesce(sum(price - refunded) FILTER (WHERE counts), 0) AS counting
      FROM sold WHERE order_refunded > 0
      GROUP BY vendor_id, order_id, zone, order_channel, too_much, settled_on
    ),
    so_far AS (
      SELECT w.vendor_id, w.order_id, w.order_channel,
        greatest(w.day, CAST(g.created_at AT TIME ZONE w.zone AS date)) AS day, g.created_at, g.id,
        least(w.counting, greatest(sum(g.amount) OVER upto - w.too_much, 0)
          - sum(g.for_lines) OVER upto) AS for_no_line
      FROM whole w JOIN given g ON g.vendor_id = w.vendor_id AND g.order_id = w.order_id
      WINDOW upto AS (PARTITION BY w.vendor_id, w.order_id ORDER BY g.created_at, g.id)
    ),
    parts AS (
      SELECT l.vendor_id, l.kind, l.item_id, l.category_id, l.channel, l.line_id, g.created_at,
        g.id, greatest(l.day, CAST(g.created_at AT TIME ZONE l.zone AS date)) AS day, x.amount,
        coalesce(round(l.tax * sum(x.amount) OVER upto / nullif(l.price, 0), 2), 0) AS tax_upto
      FROM sold l
      JOIN refund_lines x ON x.vendor_id = l.vendor_id AND x.order_line_id = l.line_id
      JOIN given g ON g.vendor_id = x.vendor_id AND g.id = x.refund_id
      WHERE l.counts
      WINDOW upto AS (PARTITION BY l.vendor_id, l.line_id ORDER BY g.created_at, g.id)
    ),
    shares AS (
      SELECT *, tax_upto - coalesce(lag(tax_upto) OVER (PARTITION BY vendor_id, line_id
        ORDER BY created_at, id), 0) AS tax FROM parts
    )"""


_GIVEN_BACK = f"""
    SELECT vendor_id, day, kind, item_id, category_id, channel, 0 AS lines, 0::bigint AS quantity,
      0::bigint AS returned, {_NOTHING} AS gross, {_NOTHING} AS discount, {_NOTHING} AS net,
      {_NOTHING} AS tax, {_NOTHING} AS cost, amount - tax AS refunded, tax AS refunded_tax
    FROM shares
    UNION ALL
    SELECT vendor_id, day, 'unassigned', 0, 0, order_channel, 0, 0, 0, 0, 0, 0, 0, 0, part, 0
    FROM (
      SELECT *, for_no_line - coalesce(lag(for_no_line) OVER (PARTITION BY vendor_id, order_id
        ORDER BY created_at, id), 0) AS part FROM so_far
    ) AS steps WHERE part <> 0
    UNION ALL
    SELECT l.vendor_id, greatest(l.day, CAST(p.received_at AT TIME ZONE l.zone AS date)), l.kind,
      l.item_id, l.category_id, l.channel, 0, 0, i.received, 0, 0, 0, 0, 0, 0, 0
    FROM sold l
    JOIN return_lines i ON i.vendor_id = l.vendor_id AND i.order_line_id = l.line_id
    JOIN product_returns p ON p.vendor_id = i.vendor_id AND p.id = i.return_id
    WHERE l.counts AND l.returned > 0 AND i.received > 0 AND p.received_at IS NOT NULL"""


def _items(scope: Scope) -> str:
    orders = _ORDERS[scope]
    early = _EARLY_ONES if scope is Scope.DAYS else None
    asked = _OF_ASKED if scope is Scope.DAYS else ""
    sums = ", ".join(f"sum({name}) AS {name}" for name in SALES)
    return f"""
    WITH {PRELUDE[scope]},{_back(orders)}
    SELECT vendor_id, day, kind, item_id, category_id, channel, {sums}
    FROM ({_sales(orders)} UNION ALL {_visits(_BOOKINGS[scope], early)} UNION ALL {_GIVEN_BACK})
      AS entries{asked}
    GROUP BY vendor_id, day, kind, item_id, category_id, channel"""


def _orders(scope: Scope) -> str:
    asked = _OF_ASKED if scope is Scope.DAYS else ""
    return f"""
    WITH {PRELUDE[scope]}
    SELECT vendor_id, day, channel, sum(orders) AS orders, sum(with_customer) AS with_customer,
      sum(total) AS total, sum(discount) AS discount, sum(shipping) AS shipping
    FROM (
      SELECT o.vendor_id, {SOLD_ON} AS day, o.channel, 1 AS orders,
        CASE WHEN o.customer_id IS NULL THEN 0 ELSE 1 END AS with_customer, o.total,
        {_NOTHING} AS discount, {_NOTHING} AS shipping
      FROM {_ORDERS[scope]} WHERE {_SETTLED}
      UNION ALL
      SELECT o.vendor_id, {SOLD_ON}, o.channel, 0, 0, 0, l.discount,
        CASE WHEN l.kind = 'shipping' THEN {_WITH_TAX} ELSE 0 END
      FROM {_ORDERS[scope]} {_LINES}
      WHERE {_SETTLED} AND (l.discount > 0 OR l.kind = 'shipping')
    ) AS entries{asked}
    GROUP BY vendor_id, day, channel"""


_MINUTES = "CAST(extract(epoch FROM b.ends_at - b.starts_at) / 60 AS bigint)"
# A class takes its time once: with the first of the bookings that stand.
_TIME = f"""CASE WHEN b.status = 'cancelled' THEN 0
        WHEN b.class_session_id IS NOT NULL AND EXISTS (
          SELECT FROM bookings f WHERE f.vendor_id = b.vendor_id
          AND f.class_session_id = b.class_session_id AND f.id < b.id
          AND f.status <> 'cancelled' AND f.held_until IS NULL) THEN 0 ELSE {_MINUTES} END"""


def _booked(scope: Scope, by: dict[str, str], joined: str = "", **sums: str) -> str:
    keys = ", ".join(f"{what} AS {name}" for name, what in by.items())
    listed = ", ".join(f"{what} AS {name}" for name, what in sums.items())
    places = ", ".join(str(n) for n in range(1, 3 + len(by)))
    return f"""
    WITH {PRELUDE[scope]}
    SELECT b.vendor_id, {STARTS_ON} AS day, {keys}, {listed}
    FROM {_BOOKINGS[scope]} JOIN services s ON s.vendor_id = b.vendor_id AND s.id = b.service_id
    {joined}WHERE b.held_until IS NULL
    GROUP BY {places}"""


def _count(*words: str) -> str:
    return f"count(*) FILTER (WHERE b.status IN ({', '.join(repr(word) for word in words)}))"


def _sum(what: str, those: str) -> str:
    return f"coalesce(sum({what}) FILTER (WHERE {those}), 0)"


_CATEGORY_OF = "coalesce(s.category_id, 0)"
# OFFSET: the days of a row are worked out once, and looked at seven times.
_AHEAD = f"""CROSS JOIN LATERAL (
      SELECT {STARTS_ON} - CAST(b.created_at AT TIME ZONE a.zone AS date) AS days OFFSET 0
    ) AS ahead
    """


def _leads() -> dict[str, str]:
    """How many were booked so long ahead; of what was imported nobody knows."""
    those = "b.status <> 'cancelled' AND b.channel <> 'import' AND ahead.days"
    until = [f"BETWEEN {low} AND {after - 1}" for low, after in pairwise(LEADS)]
    spans = zip(LEADS, [*until, f">= {LEADS[-1]}"], strict=True)
    return {f"lead_{low}": f"count(*) FILTER (WHERE {those} {span})" for low, span in spans}


def _bookings(scope: Scope) -> str:
    stands, gone = "b.status <> 'cancelled'", "b.status IN ('cancelled', 'no_show')"
    return _booked(
        scope,
        {"service_id": "b.service_id", "kind": "b.kind", "category_id": _CATEGORY_OF,
         "channel": "b.channel"},
        bookings="count(*)", open=_count("pending", "confirmed", "checked_in"),
        completed=_count("completed"), cancelled=_count("cancelled"),
        late="count(*) FILTER (WHERE b.status = 'cancelled' AND b.fee > 0)",
        no_shows=_count("no_show"), seats=_sum("b.seats", stands), minutes=_sum(_MINUTES, stands),
        value=_sum("b.price", "b.status = 'completed'"), lost=_sum("b.price", gone),
        fees=_sum("b.fee", gone), joined=_AHEAD, **_leads(),
    )  # fmt: skip


def _staff(scope: Scope) -> str:
    return _booked(
        scope,
        {"staff_id": "coalesce(b.staff_id, 0)", "category_id": _CATEGORY_OF,
         "channel": "b.channel"},
        bookings="count(*)", completed=_count("completed"), cancelled=_count("cancelled"),
        no_shows=_count("no_show"), minutes=f"sum({_TIME})",
        value=_sum("b.price", "b.status = 'completed'"),
    )  # fmt: skip


def _hours(scope: Scope) -> str:
    wall = "b.starts_at AT TIME ZONE a.zone"
    return _booked(
        scope,
        {"weekday": f"CAST(extract(isodow FROM {wall}) AS smallint)",
         "hour": f"CAST(extract(hour FROM {wall}) AS smallint)", "channel": "b.channel"},
        bookings="count(*)", no_shows=_count("no_show"), minutes=f"sum({_TIME})",
    )  # fmt: skip


_NAMED_DAYS = (
    " JOIN unnest(CAST(:vendors AS bigint[]), CAST(:days AS date[])) AS w (vendor_id, day)"
    " ON w.vendor_id = f.vendor_id AND w.day = f.starts_on"
)


def _of_days(table: str, scope: Scope) -> str:
    """The rows of days of another table of figures, which was worked out before."""
    named = _NAMED_DAYS if scope is Scope.DAYS else ""
    these = " AND f.vendor_id = ANY (CAST(:vendors AS bigint[]))"
    asked = these if scope is Scope.VENDORS else ""
    return f"FROM {table} f{named} WHERE f.grain = 'day'{asked}"


def _sums_of_items(scope: Scope) -> str:
    """Sales without the item: worked out after the items themselves."""
    return f"""
    SELECT f.vendor_id, f.starts_on AS day, f.kind, f.category_id, f.channel,
      {", ".join(f"sum(f.{name}) AS {name}" for name in SALES)}
    {_of_days("item_figures", scope)}
    GROUP BY 1, 2, 3, 4, 5"""


def _sums_of_vendors(scope: Scope) -> str:
    """All that a vendor sold and was booked for: worked out last."""
    parts = {
        "sale_figures": ("f.net - f.refunded", "0", "0", "0", "0", "0"),
        "order_figures": ("0", "f.orders", "0", "0", "0", "0"),
        "booking_figures": (
            "0", "0", "f.bookings - f.cancelled", "f.completed", "f.no_shows", "f.cancelled",
        ),
    }  # fmt: skip
    names = ("revenue", "orders", "bookings", "completed", "no_shows", "cancelled")
    rows = " UNION ALL ".join(
        "SELECT f.vendor_id, f.starts_on AS day, "
        + ", ".join(f"{what} AS {name}" for what, name in zip(sums, names, strict=True))
        + f" {_of_days(table, scope)}"
        for table, sums in parts.items()
    )
    return f"""
    SELECT vendor_id, day, {", ".join(f"sum({name}) AS {name}" for name in names)}
    FROM ({rows}) AS parts GROUP BY vendor_id, day"""


_SOURCES = {
    "item_figures": _items,
    "sale_figures": _sums_of_items,
    "order_figures": _orders,
    "booking_figures": _bookings,
    "staff_figures": _staff,
    "hour_figures": _hours,
    "vendor_figures": _sums_of_vendors,
}


def day_rows(table: str, scope: Scope) -> str:
    """The statement that selects vendor, day, and the keys and sums of a table of figures."""
    return _SOURCES[table](scope)
