"""What is bought together: worked out anew each night, a vendor at a time, from interests.

A pair counts where it is no chance: the log-likelihood ratio of the two purchases being
independent is at least `SURE` (Dunning, Accurate Methods for the Statistics of Surprise and
Coincidence, Computational Linguistics 19, 1993, section 4; it is distributed as chi-square with
one degree of freedom, so one such pair in a thousand is chance), and at least `LEAST` customers
bought both. Rare items and small vendors are judged fairly by it, unlike by lift alone.

The work is bounded: what was bought within `DAYS`, of a customer the last `EACH` items, of a
vendor the `ITEMS` that most customers bought, and of a large vendor a sample of its customers.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from models.interests import CustomerInterest
from models.pairs import ItemPair

DAYS = 730
LEAST = 5
SURE = 10.83
LIFT = 1.2
"""What is bought hardly more often than usual is nothing to tell a customer."""
EACH = 40
ITEMS = 300
FOLLOWING = 8
"""The most that are kept for one item, the likeliest first."""
ROWS = 1_000_000
"""Interests that are looked at; a vendor that has more is judged by every nth customer."""


def rebuild(session: Session, *, vendor_id: int, now: datetime) -> int:
    """Work out a vendor's pairs, in the place of those that were kept; how many there are."""
    since = now - timedelta(days=DAYS)
    asked = {
        "vendor": vendor_id, "since": since, "now": now, "step": _step(session, vendor_id, since),
        "least": LEAST, "sure": SURE, "lift": LIFT, "each": EACH, "items": ITEMS,
        "following": FOLLOWING,
    }  # fmt: skip
    mine = delete(ItemPair).where(ItemPair.vendor_id == vendor_id)
    session.execute(mine, execution_options={"synchronize_session": False})
    return len(session.execute(text(_REBUILD), asked).all())


def _step(session: Session, vendor_id: int, since: datetime) -> int:
    """Every how many customers are looked at."""
    counted = select(func.count()).where(
        CustomerInterest.vendor_id == vendor_id, CustomerInterest.last_at >= since
    )
    return 1 + (session.scalar(counted) or 0) // ROWS


def _part(observed: str, of: str, other: str) -> str:
    """One cell of the two by two table: k * ln(k * n / (row * column)); nothing where k is 0."""
    return (
        f"CASE WHEN {observed} > 0 THEN ({observed}) * ln(CAST({observed} AS float8)"
        f" * everybody / (CAST({of} AS float8) * ({other}))) ELSE 0 END"
    )


_SURPRISE = " + ".join(
    (
        _part("together", "one", "other"),
        _part("one - together", "one", "everybody - other"),
        _part("other - together", "everybody - one", "other"),
        _part("everybody - one - other + together", "everybody - one", "everybody - other"),
    )
)

_REBUILD = f"""
  WITH bought AS (
    SELECT customer_id, kind, item_id,
      row_number() OVER (PARTITION BY customer_id ORDER BY last_at DESC, kind, item_id) AS nth
    FROM customer_interests
    WHERE vendor_id = :vendor AND times > 0 AND last_at >= :since
      AND ((customer_id & 2147483647) * 2654435761 & 4294967295) * :step < 4294967296
  ),
  kept AS MATERIALIZED (SELECT customer_id, kind, item_id FROM bought WHERE nth <= :each),
  items AS MATERIALIZED (
    SELECT kind, item_id, count(*) AS customers,
      CAST(row_number() OVER (ORDER BY count(*) DESC, kind, item_id) AS int) AS n
    FROM kept GROUP BY kind, item_id HAVING count(*) >= :least
    ORDER BY n LIMIT :items
  ),
  had AS (
    SELECT array_agg(i.n) AS items
    FROM kept JOIN items i USING (kind, item_id) GROUP BY customer_id HAVING count(*) > 1
  ),
  met AS MATERIALIZED (
    SELECT a.n AS a, b.n AS b, count(*) AS together
    FROM had, unnest(had.items) AS a(n), unnest(had.items) AS b(n)
    WHERE a.n <> b.n
    GROUP BY a.n, b.n HAVING count(*) >= :least
  ),
  judged AS (
    SELECT a.kind, a.item_id, b.kind AS next_kind, b.item_id AS next_id, met.together,
      a.customers AS one, b.customers AS other, e.everybody
    FROM met JOIN items a ON a.n = met.a JOIN items b ON b.n = met.b
    CROSS JOIN (SELECT count(DISTINCT customer_id) AS everybody FROM kept) AS e
  ),
  chosen AS (
    SELECT *, row_number() OVER (
        PARTITION BY kind, item_id ORDER BY together DESC, other, next_kind, next_id) AS nth
    FROM judged
    WHERE together * everybody >= :lift * one * other AND 2 * ({_SURPRISE}) >= :sure
  )
  INSERT INTO item_pairs
    (vendor_id, kind, item_id, next_kind, next_id, customers, together, share, usual, lift, as_of)
  SELECT :vendor, kind, item_id, next_kind, next_id, one, together,
    round(CAST(together AS numeric) / one, 5), round(CAST(other AS numeric) / everybody, 5),
    round(CAST(together * everybody AS numeric) / (one * other), 4), :now
  FROM chosen WHERE nth <= :following
  RETURNING 1
"""  # noqa: S608 - nothing but our own words
"""Customers of the sample are those whose number, multiplied and cut to 32 bits, is small enough:
the numbers of one vendor may follow a pattern that every nth of them would fall into."""
