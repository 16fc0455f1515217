"""Weekly hours: set from a day on, history kept, refusals by day; and one rule with booking."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app.database import begin
from app.errors import NotFound
from app.operations import schedules, weeks
from app.operations.weeks import Owner, Piece
from app.tenancy import acting, vendor_actor
from app.transact import in_transaction
from models.schedules import WorkingHours
from tests import make

TODAY = date(2026, 11, 20)
WEEK = [Piece(day, "work", time(9), time(17)) for day in range(1, 6)]
BREAKS = [Piece(day, "break", time(12), time(13)) for day in range(1, 6)]
SATURDAY = [Piece(6, "work", time(10), time(14))]


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def put(owner: Owner, pieces: list[Piece], since: date = TODAY) -> None:
    with acting(vendor_actor(owner.vendor_id)):
        in_transaction(weeks.set_week, owner=owner, since=since, pieces=pieces)


def read(owner: Owner) -> list[weeks.Period]:
    with acting(vendor_actor(owner.vendor_id)):
        return in_transaction(weeks.periods, owner)


def member(vendor: int) -> Owner:
    with acting(vendor_actor(vendor)), begin() as session:
        return Owner(vendor, staff_id=make.staff_member(session).id)


def test_the_first_week_holds_always(vendor: int) -> None:
    put(Owner(vendor), [*WEEK, *BREAKS])
    [period] = read(Owner(vendor))
    assert (period.first, period.last) == (None, None)
    assert sorted(period.pieces) == sorted([*WEEK, *BREAKS])


def test_a_later_week_leaves_the_one_before_as_it_was(vendor: int) -> None:
    house, change = Owner(vendor), TODAY + timedelta(days=10)
    put(house, WEEK)
    put(house, SATURDAY, change)
    assert read(house) == [
        weeks.Period(None, change - timedelta(days=1), tuple(WEEK)),
        weeks.Period(change, None, tuple(SATURDAY)),
    ]
    put(house, BREAKS + WEEK, change)  # the same day again takes its place
    assert [p.first for p in read(house)] == [None, change]
    put(house, SATURDAY, TODAY)  # an earlier one takes the place of all that follow
    assert [(p.first, p.pieces) for p in read(house)] == [
        (None, tuple(WEEK)), (TODAY, tuple(SATURDAY)),
    ]  # fmt: skip


def test_saving_the_same_week_twice_changes_nothing_of_it(vendor: int) -> None:
    for _ in range(3):
        put(Owner(vendor), WEEK)
    assert weeks.in_force(read(Owner(vendor)), TODAY) == weeks.Period(TODAY, None, tuple(WEEK))


def test_who_gets_own_hours_later_follows_the_house_until_then(vendor: int) -> None:
    put(Owner(vendor), WEEK)
    someone, change = member(vendor), TODAY + timedelta(days=30)
    put(someone, SATURDAY, change)
    assert read(someone) == [
        weeks.Period(None, change - timedelta(days=1), tuple(WEEK)),
        weeks.Period(change, None, tuple(SATURDAY)),
    ]


def test_a_house_without_hours_is_open_until_its_first_week(vendor: int) -> None:
    put(Owner(vendor), WEEK, TODAY + timedelta(days=30))
    before = read(Owner(vendor))[0].pieces
    assert len(before) == 7
    assert {(p.starts, p.ends) for p in before} == {(time(0), time(0))}


def test_the_week_is_what_can_be_booked(vendor: int) -> None:
    someone = member(vendor)
    put(Owner(vendor), WEEK)
    put(someone, [*WEEK[:1], *BREAKS[:1]])
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, slot_interval_minutes=60)
        monday = datetime(2026, 11, 23, tzinfo=UTC)
        slots = schedules.free_slots(
            session, service_id=service.id, since=monday, until=monday + timedelta(days=5),
            staff_ids=[someone.staff_id or 0],
        )  # fmt: skip
    assert [slot.starts_at.hour for slot in slots] == [9, 10, 11, 13, 14, 15, 16]


def test_following_the_house_again_takes_the_own_hours_away(vendor: int) -> None:
    someone = member(vendor)
    put(someone, WEEK)
    with acting(vendor_actor(vendor)):
        in_transaction(weeks.follow_the_house, owner=someone)
    assert read(someone) == []


@pytest.mark.parametrize(
    ("pieces", "refusal", "field"),
    [
        ([], weeks.NoHours, None),
        (BREAKS, weeks.NoHours, None),
        ([*WEEK, Piece(2, "work", time(16), time(18))], weeks.TimesOverlap, "day-2"),
        ([*WEEK, Piece(2, "work", time(22), time(9, 30))], weeks.TimesOverlap, "day-2"),
        ([*WEEK, Piece(7, "work", time(22), time(9, 1))], weeks.TimesOverlap, "day-7"),
        ([Piece(1, "work", time(9), time(9)), Piece(1, "work", time(9), time(9))],
         weeks.TimesOverlap, "day-1"),
        ([*WEEK, Piece(3, "break", time(8), time(10))], weeks.BreakOutside, "day-3"),
        ([*WEEK, Piece(6, "break", time(12), time(13))], weeks.BreakOutside, "day-6"),
        ([*WEEK, Piece(3, "break", time(13), time(12))], weeks.BreakOutside, "day-3"),
        ([Piece(1, "work", time(h), time(h, 30)) for h in range(9)], weeks.TooManyTimes, "day-1"),
    ],
)  # fmt: skip
def test_a_week_that_cannot_be_is_refused_at_its_day(
    vendor: int, pieces: list[Piece], refusal: type[Exception], field: str | None
) -> None:
    with pytest.raises(refusal) as said:
        put(Owner(vendor), pieces)
    assert getattr(said.value, "field", None) == field
    assert str(said.value).endswith(".")
    assert read(Owner(vendor)) == []


def test_nights_and_whole_days_are_weeks_too(vendor: int) -> None:
    night = Piece(7, "work", time(22), time(6))
    pause = Piece(1, "break", time(2), time(3))
    put(Owner(vendor), [night, pause])
    assert read(Owner(vendor))[0].pieces == (pause, night)
    put(Owner(vendor), [Piece(day, "work", time(0), time(0)) for day in range(1, 8)])


def test_the_past_stays_and_the_far_future_is_refused(vendor: int) -> None:
    put(Owner(vendor), WEEK, TODAY - timedelta(days=400))  # the first may begin whenever
    for since, refusal in (
        (TODAY - timedelta(days=1), weeks.InThePast),
        (TODAY + timedelta(days=4 * 366), weeks.TooFar),
    ):
        with pytest.raises(refusal):
            put(Owner(vendor), SATURDAY, since)
    assert read(Owner(vendor)) == [weeks.Period(None, None, tuple(WEEK))]


def test_another_vendors_people_are_not_here(vendor: int) -> None:
    foreign = member(make.new_vendor())
    with pytest.raises(NotFound):
        put(Owner(vendor, staff_id=foreign.staff_id), WEEK)
    with acting(vendor_actor(foreign.vendor_id)), begin() as session:
        assert session.scalars(select(WorkingHours)).all() == []


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
PIECES = st.lists(
    st.builds(Piece, st.integers(1, 7), st.sampled_from(["work", "break"]), TIMES, TIMES),
    max_size=12,
)


@given(PIECES)
def test_a_week_that_passes_has_no_minute_twice(pieces: list[Piece]) -> None:
    try:
        weeks.check(pieces)
    except (weeks.NoHours, weeks.TimesOverlap, weeks.BreakOutside, weeks.TooManyTimes) as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 - a property
        return

    def said(kind: str) -> list[int]:
        of = [p for p in pieces if p.kind == kind]
        return [m % weeks.A_WEEK for p in of for m in range(*weeks.minutes(p))]

    worked = said("work")
    assert len(worked) == len(set(worked))
    assert set(said("break")) <= set(worked)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (WEEK + BREAKS, "Mon–Fri 09:00–17:00"),
        (WEEK + SATURDAY, "Mon–Fri 09:00–17:00, Sat 10:00–14:00"),
        ([WEEK[0], WEEK[2]], "Mon 09:00–17:00, Wed 09:00–17:00"),
        ([Piece(1, "work", time(15), time(19)), Piece(1, "work", time(9), time(12))],
         "Mon 09:00–12:00 and 15:00–19:00"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_week_in_a_line(pieces: list[Piece], said: str) -> None:
    assert weeks.summary(pieces) == said
