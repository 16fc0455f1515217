"""Days as a calendar draws them: in elapsed minutes from local midnight, labelled by wall time.

A day has 23 or 25 hours when the clocks change (23.5 on Lord Howe); an hour that comes twice stands
there twice, one that is skipped does not stand there at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import Any

MINUTE = timedelta(minutes=1)
DAY_SECONDS = 24 * 60 * 60
LABELS = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60))
"""Each minute of a wall clock as it is written."""


@dataclass(frozen=True)
class LocalDay:
    """A day of a zone. `wall` tells (minute since midnight, minute of the wall clock) at its
    beginning and after each change of the clocks."""

    day: date
    begins: datetime
    ends: datetime
    wall: tuple[tuple[int, int], ...]

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, day: date, zone: tzinfo) -> "LocalDay":
        """The day `day` where `zone` is."""
        begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        return cls(day, begins, ends, tuple(_pieces(begins, ends, zone)))

    @cached_property
    def length(self) -> int:
        """How many minutes it has."""
        return (self.ends - self.begins) // MINUTE

    @cached_property
    def since(self) -> int:
        """Its beginning in seconds of the epoch, in which a page of blocks is counted."""
        return int(self.begins.timestamp())

    @cached_property
    def until(self) -> int:
        """Its end in the same."""
        return self.since + 60 * self.length

    def minute(self, moment: datetime) -> int:
        """The minute since midnight of an instant, held inside the day."""
        return self.minute_of(int(moment.timestamp()))

    def minute_of(self, seconds: int) -> int:
        """The same of an instant in seconds of the epoch."""
        minute = (seconds - self.since) // 60
        return 0 if minute < 0 else min(minute, self.length)

    def wall_minute(self, minute: int) -> int:
        """What the clock on the wall shows (in minutes) so many minutes after midnight."""
        at, shown = self.wall[0]
        if len(self.wall) == 1:
            return shown + minute - at
        for change in self.wall[1:]:
            if change[0] <= minute:
                at, shown = change
        return shown + minute - at

    def text(self, minute: int) -> str:
        """The same as 09:05; the end of the day is 24:00."""
        if minute >= self.length:
            return "24:00"
        return LABELS[self.wall_minute(minute)]

    def hours(self) -> Iterator[tuple[int, str]]:
        """Each full hour of the wall clock: the minute it stands at, and its label."""
        ends = [*(at for at, _ in self.wall[1:]), self.length]
        for (at, shown), until in zip(self.wall, ends, strict=True):
            for minute in range(at + -shown % 60, until, 60):
                yield minute, self.text(minute)

    def instant(self, minute: int) -> datetime:
        """The instant so many minutes after midnight."""
        return self.begins + minute * MINUTE

    def shown(self) -> dict[str, Any]:
        """As the page's scripts read it."""
        return {
            "date": self.day.isoformat(),
            "title": f"{self.day:%a} {self.day.day} {self.day:%b}",
            "name": f"{self.day:%A} {self.day.day} {self.day:%B}",
            "begins": int(self.begins.timestamp()),
            "minutes": self.length,
            "wall": self.wall,
            "hours": list(self.hours()),
        }


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins, in UTC; where midnight is skipped, when the clocks were put forward."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _pieces(begins: datetime, ends: datetime, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Where the wall clock jumps; looked for in steps of an hour, then to the minute."""
    yield 0, _on_wall(begins, zone)
    at = begins
    while at < ends:
        until = min(at + timedelta(hours=1), ends)
        if _offset(at, zone) != _offset(until, zone):
            change = _first_after(at, until, zone)
            if change < ends:
                yield (change - begins) // MINUTE, _on_wall(change, zone)
        at = until


def _first_after(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    before, at = _offset(low, zone), low
    while _offset(at, zone) == before and at < high:
        at += MINUTE
    return at


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def _on_wall(moment: datetime, zone: tzinfo) -> int:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


def days_from(first: date, count: int, zone: tzinfo) -> list[LocalDay]:
    """Days that follow each other."""
    return [LocalDay.of(first + timedelta(days=n), zone) for n in range(count)]


def parts(days: Sequence[LocalDay], starts: datetime, ends: datetime) -> list[tuple[int, int, int]]:
    """What of a time lies on which of the days: (number of the day, from minute, to minute)."""
    return parts_of(days, int(starts.timestamp()), -int(-ends.timestamp() // 1))


def parts_of(days: Sequence[LocalDay], starts: int, ends: int) -> list[tuple[int, int, int]]:
    """The same of instants in seconds of the epoch."""
    nth = (starts - days[0].since) // DAY_SECONDS
    if 0 <= nth < len(days) and days[nth].since <= starts < ends <= days[nth].until:
        since = days[nth].since  # as nearly all do, it lies on one day
        return [(nth, (starts - since) // 60, (ends - since) // 60)]
    found = []
    # A day is a little longer or shorter when clocks change: two of them are looked at, not all.
    for n in range(max(0, nth - 1), len(days)):
        day = days[n]
        if ends <= day.since:
            break
        if starts < day.until:
            found.append((n, day.minute_of(starts), day.minute_of(ends)))
    return found
