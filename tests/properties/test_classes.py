"""Seats, series and the waitlist: never one seat too many, never two offers of one thing.

Seats under threads on a committed database; local hours over changes of the clocks, against a
search of all instants that the wall could mean; and whatever happens to a class, a slot and the
line for them, in whatever order.
"""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import bookings, class_sessions, rhythms, series, waitlist
from app.operations.bookings import ClassIsFull
from app.tenancy import acting, vendor_actor
from models.booking_series import Rhythm
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.customers import Customer
from models.waitlist import WaitlistEntry
from tests import make
from tests.chance import examples

STANDING = ("pending", "confirmed", "checked_in")
TOMORROW = make.NOON + timedelta(days=1)
AN_HOUR = timedelta(hours=1)


def seats_of(session: Session, class_session_id: int) -> int:
    """The seats that bookings which stand have, summed up."""
    return session.scalar(
        select(func.coalesce(func.sum(Booking.seats), 0))
        .where(Booking.class_session_id == class_session_id)
        .where(Booking.status.in_((*STANDING, "completed", "no_show")))
    ) or 0  # fmt: skip


# --- under threads --------------------------------------------------------------------------


def at_once(vendor_id: int, calls: list[Callable[[Session], Any]]) -> list[str]:
    """Everybody does their part at the same moment; what came of each, sorted."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[Session], Any]) -> str:
        with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
            gate.wait(60)
            try:
                with begin() as session:
                    return type(call(session)).__name__
            except DomainError as refusal:
                return refusal.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


@contextmanager
def a_full_class(*, seats: int, waiting: int) -> Iterator[tuple[int, int, list[int], list[int]]]:
    """A vendor, a full class tomorrow, its bookings and the line for it, acting at noon."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        with begin() as session:
            service = make.service(session, kind="class", capacity=seats)
            found = class_sessions.plan(session, service_id=service.id, starts_at=TOMORROW)[0].id
            ids = {"class_session_id": found}
            taken = [
                class_sessions.join(session, **ids, customer_id=make.customer(session).id).id
                for _ in range(seats)
            ]
            line = [
                waitlist.join(session, **ids, customer_id=make.customer(session).id).id
                for _ in range(waiting)
            ]
        yield vendor_id, found, taken, line


def test_no_seat_is_given_twice_whoever_comes_and_goes_at_once(fresh_database: str) -> None:
    seats = 5
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        service = make.service(session, kind="class", capacity=seats)
        found = make.class_session(
            session, service=service, seats=seats, starts_at=datetime.now(UTC) + 24 * AN_HOUR
        ).id
        people = [make.customer(session).id for _ in range(8)]
    gate, over, seen = threading.Barrier(9), threading.Event(), set[tuple[int, int]]()

    def come_and_go(number: int) -> int:
        chance, joined = random.Random(number), 0
        with acting(vendor_actor(vendor_id)):
            gate.wait(60)
            for _ in range(6):
                try:
                    with begin() as session:
                        mine = class_sessions.join(
                            session, class_session_id=found, customer_id=people[number],
                            seats=chance.randint(1, 3),
                        ).id  # fmt: skip
                    joined += 1
                    with begin() as session:
                        class_sessions.leave(session, booking_id=mine)
                except ClassIsFull:
                    continue
        return joined

    def watch() -> None:
        with acting(vendor_actor(vendor_id)):
            gate.wait(60)
            while not over.is_set():
                with begin() as session:
                    query = select(ClassSession.taken, func.coalesce(func.sum(Booking.seats), 0))
                    query = query.outerjoin(
                        Booking,
                        (Booking.class_session_id == ClassSession.id)
                        & Booking.status.in_(STANDING),
                    )
                    seen.add(session.execute(query.group_by(ClassSession.id)).one()[:2])

    with ThreadPoolExecutor(9) as pool:
        watching = pool.submit(watch)
        joined = sum(pool.map(come_and_go, range(8)))
        over.set()
        watching.result(60)
    assert joined >= 8
    assert all(taken == summed <= seats for taken, summed in seen), seen
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(ClassSession, found).taken == seats_of(session, found) == 0


def test_one_offer_is_made_of_one_freed_seat_however_often_it_is_filled(
    fresh_database: str,
) -> None:
    with a_full_class(seats=2, waiting=6) as (vendor_id, found, taken, line):
        with begin() as session:
            class_sessions.leave(session, booking_id=taken[0])
        fills = [lambda s: waitlist.fill(s, booking_id=taken[0])] * 6
        assert at_once(vendor_id, fills) == ["list"] * 6
        with begin() as session:
            offered = select(WaitlistEntry.id).where(WaitlistEntry.status == "offered")
            assert session.scalars(offered).all() == [line[0]]
            assert seats_of(session, found) == 2


def test_one_slot_is_offered_to_one_of_six_by_six(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session, clock.stopped_at(make.NOON):
        service, staff = make.service(session).id, make.staff_member(session).id
        line = [
            waitlist.join(
                session, customer_id=make.customer(session).id, service_id=service,
                latest=TOMORROW + AN_HOUR,
            ).id
            for _ in range(6)
        ]  # fmt: skip

    def offer(entry_id: int) -> Callable[[Session], Any]:
        return lambda s: waitlist.offer(s, entry_id=entry_id, starts_at=TOMORROW, staff_id=staff)

    outcomes = at_once(vendor_id, [offer(entry_id) for entry_id in line])
    assert outcomes == ["SlotTaken"] * 5 + ["WaitlistEntry"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.scalar(select(func.count(Booking.id))) == 1


def test_an_offer_is_accepted_once(fresh_database: str) -> None:
    with a_full_class(seats=1, waiting=1) as (vendor_id, found, taken, line):
        with begin() as session:
            class_sessions.leave(session, booking_id=taken[0])
            waitlist.fill(session, booking_id=taken[0])
        answers = [lambda s: waitlist.accept(s, entry_id=line[0])] * 4
        answers += [lambda s: waitlist.decline(s, entry_id=line[0])] * 2
        outcomes = at_once(vendor_id, answers)
        assert outcomes.count("NoOffer") == 5
        with begin() as session:
            entry = session.get_one(WaitlistEntry, line[0])
            accepted = "Booking" in outcomes
            assert entry.status == ("booked" if accepted else "waiting")
            assert session.get_one(ClassSession, found).taken == accepted


def test_a_class_that_is_called_off_while_people_join_has_nobody_in_it(fresh_database: str) -> None:
    with a_full_class(seats=6, waiting=0) as (vendor_id, found, taken, _):
        with begin() as session:
            for booking_id in taken[:4]:
                class_sessions.leave(session, booking_id=booking_id)
            people = [make.customer(session).id for _ in range(4)]

        def join(customer_id: int) -> Callable[[Session], Any]:
            return lambda s: class_sessions.join(s, class_session_id=found, customer_id=customer_id)

        calls = [join(customer_id) for customer_id in people]
        calls.insert(2, lambda s: class_sessions.call_off(s, class_session_id=found))
        outcomes = at_once(vendor_id, calls)
        assert set(outcomes) <= {"Booking", "CalledOff", "ClassSession"}
        assert outcomes.count("ClassSession") == 1
        with begin() as session:
            called_off = session.get_one(ClassSession, found)
            assert (called_off.status, called_off.taken) == ("cancelled", 0)
            assert seats_of(session, found) == 0


def test_a_series_that_is_begun_at_once_is_one(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        fields = {
            "customer_id": make.customer(session).id, "service_id": make.service(session).id,
            "staff_id": None, "starts_on": TOMORROW.date(), "starts": time(15), "rhythm": "week",
            "occurrences": 4,
        }  # fmt: skip
    outcomes = at_once(vendor_id, [lambda s: series.begin(s, **fields)] * 4)
    assert outcomes == ["AlreadyBegun"] * 3 + ["BookingSeries"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.scalar(select(func.count(Booking.id))) == 4


# --- the same local hour ----------------------------------------------------------------------

ZONES = (
    "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
    "Europe/Lisbon", "Asia/Beirut", "Pacific/Apia",
)  # fmt: skip


def meant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant that a wall time means, found among all that it could be."""
    offsets = {
        (wall + timedelta(hours=h)).replace(tzinfo=UTC).astimezone(zone).utcoffset()
        for h in range(-30, 31)
    }
    instants = sorted(
        (wall - offset).replace(tzinfo=UTC) for offset in offsets if offset is not None
    )
    shown = [at for at in instants if at.astimezone(zone).replace(tzinfo=None) == wall]
    if shown:
        return shown[0]  # of an hour that comes twice the first
    before = (wall - timedelta(hours=30)).replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert before is not None
    return (wall - before).replace(tzinfo=UTC)  # as if the clocks had not gone forward yet


quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@given(
    zone=st.sampled_from(ZONES), starts_on=st.dates(date(2009, 1, 1), date(2030, 1, 1)),
    starts=quarters, rhythm=st.sampled_from(Rhythm), data=st.data(),
)  # fmt: skip
@examples(80)
def test_the_local_hour_stays(
    zone: str, starts_on: date, starts: time, rhythm: Rhythm, data: st.DataObject
) -> None:
    times = data.draw(st.integers(1, rhythms.MOST[rhythm]))
    days = rhythms.days(starts_on, rhythm, times)
    assert len(days) == times
    assert days == sorted(set(days))
    for day in days:
        found = rhythms.local_start(day, starts, zone)
        wall, local = datetime.combine(day, starts), found.starts_at.astimezone(ZoneInfo(zone))
        assert found.starts_at == meant(wall, ZoneInfo(zone))
        assert found.skipped == (local.replace(tzinfo=None) != wall)
        assert local.replace(tzinfo=None) >= wall


@given(starts_on=st.dates(date(2020, 1, 1), date(2030, 1, 1)), n=st.integers(2, 12))
def test_a_month_later_is_the_same_day_or_the_last(starts_on: date, n: int) -> None:
    found = rhythms.days(starts_on, Rhythm.MONTH, n)[-1]
    months = (found.year - starts_on.year) * 12 + found.month - starts_on.month
    assert months == n - 1
    assert found.day == starts_on.day or (
        found.day < starts_on.day and (found + timedelta(days=1)).day == 1
    )


@pytest.mark.parametrize(
    ("zone", "starts_on", "hour"),
    [
        ("Europe/Amsterdam", date(2026, 3, 22), time(2, 30)),
        ("Europe/Amsterdam", date(2026, 10, 18), time(2, 30)),
        ("America/New_York", date(2026, 3, 1), time(2, 15)),
        ("America/New_York", date(2026, 10, 25), time(1, 15)),
        ("Australia/Lord_Howe", date(2026, 9, 27), time(2, 10)),
        ("Australia/Lord_Howe", date(2026, 3, 29), time(1, 40)),
        ("America/Santiago", date(2026, 8, 30), time(0, 20)),
        ("America/Santiago", date(2026, 3, 28), time(23, 20)),
    ],
)
def test_what_is_booked_is_what_was_shown_over_a_change(
    db: Connection, zone: str, starts_on: date, hour: time
) -> None:
    vendor_id = make.new_vendor(time_zone=zone)
    at = clock.stopped_at(datetime(2026, 1, 1, tzinfo=UTC))
    with acting(vendor_actor(vendor_id)), at, begin() as session:
        fields = {
            "customer_id": make.customer(session).id, "service_id": make.service(session).id,
            "staff_id": make.staff_member(session).id, "starts_on": starts_on, "starts": hour,
            "rhythm": "week", "occurrences": 3,
        }  # fmt: skip
        shown = [one.starts_at for one in series.preview(session, **fields)]
        made = series.begin(session, **fields)
        rows = session.scalars(
            select(Booking).where(Booking.series_id == made.id).order_by(Booking.series_number)
        ).all()
        assert [row.starts_at for row in rows] == shown
        walls = [datetime.combine(starts_on + timedelta(weeks=n), hour) for n in range(3)]
        assert shown == [meant(wall, ZoneInfo(zone)) for wall in walls]
        assert {row.ends_at - row.starts_at for row in rows} == {AN_HOUR}
        moved = series.change(
            session, booking_id=rows[0].id, scope="following", starts=time(hour.hour, 55)
        )
        assert [row.starts_at for row in moved] == [
            meant(wall.replace(minute=55), ZoneInfo(zone)) for wall in walls
        ]


# --- whatever happens to a line -----------------------------------------------------------------

picks = st.integers(0, 9)
SEATS = 2


class House(RuleBasedStateMachine):
    """A class of two seats, a person's only hour, and a line for both; anything may happen."""

    @initialize()
    def open(self) -> None:
        self.vendor_id, self.now, self.seats = make.new_vendor(), make.NOON, SEATS
        self.freed: list[int] = []
        self.gone: set[int] = set()
        self.seen: Any = None
        with self.working() as session:
            lesson = make.service(session, kind="class", capacity=SEATS)
            planned = class_sessions.plan(session, service_id=lesson.id, starts_at=TOMORROW)
            self.planned, self.service = planned[0].id, make.service(session).id
            self.staff = make.staff_member(session).id
            self.people = [make.customer(session).id for _ in range(7)]
        for who in range(SEATS):  # full from the beginning, and somebody waits
            self.take_seats(who, 1)
        self.take_the_hour(SEATS)
        for who in (3, 4, 5):
            self.stand_in_line(who, who != 4)
            self.stand_in_line(who, False)

    @contextmanager
    def working(self) -> Iterator[Session]:
        with acting(vendor_actor(self.vendor_id)), clock.stopped_at(self.now), begin() as session:
            yield session

    def tried(self, verb: Callable[..., Any], **ids: Any) -> Any:
        """What was done, or the name of the refusal, which leaves nothing behind."""
        self.seen = None
        try:
            with self.working() as session:
                return verb(session, **ids)
        except DomainError as refusal:
            return refusal.code

    def look(self) -> tuple[ClassSession, list[Booking], list[WaitlistEntry]]:
        """What stands in the books since the last thing that happened."""
        if self.seen is None:
            with self.working() as session:
                self.seen = (
                    session.get_one(ClassSession, self.planned),
                    list(session.scalars(select(Booking).order_by(Booking.id))),
                    list(session.scalars(select(WaitlistEntry).order_by(WaitlistEntry.id))),
                )
        return self.seen

    def entries(self, *statuses: str) -> list[WaitlistEntry]:
        return [entry for entry in self.look()[2] if entry.status in statuses]

    def bookings(self, *statuses: str) -> list[Booking]:
        return [booking for booking in self.look()[1] if booking.status in statuses]

    # --- what may happen --------------------------------------------------------------------

    @rule(who=picks, seats=st.integers(1, 2), what=st.sampled_from(["seats", "hour", "line"]))
    def come(self, who: int, seats: int, what: str) -> None:
        if what == "seats":
            self.take_seats(who, seats)
        elif what == "hour":
            self.take_the_hour(who)
        else:
            self.stand_in_line(who, seats == 1)

    def take_seats(self, who: int, seats: int) -> None:
        left = self.seats - sum(b.seats for b in self.bookings(*STANDING) if b.class_session_id)
        inside = {b.customer_id for b in self.bookings(*STANDING) if b.class_session_id}
        customer = self.people[who % len(self.people)]
        made = self.tried(
            class_sessions.join, class_session_id=self.planned, customer_id=customer, seats=seats
        )
        if seats > left:
            assert made == "ClassIsFull"
        elif customer in inside or customer in self.gone:
            assert made == ("AlreadyIn" if customer in inside else "CannotBook")
        else:
            assert made.status == "confirmed"

    def take_the_hour(self, who: int) -> None:
        customer = self.people[who % len(self.people)]
        free = not [b for b in self.bookings(*STANDING) if not b.class_session_id]
        made = self.tried(
            bookings.book, customer_id=customer, service_id=self.service, staff_id=self.staff,
            starts_at=TOMORROW,
        )  # fmt: skip
        if customer in self.gone or not free:
            assert made == ("CannotBook" if customer in self.gone else "SlotTaken")
        else:
            assert made.status == "pending"

    @rule(which=picks, times=st.integers(0, 2))
    def give_up(self, which: int, times: int) -> None:
        """Somebody cancels; the task that fills it runs later, now, or twice."""
        rows = [b for b in self.bookings(*STANDING) if b.held_until is None]
        if rows:
            made = self.tried(bookings.cancel, booking_id=rows[which % len(rows)].id, by="customer")
            assert made.status == "cancelled"
            self.freed.append(made.id)
            for _ in range(times):
                self.fill(0)

    def stand_in_line(self, who: int, lesson: bool) -> None:
        what: dict[str, Any] = {"class_session_id": self.planned}
        if not lesson:
            what = {"service_id": self.service, "latest": TOMORROW + AN_HOUR}
        made = self.tried(
            waitlist.join, customer_id=self.people[who % len(self.people)], channel="online", **what
        )
        refused = {"SeatsLeft", "AlreadyWaiting", "AlreadyIn", "CannotBook"}
        assert made in refused if isinstance(made, str) else made.status == "waiting"

    @rule(
        which=picks, filled=st.booleans(),
        verb=st.sampled_from([waitlist.accept, waitlist.decline, waitlist.leave]),
    )  # fmt: skip
    def answer(self, which: int, verb: Callable[..., Any], filled: bool) -> None:
        rows = self.entries("offered") or self.entries("waiting", "booked")
        if not rows:
            return
        entry = rows[which % len(rows)]
        taken = self.taken()
        made = self.tried(verb, entry_id=entry.id)
        if verb is waitlist.accept and not isinstance(made, str):
            assert entry.status == "offered"
            assert entry.held_until is not None
            assert entry.held_until > self.now
            assert (made.status, self.taken()) == ("confirmed", taken)
        elif verb is waitlist.decline and entry.status != "offered":
            assert made == "NoOffer"
        elif not isinstance(made, str) and entry.status == "offered" and entry.class_session_id:
            assert self.taken() == taken - 1  # given back once
            assert verb is waitlist.leave or made.queued_at == self.now
        self.free_of(entry)
        if filled:
            self.fill(0)

    @rule(which=picks)
    def fill(self, which: int) -> None:
        """A task that comes late, early, or twice."""
        if not self.freed:
            return
        freed = self.freed[-1 - which % len(self.freed)]
        free = self.seats - self.taken()
        made = self.tried(waitlist.fill, booking_id=freed)
        seat = next(b for b in self.bookings("cancelled") if b.id == freed).class_session_id
        assert len(made) <= (free if seat else 1)
        for entry in made:
            assert entry.customer_id not in self.gone
            assert entry.held_until == self.now + timedelta(minutes=30)

    @rule(minutes=st.sampled_from([1, 31, 31]), filled=st.integers(0, 2))
    def pass_time(self, minutes: int, filled: int) -> None:
        self.now = min(self.now + timedelta(minutes=minutes), TOMORROW - timedelta(hours=2))
        self.lapse()
        for which in range(filled):
            self.fill(which)

    def lapse(self) -> None:
        due = [e for e in self.entries("offered") if e.held_until and e.held_until <= self.now]
        before, seats = self.taken(), sum(1 for entry in due if entry.class_session_id)
        for entry in self.tried(waitlist.lapse_due):
            assert (entry.status, entry.queued_at) == ("waiting", self.now)
            assert entry.id in {one.id for one in due}
        assert self.taken() == before - seats
        for entry in due:
            self.free_of(entry)
        assert self.tried(waitlist.lapse_due) == []  # once is enough

    @rule(who=picks, leaves=st.booleans())
    def change_the_house(self, who: int, leaves: bool) -> None:
        """A customer is archived, or the class is given a seat."""
        if not leaves:
            self.add_a_seat()
        elif len(self.gone) < 2:
            self.gone.add(self.people[who % len(self.people)])
            with self.working() as session:
                for customer_id in self.gone:
                    session.get_one(Customer, customer_id).archived_at = self.now
            self.seen = None

    def add_a_seat(self) -> None:
        if self.seats < SEATS + 1:
            self.seats += 1
            self.tried(class_sessions.set_seats, class_session_id=self.planned, seats=self.seats)

    # --- what must be true --------------------------------------------------------------------

    def taken(self) -> int:
        return self.look()[0].taken

    def free_of(self, entry: WaitlistEntry) -> None:
        """What an entry was offered is free again: the outbox would fill it."""
        if entry.booking_id is not None:
            self.freed += [b.id for b in self.bookings("cancelled") if b.id == entry.booking_id]

    @invariant()
    def seats_are_those_of_the_bookings(self) -> None:
        held = sum(b.seats for b in self.bookings(*STANDING) if b.class_session_id)
        assert self.taken() == held <= self.look()[0].seats == self.seats

    @invariant()
    def the_hour_is_promised_once(self) -> None:
        assert len([b for b in self.bookings(*STANDING) if not b.class_session_id]) <= 1

    @invariant()
    def every_offer_is_held_by_one_booking_and_every_hold_is_an_offer(self) -> None:
        holds = [(b.id, b.customer_id, b.held_until) for b in self.bookings("pending")
                 if b.held_until is not None]  # fmt: skip
        offers = [(e.booking_id, e.customer_id, e.held_until) for e in self.entries("offered")]
        assert sorted(holds) == sorted(offers)
        assert all(b.held_until is None for b in self.bookings("confirmed"))

    @invariant()
    def nobody_is_asked_twice_for_what_they_let_go_by(self) -> None:
        """Of one slot or class nobody lets two offers go by, unless it was freed anew between."""
        gone_by = [b for b in self.bookings("cancelled") if b.held_until is not None]
        freed = [b for b in self.bookings("cancelled") if b.held_until is None]
        for one in gone_by:
            for other in gone_by:
                same = one.id < other.id and one.customer_id == other.customer_id
                if same and one.class_session_id == other.class_session_id:
                    assert any(
                        b.cancelled_at and one.cancelled_at and b.cancelled_at >= one.cancelled_at
                        and b.class_session_id == one.class_session_id
                        for b in freed
                    ) or self._joined_anew(one)  # fmt: skip

    def _joined_anew(self, one: Booking) -> bool:
        return any(
            entry.customer_id == one.customer_id
            and one.cancelled_at is not None
            and entry.created_at >= one.cancelled_at
            for entry in self.look()[2]
        )


def test_one_freed_seat_or_slot_is_one_offer_whatever_happens(db: Connection) -> None:
    run_state_machine_as_test(
        House,
        settings=examples(5, stateful_step_count=40, phases=[Phase.explicit, Phase.generate]),
    )
