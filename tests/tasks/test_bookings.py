"""Announcements: told once, in the vendor's time, to somebody without an address; never untrue."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.gateways.desk import DeskAnnouncements
from app.operations import announcing, forgetting
from app.operations.announcing import Event
from app.settings import settings
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.outbox import OutboxMessage
from tasks import relay as relays
from tasks.celery import MODULES, celery_app
from tests import make

TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    """The tasks of the modules that a worker reads."""
    celery_app.loader.import_default_modules()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Amsterdam, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor(
        name="Salon\nAurora", city="Amsterdam", time_zone="Europe/Amsterdam"
    )
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the announcements."""
    monkeypatch.setenv("VAR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path / "outbox"
    settings.cache_clear()


def bring() -> list[str]:
    """Do what relay and worker do with all that is due; the ids of the tasks."""
    handed: list[tuple[str, dict[str, object], str]] = []

    def send(task: str, *, kwargs: dict[str, object], task_id: str) -> None:
        handed.append((task, kwargs, task_id))

    with acting(SYSTEM), begin() as session:
        relays.relay(session, send)
    for task, kwargs, task_id in handed:
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id).get()
    return [task_id for _, _, task_id in handed]


def said(desk: Path) -> list[str]:
    return sorted(path.read_text() for path in desk.iterdir()) if desk.exists() else []


def a_booking(session: Session, **fields: object) -> Booking:
    customer = make.customer(session, full_name="Ana Alves", phone="+351213456789")
    staff = make.staff_member(session, name="Rita")
    service = make.service(session, name="Haircut")
    return make.booking(
        session, customer=customer, service=service, staff=staff, starts_at=TEN, **fields
    )


def told(booking: Booking, event: Event) -> str | None:
    with begin() as session:
        made = announcing.compose(session, booking_id=booking.id, event=event, currency="EUR")
    return made and made.text


def test_the_promise_names_a_task_that_the_worker_knows() -> None:
    assert "tasks.bookings" in MODULES
    assert announcing.TASK in celery_app.tasks


def test_an_announcement_is_written_once_in_the_vendors_time(shop: int, desk: Path) -> None:
    with begin() as session:
        booking = a_booking(session, deposit=Decimal(5), price=Decimal(1040))
        announcing.promise(session, booking, Event.CONFIRMED)
    (task_id,) = bring()
    assert said(desk) == [
        "Your booking is confirmed.\n\n"
        "For:     Ana Alves\n"
        "What:    Haircut, with Rita\n"
        "When:    Monday 23 November 2026, 11:00 to 12:00 (Europe/Amsterdam)\n"
        "Where:   Salon Aurora, Amsterdam\n"
        "Price:   1,040.00 EUR\n"
        "Deposit: 5.00 EUR\n\n"
        "To be told by +351 21 345 6789.\n"
    ]
    with acting(SYSTEM), begin() as session:
        message = session.scalars(select(OutboxMessage)).one()
    (file,) = desk.iterdir()
    file.unlink()
    celery_app.tasks[message.task].apply(
        kwargs={"vendor_id": shop, **message.payload}, task_id=task_id
    ).get()
    assert said(desk) == []  # a second delivery of a done message does nothing


def test_a_repeat_after_a_failure_replaces_its_file(desk: Path) -> None:
    written = DeskAnnouncements(desk)
    for text in ("half", "whole"):
        written.deliver(text=text, key="outbox-1/../../etc", customer_id=7)
    (file,) = desk.iterdir()
    assert (file.name, file.read_text()) == ("outbox-1-------etc.7.txt", "whole")
    assert file.stat().st_mode & 0o077 == 0
    assert desk.stat().st_mode & 0o077 == 0


def test_somebody_without_an_address_is_told_in_person(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session, full_name="Bo\x1b[31m \nWelcome: all")
        booking = make.booking(session, customer=customer, starts_at=TEN, seats=2, price=0)
    text = told(booking, Event.CONFIRMED)
    assert text is not None
    assert "For:     Bo [31m Welcome: all\n" in text
    assert ", 2 places\n" in text
    assert text.endswith("To be told in person: no phone number or e-mail address is known.\n")


def test_what_was_moved_says_the_time_before_and_a_stay_names_both_days(
    shop: int, desk: Path
) -> None:
    with begin() as session:
        booking = make.booking(
            session, starts_at=TEN, ends_at=TEN + timedelta(days=2, hours=-2), kind="stay"
        )
        for unit in (2, 3):
            room = make.resource(session, name="Kennel", capacity=3)
            make.claim(session, resource=room, booking=booking, unit=unit)
        announcing.promise(session, booking, Event.MOVED, was=TEN - timedelta(days=1))
    bring()
    (text,) = said(desk)
    assert "When:    Monday 23 November 2026, 11:00 to Wednesday 25 November 2026, 09:00 (" in text
    assert "Before:  Sunday 22 November 2026, 11:00\n" in text
    assert "Room:    Kennel 2, Kennel 3\n" in text


def test_a_cancelled_booking_tells_the_fee_and_the_reason(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session, status="cancelled", cancel_reason="ill", fee=Decimal(20))
    text = told(booking, Event.CANCELLED)
    assert text is not None
    assert "Fee:     20.00 EUR\nWhy:     ill\n" in text
    assert "Price" not in text


def test_an_offer_says_until_when_it_is_held_and_is_not_made_later(shop: int) -> None:
    with begin() as session:
        booking = a_booking(session, status="pending", held_until=make.NOON + timedelta(minutes=30))
    text = told(booking, Event.OFFER)
    assert text is not None
    assert "Answer:  until Friday 20 November 2026, 13:30; then the next one is asked" in text
    with clock.stopped_at(make.NOON + timedelta(minutes=30)):
        assert told(booking, Event.OFFER) is None


@pytest.mark.parametrize("status", ["pending", "confirmed", "completed", "cancelled", "no_show"])
def test_what_is_not_true_any_more_is_not_told(shop: int, desk: Path, status: str) -> None:
    with begin() as session:
        booking = a_booking(session, status=status)
        for event in Event:
            announcing.promise(session, booking, event)
    bring()
    true = {
        "pending": ["Your booking was moved."],
        "confirmed": ["Your booking is confirmed.", "Your booking was moved."],
        "completed": ["Thank you for coming."],
        "cancelled": ["Your booking was cancelled."],
        "no_show": [],
    }
    assert [text.split("\n", 1)[0] for text in said(desk)] == true[status]


def test_a_booking_that_is_gone_is_not_told(shop: int, desk: Path) -> None:
    with begin() as session:
        assert announcing.compose(session, booking_id=2**62, event="moved", currency="EUR") is None


def test_who_is_forgotten_is_forgotten_at_the_desk_too(shop: int, desk: Path) -> None:
    with begin() as session:
        ana = a_booking(session)
        bo = make.customer(session, full_name="Bo Berg")
        for booking in (ana, make.booking(session, customer=bo)):
            announcing.promise(session, booking, Event.CONFIRMED)
    bring()
    assert any("Ana Alves" in text for text in said(desk))
    with begin() as session:
        forgetting.forget(session, customer_id=ana.customer_id)
    bring()
    (left,) = said(desk)
    assert "For:     Bo Berg\n" in left


def test_announcements_go_after_two_weeks(desk: Path) -> None:
    assert celery_app.tasks["tasks.bookings.clear"].apply().get() == 0
    for days in (15, 13):
        DeskAnnouncements(desk).deliver(text="Come!", key=f"outbox-{days}", customer_id=7)
        then = (make.NOON - timedelta(days=days)).timestamp()
        os.utime(desk / f"outbox-{days}.7.txt", (then, then))
    with clock.stopped_at(make.NOON):
        assert celery_app.tasks["tasks.bookings.clear"].apply().get() == 1
    assert [path.name for path in desk.iterdir()] == ["outbox-13.7.txt"]
