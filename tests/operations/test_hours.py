"""Spans of time: what wall time means when the clocks change, and the arithmetic of spans."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.hours import (
    ALWAYS,
    Rule,
    Span,
    Spans,
    Wall,
    by_day,
    common,
    grid,
    joined,
    weekly,
    without,
)

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "begins", "ends"),
    [
        ("Europe/Lisbon", "2026-03-29", "01:30", "2026-03-29 01:30", "2026-03-29 01:30"),
        ("Europe/Lisbon", "2026-10-25", "01:30", "2026-10-25 00:30", "2026-10-25 01:30"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:30", "2026-03-08 07:30"),
        ("America/New_York", "2026-11-01", "01:00", "2026-11-01 05:00", "2026-11-01 06:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:45", "2026-10-03 15:45"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45", "2026-04-04 15:15"),
        ("America/Santiago", "2026-09-06", "00:00", "2026-09-06 04:00", "2026-09-06 04:00"),
        ("Asia/Kathmandu", "2026-03-29", "06:00", "2026-03-29 00:15", "2026-03-29 00:15"),
    ],
)
def test_a_wall_time_is_an_instant(zone: str, day: str, wall: str, begins: str, ends: str) -> None:
    clock, on, time_ = Wall(zone), date.fromisoformat(day), time.fromisoformat(wall)
    assert clock.begins(on, time_) == at(begins)
    assert clock.ends(on, time_) == at(ends)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Lisbon", date(2026, 3, 29), 23),
        ("Europe/Lisbon", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Santiago", date(2026, 4, 4), 25),
        ("America/Santiago", date(2026, 9, 6), 23),
    ],
)
def test_a_day_that_is_always_open_is_as_long_as_the_day(
    zone: str, day: date, hours: float
) -> None:
    (span,) = weekly(Wall(zone), ALWAYS, day, day)
    assert span[1] - span[0] == timedelta(hours=hours)
    week = weekly(Wall(zone), ALWAYS, day - timedelta(3), day + timedelta(3))
    assert len(week) == 7
    assert len(joined(week)) == 1


def test_a_rule_holds_on_its_weekday_from_and_to_its_dates() -> None:
    rule = Rule(2, time(22), time(6), date(2026, 11, 10), date(2026, 11, 24))
    found = weekly(Wall("Europe/Lisbon"), [rule], date(2026, 11, 1), date(2026, 12, 31))
    assert [begins.day for begins, _ in found] == [10, 17, 24]
    assert {ends - begins for begins, ends in found} == {timedelta(hours=8)}


def test_a_rule_that_the_clocks_skip_as_a_whole_moves_forward() -> None:
    rule = Rule(7, time(2, 15), time(2, 45))
    (span,) = weekly(Wall("America/New_York"), [rule], date(2026, 3, 8), date(2026, 3, 8))
    assert span == (at("2026-03-08 07:15"), at("2026-03-08 07:45"))


@pytest.mark.parametrize(
    ("zone", "begins", "hours", "every", "shown"),
    [
        ("Europe/Lisbon", "2026-03-29 00:00", 3, 30, "00:00 00:30 02:00 02:30 03:00 03:30"),
        ("Europe/Lisbon", "2026-10-24 23:00", 4, 45, "00:00 00:45 01:30 01:30 02:15"),
        ("Australia/Lord_Howe", "2026-10-03 14:30", 3, 60, "01:00 03:00 04:00"),
        ("Australia/Lord_Howe", "2026-04-04 14:00", 2, 60, "01:00 02:00"),
        ("Asia/Kathmandu", "2026-03-29 00:05", 1, 25, "05:50 06:15 06:40"),
    ],
)
def test_a_grid_is_counted_on_the_wall(
    zone: str, begins: str, hours: int, every: int, shown: str
) -> None:
    wall = Wall(zone)
    span = at(begins), at(begins) + timedelta(hours=hours)
    spells = list(wall.spells((span[0] - timedelta(9), span[1] + timedelta(9))))
    found = grid(spells, span, timedelta(minutes=every))
    assert " ".join(f"{wall.here(moment):%H:%M}" for moment in found) == shown
    assert sorted(found) == found


def test_spells_end_where_the_clock_changes() -> None:
    wall = Wall("Australia/Lord_Howe")
    spells = list(wall.spells((at("2026-01-01"), at("2027-01-01"))))
    assert [span[1] for span, _ in spells] == [
        at("2026-04-04 15:00"), at("2026-10-03 15:30"), at("2027-01-01"),
    ]  # fmt: skip
    assert [offset / timedelta(hours=1) for _, offset in spells] == [11, 10.5, 11]


def test_days_are_cut_at_the_midnights_of_the_wall() -> None:
    span = at("2026-03-28 12:00"), at("2026-03-31 12:00")
    parts = list(by_day(Wall("Europe/Lisbon"), span))
    assert [begins for begins, _ in parts] == [
        at("2026-03-28 12:00"), at("2026-03-29 00:00"), at("2026-03-29 23:00"),
        at("2026-03-30 23:00"),
    ]  # fmt: skip
    assert joined(parts) == [span]


# --- the arithmetic, minute by minute -------------------------------------------------------------

minutes = st.integers(0, 40)
some = st.lists(st.tuples(minutes, minutes).filter(lambda ends: ends[0] < ends[1]), max_size=6)


def spans(drawn: Any) -> list[Span]:
    return [(ZERO + timedelta(minutes=a), ZERO + timedelta(minutes=b)) for a, b in drawn]


def inside(found: Any) -> set[int]:
    """The minutes of spans."""
    return {
        minute
        for begins, ends in found
        for minute in range((begins - ZERO) // MINUTE, (ends - ZERO) // MINUTE)
    }


MINUTE = timedelta(minutes=1)


@given(one=some, other=some)
def test_spans_are_sets_of_minutes(one: Any, other: Any) -> None:
    here, there = spans(one), spans(other)
    assert inside(joined(here)) == inside(here)
    assert inside(without(here, there)) == inside(here) - inside(there)
    assert inside(common(here, there)) == inside(here) & inside(there)
    for found in (joined(here), without(here, there), common(here, there)):
        assert all(a < b for a, b in found)
        assert all(left[1] < right[0] for left, right in pairwise(found))


@given(drawn=some, begins=minutes, length=st.integers(1, 40))
def test_spans_know_what_they_hold_and_touch(drawn: Any, begins: int, length: int) -> None:
    asked, wanted = Spans(spans(drawn)), set(range(begins, begins + length))
    (span,) = spans([(begins, begins + length)])
    there = inside(asked)
    assert asked.hold(*span) == (wanted <= there)
    assert asked.touch(*span) == bool(wanted & there)
    assert inside(common(asked.near(*span), [span])) == wanted & there
    ends = [other[1] for other in asked if inside([other]) & wanted]
    assert asked.last_end(*span) == (ends[-1] if ends else None)
