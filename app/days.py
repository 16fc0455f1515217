"""How a day and a time are said in a sentence: one way, wherever the sentence stands."""

from datetime import UTC, date, datetime, tzinfo

from app import clock


def day(at: date, zone: tzinfo = UTC, *, year: bool = False) -> str:
    """Tuesday 1 December; with the year where it is not this one, or `year` asks for it.

    A moment is taken where `zone` is; a day, or a time without an offset, as it stands. What is
    kept longer than a screen, such as a letter, asks for the year.
    """
    local = at.astimezone(zone) if isinstance(at, datetime) and at.tzinfo else at
    said = f"{local:%A} {local.day} {local:%B}"
    other = local.year != clock.now().astimezone(zone).year
    return f"{said} {local.year}" if year or other else said


def moment(at: datetime, zone: tzinfo, *, year: bool = False) -> str:
    """Tuesday 1 December, 10:00."""
    return f"{day(at, zone, year=year)}, {at.astimezone(zone):%H:%M}"


def until(starts_at: datetime, ends_at: datetime, zone: tzinfo, *, year: bool = False) -> str:
    """The end of a time whose beginning was just said: 11:00; with its day if it is another."""
    begin, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    same = begin.date() == end.date()
    return f"{end:%H:%M}" if same else moment(ends_at, zone, year=year)


def span(starts_at: datetime, ends_at: datetime, zone: tzinfo, *, year: bool = False) -> str:
    """Tuesday 1 December, 10:00 to 11:00."""
    end = until(starts_at, ends_at, zone, year=year)
    return f"{moment(starts_at, zone, year=year)} to {end}"


OLDEST = 120
"""Years of age, for which birthdays are looked up."""


def births(day: date) -> list[date]:
    """The days on which somebody was born who has a birthday on `day`.

    Who was born on 29 February has it on the 28th in other years. An index of birthdays finds
    them when all are named.
    """
    years = range(day.year - OLDEST, day.year + 1)
    known = [day.replace(year=year) for year in years if _exists(year, day.month, day.day)]
    if (day.month, day.day) == (2, 28) and not _exists(day.year, 2, 29):
        known += [date(year, 2, 29) for year in years if _exists(year, 2, 29)]
    return known


def _exists(year: int, month: int, day: int) -> bool:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (month, day) != (2, 29) or leap
