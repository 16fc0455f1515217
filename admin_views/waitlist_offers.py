"""What can be offered to who waits, and who fits a gap."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from admin_views.forms import read_whole
from admin_views.loaders import record_id
from admin_views.rendering import clock_time, day_head, moment, plural
from admin_views.saving import saving_for, writing
from admin_views.waitlist_entries import BASE, LOADS, window
from app import clock
from app.errors import DomainError, NotFound
from app.operations import gaps, offers, schedules, waitlist
from app.operations.zones import zone_of
from app.tenancy import current_actor
from models.services import ServiceKind
from models.staff import StaffMember
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

AHEAD = timedelta(days=21)
MOST_SLOTS = 60
LINES = 20


class NoSlot(DomainError):
    sentence = "Choose one of the times."
    field = "slot"


class NoMinutes(DomainError):
    sentence = "Write for how many minutes the time is held, from 1 to 10,080."
    field = "minutes"


class NoGap(DomainError):
    sentence = "Say from when to when the gap is, such as 2026-11-20T10:00 and 2026-11-20T11:00."


def offer(number: int, form: Mapping[str, str]) -> str:
    """Hold the time that was chosen for them; until when, on the vendor's clock."""
    starts, staff = _slot(form.get("slot", ""))
    try:
        minutes = read_whole(form.get("minutes") or "30", 1, offers.MOST_MINUTES)
    except ValueError:
        raise NoMinutes from None
    with writing(WaitlistEntry, number) as session:
        entry = waitlist.offer(
            session, entry_id=number, starts_at=starts, staff_id=staff, minutes=minutes
        )
        zone = saving_for(session, entry).zone
        held = entry.held_until or clock.now()
        return f"{held.astimezone(zone):%H:%M}"


def _slot(text: str) -> tuple[datetime, int | None]:
    """`2026-11-20T10:00:00+00:00@12` as an instant and a member of staff."""
    when, _, who = text.partition("@")
    try:
        starts = datetime.fromisoformat(when)
    except ValueError:
        raise NoSlot from None
    staff = record_id(who) if who else None
    if starts.tzinfo is None or (who and staff is None):
        raise NoSlot
    return starts, staff


def offer_page(session: Session, number: int) -> dict[str, Any]:
    """The free times that suit somebody who waits."""
    entry = session.scalars(
        select(WaitlistEntry).where(WaitlistEntry.id == number).options(*LOADS)
    ).first()
    if entry is None:
        raise HTTPException(404)
    is_open = entry.status == WaitStatus.WAITING and entry.class_session_id is None
    slots = _slots(session, entry) if is_open else []
    title = f"{entry.customer.name} waits for {entry.service.name}"
    return {
        "page_title": "Offer a time",
        "page_hint": title,
        "path": [
            {"title": "Waitlist", "url": f"{BASE}/list"},
            {"title": title, "url": f"{BASE}/details/{number}"}, {"title": "Offer"},
        ],
        "days": [
            {"title": head, "slots": list(of_day)}
            for head, of_day in groupby(slots, key=lambda s: s.pop("day"))
        ],
        "window": window(entry),
        "is_open": is_open,
        "url": f"{BASE}/{number}/offer",
        "back": f"{BASE}/details/{number}",
        "minutes": waitlist.HELD_MINUTES,
    }  # fmt: skip


def _slots(session: Session, entry: WaitlistEntry) -> list[dict[str, Any]]:
    """The first free times within what they asked for."""
    since = max(entry.earliest, clock.now())
    until = min(entry.latest, since + AHEAD)
    if until <= since or entry.service.kind == ServiceKind.STAY:
        return []
    found = schedules.free_slots(
        session, service_id=entry.service_id, since=since, until=until,
        staff_ids=[entry.staff_id] if entry.staff_id else None, channel=Channel.PHONE,
    )  # fmt: skip
    zone = zone_of(session, entry.vendor_id)
    fitting = [
        slot
        for slot in found
        if slot.starts_at > since and gaps.suits(entry, slot.starts_at, slot.ends_at, zone)
    ]
    shown = fitting[:MOST_SLOTS]
    ids = {slot.staff_id for slot in shown if slot.staff_id is not None}
    rows = session.execute(
        select(StaffMember.id, StaffMember.name).where(StaffMember.id.in_(ids))
    ).all()
    names = {row.id: row.name for row in rows}
    return [
        {
            "day": day_head(slot.starts_at), "time": clock_time(slot.starts_at),
            "with": names.get(slot.staff_id, ""),
            "value": f"{slot.starts_at.isoformat()}@{slot.staff_id or ''}",
        }
        for slot in shown
    ]  # fmt: skip


def gap_page(session: Session, asked: Mapping[str, str]) -> dict[str, Any]:
    """Who would come into a gap: `staff`, `from`, `to`."""
    staff_id = record_id(asked["staff"]) if asked["staff"] else None
    try:
        starts, ends = (datetime.fromisoformat(asked[end]) for end in ("from", "to"))
    except ValueError:
        raise NoGap from None
    if (asked["staff"] and staff_id is None) or (
        staff_id is None and not current_actor().vendor_id
    ):
        raise NotFound
    found = waitlist.who_fits(
        session, starts_at=starts, ends_at=ends, staff_id=staff_id, limit=LINES
    )
    staff = session.get(StaffMember, staff_id) if staff_id else None
    zone = saving_for(session, staff).zone
    shown = [moment_in(at, zone) for at in (starts, ends)]
    return {
        "page_title": "Who fits this gap",
        "page_hint": f"{shown[0]} – {shown[1]}" + (f" with {staff.name}" if staff else ""),
        "path": [{"title": "Waitlist", "url": f"{BASE}/list"}, {"title": "Who fits"}],
        "found": [
            {
                "name": one.entry.customer.name, "url": f"{BASE}/details/{one.entry.id}",
                "what": one.entry.service.name, "why": one.why,
                "at": f"{clock_time(one.starts_at)}–{clock_time(one.ends_at)}",
                "offer_url": f"{BASE}/{one.entry.id}/offer",
                "slot": f"{one.starts_at.isoformat()}@{one.staff_id or ''}",
            }
            for one in found
        ],
        "count_text": plural(len(found), "customer"),
        "error": "",
    }  # fmt: skip


def moment_in(at: datetime, zone: Any) -> str:
    """A moment on the vendor's clock; without an offset it is that already."""
    return moment(at.replace(tzinfo=zone) if at.tzinfo is None else at)
