"""Whatever is booked, moved and called off in whatever order: nobody is in two places at once.

Over the days on which the clocks change: of 23 and 25 hours, and of Lord Howe's half hour.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import bookings, interests, places
from app.tenancy import acting, vendor_actor
from models.audit import AuditEntry
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus
from models.class_sessions import ClassSession
from models.resources import ResourceClaim
from models.staff import StaffMember
from tests import make
from tests.chance import examples

CHANGES = {
    "Europe/Amsterdam": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
}
SUMMER = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
BLOCKING = {"pending", "confirmed", "checked_in"}
CONFIRMED, CANCELLED = BookingStatus.CONFIRMED, BookingStatus.CANCELLED
VERBS: dict[str, tuple[Callable[..., Any], set[str], BookingStatus]] = {
    "confirm": (bookings.confirm, {"pending"}, CONFIRMED),
    "check in": (bookings.check_in, {"confirmed"}, BookingStatus.CHECKED_IN),
    "complete": (
        bookings.complete, {"confirmed", "checked_in", "no_show"}, BookingStatus.COMPLETED,
    ),
    "cancel": (bookings.cancel, BLOCKING, CANCELLED),
    "no-show": (bookings.mark_no_show, {"confirmed"}, BookingStatus.NO_SHOW),
    "reopen": (bookings.reopen, {"no_show"}, CONFIRMED),
}  # fmt: skip
BUFFERS = ((0, 0), (10, 0), (5, 20))
MINUTES, OWN_MINUTES = 60, 80
SEATS, UNITS = 3, 2

ONWARDS = {
    "pending": ("confirm", "confirm"),
    "confirmed": ("check in", "no-show"),
    "checked_in": ("complete", "complete"),
    "no_show": ("reopen", "complete"),
}

hours = st.builds(time, st.integers(1, 3), st.sampled_from([0, 20, 30, 40]))
people = st.sampled_from([0, 0, 0, 1, None])


class Shop(RuleBasedStateMachine):
    """A vendor with two people, a room of two units and a class; anything may happen."""

    @initialize(zone=st.sampled_from(list(CHANGES)))
    def open(self, zone: str) -> None:
        self.zone, self.days, self.now = zone, CHANGES[zone], SUMMER
        self.vendor_id = make.new_vendor(time_zone=zone)
        self.walks: dict[int, list[str]] = {}
        self.changes: dict[int, int] = {}
        with self.working() as session:
            self.customer = make.customer(session).id
            self.staff = [make.staff_member(session).id for _ in range(2)]
            made = [
                make.service(
                    session, duration_minutes=MINUTES, deposit=Decimal(n), kind=kind,
                    buffer_before_minutes=before, buffer_after_minutes=after,
                )
                for n, (kind, (before, after)) in enumerate(
                    zip(("appointment", "appointment", "lab_test"), BUFFERS, strict=True)
                )
            ]  # fmt: skip
            self.services = [service.id for service in made]
            for staff_id in self.staff:
                own = OWN_MINUTES if staff_id == self.staff[1] else None
                make.staff_service(
                    session, service=made[1], staff=_staff(session, staff_id), duration_minutes=own
                )
            room = make.resource(session, capacity=UNITS)
            make.service_resource(session, service=made[2], resource=room)
            make.policy(session, max_moves=1)
            planned = make.class_session(session, seats=SEATS, starts_at=SUMMER + timedelta(9))
            self.planned, self.lesson = planned.id, planned.service_id

    @contextmanager
    def working(self) -> Iterator[Session]:
        """A transaction of the vendor, at the time it is in the shop."""
        with (
            acting(vendor_actor(self.vendor_id)), clock.stopped_at(self.now), begin() as session
        ):  # fmt: skip
            yield session

    def tried(self, verb: Callable[..., Any], **ids: Any) -> tuple[int | None, str]:
        """The id of what was done, or the refusal, which leaves nothing behind."""
        try:
            with self.working() as session:
                return verb(session, **ids).id, ""
        except DomainError as refusal:
            return None, refusal.code

    def rows(self) -> list[Booking]:
        with self.working() as session:
            return list(session.scalars(select(Booking).order_by(Booking.id)))

    def row(self, which: int) -> Booking | None:
        rows = self.rows()
        return rows[-1 - which % len(rows)] if rows else None

    # --- what may happen ------------------------------------------------------------------

    @rule(
        who=people, what=st.sampled_from([0, 1, 2, 2]), day=st.integers(0, 1), hour=hours,
        squeezed=st.sampled_from([False, False, False, True]),
    )  # fmt: skip
    def book(self, who: int | None, what: int, day: int, hour: time, squeezed: bool) -> None:
        wall = datetime.combine(self.days[day], hour)
        staff_id = None if who is None else self.staff[who]
        minutes = OWN_MINUTES if (who, what) == (1, 1) else MINUTES
        wanted = self._wanted(what, staff_id, wall, minutes)
        expected = "" if squeezed or wanted is None else self._verdict(wanted)
        booking_id, refusal = self.tried(
            bookings.book, customer_id=self.customer, service_id=self.services[what],
            staff_id=staff_id, starts_at=wall, anyway="squeezed in" if squeezed else None,
        )  # fmt: skip
        if wanted is None:
            assert refusal == "NoSuchTime"
            return
        assert refusal == expected
        if booking_id is not None:
            self._began(booking_id)
            made = self._found(booking_id)
            assert made.ends_at - made.starts_at == timedelta(minutes=minutes)
            assert made.deposit == what
            assert made.with_buffer_before.isempty == squeezed

    @rule(seats=st.integers(1, SEATS))
    def join(self, seats: int) -> None:
        with self.working() as session:
            left = SEATS - session.get_one(ClassSession, self.planned).taken
        booking_id, refusal = self.tried(
            bookings.book, customer_id=self.customer, service_id=self.lesson, seats=seats,
            class_session_id=self.planned, starts_at=SUMMER,
        )  # fmt: skip
        assert refusal == ("" if seats <= left else "ClassIsFull")
        if booking_id is not None:
            self._began(booking_id)

    @rule(
        which=st.integers(0, 4), who=people, day=st.integers(0, 1), hour=hours,
        by=st.sampled_from(["vendor", "customer"]),
    )  # fmt: skip
    def move(self, which: int, who: int | None, day: int, hour: time, by: str) -> None:
        was = self.row(which)
        if was is None or was.class_session_id is not None:
            return
        wall = datetime.combine(self.days[day], hour)
        staff_id = None if who is None else self.staff[who]
        minutes = int((was.ends_at - was.starts_at).total_seconds()) // 60
        what = self.services.index(was.service_id)
        wanted = self._wanted(what, staff_id, wall, minutes)
        before, expected = len(self.rows()), self._refusal_of_move(was, wanted, by)
        moved, refusal = self.tried(
            bookings.reschedule, booking_id=was.id, starts_at=wall, staff_id=staff_id, by=by
        )
        assert refusal == expected
        assert len(self.rows()) == before
        if moved is None or wanted is None:
            return
        now = self._found(moved)
        assert (now.terms, now.deposit, now.price, now.public_ref) == (
            was.terms, was.deposit, was.price, was.public_ref,
        )  # fmt: skip
        assert now.ends_at - now.starts_at == was.ends_at - was.starts_at
        same = (was.starts_at, was.staff_id, was.overbooked) == (now.starts_at, staff_id, None)
        assert now.sequence == was.sequence + (not same)
        assert now.moves == was.moves + (by == "customer" and not same)
        self.changes[moved] += not same
        self._old_time_is_free(was, now)

    def _refusal_of_move(self, was: Booking, wanted: Any, by: str) -> str:
        if was.status not in ("pending", "confirmed"):
            return "CannotBook"
        if by == "customer" and was.moves >= 1:
            return "MovedTooOften"
        return "NoSuchTime" if wanted is None else self._verdict(wanted, ignoring=was.id)

    def _old_time_is_free(self, was: Booking, now: Booking) -> None:
        """Exactly what the move gave up can be booked again: tried, and taken back."""
        what = self.services.index(was.service_id)
        again = (what, was.staff_id, was.starts_at, was.ends_at)
        try:
            with self.working() as session:
                bookings.book(
                    session, customer_id=self.customer, service_id=was.service_id,
                    staff_id=was.staff_id, starts_at=was.starts_at, ends_at=was.ends_at,
                )  # fmt: skip
                raise Undone
        except Undone:
            refusal = ""
        except DomainError as known:
            refusal = known.code
        assert refusal == self._verdict(again)
        assert self._found(now.id).starts_at == now.starts_at

    @rule(which=st.integers(0, 4), name=st.sampled_from(list(VERBS)))
    def step(self, which: int, name: str) -> None:
        was = self.row(which)
        if was is not None:
            self._step(was, name)

    def _step(self, was: Booking, name: str) -> None:
        verb, from_, to = VERBS[name]
        expected = ""
        if was.status not in from_:
            expected = "CannotMove"
        elif name == "no-show" and was.starts_at > self.now:
            expected = "NotYet"
        elif name == "reopen" and was.class_session_id is None and not was.overbooked:
            expected = self._verdict_again(was)
        _, refusal = self.tried(verb, booking_id=was.id)
        assert refusal == expected
        if not refusal:
            assert was.status in (*BLOCKING, "no_show")
            assert to in BOOKING_TRANSITIONS[BookingStatus(was.status)]
            self.walks[was.id].append(to)
            self.changes[was.id] += 1

    @rule(which=st.integers(0, 4), other=st.booleans())
    def go_on(self, which: int, other: bool) -> None:
        """What comes next, or the other thing that comes next."""
        was = self.row(which)
        if was is not None and was.status in ONWARDS:
            self._step(was, ONWARDS[was.status][other])

    @rule(days=st.integers(1, 90))
    def pass_time(self, days: int) -> None:
        self.now = min(self.now + timedelta(days=days), SUMMER + timedelta(days=200))

    # --- what must be true ----------------------------------------------------------------

    @invariant()
    def nothing_is_amiss(self) -> None:
        with self.working() as session:
            rows = list(session.scalars(select(Booking)))
            claims = list(session.scalars(select(ResourceClaim).where(ResourceClaim.held)))
            assert interests.drift(session) == []
            assert places.drift(session) == []
        self._nobody_is_in_two_places_at_once(rows)
        self._every_booking_has_its_room(rows, claims)

    def _nobody_is_in_two_places_at_once(self, rows: list[Booking]) -> None:
        standing = [b for b in rows if _blocks(b) and b.staff_id is not None]
        for one, other in combinations(standing, 2):
            if one.staff_id == other.staff_id:
                assert not self._meet(_time(self, one), _time(self, other))

    def _every_booking_has_its_room(self, rows: list[Booking], claims: list[ResourceClaim]) -> None:
        """A unit each, and none twice at a time."""
        need = [b.id for b in rows if _blocks(b) and b.service_id == self.services[2]]
        assert sorted(c.booking_id or 0 for c in claims) == sorted(need)
        of = {b.id: _time(self, b) for b in rows if b.id in need}
        for one, other in combinations(claims, 2):
            if one.unit == other.unit:
                assert not self._meet(of[one.booking_id or 0], of[other.booking_id or 0])

    def teardown(self) -> None:
        """Each change is one line of the trail, and only the table's moves were made."""
        if not hasattr(self, "walks"):
            return
        with self.working() as session:
            trail = session.scalars(
                select(AuditEntry)
                .where(AuditEntry.table_name == "bookings", AuditEntry.row_id.in_(self.walks))
                .order_by(AuditEntry.id)
            ).all()
        for booking_id, walk in self.walks.items():
            lines = [entry for entry in trail if entry.row_id == booking_id]
            assert [e.new["status"] for e in lines if e.new and "status" in e.new] == walk
            assert len(lines) == 1 + self.changes[booking_id]

    # --- worked out in another way ----------------------------------------------------------

    def _began(self, booking_id: int) -> None:
        self.walks[booking_id], self.changes[booking_id] = ["pending"], 0

    def _found(self, booking_id: int) -> Booking:
        with self.working() as session:
            return session.get_one(Booking, booking_id)

    def _wanted(
        self, what: int, staff_id: int | None, wall: datetime, minutes: int
    ) -> tuple[int, int | None, datetime, datetime] | None:
        """Service, person and instants that are meant; None where the clocks skip the time."""
        zone = ZoneInfo(self.zone)
        starts = wall.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
        if starts.astimezone(zone).replace(tzinfo=None) != wall:
            return None
        return what, staff_id, starts, starts + timedelta(minutes=minutes)

    def _meet(self, one: Any, other: Any) -> bool:
        """Whether less than the larger of two buffers lies between them."""
        first, second = sorted((one, other), key=lambda span: span[2:])
        gap = max(BUFFERS[first[0]][1], BUFFERS[second[0]][0])
        return bool(second[2] < first[3] + timedelta(minutes=gap))

    def _verdict(self, wanted: Any, *, ignoring: int | None = None) -> str:
        """Why it cannot be booked, "" if it can."""
        others = [b for b in self.rows() if _blocks(b) and b.id != ignoring]
        mine = [b for b in others if b.staff_id is not None and b.staff_id == wanted[1]]
        if any(self._meet(wanted, _time(self, b)) for b in mine):
            return "SlotTaken"
        return "" if wanted[0] != 2 or self._free_units(wanted, others) else "RoomTaken"

    def _free_units(self, wanted: Any, others: list[Booking]) -> set[int]:
        with self.working() as session:
            unit_of = {c.booking_id: c.unit for c in session.scalars(select(ResourceClaim))}
        meeting = [b for b in others if b.id in unit_of and self._meet(wanted, _time(self, b))]
        return set(range(1, UNITS + 1)) - {unit_of[b.id] for b in meeting}

    def _verdict_again(self, was: Booking) -> str:
        """Why a booking cannot stand again: in its old time, and its old room."""
        wanted = _time(self, was)
        verdict = self._verdict(wanted, ignoring=was.id)
        if verdict or wanted[0] != 2:
            return verdict
        with self.working() as session:
            mine = session.scalars(
                select(ResourceClaim.unit).where(ResourceClaim.booking_id == was.id)
            ).one()
        others = [b for b in self.rows() if _blocks(b)]
        return "" if mine in self._free_units(wanted, others) else "RoomTaken"


class Undone(Exception):
    """Takes a transaction back."""


def _blocks(booking: Booking) -> bool:
    return (
        booking.status in BLOCKING and not booking.overbooked and booking.class_session_id is None
    )


def _time(shop: Shop, booking: Booking) -> tuple[int, int | None, datetime, datetime]:
    what = shop.services.index(booking.service_id)
    return what, booking.staff_id, booking.starts_at, booking.ends_at


def _staff(session: Session, staff_id: int) -> StaffMember:
    return session.get_one(StaffMember, staff_id)


def test_no_order_of_events_puts_anybody_in_two_places(db: Connection) -> None:
    run_state_machine_as_test(
        Shop,
        settings=examples(5, stateful_step_count=20, phases=[Phase.explicit, Phase.generate]),
    )
