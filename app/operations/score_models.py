"""The models in use: whose customers they were fitted to, how they are kept, how far they moved.

A vendor with too few customers borrows the models of the marketplace; with too few there, nothing
is predicted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.operations import score_drift, score_fitting, scores
from app.operations.score_drift import Drift
from models.scores import ModelSource

NOBODY: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Models:
    """The models in use, of whose customers they are, and how many those were."""

    source: ModelSource
    customers: int
    repeaters: int
    purchases: scores.Purchases | None = None
    spending: scores.Spending | None = None
    drift: Drift | None = None


def fitted(customers: Mapping[str, Any], market: Models | None) -> Models:
    """The models of these customers (`x`, `t_x`, `age`, `mean`), or what they borrow."""
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


def beside(
    models: Models,
    last: Any,
    as_of: date,
    own: ModelSource,
    before: Mapping[str, int] = NOBODY,
    now: Mapping[str, int] = NOBODY,
) -> Models:
    """The models with their drift against `last`, the row that a night has kept.

    Twice a night is once: then it is still compared with the night before.
    """
    if last is None:
        return models
    if last.as_of >= as_of:
        told = {
            name: None if (change := getattr(last, column)) is None else float(change)
            for name, column in _CHANGES.items()
        }
        same = Drift(last.since, **told, is_sharp=last.is_sharp) if last.since else None
        return replace(models, drift=same)
    then = score_drift.Night(last.as_of, last.customers, before)
    tonight = score_drift.Night(as_of, models.customers, now)
    if models.source is own and last.source == own:  # what is borrowed drifts elsewhere
        was = kept(last)
        then = replace(then, purchases=was.purchases, spending=was.spending)
        tonight = replace(tonight, purchases=models.purchases, spending=models.spending)
    return replace(models, drift=score_drift.between(then, tonight))


def kept(row: Any) -> Models:
    """The models of a row that a night has kept."""
    source, purchases, spending = ModelSource(row.source), None, None
    if source is not ModelSource.NONE:
        purchases = scores.Purchases(
            r=float(row.r), alpha=float(row.alpha), a=float(row.a), b=float(row.b),
            log_likelihood=float(row.log_likelihood), customers=row.customers,
        )  # fmt: skip
        spending = scores.Spending(
            p=float(row.p), q=float(row.q), v=float(row.v),
            log_likelihood=float(row.money_log_likelihood), customers=row.repeaters,
        )  # fmt: skip
    return Models(source, row.customers, row.repeaters, purchases, spending)


def keep(session: Session, vendor_id: int, as_of: date, models: Models) -> None:
    """Write a vendor's models down, over those of the night before."""
    values = {"vendor": vendor_id, **values_of(as_of, models)}
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


def values_of(as_of: date, models: Models) -> dict[str, Any]:
    """The columns of a model, as the database keeps them."""
    parameters: dict[str, Any] = {}
    for model, names, likelihood in (
        (models.purchases, ("r", "alpha", "a", "b"), "log_likelihood"),
        (models.spending, ("p", "q", "v"), "money_log_likelihood"),
    ):
        parameters |= {n: model and scores.as_parameter(getattr(model, n)) for n in names}
        parameters[likelihood] = model and round(model.log_likelihood, 4)
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
