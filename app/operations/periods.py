"""Periods of memberships, by the clock on the vendor's wall; no database in here."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from models.memberships import Period

_LENGTHS = {
    Period.WEEK: relativedelta(weeks=1),
    Period.MONTH: relativedelta(months=1),
    Period.YEAR: relativedelta(years=1),
}
_DAYS = {Period.WEEK: 7, Period.MONTH: 28, Period.YEAR: 365}


def end(anchor_at: datetime, period: Period, starts_at: datetime, zone: str) -> datetime:
    """The end of the period that begins at `starts_at`, in UTC.

    Ends lie whole periods after the anchor, at its time of day: of an anchor on the 31st on the
    last of shorter months, and on the 31st again where there is one. The end is the first of them
    that is later than `starts_at` by half a period or more, so none is a matter of hours.
    """
    anchor, begins = _wall(anchor_at, zone), _wall(starts_at, zone)
    earliest = begins + timedelta(days=_DAYS[period] / 2)
    count = max((earliest - anchor).days // (_DAYS[period] + 3) - 2, 0)
    while anchor + _LENGTHS[period] * count < earliest:
        count += 1
    return _instant(anchor + _LENGTHS[period] * count, zone)


def later(ends_at: datetime, since: datetime, until: datetime, zone: str) -> datetime:
    """An end that is put off by a rest from `since` to `until`: by so many days on the wall.

    The rest began before the end, so what was left of the period then is left when it is over.
    """
    put_off = _instant(_wall(ends_at, zone) + (_wall(until, zone) - _wall(since, zone)), zone)
    return put_off if put_off > until else until + (ends_at - since)


def days_of(period: Period) -> int:
    """How many days the shortest period has."""
    return _DAYS[period]


def _wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _instant(wall: datetime, zone: str) -> datetime:
    """What a time on the wall means: one that the clocks skip moves on by as much as they do."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
