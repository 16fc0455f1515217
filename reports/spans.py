"""How a period is covered by the fewest months, weeks and days that the roll-ups keep."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from models.figures import Grain
from models.market_figures import LongGrain

__all__ = [
    "DAY", "WEEK", "Grain", "Piece", "beginning", "buckets", "ending", "following", "pieces",
]  # fmt: skip

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


class Piece(NamedTuple):
    """Whole days, weeks, months, quarters or years that follow each other.

    `last` is the beginning of the last one.
    """

    grain: Grain | LongGrain
    first: date
    last: date


def beginning(day: date, grain: Grain) -> date:
    """The first day of the day, week or month in which `day` is."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain is Grain.MONTH else day


def following(day: date, grain: Grain) -> date:
    """The first day of the next day, week or month; the last one there is, is followed by itself.

    That happens at the end of the year 9999 only.
    """
    start = beginning(day, grain)
    try:
        if grain is Grain.MONTH:
            return date(start.year + start.month // 12, start.month % 12 + 1, 1)
        return start + (WEEK if grain is Grain.WEEK else DAY)
    except (ValueError, OverflowError):
        return date.max


def ending(day: date, grain: Grain) -> date:
    """The last day of the day, week or month in which `day` is."""
    after = following(day, grain)
    return after if after == date.max else after - DAY


def buckets(first: date, last: date, by: Grain) -> list[date]:
    """The beginnings of all days, weeks or months that the days from `first` to `last` touch."""
    found, at = [], beginning(first, by)
    while at <= last:
        found.append(at)
        after = following(at, by)
        if after <= at:
            break
        at = after
    return found


def pieces(
    first: date, last: date, by: Grain | None = None, *, longer: Collection[str] = ()
) -> list[Piece]:
    """The days from `first` to `last` (both included), each in exactly one piece.

    With `by`, no piece reaches over the edge of such a day, week or month, so that its rows can
    be summed by it; without, only the whole matters and the fewest rows are read: of what is
    `longer` than a month, too, where there are such (`quarter`, `year`).
    """
    if first > last:
        return []
    if by is Grain.DAY:
        return [Piece(Grain.DAY, first, last)]
    if by is Grain.WEEK:
        return list(_with_weeks(first, last))
    found = list(_with_months(first, last, within_months=by is Grain.MONTH))
    for grain, of, size in _LONGER if by is None else ():
        if grain.value in longer:
            found = [part for piece in found for part in _merged(piece, grain, of, size)]
    return found


def _with_months(first: date, last: date, *, within_months: bool) -> Iterator[Piece]:
    whole = _whole(first, last, Grain.MONTH)
    if whole is not None:
        if first < whole.first:
            yield from _with_weeks(first, whole.first - DAY)
        yield whole
        yield from _with_weeks(following(whole.last, Grain.MONTH), last)
    elif within_months and beginning(last, Grain.MONTH) > first:
        edge = beginning(last, Grain.MONTH)
        yield from _with_weeks(first, edge - DAY)
        yield from _with_weeks(edge, last)
    else:
        yield from _with_weeks(first, last)


_LONGER = ((LongGrain.QUARTER, LongGrain.MONTH, 3), (LongGrain.YEAR, LongGrain.QUARTER, 12))
"""What is longer than a month, of what it is put together, and its months."""


def _merged(piece: Piece, grain: LongGrain, of: LongGrain, size: int) -> Iterator[Piece]:
    """The same time, as much of it as there is at once where it is a whole quarter or year."""
    if piece.grain.value != of.value:
        yield piece
        return
    step = {LongGrain.MONTH: 1, LongGrain.QUARTER: 3}[of]
    starts = buckets(piece.first, piece.last, Grain.MONTH)[::step]
    many = size // step
    begin = next((n for n, at in enumerate(starts) if at.month % size == 1), len(starts))
    end = begin + (len(starts) - begin) // many * many
    if end <= begin:
        yield piece
        return
    if begin:
        yield Piece(piece.grain, piece.first, starts[begin - 1])
    yield Piece(grain, starts[begin], starts[end - many])
    if end < len(starts):
        yield Piece(piece.grain, starts[end], piece.last)


def _with_weeks(first: date, last: date) -> Iterator[Piece]:
    if first > last:
        return
    whole = _whole(first, last, Grain.WEEK)
    if whole is None:
        yield Piece(Grain.DAY, first, last)
        return
    if first < whole.first:
        yield Piece(Grain.DAY, first, whole.first - DAY)
    yield whole
    end = ending(whole.last, Grain.WEEK)
    if end < last:
        yield Piece(Grain.DAY, end + DAY, last)


def _whole(first: date, last: date, grain: Grain) -> Piece | None:
    """The whole weeks or months between two days, if there is one."""
    begin = beginning(first, grain)
    if begin < first:
        begin = following(first, grain)
    end = beginning(last, grain)
    if end >= begin and ending(last, grain) > last:
        if end == begin:
            return None
        end = beginning(end - DAY, grain)
    return Piece(grain, begin, end) if begin <= end else None
