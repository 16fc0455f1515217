"""A shop with a programme: what tests of points do at its till."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from app.operations import counter, loyalty, orders, points
from app.operations.benefits import Asked
from app.operations.counter import Buyer, Item, Paid
from app.operations.lines import DraftLine
from models.customers import Customer
from models.loyalty import LoyaltyProgram
from models.orders import LineKind, Order
from models.payments import Tender
from models.points import LoyaltyAccount, LoyaltyLot
from models.products import Variant
from tests import make

CASH = Tender.CASH


def bought(
    session: Session,
    customer: Customer,
    *prices: str,
    tender: Tender = CASH,
    rewards: Sequence[int] = (),
    fields: dict[str, Any] | None = None,
) -> Order:
    """A sale over the counter, a product for each price, paid and handed over."""
    lines = [
        Item(kind=LineKind.PRODUCT, item_id=make_variant(session, price, **(fields or {})).id)
        for price in prices
    ]
    return sell(session, customer, lines, tender=tender, rewards=rewards)


def make_variant(session: Session, price: str, **fields: Any) -> Variant:
    """A variant that is always there."""
    return make.variant(session, price=Decimal(price), tracks_stock=False, **fields)


def sell(
    session: Session,
    customer: Customer,
    lines: Sequence[Item],
    *,
    tender: Tender = CASH,
    rewards: Sequence[int] = (),
    owing: bool = False,
) -> Order:
    """The lines are sold to a customer and paid."""
    use = Asked(rewards=tuple(rewards))
    total = counter.quote(session, lines=lines, customer_id=customer.id, asked=use).total
    paid = [Paid(tender, total)] if total and not owing else []
    return counter.sell(
        session, request_key=uuid4(), lines=lines, buyer=Buyer(customer.id), paid=paid,
        asked=use, owing=owing,
    ).order  # fmt: skip


def drafted(
    session: Session, customer: Customer, variant: Variant, *rewards: int, **fields: Any
) -> Order:
    """A draft of one piece that asks for rewards."""
    line = DraftLine(kind=LineKind.PRODUCT, item_id=variant.id)
    return orders.save_draft(
        session, lines=[line], customer_id=customer.id, asked=Asked(rewards=rewards), **fields
    )


def account_of(session: Session, program: LoyaltyProgram, customer: Customer) -> LoyaltyAccount:
    """The customer's account as it stands."""
    return points.hold(session, program=program, customer_id=customer.id)


def left(session: Session, program: LoyaltyProgram, customer: Customer) -> int:
    """How many points can be spent."""
    return loyalty.balance(session, customer_id=customer.id, program_id=program.id)


def lots_of(session: Session, account: LoyaltyAccount) -> list[tuple[int, int]]:
    """Of each lot what is left, and what waits."""
    session.expire_all()
    found = session.query(LoyaltyLot).filter_by(account_id=account.id).order_by(LoyaltyLot.id)
    return [(lot.remaining, lot.pending) for lot in found]
