"""Free times of a day that somebody on the waitlist would take, and offering them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin_views import free_time
from admin_views.calendar_commands import with_zone
from admin_views.calendar_data import Asked
from admin_views.calendar_days import LocalDay
from admin_views.calendar_typed import NotThere
from admin_views.saving import zone_named
from admin_views.writing import clock_time, minutes, span, speaking_in
from app.operations import waitlist
from app.operations.gaps import Candidate
from app.operations.hours import Span
from app.tenancy import current_actor
from models.customers import called
from reports import calendar

MOST = 12
FIT = 5


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
    found = free_time.left(session, vendor_id=vendor_id, day=day, staff=staff)
    spans = [(free, one.staff_id) for one in found if not one.is_always for free in one.free]
    for free, number in sorted(spans)[: 4 * MOST]:
        yield number, free


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
