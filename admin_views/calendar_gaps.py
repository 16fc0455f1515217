"""Free times of a day that somebody on the waitlist would take, and offering them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_commands import with_zone
from admin_views.calendar_data import Asked
from admin_views.calendar_days import LocalDay
from admin_views.calendar_typed import NotThere
from admin_views.saving import zone_named
from admin_views.writing import clock_time, minutes, span, speaking_in
from app import clock
from app.operations import schedules, waitlist
from app.operations.gaps import Candidate
from app.operations.hours import Span, without
from app.tenancy import current_actor
from models.bookings import BookingStatus
from models.customers import called
from reports import calendar
from reports.calendar import Booked, Taught

MOST = 12
SHORTEST = timedelta(minutes=15)
FIT = 5
BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)


def gaps_of(session: Session, vendor_id: int, asked: Asked) -> list[dict[str, Any]]:
    """The first few free times of a day into which somebody on the waitlist fits.

    Of a week none are looked for, nor of people who may be booked all day long.
    """
    waiting = calendar.waitlist(session, vendor_id=vendor_id, most=1)
    if asked.count > 1 or not waiting.rows:
        return []
    place = calendar.place(session, vendor_id=vendor_id)
    day = asked.days(place.zone)[0]
    staff = [
        number
        for number, one in place.staff.items()
        if one.is_active and (asked.staff is None or number in asked.staff)
    ]
    with speaking_in(zone_named(place.zone)):
        found = (
            _shown(session, day, number, *free)
            for number, free in _free(session, vendor_id, day, staff)
        )
        return [gap for gap in found if gap["fits"]][:MOST]


def _free(
    session: Session, vendor_id: int, day: LocalDay, staff: Sequence[int]
) -> Iterator[tuple[int, Span]]:
    """What of each one's working time is still to come and not taken, the earliest first."""
    whose: dict[str, Any] = {"vendor_id": vendor_id, "since": day.begins, "until": day.ends}
    rows: list[Booked | Taught] = [
        *calendar.bookings(session, **whose).rows,
        *calendar.classes(session, **whose),
    ]
    worked = schedules.working_time(
        session, staff_ids=staff, since=max(day.begins, clock.now()), until=day.ends
    )
    found: list[tuple[Span, int]] = []
    for number, stretches in worked.items():
        work = [(one.starts_at, one.ends_at) for one in stretches if one.kind == "work"]
        if work and work[-1][1] >= day.ends:
            continue
        found += [(free, number) for free in without(work, _taken(rows, number))]
    for free, number in sorted(found)[: 4 * MOST]:
        if free[1] - free[0] >= SHORTEST:
            yield number, free


def _taken(rows: Sequence[Booked | Taught], staff_id: int) -> Iterator[Span]:
    for row in rows:
        stands = row.status in BLOCKING or row.status == "scheduled"
        if row.staff_id == staff_id and stands and row.busy_from and row.busy_to:
            yield _instant(row.busy_from), _instant(row.busy_to)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _shown(
    session: Session, day: LocalDay, staff_id: int, starts: datetime, ends: datetime
) -> dict[str, Any]:
    fitting = waitlist.who_fits(
        session, starts_at=starts, ends_at=ends, staff_id=staff_id, limit=FIT + 1
    )
    low, high = day.minute(starts), day.minute(ends)
    many = f"{FIT}+" if len(fitting) > FIT else str(len(fitting))
    return {
        "staff": staff_id, "from": low, "to": high, "time": span(day.text(low), day.text(high)),
        "words": f"{minutes(high - low)} free", "waiting": f"{many} waiting fit",
        "fits": [_candidate(one) for one in fitting[:FIT]],
    }  # fmt: skip


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "entry": one.entry.id, "name": called(one.entry.customer),
        "sub": f"{one.entry.service.name} · {clock_time(one.starts_at)}",
        "from": int(one.starts_at.timestamp()), "to": int(one.ends_at.timestamp()),
    }  # fmt: skip


def offered(session: Session, values: Mapping[str, str]) -> dict[str, Any]:
    """Hold a free time for somebody on the waitlist, and tell them."""
    form = with_zone(session, values)
    entry, starts = form.number("entry"), form.moment("from")
    if entry is None or starts is None or current_actor().vendor_id is None:
        raise NotThere(field="entry")
    made = waitlist.offer(
        session, entry_id=entry, starts_at=starts, ends_at=form.moment("to"),
        staff_id=form.number("staff"),
    )  # fmt: skip
    with speaking_in(zone_named(form.zone)):
        held, until = clock_time(starts), clock_time(made.held_until)
    said = f"{held} is held for {called(made.customer)} until {until}."
    return {"key": f"b{made.booking_id}", "message": said}
