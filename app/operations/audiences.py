"""Who buys: how many a month, where they live, what they prefer, at how many vendors.

All of it is told from `customer_months`, addresses and interests, a vendor at a time, every night:
where somebody lives and what they like best can change all of their months, and sums of customers
cannot be mended day by day. What the marketplace reads without choosing a vendor are sums of
these rows, kept beside them under the vendor `EVERYWHERE`.

Money is without tax and less what was given back, on its own day (`customer_months`). Channel and
category are those of a customer's first purchase: `models.audiences.ByFirst` says why.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from models.audiences import ANY_CATEGORY, ANY_CHANNEL, EVERYWHERE

SPANS = (1, 3, 12)
"""The months within which people are counted by the number of their vendors."""
AGAIN = 2
"""The months whose people are counted again each night: this one and the one before."""

_MONTHS = """
  SELECT n.customer_id, month, n.visits, n.orders, n.days, services, products, other,
    coalesce((extract(year FROM next) - extract(year FROM month)) * 12
      + extract(month FROM next) - extract(month FROM month), 0) AS next_in,
    n.days > 0 AS came, n.days > 0 AND before IS NULL AS new,
    coalesce(s.first_channel, c.channel) AS channel,
    coalesce(s.first_category_id, 0) AS category_id
  FROM (
    SELECT *, lead(month) OVER own AS next, lag(month) OVER own AS before
    FROM customer_months WHERE vendor_id = :vendor
    WINDOW own AS (PARTITION BY customer_id, days > 0 ORDER BY month)
  ) AS n
  JOIN customers c ON c.vendor_id = :vendor AND c.id = n.customer_id
  LEFT JOIN customer_scores s ON s.vendor_id = :vendor AND s.customer_id = n.customer_id
"""
"""A month in which money was only given back is nobody's visit, but its money counts."""

_FIRST = f"coalesce(channel, '{ANY_CHANNEL}'), coalesce(category_id, {ANY_CATEGORY})"
"""Of `CUBE (channel, category_id)`, whose sums over all of them have neither."""

_ACTIVE = f"""
  INSERT INTO active_figures (vendor_id, grain, channel, category_id, starts_on, next_in,
    customers, newcomers, days, visits, orders, revenue)
  SELECT :vendor, 'month', {_FIRST}, month, next_in, count(*) FILTER (WHERE came),
    count(*) FILTER (WHERE new), sum(days),
    sum(visits), sum(orders), sum(services + products + other)
  FROM ({_MONTHS}) AS m GROUP BY month, next_in, CUBE (channel, category_id)
"""  # noqa: S608 - nothing but our own words

_PLACES = f"""
  INSERT INTO place_figures (vendor_id, grain, channel, category_id, starts_on, country, city_key,
    area, next_in, city, customers, visits, orders, services, products, other)
  WITH lives AS (
    SELECT DISTINCT ON (customer_id) customer_id, coalesce(country, '') AS country,
      coalesce(city_key, '') AS city_key, coalesce(city, '') AS city,
      coalesce(upper(substring(trim(postal_code) FROM '^[A-Za-z]{{1,2}}|^[0-9]{{1,2}}')), '')
        AS area
    FROM addresses
    WHERE vendor_id = :vendor AND (city_key IS NOT NULL OR postal_code IS NOT NULL)
    ORDER BY customer_id, id DESC
  )
  SELECT :vendor, 'month', {_FIRST}, m.month, coalesce(l.country, ''), coalesce(l.city_key, ''),
    coalesce(l.area, ''), m.next_in, coalesce(mode() WITHIN GROUP (ORDER BY l.city), ''),
    count(*) FILTER (WHERE m.came), sum(m.visits), sum(m.orders), sum(m.services),
    sum(m.products), sum(m.other)
  FROM ({_MONTHS}) AS m LEFT JOIN lives l ON l.customer_id = m.customer_id
  GROUP BY 5, 6, 7, 8, 9, CUBE (channel, category_id)
"""  # noqa: S608 - nothing but our own words

_PREFERENCES = """
  INSERT INTO preference_figures (vendor_id, grain, starts_on, sort, kind, category_id, channel,
    customers, times, spent, revenue)
  WITH bought AS (
    SELECT customer_id, kind, coalesce(category_id, 0) AS category_id, sum(times) AS times,
      sum(spent) AS spent, max(last_at) AS last_at
    FROM customer_interests WHERE vendor_id = :vendor AND (times > 0 OR spent <> 0) GROUP BY 1, 2, 3
  ),
  whole AS (
    SELECT b.customer_id, c.channel, sum(b.spent) AS revenue, CAST(date_trunc('month',
        max(b.last_at) AT TIME ZONE v.time_zone) AS date) AS month
    FROM bought b
    JOIN customers c ON c.vendor_id = :vendor AND c.id = b.customer_id
    JOIN vendors v ON v.id = :vendor
    GROUP BY b.customer_id, c.channel, v.time_zone
  ),
  sorted AS (
    SELECT 'kind' AS sort, customer_id, kind, CAST(0 AS bigint) AS category_id,
      sum(times) AS times, sum(spent) AS spent FROM bought GROUP BY customer_id, kind
    UNION ALL
    SELECT CASE kind WHEN 'product' THEN 'product' ELSE 'service' END, customer_id, kind,
      category_id, times, spent
    FROM bought WHERE kind IN ('appointment', 'class', 'lab_test', 'stay', 'product')
  ),
  first AS (
    SELECT DISTINCT ON (sort, customer_id) * FROM sorted
    ORDER BY sort, customer_id, spent DESC, times DESC, kind, category_id
  )
  SELECT :vendor, 'month', w.month, f.sort, f.kind, f.category_id, w.channel, count(*),
    sum(f.times), sum(f.spent), sum(w.revenue)
  FROM first f JOIN whole w ON w.customer_id = f.customer_id GROUP BY 3, 4, 5, 6, 7
"""

_OF_A_VENDOR = {
    "active_figures": _ACTIVE, "place_figures": _PLACES, "preference_figures": _PREFERENCES,
}  # fmt: skip

_EVERYWHERE = {
    "place_figures": (
        "channel, category_id, starts_on, country, city_key, area, next_in",
        "max(city), sum(customers), sum(visits), sum(orders), sum(services), sum(products),"
        " sum(other)",
        "city, customers, visits, orders, services, products, other",
    ),
    "preference_figures": (
        "starts_on, sort, kind, category_id, channel",
        "sum(customers), sum(times), sum(spent), sum(revenue)",
        "customers, times, spent, revenue",
    ),
}

_ENGAGED = f"""
  INSERT INTO engagement_figures (vendor_id, grain, channel, category_id, starts_on, span, vendors,
    people, files, days, visits, orders, revenue)
  WITH files AS (
    SELECT vendor_id, customer_id, sum(days) AS days, sum(visits) AS visits,
      sum(orders) AS orders, sum(services + products + other) AS revenue
    FROM customer_months
    WHERE month <= :month AND month > CAST(:month AS date) - make_interval(months => :span)
    GROUP BY 1, 2 HAVING sum(days) > 0
  ),
  people AS (
    SELECT coalesce(c.person_id, -c.id) AS person, f.vendor_id, count(*) AS files,
      sum(f.days) AS days, sum(f.visits) AS visits, sum(f.orders) AS orders,
      sum(f.revenue) AS revenue
    FROM files f JOIN customers c ON c.vendor_id = f.vendor_id AND c.id = f.customer_id
    GROUP BY 1, 2
  ),
  known AS (
    SELECT person, least(count(*), 3) AS vendors, sum(files) AS files, sum(days) AS days,
      sum(visits) AS visits, sum(orders) AS orders, sum(revenue) AS revenue
    FROM people GROUP BY person
  ),
  firsts AS (
    SELECT DISTINCT ON (person) coalesce(c.person_id, -c.id) AS person,
      coalesce(s.first_channel, c.channel) AS channel,
      coalesce(s.first_category_id, 0) AS category_id
    FROM customers c
    LEFT JOIN customer_scores s ON s.vendor_id = c.vendor_id AND s.customer_id = c.id
    ORDER BY person, s.first_on, s.id, c.id
  )
  SELECT :everywhere, 'month', {_FIRST}, :month, :span, vendors, count(*), sum(files), sum(days),
    sum(visits), sum(orders), sum(revenue)
  FROM known JOIN firsts USING (person) GROUP BY vendors, CUBE (channel, category_id)
"""  # noqa: S608 - nothing but our own words
"""Where a person bought first is the same as in `score_market`, whose cohorts tell it too."""


def rebuild(session: Session, *, vendor_id: int) -> None:
    """Work out a vendor's figures of who buys, where they live and what they prefer."""
    connection = session.connection()
    for table, statement in _OF_A_VENDOR.items():
        _clear(connection, table, vendor_id)
        connection.execute(text(statement), {"vendor": vendor_id})


def add_up(session: Session) -> None:
    """Sum the figures of all vendors for the marketplace."""
    connection = session.connection()
    for table, (keys, sums, columns) in _EVERYWHERE.items():
        _clear(connection, table, EVERYWHERE)
        connection.execute(
            text(
                f"INSERT INTO {table} (vendor_id, grain, {keys}, {columns})"  # noqa: S608 - our own names
                f" SELECT {EVERYWHERE}, 'month', {keys}, {sums} FROM {table}"
                f" WHERE vendor_id <> {EVERYWHERE} GROUP BY {keys}"
            )
        )


def months(session: Session) -> Sequence[date]:
    """The months in which anybody bought anything, the latest first."""
    found = session.connection().execute(
        text(
            "WITH RECURSIVE m AS (SELECT max(month) AS month FROM customer_months UNION ALL"
            " SELECT (SELECT max(month) FROM customer_months WHERE month < m.month) FROM m"
            " WHERE m.month IS NOT NULL) SELECT month FROM m WHERE month IS NOT NULL"
        )
    )
    return list(found.scalars())


def engage(session: Session, *, month: date) -> None:
    """Count people by the number of their vendors, in the months that end with `month`."""
    connection = session.connection()
    connection.execute(
        text("DELETE FROM engagement_figures WHERE grain = 'month' AND starts_on = :month"),
        {"month": month},
    )
    for span in SPANS:
        known = {"month": month, "span": span, "everywhere": EVERYWHERE}
        connection.execute(text(_ENGAGED), known)


_CHANGED = f"""
  SELECT month FROM (
    SELECT month, count(*) AS files, sum(days) AS days, sum(visits) AS visits,
      sum(orders) AS orders, sum(services + products + other) AS revenue
    FROM customer_months WHERE days > 0 GROUP BY month
  ) AS bought FULL JOIN (
    SELECT starts_on AS month, sum(files) AS files, sum(days) AS days, sum(visits) AS visits,
      sum(orders) AS orders, sum(revenue) AS revenue
    FROM engagement_figures
    WHERE grain = 'month' AND span = 1 AND channel <> '{ANY_CHANNEL}'
      AND category_id <> {ANY_CATEGORY}
    GROUP BY starts_on
  ) AS counted USING (month)
  WHERE (bought.files, bought.days, bought.visits, bought.orders, bought.revenue)
    IS DISTINCT FROM
    (counted.files, counted.days, counted.visits, counted.orders, counted.revenue)
"""  # noqa: S608 - nothing but our own words
"""Months that were never counted, or came to something else since: sales were brought in, or
taken back."""


def uncounted(session: Session, *, among: Sequence[date], today: date) -> list[date]:
    """Those months whose people are to be counted, of all in which anybody bought, latest first.

    The last ones, and those that look back on a month that has changed. That two files are one
    person may be found out years later, so every night another month has its turn.
    """
    changed = set(session.connection().execute(text(_CHANGED)).scalars())
    due = {*among[:AGAIN], *among[today.toordinal() % max(len(among), 1) :][:1]}
    return [
        month
        for month in among
        if month in due or any(0 <= _between(one, month) < max(SPANS) for one in changed)
    ]


def _between(one: date, other: date) -> int:
    """How many months later the other is."""
    return 12 * (other.year - one.year) + other.month - one.month


def leave_out(session: Session, *, but: Sequence[date]) -> None:
    """Let the people of all other months go: nobody buys anything in them any more."""
    session.connection().execute(
        text("DELETE FROM engagement_figures WHERE starts_on <> ALL (CAST(:months AS date[]))"),
        {"months": list(but)},
    )


def _clear(connection: Connection, table: str, vendor_id: int) -> None:
    connection.execute(
        text(f"DELETE FROM {table} WHERE vendor_id = :vendor"),  # noqa: S608 - a table of ours
        {"vendor": vendor_id},
    )
