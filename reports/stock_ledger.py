"""The stock ledger of a variant: what came, went and was promised, the latest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.orm import Session

from models.orders import Order, OrderLine
from models.products import Variant
from models.returns import ProductReturn, ReturnLine
from models.stock import StockMove
from models.users import User

ROWS = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A move, how many pieces were on hand after it, and what it was for.

    `user` is None for somebody whom the reader cannot see.
    """

    id: int
    at: datetime
    kind: str
    on_hand: int
    reserved: int
    after: int
    reason: str | None
    user_id: int
    user: str | None
    order_id: int | None
    order_number: int | None
    return_number: int | None
    booking_id: int | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A page of it; `earlier` is the move that the next page is before, if there is one."""

    lines: list[Line]
    earlier: int | None


def page(
    session: Session, variant: Variant, *, before: int | None = None, most: int = ROWS
) -> Ledger:
    """The moves of a variant, the latest first, from before the move `before` on."""
    start = _start(session, variant, before)
    query = _moves(variant).limit(most + 1)
    if start is not None:
        query = query.where(tuple_(StockMove.at, StockMove.id) < start)
    rows = session.execute(query).all()
    after = variant.on_hand - _later(session, variant, start)
    lines = []
    for row in rows[:most]:
        lines.append(Line(after=after, **row._mapping))
        after -= row.on_hand
    return Ledger(lines, lines[-1].id if len(rows) > most else None)


def _start(session: Session, variant: Variant, before: int | None) -> tuple[datetime, int] | None:
    """Where a page begins; a move of another variant is none."""
    found = session.get(StockMove, before) if before is not None else None
    return (found.at, found.id) if found and found.variant_id == variant.id else None


def _of(variant: Variant) -> ColumnElement[bool]:
    return and_(StockMove.vendor_id == variant.vendor_id, StockMove.variant_id == variant.id)


def _later(session: Session, variant: Variant, start: tuple[datetime, int] | None) -> int:
    """What the moves after the page come to."""
    if start is None:
        return 0
    later = select(func.coalesce(func.sum(StockMove.on_hand), 0)).where(
        _of(variant), tuple_(StockMove.at, StockMove.id) >= start
    )
    return int(session.scalars(later).one())


def _moves(variant: Variant) -> Any:
    line_id = func.coalesce(StockMove.order_line_id, ReturnLine.order_line_id)
    mine = StockMove.vendor_id
    return (
        select(
            StockMove.id, StockMove.at, StockMove.kind, StockMove.on_hand, StockMove.reserved,
            StockMove.reason, StockMove.user_id, User.name.label("user"),
            Order.id.label("order_id"), Order.number.label("order_number"),
            ProductReturn.number.label("return_number"), StockMove.booking_id,
        )
        .outerjoin(User, User.id == StockMove.user_id)
        .outerjoin(
            ReturnLine,
            and_(ReturnLine.vendor_id == mine, ReturnLine.id == StockMove.return_line_id),
        )
        .outerjoin(
            ProductReturn,
            and_(ProductReturn.vendor_id == mine, ProductReturn.id == ReturnLine.return_id),
        )
        .outerjoin(OrderLine, and_(OrderLine.vendor_id == mine, OrderLine.id == line_id))
        .outerjoin(Order, and_(Order.vendor_id == mine, Order.id == OrderLine.order_id))
        .where(_of(variant))
        .order_by(StockMove.at.desc(), StockMove.id.desc())
    )  # fmt: skip
