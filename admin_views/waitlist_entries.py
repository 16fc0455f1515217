"""What an entry of the waitlist says, in words, and the days that are typed for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import joinedload

from admin_views.rendering import day, moment, span
from app.errors import DomainError
from models.waitlist import WaitlistEntry

BASE = "/admin/waitlist-entry"
DAYS = {"earliest": "first_day", "latest": "last_day"}
"""The fields at which a refusal of the window is told."""
LOADS = (
    joinedload(WaitlistEntry.customer),
    joinedload(WaitlistEntry.service),
    joinedload(WaitlistEntry.staff_member),
    joinedload(WaitlistEntry.class_session),
)
"""What its words need."""


class WhatFor(DomainError):
    sentence = "Say what they wait for: choose a service or a class."
    field = "service_id"


class OneThing(DomainError):
    sentence = "They wait for a service or for one class: leave the other one empty."
    field = "class_session_id"


class NoLastDay(DomainError):
    sentence = "Until when would they come? Choose a last day."
    field = "last_day"


def what_for(entry: WaitlistEntry) -> str:
    """Balayage, or Yoga, 24 Nov, 18:00."""
    if entry.class_session is not None:
        return f"{entry.service.name}, {moment(entry.class_session.starts_at)}"
    return str(entry.service.name)


def last_of(entry: WaitlistEntry) -> datetime:
    """The last moment at which they would come."""
    return entry.latest - timedelta(microseconds=1)


def window(entry: WaitlistEntry) -> str:
    """23 Nov – 27 Nov, from 9:00 to 12:00; a place in a class needs none."""
    if entry.class_session is not None:
        return "that class"
    first, last = day(entry.earliest), day(last_of(entry))
    days = first if first == last else f"{first} – {last}"
    return f"{days}{hours(entry)}"


def hours(entry: WaitlistEntry) -> str:
    """The hours of the day, if they matter."""
    if entry.from_time and entry.until_time:
        return f", {span(f'{entry.from_time:%H:%M}', f'{entry.until_time:%H:%M}')}"
    if entry.from_time:
        return f", from {entry.from_time:%H:%M}"
    return f", until {entry.until_time:%H:%M}" if entry.until_time else ""


def with_whom(entry: WaitlistEntry) -> str:
    """Who they asked for."""
    return str(entry.staff_member.name) if entry.staff_member else "anybody"


def at(identity: str, record: Any) -> Markup | None:
    """A booking or a class by its time, as the way to its page."""
    if record is None:
        return None
    url = f"/admin/{identity}/details/{record.id}"
    return Markup('<a href="{}">{}</a>').format(url, moment(record.starts_at))


def class_of(entry: WaitlistEntry) -> Markup | None:
    """The class they wait for, as the way to its page."""
    return at("class-session", entry.class_session)


def held_until(entry: WaitlistEntry) -> str | None:
    """Until when an offer is theirs."""
    return moment(entry.held_until) if entry.held_until else None


def days_of(first: date | None, last: date | None) -> dict[str, datetime | None]:
    """The wall times between which these days lie; without a first one it is now."""
    if last is None:
        raise NoLastDay
    return {
        "earliest": None if first is None else datetime.combine(first, time()),
        "latest": datetime.combine(last + timedelta(days=1), time()),
    }


@contextmanager
def at_the_days() -> Iterator[None]:
    """A refusal of the window is told at the days that were typed."""
    try:
        yield
    except DomainError as refusal:
        refusal.field = DAYS.get(refusal.field or "", refusal.field)
        raise
