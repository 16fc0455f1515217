"""Time off: what is in its way is shown, decided about, done at once, and taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, class_sessions, schedules, time_off, waitlist
from app.operations.decisions import Choice, Do, NotAChoice
from app.operations.zones import OutOfTime
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.schedules import TimeOff
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from models.words import Channel
from tests import make

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@dataclass
class House:
    """Anna and Ben cut hair on weekdays from nine to five; Cleo only sells."""

    anna: int
    ben: int
    cut: int
    customers: list[int]

    def booked(self, hour: int, staff_id: int | None = None, **fields: Any) -> int:
        """The id of a confirmed booking on Monday, of another customer each time."""
        with begin() as session:
            return bookings.book(
                session, customer_id=self.customers.pop(), service_id=self.cut,
                staff_id=staff_id or self.anna, starts_at=MONDAY + timedelta(hours=hour),
                **{"status": "confirmed"} | fields,
            ).id  # fmt: skip


@pytest.fixture
def house(db: Connection) -> Iterator[House]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        with begin() as session:
            anna, ben = (make.staff_member(session, name=name) for name in ("Anna", "Ben"))
            make.staff_member(session, name="Cleo")
            cut = make.service(session, name="Cut")
            for one in (anna, ben):
                make.staff_service(session, service=cut, staff=one)
                for weekday in range(1, 6):
                    make.working_hours(session, staff=one, weekday=weekday)
            customers = [make.customer(session).id for _ in range(8)]
            found = House(anna.id, ben.id, cut.id, customers)
        yield found


def day_off(house: House, **fields: Any) -> dict[str, Any]:
    """Anna's Monday."""
    return {"staff_id": house.anna, "starts_at": MONDAY, "ends_at": TUESDAY} | fields


def looked_at(house: House, **fields: Any) -> time_off.Plan:
    with begin() as session:
        return time_off.preview(session, **day_off(house, **fields))


def taken(house: House, decisions: dict[int, str], **fields: Any) -> int:
    """The id of the time off that was taken with these decisions."""
    seen = fields.pop("seen", None) or looked_at(house, **fields).seen
    chosen = {booking_id: Choice.read(text) for booking_id, text in decisions.items()}
    with begin() as session:
        return time_off.take(
            session, **day_off(house, **fields), decisions=chosen, seen=seen, reason="Dentist"
        ).id


def booking(booking_id: int) -> Booking:
    with begin() as session:
        return session.get_one(Booking, booking_id)


def count(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_looking_shows_ways_around_and_changes_nothing(house: House) -> None:
    first, second = house.booked(9), house.booked(10)
    house.booked(10, house.ben)
    plan = looked_at(house)
    assert [one.booking and one.booking.id for one in plan.bookings] == [first, second]
    early, late = plan.bookings
    assert [name for _, name in early.others] == ["Ben"]
    assert late.others == []
    assert early.same_person is not None
    assert early.same_person.starts_at == TUESDAY + timedelta(hours=9)
    assert early.anybody is not None
    assert (early.anybody.staff_id, early.anybody.starts_at.hour) == (house.ben, 11)
    assert late.same_person is not None
    assert late.same_person.starts_at == TUESDAY + timedelta(hours=10)  # not what the other has
    assert early.choices == (Do.KEEP, Do.STAFF, Do.MOVE, Do.WAIT, Do.CANCEL)
    assert Do.STAFF not in late.choices
    with begin() as session:
        assert count(session, TimeOff) == 0
    assert booking(first).starts_at == MONDAY + timedelta(hours=9)


def test_what_is_over_called_off_or_elsewhere_is_not_in_the_way(house: House) -> None:
    house.booked(9, house.ben)
    off = house.booked(10)
    with begin() as session:
        bookings.cancel(session, booking_id=off)
    assert looked_at(house).bookings == []
    assert looked_at(house, starts_at=MONDAY + timedelta(hours=11)).bookings == []
    with clock.stopped_at(TUESDAY):
        assert looked_at(house).bookings == []


def test_every_decision_is_done_and_nobody_can_be_booked_then(house: House) -> None:
    kept, given, moved, waits, gone = (house.booked(hour) for hour in (9, 10, 11, 13, 14))
    later = TUESDAY + timedelta(hours=15)
    taken(house, {
        kept: "keep", given: f"staff {house.ben}", moved: f"move {later.isoformat()} {house.anna}",
        waits: "wait", gone: "cancel",
    })  # fmt: skip
    assert (booking(kept).status, booking(kept).staff_id) == ("confirmed", house.anna)
    assert (booking(given).staff_id, booking(given).starts_at.hour) == (house.ben, 10)
    assert (booking(moved).staff_id, booking(moved).starts_at) == (house.anna, later)
    assert (booking(gone).status, booking(gone).cancelled_by, booking(gone).fee) == (
        "cancelled", "vendor", 0,
    )  # fmt: skip
    assert booking(gone).cancel_reason == "Dentist"
    with begin() as session:
        entry = session.scalars(select(WaitlistEntry)).one()
        assert (entry.customer_id, entry.status) == (booking(waits).customer_id, "waiting")
        with pytest.raises(schedules.OutsideHours, match="Anna is off from Monday 23 November"):
            schedules.check(
                session, service_id=house.cut, staff_id=house.anna,
                starts_at=MONDAY + timedelta(hours=16), channel=Channel.PHONE,
            )  # fmt: skip


def test_without_every_decision_or_after_a_change_nothing_is_done(house: House) -> None:
    first, second = house.booked(9), house.booked(10)
    seen = looked_at(house).seen
    with pytest.raises(time_off.Undecided, match="1 are still open"):
        taken(house, {first: "cancel"})
    with begin() as session:
        bookings.reschedule(
            session, booking_id=second, starts_at=MONDAY + timedelta(hours=11), staff_id=house.anna
        )
    with pytest.raises(time_off.BookingsChanged):
        taken(house, {first: "cancel", second: "cancel"}, seen=seen)
    with begin() as session:
        assert count(session, TimeOff) == 0
    assert booking(first).status == "confirmed"


def test_a_new_booking_meanwhile_is_a_change_and_another_time_is_another_plan(
    house: House,
) -> None:
    first = house.booked(9)
    seen = looked_at(house).seen
    with pytest.raises(time_off.BookingsChanged):
        taken(house, {first: "keep"}, seen=seen, ends_at=TUESDAY + timedelta(hours=1))
    house.booked(16)
    with pytest.raises(time_off.BookingsChanged):
        taken(house, {first: "keep"}, seen=seen)


def test_one_impossible_choice_undoes_the_others_and_says_whose_it_is(house: House) -> None:
    first, second = house.booked(9), house.booked(10)
    house.booked(10, house.ben)
    with begin() as session:
        name = str(session.get_one(Booking, second).customer)
    with pytest.raises(time_off.NotPossible, match=f"{name} on .* cannot be changed: This time is"):
        taken(house, {first: "cancel", second: f"staff {house.ben}"})
    assert booking(first).status == "confirmed"
    with begin() as session:
        assert count(session, TimeOff) == 0


def test_giving_it_back_puts_everything_where_it_was(house: House) -> None:
    given, moved, waits, gone = (house.booked(hour) for hour in (10, 11, 13, 14))
    later = TUESDAY + timedelta(hours=15)
    off = taken(house, {
        given: f"staff {house.ben}", moved: f"move {later.isoformat()} {house.ben}",
        waits: "wait", gone: "cancel",
    })  # fmt: skip
    with begin() as session:
        done = time_off.give_back(session, time_off_id=off)
    assert (len(done.back), done.left) == (4, [])
    with begin() as session:
        assert count(session, TimeOff) == 0
        stand = session.scalars(
            select(Booking).where(Booking.status == "confirmed").order_by(Booking.starts_at)
        ).all()
        assert [(one.staff_id, one.starts_at.hour) for one in stand] == [
            (house.anna, hour) for hour in (10, 11, 13, 14)
        ]
        assert {one.starts_at.date() for one in stand} == {MONDAY.date()}
        assert session.scalars(select(WaitlistEntry.status)).all() == ["cancelled"]
        assert stand[3].price == booking(gone).price
        with pytest.raises(NotFound):
            time_off.give_back(session, time_off_id=off)


def test_what_was_changed_since_or_is_taken_now_is_left_with_the_reason(house: House) -> None:
    moved, gone, over = house.booked(10), house.booked(14), house.booked(9)
    later = TUESDAY + timedelta(hours=15)
    off = taken(house, {
        moved: f"move {later.isoformat()} {house.anna}", gone: "cancel", over: "cancel",
    })  # fmt: skip
    with begin() as session:
        bookings.reschedule(
            session, booking_id=moved, starts_at=later - timedelta(hours=1), staff_id=house.anna
        )
        make.booking(
            session, staff=session.get_one(StaffMember, house.anna),
            starts_at=MONDAY + timedelta(hours=14),
        )  # fmt: skip
    with clock.stopped_at(MONDAY + timedelta(hours=9, minutes=30)), begin() as session:
        done = time_off.give_back(session, time_off_id=off)
    assert done.back == []
    assert {left.booking_id: left.why for left in done.left} == {
        moved: "It was changed since.",
        gone: "This time is taken: choose another time, or another member of staff.",
        over: "Its time is over.",
    }
    assert booking(moved).starts_at == later - timedelta(hours=1)


def test_a_closure_shows_everybodys_bookings_and_proposes_nobody_for_then(house: House) -> None:
    mine, bens = house.booked(9), house.booked(10, house.ben)
    plan = looked_at(house, staff_id=None)
    assert [one.booking and one.booking.id for one in plan.bookings] == [mine, bens]
    assert [one.others for one in plan.bookings] == [[], []]
    assert all(one.anybody and one.anybody.starts_at >= TUESDAY for one in plan.bookings)
    taken(house, {mine: "cancel", bens: "keep"}, staff_id=None)
    with begin() as session, pytest.raises(schedules.Closed, match=r"\(Dentist\)"):
        schedules.check(
            session, service_id=house.cut, staff_id=house.ben,
            starts_at=MONDAY + timedelta(hours=16), channel=Channel.PHONE,
        )  # fmt: skip


@pytest.mark.parametrize("choice", ["keep", "staff", "cancel"])
def test_a_class_in_the_way_is_given_to_another_or_called_off(house: House, choice: str) -> None:
    with begin() as session:
        yoga = make.service(session, kind="class", capacity=5)
        at = MONDAY + timedelta(hours=10)
        found = class_sessions.plan(session, service_id=yoga.id, starts_at=at, staff_id=house.anna)
        class_id, customer = found[0].id, house.customers.pop()
        seat_id = class_sessions.join(session, class_session_id=class_id, customer_id=customer).id
    plan = looked_at(house)
    assert plan.bookings == []  # who has a seat goes where the class goes
    assert ["Ben" in dict(one.others).values() for one in plan.classes] == [True]
    words = {"staff": f"staff {house.ben}"}.get(choice, choice)
    with begin() as session:
        time_off.take(
            session, **day_off(house), decisions={}, seen=plan.seen,
            class_decisions={class_id: Choice.read(words)},
        )  # fmt: skip
    with begin() as session:
        led, seat = session.get_one(ClassSession, class_id), session.get_one(Booking, seat_id)
        called_off = choice == "cancel"
        assert (led.status == "cancelled", seat.status == "cancelled") == (called_off, called_off)
        assert led.staff_id == seat.staff_id == (house.ben if choice == "staff" else house.anna)


def test_an_offer_that_is_not_answered_can_only_be_kept_or_taken_back(house: House) -> None:
    held = make.NOON + timedelta(minutes=30)
    offer = house.booked(9, status="pending", held_until=held)
    assert looked_at(house).bookings[0].choices == (Do.KEEP, Do.CANCEL)
    with pytest.raises(time_off.NotPossible, match="offered to somebody"):
        taken(house, {offer: f"staff {house.ben}"})


def test_who_waits_already_is_not_put_on_the_list_twice(house: House) -> None:
    first = house.booked(9)
    with begin() as session:
        waitlist.join(
            session, customer_id=booking(first).customer_id, service_id=house.cut,
            latest=TUESDAY + timedelta(days=1),
        )  # fmt: skip
    taken(house, {first: "wait"})
    with begin() as session:
        assert count(session, WaitlistEntry) == 1
    assert booking(first).status == "cancelled"


@pytest.mark.parametrize(
    ("refusal", "fields"),
    [
        (time_off.EndsBeforeItBegins, {"ends_at": MONDAY}),
        (schedules.TooLong, {"ends_at": MONDAY + timedelta(days=367)}),
        (OutOfTime, {"ends_at": MONDAY.replace(year=9999)}),
        (time_off.NotHere, {"staff_id": 2**62}),
    ],
)
def test_what_is_no_time_off_is_refused(
    house: House, refusal: type[DomainError], fields: dict[str, Any]
) -> None:
    with pytest.raises(refusal):
        looked_at(house, **fields)


def test_another_vendors_people_cannot_be_sent_home(house: House) -> None:
    with acting(vendor_actor(make.new_vendor())), pytest.raises(time_off.NotHere):
        looked_at(house)


@pytest.mark.parametrize(
    "text",
    ["", "sell", "staff", "staff x", "move", "move tomorrow 1", "move 2026-11-23T10:00:00 1",
     "move 99999-11-23 1", "keep\x00"],
)  # fmt: skip
def test_what_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(NotAChoice):
        Choice.read(text)


def test_a_choice_is_read_as_it_was_written() -> None:
    moment = datetime(2026, 11, 23, 10, tzinfo=UTC)
    for choice in (
        Choice(Do.KEEP), Choice(Do.WAIT), Choice(Do.CANCEL), Choice(Do.STAFF, 12),
        Choice(Do.MOVE, 12, moment), Choice(Do.MOVE, None, moment),
    ):  # fmt: skip
        assert Choice.read(str(choice)) == choice


def test_time_off_across_a_change_of_clocks_is_wall_time(house: House) -> None:
    with begin() as session:
        make.working_hours(session, staff_id=house.anna, weekday=7, starts=time(0), ends=time(6))
    plan = looked_at(
        house, starts_at=datetime(2027, 3, 28, 0, 30), ends_at=datetime(2027, 3, 28, 3)
    )
    assert plan.ends_at - plan.starts_at == timedelta(hours=1, minutes=30)
