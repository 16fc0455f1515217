"""Spans of time: weekly wall time as instants, whatever the clocks do; no database in here."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add
from typing import NamedTuple
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]
"""From a beginning up to, and without, an end; both aware, in UTC."""

Spell = tuple[Span, timedelta]
"""A time in which the clock does not change, and how far it is ahead of UTC."""

DAY = timedelta(days=1)


class Rule(NamedTuple):
    """A time of a weekday (1 Monday to 7 Sunday) in wall time, on the days from and to a date.

    An end at or before the beginning lies on the next day.
    """

    weekday: int
    starts: time
    ends: time
    effective_from: date | None = None
    effective_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether a time of this rule begins on `day`."""
        return (
            day.isoweekday() == self.weekday
            and (self.effective_from is None or self.effective_from <= day)
            and (self.effective_to is None or day <= self.effective_to)
        )


ALWAYS = tuple(Rule(weekday, time(0), time(0)) for weekday in range(1, 8))
"""The hours of whoever never closes."""


_MOST_KNOWN = 5_000


class Wall:
    """The clock on the wall of a zone, and the instants that it means.

    A wall time that the clocks skip moves forward by as much as they skip. Of one that comes
    twice the first is meant for a beginning, the second for an end.
    """

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._known: dict[tuple[date, time], Span] = {}

    def begins(self, day: date, at: time) -> datetime:
        """The instant of a beginning."""
        return self._instants(day, at)[0]

    def ends(self, day: date, at: time) -> datetime:
        """The instant of an end."""
        return self._instants(day, at)[1]

    def _instants(self, day: date, at: time) -> Span:
        known = self._known.get((day, at))
        if known is None:
            wall = datetime.combine(day, at, self.zone)
            first = wall.replace(fold=0).astimezone(UTC)
            known = first, max(first, wall.replace(fold=1).astimezone(UTC))
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[day, at] = known
        return known

    def here(self, moment: datetime) -> datetime:
        """What the clock shows at an instant."""
        return moment.astimezone(self.zone)

    def day(self, moment: datetime) -> date:
        """The day that it is here at an instant."""
        return self.here(moment).date()

    def offset(self, moment: datetime) -> timedelta:
        """How far the clock is ahead of UTC at an instant."""
        return self.here(moment).utcoffset() or timedelta()

    def spells(self, span: Span) -> Iterator[Spell]:
        """The parts of a span between changes of the clock, each with its offset."""
        begins, ends = span
        since, offset = begins, self.offset(begins)
        looked = begins
        while looked < ends:
            ahead = min(looked + DAY, ends)
            if (other := self.offset(ahead)) != offset:
                change = self._change(looked, ahead)
                yield (since, change), offset
                since, offset = change, other
            looked = ahead
        if since < ends:
            yield (since, ends), offset

    def _change(self, before: datetime, after: datetime) -> datetime:
        """The second at which the offset becomes that of `after`."""
        new = self.offset(after)
        while after - before > timedelta(seconds=1):
            middle = (before + (after - before) / 2).replace(microsecond=0)
            if middle <= before:
                middle = before + timedelta(seconds=1)
            if self.offset(middle) == new:
                after = middle
            else:
                before = middle
        return after


@lru_cache(maxsize=256)
def wall_of(zone: str) -> Wall:
    """The wall of a zone; what it was asked is remembered, since vendors ask it all day."""
    return Wall(zone)


def days(first: date, last: date, *, every: int = 1) -> Iterator[date]:
    """The days from `first` up to and with `last`, each `every` days."""
    return (first + timedelta(n) for n in range(0, (last - first).days + 1, every))


def weekly(wall: Wall, rules: Iterable[Rule], first: date, last: date) -> list[Span]:
    """The times of weekly rules that begin on the days from `first` to `last`, one span each."""
    return [
        span
        for rule in rules
        for day in days(_next(first, rule.weekday), last, every=7)
        if rule.holds_on(day) and (span := _of_day(wall, rule, day))
    ]


def _next(day: date, weekday: int) -> date:
    return day + timedelta((weekday - day.isoweekday()) % 7)


def _of_day(wall: Wall, rule: Rule, day: date) -> Span | None:
    begins = wall.begins(day, rule.starts)
    ends = wall.ends(day if rule.ends > rule.starts else day + DAY, rule.ends)
    return (begins, ends) if begins < ends else None


def by_day(wall: Wall, span: Span) -> Iterator[Span]:
    """A span, cut at the midnights of the wall."""
    begins, ends = span
    while begins < ends:
        midnight = wall.begins(wall.day(begins) + DAY, time(0))
        cut = min(midnight, ends) if midnight > begins else ends
        yield begins, cut
        begins = cut


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans in order that neither overlap nor touch."""
    ordered = sorted(spans)
    if len(ordered) < 2:
        return ordered
    found: list[Span] = []
    for begins, ends in ordered:
        if found and begins <= found[-1][1]:
            if ends > found[-1][1]:
                found[-1] = found[-1][0], ends
        else:
            found.append((begins, ends))
    return found


def without(spans: Iterable[Span], gone: Iterable[Span]) -> list[Span]:
    """What is left of `spans` when `gone` is taken out, joined."""
    holes = Spans(gone)
    if not holes:
        return joined(spans)
    left: list[Span] = []
    for begins, ends in joined(spans):
        for hole_begins, hole_ends in holes.near(begins, ends):
            if begins < hole_begins:
                left.append((begins, hole_begins))
            begins = max(begins, hole_ends)  # noqa: PLW2901 - what is left begins here
        if begins < ends:
            left.append((begins, ends))
    return left


def common(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The time that both have, joined."""
    theirs = Spans(others)
    if not theirs:
        return []
    return joined(
        (max(begins, other_begins), min(ends, other_ends))
        for begins, ends in joined(spans)
        for other_begins, other_ends in theirs.near(begins, ends)
    )


class Spans:
    """Time that is asked often: spans in order that neither overlap nor touch."""

    __slots__ = ("_begins", "_ends")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        inside = joined(spans)
        self._begins = [begins for begins, _ in inside]
        self._ends = [ends for _, ends in inside]

    def __bool__(self) -> bool:
        return bool(self._begins)

    def __iter__(self) -> Iterator[Span]:
        return zip(self._begins, self._ends, strict=True)

    def hold(self, begins: datetime, ends: datetime) -> bool:
        """Whether all of the time from `begins` to `ends` lies in one of the spans."""
        before = bisect_right(self._begins, begins)
        return before > 0 and self._ends[before - 1] >= ends

    def touch(self, begins: datetime, ends: datetime) -> bool:
        """Whether any of the time from `begins` to `ends` lies in one of the spans."""
        before = bisect_left(self._begins, ends)
        return before > 0 and self._ends[before - 1] > begins

    def last_end(self, begins: datetime, ends: datetime) -> datetime | None:
        """The end of the last span that has time in common with this one."""
        before = bisect_left(self._begins, ends)
        return self._ends[before - 1] if before and self._ends[before - 1] > begins else None

    def near(self, begins: datetime, ends: datetime) -> list[Span]:
        """The spans that have time in common with this one."""
        first = bisect_right(self._ends, begins)
        last = bisect_left(self._begins, ends)
        return list(zip(self._begins[first:last], self._ends[first:last], strict=True))


def grid(spells: Iterable[Spell], span: Span, every: timedelta) -> list[datetime]:
    """The instants every `every` of wall time from the beginning of a span, before its end.

    `spells` are those of a time that the span lies in. What the clocks skip is not among the
    instants; what comes twice is, twice.
    """
    found: list[datetime] = []
    wall_begins = None
    for (begins, ends), offset in spells:
        since, until = max(begins, span[0]), min(ends, span[1])
        if since >= until:
            continue
        wall_begins = wall_begins or since + offset
        at = since + (wall_begins - since - offset) % every
        if at < until:
            more = -((at - until) // every) - 1
            found.extend(accumulate(repeat(every, more), add, initial=at))
    return found
