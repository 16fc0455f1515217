"""Sales to nobody that is known: given to a customer once it is known who it was."""

from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations import coupons, covers, interests
from app.operations.customers import still_here
from app.operations.moves import locked
from models.orders import Order, OrderStatus

SOLD = (OrderStatus.PLACED, OrderStatus.FULFILLED, OrderStatus.COMPLETED)
COUNTS = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)


class IsSomebodys(DomainError):
    sentence = "This sale is {who}'s already: it can be given to somebody only once."
    field = "customer_id"


class NotSold(DomainError):
    sentence = "This order is {status}: only what was sold is given to a customer."


class NotHere(DomainError):
    sentence = "This customer is not here any more: choose one from the list."
    field = "customer_id"


def give_to(session: Session, *, order_id: int, customer_id: int) -> Order:
    """Say whose an anonymous sale was: their numbers and interests count it, covers are theirs."""
    order = locked(session, Order, order_id)
    if order.customer is not None:
        raise IsSomebodys(who=order.customer.name)
    if order.status not in SOLD:
        raise NotSold(status="a draft" if order.status == OrderStatus.DRAFT else order.status)
    customer = still_here(session, customer_id)
    if customer is None or customer.vendor_id != order.vendor_id:
        raise NotHere
    order.customer = customer
    session.flush()  # what the numbers are worked out from
    covers.follow(session, order_id=order.id)
    coupons.follow(session, order)
    if order.status in COUNTS:
        interests.rebuild(session, customer_ids=[customer.id])
    return order
