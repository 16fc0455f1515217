"""Every night: which customers are worth most, who is slipping away, and what is to be expected.

Ranks are quintiles over a vendor's customers with a purchase (neither archived nor forgotten):
recency by the last purchase, frequency by the days with one, money by all they brought; whoever is
equal is told apart by the other two, and at last by the number of the file, so that the same
customers always rank the same. The groups are read off R and the mean of F and M. Past months are
ranked as they ended, once that day is over on every clock, and stay so.
A vendor with too few customers borrows the models of the marketplace; with too few there, nothing
is predicted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations import score_drift, score_fitting, score_keeping, scores
from app.operations.score_drift import Drift
from app.operations.score_keeping import REACH_KEY, REACHED, reach_of, spans_known
from app.operations.score_spans import DAY, months_back
from models.scores import ModelSource, RfmSegment

FEWEST_RANKED = 10
"""So few customers make no quintiles worth the name."""
MONTHS_BACK = 12
OVER_EVERYWHERE = 2 * DAY
"""A night knows its day only as far as it has come, and begins while the day before goes on west of
Greenwich: the day is over everywhere for a night that is two days later."""
MOST = 9_999_999_999.0
CHUNK = 50_000
NOBODY: Mapping[str, int] = {}

S = RfmSegment
GRID: Mapping[int, tuple[RfmSegment, ...]] = {
    5: (S.NEW, S.POTENTIAL, S.POTENTIAL, S.CHAMPIONS, S.CHAMPIONS),
    4: (S.PROMISING, S.POTENTIAL, S.POTENTIAL, S.LOYAL, S.LOYAL),
    3: (S.SLEEPY, S.SLEEPY, S.ATTENTION, S.LOYAL, S.LOYAL),
    2: (S.HIBERNATING, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
    1: (S.LOST, S.HIBERNATING, S.AT_RISK, S.AT_RISK, S.CANT_LOSE),
}
"""The group of each recency, by the mean of frequency and money, halves rounded up: 1 to 5."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models in use, of whose customers they are, and how many those were."""

    source: ModelSource
    customers: int
    repeaters: int
    purchases: scores.Purchases | None = None
    spending: scores.Spending | None = None
    drift: Drift | None = None


# --- ranks ---------------------------------------------------------------------------------------


def _group() -> str:
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
  SELECT *, {_group()} AS segment FROM (SELECT *, (f + m + 1) / 2 AS fm FROM quintiles) AS q
"""


def _rank(session: Session, vendor_id: int, days: Sequence[date]) -> None:
    """The ranks of a vendor's customers as they stood at the end of each of these days."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.ranks"))
    session.execute(
        text(f"CREATE TEMP TABLE ranks ON COMMIT DROP AS {_RANKS}"),
        {"vendor": vendor_id, "days": sorted(set(days))},
    )
    session.execute(text("CREATE INDEX ON ranks (as_of, customer_id)"))
    session.execute(text("ANALYZE ranks"))


# --- a vendor's night ----------------------------------------------------------------------------


def settle(
    session: Session, *, vendor_id: int, as_of: date, market: Models | None = None
) -> Models:
    """Work out ranks, models and what follows for all customers of a vendor, as of a day.

    `market` are the marketplace's models, for those who have too few customers; which are used is
    answered, and how far all is from the night before.
    """
    score_keeping.hold(session, [vendor_id])
    customers = _histories(session, vendor_id, as_of)
    models = _models(customers, market)
    months = _months(session, vendor_id, as_of)
    ends = {month: min(_end(month), as_of) for month in months}
    _rank(session, vendor_id, [*ends.values(), *(month - DAY for month in months)])
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
    _keep_model(session, vendor_id, as_of, models)
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


def _models(customers: Mapping[str, Any], market: Models | None) -> Models:
    x, mean = customers["x"], customers["mean"]
    known, repeaters = len(x), int((x > 0).sum())
    if not scores.borrowed(known, int(((x > 0) & (mean > 0)).sum())):
        purchases = score_fitting.fit_purchases(
            score_fitting.tally(x, customers["t_x"], customers["age"])
        )
        spending = score_fitting.fit_spending(x, mean)
        return Models(ModelSource.OWN, known, repeaters, purchases, spending)
    if market is None or market.purchases is None:
        return Models(ModelSource.NONE, known, repeaters)
    return Models(ModelSource.MARKETPLACE, known, repeaters, market.purchases, market.spending)


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
    return _with_drift(models, last, as_of, ModelSource.OWN, *groups)


_WERE = """
  SELECT f.segment, CAST(sum(f.customers) AS bigint) AS customers FROM score_figures f
  JOIN score_models m USING (vendor_id)
  WHERE f.vendor_id = :vendor AND f.as_of = m.as_of GROUP BY 1
"""
_ARE = "SELECT segment, count(*) AS customers FROM ranks WHERE as_of = :as_of GROUP BY 1"


def _with_drift(
    models: Models,
    last: Any,
    as_of: date,
    own: ModelSource,
    before: Mapping[str, int] = NOBODY,
    now: Mapping[str, int] = NOBODY,
) -> Models:
    """Twice a night is once: then it is still compared with the night before."""
    if last is None:
        return models
    if last.as_of >= as_of:
        told = {
            name: None if (change := getattr(last, column)) is None else float(change)
            for name, column in _CHANGES.items()
        }
        kept = Drift(last.since, **told, is_sharp=last.is_sharp) if last.since else None
        return replace(models, drift=kept)
    then = score_drift.Night(last.as_of, last.customers, before)
    tonight = score_drift.Night(as_of, models.customers, now)
    if models.source is own and last.source == own:  # what is borrowed drifts elsewhere
        bought = scores.Purchases(
            r=float(last.r), alpha=float(last.alpha), a=float(last.a), b=float(last.b)
        )
        spent = scores.Spending(p=float(last.p), q=float(last.q), v=float(last.v))
        then = replace(then, purchases=bought, spending=spent)
        tonight = replace(tonight, purchases=models.purchases, spending=models.spending)
    return replace(models, drift=score_drift.between(then, tonight))


def _keep_model(session: Session, vendor_id: int, as_of: date, models: Models) -> None:
    values = {"vendor": vendor_id, **model_values(as_of, models)}
    names = [name for name in values if name != "vendor"]
    listed = ", ".join(names)
    session.execute(
        text(
            f"INSERT INTO score_models (vendor_id, {listed})"
            f" VALUES (:vendor, {', '.join(f':{name}' for name in names)})"
            f" ON CONFLICT (vendor_id) DO UPDATE SET ({listed}) ="
            f" ({', '.join(f'excluded.{name}' for name in names)})"
        ),
        values,
    )


def model_values(as_of: date, models: Models) -> dict[str, Any]:
    """The columns of a model, as the database keeps them."""
    parameters: dict[str, Any] = {}
    for fitted, names, likelihood in (
        (models.purchases, ("r", "alpha", "a", "b"), "log_likelihood"),
        (models.spending, ("p", "q", "v"), "money_log_likelihood"),
    ):
        parameters |= {n: fitted and scores.as_parameter(getattr(fitted, n)) for n in names}
        parameters[likelihood] = fitted and round(fitted.log_likelihood, 4)
    return {
        "as_of": as_of, "customers": models.customers, "repeaters": models.repeaters,
        "source": models.source.value, **parameters, **_drift_values(models.drift),
    }  # fmt: skip


def _drift_values(drift: Drift | None) -> dict[str, Any]:
    if drift is None:
        return {"since": None, "is_sharp": False} | dict.fromkeys(_CHANGES.values())
    told = {
        column: None if (change := getattr(drift, name)) is None else round(change, 6)
        for name, column in _CHANGES.items()
    }
    return {"since": drift.since, "is_sharp": drift.is_sharp, **told}


_CHANGES = {
    "groups": "groups_moved", "people": "people_change", "buying": "buying_change",
    "spending": "spending_change",
}  # fmt: skip


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


# --- the marketplace -----------------------------------------------------------------------------


def settle_market(session: Session, *, as_of: date) -> Models:
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
    last = session.execute(text("SELECT * FROM market_models LIMIT 1")).one_or_none()
    models = _with_drift(models, last, as_of, ModelSource.MARKETPLACE)
    values = model_values(as_of, models)
    session.execute(text("DELETE FROM market_models"))
    session.execute(
        text(
            f"INSERT INTO market_models ({', '.join(values)})"
            f" VALUES ({', '.join(f':{name}' for name in values)})"
        ),
        values,
    )
    return models


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


def gather_market(session: Session, *, as_of: date) -> None:
    """Put the cohorts and distinct customers of the marketplace together from those of vendors.

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
