"""Which days of a month are full: somebody works, and nobody has time left to be booked in."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_asked import NoSuchDay, day_in, staff_in
from admin_views.calendar_days import LocalDay, days_from
from admin_views.free_time import SHORTEST
from admin_views.saving import zone_named
from app import clock
from app.operations import schedules
from reports import calendar
from reports.calendar_month import days_with_room

Work = tuple[int, int, int]
"""Who works, from and to, in seconds since 1970."""


def full_days(session: Session, vendor_id: int, query: Mapping[str, str]) -> list[str]:
    """The days of the month around `day` that are full, of `staff` or of all who work here.

    What is over is no question any more: today counts from now on, days before not at all.
    """
    day, wanted = day_in(query.get("day")), staff_in(query.get("staff"))
    if day is None:
        raise NoSuchDay(field="day")
    place = calendar.place(session, vendor_id=vendor_id)
    staff = [
        number
        for number, one in place.staff.items()
        if one.is_active and (wanted is None or number in wanted)
    ]
    days = [one for one in _month(day, place.zone) if one.ends > clock.now()]
    work = _worked(session, staff, days)
    spans = [(int(max(one.begins, clock.now()).timestamp()), _end(one)) for one in days]
    free = days_with_room(session, vendor_id=vendor_id, work=work, days=spans, shortest=SHORTEST)
    return [
        one.day.isoformat()
        for n, one in enumerate(days)
        if n not in free and any(begins < _end(one) and to > one.since for _, begins, to in work)
    ]


def _month(day: date, zone: str) -> list[LocalDay]:
    first = day.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return days_from(first, (after - first).days, zone_named(zone))


def _end(day: LocalDay) -> int:
    return int(day.ends.timestamp())


def _worked(session: Session, staff: Sequence[int], days: Sequence[LocalDay]) -> list[Work]:
    if not staff or not days:
        return []
    found: Mapping[int, Any] = schedules.working_time(
        session, staff_ids=staff, since=max(days[0].begins, clock.now()), until=days[-1].ends
    )
    return [
        (number, int(one.starts_at.timestamp()), int(one.ends_at.timestamp()))
        for number, stretches in found.items()
        for one in stretches
        if one.kind == "work"
    ]
