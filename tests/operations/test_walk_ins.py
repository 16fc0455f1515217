"""Walk-ins: found by what they say, taken in, or numbered; whoever is free, now, checked in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import bookings, walk_ins
from app.operations.customers import CannotRead
from app.operations.schedules import CannotBook, Closed, OutsideHours, RoomTaken, SlotTaken
from app.operations.walk_ins import WhichOne
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.outbox import OutboxMessage
from models.vendors import Counter
from tests import make

JUST_NOW = make.NOON + timedelta(minutes=37, seconds=42, microseconds=7)
PHONE, E164 = "213 456 789", "+351213456789"


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at 12:37:42 on Friday, 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(JUST_NOW):
        yield vendor_id


def came(session: Session, **said: Any) -> Booking:
    """Who says this walks in, for a new service that nobody else does."""
    if "service_id" not in said:
        service, staff = make.service(session), make.staff_member(session)
        make.staff_service(session, service=service, staff=staff)
        said["service_id"] = service.id
    return walk_ins.begin(session, **said)


def refused(refusal: type[DomainError], **said: Any) -> DomainError:
    with pytest.raises(refusal) as caught, begin() as session:
        came(session, **said)
    return caught.value


def test_three_clicks_and_the_customer_is_here(shop: int) -> None:
    with begin() as session:
        known = make.customer(session).id
        booking = came(session, customer_id=known)
        assert booking.customer_id == known
        assert (booking.status, booking.channel) == ("checked_in", "walk_in")
        assert booking.starts_at == datetime(2026, 11, 20, 12, 37, tzinfo=UTC)
        assert booking.ends_at == booking.starts_at + timedelta(minutes=60)
        assert booking.checked_in_at == JUST_NOW
        assert booking.staff_id is not None
        # who stands there needs no letter about it
        assert session.scalar(select(func.count(OutboxMessage.id))) == 0


def test_who_says_nothing_is_numbered(shop: int) -> None:
    with begin() as session:
        session.add(Counter(vendor_id=shop, series=walk_ins.SERIES, value=117))
        names = [came(session).customer.name for _ in range(2)]
        assert names == ["Walk-in 0118", "Walk-in 0119"]
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        booking = came(session, name=" ", phone="")
        assert booking.customer.name == "Walk-in 0001"
        assert booking.customer.channel == "walk_in"


@pytest.mark.parametrize("column", ["phone", "phone_2"])
def test_a_phone_finds_its_customer(shop: int, column: str) -> None:
    with begin() as session:
        known = make.customer(session, full_name="Ana Alves", **{column: E164}).id
        make.customer(session, full_name="Gone", phone=E164, archived_at=JUST_NOW)
        assert came(session, phone=PHONE).customer_id == known
        assert came(session, phone=PHONE, name="ANA ÁLVES").customer_id == known


def test_a_family_shares_a_phone(shop: int) -> None:
    with begin() as session:
        ana = make.customer(session, full_name="Ana Alves", phone=E164).id
        rui = make.customer(session, full_name="Rui Alves", phone=E164).id
        assert came(session, phone=PHONE, name="rui alves").customer_id == rui
        child = came(session, phone=PHONE, name="Zé Alves").customer
        assert child.id not in (ana, rui)
        assert (child.full_name, child.phone) == ("Zé Alves", E164)
    refusal = refused(WhichOne, phone=PHONE)
    assert refusal.field == "phone"
    assert str(refusal) == (
        "Several customers have this phone number: choose one of them from the list."
    )


def test_a_file_with_a_bare_number_gets_the_name_that_is_said(shop: int) -> None:
    with begin() as session:
        bare = make.customer(session, full_name=None, phone=E164).id
        found = came(session, phone=PHONE, name="Ana Alves").customer
        assert (found.id, found.full_name) == (bare, "Ana Alves")


def test_a_name_finds_the_one_who_is_called_so(shop: int) -> None:
    with begin() as session:
        known = make.customer(session, full_name="Øyvind Ås").id
        make.customer(session, full_name="Øyvind Åsen")
        make.customer(session, full_name=None, company="oyvind as")
        assert came(session, name="oyvind  AS").customer_id == known
        new = came(session, name="Somebody\x00 New\n").customer
        assert (new.full_name, new.channel) == ("Somebody New", "walk_in")
        make.customer(session, full_name="Øyvind Ås")
    assert refused(WhichOne, name="Øyvind Ås").field == "name"


def test_what_cannot_be_read_takes_nobody_in(shop: int) -> None:
    assert refused(CannotRead, phone="12").field == "phone"
    assert refused(CannotRead, name="x" * 201).field == "name"
    refused(CannotBook, service_id=2**62)
    refused(CannotBook, customer_id=2**62)
    with begin() as session:
        assert session.scalar(select(func.count(Customer.id))) == 0
        assert session.scalar(select(func.count(Counter.id))) == 0


def test_whoever_is_free_does_it(shop: int) -> None:
    with begin() as session:
        service = make.service(session)
        busy, free, other = (make.staff_member(session, name=n) for n in ("Ada", "Bea", "Cleo"))
        for one in (busy, free):
            make.staff_service(session, service=service, staff=one)
        make.booking(session, staff=busy, starts_at=JUST_NOW - timedelta(minutes=30))
        assert came(session, service_id=service.id).staff_id == free.id
        taken, service_id, other_id = free.id, service.id, other.id
    refusal = refused(SlotTaken, service_id=service_id)
    assert str(refusal) == "Nobody is free for this now: choose another time."
    refused(SlotTaken, service_id=service_id, staff_id=taken)
    refused(CannotBook, service_id=service_id, staff_id=other_id)
    with begin() as session:
        squeezed = came(session, service_id=service_id, staff_id=taken, anyway="she insisted")
        assert (squeezed.overbooked, squeezed.status) == ("she insisted", "checked_in")


def test_who_was_done_early_is_free_at_once(shop: int) -> None:
    with begin() as session:
        first = came(session)
        bookings.complete(session, booking_id=first.id)
        second = came(session, service_id=first.service_id)
        assert second.staff_id == first.staff_id


def test_a_vendor_of_one_room_and_nobody_named_serves_too(shop: int) -> None:
    with begin() as session:
        service = make.service(session, kind="lab_test")
        room = make.resource(session, name="Lab")
        make.service_resource(session, service=service, resource=room)
        assert came(session, service_id=service.id).staff_id is None
        service_id = service.id
    assert "Lab" in str(refused(RoomTaken, service_id=service_id))


def test_a_closed_door_and_the_evening_say_so(shop: int) -> None:
    with begin() as session:
        service = make.service(session)
        staff = make.staff_member(session)
        make.staff_service(session, service=service, staff=staff)
        make.working_hours(session, weekday=4)
        service_id = service.id
    refused(OutsideHours, service_id=service_id)
    with begin() as session:
        make.time_off(session, reason="Flooded")
    assert "Flooded" in str(refused(Closed, service_id=service_id))


def test_somebody_stays_the_night(shop: int) -> None:
    with begin() as session:
        service = make.service(session, kind="stay")
        make.staff_member(session)
        booking = came(session, service_id=service.id)
        assert (booking.staff_id, booking.status) == (None, "checked_in")
        assert booking.starts_at == datetime(2026, 11, 20, 14, tzinfo=UTC)


def test_the_marketplace_takes_somebody_in_for_the_services_vendor(shop: int) -> None:
    with begin() as session:
        service = make.service(session)
        service_id = service.id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        make.customer(session, full_name="Ana Alves", phone=E164)
    with acting(admin_actor()), begin() as session:
        booking = came(session, service_id=service_id, name="Ana Alves", phone=PHONE)
        assert (booking.vendor_id, booking.customer.vendor_id) == (shop, shop)
