"""Payments on screen: what was taken, with what, for which order; what a gateway said of it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, of_vendor
from admin_views.lists import Col, Sort
from admin_views.order_money import ICONS
from admin_views.rendering import moment, money, word
from admin_views.saving import Command
from app.gateways import payments as gateways
from app.operations import gateway_events, payments
from app.settings import settings
from models.orders import Order
from models.payments import EventKind, GatewayEvent, Payment, PaymentState, Refund, Tender

WAITS = (PaymentState.PENDING, PaymentState.AUTHORISED)


def _said(kind: EventKind) -> Any:
    """What somebody at the desk says of a payment that was asked for there: signed, then heard."""

    def run(session: Session, number: int) -> None:
        payment = session.get_one(Payment, number)
        desk = gateways.desk(payment.vendor_id)
        body, headers = desk.said(
            kind, about=gateway_events.name_of(payment), amount=payment.amount,
            currency=settings().currency,
        )  # fmt: skip
        event_id = gateway_events.store(session, gateway="desk", told=desk.heard(body, headers))
        gateway_events.apply(session, event_id=event_id, currency=settings().currency)

    return run


def _waits_at_the_desk(payment: Payment) -> bool:
    return payment.gateway == "desk" and payment.status in WAITS


def _change(payment: Payment) -> str | None:
    change = payments.change_of(payment)
    return money(change) if change else None


class PaymentView(HouseView, model=Payment):
    """Money that came in."""

    name, name_plural, icon = "Payment", "Payments", "ti ti-cash"
    category, status_kind = "Sales", "payment"
    can_create = can_edit = can_delete = False
    hint = "Taken on the page of an order"
    columns = (
        Col("order", "Order", value=lambda p: str(p.order)),
        Col("customer", "Customer", value=lambda p: p.order.customer and p.order.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("tender", "Paid with", value=lambda p: word(p.tender)),
        Col("status", "Status", "pill", pill_kind="payment", css="c-status"),
        Col("captured_at", "Taken", "moment"),
        Col("reference", "Reference", optional=True),
        Col("refunded", "Given back", "money", numeric=True, value=lambda p: p.refunded or None),
        Col("amount", "Amount", "money", numeric=True),
    )
    sorts = declared(newest=Sort(Payment.id, descending=True))
    filters = (
        OneOf("tender", "Paid with", Payment.tender, icon="wallet", words=Tender),
        OneOf("status", "Status", Payment.status, icon="circle-dot", words=PaymentState),
        of_vendor(Payment.vendor_id),
        Between("taken", "Taken", Payment.captured_at),
    )
    loads = (joinedload(Payment.order).joinedload(Order.customer),)
    details = (
        (
            "Payment",
            (
                Col("order", "Order", value=lambda p: link_to("order", p.order)),
                Col("customer", "Customer", value=lambda p: link_to("customer", p.order.customer)),
                Col("tender", "Paid with", "word"),
                Col("amount", "Amount", "money"),
                Col("tendered", "Handed over", "money"),
                Col("change", "Change", value=_change),
                Col("refunded", "Given back", "money"),
                Col("reference", "Reference"),
                Col("gateway", "Gateway", "word"),
                Col("gateway_ref", "Its name there"),
                Col("captured_at", "Taken", "moment"),
                Col("created_at", "Written down", "moment"),
            ),
        ),
    )
    hides_empty = (
        "customer", "tendered", "change", "reference", "gateway", "gateway_ref", "captured_at",
    )  # fmt: skip
    commands = (
        Command(
            "came", "Money came in", _said(EventKind.PAYMENT_CAPTURED), _waits_at_the_desk,
            "The payment counts.", icon="cash", primary=True,
        ),
        Command(
            "failed", "It did not come", _said(EventKind.PAYMENT_CANCELLED), _waits_at_the_desk,
            "The payment is called off.", icon="circle-x", danger=True,
            ask=("Call this payment off?", "The order stays, and is not paid by it."),
        ),
    )  # fmt: skip
    empty = declared(
        icon=ICONS[Tender.CASH], title="Nothing was paid yet",
        text="Place an order, and take its payment on its page.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Cash, 46.10 for Order 12."""
        return f"{word(record.tender)}, {money(record.amount)} for {record.order}"

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What was given back of it, and what its gateway said."""
        own = Refund.vendor_id == record.vendor_id, Refund.payment_id == record.id
        given = session.scalars(select(Refund).where(*own).order_by(Refund.id)).all()
        told = GatewayEvent.vendor_id == record.vendor_id, GatewayEvent.payment_id == record.id
        events = session.scalars(select(GatewayEvent).where(*told).order_by(GatewayEvent.id)).all()
        back = {
            "title": "Given back", "empty": "Nothing was given back.",
            "rows": [
                {
                    "title": money(refund.amount), "url": f"/admin/order/details/{refund.order_id}",
                    "sub": f"{moment(refund.created_at)} · {word(refund.tender)} · {refund.reason}",
                    "status": refund.status, "status_kind": "refund",
                }
                for refund in given
            ],
        }  # fmt: skip
        columns = [("What the gateway said", False), ("When", False), ("What came of it", False)]
        rows = [
            [word(e.kind.replace(".", "_")), moment(e.received_at), e.outcome or "not applied yet"]
            for e in events
        ]
        lines = {"title": "Gateway", "columns": columns, "rows": rows} if rows else None
        return {"related": [back], **({"lines": lines} if lines else {})}


VIEWS = [PaymentView]
