"""The days with room in a month, against the same question worked out person by person."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import Range

from app.database import begin
from app.tenancy import acting, vendor_actor
from reports.calendar_month import days_with_room
from tests import make

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
Span = tuple[datetime, datetime]


def seconds(span: Span) -> tuple[int, int]:
    return int(span[0].timestamp()), int(span[1].timestamp())


def left(work: Span, taken: Iterable[Span]) -> Iterator[Span]:
    """What of one working time nothing stands in."""
    at = work[0]
    for begins, ends in sorted(taken):
        if begins >= work[1]:
            break
        if begins > at:
            yield at, begins
        at = max(at, ends)
    if at < work[1]:
        yield at, work[1]


def month(first: date, zone: str) -> list[Span]:
    """Thirty-one days of a zone, whatever its clocks do."""
    here = ZoneInfo(zone)
    midnights = [
        datetime.combine(first + timedelta(days=n), datetime.min.time(), here).astimezone(UTC)
        for n in range(32)
    ]
    return list(pairwise(midnights))


def filled(random: Random, days: Sequence[Span], chance: float) -> Iterator[tuple[Span, Span]]:
    """For each day a working time, over midnight now and then, and bookings in most of it."""
    for begins, _ in days:
        starts = begins + random.randrange(6, 20) * HOUR
        work = starts, starts + random.randrange(2, 9) * HOUR
        at = starts
        while at < work[1]:
            length = random.choice((1, 2, 3, 4)) * QUARTER
            if random.random() < chance:
                yield work, (at, at + length - random.choice((0, 0, 5, 10)) * timedelta(minutes=1))
            at += length
        yield work, (starts, starts)


@pytest.mark.parametrize(
    ("seed", "zone", "first", "chance"),
    [
        (1, "Europe/Lisbon", date(2026, 10, 5), 0.95),
        (2, "Australia/Lord_Howe", date(2026, 9, 20), 0.98),
    ],
)
def test_the_days_with_room_are_those_that_a_person_would_find(
    db: Connection, seed: int, zone: str, first: date, chance: float
) -> None:
    random, days = Random(seed), month(first, zone)
    vendor, work, free = make.new_vendor(time_zone=zone), [], []
    with acting(vendor_actor(vendor)), begin() as session:
        service, customer = make.service(session), make.customer(session)
        for _ in range(2):
            person = make.staff_member(session)
            plan = list(filled(random, days, chance))
            taken = [booked for _, booked in plan if booked[0] < booked[1]]
            taken = [one for n, one in enumerate(taken) if n == 0 or one[0] >= taken[n - 1][1]]
            for begins, ends in taken:
                make.booking(
                    session, service=service, customer=customer, staff=person, starts_at=begins,
                    ends_at=ends, with_buffer_before=Range(begins, ends),
                    with_buffer_after=Range(begins, ends),
                )  # fmt: skip
            for one in dict.fromkeys(working for working, _ in plan):
                work.append((person.id, *seconds(one)))
                free += left(one, taken)
        found = days_with_room(
            session, vendor_id=vendor, work=work, days=list(map(seconds, days)), shortest=QUARTER
        )
    expected = {
        n
        for n, (begins, ends) in enumerate(days)
        if any(min(to, ends) - max(since, begins) >= QUARTER for since, to in free)
    }
    assert found == expected
    assert 0 < len(expected) < len(days)


def test_without_work_or_days_there_is_no_room(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        for work, days in (([], [(0, 10_000)]), ([(1, 0, 10_000)], [])):
            assert not days_with_room(
                session, vendor_id=vendor, work=work, days=days, shortest=QUARTER
            )
