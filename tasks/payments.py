"""Gateways are asked for money and to give it back, outside every transaction."""

from collections.abc import Callable
from typing import Any

from app.database import begin
from app.gateways.payments import PaymentGateway, gateway
from app.operations import gateway_events, payments, refunds
from app.settings import settings
from models.payments import Payment, PaymentState, Refund, RefundState, Told
from tasks.celery import celery_app

Ask = Callable[[PaymentGateway, dict[str, Any]], Told]


@celery_app.task(name=payments.AUTHORISE)
def authorise(payment_id: int) -> None:
    """Ask for a payment, unless its gateway has told of it already."""
    with begin() as session:
        payment = session.get_one(Payment, payment_id)
        if payment.status != PaymentState.PENDING or payment.gateway is None:
            return
        name, vendor_id = payment.gateway, payment.vendor_id
        asked = _money(payment) | {"words": str(payment.order)}
    _heard(name, gateway(name, vendor_id).authorise(**asked))


@celery_app.task(name=payments.CAPTURE)
def capture(payment_id: int) -> None:
    """Take what was authorised, unless it was taken or called off meanwhile."""
    with begin() as session:
        payment = session.get_one(Payment, payment_id)
        if payment.status != PaymentState.AUTHORISED or payment.gateway is None:
            return
        name, vendor_id = payment.gateway, payment.vendor_id
        asked = _money(payment) | {"gateway_ref": payment.gateway_ref or ""}
    _heard(name, gateway(name, vendor_id).capture(**asked))


@celery_app.task(name=refunds.GIVE)
def refund(refund_id: int) -> None:
    """Give money back through the gateway that took it."""
    with begin() as session:
        given = session.get_one(Refund, refund_id)
        if given.status != RefundState.PENDING or given.payment.gateway is None:
            return
        name, vendor_id = given.payment.gateway, given.vendor_id
        asked = _money(given) | {"gateway_ref": given.payment.gateway_ref or ""}
    _heard(name, gateway(name, vendor_id).refund(**asked))


@celery_app.task(name=gateway_events.APPLY)
def apply(event_id: int) -> None:
    """Let an event count that whoever stored it left; one that counts already stays as it is."""
    with begin() as session:
        gateway_events.apply(session, event_id=event_id, currency=settings().currency)


def _money(row: Payment | Refund) -> dict[str, Any]:
    about = gateway_events.name_of(row)
    return {"about": about, "amount": row.amount, "currency": settings().currency}


def _heard(name: str, told: Told) -> None:
    """An answer is stored like a call-back before it counts."""
    with begin() as session:
        event_id = gateway_events.store(session, gateway=name, told=told)
    apply(event_id)
