"""The days and instants of what comes again: the same local hour, whatever the clocks do."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from app.errors import DomainError
from app.operations.zones import EARLIEST, LATEST, OutOfTime
from models.booking_series import MOST_OCCURRENCES, Rhythm

MOST = {Rhythm.WEEK: MOST_OCCURRENCES, Rhythm.TWO_WEEKS: 26, Rhythm.MONTH: 12}
"""How many of each make a year."""

EVERY = {Rhythm.WEEK: "week", Rhythm.TWO_WEEKS: "two weeks", Rhythm.MONTH: "month"}


class TooLong(DomainError):
    sentence = (
        "A series lasts a year at most, that is {most} times every {rhythm}: choose fewer, and"
        " begin the next one when it ends."
    )
    field = "occurrences"


class NoOccurrence(DomainError):
    sentence = "A series happens at least once: choose how many times."
    field = "occurrences"


class NoRhythm(DomainError):
    sentence = "There is no such rhythm: choose every week, every two weeks or every month."
    field = "rhythm"


@dataclass(frozen=True, slots=True)
class LocalStart:
    """A beginning: the instant (UTC), and whether the clocks skip the wall time that was meant.

    If they do, it begins as much later as the clocks go forward; of a wall time that comes twice
    the first is meant.
    """

    starts_at: datetime
    skipped: bool


def days(starts_on: date, rhythm: str, times: int, *, field: str = "occurrences") -> list[date]:
    """The days of `times` occurrences; refuses none at all, and more than a year of them.

    A month later is the same day of the month, or its last day where it has no such day; the
    month after that is counted from `starts_on` again, so a 31st comes back.
    """
    every = understood(rhythm)
    if times < 1:
        raise NoOccurrence(field=field)
    if times > MOST[every]:
        raise TooLong(field=field, most=MOST[every], rhythm=EVERY[every])
    if not EARLIEST <= starts_on.year < LATEST:
        raise OutOfTime(field="starts_on", year=starts_on.year)
    return [_later(starts_on, every, n) for n in range(times)]


def day(starts_on: date, rhythm: str, number: int) -> date:
    """The day of one occurrence; they are numbered from 1."""
    return _later(starts_on, understood(rhythm), number - 1)


def understood(rhythm: str) -> Rhythm:
    """The rhythm of this name; refuses others."""
    if rhythm not in set(Rhythm):
        raise NoRhythm
    return Rhythm(rhythm)


def local_start(on: date, starts: time, zone: str) -> LocalStart:
    """When the wall time `starts` of a day is, in `zone`."""
    wall = datetime.combine(on, starts.replace(tzinfo=None, fold=0))
    found = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return LocalStart(found, skipped=found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall)


def _later(starts_on: date, rhythm: Rhythm, times: int) -> date:
    if rhythm is Rhythm.MONTH:
        return starts_on + relativedelta(months=times)
    return starts_on + timedelta(weeks=times * (2 if rhythm is Rhythm.TWO_WEEKS else 1))
