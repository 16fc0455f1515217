"""The frame of the calendar's page: its head, the month beside it, and the first data."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views import calendar_data as data
from admin_views.access import allowed
from admin_views.calendar_asked import now_day, page_asked
from admin_views.calendar_data import Asked
from admin_views.calendar_side import side_of
from admin_views.writing import day as day_text
from admin_views.writing import span
from app.tenancy import current_actor
from reports import calendar

HERE = "/admin/calendar"


def vendors_page(request: Request) -> dict[str, Any]:
    """Asks the marketplace whose calendar to open."""
    switch = getattr(request.state, "vendor_choices", None) or {}
    return {"page_title": "Calendar", "choose": switch}


def page_of(session: Session, vendor_id: int, query: Mapping[str, str]) -> dict[str, Any]:
    """Everything the page shows of a vendor."""
    today = now_day(calendar.zone_of(session, vendor_id=vendor_id))
    asked = page_asked(query, today)
    found = data.data_of(session, vendor_id, asked)
    role = current_actor().panel_role
    view = "week" if asked.count == 7 else "day"
    people = everyone(session, vendor_id)
    return {
        "page_title": title_of(asked, today),
        "view": view,
        "zone": found["zone"].rpartition("/")[2].replace("_", " "),
        "links": links(asked, view, today),
        "month": month_of(asked, view, today),
        "everyone": people,
        "staff_choices": [(0, "Whoever is free"), *((one["id"], one["name"]) for one in people)],
        "chosen": asked.staff or (),
        **side_of(session, vendor_id),
        "block_choices": [
            *((one["id"], one["name"]) for one in people),
            (0, "Everybody: the business is closed"),
        ],
        "time_off_url": "/admin/time-off/list" if allowed(role, "time-off", "list") else None,
        "asked": asked,
        "config": json.dumps(config_of(asked, role), separators=(",", ":")),
        "first": json.dumps(found, separators=(",", ":"), default=str),
        "may": {action: allowed(role, "calendar", action) for action in ("book", "move", "block")},
    }


def everyone(session: Session, vendor_id: int) -> list[dict[str, Any]]:
    """Who works here, to be chosen."""
    people = calendar.place(session, vendor_id=vendor_id).staff.values()
    return [
        {"id": one.id, "name": one.name, "short": one.name.split()[0]}
        for one in people
        if one.is_active
    ]


def config_of(asked: Asked, role: Any) -> dict[str, Any]:
    """What the page's scripts must know."""
    last = asked.first + timedelta(days=asked.count - 1)
    query = {"from": asked.first.isoformat(), "to": last.isoformat()}
    if asked.staff:
        query["staff"] = ",".join(map(str, asked.staff))
    return {
        "here": HERE,
        "query": urlencode(query),
        "day": address("day", asked.first, asked.staff).replace(asked.first.isoformat(), "DAY"),
        "book": allowed(role, "calendar", "book"),
        "move": allowed(role, "calendar", "move"),
        "block": allowed(role, "calendar", "block"),
        "classes": allowed(role, "class-session", "edit"),
    }


def title_of(asked: Asked, today: date) -> str:
    """Fri 20 November, or 16–22 Nov."""
    if asked.count == 1:
        head = f"{asked.first:%a} {asked.first.day} {asked.first:%B}"
        return head if asked.first.year == today.year else f"{head} {asked.first.year}"
    last = asked.first + timedelta(days=asked.count - 1)
    if last.month == asked.first.month:
        return f"{asked.first.day}–{day_text(last)}"
    return span(f"{day_text(asked.first)} ", f" {day_text(last)}")


def address(view: str, day: date, staff: Sequence[int] | None) -> str:
    """The calendar's address for a day."""
    query = {"day": day.isoformat()}
    if view == "week":
        query["view"] = "week"
    if staff:
        query["staff"] = ",".join(map(str, staff))
    return f"{HERE}?{urlencode(query)}"


def links(asked: Asked, view: str, today: date) -> dict[str, str]:
    """Back, on, today, and the other view of the same days."""
    step = timedelta(days=asked.count)
    inside = asked.first <= today < asked.first + step
    return {
        "before": address(view, asked.first - step, asked.staff),
        "after": address(view, asked.first + step, asked.staff),
        "today": address(view, today, asked.staff),
        "day": address("day", today if inside else asked.first, asked.staff),
        "week": address("week", asked.first, asked.staff),
        "everyone": address(view, asked.first, None),
        "of": address(view, asked.first, None) + "&staff=",
    }


def month_of(asked: Asked, view: str, today: date) -> dict[str, Any]:
    """The month around the first day shown, in weeks from Monday."""
    first = asked.first.replace(day=1)
    at = first - timedelta(days=first.weekday())
    weeks = []
    while at.month == first.month or at < first:
        week = [at + timedelta(days=n) for n in range(7)]
        weeks.append([_cell(day, first, asked, view, today) for day in week])
        at += timedelta(days=7)
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    return {
        "title": f"{first:%B %Y}",
        "weeks": weeks,
        "before": address(view, before.replace(day=1), asked.staff),
        "after": address(view, after.replace(day=1), asked.staff),
    }


def _cell(day: date, first: date, asked: Asked, view: str, today: date) -> dict[str, Any]:
    shown = asked.first <= day < asked.first + timedelta(days=asked.count)
    return {
        "date": day.isoformat(), "day": day.day, "url": address(view, day, asked.staff),
        "out": day.month != first.month, "shown": shown, "today": day == today,
    }  # fmt: skip
