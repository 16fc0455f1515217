"""Happenings: what a vendor's rules make of what an operation has just done."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import (
    bookings,
    happenings,
    merging,
    message_rules,
    messages,
    orders,
    shipments,
    tasks,
)
from app.operations.happenings import Event
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import BookingStatus
from models.messages import Message
from models.orders import LineKind
from models.outbox import OutboxMessage
from models.tasks import Task
from tasks.happenings import hear as hears
from tests import make
from tests.hearing import hear


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def rule(session: Any, event: str, **said: Any) -> Any:
    return message_rules.plan(session, event=event, name="A rule", **said)


def tell(session: Any, event: Event, **about: Any) -> int:
    """Tell, and do what follows: how many messages and tasks came of it."""
    happenings.tell(session, event, **about)
    return hear(session)


def messages_of(session: Any) -> list[Any]:
    return list(session.scalars(select(Message).order_by(Message.id)))


def test_a_rule_writes_the_message_and_promises_it_once(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        made = rule(session, "booking_no_show", channel="email")
        customer = make.customer(session, email="a@example.com")
        booking = make.booking(session, customer=customer, status="no_show")
        about = {"customer_id": booking.customer_id, "booking_id": booking.id}
        assert tell(session, Event.BOOKING_NO_SHOW, **about) == 1
        assert tell(session, Event.BOOKING_NO_SHOW, **about) == 0
        [message] = messages_of(session)
        assert (message.event, message.channel, message.booking_id, message.purpose) == (
            "booking_no_show", "email", booking.id, "transactional",
        )  # fmt: skip
        assert message.key == f"rule:{made.id}:booking_no_show:booking:{booking.id}:0"
        promised = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
        ).all()
        assert [p.payload["message_id"] for p in promised] == [message.id]
        booking.sequence += 1  # it happens again to a booking that was changed since
        assert tell(session, Event.BOOKING_NO_SHOW, **about) == 1


def test_a_delay_keeps_the_wall_time_over_a_change_of_clocks(vendor: int) -> None:
    """Lisbon puts its clocks forward on 28 March 2027."""
    with acting(vendor_actor(vendor)), begin() as session:
        rule(session, "order_delivered", days=7)
        rule(session, "order_delivered", days=7, at=time(9, 30))
        rule(session, "order_delivered", minutes=90)
        customer = make.customer(session)
        with clock.stopped_at(datetime.fromisoformat("2027-03-25T12:00:00+00:00")):
            told = tell(
                session, Event.ORDER_DELIVERED, customer_id=customer.id,
                order_id=make.order(session, customer=customer).id,
            )  # fmt: skip
        assert told == 3
        assert [m.send_at.isoformat() for m in messages_of(session)] == [
            "2027-04-01T11:00:00+00:00", "2027-04-01T08:30:00+00:00", "2027-03-25T13:30:00+00:00",
        ]  # fmt: skip


def test_without_a_rule_the_house_tells_of_bookings_and_a_paused_rule_keeps_quiet(
    vendor: int,
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        booking = make.booking(session)
        about = {"customer_id": booking.customer_id, "booking_id": booking.id}
        assert tell(session, Event.BOOKING_CONFIRMED, **about) == 1
        assert tell(session, Event.BOOKING_CONFIRMED, **about) == 0
        assert tell(session, Event.BOOKING_NO_SHOW, **about) == 0
        quiet = rule(session, "booking_moved")
        message_rules.pause(session, rule_id=quiet.id)
        assert tell(session, Event.BOOKING_MOVED, **about) == 0
        assert [m.event for m in messages_of(session)] == ["booking_confirmed"]


def test_nothing_follows_for_nobody_for_the_archived_and_for_what_time_brings(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rule(session, "order_placed")
        rule(session, "birthday")
        gone = make.customer(session, archived_at=clock.now())
        assert tell(session, Event.ORDER_PLACED, customer_id=None) == 0
        assert tell(session, Event.ORDER_PLACED, customer_id=gone.id) == 0
        assert tell(session, Event.BIRTHDAY, customer_id=make.customer(session).id) == 0
        assert messages_of(session) == []


def test_another_vendors_rules_say_nothing_here(vendor: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        rule(session, "order_placed")
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        assert tell(session, Event.ORDER_PLACED, customer_id=customer.id) == 0


def test_conditions_ask_for_service_category_below_and_channel(vendor: int) -> None:
    with acting(SYSTEM), begin() as session:
        hair = make.category(session)
        cuts = make.category(session, parent_id=hair.id)
    with acting(vendor_actor(vendor)), begin() as session:
        cut, wash = make.service(session, category_id=cuts.id), make.service(session)
        rule(session, "booking_no_show", service_id=cut.id)
        rule(session, "booking_no_show", category_id=hair.id)
        rule(session, "booking_no_show", came_by="online")
        told = []
        for service, channel in ((cut, "online"), (cut, "phone"), (wash, "online")):
            booking = make.booking(session, service=service, channel=channel)
            told.append(
                tell(
                    session, Event.BOOKING_NO_SHOW, customer_id=booking.customer_id,
                    booking_id=booking.id,
                )
            )  # fmt: skip
        assert told == [3, 2, 1]


def test_a_rule_may_plan_a_task_instead(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        ana = make.staff_member(session)
        rule(
            session, "order_delivered", action="task", days=3, task_kind="delivery_check",
            task_title="Is all well with the order?", assignee_id=ana.id,
        )  # fmt: skip
        customer = make.customer(session)
        order = make.order(session, customer=customer)
        about = {"customer_id": customer.id, "order_id": order.id}
        assert tell(session, Event.ORDER_DELIVERED, **about) == 1
        assert tell(session, Event.ORDER_DELIVERED, **about) == 0
        [task] = session.scalars(select(Task)).all()
        assert (task.kind, task.assignee_id, task.order_id) == (
            "delivery_check", ana.id, order.id,
        )  # fmt: skip
        assert task.due_at == clock.now() + timedelta(days=3)
        assert messages_of(session) == []


def test_what_would_come_after_it_is_of_any_use_is_not_said(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rule(session, "booking_no_show", minutes=30)
        customer = make.customer(session)
        told = tell(
            session, Event.BOOKING_NO_SHOW, customer_id=customer.id,
            useless_at=clock.now() + timedelta(minutes=20),
        )  # fmt: skip
        assert told == 0


def test_a_delay_past_the_booking_itself_says_nothing_and_stops_nobody(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rule(session, "booking_confirmed", days=2)
        rule(session, "booking_confirmed", days=2, action="task", task_title="Prepare")
        rule(session, "booking_moved", minutes=30)
        booking = make.booking(session, starts_at=clock.now() + timedelta(days=1))
        about = {"customer_id": booking.customer_id, "booking_id": booking.id}
        assert tell(session, Event.BOOKING_CONFIRMED, **about) == 0
        assert tell(session, Event.BOOKING_MOVED, **about) == 1
        assert [m.event for m in messages_of(session)] == ["booking_moved"]


def test_orders_parcels_and_tasks_tell_by_themselves(vendor: int) -> None:
    events = ("order_placed", "order_shipped", "order_delivered", "task_done")
    with acting(vendor_actor(vendor)), begin() as session:
        for event in events:
            rule(session, event)
        customer, variant = make.customer(session), make.variant(session)
        line = DraftLine(kind=LineKind.PRODUCT, item_id=variant.id, quantity=2)
        draft = orders.save_draft(session, lines=[line], customer_id=customer.id)
        orders.place(session, order_id=draft.id)
        parcel = shipments.pack(session, order_id=draft.id)
        shipments.hand_over(session, shipment_id=parcel.id)
        shipments.deliver(session, shipment_id=parcel.id)
        task = tasks.plan(session, title="Ask how it was", customer_id=customer.id)
        tasks.finish(session, task_id=task.id, outcome="Happy")
        hear(session)
        told = messages_of(session)
        assert [m.event for m in told] == list(events)
        assert [m.order_id for m in told] == [draft.id] * 3 + [None]
        assert told[3].task_id == task.id


def test_a_booking_costs_one_promise_however_many_rules_speak_of_it(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        for action in ("message", "task"):
            rule(session, "booking_confirmed", action=action, task_title="Prepare")
        booking = bookings.book(
            session, customer_id=make.customer(session).id, service_id=make.service(session).id,
            starts_at=clock.now() + timedelta(days=1), status=BookingStatus.CONFIRMED,
        )  # fmt: skip
        [promise] = session.scalars(select(OutboxMessage)).all()
        assert (promise.task, promise.vendor_id) == (happenings.TASK, vendor)
        payload = {"vendor_id": vendor, **promise.payload}
        assert messages_of(session) == []
    assert hears.apply(kwargs=payload).get() == 2
    assert hears.apply(kwargs=payload).get() == 0
    with acting(vendor_actor(vendor)), begin() as session:
        assert [m.booking_id for m in messages_of(session)] == [booking.id]
        assert [t.booking_id for t in session.scalars(select(Task))] == [booking.id]


def test_what_changed_before_it_was_heard_of_is_not_said(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        booking = make.booking(session, status="confirmed")
        about = {"customer_id": booking.customer_id, "booking_id": booking.id}
        happenings.tell(session, Event.BOOKING_MOVED, **about)
        booking.sequence += 1
        happenings.tell(session, Event.BOOKING_MOVED, **about)
        assert hear(session) == 2
        assert [(m.sequence, m.status) for m in messages_of(session)] == [
            (0, "suppressed"), (1, "queued"),
        ]  # fmt: skip


def test_only_rules_that_spoke_then_and_still_do_are_heard(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        made = [rule(session, "order_placed") for _ in range(3)]
        customer = make.customer(session)
        order = make.order(session, customer=customer)
        assert happenings.tell(
            session, Event.ORDER_PLACED, customer_id=customer.id, order_id=order.id
        )
        rule(session, "order_placed")
        message_rules.pause(session, rule_id=made[0].id)
        message_rules.remove(session, rule_id=made[1].id)
        assert hear(session) == 1
        assert [(m.key or "").split(":")[1] for m in messages_of(session)] == [str(made[2].id)]


def test_whoever_a_file_was_merged_into_hears_of_it(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rule(session, "order_placed")
        rule(session, "order_placed", action="task", task_title="Say thanks")
        mine, other = make.customer(session), make.customer(session)
        order = make.order(session, customer=other)
        happenings.tell(session, Event.ORDER_PLACED, customer_id=other.id, order_id=order.id)
        merging.merge(session, survivor_id=mine.id, merged_id=other.id)
        assert hear(session) == 2
        assert [m.customer_id for m in messages_of(session)] == [mine.id]
        assert [t.customer_id for t in session.scalars(select(Task))] == [mine.id]


def test_a_paused_or_removed_rule_wants_nothing_sent_any_more(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        made = rule(session, "order_placed")
        key = happenings.key_of(made, "order_placed:order:1")
        assert message_rules.wants(session, key=key)
        assert message_rules.wants(session, key=None)
        assert message_rules.wants(session, key="booking_confirmed.1.0.2.email")
        message_rules.pause(session, rule_id=made.id)
        assert not message_rules.wants(session, key=key)
        message_rules.resume(session, rule_id=made.id)
        assert message_rules.wants(session, key=key)
        message_rules.remove(session, rule_id=made.id)
        assert not message_rules.wants(session, key=key)
