"""When something was sold: dates and times of a vendor's wall, as tills and spreadsheets write."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from app.intake.values import DateOrder, birthday

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(
    r"[T ,]\s*(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([AaPp])?\.?(?:[Mm]\.?)?\s*"
    r"(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$"
)
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d{1,12}))?")
_DAY_ZERO = datetime.combine(date(1899, 12, 30), time())

Moment = tuple[str | None, str | None]
"""An instant in UTC, as ISO 8601 writes it, or why there is none."""


def reader(order: DateOrder, zone: tzinfo, now: datetime) -> Callable[[str], Moment]:
    """Reads a cell as a moment of that zone's wall; a day alone is its beginning.

    Where the clock is set back the first of two equal times is meant, where it is set forward the
    time that is skipped moves by the gap.
    """

    @lru_cache(maxsize=65_536)
    def read(text: str) -> Moment:
        said = _said(text.strip(), order, now.date())
        if said is None:
            return None, "date_unreadable"
        try:
            at = (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None, "date_unreadable"
        if at < EARLIEST:
            return None, "date_too_early"
        return (None, "date_in_future") if at > now else (at.isoformat(), None)

    return read


def _said(text: str, order: DateOrder, today: date) -> datetime | None:
    if len(text) > 60:
        return None
    if text[:4].isdecimal() and len(text) >= 8 and text.isascii():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    if found := _SERIAL.fullmatch(text):  # Excel's number of a day, and how much of it is over
        part = float(f"0.{found[2] or 0}")
        return _DAY_ZERO + timedelta(days=int(found[1]), seconds=round(part * 86_400))
    clock = _CLOCK.search(text)
    day = birthday(text[: clock.start()] if clock else text, order, today)
    if day is None:
        return None
    return datetime.combine(day, time()) if clock is None else _at(day, clock)


def _at(day: date, clock: "re.Match[str]") -> datetime | None:
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (clock[4] in "Pp")
    try:
        wall = datetime.combine(day, time(hour, minute, second))
        zone = clock[5]
        if zone is None:
            return wall
        offset = "+00:00" if zone in ("Z", "UTC", "GMT") else zone
        return datetime.fromisoformat(f"{wall.isoformat()}{offset}")
    except ValueError:
        return None
