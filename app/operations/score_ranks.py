"""Ranks: quintiles of recency, frequency and money, and the groups that are read off them.

Of a vendor's customers with a purchase (neither archived nor forgotten): recency by the last
purchase, frequency by the days with one, money by all they brought; whoever is equal is told apart
by the other two, and at last by the number of the file, so that the same customers always rank the
same. The groups are read off R and the mean of F and M.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.scores import RfmSegment

FEWEST_RANKED = 10
"""So few customers make no quintiles worth the name."""

S = RfmSegment
GRID: Mapping[int, tuple[RfmSegment, ...]] = {
    5: (S.NEW, S.POTENTIAL, S.POTENTIAL, S.CHAMPIONS, S.CHAMPIONS),
    4: (S.PROMISING, S.POTENTIAL, S.POTENTIAL, S.LOYAL, S.LOYAL),
    3: (S.SLEEPY, S.SLEEPY, S.ATTENTION, S.LOYAL, S.LOYAL),
    2: (S.HIBERNATING, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
    1: (S.LOST, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
}
"""The group of each recency, by the mean of frequency and money, halves rounded up: 1 to 5."""


def group_of() -> str:
    """SQL for the group of `r` and of `fm`, the rounded mean of the other two."""
    cases = [
        f"WHEN r = {r} AND fm = {fm} THEN '{group}'"
        for r, groups in GRID.items()
        for fm, group in enumerate(groups, 1)
    ]
    return f"CASE {' '.join(cases)} END"


_RANKS = f"""
  WITH standing AS (
    SELECT a.as_of, s.customer_id, s.first_channel AS channel, s.first_category_id AS category_id,
      d.last_on, d.days, d.revenue, count(*) OVER (PARTITION BY a.as_of) AS among
    FROM unnest(CAST(:days AS date[])) AS a(as_of)
    JOIN customer_scores s ON s.vendor_id = :vendor AND s.first_on <= a.as_of
    JOIN customers c ON c.vendor_id = s.vendor_id AND c.id = s.customer_id
      AND c.archived_at IS NULL AND c.anonymised_at IS NULL
    CROSS JOIN LATERAL (
      SELECT max(day) AS last_on, count(*) AS days, sum(amount) AS revenue
      FROM unnest(s.bought_on, s.bought_for) AS d(day, amount) WHERE day <= a.as_of
    ) AS d
  ),
  quintiles AS (
    SELECT *,
      ntile(5) OVER (PARTITION BY as_of ORDER BY last_on, days, revenue, customer_id) AS r,
      ntile(5) OVER (PARTITION BY as_of ORDER BY days, revenue, last_on, customer_id) AS f,
      ntile(5) OVER (PARTITION BY as_of ORDER BY revenue, days, last_on, customer_id) AS m
    FROM standing WHERE among >= {FEWEST_RANKED}
  )
  SELECT *, {group_of()} AS segment FROM (SELECT *, (f + m + 1) / 2 AS fm FROM quintiles) AS q
"""


def rank(session: Session, vendor_id: int, days: Sequence[date]) -> None:
    """The ranks of a vendor's customers as they stood at the end of each of these days.

    In a table `ranks` that lives as long as the transaction.
    """
    session.execute(text("DROP TABLE IF EXISTS pg_temp.ranks"))
    session.execute(
        text(f"CREATE TEMP TABLE ranks ON COMMIT DROP AS {_RANKS}"),
        {"vendor": vendor_id, "days": sorted(set(days))},
    )
    session.execute(text("CREATE INDEX ON ranks (as_of, customer_id)"))
    session.execute(text("ANALYZE ranks"))
