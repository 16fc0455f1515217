"""When a booking is: elapsed minutes, or nights between wall times, with the buffers around it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from app.errors import DomainError
from app.operations.diaries import CHECK_IN, CHECK_OUT, LONGEST, capped
from app.operations.hours import Span, Wall
from app.operations.schedules import EndsBeforeStart, TooLong
from app.operations.zones import EARLIEST, LATEST, OutOfTime, instant
from models.services import Service, ServiceKind

NOTHING: Range[datetime] = Range(empty=True)
"""The time that a booking blocks which was overbooked on purpose."""


class NoNights(DomainError):
    sentence = "A stay lasts one night or more: choose a later day to leave."
    field = "ends_at"


def wanted(
    service: Service, wall: Wall, starts_at: datetime, ends_at: datetime | None, nights: int | None
) -> tuple[datetime, datetime | None]:
    """The beginning and, where it is said or follows from the nights, the end; both in UTC.

    Of a stay only the days count: it goes from check-in to check-out, one night unless said.
    Refuses what ends before it begins, lasts longer than a year, or lies in a gap of the clocks.
    """
    if service.kind == ServiceKind.STAY:
        return _stay(service, wall, starts_at, ends_at, nights)
    starts = instant(starts_at, wall.zone.key, field="starts_at")
    if ends_at is None:
        return starts, None
    ends = instant(ends_at, wall.zone.key, field="ends_at")
    _check_length(starts, ends)
    return starts, ends


def lasting(starts_at: datetime, minutes: int) -> datetime:
    """The end after so many elapsed minutes, whatever the clocks do meanwhile."""
    ends = starts_at + capped(minutes)
    _check_length(starts_at, ends)
    return ends


def nights_of(wall: Wall, starts_at: datetime, ends_at: datetime) -> int:
    """How many nights a stay lasts, one at least."""
    return max(1, (wall.day(ends_at) - wall.day(starts_at)).days)


def columns(service: Service, span: Span, *, blocks: bool = True) -> Mapping[str, Any]:
    """The four columns of time of a booking; the ranges of one that blocks nobody are empty."""
    starts, ends = span
    before = capped(service.buffer_before_minutes)
    after = capped(service.buffer_after_minutes)
    return {
        "starts_at": starts,
        "ends_at": ends,
        "with_buffer_before": Range(starts - before, ends) if blocks else NOTHING,
        "with_buffer_after": Range(starts, ends + after) if blocks else NOTHING,
    }


def _stay(
    service: Service, wall: Wall, starts_at: datetime, ends_at: datetime | None, nights: int | None
) -> Span:
    day = _day(wall, starts_at, "starts_at")
    if nights is None:
        nights = 1 if ends_at is None else (_day(wall, ends_at, "ends_at") - day).days
    if nights < 1:
        raise NoNights
    if nights > LONGEST.days:
        raise TooLong
    return (
        wall.begins(day, service.check_in_time or CHECK_IN),
        wall.ends(day + timedelta(days=nights), service.check_out_time or CHECK_OUT),
    )


def _day(wall: Wall, moment: datetime, field: str) -> date:
    if not EARLIEST <= moment.year <= LATEST:
        raise OutOfTime(field=field, year=moment.year)
    return moment.date() if moment.tzinfo is None else wall.day(moment)


def _check_length(starts: datetime, ends: datetime) -> None:
    if ends <= starts:
        raise EndsBeforeStart
    if ends - starts > LONGEST:
        raise TooLong
