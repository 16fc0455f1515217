"""Figures and scores as they are kept."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.audiences import ANY_CATEGORY, ANY_CHANNEL, ByFirst
from models.customers import Customer
from models.figures import StaleDay
from models.pairs import ItemPair
from models.scores import (
    CohortFigure,
    CustomerMonth,
    CustomerScore,
    ReachFigure,
    ScoreFigure,
    ScoreModel,
    SegmentMove,
)
from tests.make.customers import somebody
from tests.make.rows import NOON, T, number, of_vendor, saved


def figures(session: Session, model: type[T], *, vendor_id: int, **fields: Any) -> T:
    """A row of figures of 20 November 2026; sums that are not named are nothing."""
    columns = model.__table__.c.keys()
    values: dict[str, Any] = dict.fromkeys(columns, 0) | {
        "vendor_id": vendor_id, "grain": "day", "starts_on": date(2026, 11, 20),
        "kind": "appointment" if "service_id" in columns else "product", "channel": "walk_in",
        "weekday": 5, "sort": "kind", "span": 1, "vendors": 1, "way": "email",
        "purpose": "marketing", "event": "",
    }  # fmt: skip
    if issubclass(model, ByFirst):
        values |= {"channel": ANY_CHANNEL, "category_id": ANY_CATEGORY}
    return saved(session, model(**{name: values[name] for name in columns} | fields))


def stale_day(session: Session, **fields: Any) -> StaleDay:
    return saved(session, StaleDay(**{"day": date(2026, 11, 20)} | fields))


def item_pair(session: Session, **fields: Any) -> ItemPair:
    values = {
        "kind": "appointment", "item_id": number(), "next_kind": "product", "next_id": number(),
        "customers": 50, "together": 20, "share": Decimal("0.4"), "usual": Decimal("0.1"),
        "lift": Decimal(4), "as_of": NOON,
    }  # fmt: skip
    return saved(session, ItemPair(**values | fields))


def customer_month(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerMonth:
    customer = customer or somebody(session, fields)
    values = {"month": date(2026, 11, 1), "visits": 1, "days": 1} | of_vendor(fields, customer)
    return saved(session, CustomerMonth(customer_id=customer.id, **values))


def score(session: Session, *, customer: Customer | None = None, **fields: Any) -> CustomerScore:
    """A customer's purchases; figures that follow from them are those of two days."""
    customer = customer or somebody(session, fields)
    days = fields.get("bought_on", [date(2026, 8, 20), date(2026, 11, 18)])
    money = fields.get("bought_for", [Decimal("40.00")] * len(days))
    values = {
        "bought_on": days, "bought_for": money, "days": len(days), "visits": len(days),
        "orders": 0, "first_on": days[0], "last_on": days[-1],
        "second_on": days[1] if len(days) > 1 else None, "revenue": sum(money),
        "repeat_value": sum(money[1:]) / (len(days) - 1) if len(days) > 1 else None,
        "first_channel": "walk_in",
    } | of_vendor(fields, customer)  # fmt: skip
    return saved(session, CustomerScore(customer_id=customer.id, **values))


def cohort_figure(session: Session, **fields: Any) -> CohortFigure:
    month = date(2026, 11, 1)
    values = {
        "grain": "month", "cohort": month, "age": 0, "starts_on": month, "channel": "walk_in",
        "category_id": number(), "customers": 1, "revenue": Decimal("40.00"),
    } | fields  # fmt: skip
    return saved(session, CohortFigure(**values))


def score_figure(session: Session, **fields: Any) -> ScoreFigure:
    values = {
        "month": date(2026, 11, 1), "as_of": date(2026, 11, 20), "segment": "loyal",
        "channel": "walk_in", "category_id": number(), "customers": 1, "days": 2,
        "recency_days": 2, "revenue": Decimal("80.00"),
    } | fields  # fmt: skip
    return saved(session, ScoreFigure(**values))


def segment_move(session: Session, **fields: Any) -> SegmentMove:
    values = {
        "month": date(2026, 11, 1), "was": "new", "became": "loyal", "channel": "walk_in",
        "category_id": number(), "customers": 1,
    } | fields  # fmt: skip
    return saved(session, SegmentMove(**values))


def reach_figure(session: Session, **fields: Any) -> ReachFigure:
    values = {
        "starts_on": date(2026, 11, 1), "ends_on": date(2026, 11, 20),
        "as_of": date(2026, 11, 20), "channel": "walk_in", "category_id": number(), "customers": 1,
    } | fields  # fmt: skip
    return saved(session, ReachFigure(**values))


def score_model(session: Session, **fields: Any) -> ScoreModel:
    return saved(session, ScoreModel(**{"as_of": date(2026, 11, 20), "customers": 1} | fields))
