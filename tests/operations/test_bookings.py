"""Bookings: who gets a slot, what a booking may become, and what it leaves on the customer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, interests
from app.operations.bookings import NotYet
from app.operations.moves import CannotMove
from app.operations.prices import NotAnAmount
from app.operations.schedules import CannotBook, EndsBeforeStart, SlotTaken
from app.operations.zones import NoSuchTime, OutOfTime
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus
from models.customers import Customer
from models.interests import CustomerInterest
from models.services import Service
from models.staff import StaffMember
from tests import make

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def offered(session: Session, **service: Any) -> dict[str, Any]:
    """The ids that a booking needs."""
    return {
        "customer_id": make.customer(session).id,
        "service_id": make.service(session, **service).id,
        "staff_id": make.staff_member(session).id,
    }


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
        with pytest.raises(NoSuchTime, match="02:30 does not exist on 29 March 2026"):
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


VERBS = {
    BookingStatus.CHECKED_IN: bookings.check_in,
    BookingStatus.COMPLETED: bookings.complete,
    BookingStatus.CANCELLED: bookings.cancel,
    BookingStatus.NO_SHOW: bookings.mark_no_show,
}


@pytest.mark.parametrize("was", BookingStatus)
@pytest.mark.parametrize("to", VERBS)
def test_only_the_moves_of_the_table_are_made(
    shop: int, was: BookingStatus, to: BookingStatus
) -> None:
    with begin() as session:
        customer = make.customer(session, no_show_count=1)
        booking = make.booking(session, customer=customer, status=was, starts_at=TEN)
        if to in BOOKING_TRANSITIONS[was]:
            assert VERBS[to](session, booking_id=booking.id).status == to
        else:
            with pytest.raises(CannotMove, match="so it cannot become"):
                VERBS[to](session, booking_id=booking.id)


@pytest.mark.parametrize("was", BookingStatus)
def test_confirm_is_for_pending_and_reopen_for_no_shows(shop: int, was: BookingStatus) -> None:
    pairs = {bookings.confirm: BookingStatus.PENDING, bookings.reopen: BookingStatus.NO_SHOW}
    for verb, from_ in pairs.items():
        with begin() as session:
            customer = make.customer(session, no_show_count=1)
            booking = make.booking(session, status=was, customer=customer)
            if was == from_:
                assert verb(session, booking_id=booking.id).status == BookingStatus.CONFIRMED
            else:
                with pytest.raises(CannotMove):
                    verb(session, booking_id=booking.id)


def test_a_visit_is_remembered(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        for hour in (10, 11):
            booking = make.booking(session, customer=customer, starts_at=TEN.replace(hour=hour))
            bookings.complete(session, booking_id=booking.id)
        assert (customer.visit_count, customer.services_spent, customer.total_spent) == (2, 80, 80)
        assert customer.last_visit_at == TEN.replace(hour=11)
        assert [row.times for row in session.scalars(select(CustomerInterest))] == [1, 1]
        assert interests.drift(session) == []


def test_a_no_show_that_came_after_all_is_corrected(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        booking = make.booking(session, customer=customer, starts_at=TEN)
        bookings.mark_no_show(session, booking_id=booking.id)
        assert (customer.no_show_count, customer.visit_count) == (1, 0)
        bookings.complete(session, booking_id=booking.id)
        assert (customer.no_show_count, customer.visit_count) == (0, 1)
        assert interests.drift(session) == []


def test_nobody_is_a_no_show_before_the_time(shop: int) -> None:
    with begin() as session:
        later = make.booking(session, starts_at=make.NOON + timedelta(days=1)).id
    with pytest.raises(NotYet, match="21 November at 12:00"), begin() as session:
        bookings.mark_no_show(session, booking_id=later)
    with begin() as session:
        assert session.get_one(Booking, later).status == BookingStatus.CONFIRMED


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


def test_statistics_are_no_edit_of_the_record(shop: int) -> None:
    with begin() as session:
        booking = make.booking(session, starts_at=TEN)
        before = datetime(2020, 1, 1, tzinfo=UTC)
        customer = session.get_one(Customer, booking.customer_id)
        customer.updated_at = before
        session.flush()
        bookings.complete(session, booking_id=booking.id)
        session.refresh(customer)
        assert (customer.visit_count, customer.updated_at) == (1, before)


def test_an_item_that_moves_takes_its_buyers_along(shop: int) -> None:
    with acting(admin_actor()), begin() as session:
        category_id = make.category(session).id
    with begin() as session:
        booking = make.booking(session, starts_at=TEN, staff=make.staff_member(session))
        bookings.complete(session, booking_id=booking.id)
        booking.service.category_id, booking.service.kind = category_id, "class"
        session.flush()
        interest = session.scalars(select(CustomerInterest)).one()
        session.refresh(interest)
        assert (interest.category_id, interest.kind) == (category_id, "class")
        assert interests.drift(session) == []
        assert session.get(StaffMember, booking.staff_id)
