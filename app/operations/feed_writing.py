"""What a calendar feed is written as: iCalendar (RFC 5545), with the zone's own changes in it."""

import functools
import hashlib
import re
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vText

from app import clock

PRODUCT = "-//Backroom//Bookings//EN"
UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: its lasting id, when (UTC), what, and which change of it this is."""

    uid: str
    sequence: int
    status: str
    starts_at: datetime
    ends_at: datetime
    touched_at: datetime
    title: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a calendar holds now; `tag` changes whenever any of it does."""

    name: str
    place: str
    zone: str
    private: bool
    entries: tuple[Entry, ...]

    @property
    def tag(self) -> str:
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:32]


def written(found: Contents) -> bytes:
    """The file that says it: lines of 75 octets at most, times in the vendor's zone."""
    file = Calendar()
    for name, value in (
        ("prodid", PRODUCT), ("version", "2.0"), ("calscale", "GREGORIAN"), ("method", "PUBLISH"),
        ("x-wr-calname", vText(" ".join(clean(found.name).split()))), ("x-wr-timezone", found.zone),
        ("x-published-ttl", "PT1H"),
    ):  # fmt: skip
        file.add(name, value)
    file.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    zone, year = _zone(found.zone), clock.now().year
    file.add_component(zone_of(zone.key, year - 1, year + 2))
    for entry in found.entries:
        file.add_component(_event(entry, zone, found))
    text: bytes = file.to_ical()
    return text


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _event(entry: Entry, zone: ZoneInfo, found: Contents) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.touched_at.astimezone(UTC))
    for name, moment in zip(("dtstart", "dtend"), _times(entry, zone), strict=True):
        event.add(name, moment)
    event.add("summary", clean(entry.title))
    event.add("location", clean(found.place))
    if entry.details:
        event.add("description", clean(entry.details))
    event.add("status", entry.status)
    event.add("transp", "TRANSPARENT" if entry.status == "CANCELLED" else "OPAQUE")
    if found.private:
        event.add("class", "PRIVATE")  # a calendar that is shared shows only that one is busy
    return event


def _times(entry: Entry, zone: ZoneInfo) -> list[datetime]:
    """In wall time; in UTC if one is in the second of a double hour, which wall time cannot say."""
    instants = [moment.replace(microsecond=0) for moment in (entry.starts_at, entry.ends_at)]
    local = [moment.astimezone(zone) for moment in instants]
    doubtful = any(moment.fold for moment in local)
    return [moment.astimezone(UTC) for moment in instants] if doubtful else local


def clean(text: str) -> str:
    """Text without the characters that no iCalendar text may hold, `LONGEST_TEXT` at most."""
    return UNPRINTABLE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))[
        :LONGEST_TEXT
    ].strip()


@functools.lru_cache(maxsize=256)
def zone_of(name: str, first: int, last: int) -> Timezone:
    """The zone's rules from the beginning of one year to the end of another, each change by itself.

    A change is dated by the wall clock just before it (RFC 5545, section 3.6.5).
    """
    zone = ZoneInfo(name)
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (first, last + 1))
    component = Timezone()
    component.add("tzid", name)
    component.add_component(_observance(zone, begin, begin))
    for change in changes(zone, begin, end):
        component.add_component(_observance(zone, change, change - timedelta(seconds=1)))
    return component


def _observance(
    zone: ZoneInfo, since: datetime, before: datetime
) -> TimezoneDaylight | TimezoneStandard:
    now, was = since.astimezone(zone), before.astimezone(zone)
    old = was.utcoffset() or timedelta()
    part = TimezoneDaylight() if now.dst() else TimezoneStandard()
    onset = (since + old).replace(tzinfo=None)
    part.add("dtstart", onset)
    part.add("rdate", [onset])  # says it once more, to readers that look for repetitions only
    part.add("tzoffsetfrom", old)
    part.add("tzoffsetto", now.utcoffset() or timedelta())
    part.add("tzname", now.tzname() or "")
    return part


def changes(zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """The instants between `begin` and `end` (UTC) at which the clocks of a zone change."""
    found = []
    day = begin
    while day < end:
        following = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            found.append(_change(zone, day, following))
        day = following
    return found


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset is no longer what it was."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
