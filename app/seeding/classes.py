"""The classes of a vendor on show: two years of a weekly timetable, with rosters."""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app.seeding.diary import Diary, Place, minutes
from app.seeding.rows import HISTORY, add_all
from models.class_sessions import ClassSession
from models.resources import ResourceClaim

AHEAD = timedelta(days=21)
KEPT_EMPTY = timedelta(days=28)
"""Older classes to which nobody came are not told of."""


@dataclass(eq=False)
class Meeting:
    """A class on a day, and who comes."""

    place: Place
    seats: int
    called_off: bool = False
    who: set[int] = field(default_factory=set)
    id: int = 0

    @property
    def full(self) -> bool:
        return len(self.who) >= self.seats


@dataclass
class Timetables:
    """The meetings of every service, in the order in which they are held."""

    of: dict[int, list[Meeting]]

    def next(self, service_id: int, since: datetime, customer_id: int) -> Meeting | None:
        """The first of the next four with a place, to which the customer does not go yet."""
        meetings = self.of.get(service_id, [])
        first = bisect_left(meetings, since, key=lambda m: m.place.starts_at)
        for meeting in meetings[first : first + 4]:
            if not (meeting.full or meeting.called_off or customer_id in meeting.who):
                return meeting
        return None

    def all(self) -> list[Meeting]:
        return [meeting for meetings in self.of.values() for meeting in meetings]


def plan(diary: Diary, random: Random, now: datetime) -> Timetables:
    """Two years back and three weeks ahead; one in forty of the past was called off."""
    found: defaultdict[int, list[Meeting]] = defaultdict(list)
    for entry in diary.week.classes:
        offer = diary.offer(entry.service, entry.staff)
        meetings = found[offer.service["id"]]
        for ahead in range(-HISTORY.days, AHEAD.days):
            day = diary.today + timedelta(days=ahead)
            if str(day.isoweekday()) in entry.days and diary.fits(offer, day, minutes(entry.at)):
                place = diary.take(offer, day, minutes(entry.at))
                if place is not None:
                    called_off = place.ends_at < now and random.random() < 1 / 40
                    meetings.append(Meeting(place, offer.service["capacity"], called_off))
    for meetings in found.values():
        meetings.sort(key=lambda meeting: meeting.place.starts_at)
    return Timetables(dict(found))


def write(session: Session, vendor_id: int, timetables: Timetables, now: datetime) -> None:
    """The classes somebody goes to, and all of the last four weeks and those to come."""
    kept = [m for m in timetables.all() if m.who or m.place.starts_at > now - KEPT_EMPTY]
    kept.sort(key=lambda meeting: meeting.place.starts_at)
    rows = [_row(vendor_id, meeting, now) for meeting in kept]
    for meeting, key in zip(kept, add_all(session, ClassSession, rows), strict=True):
        meeting.id = key
    claims = [
        {"vendor_id": vendor_id, "resource_id": claim.resource, "unit": claim.unit,
         "class_session_id": meeting.id, "held": row["status"] == "scheduled",
         **{name: row[name] for name in ("starts_at", "with_buffer_before", "with_buffer_after")}}
        for meeting, row in zip(kept, rows, strict=True) for claim in meeting.place.claims
    ]  # fmt: skip
    if claims:
        session.execute(insert(ResourceClaim), claims)


def _row(vendor_id: int, meeting: Meeting, now: datetime) -> dict[str, Any]:
    place = meeting.place
    ended = "completed" if place.ends_at < now else "scheduled"
    return {
        "vendor_id": vendor_id, "service_id": place.offer.service["id"],
        "staff_id": place.offer.staff, "status": "cancelled" if meeting.called_off else ended,
        "seats": meeting.seats, **times(place),
        "created_at": min(place.starts_at - timedelta(days=30), now - timedelta(days=7)),
    }  # fmt: skip


def times(place: Place) -> dict[str, Any]:
    """The four columns of time of a booking or a class."""
    service = place.offer.service
    before = timedelta(minutes=service["buffer_before_minutes"])
    after = timedelta(minutes=service["buffer_after_minutes"])
    return {
        "starts_at": place.starts_at, "ends_at": place.ends_at,
        "with_buffer_before": Range(place.starts_at - before, place.ends_at),
        "with_buffer_after": Range(place.starts_at, place.ends_at + after),
    }  # fmt: skip
