"""Classes: planned for weeks, joined seat by seat, moved and called off with everybody in them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, class_sessions, waitlist
from app.operations.bookings import CannotBook, ClassIsFull, RoomTaken, SlotTaken
from app.operations.class_sessions import (
    AlreadyIn,
    CalledOff,
    CannotPlan,
    ClassIsOver,
    InThePast,
    NoSeats,
    NotAClass,
    TooFewSeats,
)
from app.operations.moves import CannotMove
from app.operations.rhythms import NoOccurrence, TooLong
from app.operations.schedules import CannotDoIt, EndsBeforeStart, OutsideHours
from app.operations.zones import NoSuchTime
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.resources import ResourceClaim
from models.services import Service
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from models.words import Channel
from tasks import waitlist as tasks
from tests import make
from tests.hearing import hear

LISBON = ZoneInfo("Europe/Lisbon")
TUESDAY = datetime(2026, 11, 24, 18)
"""Wall time, a week without a change of the clocks."""


@pytest.fixture
def gym(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def yoga(session: Session, **fields: Any) -> int:
    values = {"kind": "class", "capacity": 6, "duration_minutes": 60} | fields
    return make.service(session, **values).id


def a_class(session: Session, **fields: Any) -> ClassSession:
    """A class on Tuesday evening, planned as people plan it."""
    service = {name: fields.pop(name) for name in ("capacity", "price") if name in fields}
    values = {"service_id": yoga(session, **service), "starts_at": TUESDAY} | fields
    return class_sessions.plan(session, **values)[0]


def someone(session: Session, **fields: Any) -> int:
    return make.customer(session, **fields).id


def refused(refusal: type[DomainError], verb: Any, **fields: Any) -> DomainError:
    """The refusal that a verb in a transaction of its own meets."""
    with pytest.raises(refusal) as caught, begin() as session:
        verb(session, **fields)
    return caught.value


def announced(session: Session) -> list[tuple[int | None, str]]:
    hear(session)
    told = session.scalars(select(Message).order_by(Message.id))
    return [(one.booking_id, (one.event or "").removeprefix("booking_")) for one in told]


# --- planning -----------------------------------------------------------------------------


def test_a_class_has_the_seats_and_the_minutes_of_its_service(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=8)
        assert (found.seats, found.taken, found.status) == (8, 0, "scheduled")
        assert found.starts_at == datetime(2026, 11, 24, 18, tzinfo=UTC)
        assert found.ends_at - found.starts_at == timedelta(hours=1)
        assert a_class(session, seats=3, starts_at=TUESDAY + timedelta(days=1)).seats == 3


def test_weeks_are_planned_at_the_same_local_hour(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        with clock.stopped_at(datetime(2026, 10, 1, tzinfo=UTC)):
            planned = class_sessions.plan(
                session, service_id=yoga(session), starts_at=datetime(2026, 10, 13, 18), weeks=4
            )
        local = [one.starts_at.astimezone(LISBON) for one in planned]
        assert [moment.date() for moment in local] == [
            date(2026, 10, 13), date(2026, 10, 20), date(2026, 10, 27), date(2026, 11, 3),
        ]  # fmt: skip
        assert {moment.time() for moment in local} == {time(18)}
        assert [one.starts_at.hour for one in planned] == [17, 17, 18, 18]


def test_a_week_whose_hour_is_skipped_begins_that_much_later(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    march = clock.stopped_at(datetime(2026, 3, 1, tzinfo=UTC))
    with acting(vendor_actor(vendor_id)), march, begin() as session:
        planned = class_sessions.plan(
            session, service_id=yoga(session), starts_at=datetime(2026, 3, 22, 2, 30), weeks=3
        )
    zone = ZoneInfo("Europe/Amsterdam")
    hours = [one.starts_at.astimezone(zone).time() for one in planned]
    assert hours == [time(2, 30), time(3, 30), time(2, 30)]


def test_one_week_in_the_way_and_nothing_is_planned(gym: int) -> None:
    with begin() as session:
        staff, service = make.staff_member(session), yoga(session)
        make.booking(session, staff=staff, starts_at=datetime(2026, 12, 8, 18, tzinfo=UTC))
        wanted = {"service_id": service, "staff_id": staff.id, "starts_at": TUESDAY}
        elsewhere = wanted | {"starts_at": TUESDAY + timedelta(hours=1), "weeks": 4}
        assert len(class_sessions.plan(session, **elsewhere)) == 4
    refusal = refused(CannotPlan, class_sessions.plan, **wanted | {"weeks": 4})
    assert "On Tuesday 8 December, 18:00: This time is taken" in str(refusal)
    with begin() as session:
        assert len(session.scalars(select(ClassSession)).all()) == 4


def test_who_leads_a_class_is_there_and_nowhere_else(gym: int) -> None:
    with begin() as session:
        staff, service = make.staff_member(session), yoga(session)
        make.working_hours(session, staff=staff, weekday=2, starts=time(17), ends=time(20))
        wanted = {"service_id": service, "staff_id": staff.id, "starts_at": TUESDAY}
        class_sessions.plan(session, **wanted)
        other = make.service(session)
    with pytest.raises(SlotTaken), begin() as session:
        bookings.book(
            session, customer_id=someone(session), service_id=other.id, staff_id=staff.id,
            starts_at=TUESDAY,
        )  # fmt: skip
    refused(SlotTaken, class_sessions.plan, **wanted)
    outside = wanted | {"starts_at": TUESDAY + timedelta(hours=1, minutes=30)}
    refused(OutsideHours, class_sessions.plan, **outside)


def test_a_class_takes_its_room_and_leaves_it(gym: int) -> None:
    with begin() as session:
        service = yoga(session)
        room = make.resource(session)
        make.service_resource(session, service=session.get_one(Service, service), resource=room)
        found = class_sessions.plan(session, service_id=service, starts_at=TUESDAY)[0]
        assert [claim.unit for claim in session.scalars(select(ResourceClaim))] == [1]
        found_id = found.id
    refused(RoomTaken, class_sessions.plan, service_id=service, starts_at=TUESDAY)
    with begin() as session:
        later = TUESDAY + timedelta(minutes=30)
        class_sessions.move(session, class_session_id=found_id, starts_at=later)
        claim = session.scalars(select(ResourceClaim)).one()
        assert claim.starts_at == datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
        class_sessions.call_off(session, class_session_id=found_id)
        assert class_sessions.plan(session, service_id=service, starts_at=TUESDAY)


@pytest.mark.parametrize(
    ("refusal", "field", "change"),
    [
        (NoSeats, "seats", {"seats": 0}),
        (NoSeats, "seats", {"seats": -1}),
        (NoSeats, "seats", {"seats": 2**40}),
        (NoOccurrence, "weeks", {"weeks": 0}),
        (TooLong, "weeks", {"weeks": 104}),
        (TooLong, "weeks", {"weeks": 2**62}),
        (InThePast, "starts_at", {"starts_at": datetime(2026, 11, 19, 18)}),
        (NoSuchTime, "starts_at", {"starts_at": datetime(2027, 3, 28, 1, 30)}),
        (CannotBook, "service_id", {"service_id": 2**62}),
        (CannotDoIt, "staff_id", {"staff_id": 2**62}),
    ],
)
def test_what_cannot_be_planned_is_said_at_its_field(
    gym: int, refusal: type[DomainError], field: str, change: dict[str, Any]
) -> None:
    with begin() as session:
        wanted = {"service_id": yoga(session), "starts_at": TUESDAY}
    assert refused(refusal, class_sessions.plan, **wanted | change).field == field


def test_only_classes_are_planned_and_only_ones_own(gym: int) -> None:
    with begin() as session:
        appointment, gone = make.service(session).id, yoga(session, is_active=False)
        mine = yoga(session)
        make.staff_service(
            session, service=session.get_one(Service, mine), staff=make.staff_member(session)
        )
        cannot = make.staff_member(session).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        theirs, their_staff = yoga(session), make.staff_member(session).id
    refused(NotAClass, class_sessions.plan, service_id=appointment, starts_at=TUESDAY)
    for service_id in (gone, theirs):
        refused(CannotBook, class_sessions.plan, service_id=service_id, starts_at=TUESDAY)
    for staff_id in (cannot, their_staff):
        wanted = {"service_id": mine, "staff_id": staff_id, "starts_at": TUESDAY}
        refused(CannotDoIt, class_sessions.plan, **wanted)
        with acting(admin_actor()):
            refused(CannotDoIt, class_sessions.plan, **wanted)


# --- seats --------------------------------------------------------------------------------


def test_a_customer_joins_and_the_seats_are_counted(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=3, price=10)
        customer = someone(session)
        joined = class_sessions.join(
            session, class_session_id=found.id, customer_id=customer, seats=2
        )
        session.refresh(found)
        assert (joined.status, joined.kind, joined.price) == ("confirmed", "class", 20)
        assert (joined.starts_at, joined.ends_at) == (found.starts_at, found.ends_at)
        assert (found.seats, found.taken) == (3, 2)
        assert class_sessions.roster(session, class_session_id=found.id).free == 1


def test_a_class_takes_as_many_as_it_has_seats(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=3)
        ids = {"class_session_id": found.id}
        class_sessions.join(session, **ids, customer_id=someone(session), seats=2)
        late = someone(session)
    assert refused(ClassIsFull, class_sessions.join, **ids, customer_id=late, seats=2).field
    refused(NoSeats, class_sessions.join, **ids, customer_id=late, seats=0)
    with begin() as session:
        class_sessions.join(session, **ids, customer_id=late)
        one_more = someone(session)
    refused(ClassIsFull, class_sessions.join, **ids, customer_id=one_more)


def test_a_second_click_joins_nobody_twice(gym: int) -> None:
    with begin() as session:
        ids = {"class_session_id": a_class(session).id, "customer_id": someone(session)}
        first = class_sessions.join(session, **ids).id
    assert refused(AlreadyIn, class_sessions.join, **ids).field == "customer_id"
    with begin() as session:
        class_sessions.leave(session, booking_id=first)
        assert class_sessions.join(session, **ids).id != first


def test_who_leaves_frees_the_seat_once(gym: int) -> None:
    with begin() as session:
        found = a_class(session)
        ids = {"class_session_id": found.id, "customer_id": someone(session)}
        booking_id = class_sessions.join(session, **ids, seats=2).id
    with begin() as session:
        left = class_sessions.leave(session, booking_id=booking_id, reason="ill")
        assert (left.status, left.cancelled_by) == ("cancelled", "customer")
    refused(CannotMove, class_sessions.leave, booking_id=booking_id)
    with begin() as session:
        assert session.get_one(ClassSession, found.id).taken == 0
        appointment = make.booking(session).id
    refused(NotFound, class_sessions.leave, booking_id=appointment)


def test_a_class_that_has_begun_is_joined_at_the_counter_only(gym: int) -> None:
    with begin() as session:
        found = a_class(session)
        ids = {"class_session_id": found.id, "customer_id": someone(session)}
        starts, ends = found.starts_at, found.ends_at
    with clock.stopped_at(starts):
        refused(ClassIsOver, class_sessions.join, **ids, channel=Channel.ONLINE)
    with clock.stopped_at(ends):
        refused(ClassIsOver, class_sessions.join, **ids)
    with clock.stopped_at(starts + timedelta(minutes=5)), begin() as session:
        assert class_sessions.join(session, **ids).id


def test_who_cannot_join_hears_why(gym: int) -> None:
    with begin() as session:
        found, customer = a_class(session).id, someone(session)
        gone = someone(session, archived_at=make.NOON)
    refused(CannotBook, class_sessions.join, class_session_id=found, customer_id=gone)
    refused(CannotBook, class_sessions.join, class_session_id=found, customer_id=2**62)
    refused(NotFound, class_sessions.join, class_session_id=2**62, customer_id=customer)
    with acting(vendor_actor(make.new_vendor())):
        refused(NotFound, class_sessions.join, class_session_id=found, customer_id=customer)
        refused(NotFound, class_sessions.call_off, class_session_id=found)
        refused(NotFound, class_sessions.roster, class_session_id=found)
        with begin() as session:
            theirs = someone(session)
    with acting(admin_actor()):
        refused(CannotBook, class_sessions.join, class_session_id=found, customer_id=theirs)


def test_a_class_keeps_the_seats_that_are_taken(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=3).id
        class_sessions.join(session, class_session_id=found, customer_id=someone(session), seats=2)
    wanted = {"class_session_id": found}
    assert "2 seats are taken" in str(
        refused(TooFewSeats, class_sessions.set_seats, **wanted, seats=1)
    )
    refused(NoSeats, class_sessions.set_seats, **wanted, seats=0)
    with begin() as session:
        assert class_sessions.set_seats(session, **wanted, seats=2).seats == 2


# --- moved, called off --------------------------------------------------------------------


def test_everybody_moves_with_the_class_and_is_told(gym: int) -> None:
    with begin() as session:
        staff = make.staff_member(session)
        found = a_class(session, staff_id=staff.id)
        booking = class_sessions.join(
            session, class_session_id=found.id, customer_id=someone(session)
        )
        left = class_sessions.join(session, class_session_id=found.id, customer_id=someone(session))
        bookings.cancel(session, booking_id=left.id)
        before = booking.sequence
        moved = class_sessions.move(
            session, class_session_id=found.id, starts_at=TUESDAY + timedelta(minutes=30)
        )
        session.refresh(booking)
        assert moved.staff_id == staff.id
        assert booking.starts_at == moved.starts_at == datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
        assert booking.ends_at == moved.ends_at == datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
        assert booking.sequence == before + 1
        assert left.starts_at == datetime(2026, 11, 24, 18, tzinfo=UTC)
        assert announced(session)[-1] == (booking.id, "moved")


def test_a_class_is_moved_to_where_there_is_time_only(gym: int) -> None:
    with begin() as session:
        staff = make.staff_member(session)
        found = a_class(session, staff_id=staff.id)
        make.booking(session, staff=staff, starts_at=datetime(2026, 11, 24, 20, tzinfo=UTC))
        ids = {"class_session_id": found.id}
    refused(SlotTaken, class_sessions.move, **ids, starts_at=TUESDAY + timedelta(minutes=90))
    refused(InThePast, class_sessions.move, **ids, starts_at=datetime(2026, 11, 19, 18))
    back = {"starts_at": TUESDAY, "ends_at": TUESDAY}
    refused(EndsBeforeStart, class_sessions.move, **ids, **back)
    with begin() as session:
        longer = class_sessions.move(
            session, **ids, starts_at=TUESDAY, ends_at=TUESDAY + timedelta(hours=2)
        )
        assert longer.ends_at - longer.starts_at == timedelta(hours=2)


def test_a_class_is_called_off_with_all_its_bookings_and_costs_nothing(gym: int) -> None:
    with begin() as session:
        make.policy(session, free_hours=24 * 365)
        found = a_class(session, capacity=2)
        ids = {"class_session_id": found.id}
        booked = [
            class_sessions.join(session, **ids, customer_id=someone(session)).id for _ in range(2)
        ]
        entry = waitlist.join(session, **ids, customer_id=someone(session)).id
    with begin() as session:
        class_sessions.call_off(session, **ids, reason="The teacher is ill")
    with begin() as session:
        rows = [session.get_one(Booking, booking_id) for booking_id in booked]
        assert {(row.status, row.cancelled_by, row.fee) for row in rows} == {
            ("cancelled", "vendor", 0)
        }
        assert {row.cancel_reason for row in rows} == {"The teacher is ill"}
        called_off = session.get_one(ClassSession, found.id)
        assert (called_off.status, called_off.taken) == ("cancelled", 0)
        assert session.get_one(WaitlistEntry, entry).status == "expired"
        late = someone(session)
        promised = session.scalars(select(OutboxMessage.task).distinct()).all()
        assert "tasks.waitlist.fill" not in promised
    refused(CalledOff, class_sessions.join, **ids, customer_id=late)
    refused(CalledOff, class_sessions.call_off, **ids)
    refused(CalledOff, class_sessions.move, **ids, starts_at=TUESDAY)


def test_who_waits_for_its_leader_gets_the_hour_of_a_class_that_is_called_off(gym: int) -> None:
    with begin() as session:
        staff = make.staff_member(session)
        found = a_class(session, staff_id=staff.id)
        entry = waitlist.join(
            session, customer_id=someone(session), service_id=make.service(session).id,
            staff_id=staff.id, latest=TUESDAY + timedelta(days=1),
        )  # fmt: skip
        class_sessions.call_off(session, class_session_id=found.id)
        promised = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == "tasks.waitlist.fill_time")
        ).one()
        payload = {"vendor_id": gym, **promised.payload}
    tasks.fill_time.apply(kwargs=payload).get()
    with begin() as session:
        offered = session.get_one(WaitlistEntry, entry.id)
        assert offered.status == "offered"
        booking = session.get_one(Booking, offered.booking_id)
        assert (booking.starts_at, booking.staff_id) == (found.starts_at, staff.id)


def test_what_has_begun_is_neither_moved_nor_called_off(gym: int) -> None:
    with begin() as session:
        found = a_class(session)
        ids = {"class_session_id": found.id}
    with clock.stopped_at(found.starts_at):
        refused(ClassIsOver, class_sessions.call_off, **ids)
        refused(ClassIsOver, class_sessions.move, **ids, starts_at=TUESDAY + timedelta(days=1))


# --- given --------------------------------------------------------------------------------


def visits(session: Session, customer_id: int) -> tuple[int, int]:
    """Visits and no-shows that a customer's numbers tell."""
    found = session.get_one(Customer, customer_id, populate_existing=True)
    return found.visit_count, found.no_show_count


def test_a_class_is_completed_with_everybody_who_was_not_marked_as_missing(gym: int) -> None:
    with begin() as session:
        make.policy(session, no_show_percent=100)
        found = a_class(session, capacity=6, staff_id=make.staff_member(session).id)
        ids = {"class_session_id": found.id}
        people = [someone(session) for _ in range(4)]
        came, missed, unmarked, left = (
            class_sessions.join(session, **ids, customer_id=one) for one in people
        )
        asked = class_sessions.join(
            session, **ids, customer_id=someone(session), status=BookingStatus.PENDING, seats=2
        )
        bookings.cancel(session, booking_id=left.id)
        sequence = found.sequence
    with clock.stopped_at(found.starts_at + timedelta(minutes=50)), begin() as session:
        bookings.check_in(session, booking_id=came.id)
        bookings.mark_no_show(session, booking_id=missed.id)
        class_sessions.complete(session, **ids)
    with begin() as session:
        given = session.get_one(ClassSession, found.id)
        assert (given.status, given.taken, given.sequence) == ("completed", 3, sequence)
        rows = [session.get_one(Booking, one.id) for one in (came, missed, unmarked, left, asked)]
        assert [row.status for row in rows] == [
            "completed", "no_show", "completed", "cancelled", "cancelled",
        ]  # fmt: skip
        assert [row.fee for row in rows] == [0, rows[1].price, 0, 0, 0]
        assert (rows[4].cancelled_by, rows[2].completed_at) == (
            "system", found.starts_at + timedelta(minutes=50),
        )  # fmt: skip
        assert [visits(session, one) for one in people] == [(1, 0), (0, 1), (1, 0), (0, 0)]
        told = {(number, event) for number, event in announced(session)}
        assert {(came.id, "completed"), (unmarked.id, "completed")} <= told
        assert (missed.id, "completed") not in told
        # who led it is free from here on
        make.booking(
            session, staff=session.get_one(StaffMember, found.staff_id), starts_at=found.starts_at
        )


def test_what_is_offered_of_a_class_ends_with_it(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=1)
        ids = {"class_session_id": found.id}
        first = class_sessions.join(session, **ids, customer_id=someone(session))
        entries = [waitlist.join(session, **ids, customer_id=someone(session)).id for _ in "ab"]
        bookings.cancel(session, booking_id=first.id)
        waitlist.offer(session, entry_id=entries[0], minutes=7 * 24 * 60)
    with clock.stopped_at(found.starts_at), begin() as session:
        class_sessions.complete(session, **ids)
        rows = [session.get_one(WaitlistEntry, entry) for entry in entries]
        assert [(row.status, row.booking_id) for row in rows] == [("expired", None)] * 2
        held = session.scalars(select(Booking).where(Booking.held_until.is_not(None))).one()
        assert (held.status, held.fee) == ("cancelled", 0)
        assert (held.id, "cancelled") not in announced(session)


def test_a_class_is_completed_once_and_not_before_it_begins(gym: int) -> None:
    with begin() as session:
        found, other = a_class(session), a_class(session, starts_at=TUESDAY + timedelta(days=1))
        booking = class_sessions.join(
            session, class_session_id=found.id, customer_id=someone(session)
        )
        class_sessions.call_off(session, class_session_id=other.id)
    ids = {"class_session_id": found.id}
    refusal = refused(class_sessions.NotBegun, class_sessions.complete, **ids)
    assert "Tuesday 24 November, 18:00" in str(refusal)
    refused(NotFound, class_sessions.complete, class_session_id=2**62)
    with clock.stopped_at(found.starts_at):
        refused(CalledOff, class_sessions.complete, class_session_id=other.id)
        with acting(vendor_actor(make.new_vendor())):
            refused(NotFound, class_sessions.complete, **ids)
        with begin() as session:
            class_sessions.complete(session, **ids)
        refused(CannotMove, class_sessions.complete, **ids)
        refused(ClassIsOver, class_sessions.call_off, **ids)
        with begin() as session:
            late = someone(session)
        refused(ClassIsOver, class_sessions.join, **ids, customer_id=late)
        refused(CannotMove, bookings.mark_no_show, booking_id=booking.id)
    with begin() as session:
        assert visits(session, booking.customer_id) == (1, 0)


def test_a_class_that_is_over_asks_for_its_outcome_in_one_line(gym: int) -> None:
    with begin() as session:
        found = a_class(session)
        a_class(session, starts_at=TUESDAY + timedelta(days=1))  # nobody is in it
        ids = {"class_session_id": found.id}
        one, two = (class_sessions.join(session, **ids, customer_id=someone(session)) for _ in "ab")
        alone = make.booking(session, starts_at=TUESDAY.replace(tzinfo=UTC), status="confirmed")

    def asked() -> tuple[list[int], list[int]]:
        with begin() as session:
            lines = bookings.needs_outcome(session)
            return (
                [row.id for row in class_sessions.classes_needing_outcome(session)],
                [row.id for row in lines],
            )

    with clock.stopped_at(found.ends_at):
        assert asked() == ([], [])  # its grace is not over
    with clock.stopped_at(found.ends_at + timedelta(days=3)):
        assert asked() == ([found.id], [alone.id])
        with begin() as session:
            assert session.scalars(
                select(Booking.id).where(bookings.lacks_outcome(clock.now())).order_by(Booking.id)
            ).all() == [one.id, two.id, alone.id]
            bookings.mark_no_show(session, booking_id=one.id)
            class_sessions.complete(session, **ids)
        assert asked() == ([], [alone.id])
        with begin() as session:  # what is taken back afterwards asks by itself
            bookings.reopen(session, booking_id=one.id)
        assert asked() == ([], [alone.id, one.id])


def test_the_roster_shows_who_comes_and_who_waits(gym: int) -> None:
    with begin() as session:
        found = a_class(session, capacity=2)
        ids = {"class_session_id": found.id}
        names = ["Ana", "Bo", "Cy", "Di"]
        people = [someone(session, full_name=name) for name in names]
        first = class_sessions.join(session, **ids, customer_id=people[0]).id
        class_sessions.join(session, **ids, customer_id=people[1])
        waitlist.join(session, **ids, customer_id=people[2])
        with clock.stopped_at(make.NOON + timedelta(minutes=1)):
            waitlist.join(session, **ids, customer_id=people[3])
        shown = class_sessions.roster(session, **ids)
        assert [one.customer.full_name for one in shown.bookings] == ["Ana", "Bo"]
        assert [one.customer.full_name for one in shown.waiting] == ["Cy", "Di"]
        class_sessions.leave(session, booking_id=first)
        shown = class_sessions.roster(session, **ids)
        assert [one.customer.full_name for one in shown.bookings] == ["Bo"]
