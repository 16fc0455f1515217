"""When the people of a calendar do not work, day by day, as it is hatched behind the bookings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_days import LocalDay, parts
from app.operations import schedules
from app.operations.schedules import Stretch

Part = tuple[int, int]
Piece = tuple[int, int, str]
"""From a minute of a day to another, and what is written there."""


def closed_times(
    session: Session, staff_ids: Sequence[int], days: Sequence[LocalDay]
) -> dict[int, Mapping[str, Any]]:
    """For each of the staff: of each day the hours in words and in minutes, and what is closed.

    Who may be booked all day long has no hours, and nothing is closed.
    """
    if not staff_ids:
        return {}
    found = schedules.working_time(
        session, staff_ids=staff_ids, since=days[0].begins, until=days[-1].ends
    )
    return {number: _of(stretches, days) for number, stretches in found.items()}


def _of(stretches: Sequence[Stretch], days: Sequence[LocalDay]) -> dict[str, Any]:
    hours: list[str] = []
    opened: list[Part | None] = []
    closed: list[tuple[int, int, int, str]] = []
    for n, day in enumerate(days):
        work, why = _on(day, stretches)
        whole = work == [(0, day.length)]
        ends = (work[0][0], work[-1][1]) if work and not whole else None
        hours.append(f"{day.text(ends[0])}–{day.text(ends[1])}" if ends else "" if whole else "off")
        opened.append(ends)
        closed += [(n, *piece) for piece in _pieces(day, work, why)]
    return {"hours": hours, "open": opened, "closed": closed}


def _on(day: LocalDay, stretches: Sequence[Stretch]) -> tuple[list[Part], list[Piece]]:
    """The working times of a day, joined, and what there is instead, with its reason."""
    work: list[Part] = []
    why: list[Piece] = []
    for one in stretches:
        for _, low, high in parts([day], one.starts_at, one.ends_at):
            if one.kind != "work":
                why.append((low, high, one.label))
            elif work and low <= work[-1][1]:
                work[-1] = work[-1][0], max(high, work[-1][1])
            else:
                work.append((low, high))
    return work, why


def _pieces(day: LocalDay, work: Sequence[Part], why: Sequence[Piece]) -> Iterator[Piece]:
    """What is not worked: with its reason where there is one, else from when and until when."""
    at = 0
    for low, high in [*work, (day.length, day.length)]:
        for begins, ends, label in _cut(at, low, why):
            yield begins, ends, label or _beside(day, work, begins, ends)
        at = high


def _cut(low: int, high: int, why: Sequence[Piece]) -> Iterator[Piece]:
    """A time that is not worked, cut where a reason begins and ends."""
    at = low
    for begins, ends, label in sorted(why):
        begins, ends = max(begins, at), min(ends, high)  # noqa: PLW2901 - what is left of it
        if begins >= ends:
            continue
        if at < begins:
            yield at, begins, ""
        yield begins, ends, label
        at = ends
    if at < high:
        yield at, high, ""


def _beside(day: LocalDay, work: Sequence[Part], low: int, high: int) -> str:
    if not work:
        return "Not at work"
    if high <= work[0][0]:
        return f"from {day.text(work[0][0])}"
    return f"until {day.text(work[-1][1])}" if low >= work[-1][1] else ""
