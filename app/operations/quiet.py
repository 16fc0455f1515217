"""Quiet hours: when nobody is disturbed, by the clock on the recipient's wall."""

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Quiet(NamedTuple):
    """Every day from `start` until before `end`, past midnight where `end` is the earlier one."""

    start: time
    end: time
    zone: ZoneInfo

    def holds(self, at: datetime) -> bool:
        """Whether it is quiet at an aware moment."""
        wall = at.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def over(self, at: datetime) -> datetime:
        """The first moment from `at` on, to the minute, at which it is not quiet."""
        return at if not self.holds(at) else self._walk(at, self.end, MINUTE)

    def before(self, at: datetime) -> datetime:
        """The last whole minute up to `at` at which it is not quiet."""
        return at if not self.holds(at) else self._walk(at, self.start, -MINUTE)

    def _walk(self, at: datetime, until: time, step: timedelta) -> datetime:
        """From within the quiet hours to their edge.

        Between two changes of the clocks the wall tells how far it is. Over one it goes minute by
        minute: an hour may be missing there, or come twice.
        """
        wall = at.astimezone(self.zone)
        moment = at.astimezone(UTC).replace(second=0, microsecond=0)
        edge = datetime.combine(wall.date(), until)
        way = edge - wall.replace(tzinfo=None, second=0, microsecond=0)
        if step > timedelta(0):
            found = moment + (way if way > timedelta(0) else way + DAY)
        else:  # the minute before the first quiet one
            found = moment + (way if way <= timedelta(0) else way - DAY) - MINUTE
        if found.astimezone(self.zone).utcoffset() == wall.utcoffset():
            return found
        while self.holds(moment):
            moment += step
        return moment
