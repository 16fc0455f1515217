"""Bookings: who gets a slot, what a booking may become, and what it leaves on the customer."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, schedules
from app.operations.bookings import (
    ClassIsFull,
    MovedTooOften,
    NeedsReason,
    NoNights,
    NotSomebody,
    RoomTaken,
)
from app.operations.prices import NotAnAmount
from app.operations.schedules import CannotBook, EndsBeforeStart, SlotTaken
from app.operations.zones import NoSuchTime, OutOfTime
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession
from models.resources import Resource, ResourceClaim
from models.services import Service
from models.staff import StaffMember
from models.words import Channel
from tests import make
from tests.operations.booking_desk import TEN, offered, promised


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def refused(refusal: type[DomainError], **fields: Any) -> DomainError:
    """The refusal that booking in a transaction of its own meets."""
    with pytest.raises(refusal) as caught, begin() as session:
        bookings.book(session, **fields)
    return caught.value


def test_a_booking_freezes_price_and_kind_and_lasts_as_long_as_its_service(shop: int) -> None:
    with begin() as session:
        ids = offered(session, duration_minutes=45)
        booking = bookings.book(session, **ids, starts_at=TEN)
        session.get_one(Service, ids["service_id"]).price = Decimal("99.00")
        assert booking.ends_at == TEN + timedelta(minutes=45)
        assert (booking.price, booking.kind, booking.status) == (40, "appointment", "pending")


@pytest.mark.parametrize(("gap", "free"), [(0, False), (14, False), (15, True)])
def test_the_larger_of_two_buffers_lies_between_bookings(shop: int, gap: int, free: bool) -> None:
    with begin() as session:
        first = offered(session, buffer_after_minutes=15)
        second = first | {
            "service_id": make.service(session, buffer_before_minutes=10).id,
            "starts_at": TEN + timedelta(minutes=60 + gap),
        }
        bookings.book(session, **first, starts_at=TEN)
    if not free:
        assert refused(SlotTaken, **second).field == "starts_at"
        return
    with begin() as session:
        assert bookings.book(session, **second).id


def test_a_cancelled_booking_frees_its_slot(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        first = bookings.book(session, **ids, starts_at=TEN)
        bookings.cancel(session, booking_id=first.id, reason="ill")
        assert bookings.book(session, **ids, starts_at=TEN).id != first.id
        assert (first.cancel_reason, first.cancelled_at) == ("ill", make.NOON)


def test_nobodys_bookings_may_overlap(shop: int) -> None:
    with begin() as session:
        free = offered(session) | {"staff_id": None}
        bookings.book(session, **free, starts_at=TEN)
        bookings.book(session, **free, starts_at=TEN)


def test_wall_time_is_where_the_vendor_is(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor(time_zone="Europe/Amsterdam"))), begin() as session:
        ids = offered(session)
        summer = bookings.book(session, **ids, starts_at=datetime(2026, 7, 1, 10))
        assert summer.starts_at == datetime(2026, 7, 1, 8, tzinfo=UTC)
        twice = bookings.book(session, **ids, starts_at=datetime(2026, 10, 25, 2, 30))
        assert twice.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        with pytest.raises(NoSuchTime, match="02:30 does not exist on Sunday 29 March"):
            bookings.book(session, **ids, starts_at=datetime(2026, 3, 29, 2, 30))


def test_a_duration_is_elapsed_minutes_when_the_clocks_change(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor(time_zone="Europe/Amsterdam"))), begin() as session:
        ids = offered(session, duration_minutes=180)
        for day in (datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)):
            booking = bookings.book(session, **ids, starts_at=day)
            assert booking.ends_at - booking.starts_at == timedelta(minutes=180)


def test_what_cannot_be_booked_is_said_at_its_field(shop: int) -> None:
    with begin() as session:
        ids = offered(session) | {"starts_at": TEN}
        gone = make.customer(session, archived_at=TEN).id
        old = make.service(session, is_active=False).id
        away = make.staff_member(session, is_active=False).id
    wrong = [
        (CannotBook, "customer_id", {"customer_id": gone}),
        (CannotBook, "customer_id", {"customer_id": 2**62}),
        (CannotBook, "service_id", {"service_id": old}),
        (CannotBook, "staff_id", {"staff_id": away}),
        (EndsBeforeStart, "ends_at", {"ends_at": TEN}),
        (OutOfTime, "starts_at", {"starts_at": TEN.replace(year=9999)}),
        (NotAnAmount, "price", {"price": Decimal("NaN")}),
        (NotAnAmount, "price", {"price": Decimal("-0.01")}),
        (NotAnAmount, "price", {"price": Decimal("1e30")}),
    ]
    for refusal, field, change in wrong:
        assert refused(refusal, **ids | change).field == field
    refused(DomainError, **ids, note="a\x00b")
    refused(DomainError, **ids | {"customer_id": 2**70})


def test_another_vendors_rows_cannot_be_booked(shop: int) -> None:
    with begin() as session:
        ids = offered(session) | {"starts_at": TEN}
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = offered(session)
    for field, other in foreign.items():
        assert refused(CannotBook, **ids | {field: other}).field == field
        with acting(admin_actor()):
            refused(CannotBook, **ids | {field: other})


def test_a_no_show_whose_slot_was_given_away_stays_one(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        first = bookings.book(session, **ids, starts_at=TEN)
        bookings.confirm(session, booking_id=first.id)
        bookings.mark_no_show(session, booking_id=first.id)
        bookings.book(session, **ids, starts_at=TEN)
        first_id = first.id
    with pytest.raises(SlotTaken), begin() as session:
        bookings.reopen(session, booking_id=first_id)


def test_a_moved_booking_keeps_its_length_and_asks_for_its_slot(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        taken = bookings.book(session, **ids, starts_at=TEN + timedelta(hours=3))
        booking = bookings.book(session, **ids, starts_at=TEN, ends_at=TEN + timedelta(minutes=20))
        moved = bookings.reschedule(
            session,
            booking_id=booking.id,
            starts_at=TEN + timedelta(hours=1),
            staff_id=ids["staff_id"],
        )
        assert moved.ends_at == TEN + timedelta(hours=1, minutes=20)
        where, when = moved.id, taken.starts_at
    with pytest.raises(SlotTaken), begin() as session:
        bookings.reschedule(session, booking_id=where, starts_at=when, staff_id=ids["staff_id"])
    with begin() as session:
        bookings.cancel(session, booking_id=where)
    with pytest.raises(CannotBook), begin() as session:
        bookings.reschedule(session, booking_id=where, starts_at=TEN)


def test_another_vendors_booking_is_not_here(shop: int) -> None:
    with begin() as session:
        booking_id = make.booking(session).id
    with (
        acting(vendor_actor(make.new_vendor())),
        pytest.raises(NotFound),
        begin() as session,
    ):
        bookings.cancel(session, booking_id=booking_id)


# --- what is agreed, and stays ------------------------------------------------------------


def units(session: Session, booking: Booking) -> list[tuple[str, int, bool]]:
    rows = session.execute(
        select(Resource.name, ResourceClaim.unit, ResourceClaim.held)
        .join(Resource, Resource.id == ResourceClaim.resource_id)
        .where(ResourceClaim.booking_id == booking.id)
        .order_by(Resource.name, ResourceClaim.unit)
    )
    return [tuple(row) for row in rows]


def with_room(session: Session, *, capacity: int = 1, quantity: int = 1, **service: Any) -> Any:
    """The ids for a service that needs a room of `capacity` units."""
    ids = offered(session, **service)
    made = session.get_one(Service, ids["service_id"])
    room = make.resource(session, name=f"Room {ids['service_id']}", capacity=capacity)
    make.service_resource(session, service=made, resource=room, quantity=quantity)
    return ids


def test_price_minutes_deposit_and_terms_are_those_of_the_day_it_was_booked(shop: int) -> None:
    with begin() as session:
        ids = offered(session, deposit=Decimal(10))
        service = session.get_one(Service, ids["service_id"])
        staff = session.get_one(StaffMember, ids["staff_id"])
        make.staff_service(
            session, service=service, staff=staff, price=Decimal(55), duration_minutes=90
        )
        policy = make.policy(session, max_moves=3)
        booking = bookings.book(session, **ids, starts_at=TEN)
        service.deposit, policy.late_percent = Decimal(99), Decimal(0)
        session.flush()
        session.refresh(booking)
        assert (booking.price, booking.deposit) == (55, 10)
        assert booking.ends_at == TEN + timedelta(minutes=90)
        assert booking.terms is not None
        assert (booking.terms["late_percent"], booking.terms["max_moves"]) == ("50.00", 3)
        assert (
            bookings.book(
                session, **ids, starts_at=TEN + timedelta(hours=2), price=Decimal(1)
            ).price
            == 1
        )


def test_who_cannot_do_it_is_refused_by_name(shop: int) -> None:
    with begin() as session:
        ids = offered(session, name="Massage")
        able = make.staff_member(session, name="Bea")
        service = session.get_one(Service, ids["service_id"])
        make.staff_service(session, service=service, staff=able)
    said = refused(CannotBook, **ids, starts_at=TEN)
    assert said.field == "staff_id"
    assert "does not do Massage: choose Bea." in str(said)


def test_hours_bind_every_channel_and_notice_only_customers(shop: int) -> None:
    with begin() as session:
        ids = offered(session, min_notice_minutes=60, max_advance_days=7)
        make.working_hours(session, weekday=5, starts=time(8), ends=time(13))
    with begin() as session:
        bookings.book(session, **ids, starts_at=TEN)  # two hours ago: by staff
    soon = make.NOON + timedelta(minutes=59)
    for channel in (Channel.ONLINE, Channel.PARTNER):
        refused(schedules.TooSoon, **ids, starts_at=TEN, channel=channel)
        refused(schedules.TooSoon, **ids | {"staff_id": None}, starts_at=soon, channel=channel)
        refused(schedules.TooFarAhead, **ids, starts_at=TEN + timedelta(days=14), channel=channel)
    for channel in Channel:
        late = make.NOON + timedelta(minutes=30)
        refused(schedules.OutsideHours, **ids, starts_at=late + timedelta(days=7), channel=channel)


def test_a_confirmed_booking_is_announced_and_one_in_the_past_is_not(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        later = TEN + timedelta(days=1)
        bookings.book(session, **ids, starts_at=later)
        assert promised(session) == []
        bookings.book(
            session, **ids, starts_at=later + timedelta(hours=2), status=BookingStatus.CONFIRMED
        )
        assert promised(session) == [("confirmed", "")]
        bookings.book(session, **ids, starts_at=TEN, status=BookingStatus.CONFIRMED)
        assert len(promised(session)) == 1


def test_what_a_booking_cannot_begin_as_is_refused(shop: int) -> None:
    with begin() as session:
        ids = offered(session) | {"starts_at": TEN}
    wrong = [
        ("status", {"status": "completed"}),
        ("status", {"status": "confirmed", "held_until": make.NOON}),
        ("seats", {"seats": 0}),
        ("seats", {"seats": 2}),
    ]
    for field, change in wrong:
        assert refused(CannotBook, **ids | change).field == field
    assert refused(NeedsReason, **ids, anyway=" ").field == "anyway"
    year = timedelta(days=366, minutes=1)
    refused(schedules.TooLong, **ids, ends_at=TEN + year)


# --- rooms ----------------------------------------------------------------------------------


def test_a_room_is_claimed_while_the_booking_stands(shop: int) -> None:
    with begin() as session:
        ids = with_room(session, capacity=2, buffer_after_minutes=30)
        name = f"Room {ids['service_id']}"
        first, second = (
            bookings.book(session, **ids | {"staff_id": None}, starts_at=TEN) for _ in range(2)
        )
        assert units(session, first) == [(name, 1, True)]
        assert units(session, second) == [(name, 2, True)]
        claim = session.scalars(select(ResourceClaim)).first()
        assert claim is not None
        assert claim.with_buffer_after == first.with_buffer_after
    full = refused(RoomTaken, **ids | {"staff_id": None}, starts_at=TEN + timedelta(minutes=80))
    assert name in str(full)
    with begin() as session:
        bookings.cancel(session, booking_id=first.id)
        assert units(session, first) == [(name, 1, False)]
        third = bookings.book(session, **ids | {"staff_id": None}, starts_at=TEN)
        assert units(session, third) == [(name, 1, True)]


def test_a_service_may_need_several_units(shop: int) -> None:
    with begin() as session:
        ids = with_room(session, capacity=3, quantity=2) | {"staff_id": None}
        booking = bookings.book(session, **ids, starts_at=TEN)
        assert [unit for _, unit, _ in units(session, booking)] == [1, 2]
    refused(RoomTaken, **ids, starts_at=TEN)


def test_a_moved_booking_keeps_its_room_if_it_can_and_changes_it_if_it_must(shop: int) -> None:
    with begin() as session:
        ids = with_room(session, capacity=2) | {"staff_id": None}
        noon = TEN + timedelta(hours=2)
        first = bookings.book(session, **ids, starts_at=TEN)
        second = bookings.book(session, **ids, starts_at=TEN)
        other = bookings.book(session, **ids, starts_at=noon + timedelta(hours=2))
        assert [u for _, u, _ in units(session, other)] == [1]
        bookings.reschedule(session, booking_id=second.id, starts_at=noon)
        assert [(u, held) for _, u, held in units(session, second)] == [(2, True)]
        bookings.reschedule(session, booking_id=first.id, starts_at=noon + timedelta(hours=2))
        assert [(u, held) for _, u, held in units(session, first)] == [(2, True)]
        claims = session.scalars(select(ResourceClaim)).all()
        assert len(claims) == 3
        assert {c.starts_at for c in claims} == {noon, noon + timedelta(hours=2)}
        last = second.id
    with pytest.raises(RoomTaken), begin() as session:
        bookings.reschedule(session, booking_id=last, starts_at=noon + timedelta(hours=2))


def test_a_no_show_whose_room_was_given_away_stays_one(shop: int) -> None:
    with begin() as session:
        ids = with_room(session) | {"staff_id": None, "starts_at": TEN}
        first = bookings.book(session, **ids, status=BookingStatus.CONFIRMED)
        bookings.mark_no_show(session, booking_id=first.id)
        bookings.book(session, **ids)
    with pytest.raises(RoomTaken), begin() as session:
        bookings.reopen(session, booking_id=first.id)


# --- stays ----------------------------------------------------------------------------------


def test_a_stay_goes_from_check_in_to_check_out_by_nights(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), begin() as session, clock.stopped_at(make.NOON):
        ids = with_room(session, capacity=2, kind="stay", price=Decimal("33.33"))
        ids |= {"staff_id": None}
        first = bookings.book(session, **ids, starts_at=datetime(2026, 10, 24, 23, 30), nights=2)
        assert first.starts_at == datetime(2026, 10, 24, 12, tzinfo=UTC)  # 14:00 in summer
        assert first.ends_at == datetime(2026, 10, 26, 10, tzinfo=UTC)  # 11:00 in winter
        assert first.price == Decimal("66.66")
        by_days = bookings.book(
            session, **ids,
            starts_at=datetime(2026, 10, 24), ends_at=datetime(2026, 10, 26, 18),
        )  # fmt: skip
        assert (by_days.starts_at, by_days.ends_at) == (first.starts_at, first.ends_at)
        one = bookings.book(session, **ids, starts_at=datetime(2026, 10, 26, 9, tzinfo=UTC))
        assert one.ends_at - one.starts_at == timedelta(hours=21)
        assert one.price == Decimal("33.33")
        service = session.get_one(Service, ids["service_id"])
        service.check_in_time, service.check_out_time = time(18), time(9, 30)
        session.flush()
        late = bookings.book(session, **ids, starts_at=datetime(2026, 11, 2), nights=1)
        assert late.ends_at - late.starts_at == timedelta(hours=15, minutes=30)


def test_a_stay_that_is_moved_keeps_its_nights_and_the_price_of_one(shop: int) -> None:
    with begin() as session:
        ids = with_room(session, kind="stay", price=Decimal(30)) | {"staff_id": None}
        stay = bookings.book(session, **ids, starts_at=datetime(2026, 11, 21), nights=3)
        session.get_one(Service, ids["service_id"]).price = Decimal(99)
        bookings.reschedule(session, booking_id=stay.id, starts_at=datetime(2026, 11, 22))
        assert stay.starts_at == datetime(2026, 11, 22, 14, tzinfo=UTC)
        assert stay.ends_at == datetime(2026, 11, 25, 11, tzinfo=UTC)
        assert stay.price == 90
        bookings.reschedule(
            session, booking_id=stay.id,
            starts_at=datetime(2026, 11, 22), ends_at=datetime(2026, 11, 27),
        )  # fmt: skip
        assert (stay.price, stay.ends_at) == (150, datetime(2026, 11, 27, 11, tzinfo=UTC))


def test_a_stay_of_no_nights_or_of_years_is_refused(shop: int) -> None:
    with begin() as session:
        ids = offered(session, kind="stay") | {"staff_id": None}
    day = datetime(2026, 11, 21, 20)
    for wrong in ({"nights": 0}, {"nights": -3}, {"ends_at": day}, {"ends_at": day.replace(day=1)}):
        assert refused(NoNights, **ids, starts_at=day, **wrong).field == "ends_at"
    refused(schedules.TooLong, **ids, starts_at=day, nights=367)
    refused(OutOfTime, **ids, starts_at=day.replace(year=3000))
    refused(OutOfTime, **ids, starts_at=day, ends_at=day.replace(year=3000))


# --- classes --------------------------------------------------------------------------------


def a_class(session: Session, **fields: Any) -> dict[str, Any]:
    """The ids of a customer and of a class that is still to come."""
    planned = make.class_session(
        session, **{"starts_at": TEN + timedelta(days=3), "seats": 3} | fields
    )
    return {
        "customer_id": make.customer(session).id,
        "service_id": planned.service_id,
        "class_session_id": planned.id,
        "starts_at": TEN,  # whatever is said: a class has its own time
    }


def test_a_place_in_a_class_takes_its_time_its_person_and_a_seat(shop: int) -> None:
    with begin() as session:
        staff = make.staff_member(session)
        ids = a_class(session, staff=staff)
        service = session.get_one(Service, ids["service_id"])
        make.staff_service(session, service=service, staff=staff, price=Decimal(12))
        booking = bookings.book(session, **ids, seats=2)
        planned = session.get_one(ClassSession, ids["class_session_id"])
        session.refresh(planned)
        assert (booking.staff_id, booking.starts_at) == (staff.id, planned.starts_at)
        assert (booking.price, planned.taken) == (24, 2)
    said = refused(ClassIsFull, **ids, seats=2)
    assert str(said) == "This class is full: put the customer on the waitlist."
    with begin() as session:
        bookings.book(session, **ids)
        bookings.cancel(session, booking_id=booking.id)
        planned = session.get_one(ClassSession, ids["class_session_id"])
        session.refresh(planned)
        assert planned.taken == 1


def test_what_is_no_class_to_come_is_refused(shop: int) -> None:
    with begin() as session:
        ids = a_class(session)
        off = a_class(session, status="cancelled")
        past = a_class(session, starts_at=TEN)
        service = session.get_one(Service, past["service_id"])
        service.min_notice_minutes, service.max_advance_days = 60, 2
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = a_class(session)["class_session_id"]
    assert refused(CannotBook, **ids | {"class_session_id": None}).field == "starts_at"
    for other in (foreign, off["class_session_id"], 2**62):
        assert refused(CannotBook, **ids | {"class_session_id": other})
    refused(CannotBook, **off)
    assert refused(CannotBook, **ids, anyway="more come").field == "anyway"
    refused(schedules.TooSoon, **past, channel=Channel.ONLINE)
    with begin() as session:
        bookings.book(session, **past)  # at the counter, afterwards
        far = make.class_session(session, service=service, starts_at=TEN + timedelta(days=3))
        late = make.class_session(session, service=service, starts_at=TEN + timedelta(days=2))
        ids = past | {"class_session_id": far.id}
        bookings.book(session, **past | {"class_session_id": late.id}, channel=Channel.ONLINE)
    refused(schedules.TooFarAhead, **ids, channel=Channel.ONLINE)


def test_a_place_in_a_class_is_not_dragged_to_another_time(shop: int) -> None:
    with begin() as session:
        booking_id = bookings.book(session, **a_class(session)).id
    with pytest.raises(CannotBook, match="place in a class"), begin() as session:
        bookings.reschedule(session, booking_id=booking_id, starts_at=TEN)


# --- overbooked on purpose ------------------------------------------------------------------


def test_a_booking_may_overlap_for_a_reason_and_blocks_nobody(shop: int) -> None:
    with begin() as session:
        ids = with_room(session)
        bookings.book(session, **ids, starts_at=TEN)
        squeezed = bookings.book(session, **ids, starts_at=TEN, anyway=" Regular,\nin pain ")
        assert squeezed.overbooked == "Regular, in pain"
        assert squeezed.with_buffer_before.isempty
        assert squeezed.with_buffer_after.isempty
        assert squeezed.ends_at == TEN + timedelta(minutes=60)
        assert units(session, squeezed) == []
        later = TEN + timedelta(hours=1)
        bookings.reschedule(
            session, booking_id=squeezed.id, starts_at=later, staff_id=ids["staff_id"]
        )
        assert (squeezed.overbooked, squeezed.with_buffer_after.isempty) == (None, False)
        assert [held for _, _, held in units(session, squeezed)] == [True]
        bookings.reschedule(
            session, booking_id=squeezed.id, starts_at=TEN, staff_id=ids["staff_id"],
            anyway="again",
        )  # fmt: skip
        assert (squeezed.overbooked, squeezed.with_buffer_after.isempty) == ("again", True)
        assert units(session, squeezed) == []
        bookings.book(session, **ids, starts_at=later)


def test_even_an_overbooked_time_needs_somebody_who_can_do_it(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        service = session.get_one(Service, ids["service_id"])
        make.staff_service(session, service=service, staff=make.staff_member(session))
        stay = offered(session, kind="stay", price=Decimal(20)) | {"staff_id": None}
        night = bookings.book(session, **stay, starts_at=TEN, nights=3, anyway="attic")
        assert night.price == 60
    assert refused(CannotBook, **ids, starts_at=TEN, anyway="please").field == "staff_id"


# --- moved ----------------------------------------------------------------------------------


def test_a_move_carries_terms_and_deposit_and_is_told(shop: int) -> None:
    with begin() as session:
        make.policy(session)
        ids = offered(session, deposit=Decimal(5))
        booking = bookings.book(session, **ids, starts_at=TEN + timedelta(days=2))
        kept = booking.terms, booking.deposit, booking.price, booking.public_ref
        moved = bookings.reschedule(
            session, booking_id=booking.id, starts_at=TEN + timedelta(days=3),
            staff_id=ids["staff_id"],
        )  # fmt: skip
        assert moved.id == booking.id
        assert (moved.terms, moved.deposit, moved.price, moved.public_ref) == kept
        assert (moved.sequence, moved.moves) == (1, 0)
        assert promised(session) == [("moved", "2026-11-22T10:00:00+00:00")]
        assert bookings.book(session, **ids, starts_at=TEN + timedelta(days=2)).id


def test_what_stays_as_it_was_is_no_move(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        booking = bookings.book(session, **ids, starts_at=TEN)
        bookings.reschedule(
            session, booking_id=booking.id, starts_at=TEN, staff_id=ids["staff_id"], by="customer"
        )
        assert (booking.sequence, booking.moves, promised(session)) == (0, 0, [])
        bookings.reschedule(session, booking_id=booking.id, starts_at=TEN)
        assert (booking.staff_id, booking.sequence) == (None, 1)


def test_a_customer_moves_as_often_as_agreed_and_the_vendor_any_time(shop: int) -> None:
    with begin() as session:
        make.policy(session, max_moves=1)
        ids = offered(session, min_notice_minutes=120)
        later = TEN + timedelta(days=1)
        booking = bookings.book(session, **ids, starts_at=later, channel=Channel.ONLINE)
        mine = {"booking_id": booking.id, "staff_id": booking.staff_id, "by": "customer"}
    too_soon = make.NOON + timedelta(minutes=119)
    with pytest.raises(schedules.TooSoon), begin() as session:
        bookings.reschedule(session, **mine, starts_at=too_soon)
    with begin() as session:
        moved = bookings.reschedule(session, **mine, starts_at=later + timedelta(hours=1))
        assert moved.moves == 1
    with pytest.raises(MovedTooOften, match="once, and has"), begin() as session:
        bookings.reschedule(session, **mine, starts_at=later)
    with pytest.raises(NotSomebody), begin() as session:
        bookings.reschedule(session, **mine | {"by": "mother"}, starts_at=later)
    with begin() as session:
        moved = bookings.reschedule(session, **mine | {"by": "vendor"}, starts_at=too_soon)
        assert (moved.moves, moved.sequence) == (1, 2)


def test_an_offer_is_not_moved_but_answered(shop: int) -> None:
    with begin() as session:
        booking = bookings.book(
            session, **offered(session), starts_at=TEN + timedelta(days=1), held_until=make.NOON
        )
        with pytest.raises(CannotBook, match="wait for the answer"):
            bookings.reschedule(session, booking_id=booking.id, starts_at=TEN)
        bookings.confirm(session, booking_id=booking.id)
        assert (booking.held_until, booking.sequence) == (None, 1)
        assert promised(session) == [("confirmed", "")]


def test_a_retired_service_can_still_be_moved(shop: int) -> None:
    with begin() as session:
        ids = offered(session)
        booking = bookings.book(session, **ids, starts_at=TEN)
        session.get_one(Service, ids["service_id"]).is_active = False
        moved = bookings.reschedule(
            session, booking_id=booking.id, starts_at=TEN + timedelta(hours=1)
        )
        assert moved.starts_at == TEN + timedelta(hours=1)
