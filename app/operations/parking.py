"""Sales that are put aside at the counter, for any till to take up again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import counter, orders
from app.operations.benefits import NOTHING_ASKED, Asked
from app.operations.counter import Buyer, Item, Off
from app.operations.moves import locked
from models.orders import Order, OrderStatus


class NothingToPark(DomainError):
    sentence = "There is nothing to put aside yet: add an item first."
    field = "lines"


class SoldMeanwhile(DomainError):
    sentence = "{order} was sold meanwhile: begin a new sale."


class TakenMeanwhile(DomainError):
    sentence = "Somebody has taken this sale up meanwhile: choose another one."


def park(
    session: Session,
    *,
    request_key: UUID,
    lines: Sequence[Item],
    buyer: Buyer | None = None,
    off: Off | None = None,
    asked: Asked = NOTHING_ASKED,
) -> Order:
    """Put a sale aside as it is; nothing is promised and nothing is paid by it.

    What is limited and was `asked` for is held for it as for every draft.

    Refuses `NothingToPark`, and `SoldMeanwhile` when the sale of this key is done.
    """
    if not lines:
        raise NothingToPark
    before = orders.known(session, request_key)
    if before is not None and before.status != OrderStatus.DRAFT:
        raise SoldMeanwhile(order=str(before))
    order = counter.written(session, request_key, lines, buyer, off, asked)
    order.parked_at = clock.now()
    session.flush()  # every till sees it from now on
    return order


def take_up(session: Session, *, order_id: int) -> Order:
    """Go on with a sale that was put aside; of two who ask one gets it: `TakenMeanwhile`."""
    order = locked(session, Order, order_id)
    if order.parked_at is None or order.request_key is None:
        raise TakenMeanwhile
    order.parked_at = None
    session.flush()  # nobody else gets it
    return order


def discard(session: Session, *, request_key: UUID) -> Order | None:
    """Give up a sale that was put aside before; what was sold meanwhile stands as it is."""
    order = orders.known(session, request_key)
    if order is None or order.status != OrderStatus.DRAFT:
        return order
    return orders.cancel(session, order_id=order.id, reason="Given up at the counter")


def waiting(session: Session, *, most: int = 50) -> Sequence[Order]:
    """What is put aside, the longest first."""
    parked = select(Order).where(Order.parked_at.is_not(None))
    return session.scalars(parked.order_by(Order.parked_at, Order.id).limit(most)).all()
