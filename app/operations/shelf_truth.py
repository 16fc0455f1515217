"""Stock: the database counts it from its moves, and here it is proved that it does."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.operations.places import Misplaced
from models.orders import Order, OrderLine, OrderStatus
from models.products import Variant
from models.stock import StockMove

OPEN = (OrderStatus.PLACED, OrderStatus.FULFILLED)


def drift(session: Session, *, limit: int = 1000) -> list[Misplaced]:
    """Every variant whose numbers are not the sums of its moves, and line promised what it is not
    owed; at most `limit` of each.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # what is not yet written would look like drift
    return [*_variants(session, limit), *_lines(session, limit)]


def _variants(session: Session, limit: int) -> list[Misplaced]:
    names = ("on_hand", "reserved")
    sums = _sums(StockMove.variant_id)
    kept = [getattr(Variant, name) for name in names]
    true = [func.coalesce(sums.c[name], 0) for name in names]
    query = (
        select(Variant.id, *kept, *true)
        .outerjoin(
            sums, and_(sums.c.vendor_id == Variant.vendor_id, sums.c.variant_id == Variant.id)
        )
        .where(or_(*(k != t for k, t in zip(kept, true, strict=True))))
        .order_by(Variant.id)
        .limit(limit)
    )
    return [
        Misplaced("variant", row[0], name, row[1 + i], int(row[3 + i]))
        for row in session.execute(query)
        for i, name in enumerate(names)
        if row[1 + i] != row[3 + i]
    ]


def _lines(session: Session, limit: int) -> list[Misplaced]:
    """A line is promised what was not handed over yet, if its stock was counted when it was placed;
    a line of an order that is not open is promised nothing."""
    sums = _sums(StockMove.order_line_id)
    owed = case(
        (Order.status.in_(OPEN), OrderLine.quantity - OrderLine.handed_over), else_=0
    )  # fmt: skip
    query = (
        select(OrderLine.id, sums.c.reserved, owed)
        .join(
            sums,
            and_(sums.c.vendor_id == OrderLine.vendor_id, sums.c.order_line_id == OrderLine.id),
        )
        .join(Order, and_(Order.vendor_id == OrderLine.vendor_id, Order.id == OrderLine.order_id))
        .where(_wrong(sums.c.reserved, owed))
        .order_by(OrderLine.id)
        .limit(limit)
    )
    return [
        Misplaced("order line", row[0], "promised", int(row[1]), row[2])
        for row in session.execute(query)
    ]


def _wrong(promised: Any, owed: Any) -> ColumnElement[bool]:
    return and_(promised != owed, promised != 0)


def _sums(key: Any) -> Any:
    query: Select[Any] = select(
        StockMove.vendor_id,
        key,
        func.sum(StockMove.on_hand).label("on_hand"),
        func.sum(StockMove.reserved).label("reserved"),
    ).where(key.is_not(None))
    return query.group_by(StockMove.vendor_id, key).subquery()
