"""What a span of time holds for a service: loaded in few queries, asked start by start.

`Plan.verdict` is the one rule of what is offered and what is accepted. It reads the buffers as the
database's exclusion constraints do: the larger of two counts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app import clock
from app.operations import facts
from app.operations.facts import Fact
from app.operations.hours import (
    ALWAYS,
    DAY,
    Rule,
    Span,
    Spans,
    Spell,
    Wall,
    by_day,
    common,
    grid,
    joined,
    weekly,
    without,
)
from models.bookings import BookingStatus
from models.schedules import HoursKind, TimeOffKind
from models.services import Service, ServiceKind
from models.words import Channel

BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
OF_CUSTOMERS = frozenset({Channel.ONLINE, Channel.PARTNER})
"""The channels that notice and advance are meant for; staff may book any time."""

CHECK_IN, CHECK_OUT = time(14), time(11)
LONGEST = timedelta(days=366)
"""A booking lasts a year at most; what takes longer is no booking."""


EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


NEVER = Spans()


class Why(StrEnum):
    """Why a time cannot be booked."""

    TOO_SOON = "too soon"
    TOO_FAR = "too far ahead"
    OUTSIDE = "outside the hours"
    TAKEN = "taken"
    FULL = "no room"


class Offer(NamedTuple):
    """How a member of staff does the service; of the vendor itself the id is None."""

    staff_id: int | None
    name: str
    minutes: int
    price: Decimal

    @classmethod
    def of(
        cls,
        service: Service,
        staff_id: int | None,
        name: str,
        minutes: int | None,
        price: Decimal | None,
    ) -> "Offer":
        """By their own minutes and price, else by those of the service."""
        minutes = minutes or service.duration_minutes
        return cls(staff_id, name, minutes, service.price if price is None else price)


class Aside(NamedTuple):
    """Time off that is not written down yet; without a member of staff the vendor's."""

    staff_id: int | None
    begins: datetime
    over: datetime
    label: str | None = None
    word: str = TimeOffKind.OFF


@dataclass(frozen=True, slots=True)
class Owned:
    """The weekly hours of one owner: work, and the breaks in it."""

    work: list[Rule] = field(default_factory=list)
    breaks: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Diary:
    """When one member of staff (or, of None, the vendor) works, and what is in the way.

    `begun` are the beginnings of working times, from which slots are counted. What is taken is
    there twice, with the buffers before and with those after.
    """

    open: Spans
    before: Spans
    after: Spans
    begun: Sequence[datetime]
    breaks: Spans
    off: Spans


@dataclass(frozen=True, slots=True)
class Need:
    """What a service needs of one resource, and what is taken of each of its units."""

    resource_id: int
    name: str
    quantity: int
    units: Sequence[tuple[Spans, Spans]]

    def free(self, before: Span, after: Span) -> tuple[int, ...] | None:
        """The first units that are free then, as many as are needed; None if there are fewer."""
        found: list[int] = []
        for unit, (taken_before, taken_after) in enumerate(self.units, start=1):
            if not taken_before.touch(*before) and not taken_after.touch(*after):
                found.append(unit)
                if len(found) == self.quantity:
                    return tuple(found)
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides about a service between two instants, and the decision."""

    service: Service
    wall: Wall
    span: Span
    offers: Mapping[int | None, Offer]
    diaries: Mapping[int | None, Diary]
    needs: Sequence[Need]
    closed: Sequence[tuple[Span, str | None]]
    reach: Span
    before: timedelta
    after: timedelta
    _lacking: dict[Span, Need | None] = field(default_factory=dict)
    _spells: list[Spell] = field(default_factory=list)

    def verdict(self, staff_id: int | None, starts_at: datetime, ends_at: datetime) -> Why | None:
        """Why `staff_id` cannot be booked from `starts_at` to `ends_at`; None if they can."""
        if not self.reach[0] <= starts_at < self.reach[1]:
            return beyond(self.reach, starts_at)
        diary = self.diaries[staff_id]
        if not diary.open.hold(starts_at, ends_at):
            return Why.OUTSIDE
        if diary.before.touch(starts_at - self.before, ends_at):
            return Why.TAKEN
        if diary.after.touch(starts_at, ends_at + self.after):
            return Why.TAKEN
        if self.needs and self.lacking(starts_at, ends_at) is not None:
            return Why.FULL
        return None

    def taken_until(self, staff_id: int | None, starts_at: datetime, ends_at: datetime) -> datetime:
        """When what is in the way of a time that is taken ends; no start before is free."""
        diary = self.diaries[staff_id]
        before = diary.before.last_end(starts_at - self.before, ends_at)
        after = diary.after.last_end(starts_at, ends_at + self.after)
        return max(before + self.before if before else starts_at, after or starts_at)

    def lacking(self, starts_at: datetime, ends_at: datetime) -> Need | None:
        """The first resource of which too few are free then; the same for whoever does it."""
        known = self._lacking.get((starts_at, ends_at), ...)
        if known is not ...:
            return known
        before, after = self._ranges(starts_at, ends_at)
        lacking = next((need for need in self.needs if need.free(before, after) is None), None)
        self._lacking[starts_at, ends_at] = lacking
        return lacking

    def units(self, starts_at: datetime, ends_at: datetime) -> dict[int, tuple[int, ...]]:
        """The units to claim of each resource for a time of which the verdict is good."""
        before, after = self._ranges(starts_at, ends_at)
        return {need.resource_id: need.free(before, after) or () for need in self.needs}

    def _ranges(self, starts_at: datetime, ends_at: datetime) -> tuple[Span, Span]:
        return (starts_at - self.before, ends_at), (starts_at, ends_at + self.after)

    def starts(self, staff_id: int | None, since: datetime, until: datetime) -> Iterator[datetime]:
        """The beginnings that may be offered from `since` up to `until`, if nothing is in the way.

        Counted every slot interval of wall time from the beginning of each working time.
        """
        diary = self.diaries[staff_id]
        every = capped(self.service.slot_interval_minutes)
        if not self._spells:
            self._spells.extend(self.wall.spells(self.span))
        for begins, ends in diary.open.near(since, until):
            inside = sorted({begins, *(at for at in diary.begun if begins < at < ends)})
            for span in zip(inside, (*inside[1:], ends), strict=True):
                if span[1] <= since or span[0] >= until:
                    continue
                starts = grid(self._spells, span, every)
                if span[0] < since or span[1] > until:
                    starts = [at for at in starts if since <= at < until]
                yield from starts

    def arrivals(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The beginnings of stays from `since` up to `until`: one a day, at the check-in time."""
        day = self.wall.day(since) - DAY
        at = self.service.check_in_time or CHECK_IN
        while (starts := self.wall.begins(day, at)) < until:
            if starts >= since:
                yield starts
            day += DAY

    def departure(self, starts_at: datetime, nights: int) -> datetime:
        """The end of a stay of so many nights, at the check-out time."""
        day = self.wall.day(starts_at) + nights * DAY
        return self.wall.ends(day, self.service.check_out_time or CHECK_OUT)

    def nights(self, starts_at: datetime, ends_at: datetime) -> int:
        """How many midnights of the wall lie in a stay, one at least."""
        return max(1, (self.wall.day(ends_at) - self.wall.day(starts_at)).days)


def capped(minutes: int) -> timedelta:
    """Minutes as a length of time that dates can be counted with."""
    return timedelta(minutes=min(minutes, 10**7))


def load(
    session: Session,
    *,
    service: Service,
    wall: Wall,
    offers: Mapping[int | None, Offer],
    since: datetime,
    until: datetime,
    channel: Channel | None,
    without_bookings: Collection[int] = (),
    without_class: int | None = None,
    also_off: Collection[Aside] = (),
    needs: bool = True,
) -> Plan:
    """The plan of a service for what lies between `since` and `until`, for those who offer it.

    As if the bookings and the class that are named did not stand, and `also_off` were off.
    Without `needs` it is known to need no room.
    """
    before, after = capped(service.buffer_before_minutes), capped(service.buffer_after_minutes)
    stay = service.kind == ServiceKind.STAY
    span = since - 2 * DAY, until + 2 * DAY
    found = facts.gather(session, {
        "vendor_id": service.vendor_id,
        "service_id": service.id,
        "staff_ids": facts.listed(staff_id for staff_id in offers if staff_id is not None),
        "since": since - before - DAY,
        "until": until + after + DAY,
        "days_before": span[0],
        "days_after": span[1],
        "longest_since": since - before - DAY - LONGEST,
        "classes_since": since - before - 4 * DAY,  # they last three days at most
        "without_bookings": facts.listed(without_bookings),
        "without_class": without_class or 0,
    }, needs=needs)  # fmt: skip
    hours = _hours(found.hours)
    exceptions: list[Fact | Aside] = [*found.exceptions, *also_off]
    busy = _busy(found.busy)
    return Plan(
        service=service,
        wall=wall,
        span=span,
        offers=offers,
        diaries={
            staff_id: _diary(wall, span, hours, exceptions, staff_id, busy, stay=stay)
            for staff_id in offers
        },
        needs=_needs(found),
        closed=[((row.begins, row.over), row.label) for row in exceptions
                if row.staff_id is None and row.word == TimeOffKind.OFF],
        reach=reach(service, wall, channel),
        before=before,
        after=after,
    )  # fmt: skip


def reach(service: Service, wall: Wall, channel: Channel | None) -> Span:
    """When may be booked for: by customers after the notice, up to the last day ahead, all of it.

    By staff, and where no channel counts, ever.
    """
    if channel not in OF_CUSTOMERS:
        return EVER
    now, days = clock.now(), service.max_advance_days
    earliest = now + capped(service.min_notice_minutes)
    if days is None:
        return earliest, EVER[1]
    return earliest, wall.begins(wall.day(now) + timedelta(min(days, 36500) + 1), time(0))


def beyond(reach: Span, starts_at: datetime) -> Why | None:
    """Why a beginning is out of reach, if it is."""
    if starts_at < reach[0]:
        return Why.TOO_SOON
    return Why.TOO_FAR if starts_at >= reach[1] else None


# --- who ----------------------------------------------------------------------------------


def offers_of(session: Session, service: Service) -> tuple[dict[int, Offer], dict[int, str]]:
    """Who can do a service and on which terms; and the names of all who work at the vendor."""
    rows = facts.offers(session, vendor_id=service.vendor_id, service_id=service.id)
    anybody = all(row.named is None for row in rows)
    offers = {
        row.id: Offer.of(service, row.id, row.name, row.duration_minutes, row.price)
        for row in rows
        if row.is_active and (anybody or row.named is not None)
    }
    return offers, {row.id: row.name for row in rows if row.is_active}


# --- when they work -----------------------------------------------------------------------


def _hours(rows: Iterable[Fact]) -> dict[tuple[int | None, int | None], Owned]:
    """Weekly hours by owner: (staff member, service), the vendor being (None, None)."""
    owned: dict[tuple[int | None, int | None], Owned] = {}
    for row in rows:
        rule = Rule(row.number, row.starts, row.ends, row.first_day, row.last_day)
        hours = owned.setdefault((row.staff_id, row.item_id), Owned())
        (hours.work if row.word == HoursKind.WORK else hours.breaks).append(rule)
    return owned


def working(
    session: Session, *, vendor_id: int, wall: Wall, staff_ids: Collection[int], span: Span
) -> tuple[dict[int, Diary], list[Fact]]:
    """The working time of each in a span, whatever the service, and the exceptions to it."""
    found = facts.gather(session, {
        "vendor_id": vendor_id, "service_id": 0, "staff_ids": facts.listed(staff_ids),
        "since": EVER[1], "until": EVER[0], "days_before": span[0], "days_after": span[1],
        "longest_since": EVER[1], "classes_since": EVER[1], "without_bookings": facts.listed(()),
        "without_class": 0,
    })  # fmt: skip
    hours = _hours(found.hours)
    return {
        staff_id: _diary(wall, span, hours, found.exceptions, staff_id, {}, stay=False)
        for staff_id in staff_ids
    }, found.exceptions


def _diary(
    wall: Wall,
    span: Span,
    hours: Mapping[tuple[int | None, int | None], Owned],
    exceptions: Iterable[Fact | Aside],
    staff_id: int | None,
    busy: Mapping[int, tuple[Spans, Spans]],
    *,
    stay: bool,
) -> Diary:
    """When `staff_id` can be booked: weekly hours, breaks, what is added and what is taken off."""
    first, last = wall.day(span[0]), wall.day(span[1])
    vendor = hours.get((None, None), Owned())
    own = hours.get((staff_id, None), Owned()) if staff_id is not None else Owned()
    narrowing = next((h for (_, service_id), h in hours.items() if service_id), Owned())
    off: list[Span] = []
    extra: list[Span] = []
    for row in exceptions:
        if row.staff_id is not None and row.staff_id != staff_id:
            continue
        if row.word == TimeOffKind.OFF:
            off.append((row.begins, row.over))
        elif row.staff_id is not None or not own.work:
            extra.extend(by_day(wall, (row.begins, row.over)))
    pauses = [*(own if own.work else vendor).breaks, *own.breaks]
    if stay:
        work, pauses = weekly(wall, ALWAYS, first, last), []
    else:
        work = weekly(wall, own.work or vendor.work or ALWAYS, first, last)
    before, after = busy.get(staff_id or 0, (NEVER, NEVER))
    if not (pauses or extra or off or narrowing.work or narrowing.breaks):
        begun = [begins for begins, _ in work]
        return Diary(Spans(work), before, after, begun, breaks=NEVER, off=NEVER)
    breaks = weekly(wall, pauses, first, last)
    begun = [begins for begins, _ in (*work, *extra)]
    opened = joined((*without(work, breaks), *extra))
    if narrowing.work:
        opened = common(opened, weekly(wall, narrowing.work, first, last))
    narrow_breaks = weekly(wall, narrowing.breaks, first, last)
    return Diary(
        open=Spans(without(opened, (*narrow_breaks, *off))),
        before=before,
        after=after,
        begun=begun,
        breaks=Spans((*without(common(breaks, work), extra), *common(narrow_breaks, opened))),
        off=Spans(off),
    )


# --- what is in the way -------------------------------------------------------------------


class Taken:
    """What is taken of each of several: staff members, or units of a resource."""

    def __init__(self) -> None:
        self.before: dict[Any, list[Span]] = {}
        self.after: dict[Any, list[Span]] = {}

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of (of what, the four ends of its two ranges)."""
        for of, before, before_end, after, after_end in rows:
            if before is not None:
                self.before.setdefault(of, []).append((before, before_end))
            if after is not None:
                self.after.setdefault(of, []).append((after, after_end))

    def of(self, what: Any) -> tuple[Spans, Spans]:
        """What is taken of one, by both ranges."""
        return Spans(self.before.get(what, ())), Spans(self.after.get(what, ()))


def _busy(rows: Iterable[Fact]) -> dict[int, tuple[Spans, Spans]]:
    """What blocks each member of staff who has anything."""
    taken = Taken()
    taken.add((row.staff_id, *row[-4:]) for row in rows)
    return {staff_id: taken.of(staff_id) for staff_id in taken.before | taken.after}


def _needs(found: facts.Facts) -> list[Need]:
    taken = Taken()
    taken.add(((row.item_id, row.number), *row[-4:]) for row in found.claims)
    return [
        Need(row.item_id, row.label, row.number, [
            taken.of((row.item_id, unit)) for unit in range(1, row.capacity + 1)
        ])
        for row in found.needs
    ]  # fmt: skip
