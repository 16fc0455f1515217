"""The money on an order's page: what was paid and given back, what is due, what came back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, selectinload
from starlette.requests import Request

from admin_views.access import allowed
from admin_views.rendering import moment, money, plural, word
from app.money import decimals_of
from app.operations import payments, refunds, returns
from app.settings import settings
from app.tenancy import current_actor
from models.orders import Order, OrderStatus
from models.payments import Payment, PaymentState, Refund, RefundState, Tender
from models.returns import ProductReturn

ICONS: Mapping[str, str] = {
    Tender.CASH: "cash", Tender.CARD: "credit-card", Tender.BANK_TRANSFER: "building-bank",
    Tender.MOBILE_MONEY: "device-mobile", Tender.STORE_CREDIT: "wallet",
    Tender.GATEWAY: "world", Tender.ELSEWHERE: "history",
}  # fmt: skip
TENDERS: Sequence[tuple[str, str]] = (
    (Tender.CASH.value, "Cash"), (Tender.CARD.value, "Card"),
    (Tender.BANK_TRANSFER.value, "Bank transfer"), (Tender.MOBILE_MONEY.value, "Mobile money"),
    (Tender.STORE_CREDIT.value, "Store credit"),
)  # fmt: skip
BACK: Sequence[tuple[str, str]] = (
    ("", "As it was paid"), (Tender.CASH.value, "Cash"), (Tender.STORE_CREDIT.value, "Store credit")
)  # fmt: skip
TEMPLATE = "panel/order_money.html"
NOT_SOLD = (OrderStatus.DRAFT, OrderStatus.CANCELLED)

OWED = and_(
    Order.status.in_([OrderStatus.PLACED, OrderStatus.FULFILLED, OrderStatus.COMPLETED]),
    Order.paid - Order.refunded < Order.total,
    Order.paid < Order.total,
)
"""Never paid in full. What was given back, as for goods that returned, is not asked for again."""
OVERPAID = Order.paid - Order.refunded > Order.total


def amount_text(value: Decimal) -> str:
    """12.50, as one would type it."""
    return f"{value:.{decimals_of(settings().currency)}f}"


def till(session: Session, request: Request, order: Order) -> dict[str, Any]:
    """The cards of payments and returns with their dialogs; none where nothing could be paid."""
    taken = session.scalars(_of(Payment, order).order_by(Payment.id)).all()
    given = session.scalars(_of(Refund, order).order_by(Refund.id)).all()
    if order.status in NOT_SOLD and not taken:
        return {"template": TEMPLATE}
    asked: Mapping[str, Any] = getattr(request.state, "order_dialog", None) or {}
    due = payments.due(order)
    card = {
        "base": f"/admin/order/{order.id}",
        "status": order.payment_status,
        "rows": [row for payment in taken for row in _rows(payment, given)],
        "sums": _sums(order, due),
        "pay": _pay(order, due),
        "refund": _refund(order, taken),
        "dialog": asked,
        "key": asked.get("typed", {}).get("key") or str(uuid4()),
    }
    return {"template": TEMPLATE, "till": card, "back": _returns(session, order, asked)}


def paid_word(order: Order) -> str | None:
    """How far an order is paid, for lists; nothing for what nobody has to pay."""
    if order.status in NOT_SOLD and not order.paid:
        return None
    return str(order.payment_status)


def _of(model: Any, order: Order) -> Any:
    return select(model).where(model.vendor_id == order.vendor_id, model.order_id == order.id)


def _may(action: str, identity: str = "order") -> bool:
    return allowed(current_actor().panel_role, identity, action)


def _rows(payment: Payment, given: Sequence[Refund]) -> list[dict[str, Any]]:
    """A payment, and under it what was given back of it."""
    own = [refund for refund in given if refund.payment_id == payment.id]
    return [_taken(payment), *(_given_back(refund) for refund in own)]


def _taken(payment: Payment) -> dict[str, Any]:
    said = [moment(payment.captured_at or payment.created_at), payment.reference]
    if payment.tendered is not None and payment.tendered > payment.amount:
        change = money(payments.change_of(payment))
        said.append(f"{money(payment.tendered)} handed over, {change} change")
    return {
        "icon": ICONS[payment.tender], "title": word(payment.tender),
        "url": f"/admin/payment/details/{payment.id}" if _may("details", "payment") else None,
        "sub": " · ".join(part for part in said if part), "amount": money(payment.amount),
        "status": None if payment.status == PaymentState.CAPTURED else payment.status,
        "kind": "payment",
    }  # fmt: skip


def _given_back(refund: Refund) -> dict[str, Any]:
    return {
        "icon": "arrow-back-up", "title": f"Given back, {word(refund.tender).lower()}",
        "url": None, "sub": f"{moment(refund.created_at)} · {refund.reason}",
        "amount": money(-refund.amount), "kind": "refund",
        "status": None if refund.status == RefundState.SUCCEEDED else refund.status,
    }  # fmt: skip


def _sums(order: Order, due: Decimal) -> list[tuple[str, str, bool]]:
    """Paid, given back, and what is left: label, amount, whether it matters most."""
    rows = [("Paid", money(order.paid), False)]
    if order.refunded:
        rows.append(("Given back", money(-order.refunded), False))
    if order.status in NOT_SOLD:
        kept = refunds.left(order)
        return [*rows, ("To give back", money(kept), True)] if kept else rows
    left = ("Paid too much", money(-due), True) if due < 0 else ("Due", money(due), due > 0)
    return [*rows, left]


def _pay(order: Order, due: Decimal) -> dict[str, Any] | None:
    if order.status in NOT_SOLD or due <= 0 or not _may("pay"):
        return None
    credit = order.customer.store_credit if order.customer else Decimal(0)
    known = [
        (value, f"{title}, {money(credit)} left" if value == Tender.STORE_CREDIT else title)
        for value, title in TENDERS
        if value != Tender.STORE_CREDIT or credit > 0
    ]
    return {"due": money(due), "amount": amount_text(due), "tenders": known}


def _refund(order: Order, taken: Sequence[Payment]) -> dict[str, Any] | None:
    left = refunds.left(order)
    if left <= 0 or not _may("refund"):
        return None
    of_lines = refunds.left_of_lines(order)
    ways = [way for way in BACK if way[0] != Tender.STORE_CREDIT or order.customer_id is not None]
    own = [p for p in taken if p.status == PaymentState.CAPTURED and p.refunded < p.amount]
    return {
        "left": money(left), "amount": amount_text(left), "ways": ways,
        "lines": [
            {"id": line.id, "name": line.name, "left": money(of_lines[line.id])}
            for line in order.lines
            if of_lines[line.id] > 0
        ],
        "payments": [
            ("", "The newest first"),
            *((str(p.id), f"{word(p.tender)}, {money(p.amount - p.refunded)}") for p in own),
        ]
        if len(own) > 1
        else [],
    }  # fmt: skip


def _returns(session: Session, order: Order, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What came back or is to, and the dialog to write more down."""
    found = session.scalars(
        _of(ProductReturn, order).options(selectinload(ProductReturn.lines))
        .order_by(ProductReturn.id)
    ).all()  # fmt: skip
    possible = returns.returnable(session, order) if _may("return") else {}
    if not found and not possible:
        return None
    return {
        "rows": [_return(one) for one in found],
        "lines": [
            {"id": line.id, "name": line.name, "left": possible[line.id]}
            for line in order.lines
            if line.id in possible
        ],
        "dialog": asked,
        "url": f"/admin/order/{order.id}/return",
    }  # fmt: skip


def _return(one: ProductReturn) -> dict[str, Any]:
    pieces = sum(line.received or line.quantity for line in one.lines)
    reasons = ", ".join(dict.fromkeys(line.reason for line in one.lines))
    return {
        "title": str(one), "url": f"/admin/product-return/details/{one.id}", "status": one.status,
        "sub": f"{moment(one.asked_at)} · {plural(pieces, 'piece')} · {reasons}",
    }  # fmt: skip
