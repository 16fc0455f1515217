"""A class in the calendar: a look at who comes, and another time or person for all of them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.calendar_commands import with_zone
from admin_views.calendar_peek import people_here, rooms_of, times_of
from admin_views.class_sessions import NobodyLeads, is_to_come, status_word
from admin_views.rendering import clock_time, day, drawn, initials, look, plural, speaking_in
from admin_views.saving import zone_named
from app.errors import ChangedMeanwhile, NotAllowed, NotFound
from app.operations import class_sessions
from app.operations.class_sessions import Roster
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession
from models.customers import Customer, called
from models.resources import ResourceClaim
from models.waitlist import WaitStatus
from reports import calendar

MOST_NAMES = 12


def may_move() -> bool:
    """Whether whoever acts may give a class another time: everybody in it goes along."""
    return allowed(current_actor().panel_role, "class-session", "edit")


# --- looked at ------------------------------------------------------------------------------


def peek_of_class(session: Session, number: int) -> dict[str, Any]:
    """The dialog of a class; `NotFound` when it is not the vendor's."""
    found = _own(session, number)
    roster = class_sessions.roster(session, class_session_id=number)
    zone = zone_named(calendar.zone_of(session, vendor_id=found.vendor_id))
    with speaking_in(zone):
        shown = _facts(session, found, roster)
        if may_move() and is_to_come(found):
            shown |= {
                "movable": True, "staff_id": found.staff_id or 0, "seen": seen_of(found),
                "starts": f"{found.starts_at.astimezone(zone):%Y-%m-%dT%H:%M}",
                "staff": people_here(session, found.vendor_id),
            }  # fmt: skip
        return {"html": drawn("panel/calendar_class.html", shown)}


def _own(session: Session, number: int) -> ClassSession:
    found = session.get(ClassSession, number)
    vendor_id = current_actor().vendor_id
    if found is None or vendor_id is None or found.vendor_id != vendor_id:
        raise NotFound
    return found


def _facts(session: Session, found: ClassSession, roster: Roster) -> dict[str, Any]:
    rooms = rooms_of(session, found, ResourceClaim.class_session_id == found.id)
    leads = found.staff_member.name if found.staff_member else "nobody yet"
    offered = sum(one.status == WaitStatus.OFFERED for one in roster.waiting)
    waits = f"{len(roster.waiting)} waiting" if roster.waiting else "nobody"
    status = status_word(found)
    return {
        "name": found.service.name, "initials": initials(found.service.name),
        "sub": plural(roster.free, "free place") if roster.free else "Full",
        "url": f"/admin/class-session/details/{found.id}", "look": look(status, "class"),
        "pairs": [
            ("When", times_of(found)),
            ("With", ", ".join([leads, *rooms])),
            ("Places", f"{found.taken} of {found.seats} taken"),
            ("Coming", _names(roster)),
            ("Waitlist", waits, f"{offered} offered a place" if offered else ""),
        ],
        "note": found.note,
    }  # fmt: skip


def _names(roster: Roster) -> str:
    """Ana, Rui +1, Eva and 3 more: first names, without who is only offered a place."""
    coming = [one for one in roster.bookings if not _is_offer(one)]
    names = [_first_name(one.customer) + f" +{one.seats - 1}" * (one.seats > 1) for one in coming]
    if not names:
        return "nobody yet"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _is_offer(booking: Booking) -> bool:
    return booking.status == BookingStatus.PENDING and booking.held_until is not None


def _first_name(customer: Customer) -> str:
    """Ana of Ana Alves; a walk-in keeps the number."""
    name = customer.full_name or ""
    is_numbered = any(letter.isdigit() for letter in name)
    return name.split()[0] if name.split() and not is_numbered else called(customer)


# --- moved ----------------------------------------------------------------------------------


def seen_of(found: ClassSession) -> str:
    """Where it is, as the calendar knows it: joining a class is no reason not to move it."""
    starts, ends = int(found.starts_at.timestamp()), int(found.ends_at.timestamp())
    return f"{starts}.{ends}.{found.staff_id or 0}"


def class_moved(session: Session, number: int, values: Mapping[str, str]) -> dict[str, Any]:
    """Another time, length or person, with everybody in it; they are told.

    As with a booking `from` and `to` are instants, and a form says `starts` in wall time. Refuses
    as `class_sessions.move` does, and when somebody moved the class meanwhile.
    """
    _own(session, number)
    if not may_move():
        raise NotAllowed
    form = with_zone(session, values)
    found = class_sessions.hold(session, class_session_id=number)
    if (seen := form.text("seen")) is not None and seen != seen_of(found):
        raise ChangedMeanwhile
    before = _place(found)
    starts = form.moment("from") or form.wall("starts", exact="at")
    ends = form.moment("to")
    if ends is not None and ends - starts == found.ends_at - found.starts_at:
        ends = None
    staff = form.number("staff") if "staff" in values else found.staff_id
    if staff is None and found.staff_id is not None:
        raise NobodyLeads
    if ends is not None or (starts, staff) != (found.starts_at, found.staff_id):
        found = class_sessions.move(
            session, class_session_id=number, starts_at=starts, ends_at=ends, staff_id=staff
        )
        session.refresh(found, ["staff_member"])
    return {
        "key": f"c{number}", "message": _said(form.zone, found), "seen": seen_of(found),
        "undo": before,
    }  # fmt: skip


def _place(found: ClassSession) -> dict[str, Any]:
    starts, ends, staff = seen_of(found).split(".")
    return {"from": int(starts), "to": int(ends), "staff": int(staff)}


def _said(zone: str, found: ClassSession) -> str:
    with speaking_in(zone_named(zone)):
        when = f"{day(found.starts_at)}, {clock_time(found.starts_at)}"
    leads = f" with {found.staff_member.name}" if found.staff_member else ""
    told = " Everybody in it is told." if found.taken else ""
    return f"{found.service.name}: {when}{leads}.{told}"
