"""What all customers of the marketplace are worth: models, cohorts, groups, distinct customers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations import score_fitting, score_keeping, score_models, scores
from app.operations.score_keeping import REACH_KEY, REACHED, spans_known
from app.operations.score_models import Models
from models.scores import ModelSource


def settle(session: Session, *, as_of: date) -> Models:
    """Fit the models of all customers of the marketplace, and keep them."""
    known = {"as_of": as_of}
    rows = session.execute(
        text(
            "SELECT days - 1, last_on - first_on, greatest(:as_of - first_on, last_on - first_on),"
            " count(*) FROM customer_scores GROUP BY 1, 2, 3"
        ),
        known,
    ).all()
    x, t_x, age, times = np.array([tuple(row) for row in rows], dtype=float).reshape(-1, 4).T
    money = session.execute(
        text(
            "SELECT days - 1, CAST(repeat_value AS double precision), count(*) FROM customer_scores"
            " WHERE days > 1 AND repeat_value > 0 GROUP BY 1, 2"
        )
    ).all()
    often, mean, equal = np.array([tuple(row) for row in money], dtype=float).reshape(-1, 3).T
    models = Models(ModelSource.NONE, int(times.sum()), int(times[x > 0].sum()))
    if not scores.borrowed(models.customers, int(equal.sum())):
        models = Models(
            ModelSource.MARKETPLACE, models.customers, models.repeaters,
            score_fitting.fit_purchases(score_fitting.tally(x, t_x / 7, age / 7, times)),
            score_fitting.fit_spending(often, mean, equal),
        )  # fmt: skip
    _hold_market(session)
    models = score_models.beside(models, _last(session), as_of, ModelSource.MARKETPLACE)
    values = score_models.values_of(as_of, models)
    session.execute(text("DELETE FROM market_models"))
    session.execute(
        text(
            f"INSERT INTO market_models ({', '.join(values)})"
            f" VALUES ({', '.join(f':{name}' for name in values)})"
        ),
        values,
    )
    return models


def last_night(session: Session) -> Models | None:
    """The models of the marketplace as the last night kept them; None before the first."""
    row = _last(session)
    return None if row is None else score_models.kept(row)


def _last(session: Session) -> Any:
    return session.execute(text("SELECT * FROM market_models LIMIT 1")).one_or_none()


def _hold_market(session: Session) -> None:
    """Let no one else write what is the marketplace's until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock, 0)"), {"lock": score_keeping.LOCK})


_SEVERAL = """
  several AS (
    SELECT c.person_id, s.* FROM customers c
    JOIN customer_scores s ON s.vendor_id = c.vendor_id AND s.customer_id = c.id
    WHERE c.person_id IN (SELECT c.person_id FROM customers c
      JOIN customer_scores s ON s.vendor_id = c.vendor_id AND s.customer_id = c.id
      WHERE c.person_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1)
  ),
  met AS (
    SELECT person_id AS id, d.day, sum(d.amount) AS amount FROM several s
    CROSS JOIN LATERAL unnest(s.bought_on, s.bought_for) AS d(day, amount) GROUP BY 1, 2
  ),
  whole AS (
    SELECT id, min(day) AS first_on, max(day) AS last_on,
      (array_agg(day ORDER BY day))[2] AS second_on,
      array_agg(day ORDER BY day) AS bought_on, array_agg(amount ORDER BY day) AS bought_for
    FROM met GROUP BY 1
  ),
  persons AS (
    SELECT w.*, f.first_channel, f.first_category_id FROM whole w JOIN (
      SELECT DISTINCT ON (person_id) person_id, first_channel, first_category_id FROM several
      ORDER BY person_id, first_on, id
    ) AS f ON f.person_id = w.id
  )
"""
"""People with files at several vendors: each file, and the person as one customer."""
_LATE = """
  (SELECT s.* FROM customer_scores s WHERE NOT EXISTS (
    SELECT FROM score_models m WHERE m.vendor_id = s.vendor_id AND m.as_of = :day))
"""


def gather(session: Session, *, as_of: date) -> None:
    """Put cohorts, distinct customers and groups of the marketplace together from the vendors'.

    Somebody with files at several vendors is one customer: the files are taken out of the sums, and
    the person put in. Of vendors whose night has not come to `as_of` (yet) distinct customers are
    counted anew: what is kept of them is of other days.
    """
    _hold_market(session)
    known = spans_known([(0, as_of)])
    for table, vendors, question, key, summed in (
        ("market_cohorts", "cohort_figures", score_keeping.COHORTS,
         (*score_keeping.COHORT_KEY, "age"), ("customers", "revenue")),
        ("market_reach", "reach_figures", score_keeping.REACH, (*REACH_KEY,), REACHED),
    ):  # fmt: skip
        session.execute(text(f"DELETE FROM {table}"))
        session.execute(
            text(_gathered(table, vendors, question, key, summed)), {**known, "day": as_of}
        )
    for statement in _GROUPS:
        session.execute(text(statement))


_KEY = "month, segment, channel, category_id"
_SUMS = ("customers", "days", "recency_days", "revenue", "valued", "alive", "expected_12m",
         "value_12m", "variance")  # fmt: skip
_GROUPS = (
    "DELETE FROM market_score_figures",
    f"INSERT INTO market_score_figures ({_KEY}, as_of, {', '.join(_SUMS)})"
    f" SELECT {_KEY}, max(as_of), {', '.join(f'sum({name})' for name in _SUMS)}"
    f" FROM score_figures GROUP BY {_KEY} ORDER BY {_KEY}",
)
"""Groups are ranked by each vendor: whoever has files at several is in a group of each."""


def _gathered(
    table: str, vendors: str, question: str, key: Sequence[str], summed: Sequence[str]
) -> str:
    is_reach = table == "market_reach"
    listed, every = ", ".join(key), ", ".join(summed)
    less = ", ".join(f"-{name}" for name in summed)
    sums = ", ".join(f"sum({name})" for name in summed)
    how = {"whose": "", "of_vendor": "", "mature": score_keeping.MATURE_DAYS}
    files, people, late = (
        question.format(source=name, **how) for name in ("several", "persons", _LATE)
    )
    these = " WHERE channel <> '' AND as_of = :day" if is_reach else ""
    others = (
        f" UNION ALL SELECT {listed}, {every} FROM ({late}) AS l"
        f" UNION ALL SELECT starts_on, ends_on, '', 0{', 0' * len(summed)} FROM spans"
        if is_reach else ""
    )  # fmt: skip
    extra = (", as_of", ", CAST(:day AS date)") if is_reach else ("", "")
    return (
        f"WITH {score_keeping.SPANS}, {_SEVERAL}"
        f" INSERT INTO {table} ({listed}, {every}{extra[0]}) SELECT {listed}, {sums}{extra[1]}"
        f" FROM (SELECT {listed}, {every} FROM {vendors}{these}"
        f" UNION ALL SELECT {listed}, {less} FROM ({files}) AS f"
        f" UNION ALL SELECT {listed}, {every} FROM ({people}) AS p{others}) AS a"
        f" GROUP BY {listed} HAVING sum(customers) <> 0"
        + (" OR channel = ''" if is_reach else "")
        + f" ORDER BY {listed}"  # rows that are read together lie together
    )
