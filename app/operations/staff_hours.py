"""How long each member of staff could be booked on a day: working hours less breaks and time off.

The same rule that offers times says it (`app.operations.diaries`). Counted is from the month in
which somebody was booked first up to the end of next month, so that weeks and months are whole;
of who has left, up to the month of the last booking. Who has no hours at all is not counted.
Hours that are changed are seen at the latest the morning after, when all are worked out anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from typing import NamedTuple

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.operations import diaries
from app.operations.conditions import is_any
from app.operations.hours import DAY, Span, Wall, by_day, days, wall_of
from models.figures import Grain, StaffFigures
from models.schedules import HoursKind, TimeOff, WorkingHours
from models.staff import StaffMember
from models.vendors import Vendor

WEEK, MONTH = timedelta(days=7), timedelta(days=31)
LONGEST = timedelta(days=3660)
"""Reports look back ten years."""


class _Time(NamedTuple):
    """Whose hours are counted, from which day up to and with which."""

    staff_id: int
    first: date
    last: date


def work_out(session: Session, *, days: Sequence[tuple[int, date]]) -> None:
    """The hours of these days of vendors, and of their weeks and months."""
    by_vendor: dict[int, set[date]] = defaultdict(set)
    for vendor_id, day in days:
        by_vendor[vendor_id].add(day)
    booked = _times(session, list(by_vendor))
    found = [
        one
        for vendor_id, asked in by_vendor.items()
        for one in _minutes(session, vendor_id, *booked[vendor_id], asked)
    ]
    pairs = [(vendor_id, day) for vendor_id, asked in by_vendor.items() for day in sorted(asked)]
    _write(session, _CLEAR_DAYS, pairs, found)


def rebuild(session: Session, *, vendor_id: int) -> None:
    """The hours of all days of a vendor; the caller holds its lock (`app.operations.figures`)."""
    booked = _times(session, [vendor_id])
    found = _minutes(session, vendor_id, *booked[vendor_id], None)
    _write(session, _CLEAR, sorted({(vendor_id, day) for _, _, day, _ in found}), found, vendor_id)


_Found = tuple[int, int, date, int]
"""Vendor, staff member, day and minutes; days without any are not there."""


def _minutes(
    session: Session, vendor_id: int, wall: Wall, times: Sequence[_Time], asked: set[date] | None
) -> list[_Found]:
    if asked is not None:
        times = [one for one in times if any(one.first <= day <= one.last for day in asked)]
    if not times:
        return []
    first, last = min(one.first for one in times), max(one.last for one in times)
    if asked is not None:
        first, last = max(first, min(asked)), min(last, max(asked))
    staff_ids = [one.staff_id for one in times]
    minutes: dict[int, dict[date, int]] = {staff_id: {} for staff_id in staff_ids}
    for span in _spans(session, vendor_id, wall, first, last):
        for staff_id, found in _worked(session, vendor_id, wall, staff_ids, span).items():
            minutes[staff_id] |= found
    return [
        (vendor_id, one.staff_id, day, long)
        for one in times
        for day, long in minutes[one.staff_id].items()
        if one.first <= day <= one.last and (asked is None or day in asked)
    ]


class _Span(NamedTuple):
    """Days that are looked at one by one, and up to which the last seven of them go on alike."""

    first: date
    last: date
    goes_on: date


def _spans(
    session: Session, vendor_id: int, wall: Wall, first: date, last: date
) -> Iterator[_Span]:
    """All days, few of them to be looked at: between exceptions every week is like another."""
    odd = _odd_days(session, vendor_id, wall, first, last)
    day = first
    while day <= last:
        looked = day
        while looked in odd and looked < last:  # up to a day after which nothing is odd
            looked += DAY
        sample = min(looked + WEEK - DAY, last)
        after = min((one for one in odd if one > looked), default=last + DAY)
        if after <= sample:  # too near for a week
            looked = sample = min(after, last)
            yield _Span(day, sample, sample)
            day = sample + DAY
            continue
        goes_on = min(after - DAY, last)
        yield _Span(day, sample, goes_on)
        day = goes_on + DAY


def _odd_days(session: Session, vendor_id: int, wall: Wall, first: date, last: date) -> set[date]:
    """Days that are unlike those a week before: hours begin or end, the clock changes, or
    somebody has time off or extra; and the days around them, since a night belongs to two."""
    ends = wall.begins(first, time(0)) - DAY, wall.begins(last, time(0)) + 2 * DAY
    rules = session.execute(
        select(WorkingHours.effective_from, WorkingHours.effective_to).distinct()
        .where(WorkingHours.vendor_id == vendor_id)
    ).all()  # fmt: skip
    odd = [day for row in rules for day in row if day is not None and first - DAY <= day <= last]
    odd += [day + DAY for day in odd]
    odd += [wall.day(begins) for (begins, _), _ in wall.spells(ends)][1:]
    exceptions = session.execute(
        select(TimeOff.starts_at, TimeOff.ends_at).where(
            TimeOff.vendor_id == vendor_id, TimeOff.starts_at < ends[1], TimeOff.ends_at > ends[0]
        )
    )
    for starts_at, ends_at in exceptions:
        begins, over = max(starts_at, ends[0]), min(ends_at, ends[1])
        odd += days(wall.day(begins), wall.day(over))
    return {day + n * DAY for day in odd for n in (-1, 0, 1)}


def _worked(
    session: Session, vendor_id: int, wall: Wall, staff_ids: Sequence[int], span: _Span
) -> dict[int, dict[date, int]]:
    """The minutes of each on the days of a span."""
    # from the day before on: its night may end on the first
    ends = wall.begins(span.first - DAY, time(0)), wall.begins(span.last + DAY, time(0))
    working, _ = diaries.working(
        session, vendor_id=vendor_id, wall=wall, staff_ids=staff_ids, span=ends
    )
    found = {staff_id: _by_day(wall, diary.open) for staff_id, diary in working.items()}
    return {
        staff_id: {day: minutes[day] for day in days(span.first, span.last) if day in minutes}
        | {
            day: minutes[like]
            for day in days(span.last + DAY, span.goes_on)
            if (like := span.last - ((span.last - day).days % 7) * DAY) in minutes
        }
        for staff_id, minutes in found.items()
    }


def _times(session: Session, vendor_ids: Sequence[int]) -> dict[int, tuple[Wall, list[_Time]]]:
    """Who has hours and was booked at all, and since when, of each vendor; and its clock."""
    zones = session.execute(
        select(Vendor.id, Vendor.time_zone).where(is_any(Vendor.id, vendor_ids))
    )
    found: dict[int, tuple[Wall, list[_Time]]] = {
        row.id: (wall_of(row.time_zone), []) for row in zones
    }
    hours = select(WorkingHours.vendor_id, WorkingHours.staff_id).where(
        is_any(WorkingHours.vendor_id, vendor_ids), WorkingHours.kind == HoursKind.WORK,
        WorkingHours.service_id.is_(None),
    )  # fmt: skip
    known = {tuple(row) for row in session.execute(hours.distinct())}
    booked = (
        select(
            StaffFigures.vendor_id, StaffFigures.staff_id,
            func.min(StaffFigures.starts_on).label("first"),
            func.max(StaffFigures.starts_on).label("last"),
        )
        .where(is_any(StaffFigures.vendor_id, vendor_ids), StaffFigures.grain == Grain.MONTH)
        .group_by(StaffFigures.vendor_id, StaffFigures.staff_id)
        .subquery()
    )  # fmt: skip
    same = and_(booked.c.vendor_id == StaffMember.vendor_id, booked.c.staff_id == StaffMember.id)
    rows = session.execute(
        select(
            StaffMember.vendor_id, StaffMember.id, StaffMember.is_active, booked.c.first,
            booked.c.last,
        )
        .join(booked, same)
        .order_by(StaffMember.vendor_id, StaffMember.id)
    )  # fmt: skip
    for row in rows:
        if known & {(row.vendor_id, None), (row.vendor_id, row.id)}:
            wall, times = found[row.vendor_id]
            horizon = _end_of_month(_end_of_month(wall.day(clock.now())) + DAY)
            last = horizon if row.is_active else _end_of_month(min(horizon, row.last))
            times.append(_Time(row.id, max(row.first, horizon - LONGEST), last))
    return found


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY


def _by_day(wall: Wall, spans: Iterable[Span]) -> dict[date, int]:
    minutes: dict[date, timedelta] = defaultdict(timedelta)
    for span in spans:
        for begins, ends in by_day(wall, span):
            minutes[wall.day(begins)] += ends - begins
    return {day: round(long / timedelta(minutes=1)) for day, long in minutes.items()}


# --- written down -------------------------------------------------------------------------

_WEEK = "day - (CAST(extract(isodow FROM day) AS integer) - 1)"
_MONTH = "CAST(date_trunc('month', CAST(day AS timestamp)) AS date)"
_DAYS = "unnest(CAST(:vendors AS bigint[]), CAST(:days AS date[])) AS w (vendor_id, day)"
_SPANS = f"""
    SELECT DISTINCT w.vendor_id, s.grain, s.starts_on, s.until FROM {_DAYS}
    CROSS JOIN LATERAL (
      VALUES ('week', {_WEEK}, {_WEEK} + 7),
        ('month', {_MONTH}, CAST({_MONTH} + interval '1 month' AS date))
    ) AS s (grain, starts_on, until)
"""
_CLEAR = "DELETE FROM staff_hours WHERE vendor_id = :vendor"
_CLEAR_DAYS = f"""
  DELETE FROM staff_hours f USING (
    SELECT vendor_id, grain, starts_on FROM ({_SPANS}) AS s
    UNION ALL
    SELECT vendor_id, 'day', day FROM {_DAYS}
  ) AS w
  WHERE f.vendor_id = w.vendor_id AND f.grain = w.grain AND f.starts_on = w.starts_on
"""
_PUT = """
  INSERT INTO staff_hours (vendor_id, grain, starts_on, staff_id, available_minutes)
  SELECT vendor_id, 'day', day, staff_id, minutes
  FROM unnest(CAST(:whose AS bigint[]), CAST(:staff AS bigint[]), CAST(:on AS date[]),
    CAST(:minutes AS integer[])) AS w (vendor_id, staff_id, day, minutes)
  ORDER BY vendor_id, day, staff_id
"""
_SUM_UP = f"""
  INSERT INTO staff_hours (vendor_id, grain, starts_on, staff_id, available_minutes)
  SELECT w.vendor_id, w.grain, w.starts_on, f.staff_id, sum(f.available_minutes)
  FROM ({_SPANS}) AS w
  JOIN staff_hours f ON f.vendor_id = w.vendor_id AND f.grain = 'day'
    AND f.starts_on >= w.starts_on AND f.starts_on < w.until
  GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


def _write(
    session: Session,
    clear: str,
    days: Sequence[tuple[int, date]],
    found: Sequence[_Found],
    vendor_id: int | None = None,
) -> None:
    """Write the minutes of these days of vendors, and sum up their weeks and months."""
    known: dict[str, object] = {
        "vendor": vendor_id, "vendors": [one for one, _ in days], "days": [day for _, day in days],
    }  # fmt: skip
    known |= {name: [row[n] for row in found] for n, name in enumerate(_COLUMNS)}
    for statement in (clear, _PUT, _SUM_UP):
        session.execute(text(statement), known)


_COLUMNS = ("whose", "staff", "on", "minutes")
"""Of `_Found`, as the statement calls them."""
