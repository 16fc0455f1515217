"""The counter: a whole sale in one transaction, or nothing of it; what it costs is said here.

Placed, paid, handed over and delivered, completed, its receipt issued. The till that asks is
believed in what and how many, never in a price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import (
    invoices,
    items,
    orders,
    outcomes,
    payments,
    prices,
    receipts,
    taxes,
    walk_ins,
)
from app.operations.benefits import NOTHING_ASKED, Asked, Rung
from app.operations.invoices import Press
from app.operations.items import ITEMS
from app.operations.lines import DraftLine, LineRefused, set_lines
from app.operations.moves import locked
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.invoices import Invoice, InvoiceKind
from models.orders import Handing, LineKind, Order, OrderLine, OrderStatus
from models.payments import Payment, PaymentState, Tender
from models.words import Channel

NOTHING = prices.NOTHING
HUNDRED = Decimal(100)
ITS_OWN_PRICE = (LineKind.FEE, LineKind.TIP)
"""What is no item of the catalogue: the till says what it costs."""


class NeedsWhy(DomainError):
    sentence = "A discount needs its reason: write why it is cheaper."


class NoSuchPercent(DomainError):
    sentence = "This is no part of a price: write a percentage from 0 to 100."


class PaidTooMuch(DomainError):
    sentence = "Only {left:,.2f} is left to pay: take that, for only cash has change."


class NothingLeftToPay(DomainError):
    sentence = "Nothing is left to pay: remove this payment."


class NotPaid(DomainError):
    sentence = "{left:,.2f} is still to be paid: take it, or choose the customer who owes it."
    field = "payments"


class StaysDue(DomainError):
    sentence = "{left:,.2f} is still to be paid: take it, or say that it stays due."
    field = "payments"


@dataclass(frozen=True, slots=True)
class Off:
    """What is taken off, and why: an amount, or a percentage of what it costs."""

    amount: Decimal = NOTHING
    percent: Decimal | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A line as the till has it; fees and tips have a name and an `amount`, nothing else has."""

    kind: LineKind
    item_id: int | None = None
    quantity: int = 1
    amount: Decimal | None = None
    name: str | None = None
    off: Off = Off()
    booking_id: int | None = None
    staff_id: int | None = None
    holding_id: int | None = None
    membership_id: int | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys: known by id, else by a phone number or a name, else nobody that is known."""

    customer_id: int | None = None
    name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """What is paid with; of cash what was handed over, its change included."""

    tender: Tender
    amount: Decimal
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What was sold: change to give back, what stays due, and the receipt if all was paid."""

    order: Order
    receipt: Invoice | None
    change: Decimal
    due: Decimal


def quote(
    session: Session,
    *,
    lines: Sequence[Item],
    off: Off | None = None,
    customer_id: int | None = None,
    asked: Asked = NOTHING_ASKED,
) -> Order:
    """What a sale would cost now, with its taxes: an order that is written down nowhere."""
    order = orders.blank(session, customer_id)
    with items.at_hand(session, ((line.kind, line.item_id) for line in lines)):
        drafts, discount = drafted(session, lines, off, customer_id, asked)
        set_lines(session, order, drafts, discount=discount.amount, why=discount.why, asked=asked)
        taxes.put_on(session, order)
    return order


def sell(
    session: Session,
    *,
    request_key: UUID,
    lines: Sequence[Item],
    buyer: Buyer | None = None,
    paid: Sequence[Paid] = (),
    off: Off | None = None,
    owing: bool = False,
    press: Press | None = None,
    mail_to: str | None = None,
    asked: Asked = NOTHING_ASKED,
) -> Sale:
    """Sell over the counter: everything is done, or nothing is.

    The same `request_key` again is the same sale, however it looks by then; a parked one of that
    key is what is sold. A known customer may owe the rest, if `owing` says so: `StaysDue`; who is
    not known may not: `NotPaid`. Only cash may be more than is due. Bookings that have begun are
    completed with it, those still to come are paid in advance. With a `press` a receipt is issued
    once all is paid; with `mail_to` it is mailed there, empty: to the customer's own address.
    """
    order = orders.known(session, request_key)
    if order is not None and order.status != OrderStatus.DRAFT:
        return told(session, order)
    order = written(session, request_key, lines, buyer, off, asked)
    orders.place(session, order_id=order.id)
    to_come = _end_bookings(session, order)
    left = _take(session, order, paid)
    if left > 0 and order.customer_id is None:
        raise NotPaid(left=left)
    if left > 0 and not owing:
        raise StaysDue(left=left)
    finish = orders.fulfil if left > 0 or to_come else orders.complete
    finish(session, order_id=order.id)
    session.flush()  # what a receipt is read from
    if press is not None and left == 0:
        invoices.issue(session, order_id=order.id, kind=InvoiceKind.RECEIPT, press=press)
        if mail_to is not None:
            receipts.send(session, order_id=order.id, to=mail_to)
    return told(session, order)


def told(session: Session, order: Order) -> Sale:
    """A sale as it stands."""
    captured = select(Payment).where(
        Payment.vendor_id == order.vendor_id, Payment.order_id == order.id,
        Payment.status == PaymentState.CAPTURED,
    )  # fmt: skip
    change = sum((payments.change_of(one) for one in session.scalars(captured)), NOTHING)
    issued = [i for i in invoices.of_order(session, order) if i.kind == InvoiceKind.RECEIPT]
    due = max(payments.due(order), NOTHING)
    if order.status == OrderStatus.CANCELLED:
        due = NOTHING
    return Sale(order, issued[0] if issued else None, change, due)


# --- for what is put aside, too ----------------------------------------------------------------


def written(
    session: Session,
    request_key: UUID,
    lines: Sequence[Item],
    buyer: Buyer | None,
    off: Off | None,
    asked: Asked = NOTHING_ASKED,
) -> Order:
    """The draft of a sale, written down anew; who buys is taken in if nobody knows them."""
    before = orders.known(session, request_key)
    customer_id = _who(session, buyer or Buyer())
    if before is not None and before.lines:
        before.lines = []
        session.flush()  # a booking stands on one line at a time
    with items.at_hand(session, ((line.kind, line.item_id) for line in lines)):
        drafts, discount = drafted(session, lines, off, customer_id, asked)
        return orders.save_draft(
            session,
            order_id=None if before is None else before.id,
            lines=drafts,
            customer_id=customer_id,
            channel=Channel.WALK_IN,
            handing=Handing.COUNTER,
            discount=discount,
            request_key=request_key,
            asked=asked,
        )


def drafted(
    session: Session,
    lines: Sequence[Item],
    off: Off | None,
    customer_id: int | None,
    asked: Asked = NOTHING_ASKED,
) -> tuple[list[DraftLine], orders.Discount]:
    """Lines and discount as an order takes them; percentages become amounts.

    They are of what it costs by then: a line's of the price that the customer has, the whole
    order's of what is left after all that was asked for, but for what is paid with points.
    """
    off = off or Off()
    ready = [_plain(line, f"lines.{n}") for n, line in enumerate(lines)]
    totals, shared = [NOTHING] * len(ready), NOTHING
    if any(line.off.percent is not None for line in lines):
        totals = [line.total for line in _worth(session, customer_id, ready, asked, Rung.PRICE)]
    for n, (line, total) in enumerate(zip(lines, totals, strict=True)):
        taken = _amount_off(line.off, total, f"lines.{n}.discount", f"lines.{n}.why")
        ready[n] = replace(ready[n], discount=taken, why=line.off.why)
    if off.percent is not None:
        worth = _worth(session, customer_id, ready, asked, Rung.CODES)
        shared = sum((line.total for line in worth if line.kind != LineKind.TIP), NOTHING)
    amount = _amount_off(off, shared, "discount", "discount_why")
    return ready, orders.Discount(amount, (off.why or "").strip() or None)


# --- behind the verbs --------------------------------------------------------------------------


def _plain(line: Item, row: str) -> DraftLine:
    kind = LineKind(line.kind)
    if kind not in ITEMS and kind not in ITS_OWN_PRICE:
        raise LineRefused(field=f"{row}.item_id")
    if kind in ITEMS and line.amount is not None:
        raise LineRefused(
            "This costs what the catalogue says: give a discount instead.", field=f"{row}.amount"
        )
    return DraftLine(
        kind=kind, item_id=line.item_id, quantity=line.quantity, unit_price=line.amount,
        name=line.name if kind in ITS_OWN_PRICE else None, booking_id=line.booking_id,
        staff_id=line.staff_id, holding_id=line.holding_id, membership_id=line.membership_id,
    )  # fmt: skip


def _worth(
    session: Session,
    customer_id: int | None,
    lines: Sequence[DraftLine],
    asked: Asked,
    upto: Rung,
) -> Sequence[OrderLine]:
    """What the lines cost once they have come down to this rung."""
    worth = orders.blank(session, customer_id)
    set_lines(session, worth, lines, asked=asked, upto=upto)
    return worth.lines


def _amount_off(off: Off, worth: Decimal, field: str, at_why: str) -> Decimal:
    """What is taken off something worth so much; refuses a discount without a reason."""
    taken = prices.amount(off.amount, field=field)
    if off.percent is not None:
        if not off.percent.is_finite() or not 0 <= off.percent <= HUNDRED:
            raise NoSuchPercent(field=field)
        taken = prices.as_money(worth * off.percent / HUNDRED)
    asked = taken or off.percent
    if asked and not (off.why or "").strip():
        raise NeedsWhy(field=at_why)
    return taken


def _who(session: Session, buyer: Buyer) -> int | None:
    if buyer.customer_id is not None:
        return buyer.customer_id
    vendor_id = current_actor().vendor_id
    if vendor_id is None or not (buyer.name or buyer.phone):
        return None
    return walk_ins.welcome(session, vendor_id=vendor_id, name=buyer.name, phone=buyer.phone)


def _end_bookings(session: Session, order: Order) -> bool:
    """Complete the bookings that have begun; whether one is still to come, paid in advance.

    Who pays for what was only asked for has a yes to it.
    """
    to_come = False
    for booking_id in sorted(line.booking_id for line in order.lines if line.booking_id):
        booking = locked(session, Booking, booking_id)
        if booking.status == BookingStatus.PENDING:
            outcomes.confirm(session, booking_id=booking_id)
        if booking.status == BookingStatus.COMPLETED:
            continue
        if booking.starts_at > clock.now():
            to_come = True
        else:
            outcomes.complete(session, booking_id=booking_id)
    return to_come


def _take(session: Session, order: Order, paid: Sequence[Paid]) -> Decimal:
    """Take the payments, cash last, for it alone has change; how much is left to pay."""
    left = payments.held(session, order.id).total
    rows = sorted(enumerate(paid), key=lambda row: row[1].tender == Tender.CASH)
    for n, one in rows:
        given, is_cash = prices.amount(one.amount, field=f"paid.{n}"), one.tender == Tender.CASH
        if given <= 0:
            raise payments.NotTheAmount(field=f"paid.{n}")
        if left <= 0:
            raise NothingLeftToPay(field=f"paid.{n}")
        if given > left and not is_cash:
            raise PaidTooMuch(left=left, field=f"paid.{n}")
        payments.charge(
            session, order_id=order.id, tender=one.tender, amount=min(given, left),
            tendered=given if is_cash else None, reference=one.reference,
        )  # fmt: skip
        left -= min(given, left)
    return left
