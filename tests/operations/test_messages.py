"""Messages: composed once, rendered when they are sent, held back when they are true no more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import messages
from app.operations.messages import Parcel
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.messages import Message
from models.outbox import OutboxMessage
from tests import make

TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def mails(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    """An installation that sends e-mail."""
    monkeypatch.setenv("SMTP_URL", f"file://{tmp_path}")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Amsterdam, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor(
        name="Salon\nAurora", city="Amsterdam", time_zone="Europe/Amsterdam"
    )
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def ana(session: Session, **fields: Any) -> Any:
    return make.customer(session, **{"full_name": "Ana Alves", "email": "ana@example.com"} | fields)


def a_booking(session: Session, customer: Any = None, **fields: Any) -> Booking:
    staff = make.staff_member(session, name="Rita")
    service = make.service(session, name="Haircut")
    return make.booking(
        session, customer=customer or ana(session), service=service, staff=staff, starts_at=TEN,
        **{"status": "confirmed"} | fields,
    )  # fmt: skip


def promises(session: Session) -> dict[int, int]:
    query = select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
    query = query.where(OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None))
    return {row.id: row.payload["message_id"] for row in session.scalars(query)}


def claimed() -> list[Parcel]:
    """What a worker is handed of all that is promised, in a transaction of its own."""
    with begin() as session:
        return messages.claim(session, deliveries=promises(session))


def now(message_id: int) -> Message:
    with begin() as session:
        return session.get_one(Message, message_id)


def composed(booking_id: int, event: str = "booking_confirmed", **more: Any) -> Message | None:
    with begin() as session:
        booking = session.get_one(Booking, booking_id)
        return messages.compose(
            session, customer_id=booking.customer_id, purpose="transactional", event=event,
            booking_id=booking.id, **more,
        )  # fmt: skip


def test_a_message_is_written_when_it_is_sent_in_the_vendors_time(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session, deposit=Decimal(5), price=Decimal(1040))
    told = composed(booking.id)
    assert told is not None
    assert (told.status, told.channel, told.body) == ("queued", "email", None)
    (parcel,) = claimed()
    assert parcel.subject == "Your booking is confirmed: Haircut, Monday 23 November 2026"
    assert parcel.body == (
        "Hello Ana,\n\n"
        "your booking is confirmed.\n\n"
        "What: Haircut\n"
        "With: Rita\n"
        "When: Monday 23 November 2026, 11:00 to 12:00 (Europe/Amsterdam)\n"
        "Where: Salon Aurora, Amsterdam\n"
        "Price: 1,040.00 EUR\n"
        "Deposit: 5.00 EUR\n\n"
        "We look forward to seeing you.\n\n"
        "Salon Aurora"
    )
    with begin() as session:
        assert messages.start(session, parcel)
    assert now(told.id).status == "sending"
    with begin() as session:
        messages.mark_sent(
            session, message_id=told.id, delivery_id=parcel.delivery_id, provider="smtp"
        )
    sent = now(told.id)
    assert (sent.status, sent.body, sent.address) == ("sent", parcel.body, "ana@example.com")
    assert claimed() == []


def test_the_same_change_is_told_once(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session)
    assert composed(booking.id) is not None
    assert composed(booking.id) is None
    with begin() as session:
        assert len(promises(session)) == 1
