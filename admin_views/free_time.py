"""What is left of a day's working time: the times at which somebody could still be booked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from admin_views.calendar_days import LocalDay
from app import clock
from app.operations import schedules
from app.operations.hours import Span, without
from models.bookings import BookingStatus
from reports import calendar
from reports.calendar import Booked, Taught

SHORTEST = timedelta(minutes=15)
"""What is shorter is no time to book."""
BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of somebody's day: `free` in order of time, and when they stop working.

    `is_always`: they may be booked all day long, as whoever has no working hours.
    """

    staff_id: int
    free: list[Span]
    until: datetime
    is_always: bool


def left(session: Session, *, vendor_id: int, day: LocalDay, staff: Sequence[int]) -> list[Left]:
    """What is left of the day of each of `staff` who still works on it, in the order given."""
    since = max(day.begins, clock.now())
    if not staff or since >= day.ends:
        return []
    worked = schedules.working_time(session, staff_ids=staff, since=day.begins, until=day.ends)
    taken = _taken(session, vendor_id, since, day.ends)
    found = []
    for number in staff:
        work = [
            (one.starts_at, one.ends_at) for one in worked.get(number, ()) if one.kind == "work"
        ]
        ahead = without(work, [(day.begins, since)])
        if ahead:
            always = work == [(day.begins, day.ends)]
            free = [one for one in without(ahead, taken[number]) if one[1] - one[0] >= SHORTEST]
            found.append(Left(number, free, ahead[-1][1], always))
    return found


def _taken(
    session: Session, vendor_id: int, since: datetime, until: datetime
) -> dict[int | None, list[Span]]:
    """What is in the way of each one, with the time that is kept free around it."""
    rows: list[Booked | Taught] = [
        *calendar.bookings(session, vendor_id=vendor_id, since=since, until=until).rows,
        *calendar.classes(session, vendor_id=vendor_id, since=since, until=until),
    ]
    taken: dict[int | None, list[Span]] = defaultdict(list)
    for row in rows:
        stands = row.status in BLOCKING or row.status == "scheduled"
        if stands and row.busy_from and row.busy_to:
            taken[row.staff_id].append((_instant(row.busy_from), _instant(row.busy_to)))
    return taken


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
