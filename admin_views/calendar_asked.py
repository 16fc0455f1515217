"""What the address of the calendar asks for: days, people, the view; junk is refused or today."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from admin_views.calendar_data import Asked
from admin_views.loaders import record_id
from admin_views.saving import zone_named
from app import clock
from app.errors import DomainError
from app.operations.zones import EARLIEST, LATEST
from reports.calendar import MOST_DAYS, Backwards, TooWide

MOST_STAFF = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NoSuchDay(DomainError):
    sentence = (
        f"This is no day: write it as 2026-11-21, with a year from {EARLIEST} to {LATEST - 1}."
    )


class NoSuchStaff(DomainError):
    sentence = "These are no members of staff: choose them from the list."
    field = "staff"


class NoSuchPage(DomainError):
    sentence = "There is no such page of the calendar: load it again."
    field = "after"


def day_in(text: str | None) -> date | None:
    """The day that was written, or None for anything else."""
    if not text or not _DAY.fullmatch(text):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found.year <= LATEST - 1 else None


def staff_in(text: str | None) -> tuple[int, ...] | None:
    """The members of staff of `staff=3,5`; none named is everybody. Refuses with `NoSuchStaff`."""
    if not text:
        return None
    numbers = [record_id(part) for part in text.split(",")]
    if len(numbers) > MOST_STAFF or None in numbers:
        raise NoSuchStaff
    return tuple(n for n in numbers if n is not None)


def asked_of(query: Mapping[str, str]) -> Asked:
    """The days from `from` up to and with `to`, of `staff`; refuses what it cannot read."""
    first, last = day_in(query.get("from")), day_in(query.get("to"))
    if first is None or last is None:
        raise NoSuchDay(field="from" if first is None else "to")
    count = (last - first).days + 1
    if count < 1:
        raise Backwards
    if count > MOST_DAYS:
        raise TooWide
    return Asked(first, count, staff_in(query.get("staff")), _after(query.get("after")))


_LAST_SECOND = 10**10


def _after(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    seconds, _, number = text.partition("/")
    at, found = record_id(seconds), record_id(number)
    if at is None or found is None or at > _LAST_SECOND:
        raise NoSuchPage
    return at, found


def page_asked(query: Mapping[str, str], today: date) -> Asked:
    """What a page shows: `view` day or week, around `day`; what cannot be read is today, all."""
    day = day_in(query.get("day")) or today
    try:
        staff = staff_in(query.get("staff"))
    except NoSuchStaff:
        staff = None
    if query.get("view") == "week":
        return Asked(day - timedelta(days=day.weekday()), 7, staff)
    return Asked(day, 1, staff)


def now_day(zone: str) -> date:
    """Which day it is where the vendor is."""
    return clock.now().astimezone(zone_named(zone)).date()
