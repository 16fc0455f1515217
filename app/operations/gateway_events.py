"""What gateways tell: stored as it comes, applied once, and the same in whichever order it comes.

A payment stands where all that was told of it says, never where the last word left it: captured
if that was ever told, else called off if that was, else the newest of authorised and failed.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.operations import settling
from app.operations.moves import locked, move
from app.operations.outbox import enqueue
from app.operations.payments import CAPTURE, came_in, held
from app.tenancy import current_actor
from models.orders import Order
from models.payments import (
    PAYMENT_TRANSITIONS,
    EventKind,
    GatewayEvent,
    Payment,
    PaymentState,
    Refund,
    RefundState,
    Tender,
    Told,
)

APPLY = "tasks.payments.apply"

COUNTED = "counted"
NOT_OURS = "nothing of ours is called so"
OTHER_MONEY = "another amount or currency: nothing was changed"
OTHER_NAME = "another name at the gateway: nothing was changed"

_STATES = {
    EventKind.PAYMENT_AUTHORISED: PaymentState.AUTHORISED,
    EventKind.PAYMENT_CAPTURED: PaymentState.CAPTURED,
    EventKind.PAYMENT_FAILED: PaymentState.FAILED,
    EventKind.PAYMENT_CANCELLED: PaymentState.CANCELLED,
}


def name_of(row: Payment | Refund) -> str:
    """What gateways are told to call a payment or a refund."""
    return f"{'payment' if isinstance(row, Payment) else 'refund'}-{row.id}"


def store(session: Session, *, gateway: str, told: Told) -> int:
    """Keep what a gateway told, once however often it is sent; the event's id.

    It is promised to be applied, should whoever stored it not come to that.
    """
    values = {
        "vendor_id": current_actor().vendor_id, "gateway": gateway, "event_ref": told.event_ref,
        "kind": told.kind.value, "body": _kept(told),
    }  # fmt: skip
    key = ["vendor_id", "gateway", "event_ref"]
    new = insert(GatewayEvent).values(values).on_conflict_do_nothing(index_elements=key)
    event_id = session.scalars(new.returning(GatewayEvent.id)).first()
    if event_id is not None:
        enqueue(session, APPLY, event_id=event_id)
        return event_id
    same = [getattr(GatewayEvent, name) == values[name] for name in key]
    return session.scalars(select(GatewayEvent.id).where(*same)).one()


def apply(session: Session, *, event_id: int, currency: str) -> GatewayEvent:
    """Let an event count, once; `outcome` says what came of it. `currency` is the installation's.

    What names nothing of ours, or other money than was asked for, changes nothing.
    """
    event = locked(session, GatewayEvent, event_id)
    if event.applied_at is not None:
        return event
    found = _found(session, event)
    if found is None:
        event.outcome = NOT_OURS
    else:
        order = held(session, found.order_id)
        row = locked(session, type(found), found.id)
        event.outcome = _outcome(event, row, currency)
        if isinstance(row, Payment):
            event.payment_id = row.id
        else:
            event.refund_id = row.id
        if event.outcome == COUNTED:
            _follow(session, event, row)
            session.flush()  # the database counts what was captured or given back
            _recount(session, order, row)
    event.applied_at = clock.now()
    session.flush()  # one change, applied once
    return event


# --- behind the verbs ---------------------------------------------------------------------------


def _kept(told: Told) -> dict[str, str]:
    return {
        "words": told.words, "about": told.about, "ref": told.gateway_ref,
        "amount": str(told.amount), "currency": told.currency, "at": told.at.isoformat(),
    }  # fmt: skip


def _found(session: Session, event: GatewayEvent) -> Payment | Refund | None:
    """What the event is about: by the name we gave it, and of this gateway only."""
    noun, _, number = event.body["about"].partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    if noun != event.kind.partition(".")[0]:
        return None
    if noun == "payment":
        payment = session.get(Payment, int(number))
        return payment if _is_of(payment, event) else None
    refund = session.get(Refund, int(number))
    if refund is None or refund.tender != Tender.GATEWAY:
        return None
    return refund if _is_of(refund.payment, event) else None


def _is_of(payment: Payment | None, event: GatewayEvent) -> bool:
    return (
        payment is not None
        and payment.vendor_id == event.vendor_id
        and payment.gateway == event.gateway
    )


def _outcome(event: GatewayEvent, row: Payment | Refund, currency: str) -> str:
    if (Decimal(event.body["amount"]), event.body["currency"]) != (row.amount, currency):
        return OTHER_MONEY
    if row.gateway_ref not in (None, event.body["ref"]):
        return OTHER_NAME
    return COUNTED


def _follow(session: Session, event: GatewayEvent, row: Payment | Refund) -> None:
    """Bring a payment or refund to where everything that counts of it says."""
    row.gateway_ref = event.body["ref"]
    session.flush()  # this event is one of those that count
    own = GatewayEvent.payment_id if isinstance(row, Payment) else GatewayEvent.refund_id
    counted = session.scalars(
        select(GatewayEvent).where(
            GatewayEvent.vendor_id == row.vendor_id, own == row.id, GatewayEvent.outcome == COUNTED
        )
    ).all()
    if isinstance(row, Payment):
        _follow_payment(session, row, counted)
    else:
        row.status = _refund_state(counted)


def _recount(session: Session, order: Order, row: Payment | Refund) -> None:
    session.refresh(order, ["paid", "refunded"])
    if order.refunded or isinstance(row, Refund):  # else nothing was ever given back
        settling.recount(session, order)
    came_in(session, order)


def _follow_payment(session: Session, payment: Payment, events: Iterable[GatewayEvent]) -> None:
    told = sorted((_at(e), e.event_ref, _STATES[kind]) for e in events if (kind := _kind(e)))
    was, to = PaymentState(payment.status), _payment_state([state for _, _, state in told])
    if to is not was:
        payment.status = move("payment", PAYMENT_TRANSITIONS, was, to)
    if to is PaymentState.CAPTURED:
        payment.captured_at = next(at for at, _, state in told if state is to)
    elif to is PaymentState.AUTHORISED and to is not was:
        enqueue(session, CAPTURE, vendor_id=payment.vendor_id, payment_id=payment.id)


def _kind(event: GatewayEvent) -> EventKind | None:
    kind = EventKind(event.kind)
    return kind if kind in _STATES else None


def _at(event: GatewayEvent) -> datetime:
    return datetime.fromisoformat(event.body["at"])


def _payment_state(told: list[PaymentState]) -> PaymentState:
    """Where a payment stands after all that was told of it, the oldest first."""
    for last in (PaymentState.CAPTURED, PaymentState.CANCELLED):
        if last in told:
            return last
    return told[-1] if told else PaymentState.PENDING


def _refund_state(events: Iterable[GatewayEvent]) -> RefundState:
    """A refund that a bank sends back has failed, whatever was told before."""
    kinds = {event.kind for event in events}
    if EventKind.REFUND_FAILED in kinds:
        return RefundState.FAILED
    done = EventKind.REFUND_SUCCEEDED in kinds
    return RefundState.SUCCEEDED if done else RefundState.PENDING
