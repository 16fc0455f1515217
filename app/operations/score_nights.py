"""Every night: which customers are worth most, who is slipping away, and what is to be expected.

Past months are ranked as they ended, once that day is over on every clock, and stay so.
`app.operations.score_ranks` says how, `app.operations.score_models` by which models.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations import score_keeping, score_models, score_ranks, scores
from app.operations.score_keeping import REACH_KEY, REACHED, reach_of, spans_known
from app.operations.score_models import Models
from app.operations.score_spans import DAY, months_back
from models.scores import ModelSource

MONTHS_BACK = 12
OVER_EVERYWHERE = 2 * DAY
"""A night knows its day only as far as it has come, and begins while the day before goes on west of
Greenwich: the day is over everywhere for a night that is two days later."""
MOST = 9_999_999_999.0
CHUNK = 50_000


def settle(
    session: Session, *, vendor_id: int, as_of: date, market: Models | None = None
) -> Models:
    """Work out ranks, models and what follows for all customers of a vendor, as of a day.

    `market` are the marketplace's models, for those who have too few customers; which are used is
    answered, and how far all is from the night before.
    """
    score_keeping.hold(session, [vendor_id])
    customers = _histories(session, vendor_id, as_of)
    models = score_models.fitted(customers, market)
    months = _months(session, vendor_id, as_of)
    ends = {month: min(_end(month), as_of) for month in months}
    score_ranks.rank(session, vendor_id, [*ends.values(), *(month - DAY for month in months)])
    models = _beside_the_night_before(session, vendor_id, as_of, models)
    for month, end in ends.items():  # this month comes last: what is expected now stays
        known = {"vendor": vendor_id, "month": month, "as_of": end, "was": month - DAY}
        if fresh := month >= months_back(months[-1], 1):
            then = customers if end == as_of else _histories_then(session, vendor_id, end)
            _predict(session, then, models)
        for statement in _SNAPSHOT if fresh else _PAST:
            session.execute(text(statement), known)
    session.execute(text(_WRITE), {"vendor": vendor_id, "as_of": as_of})
    session.execute(text(score_keeping.UNRANK.format(who=_IDLE)), {"vendor": vendor_id})
    score_models.keep(session, vendor_id, as_of, models)
    keep_reach(session, vendor_id=vendor_id, as_of=as_of)
    return models


def _end(month: date) -> date:
    return months_back(month, -1) - DAY


def _histories(session: Session, vendor_id: int, as_of: date) -> dict[str, Any]:
    """Purchases of a vendor's customers as the models want them, in weeks."""
    return _read(session, _HISTORIES, vendor_id, as_of)


def _histories_then(session: Session, vendor_id: int, day: date) -> dict[str, Any]:
    """The same as they stood at the end of a day that is over."""
    return _read(session, _HISTORIES_THEN, vendor_id, day)


_HISTORIES = """
  SELECT customer_id, days - 1 AS x, last_on - first_on AS t_x,
    greatest(:as_of - first_on, last_on - first_on) AS age,
    CAST(coalesce(repeat_value, 0) AS double precision) AS mean
  FROM customer_scores WHERE vendor_id = :vendor ORDER BY customer_id
"""
_HISTORIES_THEN = """
  SELECT s.customer_id, d.days - 1 AS x, d.last_on - s.first_on AS t_x, :as_of - s.first_on AS age,
    CAST(coalesce(d.mean, 0) AS double precision) AS mean
  FROM customer_scores s CROSS JOIN LATERAL (
    SELECT count(*) AS days, max(day) AS last_on,
      avg(amount) FILTER (WHERE day > s.first_on) AS mean
    FROM unnest(s.bought_on, s.bought_for) AS d(day, amount) WHERE day <= :as_of
  ) AS d
  WHERE s.vendor_id = :vendor AND s.first_on <= :as_of ORDER BY s.customer_id
"""


def _read(session: Session, histories: str, vendor_id: int, as_of: date) -> dict[str, Any]:
    rows = session.execute(text(histories), {"vendor": vendor_id, "as_of": as_of}).all()
    ids = [row.customer_id for row in rows]
    table = np.array([tuple(row)[1:] for row in rows], dtype=float).reshape(len(rows), 4)
    x, t_x, age, mean = table.T
    return {"ids": ids, "x": x, "t_x": t_x / 7, "age": age / 7, "mean": mean}


def _predict(session: Session, customers: Mapping[str, Any], models: Models) -> None:
    """What is expected of each customer, in a table that lives as long as the transaction."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.predicted"))
    session.execute(
        text(
            "CREATE TEMP TABLE predicted (customer_id bigint PRIMARY KEY, p_alive numeric,"
            " expected numeric, value numeric, variance numeric) ON COMMIT DROP"
        )
    )
    if models.purchases is None or models.spending is None or not customers["ids"]:
        return
    bought, spent = models.purchases, models.spending
    x, t_x, age, mean = (customers[name] for name in ("x", "t_x", "age", "mean"))
    draws = 64 if len(customers["ids"]) < 20_000 else 8
    alive = np.round(scores.p_alive(bought, x, t_x, age), 8)
    expected = np.minimum(scores.expected(bought, x, t_x, age, scores.YEAR_WEEKS), 1e9)
    value = np.minimum(scores.value(bought, spent, x, t_x, age, mean), MOST)
    variance = np.minimum(scores.spread(bought, spent, x, t_x, age, mean, draws=draws), 1e19)
    columns = [c.tolist() for c in (alive, np.round(expected, 4), np.round(value, 2),
                                    np.round(variance, 4))]  # fmt: skip
    for first in range(0, len(customers["ids"]), CHUNK):
        part = slice(first, first + CHUNK)
        session.execute(
            text(
                "INSERT INTO predicted SELECT * FROM unnest(CAST(:ids AS bigint[]),"
                " CAST(:a AS numeric[]), CAST(:b AS numeric[]), CAST(:c AS numeric[]),"
                " CAST(:d AS numeric[]))"
            ),
            {"ids": customers["ids"][part]}
            | {name: column[part] for name, column in zip("abcd", columns, strict=True)},
        )
    session.execute(text("ANALYZE predicted"))


_WRITE = """
  UPDATE customer_scores s SET as_of = k.as_of, recency_days = greatest(k.as_of - s.last_on, 0),
    r = k.r, f = k.f, m = k.m, segment = k.segment, p_alive = p.p_alive, expected_12m = p.expected,
    value_12m = p.value
  FROM (
    SELECT c.id AS customer_id, CAST(:as_of AS date) AS as_of, k.r, k.f, k.m, k.segment
    FROM customers c LEFT JOIN ranks k ON k.as_of = :as_of AND k.customer_id = c.id
    WHERE c.vendor_id = :vendor AND c.archived_at IS NULL AND c.anonymised_at IS NULL
  ) AS k LEFT JOIN predicted p ON p.customer_id = k.customer_id
  WHERE s.vendor_id = :vendor AND s.customer_id = k.customer_id
"""
_IDLE = (
    "SELECT c.id FROM customers c WHERE c.vendor_id = :vendor"
    " AND (c.archived_at IS NOT NULL OR c.anonymised_at IS NOT NULL)"
)

_KEY = "segment, channel, category_id"
_CLEAR = (
    "DELETE FROM score_figures WHERE vendor_id = :vendor AND month = :month",
    "DELETE FROM segment_moves WHERE vendor_id = :vendor AND month = :month",
)
_STOOD = f"""
  INSERT INTO score_figures (vendor_id, month, as_of, {_KEY}, customers, days, recency_days,
    revenue, valued, alive, expected_12m, value_12m, variance)
  SELECT :vendor, :month, :as_of, {_KEY}, count(*), sum(days), sum(k.as_of - last_on), sum(revenue),
    {{predicted}}
  FROM ranks k {{joined}} WHERE k.as_of = :as_of
  GROUP BY {_KEY} ORDER BY {_KEY}
"""
_MOVED = """
  INSERT INTO segment_moves (vendor_id, month, was, became, channel, category_id, customers)
  SELECT :vendor, :month, coalesce(b.segment, 'none'), k.segment, k.channel, k.category_id,
    count(*)
  FROM ranks k LEFT JOIN ranks b ON b.as_of = :was AND b.customer_id = k.customer_id
  WHERE k.as_of = :as_of GROUP BY 3, 4, 5, 6 ORDER BY 3, 4, 5, 6
"""
_SNAPSHOT = (
    *_CLEAR,
    _STOOD.format(
        predicted="count(p.value), coalesce(sum(p.p_alive), 0), coalesce(sum(p.expected), 0),"
        " coalesce(sum(p.value), 0), coalesce(sum(p.variance), 0)",
        joined="LEFT JOIN predicted p USING (customer_id)",
    ),
    _MOVED,
)
_PAST = (*_CLEAR, _STOOD.format(predicted="0, 0, 0, 0, 0", joined=""), _MOVED)


def _months(session: Session, vendor_id: int, as_of: date) -> list[date]:
    """Those of the last year that have not been ranked as they ended, and this month."""
    known = session.execute(
        text(
            "SELECT DISTINCT f.month, f.as_of, m.as_of AS night FROM score_figures f"
            " JOIN score_models m USING (vendor_id) WHERE vendor_id = :vendor"
        ),
        {"vendor": vendor_id},
    )
    ended = {
        row.month for row in known
        if row.as_of == _end(row.month) and row.night - row.as_of >= OVER_EVERYWHERE
    }  # fmt: skip
    this = as_of.replace(day=1)
    past = [months_back(this, n) for n in range(MONTHS_BACK, 0, -1)]
    return [*(month for month in past if month not in ended), this]


def _beside_the_night_before(
    session: Session, vendor_id: int, as_of: date, models: Models
) -> Models:
    """The models with their drift: before anything of the last night is written over."""
    known = {"vendor": vendor_id, "as_of": as_of}
    last = session.execute(
        text("SELECT * FROM score_models WHERE vendor_id = :vendor"), known
    ).one_or_none()
    groups: list[dict[str, int]] = [
        {row.segment: row.customers for row in session.execute(text(asked), known)}
        for asked in (_WERE, _ARE)
    ]
    return score_models.beside(models, last, as_of, ModelSource.OWN, *groups)


_WERE = """
  SELECT f.segment, CAST(sum(f.customers) AS bigint) AS customers FROM score_figures f
  JOIN score_models m USING (vendor_id)
  WHERE f.vendor_id = :vendor AND f.as_of = m.as_of GROUP BY 1
"""
_ARE = "SELECT segment, count(*) AS customers FROM ranks WHERE as_of = :as_of GROUP BY 1"


def keep_reach(session: Session, *, vendor_id: int, as_of: date) -> None:
    """Distinct customers of the offered periods; a row of nobody says that each was asked for."""
    known = {"vendor": vendor_id} | spans_known([(vendor_id, as_of)])
    session.execute(text("DELETE FROM reach_figures WHERE vendor_id = :vendor"), known)
    mine = "(SELECT * FROM customer_scores WHERE vendor_id = :vendor)"
    listed = ", ".join((*REACH_KEY, *REACHED))
    session.execute(
        text(
            f"WITH {score_keeping.SPANS} INSERT INTO reach_figures (vendor_id, as_of, {listed})"
            f" SELECT vendor_id, CAST(:day AS date), {listed} FROM ({reach_of(mine)}) AS r"
            " UNION ALL SELECT vendor_id, as_of, starts_on, ends_on, '', 0"
            f"{', 0' * len(REACHED)} FROM spans"
        ),
        {**known, "day": as_of},
    )
