"""Payments: money taken for an order at the desk, or asked for at a gateway, and what is due.

Whoever writes money of an order holds the order first: the second of two sees what the first did.
"""

from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError
from app.operations import benefits, credit, memberships, settling
from app.operations.customers import clean
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.operations.prices import amount as money
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.payments import Payment, PaymentState, Refund, Tender

AUTHORISE = "tasks.payments.authorise"
CAPTURE = "tasks.payments.capture"
FINISH = "tasks.memberships.finish"
TAKEN = (
    Tender.CASH, Tender.CARD, Tender.BANK_TRANSFER, Tender.MOBILE_MONEY, Tender.STORE_CREDIT,
)  # fmt: skip
"""What the desk takes itself; a gateway is asked, and what was paid elsewhere is imported."""

COUNTED = ("paid", "refunded")
LONGEST_REFERENCE = 200


class NotPayable(DomainError):
    sentence = "This order is {status}, so nothing can be paid for it: place it first."


class NothingDue(DomainError):
    sentence = "Nothing is due for this order any more: reload the page."
    field = "amount"


class NotATender(DomainError):
    sentence = "This is nothing to pay with here: choose cash, card or another one of the list."
    field = "tender"


class NotTheAmount(DomainError):
    sentence = "Write an amount of more than nothing."
    field = "amount"


class NotEnoughTendered(DomainError):
    sentence = "Only {tendered:,.2f} was handed over for {amount:,.2f}: take less, or ask for more."
    field = "tendered"


class NeedsReference(DomainError):
    sentence = "Write the code that the mobile network gave for this payment."
    field = "reference"


class SentBefore(DomainError):
    sentence = "This form was sent before for another order: reload the page and begin again."


for _table in ("payments", "refunds"):
    REFUSALS[f"uq_{_table}_vendor_id_request_key"] = SentBefore


def due(order: Order) -> Decimal:
    """What is still to be paid; below zero where more was paid than the order costs.

    What was given back for a line is not asked for again; what was given back for none, such as a
    payment taken by mistake, is.
    """
    forgone = sum((line.refunded for line in order.lines), Decimal("0.00"))
    return order.total - forgone - (order.paid - order.refunded)


def change_of(payment: Payment) -> Decimal:
    """What the customer got back of the cash they handed over."""
    handed = payment.amount if payment.tendered is None else payment.tendered
    return handed - payment.amount


def charge(
    session: Session,
    *,
    order_id: int,
    tender: Tender,
    amount: Decimal | None = None,
    tendered: Decimal | None = None,
    reference: str | None = None,
    request_key: UUID | None = None,
) -> Payment:
    """Take money for an order; without `amount` all that is due, or what was `tendered` of it.

    Cash is never more than is due: the rest is change. Store credit is never more than is due or
    than there is. Other money may be more; the order is overpaid then, and says so. The same
    `request_key` again is the same payment. Raises `NothingDue`, `NotPayable`, `NotTheAmount`,
    `NotEnoughTendered`, `NeedsReference`, `credit.NotEnoughCredit`, `credit.NobodysCredit`.
    """
    order = held(session, order_id)
    if (known := sent_before(session, Payment, order, request_key)) is not None:
        return known
    tender = _tender(tender)
    check_payable(order)
    given = None if tendered is None else money(tendered, field="tendered")
    payment = Payment(
        vendor_id=order.vendor_id, order_id=order.id, tender=tender, status=PaymentState.CAPTURED,
        amount=_asked(session, order, tender, amount, given),
        tendered=given, reference=_reference(tender, reference), request_key=request_key,
        captured_at=clock.now(),
    )  # fmt: skip
    if given is not None and given < payment.amount:
        raise NotEnoughTendered(tendered=given, amount=payment.amount)
    session.add(payment)
    session.flush()  # the id, and the database counts it into the order
    if tender is Tender.STORE_CREDIT:
        credit.spend(session, customer_id=order.customer_id, payment=payment)
    session.refresh(order, COUNTED)
    if order.refunded:  # it may have been paid anew
        settling.recount(session, order)
    elif order.fulfilled_at is not None:
        benefits.given_back(session, order)  # what it earned hangs on what it was paid with
    came_in(session, order)
    return payment


def ask(
    session: Session,
    *,
    order_id: int,
    gateway: str,
    amount: Decimal | None = None,
    request_key: UUID | None = None,
) -> Payment:
    """Ask a gateway for money, all that is due without `amount`; it counts once captured.

    The gateway hears of it after this transaction; the same `request_key` again asks nothing new.
    """
    order = held(session, order_id)
    if (known := sent_before(session, Payment, order, request_key)) is not None:
        return known
    check_payable(order)
    payment = Payment(
        vendor_id=order.vendor_id, order_id=order.id, tender=Tender.GATEWAY, gateway=gateway,
        amount=_asked(session, order, Tender.GATEWAY, amount, None), request_key=request_key,
    )  # fmt: skip
    session.add(payment)
    session.flush()  # the id, which the gateway is told
    enqueue(session, AUTHORISE, vendor_id=order.vendor_id, payment_id=payment.id)
    return payment


def came_in(session: Session, order: Order) -> None:
    """Money came in for an order that is held: memberships that it sells go on once it is paid.

    An order of nothing else is completed soon after, for nothing is left to do for it.
    """
    kinds = {line.kind for line in order.lines}
    if LineKind.MEMBERSHIP not in kinds or due(order) > 0:
        return
    memberships.paid(session, vendor_id=order.vendor_id, order_id=order.id)
    if kinds == {LineKind.MEMBERSHIP} and order.status == OrderStatus.PLACED:
        enqueue(session, FINISH, vendor_id=order.vendor_id, order_id=order.id)


# --- shared by whoever writes money -------------------------------------------------------------

Row = TypeVar("Row", Payment, Refund)


def held(session: Session, order_id: int) -> Order:
    """The order and its lines as they stand now; nobody else writes its money until this ends."""
    session.flush()  # what is read again below
    order = locked(session, Order, order_id)
    read_lines(session, order)
    return order


def read_lines(session: Session, order: Order) -> None:
    """Read the lines of an order again: the database counts what was given back for each."""
    lines = select(OrderLine).where(
        OrderLine.vendor_id == order.vendor_id, OrderLine.order_id == order.id
    )
    session.scalars(lines.execution_options(populate_existing=True)).all()


def sent_before(
    session: Session, model: type[Row], order: Order, request_key: UUID | None
) -> Row | None:
    """What the same form made when it was sent before."""
    if request_key is None:
        return None
    known = session.scalars(
        select(model).where(model.vendor_id == order.vendor_id, model.request_key == request_key)
    ).first()
    if known is not None and known.order_id != order.id:
        raise SentBefore
    return known


def check_payable(order: Order) -> None:
    """Refuse an order that is not binding, or is none any more."""
    if order.status in (OrderStatus.DRAFT, OrderStatus.CANCELLED):
        raise NotPayable(status="a draft" if order.status == OrderStatus.DRAFT else order.status)


def _tender(word: str) -> Tender:
    tender = next((t for t in TAKEN if t == word), None)
    if tender is None:
        raise NotATender
    return tender


def _asked(
    session: Session,
    order: Order,
    tender: Tender,
    amount: Decimal | None,
    tendered: Decimal | None,
) -> Decimal:
    """How much is taken: what was typed, else what is due."""
    if tendered is not None and tender is not Tender.CASH:
        raise NotTheAmount("Only cash has change: leave what was handed over empty.")
    owed = due(order)
    if amount is None:
        asked = min(owed, *_at_most(session, order, tender, tendered))
    else:
        asked = money(amount, field="amount")
        if tender in (Tender.CASH, Tender.STORE_CREDIT) and 0 < owed < asked:
            raise NotTheAmount(f"Only {owed:,.2f} is due: take that, and give change.")
    if owed <= 0 and (amount is None or tender in (Tender.CASH, Tender.STORE_CREDIT)):
        raise NothingDue
    if asked <= 0:
        raise NotTheAmount
    return asked


def _at_most(
    session: Session, order: Order, tender: Tender, tendered: Decimal | None
) -> tuple[Decimal, ...]:
    if tender is Tender.STORE_CREDIT:
        return (due(order), credit.left(session, customer_id=order.customer_id))
    return (due(order),) if tendered is None else (tendered,)


def _reference(tender: Tender, typed: str | None) -> str | None:
    reference = clean(typed, "reference", longest=LONGEST_REFERENCE)
    if reference is None and tender is Tender.MOBILE_MONEY:
        raise NeedsReference
    return reference
