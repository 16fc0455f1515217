"""Refunds: money given back of what was paid, to the cent, never more than that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError, NotFound
from app.operations import credit, happenings, merge_fields, settling
from app.operations.customers import clean
from app.operations.outbox import enqueue
from app.operations.payments import COUNTED, held, read_lines, sent_before
from app.operations.prices import amount as money
from models.orders import Order, OrderLine
from models.payments import Payment, PaymentState, Refund, RefundLine, RefundState, Tender

GIVE = "tasks.payments.refund"
LONGEST_REASON = 500
ZERO = Decimal("0.00")


class RefundTooMuch(DomainError):
    sentence = "Only {left:,.2f} of what was paid is left to give back: give back that or less."
    field = "amount"


class NothingToRefund(DomainError):
    sentence = "Nothing that was paid is left to give back."
    field = "amount"


class LineRefundTooMuch(DomainError):
    sentence = "Only {left:,.2f} is left to give back for {name}: lower it."


class NotForThis(DomainError):
    sentence = "This cannot be given back that way: choose as it was paid, cash or store credit."
    field = "tender"


class NoReason(DomainError):
    sentence = "Say why it is given back in a few words: it stands in the books."
    field = "reason"


REFUSALS["ck_payments_refunded_was_captured"] = NothingToRefund
REFUSALS["ck_orders_refunded_was_paid"] = NothingToRefund


def price_of(line: OrderLine, includes_tax: bool) -> Decimal:
    """What the customer pays for a line, tax included."""
    return line.total if includes_tax else line.total + line.tax


def worth(line: OrderLine, includes_tax: bool, *, before: int, pieces: int) -> Decimal:
    """What `pieces` of a line cost when `before` of them came back already.

    Whichever way they come back, all pieces together are worth the line, to the cent.
    """

    def upto(count: int) -> Decimal:
        cents = int(price_of(line, includes_tax) * 100)
        return Decimal(cents * count // line.quantity).scaleb(-2)

    return upto(before + pieces) - upto(before)


def left_of_lines(order: Order) -> dict[int, Decimal]:
    """What can still be given back for each line, by its id."""
    return {ln.id: price_of(ln, order.includes_tax) - ln.refunded for ln in order.lines}


def left(order: Order) -> Decimal:
    """What was paid and not given back."""
    return order.paid - order.refunded


def give(
    session: Session,
    *,
    order_id: int,
    reason: str,
    amount: Decimal | None = None,
    lines: Mapping[int, Decimal] | None = None,
    payment_id: int | None = None,
    tender: Tender | None = None,
    return_id: int | None = None,
    request_key: UUID | None = None,
) -> list[Refund]:
    """Give money back: for `lines` (amount by line id), or `amount` for none of them.

    With neither, all that is left. It goes back to the payments it came from, newest first, or to
    the one that is named, as each was paid; `tender` says otherwise: cash or store credit. A
    gateway is asked, and may refuse later. The same `request_key` again is the same refund.
    Raises `RefundTooMuch`, `NothingToRefund`, `LineRefundTooMuch`, `NotForThis`, `NoReason`,
    `credit.NobodysCredit`.
    """
    order = held(session, order_id)
    if (first := sent_before(session, Refund, order, request_key)) is not None:
        return [first, *_others(session, first)]
    why = reason_of(reason)
    wanted = _wanted(order, lines or {})
    taken = _payments(session, order, payment_id)
    asked = _asked(amount, wanted, sum((p.left for p in taken), ZERO))
    given: list[Refund] = []
    for part, cut in _shares(taken, asked, wanted):
        refund = Refund(
            vendor_id=order.vendor_id, order_id=order.id, payment_id=part.payment.id,
            return_id=return_id, tender=_tender(part.payment, tender), amount=part.left,
            reason=why, request_key=_key(request_key, len(given)),
        )  # fmt: skip
        given.append(_hand_back(session, order, refund, cut))
    read_lines(session, order)
    session.refresh(order, COUNTED)
    settling.recount(session, order)
    _tell(session, order, given)
    return given


def _tell(session: Session, order: Order, given: Sequence[Refund]) -> None:
    if not given:
        return
    amount = sum((refund.amount for refund in given), ZERO)
    happenings.tell(
        session, happenings.Event.ORDER_REFUNDED, customer_id=order.customer_id,
        order_id=order.id, occasion=f"order_refunded:refund:{given[0].id}",
        words={"refund": merge_fields.money(amount)},
    )  # fmt: skip


def reason_of(typed: str) -> str:
    """Why it is given back, as it stands in the books."""
    why = clean(typed, "reason", longest=LONGEST_REASON)
    if why is None:
        raise NoReason
    return why


# --- behind it -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """A payment, and how much of it is meant."""

    payment: Payment
    left: Decimal


def _payments(session: Session, order: Order, payment_id: int | None) -> list[_Part]:
    """What was taken and not given back, newest first."""
    query = select(Payment).where(
        Payment.vendor_id == order.vendor_id, Payment.order_id == order.id
    )
    newest = query.order_by(Payment.captured_at.desc().nulls_last(), Payment.id.desc())
    found = session.scalars(newest.execution_options(populate_existing=True)).all()
    if payment_id is not None:
        found = [payment for payment in found if payment.id == payment_id]
        if not found:
            raise NotFound
    return [
        _Part(payment, payment.amount - payment.refunded)
        for payment in found
        if payment.status == PaymentState.CAPTURED and payment.refunded < payment.amount
    ]


def _wanted(order: Order, lines: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """What is asked for by line; what is not one of the order's lines is refused."""
    possible, names = left_of_lines(order), {line.id: line.name for line in order.lines}
    wanted = {}
    for line_id, typed in sorted(lines.items()):
        field = f"lines.{line_id}"
        if line_id not in possible:
            raise DomainError(
                "This line is not of this order: reload the page and try again.", field="lines"
            )
        asked = money(typed, field=field)
        if asked > possible[line_id]:
            raise LineRefundTooMuch(field=field, left=possible[line_id], name=names[line_id])
        if asked:
            wanted[line_id] = asked
    if lines and not wanted:
        raise NothingToRefund("Write how much is given back for a line, at least for one.")
    return wanted


def _asked(amount: Decimal | None, wanted: Mapping[int, Decimal], left: Decimal) -> Decimal:
    if left <= 0:
        raise NothingToRefund
    of_lines = sum(wanted.values(), ZERO)
    asked = (of_lines or left) if amount is None else money(amount, field="amount")
    if of_lines and asked != of_lines:
        raise DomainError(
            f"The lines come to {of_lines:,.2f}: give back that, or change them.", field="amount"
        )
    if asked <= 0:
        raise NothingToRefund("Write an amount of more than nothing.")
    if asked > left:
        raise RefundTooMuch(left=left)
    return asked


def _shares(
    taken: Sequence[_Part], asked: Decimal, wanted: Mapping[int, Decimal]
) -> Iterator[tuple[_Part, dict[int, Decimal]]]:
    """Cut what is asked for by payments, each with its part of the lines, losing no cent."""
    lines, open_amount = dict(wanted), asked
    for part in taken:
        here = min(part.left, open_amount)
        if here <= 0:
            return
        open_amount -= here
        yield _Part(part.payment, here), _cut(lines, here)


def _cut(lines: dict[int, Decimal], most: Decimal) -> dict[int, Decimal]:
    """Take `most` in all out of `lines`, one after the other."""
    cut: dict[int, Decimal] = {}
    for line_id in list(lines):
        share = min(lines[line_id], most)
        if share > 0:
            cut[line_id] = share
            lines[line_id] -= share
            most -= share
    return cut


def _tender(payment: Payment, wanted: Tender | None) -> Tender:
    """What it is given back with; what another till took is given back in cash."""
    own = Tender(payment.tender)
    if wanted is None:
        return Tender.CASH if own is Tender.ELSEWHERE else own
    if wanted not in (own, Tender.CASH, Tender.STORE_CREDIT):
        raise NotForThis
    return Tender(wanted)


def _hand_back(
    session: Session, order: Order, refund: Refund, lines: Mapping[int, Decimal]
) -> Refund:
    """Write a refund with its lines; what a gateway has to do is promised."""
    asks = refund.tender == Tender.GATEWAY
    refund.status = RefundState.PENDING if asks else RefundState.SUCCEEDED
    session.add(refund)
    session.flush()  # the id; the database counts it, or says that it is too much
    session.add_all(
        RefundLine(
            vendor_id=refund.vendor_id, refund_id=refund.id, order_line_id=line_id, amount=share
        )
        for line_id, share in lines.items()
    )
    session.flush()  # the lines are counted too
    if refund.tender == Tender.STORE_CREDIT:
        credit.give_back(session, customer_id=order.customer_id, refund=refund)
    if asks:
        enqueue(session, GIVE, vendor_id=refund.vendor_id, refund_id=refund.id)
    return refund


def _key(request_key: UUID | None, place: int) -> UUID | None:
    """One form, several payments: the first refund has its key, the others keys made of it."""
    return request_key if request_key is None or not place else uuid5(request_key, str(place))


def _others(session: Session, first: Refund) -> Iterator[Refund]:
    for place in range(1, 1000):
        found = session.scalars(
            select(Refund).where(
                Refund.vendor_id == first.vendor_id,
                Refund.request_key == _key(first.request_key, place),
            )
        ).first()
        if found is None:
            return
        yield found
