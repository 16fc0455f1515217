"""Money of orders: paid, given back, owed."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.customers import Customer
from models.orders import Order, OrderLine
from models.payments import CreditEntry, GatewayEvent, Payment, Refund, RefundLine
from tests.make.rows import NOON, number, of_vendor, saved


def payment(session: Session, *, order: Order, **fields: Any) -> Payment:
    """The order's total, taken in cash at noon."""
    values = {
        "order_id": order.id, "tender": "cash", "status": "captured", "amount": order.total,
        "captured_at": NOON,
    } | of_vendor(fields, order)  # fmt: skip
    row = saved(session, Payment(**values))
    session.refresh(order, ["paid"])
    return row


def refund(session: Session, *, payment: Payment, **fields: Any) -> Refund:
    """All of a payment, given back with what it was paid with."""
    values = {
        "order_id": payment.order_id, "payment_id": payment.id, "tender": payment.tender,
        "status": "succeeded", "amount": payment.amount, "reason": "Not wanted",
    } | of_vendor(fields, payment)  # fmt: skip
    return saved(session, Refund(**values))


def refund_line(session: Session, *, refund: Refund, line: OrderLine, **fields: Any) -> RefundLine:
    values = {"amount": refund.amount} | of_vendor(fields, refund)
    return saved(session, RefundLine(refund_id=refund.id, order_line_id=line.id, **values))


def gateway_event(session: Session, *, payment: Payment, **fields: Any) -> GatewayEvent:
    values = {
        "gateway": "desk", "event_ref": f"evt-{number()}", "kind": "payment.captured", "body": {},
        "payment_id": payment.id,
    } | of_vendor(fields, payment)  # fmt: skip
    return saved(session, GatewayEvent(**values))


def credit_entry(session: Session, *, customer: Customer, **fields: Any) -> CreditEntry:
    values = {"amount": Decimal("10.00"), "reason": "Goodwill"} | of_vendor(fields, customer)
    return saved(session, CreditEntry(customer_id=customer.id, **values))
