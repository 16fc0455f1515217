"""Periods of memberships by the wall: whole periods apart, put off by a rest, never in the past."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.operations import periods
from models.memberships import Period
from tests.chance import examples

ZONES = st.sampled_from(
    ("Europe/Lisbon", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
DAY = timedelta(days=1)


def wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def ends(anchor: datetime, period: Period, zone: str, count: int) -> list[datetime]:
    """One period after the other, each beginning where the last one ended."""
    found, at = [], anchor
    for _ in range(count):
        at = periods.end(anchor, period, at, zone)
        found.append(at)
    return found


def said(day: int, at: datetime) -> datetime:
    """The same time of day on that day of a month, or on its last one."""
    return at.replace(day=min(day, calendar.monthrange(at.year, at.month)[1]))


def near(a: datetime, b: datetime) -> bool:
    """The same on the wall, but for what clocks skip."""
    return abs(a - b) <= timedelta(hours=1)


@examples(60)
@given(MOMENTS, ZONES)
def test_months_keep_their_day_and_get_the_31st_back(anchor: datetime, zone: str) -> None:
    begins = wall(anchor, zone)
    found = ends(anchor, Period.MONTH, zone, 30)
    for number, moment in enumerate(found, 1):
        year, month = divmod(begins.year * 12 + begins.month - 1 + number, 12)
        first = begins.replace(year=year, month=month + 1, day=1)
        assert near(wall(moment, zone), said(begins.day, first))
    assert found == sorted(set(found))


@examples(40)
@given(MOMENTS, ZONES)
def test_weeks_and_years_keep_theirs(anchor: datetime, zone: str) -> None:
    begins = wall(anchor, zone)
    for number, moment in enumerate(ends(anchor, Period.WEEK, zone, 60), 1):
        assert near(wall(moment, zone), begins + 7 * number * DAY)
    for number, moment in enumerate(ends(anchor, Period.YEAR, zone, 9), 1):
        first = begins.replace(year=begins.year + number, day=1)
        assert near(wall(moment, zone), said(begins.day, first))


@examples(100)
@given(
    MOMENTS, ZONES, st.sampled_from(Period), st.integers(0, 500), st.floats(0.01, 0.99),
    st.integers(1, 400),
)  # fmt: skip
def test_a_rest_of_so_many_days_puts_the_end_off_by_as_many_and_never_into_the_past(
    anchor: datetime, zone: str, period: Period, skipped: int, part: float, rested: int
) -> None:
    start = anchor + skipped * DAY
    end = periods.end(anchor, period, start, zone)
    since = start + (end - start) * part
    until = since + rested * DAY
    put_off = periods.later(end, since, until, zone)
    shift = wall(put_off, zone) - wall(end, zone)
    assert abs(shift - (wall(until, zone) - wall(since, zone))) <= timedelta(hours=1)
    assert put_off > until
    again = periods.end(put_off, period, put_off, zone)
    assert again > put_off + periods.days_of(period) * DAY / 2


def test_31_28_31() -> None:
    anchor = datetime(2027, 1, 31, 9, tzinfo=UTC)
    found = ends(anchor, Period.MONTH, "Europe/Lisbon", 5)
    local = [wall(moment, "Europe/Lisbon") for moment in found]
    assert [(at.month, at.day, at.hour) for at in local] == [
        (2, 28, 9), (3, 31, 9), (4, 30, 9), (5, 31, 9), (6, 30, 9),
    ]  # fmt: skip
