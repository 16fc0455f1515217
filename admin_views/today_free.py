"""Free until closing: who of a vendor's people can still be booked today, on its first page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from admin_views import free_time
from admin_views.access import allowed
from admin_views.calendar_days import LocalDay
from admin_views.calendar_page import address
from admin_views.free_time import Left
from admin_views.rendering import clock_time, number, plural
from admin_views.saving import zone_named
from admin_views.writing import minutes, span
from app import clock
from app.tenancy import PanelRole
from reports import calendar, my_day

ROWS, SPANS = 8, 2
MINUTE = timedelta(minutes=1)
HOURS = "/admin/hours"


@dataclass(frozen=True, slots=True)
class Free:
    """A vendor's people who still work today, the first that is free first; how many wait.

    `hourless` are those who may be booked all day long, as they have no working hours.
    """

    day: LocalDay
    people: list[tuple[str, Left]]
    hourless: int
    waiting: int

    @property
    def minutes(self) -> int:
        """Free time of all together."""
        spans = [one for _, left in self.people for one in left.free]
        return sum(((ends - begins) // MINUTE for begins, ends in spans), 0)

    @property
    def gaps(self) -> int:
        """How many free times there are."""
        return sum(len(left.free) for _, left in self.people)

    @property
    def closes(self) -> datetime | None:
        """When the last of them stops working."""
        return max((left.until for _, left in self.people), default=None)


def today(session: Session, *, vendor_id: int, zone: str) -> Free | None:
    """What is left of today; None where nobody works whom one could book."""
    names = dict(my_day.people(session, vendor_id=vendor_id))
    if not names:
        return None
    tz = zone_named(zone)
    day = LocalDay.of(clock.now().astimezone(tz).date(), tz)
    found = free_time.left(session, vendor_id=vendor_id, day=day, staff=list(names))
    people = [(names[one.staff_id], one) for one in found if not one.is_always]
    return Free(
        day=day,
        people=sorted(people, key=lambda of: of[1].free[0][0] if of[1].free else day.ends),
        hourless=sum(one.is_always for one in found),
        waiting=calendar.waitlist(session, vendor_id=vendor_id, most=1).count,
    )


def figure(free: Free) -> dict[str, Any] | None:
    """The figure of the head; none where nobody's hours are known."""
    if _is_unknown(free):
        return None
    said = [plural(free.gaps, "gap") if free.gaps else "nothing is free"]
    if free.waiting:
        said.append(f"{number(free.waiting)} waiting")
    return {
        "label": "Free until closing", "value": minutes(free.minutes),
        "note": ", ".join(said), "url": address("day", free.day.day, None),
    }  # fmt: skip


def _is_unknown(free: Free) -> bool:
    return bool(free.hourless and not free.people)


def hint(free: Free) -> str:
    """Who works, and until when."""
    if free.closes is None:
        return "" if free.hourless else "nobody works any more today"
    many = len(free.people)
    verb = "works" if many == 1 else "work"
    return f"{plural(many, 'person', 'people')} {verb} until {free.day.text(_until(free))}"


def _until(free: Free) -> int:
    return free.day.minute(free.closes) if free.closes else free.day.length


def card(free: Free, role: PanelRole) -> dict[str, Any]:
    """Who is free and when; each leads to their calendar."""
    unknown = _is_unknown(free)
    hourless = plural(free.hourless, "person has", "people have")
    return {
        "title": "Free until closing",
        "empty": "nobody's hours are known" if unknown else "nobody works any more today",
        "all_url": HOURS if unknown else address("day", free.day.day, None),
        "all_title": "Working hours" if unknown else "Open calendar",
        "rows": [_person(name, left, free.day) for name, left in free.people[:ROWS]],
        "foot": f"{hourless} no working hours: nothing says when they can be booked."
        if free.hourless and allowed(role, "working-hours", "edit") else None,
    }  # fmt: skip


def _person(name: str, left: Left, day: LocalDay) -> dict[str, Any]:
    spans = [span(clock_time(begins), _end(ends, day)) for begins, ends in left.free]
    more = [f"{len(spans) - SPANS} more"] if len(spans) > SPANS else []
    total = sum(((ends - begins) // MINUTE for begins, ends in left.free), 0)
    return {
        "icon": "clock", "title": name, "url": address("day", day.day, (left.staff_id,)),
        "sub": ", ".join([*spans[:SPANS], *more])
        or f"taken until {_end(left.until, day)}",
        "number": minutes(total) if total else None,
    }  # fmt: skip


def _end(moment: datetime, day: LocalDay) -> str:
    """The end of the day is 24:00."""
    return "24:00" if moment >= day.ends else clock_time(moment)
