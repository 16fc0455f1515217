"""The waitlist: who is asked, for how long a slot or a seat is held, and who is asked next."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, class_sessions, waitlist
from app.operations.bookings import CannotBook, ClassIsFull, SlotTaken
from app.operations.class_sessions import AlreadyIn
from app.operations.moves import CannotMove
from app.operations.schedules import CannotDoIt, EndsBeforeStart, OutsideHours
from app.operations.waitlist import (
    AlreadyWaiting,
    BadWindow,
    CannotWait,
    NoLongerWaits,
    NoOffer,
    NoTime,
    NotMinutes,
    OfferIsOver,
    OfferStands,
    OfOneClass,
    SeatsLeft,
)
from app.operations.zones import NoSuchTime
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.waitlist import WaitlistEntry
from tasks import waitlist as tasks
from tests import make
from tests.hearing import hear

TUESDAY = datetime(2026, 11, 24, 10, tzinfo=UTC)
A_WEEK = make.NOON + timedelta(days=7)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


class Line:
    """A slot of an hour on Tuesday, taken; and customers in line for it, a minute apart."""

    def __init__(self, session: Session, waiting: int = 3, **wish: Any) -> None:
        self.service = make.service(session).id
        self.staff = make.staff_member(session, name="Ana").id
        self.taken = bookings.book(
            session, customer_id=make.customer(session).id, service_id=self.service,
            staff_id=self.staff, starts_at=TUESDAY,
        ).id  # fmt: skip
        self.entries = [self.one_more(session, n, **wish) for n in range(waiting)]

    def one_more(self, session: Session, minutes: int = 0, **wish: Any) -> int:
        with clock.stopped_at(clock.now() + timedelta(minutes=minutes)):
            values = {
                "customer_id": make.customer(session).id,
                "service_id": self.service,
                "latest": A_WEEK,
            } | wish
            return waitlist.join(session, **values).id


class Full:
    """A class of so many seats, all taken, and customers in line for a seat."""

    def __init__(self, session: Session, waiting: int = 3, seats: int = 2) -> None:
        service = make.service(session, kind="class", capacity=seats)
        self.found = class_sessions.plan(session, service_id=service.id, starts_at=TUESDAY)[0].id
        self.taken = [self.join(session) for _ in range(seats)]
        self.entries = [self.one_more(session, n) for n in range(waiting)]

    def join(self, session: Session) -> int:
        customer = make.customer(session).id
        return class_sessions.join(session, class_session_id=self.found, customer_id=customer).id

    def one_more(self, session: Session, minutes: int = 0) -> int:
        with clock.stopped_at(clock.now() + timedelta(minutes=minutes)):
            customer = make.customer(session).id
            return waitlist.join(session, class_session_id=self.found, customer_id=customer).id


def passed(**time_: int) -> Any:
    """The clock, so much later than the noon of tests."""
    return clock.stopped_at(make.NOON + timedelta(**time_))


def work() -> None:
    """What the outbox promised to the waitlist is done, once each, as a worker does it."""
    with begin() as session:
        waiting = select(OutboxMessage).where(OutboxMessage.task.like("tasks.waitlist.%"))
        messages = list(session.scalars(waiting.order_by(OutboxMessage.id)))
    for message in messages:
        verb = getattr(tasks, message.task.rpartition(".")[2])
        payload = {name: v for name, v in message.payload.items() if name != "user_id"}
        verb.apply(kwargs={"vendor_id": message.vendor_id, **payload}).get()
    with begin() as session:
        for message in messages:
            session.delete(session.get_one(OutboxMessage, message.id))


def cancel(booking_id: int) -> None:
    with begin() as session:
        bookings.cancel(session, booking_id=booking_id)
    work()


def lapse() -> int:
    ended: int = tasks.lapse.apply().get()
    work()
    return ended


def status(*entries: int) -> list[str]:
    with begin() as session:
        return [session.get_one(WaitlistEntry, entry).status for entry in entries]


def refused(refusal: type[DomainError], verb: Any, **fields: Any) -> DomainError:
    with pytest.raises(refusal) as caught, begin() as session:
        verb(session, **fields)
    return caught.value


def held(session: Session, entry_id: int) -> Booking:
    """The booking that holds what an entry is offered."""
    return session.get_one(Booking, session.get_one(WaitlistEntry, entry_id).booking_id)


# --- the line -----------------------------------------------------------------------------


def test_a_freed_slot_is_held_for_the_first_of_the_line(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    with passed(minutes=5):
        cancel(line.taken)
    assert status(*line.entries) == ["offered", "waiting", "waiting"]
    with begin() as session:
        booking = held(session, line.entries[0])
        assert (booking.status, booking.starts_at, booking.staff_id) == (
            "pending", TUESDAY, line.staff,
        )  # fmt: skip
        assert booking.held_until == make.NOON + timedelta(minutes=35)
        hear(session)
        assert "booking_offered" in session.scalars(select(Message.event)).all()
        other = make.customer(session).id
    with pytest.raises(SlotTaken), begin() as session:
        bookings.book(
            session, customer_id=other, service_id=line.service, staff_id=line.staff,
            starts_at=TUESDAY,
        )  # fmt: skip


def test_an_accepted_offer_is_a_booking(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with passed(minutes=29), begin() as session:
        booking = waitlist.accept(session, entry_id=line.entries[0])
        assert (booking.status, booking.held_until) == ("confirmed", None)
        assert booking.channel == "phone"
    assert status(*line.entries) == ["booked", "waiting", "waiting"]
    refused(NoOffer, waitlist.accept, entry_id=line.entries[0])
    refused(NoOffer, waitlist.decline, entry_id=line.entries[0])
    refused(CannotMove, waitlist.leave, entry_id=line.entries[0])
    with passed(hours=2):
        assert lapse() == 0


def test_what_is_declined_goes_to_the_next_at_once(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with passed(minutes=10):
        with begin() as session:
            waitlist.decline(session, entry_id=line.entries[0])
        work()
    assert status(*line.entries) == ["waiting", "offered", "waiting"]
    with begin() as session:
        assert session.get_one(WaitlistEntry, line.entries[0]).queued_at == (
            make.NOON + timedelta(minutes=10)
        )
        assert held(session, line.entries[1]).held_until == make.NOON + timedelta(minutes=40)


def test_what_lapses_goes_to_the_next_and_its_holder_to_the_end_of_the_line(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with passed(minutes=29):
        assert lapse() == 0
    asked = []
    for n in range(1, 6):
        with passed(minutes=31 * n):
            lapse()
            now = zip(line.entries, status(*line.entries), strict=True)
            asked.append([entry for entry, stands in now if stands == "offered"])
    first, second, third = line.entries
    assert asked == [[second], [third], [], [], []]
    with begin() as session:
        query = select(WaitlistEntry.id).order_by(WaitlistEntry.queued_at)
        assert session.scalars(query).all() == [first, second, third]
        rows = session.scalars(select(Booking).where(Booking.held_until.is_not(None))).all()
        assert {(row.status, row.cancelled_by, row.fee) for row in rows} == {
            ("cancelled", "system", 0)
        }


def test_the_only_one_who_waits_is_asked_once_and_again_when_it_is_freed_anew(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=1)
    cancel(line.taken)
    for n in range(1, 4):
        with passed(minutes=40 * n):
            lapse()
            assert status(*line.entries) == ["waiting"]
    with passed(hours=3):
        with begin() as session:
            other = make.customer(session).id
            again = bookings.book(
                session, customer_id=other, service_id=line.service, staff_id=line.staff,
                starts_at=TUESDAY,
            ).id  # fmt: skip
        cancel(again)
        assert status(*line.entries) == ["offered"]


def test_who_gave_a_slot_up_is_not_asked_for_it(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=0)
        customer = session.get_one(Booking, line.taken).customer_id
        entry = line.one_more(session, customer_id=customer)
    with passed(minutes=5):
        cancel(line.taken)
    assert status(entry) == ["waiting"]
    with passed(minutes=10), begin() as session:
        later = line.one_more(session, customer_id=customer, until_time=time(20))
    with passed(minutes=15), begin() as session:
        made = waitlist.fill(session, booking_id=line.taken)
        assert [one.id for one in made] == [later]


@pytest.mark.parametrize(
    "wish",
    [
        {"earliest": TUESDAY + timedelta(minutes=1)},
        {"latest": TUESDAY + timedelta(minutes=59)},
        {"from_time": time(10, 30)},
        {"until_time": time(10, 59)},
    ],
)
def test_only_who_could_come_is_asked(shop: int, wish: dict[str, Any]) -> None:
    with begin() as session:
        line = Line(session, waiting=0)
        line.one_more(session, **wish)
        line.one_more(session, staff_id=make.staff_member(session).id)
        service = make.service(session, duration_minutes=61).id
        line.one_more(session, service_id=service)
        gone = line.one_more(session)
        fits = line.one_more(session, 9, from_time=time(10), until_time=time(11))
        session.get_one(
            Customer, session.get_one(WaitlistEntry, gone).customer_id
        ).archived_at = make.NOON
    cancel(line.taken)
    with begin() as session:
        offered = select(WaitlistEntry.id).where(WaitlistEntry.status == "offered")
        assert session.scalars(offered).all() == [fits]


def test_a_shorter_service_gets_the_part_that_suits(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=0)
        short = make.service(session, duration_minutes=20, slot_interval_minutes=10).id
        entry = line.one_more(session, service_id=short, from_time=time(10, 30))
        second = line.one_more(session, 5, service_id=short)
    cancel(line.taken)
    with begin() as session:
        assert waitlist.fill(session, booking_id=line.taken) == []
    assert status(entry, second) == ["offered", "waiting"]  # one live offer a freed slot
    with begin() as session:
        assert held(session, entry).starts_at == TUESDAY + HALF_AN_HOUR
    with passed(minutes=31):
        lapse()
        assert status(entry, second) == ["waiting", "offered"]
        with begin() as session:
            assert held(session, second).starts_at == TUESDAY


def test_the_nights_of_a_room_are_offered_too(shop: int) -> None:
    with begin() as session:
        boarding = make.service(session, kind="stay")
        make.service_resource(session, service=boarding, resource=make.resource(session))
        stay = bookings.book(
            session, customer_id=make.customer(session).id, service_id=boarding.id,
            starts_at=TUESDAY, nights=2,
        )  # fmt: skip
        line = Line(session, waiting=1)
        values = {"service_id": boarding.id}
        too_short = line.one_more(session, **values, latest=TUESDAY + timedelta(days=1))
        fits = line.one_more(session, 1, **values)
    cancel(stay.id)
    assert status(too_short, fits, *line.entries) == ["waiting", "offered", "waiting"]
    with begin() as session:
        booking = held(session, fits)
        assert (booking.starts_at, booking.ends_at) == (stay.starts_at, stay.ends_at)
        assert booking.price == 80


def test_filling_twice_asks_one(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        bookings.cancel(session, booking_id=line.taken)
    for expected in (1, 0, 0):
        with begin() as session:
            assert len(waitlist.fill(session, booking_id=line.taken)) == expected
    assert status(*line.entries) == ["offered", "waiting", "waiting"]


def test_what_is_not_free_is_offered_to_nobody(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        assert waitlist.fill(session, booking_id=line.taken) == []
        assert waitlist.fill(session, booking_id=2**62) == []
        bookings.cancel(session, booking_id=line.taken)
        bookings.book(
            session, customer_id=make.customer(session).id, service_id=line.service,
            staff_id=line.staff, starts_at=TUESDAY,
        )  # fmt: skip
        assert waitlist.fill(session, booking_id=line.taken) == []
    with clock.stopped_at(TUESDAY), begin() as session:
        assert waitlist.fill(session, booking_id=line.taken) == []


def test_the_time_a_booking_was_moved_away_from_is_offered(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        bookings.reschedule(
            session, booking_id=line.taken, starts_at=TUESDAY + timedelta(hours=3),
            staff_id=line.staff,
        )  # fmt: skip
    work()
    assert status(*line.entries) == ["offered", "waiting", "waiting"]
    with begin() as session:
        assert held(session, line.entries[0]).starts_at == TUESDAY


def test_who_leaves_the_line_gives_the_slot_to_the_next(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with begin() as session:
        assert waitlist.leave(session, entry_id=line.entries[0]).status == "cancelled"
    work()
    assert status(*line.entries) == ["cancelled", "offered", "waiting"]
    refused(CannotMove, waitlist.leave, entry_id=line.entries[0])


# --- seats --------------------------------------------------------------------------------


def test_a_late_cancel_frees_the_seat_for_one_after_the_other(shop: int) -> None:
    with begin() as session:
        full = Full(session)
    cancel(full.taken[0])
    assert status(*full.entries) == ["offered", "waiting", "waiting"]
    with begin() as session:
        assert session.get_one(ClassSession, full.found).taken == 2
        late = make.customer(session).id
    refused(ClassIsFull, class_sessions.join, class_session_id=full.found, customer_id=late)
    with passed(minutes=31):
        lapse()
        assert status(*full.entries) == ["waiting", "offered", "waiting"]
        with begin() as session:
            booking = waitlist.accept(session, entry_id=full.entries[1])
            assert (booking.class_session_id, booking.status) == (full.found, "confirmed")
            assert session.get_one(ClassSession, full.found).taken == 2
    with passed(minutes=62):
        lapse()
    assert status(*full.entries) == ["waiting", "booked", "waiting"]


def test_two_seats_are_offered_to_two(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=3, seats=3)
    for booking_id in full.taken[:2]:
        cancel(booking_id)
    assert status(*full.entries) == ["offered", "offered", "waiting"]
    with begin() as session:
        assert session.get_one(ClassSession, full.found).taken == 3


def test_a_lapsed_seat_is_given_back_once_and_a_new_one_asks_anew(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=1)
    cancel(full.taken[0])
    with passed(minutes=31):
        lapse()
        lapse()
    with begin() as session:
        assert session.get_one(ClassSession, full.found).taken == 1
    assert status(*full.entries) == ["waiting"]
    with passed(minutes=40):
        cancel(full.taken[1])
        assert status(*full.entries) == ["offered"]
    with begin() as session:
        assert session.get_one(ClassSession, full.found).taken == 1


def test_more_seats_are_offered_too(shop: int) -> None:
    with begin() as session:
        full = Full(session)
        class_sessions.set_seats(session, class_session_id=full.found, seats=4)
    work()
    assert status(*full.entries) == ["offered", "offered", "waiting"]


def test_a_class_is_one_of_the_times_that_suit_a_service(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=0)
        service = session.get_one(ClassSession, full.found).service_id
        values = {"service_id": service, "latest": A_WEEK}
        early = waitlist.join(
            session, customer_id=make.customer(session).id, **values, until_time=time(9)
        )
        suits = waitlist.join(
            session, customer_id=make.customer(session).id, **values, from_time=time(9)
        )
    cancel(full.taken[0])
    assert status(early.id, suits.id) == ["waiting", "offered"]
    with begin() as session:
        assert held(session, suits.id).class_session_id == full.found


def test_nobody_waits_where_there_are_seats_or_twice(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=1)
        waits = session.get_one(WaitlistEntry, full.entries[0]).customer_id
        inside = session.get_one(Booking, full.taken[0]).customer_id
        new = make.customer(session).id
    ids = {"class_session_id": full.found}
    refused(AlreadyWaiting, waitlist.join, **ids, customer_id=waits)
    refused(AlreadyIn, waitlist.join, **ids, customer_id=inside)
    with begin() as session:
        bookings.cancel(session, booking_id=full.taken[0])
    refused(SeatsLeft, waitlist.join, **ids, customer_id=new)
    with begin() as session:
        class_sessions.call_off(session, **ids)
    refused(CannotWait, waitlist.join, **ids, customer_id=new)
    assert status(*full.entries) == ["expired"]


def test_an_offer_of_a_class_that_is_moved_ends_when_that_begins(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=1)
    cancel(full.taken[0])
    soon = make.NOON + timedelta(minutes=10)
    with begin() as session:
        class_sessions.move(session, class_session_id=full.found, starts_at=soon)
        entry = session.get_one(WaitlistEntry, full.entries[0])
        assert (entry.held_until, held(session, entry.id).held_until) == (soon, soon)
        assert held(session, entry.id).starts_at == soon
    with passed(minutes=10):
        assert lapse() == 1
        assert status(*full.entries) == ["expired"]


def test_a_class_that_is_called_off_takes_its_offers_along(shop: int) -> None:
    with begin() as session:
        full = Full(session)
    cancel(full.taken[0])
    with begin() as session:
        class_sessions.call_off(session, class_session_id=full.found)
    work()
    assert status(*full.entries) == ["expired"] * 3
    refused(NoOffer, waitlist.accept, entry_id=full.entries[0])
    with begin() as session:
        assert {row.status for row in session.scalars(select(Booking))} == {"cancelled"}


# --- joining the line ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "field", "change"),
    [
        (BadWindow, "latest", {"latest": None}),
        (BadWindow, "latest", {"latest": make.NOON}),
        (BadWindow, "latest", {"latest": make.NOON - timedelta(days=1)}),
        (BadWindow, "latest", {"earliest": A_WEEK, "latest": TUESDAY}),
        (BadWindow, "latest", {"latest": make.NOON + timedelta(days=400)}),
        (BadWindow, "until_time", {"from_time": time(18), "until_time": time(9)}),
        (NoSuchTime, "earliest", {"earliest": datetime(2027, 3, 28, 1, 30)}),
        (CannotWait, "service_id", {"service_id": None}),
        (CannotWait, "service_id", {"service_id": 2**62}),
        (CannotWait, "class_session_id", {"class_session_id": 2**62}),
        (CannotDoIt, "staff_id", {"staff_id": 2**62}),
        (CannotBook, "customer_id", {"customer_id": 2**62}),
    ],
)
def test_what_nobody_can_wait_for_is_said_at_its_field(
    shop: int, refusal: type[DomainError], field: str, change: dict[str, Any]
) -> None:
    with begin() as session:
        values = {
            "customer_id": make.customer(session).id,
            "service_id": make.service(session).id,
            "latest": A_WEEK,
        }
    assert refused(refusal, waitlist.join, **values | change).field == field


def test_another_vendors_line_is_not_here(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        full = Full(session)
    cancel(line.taken)
    with acting(vendor_actor(make.new_vendor())):
        with begin() as session:
            mine = {"customer_id": make.customer(session).id, "latest": A_WEEK}
        refused(CannotWait, waitlist.join, **mine, service_id=line.service)
        refused(CannotWait, waitlist.join, **mine, class_session_id=full.found)
        for verb in (waitlist.accept, waitlist.decline, waitlist.leave, waitlist.offer):
            refused(NotFound, verb, entry_id=line.entries[0])
        refused(
            CannotDoIt, waitlist.who_fits, staff_id=line.staff, starts_at=TUESDAY, ends_at=A_WEEK
        )


def test_a_second_click_waits_once(shop: int) -> None:
    with begin() as session:
        values = {
            "customer_id": make.customer(session).id,
            "service_id": make.service(session).id,
            "latest": A_WEEK,
        }
        waitlist.join(session, **values)
    with passed(seconds=1):
        assert refused(AlreadyWaiting, waitlist.join, **values).field == "customer_id"
    with begin() as session:  # another time of the day is another wish
        assert waitlist.join(session, **values, from_time=time(17)).id


# --- another wish -------------------------------------------------------------------------


def a_wish(session: Session, **fields: Any) -> dict[str, Any]:
    """What a new entry asks for, in the words of a change."""
    values = {"customer_id": make.customer(session).id, "latest": A_WEEK} | fields
    values.setdefault("service_id", make.service(session).id)
    entry = waitlist.join(session, **values)
    return {"entry_id": entry.id, "latest": A_WEEK}


def test_a_wish_is_changed_and_the_place_in_the_line_stays(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=2)
        other = make.staff_member(session, name="Rita").id
        first = session.get_one(WaitlistEntry, line.entries[0])
        queued = first.queued_at
    with passed(hours=1), begin() as session:
        entry = waitlist.change(
            session, entry_id=first.id, staff_id=other, earliest=datetime(2026, 11, 23),
            latest=datetime(2026, 11, 26), from_time=time(9), until_time=time(12), note=" Calls ",
        )  # fmt: skip
        assert (entry.staff_id, entry.from_time, entry.note) == (other, time(9), "Calls")
        assert entry.earliest == datetime(2026, 11, 23, tzinfo=UTC)
        assert entry.latest == datetime(2026, 11, 26, tzinfo=UTC)
        assert (entry.status, entry.service_id) == ("waiting", line.service)
    cancel(line.taken)
    assert status(*line.entries) == ["waiting", "offered"]  # Ana's hour is not Rita's
    with passed(hours=2), begin() as session:  # what is left out is not asked for any more
        entry = waitlist.change(session, entry_id=first.id, latest=A_WEEK)
        wish = (entry.staff_id, entry.from_time, entry.until_time, entry.note, entry.queued_at)
        assert wish == (None, None, None, None, queued)
        assert entry.earliest == clock.now()
    with begin() as session:
        waitlist.decline(session, entry_id=line.entries[1])
    work()
    assert status(*line.entries) == ["offered", "waiting"]


@pytest.mark.parametrize(
    ("refusal", "field", "wish"),
    [
        (BadWindow, "latest", {"latest": None}),
        (BadWindow, "latest", {"latest": make.NOON}),
        (BadWindow, "latest", {"earliest": A_WEEK, "latest": TUESDAY}),
        (BadWindow, "latest", {"latest": make.NOON + timedelta(days=400)}),
        (BadWindow, "until_time", {"from_time": time(18), "until_time": time(9)}),
        (NoSuchTime, "earliest", {"earliest": datetime(2027, 3, 28, 1, 30)}),
        (CannotDoIt, "staff_id", {"staff_id": 2**62}),
        (DomainError, "note", {"note": "x" * 501}),
    ],
)
def test_a_wish_that_cannot_be_changes_nothing(
    shop: int, refusal: type[DomainError], field: str, wish: dict[str, Any]
) -> None:
    with begin() as session:
        known = a_wish(session, from_time=time(9), note="Calls")
    assert refused(refusal, waitlist.change, **known | wish).field == field
    with begin() as session:
        entry = session.get_one(WaitlistEntry, known["entry_id"])
        assert (entry.latest, entry.from_time, entry.note) == (A_WEEK, time(9), "Calls")


def test_only_who_does_the_service_can_be_asked_for(shop: int) -> None:
    with begin() as session:
        service, staff = make.service(session), make.staff_member(session)
        make.staff_service(session, service=service, staff=staff)
        other = make.staff_member(session).id
        known = a_wish(session, service_id=service.id)
    assert refused(CannotDoIt, waitlist.change, **known, staff_id=other).field == "staff_id"
    with begin() as session:
        assert waitlist.change(session, **known, staff_id=staff.id).staff_id == staff.id


def test_a_change_makes_no_second_entry_for_the_same(shop: int) -> None:
    with begin() as session:
        same = {
            "customer_id": make.customer(session).id, "service_id": make.service(session).id,
        }  # fmt: skip
        mornings = a_wish(session, **same, until_time=time(12))
        evenings = a_wish(session, **same, from_time=time(17))
    refusal = refused(AlreadyWaiting, waitlist.change, **evenings, until_time=time(12))
    assert refusal.details["entry_id"] == mornings["entry_id"]
    with begin() as session:  # its own wish is no other's
        waitlist.change(session, **evenings, from_time=time(17), note="Rings first")
        waitlist.change(session, **mornings, until_time=time(11))


def test_an_offer_stands_while_it_suits_the_new_wish(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=1)
        other = make.staff_member(session).id
    cancel(line.taken)
    ids = {"entry_id": line.entries[0], "latest": A_WEEK}
    for wish in (
        {"staff_id": other}, {"from_time": time(11)}, {"until_time": time(10, 30)},
        {"earliest": TUESDAY + timedelta(minutes=1)}, {"latest": TUESDAY},
    ):  # fmt: skip
        refusal = refused(OfferStands, waitlist.change, **ids | wish)
        assert "They are offered Tuesday 24 November, 10:00" in str(refusal)
    with begin() as session:
        waitlist.change(session, **ids, staff_id=line.staff, from_time=time(10))
        held_for = held(session, line.entries[0])
        assert (held_for.status, held_for.starts_at) == ("pending", TUESDAY)
    assert status(*line.entries) == ["offered"]
    with passed(minutes=31), begin() as session:  # an offer that has run out binds nobody
        waitlist.change(session, **ids, staff_id=other)
    assert lapse_later(minutes=32) == 1
    assert status(*line.entries) == ["waiting"]


def lapse_later(**time_: int) -> int:
    with passed(**time_):
        return lapse()


def test_an_offer_that_never_suited_does_not_bind(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=1, from_time=time(15))
        entry = line.entries[0]
        free = TUESDAY + timedelta(hours=2)
        waitlist.offer(session, entry_id=entry, starts_at=free, staff_id=line.staff)
    with begin() as session:
        waitlist.change(session, entry_id=entry, latest=A_WEEK, from_time=time(16))
    assert status(entry) == ["offered"]


def test_of_who_waits_for_a_class_only_the_note_changes(shop: int) -> None:
    with begin() as session:
        full = Full(session, waiting=2)
        staff = make.staff_member(session).id
    cancel(full.taken[0])
    assert status(*full.entries) == ["offered", "waiting"]
    for entry in full.entries:
        for wish in ({"latest": A_WEEK}, {"staff_id": staff}, {"from_time": time(9)}):
            refused(OfOneClass, waitlist.change, entry_id=entry, **wish)
        with begin() as session:
            found = waitlist.change(session, entry_id=entry, note="Brings a friend")
            assert (found.note, found.latest) == ("Brings a friend", TUESDAY)
    assert status(*full.entries) == ["offered", "waiting"]


def test_what_is_settled_or_elsewhere_is_not_changed(shop: int) -> None:
    with begin() as session:
        known = a_wish(session)
        waitlist.leave(session, entry_id=known["entry_id"])
        other = a_wish(session)
    refused(NoLongerWaits, waitlist.change, **known)
    refused(NotFound, waitlist.change, **known | {"entry_id": 2**62})
    with acting(vendor_actor(make.new_vendor())):
        with begin() as session:
            theirs = make.staff_member(session).id
        refused(NotFound, waitlist.change, **other)
    refused(CannotDoIt, waitlist.change, **other, staff_id=theirs)


# --- offers by hand -----------------------------------------------------------------------


def test_staff_offer_a_time_by_hand(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        free = TUESDAY + timedelta(hours=2)
        ids = {"entry_id": line.entries[2], "staff_id": line.staff}
        entry = waitlist.offer(session, **ids, starts_at=free, minutes=120)
        assert entry.held_until == make.NOON + timedelta(minutes=120)
        assert entry.offers == 1
    refused(CannotMove, waitlist.offer, **ids, starts_at=free)
    others = {"entry_id": line.entries[0], "staff_id": line.staff}
    refused(SlotTaken, waitlist.offer, **others, starts_at=free)
    refused(NoTime, waitlist.offer, **others)
    refused(NoTime, waitlist.offer, **others, starts_at=make.NOON - timedelta(hours=2))
    for minutes in (0, -5, 10**9):
        refused(NotMinutes, waitlist.offer, **others, starts_at=free, minutes=minutes)
    with begin() as session:
        staff = make.staff_member(session)
        make.working_hours(session, staff=staff)
    refused(OutsideHours, waitlist.offer, entry_id=line.entries[0], staff_id=staff.id,
            starts_at=TUESDAY)  # fmt: skip


def test_an_offer_ends_when_its_time_begins(shop: int) -> None:
    with begin() as session:
        line = Line(session)
        soon = make.NOON + timedelta(minutes=10)
        entry = waitlist.offer(
            session, entry_id=line.entries[0], starts_at=soon, staff_id=line.staff
        )
        assert entry.held_until == soon


def test_it_is_too_late_for_an_answer(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with passed(minutes=30):
        refusal = refused(OfferIsOver, waitlist.accept, entry_id=line.entries[0])
        assert "held until Friday 20 November, 12:30" in str(refusal)
        with begin() as session:  # saying no late does no harm
            waitlist.decline(session, entry_id=line.entries[0])
    refused(NoOffer, waitlist.accept, entry_id=line.entries[1])


def test_who_was_archived_meanwhile_gets_nothing(shop: int) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with begin() as session:
        entry = session.get_one(WaitlistEntry, line.entries[0])
        session.get_one(Customer, entry.customer_id).archived_at = make.NOON
    refused(CannotBook, waitlist.accept, entry_id=line.entries[0])
    with passed(minutes=31):
        lapse()
        assert status(*line.entries) == ["waiting", "offered", "waiting"]


@pytest.mark.parametrize(("verb", "ends"), [("confirm", "booked"), ("cancel", "waiting")])
def test_what_staff_do_with_the_booking_settles_the_offer(shop: int, verb: str, ends: str) -> None:
    with begin() as session:
        line = Line(session)
    cancel(line.taken)
    with begin() as session:
        booking = held(session, line.entries[0])
        getattr(bookings, verb)(session, booking_id=booking.id)
    lapse()
    assert status(line.entries[0]) == [ends]
    assert status(line.entries[1]) == ["waiting" if verb == "confirm" else "offered"]
    refused(NoOffer, waitlist.accept, entry_id=line.entries[0])


def test_waiting_ends_with_its_last_day(shop: int) -> None:
    with begin() as session:
        line, full = Line(session), Full(session)
    with clock.stopped_at(TUESDAY):
        lapse()
        assert status(*line.entries) == ["waiting"] * 3
        assert status(*full.entries) == ["expired"] * 3
    with clock.stopped_at(A_WEEK):
        lapse()
        assert status(*line.entries) == ["expired"] * 3


# --- who fits -----------------------------------------------------------------------------


def test_who_fits_a_gap_is_ranked_and_told_why(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=0)
        with passed(days=-12):
            old = line.one_more(session)
        wish = line.one_more(session, staff_id=line.staff, from_time=time(9), until_time=time(12))
        narrow = line.one_more(session, latest=TUESDAY + timedelta(hours=1))
        wide = line.one_more(session)
        bookings.cancel(session, booking_id=line.taken)
        gap = {"starts_at": TUESDAY, "ends_at": TUESDAY + timedelta(hours=1)}
        found = waitlist.who_fits(session, **gap, staff_id=line.staff)
        assert [one.entry.id for one in found] == [wish, old, narrow, wide]
        assert [one.why for one in found] == [
            "Waits since today, asked for Ana, can come from 09:00 to 12:00 until Friday"
            " 27 November.",
            "Waits for 12 days, can come until Friday 27 November.",
            "Waits since today, can come until Tuesday 24 November.",
            "Waits since today, can come until Friday 27 November.",
        ]
        assert {(one.starts_at, one.staff_id) for one in found} == {(TUESDAY, line.staff)}
        assert len(waitlist.who_fits(session, **gap, staff_id=line.staff, limit=2)) == 2
    back = {"starts_at": TUESDAY, "ends_at": TUESDAY}
    refused(EndsBeforeStart, waitlist.who_fits, **back, staff_id=line.staff)


def test_nobody_fits_where_they_are_elsewhere_or_it_is_taken(shop: int) -> None:
    with begin() as session:
        line = Line(session, waiting=1)
        gap = {"starts_at": TUESDAY, "ends_at": TUESDAY + timedelta(hours=1)}
        assert waitlist.who_fits(session, **gap, staff_id=line.staff) == []
        bookings.cancel(session, booking_id=line.taken)
        customer = session.get_one(WaitlistEntry, line.entries[0]).customer_id
        assert len(waitlist.who_fits(session, **gap, staff_id=line.staff)) == 1
        bookings.book(
            session, customer_id=customer, service_id=line.service,
            staff_id=make.staff_member(session).id, starts_at=TUESDAY + HALF_AN_HOUR,
        )  # fmt: skip
        assert waitlist.who_fits(session, **gap, staff_id=line.staff) == []
