"""Nobody is disturbed in their quiet hours, in any zone, also when the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.quiet import DAY, MINUTE, Quiet
from tests.chance import examples

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
ZONES = [
    BERLIN, NEW_YORK, LORD_HOWE, "UTC", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca",
    "America/St_Johns", "Asia/Kolkata", "Antarctica/Troll", "Pacific/Chatham",
]  # fmt: skip
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC), datetime(2026, 3, 22, 2, tzinfo=UTC),
]  # fmt: skip
"""Clocks of Europe, America, Lord Howe (by half an hour) and Morocco change here."""

hours = st.times().map(lambda t: t.replace(second=0, microsecond=0))
moments = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.tuples(st.sampled_from(CHANGES), st.timedeltas(-DAY, DAY)).map(lambda x: x[0] + x[1]),
)


@st.composite
def quiets(draw: st.DrawFn) -> Quiet:
    start, end = draw(st.lists(hours, min_size=2, max_size=2, unique=True))
    return Quiet(start, end, ZoneInfo(draw(st.sampled_from(ZONES))))


@given(quiets(), moments)
@examples(120)
def test_it_is_over_at_the_first_minute_that_is_not_quiet(quiet: Quiet, at: datetime) -> None:
    over = quiet.over(at)
    assert not quiet.holds(over)
    assert over == at if not quiet.holds(at) else at < over < at + 2 * DAY + MINUTE
    if quiet.holds(at):  # no earlier minute would have done
        minute = at.replace(second=0, microsecond=0)
        passed = int((over - minute) / MINUTE)
        assert over == minute + passed * MINUTE
        assert all(quiet.holds(minute + n * MINUTE) for n in range(0, passed, 7))
        assert quiet.holds(over - MINUTE)


@given(quiets(), moments)
@examples(120)
def test_before_it_is_the_last_minute_that_is_not_quiet(quiet: Quiet, at: datetime) -> None:
    before = quiet.before(at)
    assert not quiet.holds(before)
    assert before == at if not quiet.holds(at) else at - 2 * DAY - MINUTE < before < at
    if quiet.holds(at):
        passed = int((at.replace(second=0, microsecond=0) - before) / MINUTE)
        assert all(quiet.holds(before + n * MINUTE) for n in range(1, passed, 7))
        assert quiet.holds(before + MINUTE)


def wall(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("zone", "start", "end", "at", "over"),
    [
        # past midnight, and the very edges
        (BERLIN, "21:00", "08:00", "2026-06-01 23:30", "2026-06-02 08:00"),
        (BERLIN, "21:00", "08:00", "2026-06-02 00:00", "2026-06-02 08:00"),
        (BERLIN, "21:00", "08:00", "2026-06-01 21:00", "2026-06-02 08:00"),
        (BERLIN, "21:00", "08:00", "2026-06-02 08:00", "2026-06-02 08:00"),
        (BERLIN, "21:00", "08:00", "2026-06-01 20:59", "2026-06-01 20:59"),
        (BERLIN, "13:00", "15:00", "2026-06-01 13:00", "2026-06-01 15:00"),
        # the night of 23 hours, and the one of 25
        (BERLIN, "21:00", "08:00", "2026-03-28 22:00", "2026-03-29 08:00"),
        (BERLIN, "21:00", "08:00", "2026-10-24 22:00", "2026-10-25 08:00"),
        # an end that the clocks skip: as soon as the wall is past it
        (BERLIN, "21:00", "02:30", "2026-03-29 01:59", "2026-03-29 03:00"),
        # an end that comes twice: the first time
        (BERLIN, "21:00", "02:30", "2026-10-25 01:00", "2026-10-25 02:30"),
        # half an hour is skipped
        (LORD_HOWE, "22:00", "02:15", "2026-10-04 01:45", "2026-10-04 02:30"),
    ],
)  # fmt: skip
def test_hours_of_a_wall(zone: str, start: str, end: str, at: str, over: str) -> None:
    quiet = Quiet(time.fromisoformat(start), time.fromisoformat(end), ZoneInfo(zone))
    assert quiet.over(wall(zone, at)).astimezone(UTC) == wall(zone, over).astimezone(UTC)


def test_it_begins_in_the_evening_before() -> None:
    quiet = Quiet(time(21), time(8), ZoneInfo(NEW_YORK))
    for at in ("2026-03-08 05:30", "2026-11-01 05:30", "2026-06-02 05:30"):
        moment = wall(NEW_YORK, at)
        evening = (moment.replace(tzinfo=None) - timedelta(days=1)).replace(hour=20, minute=59)
        assert quiet.before(moment).astimezone(quiet.zone).replace(tzinfo=None) == evening
