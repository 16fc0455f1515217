"""Money, uses and points: triggers add them up beside their ledgers; here it is proved."""

from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from app.operations import package_uses
from app.operations.places import Misplaced
from app.operations.truth import (
    true_credit,
    true_line_refunds,
    true_lots,
    true_order_money,
    true_payment_refunds,
    true_points,
    true_uses,
)
from models.customers import Customer
from models.orders import Order, OrderLine
from models.packages import PackageHolding
from models.payments import Payment
from models.points import LoyaltyAccount, LoyaltyLot

_KEPT: tuple[tuple[str, Any, Any, tuple[str, ...]], ...] = (
    ("payment", Payment, true_payment_refunds, ("refunded",)),
    ("order", Order, true_order_money, ("paid", "refunded")),
    ("order line", OrderLine, true_line_refunds, ("refunded",)),
    ("customer", Customer, true_credit, ("store_credit",)),
    ("package in hand", PackageHolding, true_uses, package_uses.COUNTED),
    ("account of points", LoyaltyAccount, true_points, ("points", "pending")),
    ("lot of points", LoyaltyLot, true_lots, ("remaining", "pending", "spend")),
)
"""Noun, model, the true numbers by id, and the columns that keep them."""


def drift(session: Session, *, limit: int = 1000) -> list[Misplaced]:
    """Every sum of money, uses or points that differs from its ledger, `limit` rows of a noun.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # what is not yet written would look like drift
    return [one for kept in _KEPT for one in _differing(session, *kept, limit)]


def _differing(
    session: Session, noun: str, model: Any, truth: Any, names: tuple[str, ...], limit: int
) -> list[Misplaced]:
    rows: Select[Any] = truth()
    true = rows.subquery("truth")
    pairs = [(getattr(model, name), true.c[name]) for name in names]
    query = (
        select(model.id, *(kept for kept, _ in pairs), *(told for _, told in pairs))
        .join(true, true.c.id == model.id)
        .where(or_(*(kept.is_distinct_from(told) for kept, told in pairs)))
        .order_by(model.id)
        .limit(limit)
    )
    return [
        Misplaced(noun, row[0], name, row[1 + i], row[1 + len(names) + i])
        for row in session.execute(query)
        for i, name in enumerate(names)
        if row[1 + i] != row[1 + len(names) + i]
    ]
