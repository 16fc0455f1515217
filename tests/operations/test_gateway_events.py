"""What gateways tell: what counts, what does not, and that it says so."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import gateway_events, payments, refunds
from app.operations.gateway_events import COUNTED, NOT_OURS, OTHER_MONEY, OTHER_NAME
from app.tenancy import acting, vendor_actor
from models.outbox import OutboxMessage
from models.payments import EventKind, GatewayEvent, Payment, Told
from tests import make


@pytest.fixture
def session(db: Connection) -> Iterator[Session]:
    with (
        acting(vendor_actor(make.new_vendor())), clock.stopped_at(make.NOON), begin() as opened,
    ):  # fmt: skip
        yield opened


def asked(session: Session) -> Payment:
    order = make.order(session, lines=3)
    return payments.ask(session, order_id=order.id, gateway="desk")


def telling(payment: Payment, kind: EventKind = EventKind.PAYMENT_CAPTURED, **other: Any) -> Told:
    told = Told(
        f"evt-{kind}", kind, gateway_events.name_of(payment), "ref-1", payment.amount, "EUR",
        make.NOON, '{"as": "it came"}',
    )  # fmt: skip
    return replace(told, **other)


def hear(session: Session, told: Told, gateway: str = "desk") -> GatewayEvent:
    event_id = gateway_events.store(session, gateway=gateway, told=told)
    return gateway_events.apply(session, event_id=event_id, currency="EUR")


def test_what_is_told_is_kept_word_for_word_and_counts_once(session: Session) -> None:
    payment = asked(session)
    event = hear(session, telling(payment))
    assert (event.outcome, event.applied_at, event.payment_id) == (COUNTED, make.NOON, payment.id)
    assert event.body["words"] == '{"as": "it came"}'
    assert (payment.status, payment.gateway_ref, payment.order.paid) == ("captured", "ref-1", 30)
    with clock.stopped_at(make.NOON + timedelta(hours=1)):
        assert hear(session, telling(payment)) is event
    assert event.applied_at == make.NOON
    assert len(session.scalars(select(GatewayEvent)).all()) == 1


@pytest.mark.parametrize(
    ("outcome", "other"),
    [
        (NOT_OURS, {"about": "payment-999999999"}),
        (NOT_OURS, {"about": "payment-" + "9" * 30}),
        (NOT_OURS, {"about": "payment-x"}),
        (NOT_OURS, {"about": "payment-²"}),
        (NOT_OURS, {"about": "order-1"}),
        (NOT_OURS, {"kind": EventKind.REFUND_SUCCEEDED}),
        (OTHER_MONEY, {"amount": Decimal("29.99")}),
        (OTHER_MONEY, {"currency": "USD"}),
    ],
)
def test_what_does_not_fit_changes_nothing_and_says_so(
    session: Session, outcome: str, other: dict[str, Any]
) -> None:
    payment = asked(session)
    event = hear(session, telling(payment, **other))
    assert (event.outcome, event.applied_at) == (outcome, make.NOON)
    session.refresh(payment)
    assert (payment.status, payment.gateway_ref) == ("pending", None)


def test_another_gateway_and_another_name_are_not_heard(session: Session) -> None:
    payment = asked(session)
    assert hear(session, telling(payment), gateway="other").outcome == NOT_OURS
    cash = payments.charge(session, order_id=make.order(session).id, tender=payments.TAKEN[0])
    assert hear(session, telling(cash, event_ref="x")).outcome == NOT_OURS
    hear(session, telling(payment, EventKind.PAYMENT_AUTHORISED))
    assert hear(session, telling(payment, gateway_ref="ref-2")).outcome == OTHER_NAME
    assert payment.status == "authorised"


def test_a_payment_of_another_vendor_is_not_heard(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        told = telling(asked(session))
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        assert hear(session, told).outcome == NOT_OURS


def test_an_authorised_payment_is_to_be_captured_once(session: Session) -> None:
    payment = asked(session)
    for minute in range(3):
        at = make.NOON + timedelta(minutes=minute)
        hear(session, telling(payment, EventKind.PAYMENT_AUTHORISED, at=at, event_ref=f"{minute}"))
    promised = session.scalars(select(OutboxMessage.task)).all()
    assert promised.count(payments.CAPTURE) == 1


def test_a_refund_that_a_bank_sends_back_can_be_given_again(session: Session) -> None:
    payment = asked(session)
    hear(session, telling(payment))
    (refund,) = refunds.give(session, order_id=payment.order_id, reason="Why")
    assert (refund.status, payment.order.refunded) == ("pending", 30)
    told = telling(
        payment, EventKind.REFUND_SUCCEEDED, about=gateway_events.name_of(refund), gateway_ref="r"
    )
    hear(session, told)
    assert refund.status == "succeeded"
    hear(session, replace(told, kind=EventKind.REFUND_FAILED, event_ref="late"))
    session.refresh(payment.order)
    assert (refund.status, payment.order.refunded) == ("failed", 0)
    assert len(refunds.give(session, order_id=payment.order_id, reason="Again")) == 1
