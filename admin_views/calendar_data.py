"""What the calendar's page draws, as plain values: days, people with their hours, what is on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_days import LocalDay, days_from, parts_of
from admin_views.calendar_hours import closed_times
from admin_views.saving import zone_named
from admin_views.writing import initials, look
from app import clock
from models.customers import called
from reports import calendar
from reports.calendar import Booked, Place, Taught

NOBODY = 0
"""The column of what has no member of staff yet."""
LOOKS = {
    "pending": "st-pending",
    "confirmed": "st-confirmed",
    "checked_in": "st-in",
    "completed": "st-done",
    "no_show": "st-noshow",
    "scheduled": "st-confirmed",
}
TO_COME = ("pending", "confirmed")


@dataclass(frozen=True)
class Asked:
    """Which days of whose calendar; `staff` None is everybody, `after` the rows after a page."""

    first: date
    count: int
    staff: tuple[int, ...] | None = None
    after: tuple[int, int] | None = None

    def days(self, zone: str) -> list[LocalDay]:
        """The days where the vendor is."""
        return days_from(self.first, self.count, zone_named(zone))


def fingerprint_of(session: Session, vendor_id: int, asked: Asked) -> str:
    """A word that changes when something of these days does."""
    days = asked.days(calendar.zone_of(session, vendor_id=vendor_id))
    since, until = days[0].begins, days[-1].ends
    found = calendar.fingerprint(session, vendor_id=vendor_id, since=since, until=until)
    return f"{asked.first}.{asked.count}.{found}"


def data_of(session: Session, vendor_id: int, asked: Asked) -> dict[str, Any]:
    """Everything that stands on the days asked for."""
    place = calendar.place(session, vendor_id=vendor_id)
    days = asked.days(place.zone)
    since, until = days[0].begins, days[-1].ends
    # read before the rows: what changes in between is read again, never missed
    word = calendar.fingerprint(session, vendor_id=vendor_id, since=since, until=until)
    whose: dict[str, Any] = {"vendor_id": vendor_id, "since": since, "until": until}
    page = calendar.bookings(session, staff_ids=asked.staff, after=asked.after, **whose)
    answer: dict[str, Any] = {
        "fingerprint": f"{asked.first}.{asked.count}.{word}",
        "bookings": drawn(page.rows, days, place),
        "after": _cursor(page.after),
    }
    if asked.after is not None:
        return answer
    classes = calendar.classes(session, staff_ids=asked.staff, **whose)
    stays = calendar.stays(session, **whose)
    people = people_of(place, [*page.rows, *classes], asked.staff)
    now = clock.now()
    closed = closed_times(session, [i for i in people if i], days)
    return answer | {
        "zone": place.zone,
        "now": int(now.timestamp()),
        "days": [day.shown() for day in days],
        "staff": [_person(place, number, closed.get(number)) for number in people],
        "classes": [_class(row, days, place) for row in classes],
        "stays": drawn(stays, days, place),
    }


def people_of(
    place: Place, rows: Iterable[Booked | Taught], wanted: Sequence[int] | None
) -> list[int]:
    """Whose columns there are: who works here, and whoever else has something on these days."""
    seen = {row.staff_id or NOBODY for row in rows}
    here = [
        number
        for number, one in place.staff.items()
        if (one.is_active or number in seen) and (wanted is None or number in wanted)
    ]
    return [*here, NOBODY] if NOBODY in seen or not here else here


def _person(place: Place, number: int, closed: Mapping[str, Any] | None) -> dict[str, Any]:
    one = place.staff.get(number)
    name = one.name if one else "Nobody yet"
    hours = closed or {"hours": [], "closed": []}
    return {
        "id": number, "name": name, "initials": initials(name) if one else "–",
        "short": name.split()[0] if one else name, **hours,
    }  # fmt: skip


def drawn(rows: Iterable[Booked], days: Sequence[LocalDay], place: Place) -> list[dict[str, Any]]:
    """Bookings as blocks: where they lie, and the words on them."""
    return [_booking(row, days, place) for row in rows]


@lru_cache(maxsize=64)
def _look(status: str) -> Mapping[str, str]:
    shown = look(status, "booking")
    return {
        "status": status, "word": shown.word, "icon": shown.icon,
        "tone": shown.tone + " bare" * shown.quiet, "look": LOOKS.get(status, "st-done"),
    }  # fmt: skip


def _booking(row: Booked, days: Sequence[LocalDay], place: Place) -> dict[str, Any]:
    block = _block(row, days, place)
    block |= _look(row.status)
    block["name"] = called(row)
    block["customer"] = row.customer_id
    block["seen"] = str(row.seen)
    block["movable"] = row.status in TO_COME
    block["kind"] = row.kind
    if row.channel == "walk_in":
        block["walk_in"] = True
    if row.series_id is not None:
        block["series"] = True
    if row.is_extra:
        block["extra"] = True
    if row.is_held:
        block["held"] = True
    return block


def _class(row: Taught, days: Sequence[LocalDay], place: Place) -> dict[str, Any]:
    service = place.services.get(row.service_id)
    places = f"{row.taken} of {row.seats} places taken"
    return {
        **_block(row, days, place), **_look(row.status),
        "name": service.name if service else "Class", "service": places, "class": True,
        "icon": "users-group", "tone": "info bare", "full": row.taken >= row.seats,
    }  # fmt: skip


def _block(row: Booked | Taught, days: Sequence[LocalDay], place: Place) -> dict[str, Any]:
    """Where it lies: instants in seconds, and for each day its minutes with the wall's words."""
    starts, ends = row.starts, row.ends
    found = parts_of(days, starts, ends)
    service = place.services.get(row.service_id)
    return {
        "id": row.id, "staff": row.staff_id or NOBODY, "service": service.name if service else "",
        "from": starts, "to": ends, "parts": found, "time": _time(days, found),
        "before": (starts - (row.busy_from or starts)) // 60,
        "after": ((row.busy_to or ends) - ends) // 60,
    }  # fmt: skip


def _time(days: Sequence[LocalDay], found: Sequence[tuple[int, int, int]]) -> str:
    """09:00–10:15, as far as it lies on the days that are shown."""
    if not found:
        return ""
    (first, low, _), (last, _, high) = found[0], found[-1]
    return f"{days[first].text(low)}–{days[last].text(high)}"


def _cursor(after: tuple[int, int] | None) -> str | None:
    return f"{after[0]}/{after[1]}" if after else None
