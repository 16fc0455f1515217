"""Invariant 26: each change is told once, no offer after a no, nothing at night that can wait, and
nothing of what was called off; and never more offers to a person than anybody gets.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text

from app import clock
from app.database import begin
from app.operations import (
    contacting,
    messages,
    outcomes,
    provider_events,
    reaching,
    replies,
    stop_links,
    unsubscribing,
)
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.provider_events import Heard, ProviderEventKind
from models.suppressions import Suppression
from tests import make
from tests.chance import examples
from tests.webclient import settled

MONDAY = datetime(2026, 10, 19, tzinfo=UTC)  # the clocks go back on the Sunday after
SENDS = {"SMTP_URL": "file:///tmp", "MAIL_FROM": "a@b.example", "SMS_URL": "file:///tmp"}

WRITE = st.tuples(
    st.just("write"), st.sampled_from(["marketing", "reminder", "transactional"]),
    st.sampled_from(["email", "sms"]), st.integers(0, 30),
)  # fmt: skip
STEPS = st.lists(
    st.one_of(
        WRITE,
        WRITE,
        WRITE,
        st.tuples(st.just("remind"), st.integers(-4, 4)),
        st.tuples(
            st.just("say"), st.sampled_from(["reminder", "marketing"]),
            st.sampled_from(["email", "sms"]), st.booleans(),
        ),
        st.tuples(st.just("link"), st.sampled_from(["reminder", "marketing"])),
        st.tuples(st.just("text"), st.sampled_from(["STOP", "START", "See you"])),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    min_size=4, max_size=10,
)  # fmt: skip


class Shop:
    """A vendor, a customer and a booking; what goes out is checked as it goes."""

    def __init__(self, zone: str) -> None:
        self.vendor_id, self.now = make.new_vendor(time_zone="Europe/Berlin"), MONDAY
        self.zone, self.sent, self.wants = zone, Counter[str](), dict[tuple[str, str], bool]()
        self.cancelled = False
        with self.acts(), begin() as session:
            customer = make.customer(
                session, email=f"ana{make.number()}@example.com",
                phone=f"+3161{make.number():07d}", time_zone=zone,
            )  # fmt: skip
            self.customer_id = customer.id
            for channel in ("email", "sms"):
                self.say(session, "marketing", channel, True)
            self.booking_id = make.booking(
                session, customer=customer, status="confirmed",
                starts_at=MONDAY + timedelta(days=3, hours=6),
            ).id  # fmt: skip

    def acts(self) -> Any:
        return acting(vendor_actor(self.vendor_id))

    def step(self, verb: str, *asked: Any) -> None:
        with clock.stopped_at(self.now), self.acts():
            with begin() as session:
                getattr(self, verb)(session, *asked)
            self.send()
        self.now += timedelta(minutes=7)

    def write(self, session: Any, purpose: str, channel: str, hours: int) -> None:
        messages.compose(
            session, customer_id=self.customer_id, purpose=purpose, channel=channel,
            words={"subject": "Hello", "body": "Hello"}, send_at=self.now + timedelta(hours=hours),
        )  # fmt: skip

    def remind(self, session: Any, hours: int) -> None:
        booking = session.get_one(Booking, self.booking_id)
        messages.compose(
            session, customer_id=self.customer_id, purpose="reminder", event="booking_reminder",
            booking_id=booking.id, channel="email", key=f"remind.{booking.id}",
            send_at=booking.starts_at - timedelta(hours=24 + hours),
        )  # fmt: skip

    def say(self, session: Any, purpose: str, channel: str, granted: bool) -> None:
        reaching.consent(
            session, customer_id=self.customer_id, channel=channel, purpose=purpose,
            granted=granted, source="counter",
        )  # fmt: skip
        self.wants[purpose, channel] = granted

    def link(self, session: Any, purpose: str) -> None:
        unsubscribing.stop(
            session, stop_links.Named(self.vendor_id, self.customer_id, "email", purpose)
        )
        self.wants[purpose, "email"] = False

    def text(self, session: Any, words: str) -> None:
        replies.note(session, customer_id=self.customer_id, channel="sms", text=words)
        if words == "STOP":
            self.wants["marketing", "sms"] = self.wants["reminder", "sms"] = False
        elif words == "START":  # the ledger says what holds again; an offer never without a yes
            held = reaching.in_force(session, customer_id=self.customer_id)
            for purpose in ("marketing", "reminder"):
                if ("sms", purpose) in held:
                    self.wants[purpose, "sms"] = held["sms", purpose].granted

    def cancel(self, session: Any) -> None:
        if not self.cancelled:
            outcomes.cancel(session, booking_id=self.booking_id, by="customer")
            self.cancelled = True

    def wait(self, session: Any, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def send(self) -> None:
        """What a worker does now, checked message by message."""
        with begin() as session:
            query = select(OutboxMessage).where(OutboxMessage.vendor_id == self.vendor_id)
            query = query.where(OutboxMessage.task == messages.TASK)
            due = OutboxMessage.done_at.is_(None), OutboxMessage.available_at <= clock.now()
            pairs = {r.id: r.payload["message_id"] for r in session.scalars(query.where(*due))}
            parcels = messages.claim(session, deliveries=pairs)
        for parcel in parcels:
            with begin() as session:
                if not messages.start(session, parcel):
                    continue
            with begin() as session:
                messages.mark_sent(
                    session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
                    provider="smtp",
                )  # fmt: skip
                self.look(session, session.get_one(Message, parcel.message_id))

    def look(self, session: Any, message: Message) -> None:
        self.sent[message.key or f"message {message.id}"] += 1
        assert max(self.sent.values()) == 1
        wanted = self.wants.get((message.purpose, message.channel))
        if message.purpose == "marketing":
            assert wanted is True
            assert "/unsubscribe/" in (message.body or "")
        elif message.purpose == "reminder":
            assert wanted is not False
        if message.purpose != "transactional":
            quiet = contacting.quiet_of(session, session.get_one(Customer, self.customer_id))
            assert quiet is not None
            assert str(quiet.zone) == self.zone
            assert not quiet.holds(clock.now())
        if message.event == "booking_reminder":
            assert not self.cancelled
            assert clock.now() < session.get_one(Booking, self.booking_id).starts_at


def test_what_goes_out_may_go_out(db: Connection) -> None:
    went: Counter[str] = Counter()

    @examples(15)
    @given(
        steps=STEPS,
        zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
    )
    def holds(steps: list[tuple[Any, ...]], zone: str) -> None:
        shop = Shop(zone)
        for step in [*steps, ("write", "reminder", "email", 2), ("wait", 40), ("wait", 40)]:
            shop.step(*step)
        with shop.acts(), begin() as session:
            offers = session.scalars(
                select(Message.sent_at)
                .where(Message.purpose == "marketing", Message.customer_id == shop.customer_id)
                .where(Message.sent_at.is_not(None))
                .order_by(Message.sent_at)
            ).all()
            for third, first in zip(offers[2:], offers, strict=False):
                assert third is not None
                assert first is not None
                assert third - first >= timedelta(days=7)
            query = select(Message.purpose).where(Message.customer_id == shop.customer_id)
            went.update(session.scalars(query.where(Message.sent_at.is_not(None))))

    with settled(**SENDS):
        holds()
    assert min(went[p] for p in ("transactional", "reminder", "marketing")) > 1, went


KINDS = [kind for kind in ProviderEventKind if kind is not ProviderEventKind.REPLY]


def test_what_is_told_in_any_order_and_any_number_ends_alike(db: Connection) -> None:
    vendor_id = make.new_vendor()

    def ends(events: list[tuple[ProviderEventKind, int]]) -> list[object]:
        with acting(vendor_actor(vendor_id)), begin() as session:
            address = f"ana{make.number()}@example.com"
            customer = make.customer(session, email=address)
            told = make.message(
                session, customer=customer, status="sent", address=address, tries=1,
                sent_at=make.NOON,
            )  # fmt: skip
            customer_id, message_id = customer.id, told.id
            known = session.scalar(select(Suppression.id).order_by(Suppression.id.desc())) or 0
        for kind, minutes in events:
            heard = Heard(
                f"{kind}-{minutes}-{message_id}", kind, make.NOON + timedelta(minutes=minutes),
                about=f"message-{message_id}",
            )  # fmt: skip
            with acting(SYSTEM):
                with begin() as session:
                    event_id = provider_events.store(session, provider="relay", heard=heard)
                with begin() as session:
                    provider_events.apply(session, event_id=event_id)
        with acting(vendor_actor(vendor_id)), begin() as session:
            held = reaching.in_force(session, customer_id=customer_id)
            alone = session.execute(
                select(Suppression.reason, Suppression.purpose).where(Suppression.id > known)
            )
            return [
                session.get_one(Message, message_id).status,
                sorted((key, one.granted) for key, one in held.items()),
                sorted((reason, purpose or "") for reason, purpose in alone),
            ]

    @examples(10)
    @given(
        events=st.lists(
            st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), min_size=1, max_size=5
        ),
        data=st.data(),
    )
    def alike(events: list[tuple[ProviderEventKind, int]], data: st.DataObject) -> None:
        with clock.stopped_at(make.NOON + timedelta(hours=1)):
            one = ends(events)
            other = ends([
                *data.draw(st.permutations(events)),
                *data.draw(st.lists(st.sampled_from(events), max_size=3)),
            ])  # fmt: skip
        assert one == other
        if any(kind is ProviderEventKind.DELIVERED for kind, _ in events):
            assert one[0] == "delivered"

    alike()


def test_eight_vendors_at_once_send_a_person_two_offers(fresh_database: str) -> None:
    vendors = [make.new_vendor() for _ in range(8)]
    asked = []
    for vendor_id in vendors:
        with acting(vendor_actor(vendor_id)), begin() as session:
            customer = make.customer(session, email="ana@example.com", phone="+31612345678")
            told = make.message(session, customer=customer, purpose="marketing")
            asked.append((vendor_id, told.id, customer.id))
    gate = threading.Barrier(len(asked))

    def take(vendor_id: int, message_id: int, customer_id: int) -> bool:
        with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
            gate.wait()
            with begin() as session:
                return contacting.count_contact(
                    session, message_id=message_id, customer_id=customer_id
                )

    with ThreadPoolExecutor(len(asked)) as pool:
        taken = list(pool.map(lambda one: take(*one), asked))
        assert sum(taken) == 2
        again = list(pool.map(lambda one: take(*one), asked))
    assert again == taken  # its own place stays its own
    with acting(SYSTEM), begin() as session:
        assert session.scalar(text("SELECT clear_contacts('2100-01-01')")) == 2 * 3
