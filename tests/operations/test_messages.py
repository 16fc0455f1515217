"""Messages: composed once, rendered when they are sent, held back when they are true no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.gateways.mail import ServerAway
from app.operations import customers, forgetting, merging, messages, reaching, templates
from app.operations.messages import Parcel
from app.operations.moves import CannotMove
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


# --- to whom, by what, and when -----------------------------------------------------------------


def by_hand(session: Session, customer_id: int, **more: Any) -> Message:
    values = {"purpose": "transactional", "words": {"subject": "Coat", "body": "Here"}} | more
    told = messages.compose(session, customer_id=customer_id, **values)
    assert told is not None
    return told


def test_it_goes_as_the_customer_likes_it_else_by_what_is_known(
    shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_URL", "file:///nowhere")
    settings.cache_clear()
    with begin() as session:
        both = ana(session, phone="+351213456789")
        assert by_hand(session, both.id).channel == "email"
        reaching.prefer(session, customer_id=both.id, channel="sms")
        assert by_hand(session, both.id).channel == "sms"
        reaching.prefer(session, customer_id=both.id, channel="phone")
        assert by_hand(session, both.id).channel == "email"
        phone = make.customer(session, phone="+351213456780").id
        assert by_hand(session, phone).channel == "sms"
        nothing = make.customer(session, full_name="Bo").id
        assert by_hand(session, nothing).channel == "in_app"
        asked = by_hand(session, nothing, channel="email")
        assert (asked.status, asked.reason) == ("suppressed", "NoAddress")
        with pytest.raises(messages.CannotCarry):
            by_hand(session, nothing, channel="phone")


def test_a_merged_file_hears_through_the_one_it_became_and_its_messages_go_over(shop: int) -> None:
    with begin() as session:
        one, other = ana(session), ana(session, email="a.alves@example.com")
        sent = by_hand(session, other.id)
        merge = merging.merge(session, survivor_id=one.id, merged_id=other.id)
        assert by_hand(session, other.id).customer_id == one.id
        session.refresh(sent)
        assert sent.customer_id == one.id
        merging.undo_merge(session, merge_id=merge.id)
        session.refresh(sent)
        assert sent.customer_id == other.id


def test_nobody_is_told_who_was_forgotten_or_archived(shop: int) -> None:
    with begin() as session:
        gone, away = ana(session).id, ana(session).id
        forgetting.forget(session, customer_id=gone)
        customers.archive(session, customer_id=away)
        words = {"subject": "Coat", "body": "Here"}
        told = {"purpose": "transactional", "words": words}
        assert messages.compose(session, customer_id=gone, **told) is None
        held = by_hand(session, away)
        assert (held.status, held.reason) == ("suppressed", "NotHere")
        assert promises(session) == {}


@pytest.mark.parametrize("words", [None, {}, {"body": " \n "}, {"subject": "Coat"},
                                   {"body": "Here"}])  # fmt: skip
def test_nothing_written_is_refused(shop: int, words: Any) -> None:
    with begin() as session:
        customer_id = ana(session).id
        with pytest.raises(messages.NothingWritten):
            messages.compose(session, customer_id=customer_id, purpose="transactional", words=words)


def test_what_is_for_later_waits_and_is_useless_when_it_is_over(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session)
    later = composed(booking.id, "booking_reminder", send_at=TEN - timedelta(hours=1))
    late = composed(booking.id, "booking_reminder", send_at=TEN)
    assert later is not None
    assert late is not None
    assert (later.status, later.useless_at) == ("queued", TEN)
    assert (late.status, late.reason) == ("suppressed", "TooLate")
    with begin() as session:
        (row,) = session.scalars(select(OutboxMessage))
        assert row.available_at == TEN - timedelta(hours=1)
    with clock.stopped_at(TEN):
        assert claimed() == []
    assert (now(later.id).status, now(later.id).reason) == ("suppressed", "TooLate")


def test_a_vendors_own_words_take_the_place_of_the_houses_until_it_is_sent(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session)
    composed(booking.id)
    with begin() as session:
        template = templates.write(
            session, channel="email", event="booking_confirmed", subject="Até já",
            body="{{first_name}}, {{time}}",
        )  # fmt: skip
    (parcel,) = claimed()
    assert (parcel.subject, parcel.body) == ("Até já", "Ana, 11:00")
    with begin() as session:
        messages.start(session, parcel)
        templates.rewrite(session, template_id=template.id, subject="Olá", body="Changed")
    sent = now(parcel.message_id)
    assert (sent.body, sent.template_version_id) == ("Ana, 11:00", parcel.template_version_id)


def test_a_status_moves_only_where_it_can(shop: int) -> None:
    with begin() as session:
        one = by_hand(session, ana(session).id)
        with pytest.raises(messages.CannotRetry):
            messages.retry(session, message_id=one.id)
        with pytest.raises(CannotMove):
            messages.mark_delivered(session, message_id=one.id)
        messages.suppress(session, message_id=one.id, why=DomainError("Not now."))
        assert (one.status, one.error) == ("suppressed", "Not now.")
        messages.retry(session, message_id=one.id)
    (parcel, *_) = claimed()
    with begin() as session:
        messages.start(session, parcel)
        messages.mark_sent(
            session, message_id=one.id, delivery_id=parcel.delivery_id, provider="x",
            provider_id="x-1",
        )  # fmt: skip
    with begin() as session:
        for _ in range(2):  # providers say things twice
            messages.mark_delivered(session, message_id=one.id)
        with pytest.raises(CannotMove):
            messages.mark_failed(session, message_id=one.id, error=ServerAway(), for_good=True)
    assert (now(one.id).status, now(one.id).provider_id) == ("delivered", "x-1")


def test_calls_and_answers_are_written_down_once(shop: int) -> None:
    with begin() as session:
        customer_id = ana(session).id
        said = {"channel": "sms", "direction": "in", "body": "Yes\x00 please", "key": "sms:1"}
        heard = messages.log(session, customer_id=customer_id, provider_id="p-1", **said)
        assert messages.log(session, customer_id=customer_id, **said) is None
        call = messages.log(session, customer_id=customer_id, channel="phone", body="Called")
        for one in (heard, call):
            assert one is not None
            assert (one.status, one.delivered_at) == ("delivered", make.NOON)
        assert heard is not None
        assert (heard.direction, heard.body, heard.provider_id) == ("in", "Yes please", "p-1")
        assert promises(session) == {}
