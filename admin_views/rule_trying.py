"""A rule tried on a day, as its page shows it: line by line, a page at a time."""

import base64
import binascii
import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from admin_views.rendering import plural
from app import clock, days
from app.errors import DomainError
from app.operations import trying
from app.operations.coming_up import Place, place_in, place_out
from app.operations.trying import Page, Tried
from app.operations.zones import zone_of
from models.message_rules import BY_TIME, MessageRule

HERE = "/admin/message-rule/details"
YEARS = range(1990, 2200)
WAYS = {"email": "E-mail", "sms": "SMS", "push": "App", "in_app": "In person", "task": "Task"}


class NoDay(DomainError):
    sentence = "This is no day: choose one from the calendar."
    field = "on"


def tomorrow(session: Session, rule: MessageRule) -> date:
    """The next day where the vendor is."""
    zone = ZoneInfo(zone_of(session, rule.vendor_id))
    return clock.now().astimezone(zone).date() + timedelta(days=1)


def coming(session: Session, rule: MessageRule) -> list[dict[str, Any]]:
    """Who hears of it next, as far as it is known."""
    page = trying.coming(session, rule_id=rule.id)
    return [_drawn(line, ZoneInfo(page.zone)) for line in page.lines]


def tried(session: Session, rule: MessageRule, asked: str, after: str) -> dict[str, Any] | None:
    """Who would hear of what on the day `asked` for; None when none is. Raises `NoDay`."""
    if not asked:
        return None
    day = _day(asked)
    page = trying.on_day(session, rule_id=rule.id, day=day, after=_place(after))
    told = sum(line.why_not is None for line in page.lines)
    return {
        "title": f"Tried on {days.day(day)}",
        "as_if": rule.event not in BY_TIME,
        "lines": [_drawn(line, ZoneInfo(page.zone)) for line in page.lines],
        "count_text": f"{told} of {plural(len(page.lines), 'line')}",
        "first_url": f"{HERE}/{rule.id}?{urlencode({'on': asked})}#tried" if after else None,
        "next_url": _next(rule, asked, page),
    }


def _drawn(line: Tried, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": line.name,
        "url": f"/admin/customer/details/{line.customer_id}",
        "about": line.about,
        "at": days.moment(line.at, zone),
        "way": WAYS.get(line.channel or "", ""),
        "why_not": line.why_not,
    }


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NoDay from None
    if day.year not in YEARS:
        raise NoDay
    return day


def _next(rule: MessageRule, asked: str, page: Page) -> str | None:
    if page.place is None:
        return None
    said = json.dumps(place_out(page.place)).encode()
    query = {"on": asked, "after": base64.urlsafe_b64encode(said).decode()}
    return f"{HERE}/{rule.id}?{urlencode(query)}#tried"


def _place(text: str) -> Place | None:
    """Where the page before ended; what cannot be read begins anew."""
    try:
        return place_in(json.loads(base64.urlsafe_b64decode(text.encode()))) if text else None
    except (ValueError, TypeError, binascii.Error):
        return None
