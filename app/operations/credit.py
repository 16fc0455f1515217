"""Store credit: given to a customer, spent at the till, given back; a ledger that adds up."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError, NotFound
from app.operations.customers import clean
from app.operations.prices import amount as money
from models.customers import Customer
from models.payments import CreditEntry, Payment, Refund

LONGEST_REASON = 500


class NotEnoughCredit(DomainError):
    sentence = "There is not so much store credit: take less of it, and the rest otherwise."
    field = "amount"


class NobodysCredit(DomainError):
    sentence = "Store credit belongs to somebody: this order has no customer."
    field = "tender"


class NoReason(DomainError):
    sentence = "Say why in a few words: it stands in the books."
    field = "reason"


class NoCredit(DomainError):
    sentence = "Write an amount of more than nothing."
    field = "amount"


REFUSALS["ck_customers_store_credit_not_negative"] = NotEnoughCredit


def give(session: Session, *, customer_id: int, amount: Decimal, reason: str) -> CreditEntry:
    """Give a customer store credit, such as for a complaint. Raises `NoReason`, `NoCredit`."""
    return _write(session, customer_id, _more_than_nothing(amount), reason)


def take(session: Session, *, customer_id: int, amount: Decimal, reason: str) -> CreditEntry:
    """Take store credit away that was given by mistake, never more than there is."""
    return _write(session, customer_id, -_more_than_nothing(amount), reason)


def spend(session: Session, *, customer_id: int | None, payment: Payment) -> CreditEntry:
    """Pay with store credit; whether there is enough is the database's decision."""
    reason = f"Paid for {payment.order}"
    return _write(session, _somebody(customer_id), -payment.amount, reason, payment=payment)


def give_back(session: Session, *, customer_id: int | None, refund: Refund) -> CreditEntry:
    """Give a refund as store credit."""
    reason = f"{refund.order}: {refund.reason}"[:LONGEST_REASON]
    return _write(session, _somebody(customer_id), refund.amount, reason, refund=refund)


def carry(session: Session, *, from_id: int, to_id: int, amount: Decimal, reason: str) -> Decimal:
    """Move store credit from one file to another, as much as is left of `amount`; how much."""
    moved = min(amount, left(session, customer_id=from_id))
    if moved > 0:
        _write(session, from_id, -moved, reason)
        _write(session, to_id, moved, reason)
    return moved


def left(session: Session, *, customer_id: int | None) -> Decimal:
    """What a customer has now, held so that nobody spends it meanwhile."""
    query = select(Customer.store_credit).where(Customer.id == _somebody(customer_id))
    found = session.scalar(query.with_for_update(key_share=True))
    return Decimal("0.00") if found is None else found


def entries(session: Session, *, customer_id: int, most: int = 20) -> Sequence[CreditEntry]:
    """The newest entries of a customer, newest first."""
    query = select(CreditEntry).where(
        CreditEntry.vendor_id
        == select(Customer.vendor_id).where(Customer.id == customer_id).scalar_subquery(),
        CreditEntry.customer_id == customer_id,
    )
    newest = query.order_by(CreditEntry.at.desc(), CreditEntry.id.desc()).limit(most)
    return session.scalars(newest).all()


def _somebody(customer_id: int | None) -> int:
    if customer_id is None:
        raise NobodysCredit
    return customer_id


def _more_than_nothing(amount: Decimal) -> Decimal:
    asked = money(amount, field="amount")
    if asked <= 0:
        raise NoCredit
    return asked


def _write(
    session: Session,
    customer_id: int,
    amount: Decimal,
    reason: str,
    *,
    payment: Payment | None = None,
    refund: Refund | None = None,
) -> CreditEntry:
    why = clean(reason, "reason", longest=LONGEST_REASON)
    if why is None:
        raise NoReason
    session.flush()  # what was changed on the customer is not read over
    customer = session.get(Customer, customer_id, with_for_update={"key_share": True})
    if customer is None:
        raise NotFound
    entry = CreditEntry(
        vendor_id=customer.vendor_id, customer_id=customer.id, amount=amount, reason=why,
        payment_id=payment.id if payment else None, refund_id=refund.id if refund else None,
    )  # fmt: skip
    session.add(entry)
    session.flush()  # the database adds it up, or says that there is not so much
    session.refresh(customer, ["store_credit"])
    return entry
