"""Invariant 12: in whichever order a gateway's events come, and however often, they end alike."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import balances, gateway_events
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.payments import EventKind, GatewayEvent, Payment, Refund, Told
from tests import make
from tests.chance import examples
from tests.properties.test_races import in_threads

PAYMENT = [kind for kind in EventKind if kind.value.startswith("payment.")]
REFUND = [kind for kind in EventKind if kind.value.startswith("refund.")]


def asked(vendor_id: int) -> tuple[int, int, int]:
    """An order with a payment and a refund at the gateway; their ids."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = make.order(session, lines=3)
        home = {"tender": "gateway", "gateway": "desk"}
        pending = make.payment(session, order=order, status="pending", captured_at=None, **home)
        paid = make.payment(session, order=order, **home)
        back = make.refund(
            session, payment=paid, status="pending", tender="gateway", amount=Decimal("12.00")
        )
        return order.id, pending.id, back.id


def told(kind: EventKind, number: int, minutes: int, **fields: object) -> Told:
    noun = kind.value.partition(".")[0]
    amount = Decimal("30.00") if noun == "payment" else Decimal("12.00")
    values: dict[str, Any] = {
        "event_ref": f"{kind}-{minutes}-{number}", "kind": kind, "about": f"{noun}-{number}",
        "gateway_ref": f"ref-{noun}-{number}", "amount": amount, "currency": "EUR",
        "at": make.NOON + timedelta(minutes=minutes), "words": "{}",
    } | fields  # fmt: skip
    return Told(**values)


def hear(vendor_id: int, *events: Told) -> None:
    for event in events:
        with acting(vendor_actor(vendor_id)), begin() as session:
            event_id = gateway_events.store(session, gateway="desk", told=event)
        with acting(vendor_actor(vendor_id)), begin() as session:
            gateway_events.apply(session, event_id=event_id, currency="EUR")


def stands(vendor_id: int, order_id: int) -> list[object]:
    """Everything that events can change, and that the books are right."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = session.get_one(Order, order_id)
        rows: list[object] = [order.paid, order.refunded, order.payment_status]
        mine = Payment.order_id == order_id
        for payment in session.scalars(select(Payment).where(mine).order_by(Payment.id)):
            rows += [payment.status, payment.captured_at, payment.refunded]
        of_order = Refund.order_id == order_id
        rows += session.scalars(select(Refund.status).where(of_order).order_by(Refund.id)).all()
        assert balances.drift(session) == []
        return rows


EVENTS = st.lists(
    st.tuples(st.sampled_from([*PAYMENT, *REFUND]), st.integers(0, 5)), min_size=1, max_size=7
)


def test_events_in_any_order_and_any_number_end_alike(db: Connection) -> None:
    vendor_id = make.new_vendor()

    @examples(8)
    @given(events=EVENTS, data=st.data())
    def end_alike(events: list[tuple[EventKind, int]], data: st.DataObject) -> None:
        shuffled = data.draw(st.permutations(events))
        again = data.draw(st.lists(st.sampled_from(events), max_size=4))
        ends = []
        with clock.stopped_at(make.NOON):
            for order in (events, [*shuffled, *again]):
                order_id, payment_id, refund_id = asked(vendor_id)
                number = {"payment": payment_id, "refund": refund_id}
                hear(vendor_id, *(
                    told(kind, number[kind.value.partition(".")[0]], minutes)
                    for kind, minutes in order
                ))  # fmt: skip
                ends.append(stands(vendor_id, order_id))
        assert ends[0] == ends[1]
        captured = [at for kind, at in events if kind is EventKind.PAYMENT_CAPTURED]
        if captured:  # money that came counts, whatever else was told
            assert ends[0][0] == 60
            assert make.NOON + timedelta(minutes=min(captured)) in ends[0]

    end_alike()


def test_what_is_told_by_eight_at_once_counts_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    order_id, payment_id, _ = asked(vendor_id)
    events = [told(EventKind.PAYMENT_CAPTURED, payment_id, n % 3) for n in range(8)]
    calls = [{"gateway": "desk", "told": event} for event in events]
    assert in_threads(vendor_id, gateway_events.store, calls) == ["int"] * 8
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = session.scalars(select(GatewayEvent.id)).all()
        assert len(ids) == 3
    calls = [{"event_id": ids[n % 3], "currency": "EUR"} for n in range(8)]
    assert in_threads(vendor_id, gateway_events.apply, calls) == ["GatewayEvent"] * 8
    assert stands(vendor_id, order_id)[:2] == [60, 12]
