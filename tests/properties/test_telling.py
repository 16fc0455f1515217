"""Invariant 26: whatever happens in whichever order, nobody is told twice, late, or unasked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import bookings, messages, reaching
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.customers import Consent
from models.messages import Message, MessageStatus
from models.outbox import OutboxMessage
from tests import make
from tests.chance import examples

BEGINS = datetime(2026, 11, 24, 18, tzinfo=UTC)
"""Of the booking; the clock begins at noon four days earlier, in Lisbon, where it is noon too."""
EVENTS = ("booking_confirmed", "booking_moved", "booking_cancelled", "booking_reminder", "birthday")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.sampled_from(EVENTS)),
        st.tuples(st.just("tell later"), st.integers(1, 100)),
        st.tuples(st.just("say"), st.tuples(st.sampled_from(["reminder", "marketing"]),
                                            st.booleans())),
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("move"), st.integers(1, 40)),
        st.tuples(st.sampled_from(["cancel", "send", "send"]), st.none()),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


class Story:
    """A customer, a booking, and what is told of it; `sent` is what went out, and when."""

    def __init__(self) -> None:
        with begin() as session:
            customer = make.customer(session, email=f"c{make.number()}@example.com")
            service, staff = make.service(session), make.staff_member(session)
            booking = make.booking(
                session, customer=customer, service=service, staff=staff, starts_at=BEGINS,
                status="confirmed",
            )  # fmt: skip
            self.customer, self.booking = customer.id, booking.id
        self.now = make.NOON
        self.sent: list[tuple[Message, datetime, str, int]] = []

    def step(self, what: str, how: Any) -> None:
        if what == "wait":
            self.now += timedelta(hours=how)
            return
        with clock.stopped_at(self.now), begin() as session:
            booking = session.get_one(Booking, self.booking)
            stands = booking.status == "confirmed" and booking.starts_at > self.now
            if what == "tell":
                self.tell(session, how)
            elif what == "tell later":
                self.tell(session, "booking_reminder", send_at=self.now + timedelta(hours=how))
            elif what == "say":
                purpose, granted = how
                reaching.consent(
                    session, customer_id=self.customer, channel="email", purpose=purpose,
                    granted=granted, source="form",
                )  # fmt: skip
            elif what == "move" and stands:
                to = max(booking.starts_at, self.now) + timedelta(hours=how)
                bookings.reschedule(
                    session, booking_id=self.booking, starts_at=to, staff_id=booking.staff_id,
                    anyway="asked for",
                )  # fmt: skip
            elif what == "cancel" and stands:
                bookings.cancel(session, booking_id=self.booking)
            elif what == "send":
                self.send(session, booking)

    def tell(self, session: Session, event: str, **more: Any) -> None:
        about = {} if event == "birthday" else {"booking_id": self.booking}
        messages.compose(
            session, customer_id=self.customer, purpose="transactional", event=event,
            channel="email", key=f"{event}:{self.customer}" if event == "birthday" else None,
            **about, **more,
        )  # fmt: skip

    def send(self, session: Session, booking: Booking) -> None:
        due = select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
        due = due.where(OutboxMessage.done_at.is_(None), OutboxMessage.available_at <= self.now)
        held = {row.id: row.payload["message_id"] for row in session.scalars(due)}
        for parcel in messages.claim(session, deliveries=held):
            if messages.start(session, parcel):
                messages.mark_sent(
                    session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
                    provider="smtp",
                )  # fmt: skip
                one = session.get_one(Message, parcel.message_id, populate_existing=True)
                self.sent.append((one, self.now, booking.status, booking.sequence))

    def check(self) -> None:
        with begin() as session:
            said = session.scalars(
                select(Consent).where(Consent.customer_id == self.customer).order_by(Consent.id)
            ).all()
            for one in session.scalars(select(Message).where(Message.customer_id == self.customer)):
                assert (one.error is not None) == (one.status == MessageStatus.SUPPRESSED)
        keys = [one.key for one, *_ in self.sent if one.key is not None]
        assert len(keys) == len(set(keys))
        assert len({one.id for one, *_ in self.sent}) == len(self.sent)
        for one, at, status, sequence in self.sent:
            assert one.send_at <= at
            assert one.useless_at is None or at < one.useless_at
            if one.event in ("booking_confirmed", "booking_reminder", "booking_moved"):
                assert (status, one.sequence) == ("confirmed", sequence)
            if one.event == "booking_cancelled":
                assert status == "cancelled"
            heard = [c.granted for c in said if c.purpose == one.purpose and c.at <= at]
            if one.purpose == "marketing":
                assert heard[-1:] == [True]
            if one.purpose == "reminder":
                assert heard[-1:] != [False]
            if one.purpose != "transactional":
                assert 8 <= at.hour < 21


def test_nobody_is_told_twice_late_or_unasked(db: Connection) -> None:
    @examples(10)
    @given(steps=STEPS)
    def holds(steps: list[Any]) -> None:
        with acting(vendor_actor(make.new_vendor())):  # what is due is this story's alone
            story = Story()
            for what, how in steps:
                story.step(what, how)
            story.step("send", None)
            story.check()

    holds()
