"""Hours, days off, rooms, skills and terms of a vendor on show, as rows."""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.seeding.catalogue import VendorOnShow
from app.seeding.diary import Diary, Offer, span
from app.seeding.rows import add_all
from app.seeding.weeks import WEEKS, Away, Shift
from models.policies import CancellationPolicy
from models.resources import Resource, ServiceResource
from models.schedules import TimeOff, WorkingHours
from models.services import StaffService

Row = dict[str, Any]


def open_diary(
    session: Session,
    show: VendorOnShow,
    vendor_id: int,
    staff: dict[str, int],
    services: list[Row],
    today: date,
) -> Diary:
    """Write down how the vendor works, and begin the diary that its bookings are put into."""
    by_name = {row["name"]: row for row in services}
    diary = Diary(WEEKS[show.slug], ZoneInfo(show.time_zone), today, staff)
    diary.names = {row["id"]: row["name"] for row in services}
    own = {"vendor_id": vendor_id}
    _hours(session, diary, own, by_name)
    _time_off(session, diary, own)
    _rooms(session, diary, own, by_name)
    _skills(session, diary, own, by_name)
    terms = [
        {**own, "service_id": by_name[t.service]["id"] if t.service else None,
         "free_hours": t.free_hours, "late_hours": t.late_hours, "late_percent": t.late,
         "last_percent": t.last, "no_show_percent": t.no_show, "max_moves": t.max_moves}
        for t in diary.week.terms
    ]  # fmt: skip
    add_all(session, CancellationPolicy, terms)
    return diary


def _hours(session: Session, diary: Diary, own: Row, services: dict[str, Row]) -> None:
    rows = _weekdays(diary.week.hours, diary.today, {**own, "staff_id": None, "service_id": None})
    for name, shifts in diary.week.staff.items():
        owner = {**own, "staff_id": diary.staff[name], "service_id": None}
        rows += _weekdays(shifts, diary.today, owner)
    for name, shifts in diary.week.service_hours.items():
        owner = {**own, "staff_id": None, "service_id": services[name]["id"]}
        rows += _weekdays(shifts, diary.today, owner)
    add_all(session, WorkingHours, rows)


def _weekdays(shifts: tuple[Shift, ...], today: date, owner: Row) -> list[Row]:
    rows = []
    for shift in shifts:
        begins, ends = shift.from_days, shift.until_days
        holds = {
            "effective_from": None if begins is None else today + timedelta(days=begins),
            "effective_to": None if ends is None else today + timedelta(days=ends - 1),
        }
        for day in shift.days:
            for kind, hours in (("work", shift.hours), ("break", shift.pause)):
                if hours is not None:
                    starts, ends_at = (time(m // 60, m % 60) for m in span(hours))
                    rows.append({**owner, **holds, "kind": kind, "weekday": int(day),
                                 "starts": starts, "ends": ends_at,
                                 "label": "Lunch" if kind == "break" else None})  # fmt: skip
    return rows


def _time_off(session: Session, diary: Diary, own: Row) -> None:
    add_all(session, TimeOff, [_exception(diary, own, away) for away in diary.week.away])


def _exception(diary: Diary, own: Row, away: Away) -> Row:
    """Whole days go from midnight to midnight of the vendor's wall time."""
    first = diary.first_day(away)
    last = first + timedelta(days=away.days)
    begins, ends = span(away.hours) if away.hours else (0, 0)
    return {
        **own, "staff_id": diary.staff[away.staff] if away.staff else None, "kind": away.kind,
        "starts_at": diary.at(first, begins), "reason": away.reason,
        "ends_at": diary.at(last - timedelta(days=1) if away.hours else last, ends),
        "created_at": diary.at(min(first, diary.today) - timedelta(days=10), 9 * 60),
    }  # fmt: skip


def _rooms(session: Session, diary: Diary, own: Row, services: dict[str, Row]) -> None:
    rooms = diary.week.rooms
    rows = [{**own, "name": r.name, "kind": r.kind, "capacity": r.capacity} for r in rooms]
    needs: list[Row] = []
    for room, key in zip(rooms, add_all(session, Resource, rows), strict=True):
        for name in room.services:
            service = services[name]["id"]
            needs.append({**own, "service_id": service, "resource_id": key})
            diary.needs.setdefault(service, []).append((key, room.capacity))
    add_all(session, ServiceResource, needs)


def _skills(session: Session, diary: Diary, own: Row, services: dict[str, Row]) -> None:
    rows = []
    for skill in diary.week.skills:
        service, staff = services[skill.service], diary.staff[skill.staff]
        price = Decimal(skill.price) if skill.price else None
        rows.append({**own, "service_id": service["id"], "staff_id": staff, "price": price,
                     "duration_minutes": skill.minutes})  # fmt: skip
        offer = Offer(service, staff, skill.minutes or service["duration_minutes"],
                      service["price"] if price is None else price)  # fmt: skip
        diary.offers.setdefault(service["id"], []).append(offer)
    add_all(session, StaffService, rows)
