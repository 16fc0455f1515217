"""The panels beside the calendar: what waits for a yes or an outcome, and who waits for a time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.saving import zone_named
from admin_views.writing import capped, clock_time, day, moment, span, speaking_in
from app import clock
from app.operations import bookings, class_sessions, unfinished
from app.tenancy import current_actor
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.customers import called
from models.waitlist import WaitStatus
from reports import calendar
from reports.calendar import CAP, Place, Row, Waiting

BOOKINGS, CLASSES = "/admin/booking", "/admin/class-session"
MOST = 6


def side_of(session: Session, vendor_id: int) -> dict[str, Any]:
    """The panels, each with its first rows; a panel without rows is not drawn."""
    place, now = calendar.place(session, vendor_id=vendor_id), clock.now()
    confirm = calendar.to_confirm(session, vendor_id=vendor_id, now=now)
    ended = _lacking(session, vendor_id, now)
    waiting = calendar.waitlist(session, vendor_id=vendor_id)
    with speaking_in(zone_named(place.zone)):
        panels = [
            _panel("To confirm", confirm, [_to_confirm(row, place) for row in confirm.rows],
                   f"{BOOKINGS}/list?status=pending"),
            _panel("Needs an outcome", ended, [_over(row, place) for row in ended.rows], None),
            _panel("Waitlist", waiting, [_waits(row, place) for row in waiting.rows], None),
        ]  # fmt: skip
    return {"panels": panels}


def _lacking(session: Session, vendor_id: int, now: datetime) -> Waiting:
    """The latest bookings and classes that are over, and nobody has said how they ended."""
    found: list[Booking | ClassSession] = [
        *bookings.needs_outcome(session, at=now, limit=MOST),
        *class_sessions.classes_needing_outcome(session, at=now, limit=MOST),
    ]
    rows = sorted(found, key=lambda one: one.starts_at, reverse=True)[:MOST]
    if len(found) < MOST:
        return Waiting(rows, len(found))
    both = union_all(
        select(literal(1)).where(
            Booking.vendor_id == vendor_id, bookings.lacks_outcome(now), unfinished.asked_alone()
        ),
        select(literal(1)).where(
            ClassSession.vendor_id == vendor_id, class_sessions.class_lacks_outcome(now)
        ),
    )
    count = select(func.count()).select_from(both.limit(CAP + 1).subquery())
    return Waiting(rows, session.scalar(count) or 0)


def _panel(
    title: str, found: Waiting, rows: list[dict[str, Any]], more: str | None
) -> dict[str, Any]:
    return {
        "title": title, "rows": rows, "count_text": capped(found.count),
        "more": more if found.count > len(rows) else None,
    }  # fmt: skip


def _sub(row: Any, place: Place, when: str) -> str:
    service, staff = place.services.get(row.service_id), place.staff.get(row.staff_id)
    said = (when, service and service.name, staff and staff.name.split()[0])
    return " · ".join(str(part) for part in said if part)


def _moves(row: Any, verb: str, title: str) -> dict[str, Any] | None:
    if not allowed(current_actor().panel_role, "booking", "move"):
        return None
    return {"title": title, "url": f"{BOOKINGS}/do/{row.id}/{verb}", "post": True}


def _to_confirm(row: Row, place: Place) -> dict[str, Any]:
    return {
        "title": called(row), "url": f"{BOOKINGS}/details/{row.id}", "look": row.id,
        "sub": _sub(row, place, moment(row.starts_at)),
        "action": _moves(row, "confirm", "Confirm"),
    }  # fmt: skip


def _over(row: Booking | ClassSession, place: Place) -> dict[str, Any]:
    return _ended(row, place) if isinstance(row, Booking) else _given(row, place)


def _given(row: ClassSession, place: Place) -> dict[str, Any]:
    """A class, as the way to its roster: who came is said there."""
    url, staff = f"{CLASSES}/details/{row.id}", place.staff.get(row.staff_id or 0)
    said = (
        moment(row.starts_at),
        f"{row.taken} of {row.seats} places",
        staff and staff.name.split()[0],
    )
    may = allowed(current_actor().panel_role, "class-session", "complete")
    return {
        "title": row.service.name, "url": url, "look": None,
        "sub": " · ".join(part for part in said if part),
        "action": {"title": "Who came", "url": url} if may else None,
    }  # fmt: skip


def _ended(row: Any, place: Place) -> dict[str, Any]:
    return {
        "title": called(row.customer), "url": f"{BOOKINGS}/details/{row.id}", "look": row.id,
        "sub": _sub(row, place, moment(row.starts_at)),
        "action": _moves(row, "complete", "Complete"),
    }  # fmt: skip


def _waits(row: Row, place: Place) -> dict[str, Any]:
    offered = row.status == WaitStatus.OFFERED
    days = day(row.earliest), day(row.latest - timedelta(microseconds=1))
    when = days[0] if days[0] == days[1] else span(*days)
    if offered and row.held_until:
        when = f"offered until {clock_time(row.held_until)}"
    return {
        "title": called(row), "url": None, "sub": _sub(row, place, when),
        "pill": ("", "clock", "Offered") if offered else None,
    }  # fmt: skip
