"""What is offered can be booked, and what is not offered cannot: by the rule and by the database.

On the days of both changes of the clock in zones that change by an hour, by half an hour, at
midnight, and in one that never does; hours, exceptions, buffers, bookings, classes and rooms are
drawn at random.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import bookings, schedules
from app.operations.schedules import RoomTaken, Slot, SlotTaken
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.resources import Resource
from models.services import Service
from models.staff import StaffMember
from models.words import Channel
from tests import make
from tests.chance import examples

CHANGES = [
    ("Europe/Lisbon", date(2026, 3, 29)),
    ("Europe/Lisbon", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Kathmandu", date(2026, 7, 5)),
]
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
STEP, DAY = timedelta(minutes=5), timedelta(days=1)

few = examples(3)
at_changes = pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)

times = st.integers(0, 24 * 12 - 1).map(lambda n: time(n // 12, n % 12 * 5))
# Most of what begins or ends near the change of clocks; the rest is anywhere in the day.
edges = st.one_of(times, st.integers(0, 4 * 12).map(lambda n: time(n // 12, n % 12 * 5)))
rules = st.lists(st.tuples(st.integers(0, 2), edges, edges), max_size=5)
minutes = st.integers(0, 3 * 24 * 12).map(lambda n: n * STEP)
spans = st.lists(st.tuples(minutes, st.integers(1, 60).map(lambda n: n * STEP)), max_size=3)
lengths = st.sampled_from([15, 20, 45, 60, 90, 150])
buffers = st.sampled_from([0, 0, 5, 15, 40])

HOURS = st.fixed_dictionaries(
    {
        "vendor": rules, "own": rules, "breaks": rules, "of_service": st.one_of(st.just([]), rules),
        "off": spans, "extra": spans, "closed": st.one_of(st.just([]), spans),
    }
)  # fmt: skip


@dataclass
class Shop:
    """A vendor with somebody who does one service, and somebody else; three days are looked at."""

    vendor_id: int
    zone: ZoneInfo
    since: datetime
    until: datetime
    service_id: int
    staff_ids: list[int]
    customer_id: int
    before: timedelta = timedelta()
    after: timedelta = timedelta()

    @contextmanager
    def open(self) -> Iterator[Session]:
        with acting(vendor_actor(self.vendor_id)), clock.stopped_at(NEW_YEAR), begin() as session:
            yield session

    def slots(self, **fields: Any) -> list[Slot]:
        with self.open() as session:
            return schedules.free_slots(
                session, service_id=self.service_id, since=self.since, until=self.until, **fields
            )


def a_shop(zone: str, day: date, **service: Any) -> Shop:
    """The three local days around `day` of a new vendor in `zone`."""
    vendor_id = make.new_vendor(time_zone=zone)
    here = ZoneInfo(zone)
    since, until = (datetime.combine(day + n * DAY, time(0), here).astimezone(UTC) for n in (-1, 2))
    with acting(vendor_actor(vendor_id)), begin() as session:
        offered = make.service(session, **service)
        return Shop(
            vendor_id, here, since, until, offered.id,
            [make.staff_member(session).id for _ in range(2)], make.customer(session).id,
            timedelta(minutes=offered.buffer_before_minutes),
            timedelta(minutes=offered.buffer_after_minutes),
        )  # fmt: skip


def set_hours(shop: Shop, day: date, drawn: dict[str, Any]) -> None:
    """Write the drawn hours down for the first of the two; the other has the vendor's."""
    first = {"staff_id": shop.staff_ids[0]}
    owners: dict[str, dict[str, Any]] = {
        "vendor": {}, "own": first, "breaks": {**first, "kind": "break"},
        "of_service": {"service_id": shop.service_id},
    }  # fmt: skip
    asides = {"off": first, "extra": first, "closed": {}}
    with shop.open() as session:
        for name, fields in owners.items():
            for which, starts, ends in drawn[name]:
                weekday = (day + (which - 1) * DAY).isoweekday()
                make.working_hours(session, weekday=weekday, starts=starts, ends=ends, **fields)
        for name, fields in asides.items():
            for after, length in drawn[name]:
                begins = shop.since + after
                kind = "extra" if name == "extra" else "off"
                make.time_off(
                    session, kind=kind, starts_at=begins, ends_at=begins + length, **fields
                )


# --- the hours, by looking at a clock on the wall every five minutes ------------------------------


class Watch:
    """Every five minutes of eight days, and what the clock on the wall shows then."""

    def __init__(self, shop: Shop) -> None:
        self.zone = shop.zone
        begins, ends = shop.since - 3 * DAY, shop.until + 3 * DAY
        self.ticks = [begins + n * STEP for n in range((ends - begins) // STEP)]
        self.shown: dict[datetime, list[datetime]] = {}
        for tick in self.ticks:
            wall = tick.astimezone(self.zone).replace(tzinfo=None)
            self.shown.setdefault(wall, []).append(tick)

    def instant(self, wall: datetime, *, end: bool) -> datetime:
        """When the clock shows `wall`; if it never does, so long after what it showed last."""
        if wall in self.shown:
            return self.shown[wall][-1 if end else 0]
        last = max(shown for shown in self.shown if shown < wall)
        return self.shown[last][-1] + (wall - last)

    def open_ticks(self, drawn: list[tuple[int, time, time]], day: date) -> set[datetime]:
        """The ticks of weekly rules, in this week and in those around it."""
        found: set[datetime] = set()
        for which, starts, ends in drawn:
            for week in (-7, 0, 7):
                on = day + (which - 1 + week) * DAY
                over = on if ends > starts else on + DAY
                if on < day - 4 * DAY or over > day + 4 * DAY:
                    continue
                begins = self.instant(datetime.combine(on, starts), end=False)
                until = self.instant(datetime.combine(over, ends), end=True)
                found |= {tick for tick in self.ticks if begins <= tick < until}
        return found


def expected(shop: Shop, day: date, drawn: dict[str, Any], length: timedelta) -> set[Any]:
    """The starts that are right, by ticks; of the first and, without hours of their own, second."""
    watch = Watch(shop)

    def ticks(name: str) -> set[datetime]:
        return watch.open_ticks(drawn[name], day)

    def aside(name: str) -> set[datetime]:
        return {
            tick
            for after, lasts in drawn[name]
            for tick in watch.ticks
            if shop.since + after <= tick < shop.since + after + lasts
        }

    everything = set(watch.ticks)
    of_vendor = ticks("vendor") if drawn["vendor"] else everything
    mine = ticks("own") if drawn["own"] else of_vendor
    work = [(mine - ticks("breaks")) | aside("extra"), of_vendor]
    of_service = ticks("of_service") if drawn["of_service"] else everything
    work = [(part & of_service) - aside("closed") for part in work]
    work[0] -= aside("off")
    steps = range(length // STEP)
    return {
        (staff_id, tick)
        for staff_id, part in zip(shop.staff_ids, work, strict=True)
        for tick in part
        if shop.since <= tick < shop.until and all(tick + n * STEP in part for n in steps)
    }


@at_changes
@few
@given(drawn=HOURS, minutes=lengths)
def test_the_hours_are_those_of_the_clock_on_the_wall(
    db: Connection, zone: str, day: date, drawn: dict[str, Any], minutes: int
) -> None:
    shop = a_shop(zone, day, duration_minutes=minutes, slot_interval_minutes=5)
    set_hours(shop, day, drawn)
    found = {(slot.staff_id, slot.starts_at) for slot in shop.slots()}
    assert found == expected(shop, day, drawn, timedelta(minutes=minutes))


# --- what is in the way, by asking the database ---------------------------------------------------

BUSY = st.lists(
    st.tuples(
        st.sampled_from(["booking", "booking", "class", "room", "overbooked", "cancelled"]),
        st.integers(0, 1), minutes, st.sampled_from([15, 30, 70, 400]), buffers, buffers,
        st.integers(1, 2),
    ),
    max_size=9,
)  # fmt: skip
SERVICES = st.fixed_dictionaries(
    {
        "duration_minutes": lengths, "buffer_before_minutes": buffers,
        "buffer_after_minutes": buffers, "slot_interval_minutes": st.sampled_from([20, 30, 45]),
    }
)  # fmt: skip


def written(shop: Shop, resource_id: int | None, drawn: tuple[Any, ...]) -> None:
    """Write one thing down that is in the way; what overlaps another one is left out."""
    kind, who, after, lasts, before_minutes, after_minutes, unit = drawn
    begins = shop.since + after
    ends = begins + timedelta(minutes=lasts)
    ranges: dict[str, Any] = {
        "with_buffer_before": Range(begins - timedelta(minutes=before_minutes), ends),
        "with_buffer_after": Range(begins, ends + timedelta(minutes=after_minutes)),
    }
    if kind == "overbooked":
        ranges = dict.fromkeys(ranges, Range(empty=True)) | {"overbooked": "They asked for it"}
    with shop.open() as session:
        staff = session.get_one(StaffMember, shop.staff_ids[who])
        if kind == "class":
            make.class_session(session, staff=staff, starts_at=begins, ends_at=ends, **ranges)
            return
        booking = make.booking(
            session, staff=None if kind == "room" else staff, starts_at=begins, ends_at=ends,
            status="cancelled" if kind == "cancelled" else "confirmed", **ranges,
        )  # fmt: skip
        if kind == "room" and resource_id is not None:
            make.claim(
                session, resource=session.get_one(Resource, resource_id), booking=booking,
                unit=unit,
            )  # fmt: skip


def booked_for_real(shop: Shop, slot: Slot) -> None:
    """Book a slot as a customer would, and let it go again."""
    with shop.open() as session:
        tried = session.begin_nested()
        made = bookings.book(
            session, customer_id=shop.customer_id, service_id=shop.service_id,
            staff_id=slot.staff_id, starts_at=slot.starts_at, channel=Channel.ONLINE,
        )  # fmt: skip
        assert (made.starts_at, made.ends_at) == (slot.starts_at, slot.ends_at)
        assert made.price == slot.price
        tried.rollback()


def refusal_of_rule(shop: Shop, slot: Slot) -> type[DomainError]:
    """The refusal of a slot; there is one."""
    with pytest.raises(DomainError) as caught, shop.open() as session:
        schedules.check(
            session, service_id=shop.service_id, staff_id=slot.staff_id,
            starts_at=slot.starts_at, channel=Channel.ONLINE,
        )  # fmt: skip
    return type(caught.value)


def inserted_anyway(shop: Shop, slot: Slot, *, unit: tuple[int, int] | None) -> None:
    """Write a booking of a slot past the rule: with its person, or with a unit of its room only."""
    ranges: dict[str, Any] = {
        "with_buffer_before": Range(slot.starts_at - shop.before, slot.ends_at),
        "with_buffer_after": Range(slot.starts_at, slot.ends_at + shop.after),
    }
    with shop.open() as session:
        person = session.get_one(StaffMember, slot.staff_id) if unit is None else None
        booking: Booking = make.booking(
            session, service=session.get_one(Service, shop.service_id), staff=person,
            starts_at=slot.starts_at, ends_at=slot.ends_at, **ranges,
        )  # fmt: skip
        if unit is not None:
            resource = session.get_one(Resource, unit[0])
            make.claim(session, resource=resource, booking=booking, unit=unit[1])


@at_changes
@few
@given(service=SERVICES, busy=BUSY, capacity=st.sampled_from([0, 1, 2]))
def test_what_is_offered_is_booked_and_what_is_not_the_database_refuses(
    db: Connection, zone: str, day: date, service: dict[str, Any], busy: Any, capacity: int
) -> None:
    shop = a_shop(zone, day, **service)
    everything = shop.slots()
    resource_id = None
    if capacity:
        with shop.open() as session:
            room = make.resource(session, capacity=capacity)
            needing = session.get_one(Service, shop.service_id)
            make.service_resource(session, service=needing, resource=room)
            resource_id = room.id
    for drawn in busy:
        with_contents(shop, resource_id, drawn, capacity)
    offered = shop.slots()
    assert set(offered) <= set(everything)
    for slot in offered[:: max(1, len(offered) // 6)]:
        booked_for_real(shop, slot)
    missing = [slot for slot in everything if slot not in set(offered)]
    for slot in missing[:: max(1, len(missing) // 8)]:
        refused_by_both(shop, slot, resource_id, capacity)


def with_contents(shop: Shop, resource_id: int | None, drawn: Any, capacity: int) -> None:
    """Write it down unless it overlaps what is there, or there is no such unit."""
    if drawn[0] == "room" and drawn[-1] > capacity > 0:
        return
    try:
        written(shop, resource_id, drawn)
    except (SlotTaken, RoomTaken):
        return


def refused_by_both(shop: Shop, slot: Slot, resource_id: int | None, capacity: int) -> None:
    """The rule refuses it, and past the rule the database does, for the same reason."""
    refusal = refusal_of_rule(shop, slot)
    assert refusal in (SlotTaken, RoomTaken)
    if refusal is SlotTaken:
        with pytest.raises(SlotTaken):
            inserted_anyway(shop, slot, unit=None)
        return
    assert resource_id is not None
    for unit in range(1, capacity + 1):
        with pytest.raises(RoomTaken):
            inserted_anyway(shop, slot, unit=(resource_id, unit))
