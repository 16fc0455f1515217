"""Working hours on screen: the house's, and those of a member of staff or a service."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from sqladmin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.loaders import record_id
from admin_views.own_pages import OneVendor, errors_of, in_a_vendor, read_fields, stood_in
from admin_views.rendering import day, say
from admin_views.saving import sentence_of
from app import clock
from app.errors import DomainError, NotFound
from app.operations import weeks
from app.operations.weeks import DAYS, MOST_A_DAY, Owner, Period, Piece
from app.tenancy import current_actor
from app.transact import in_thread
from models.schedules import HoursKind, WorkingHours
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor

HOME = "/admin/hours"
FEWEST, MOST = 2, MOST_A_DAY // 2
KINDS = (HoursKind.WORK, HoursKind.BREAK)
LISTED = 300
Typed = Mapping[str, str]


class NoTime(DomainError):
    sentence = "“{text}” is no time: write it like 09:30."


class HalfTime(DomainError):
    sentence = "A time of {day} has no {end}: fill it in, or leave both empty."


class NoDay(DomainError):
    sentence = "This is no date: write it like 2026-11-20."
    field = "since"


class HoursView(OneVendor):
    """When one can be booked, week by week."""

    name, icon, category = "Working hours", "ti ti-clock-hour-9", "Schedule"
    identity = "working-hours"
    whose = "Working hours are one vendor's."

    @expose("/hours", methods=["GET"], identity="working-hours")
    @needs("list")
    @in_a_vendor
    async def everybody(self, request: Request) -> Response:
        """The house, everybody and every service, with their week in a line."""
        context = await in_thread(_everybody, stood_in())
        return await self.page(request, "panel/hours.html", context)

    @expose("/hours/{owner}", methods=["GET"], identity="working-hours")
    @needs("details")
    @in_a_vendor
    async def week(self, request: Request) -> Response:
        """One week, to be read or changed."""
        context = await in_thread(_week, self._owner(request), request.query_params.get("on", ""))
        return await self.page(request, "panel/hours_week.html", context)

    @expose("/hours/{owner}", methods=["POST"], identity="working-hours")
    @needs("edit")
    @in_a_vendor
    async def save(self, request: Request) -> Response:
        """The week from a day on; or, when asked, Monday's times put on other days."""
        owner, typed = self._owner(request), await read_fields(request)
        if typed.get("copy"):
            typed = copied(typed, weekend=typed["copy"] == "week")
            return await self._again(request, owner, typed, None)
        try:
            since, pieces = read_since(typed), read_pieces(typed)
            await in_thread(weeks.set_week, owner=owner, since=since, pieces=pieces)
        except (NotFound, HTTPException):
            raise
        except Exception as error:
            return await self._again(request, owner, typed, sentence_of(error))
        say(request, f"The hours hold from {day(since)}.")
        return RedirectResponse(request.url.path, 303)

    @expose("/hours/{owner}/house", methods=["POST"], identity="working-hours")
    @needs("edit")
    @in_a_vendor
    async def follow(self, request: Request) -> Response:
        """Forget somebody's own hours."""
        owner = self._owner(request)
        if owner == Owner(stood_in()):
            raise HTTPException(404)
        return await self.at_once(
            request, HOME, "The house's hours hold again.", weeks.follow_the_house, owner=owner
        )

    async def _again(
        self, request: Request, owner: Owner, typed: Typed, refusal: DomainError | None
    ) -> Response:
        context = await in_thread(_week, owner, "")
        fields = {"since": "", **{f"day-{n}": "" for n in range(1, 8)}}
        errors, error = errors_of(refusal, fields) if refusal else ({}, "")
        context |= grid(typed) | {"since": typed.get("since", ""), "errors": errors, "error": error}
        context["changed"] = True
        status = 400 if refusal else 200
        return await self.page(request, "panel/hours_week.html", context, status)

    def _owner(self, request: Request) -> Owner:
        """Whose hours the address names: house, staff-12, service-3."""
        kind, _, number = request.path_params["owner"].partition("-")
        if (kind, number) == ("house", ""):
            return Owner(stood_in())
        found = record_id(number)
        if found is None or kind not in ("staff", "service"):
            raise HTTPException(404)
        return Owner(stood_in(), **{f"{kind}_id": found})


# --- what was typed -----------------------------------------------------------------------


def read_since(typed: Typed) -> date:
    """The day from which the week holds."""
    try:
        return date.fromisoformat(typed.get("since", ""))
    except ValueError:
        raise NoDay from None


def read_pieces(typed: Typed) -> list[Piece]:
    """The times that were filled in; a refusal names its day."""
    return [
        piece
        for weekday in range(1, 8)
        for kind in KINDS
        for n in range(MOST)
        if (piece := _piece(typed, weekday, kind, n)) is not None
    ]


def _piece(typed: Typed, weekday: int, kind: str, n: int) -> Piece | None:
    starts, ends = (typed.get(name_of(kind, n, end, weekday), "") for end in ("from", "to"))
    if not starts and not ends:
        return None
    if not starts or not ends:
        end = "end" if starts else "beginning"
        raise HalfTime(field=f"day-{weekday}", day=DAYS[weekday - 1], end=end)
    return Piece(weekday, kind, read_time(starts, weekday), read_time(ends, weekday))


def name_of(kind: str, n: int, end: str, weekday: int) -> str:
    """The name of a field: `work-0-from-1`."""
    return f"{kind}-{n}-{end}-{weekday}"


SHAPE = re.compile(r"([01]?[0-9]|2[0-4])[:.h]?([0-5][0-9])?")


def read_time(text: str, weekday: int) -> time:
    """09:30, 9:30, 9.30, 930 or 9; 24:00 is the midnight that ends the day."""
    found = SHAPE.fullmatch(text.lower().replace(" ", ""))
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if hour > 24 or (hour == 24 and minute):
        raise NoTime(field=f"day-{weekday}", text=text[:20])
    return time(hour % 24, minute)


def copied(typed: Typed, *, weekend: bool) -> dict[str, str]:
    """What was typed, with Monday's times on the days after it."""
    filled = dict(typed)
    for weekday in range(2, 8 if weekend else 6):
        for kind in KINDS:
            for n in range(MOST):
                for end in ("from", "to"):
                    monday = typed.get(name_of(kind, n, end, 1), "")
                    filled[name_of(kind, n, end, weekday)] = monday
    return filled


def typed_of(pieces: Iterable[Piece]) -> dict[str, str]:
    """A week as one would type it."""
    typed: dict[str, str] = {}
    counts: dict[tuple[int, str], int] = {}
    for piece in sorted(pieces):
        n = counts.get((piece.weekday, piece.kind), 0)
        counts[piece.weekday, piece.kind] = n + 1
        for end, at in (("from", piece.starts), ("to", piece.ends)):
            typed[name_of(piece.kind, n, end, piece.weekday)] = f"{at:%H:%M}"
    return typed


def grid(typed: Typed) -> dict[str, Any]:
    """The days with their fields, and how many columns of times there are."""
    columns = [
        (kind, n) for kind in KINDS for n in range(MOST) if n < FEWEST or _is_used(typed, kind, n)
    ]
    rows = [
        {
            "weekday": weekday,
            "name": name,
            "spans": [_span(typed, kind, n, weekday, name) for kind, n in columns],
        }
        for weekday, name in enumerate(DAYS, 1)
    ]
    return {"rows": rows, "columns": [_head(kind, n) for kind, n in columns]}


def _is_used(typed: Typed, kind: str, n: int) -> bool:
    ends = [typed.get(name_of(kind, n, end, w)) for end in ("from", "to") for w in range(1, 8)]
    return any(ends)


def _head(kind: str, n: int) -> str:
    return ("Works" if kind == HoursKind.WORK else "Break") if n == 0 else "and"


def _span(typed: Typed, kind: str, n: int, weekday: int, name: str) -> dict[str, Any]:
    what = "works" if kind == HoursKind.WORK else "break"
    which = f" {n + 1}" if n else ""
    return {
        "label": _head(kind, n) if n == 0 else f"{what}{which}".capitalize(),
        "ends": [
            {
                "name": name_of(kind, n, end, weekday),
                "label": f"{name}, {what}{which} {end}",
                "value": typed.get(name_of(kind, n, end, weekday), ""),
            }
            for end in ("from", "to")
        ],
        "filled": any(typed.get(name_of(kind, n, end, weekday)) for end in ("from", "to")),
    }


# --- what the pages show ------------------------------------------------------------------


def _today(session: Session, vendor_id: int) -> date:
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _everybody(session: Session, vendor_id: int) -> dict[str, Any]:
    today = _today(session, vendor_id)
    known = _weeks_of_all(session, vendor_id)
    staff = session.execute(
        select(StaffMember.id, StaffMember.name)
        .where(StaffMember.vendor_id == vendor_id, StaffMember.is_active)
        .order_by(StaffMember.name, StaffMember.id)
        .limit(LISTED)
    )
    services = session.execute(
        select(Service.id, Service.name)
        .where(Service.vendor_id == vendor_id, Service.is_active)
        .order_by(Service.name, Service.id)
        .limit(LISTED)
    )
    house = known.get((None, None), [])
    like_the_house = "as the house" if house else "any time"
    return {
        "page_title": "Working hours",
        "page_hint": "When people can be booked, in the vendor's own time",
        "house": _line("The house", "house", house, today, "any time"),
        "staff": [
            _line(row.name, f"staff-{row.id}", known.get((row.id, None), []), today, like_the_house)
            for row in staff
        ],
        "services": [
            _line(row.name, f"service-{row.id}", known.get((None, row.id), []), today, "any time")
            for row in services
        ],
    }


def _weeks_of_all(
    session: Session, vendor_id: int
) -> dict[tuple[int | None, int | None], list[Period]]:
    rows = session.scalars(select(WorkingHours).where(WorkingHours.vendor_id == vendor_id))
    owned: dict[tuple[int | None, int | None], list[WorkingHours]] = {}
    for row in rows:
        owned.setdefault((row.staff_id, row.service_id), []).append(row)
    return {owner: weeks.periods_of(found) for owner, found in owned.items()}


def _line(
    name: str, owner: str, found: Sequence[Period], today: date, without: str
) -> dict[str, Any]:
    now = weeks.in_force(found, today)
    later = next((p for p in found if p.first and p.first > today), None)
    said = weeks.summary(now.pieces) if now else ("none now" if found else "")
    return {
        "name": name, "url": f"{HOME}/{owner}", "week": said, "without": without,
        "later": f"from {day(later.first)} {weeks.summary(later.pieces)}" if later else "",
    }  # fmt: skip


def _week(session: Session, owner: Owner, on: str) -> dict[str, Any]:
    today = _today(session, owner.vendor_id)
    name, path = _named(session, owner)
    found = weeks.periods(session, owner)
    house = weeks.periods(session, Owner(owner.vendor_id)) if owner.staff_id else []
    asked = _asked(on, today)
    now = weeks.in_force(found, asked) or weeks.in_force(house, asked)
    role = current_actor().panel_role
    return {
        "page_title": name,
        "path": [{"title": "Working hours", "url": HOME}, {"title": name}],
        "url": f"{HOME}/{path}",
        "own": bool(found),
        "is_house": path == "house",
        "is_service": owner.service_id is not None,
        "house_week": weeks.summary(p.pieces) if (p := weeks.in_force(house, today)) else "",
        "edits": allowed(role, "working-hours", "edit"),
        "since": (asked if asked > today else today).isoformat(),
        "today": today.isoformat(),
        "history": [_period(p, path, today) for p in found] if len(found) > 1 else [],
        "errors": {},
        "error": "",
        "changed": False,
        **grid(typed_of(now.pieces if now else ())),
    }


def _asked(on: str, today: date) -> date:
    try:
        found = date.fromisoformat(on)
    except ValueError:
        return today
    return found if 1990 <= found.year <= 2199 else today


def _period(period: Period, path: str, today: date) -> dict[str, Any]:
    first, last = period.first, period.last
    begun = first is None or first <= today
    now = begun and (last is None or today <= last)
    return {
        "title": f"{'from ' + day(first) if first else 'always'}"
        + (f" until {day(last)}" if last else ""),
        "sub": weeks.summary(period.pieces),
        "url": f"{HOME}/{path}?on={(first or last or today).isoformat()}",
        "now": now,
    }


def _named(session: Session, owner: Owner) -> tuple[str, str]:
    """What the hours are called, and the end of their address."""
    if owner.staff_id is None and owner.service_id is None:
        return "The house's hours", "house"
    model: Any = StaffMember if owner.staff_id else Service
    number = owner.staff_id or owner.service_id
    record = session.get(model, number)
    if record is None or record.vendor_id != owner.vendor_id:
        raise NotFound
    kind = "staff" if owner.staff_id else "service"
    return f"Hours of {record.name}", f"{kind}-{number}"


VIEWS = [HoursView]
