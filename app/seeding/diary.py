"""A vendor's working times and what is taken of them, while its history is invented.

Times are minutes of the local day. No vendor on show works while the clocks change, so a minute
of the day is the same length on every day.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.seeding.weeks import Away, Shift, Week

CELL = 5
"""Minutes of which every time is a multiple."""

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Offer:
    """A service as somebody does it."""

    service: dict[str, Any]
    staff: int | None
    minutes: int
    price: Any


@dataclass(frozen=True)
class Claim:
    resource: int
    unit: int


@dataclass(frozen=True)
class Place:
    """A time that an offer has got, in UTC, with the units it takes."""

    offer: Offer
    starts_at: datetime
    ends_at: datetime
    claims: tuple[Claim, ...]


def minutes(text: str) -> int:
    """'09:30' as minutes of the day."""
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


def span(text: str) -> tuple[int, int]:
    """'09:00-18:00' as two minutes of the day."""
    begin, end = text.split("-")
    return minutes(begin), minutes(end)


def without(spans: Spans, gone: tuple[int, int]) -> Spans:
    """What is left of `spans`."""
    begin, end = gone
    left = [piece for a, b in spans for piece in ((a, min(b, begin)), (max(a, end), b))]
    return tuple((a, b) for a, b in left if a < b)


def both(one: Spans, other: Spans) -> Spans:
    """What lies in one as well as in the other."""
    pairs = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return tuple((a, b) for a, b in pairs if a < b)


def _mask(begin: int, end: int) -> int:
    first, last = begin // CELL, -(-end // CELL)
    return ((1 << (last - first)) - 1) << first


@dataclass
class Diary:
    """Who works when, and what of it is taken: nobody and nothing is in two places at once."""

    week: Week
    zone: ZoneInfo
    today: date
    staff: dict[str, int]
    needs: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Service -> the resources it takes one of, with their capacities."""
    offers: dict[int, list[Offer]] = field(default_factory=dict)
    """Service -> who does it."""
    names: dict[int, str] = field(default_factory=dict)
    """Service -> its name, where it has hours of its own."""
    _spans: dict[tuple[int, date], Spans] = field(default_factory=dict)
    _taken: defaultdict[Any, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def at(self, day: date, minute: int) -> datetime:
        """The instant of a minute of the day, in UTC."""
        local = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        return local.astimezone(UTC)

    def working(self, staff: int, day: date) -> Spans:
        """When somebody works on a day: hours without breaks, plus extra, without time off."""
        key = staff, day
        if key not in self._spans:
            self._spans[key] = self._working(staff, day)
        return self._spans[key]

    def _working(self, staff: int, day: date) -> Spans:
        [name] = [name for name, key in self.staff.items() if key == staff]
        spans = self.shifts(self.week.staff[name], day)
        for away, hours in self.exceptions(day):
            if away.kind == "extra" and away.staff == name:
                spans = (*without(spans, hours), hours)
        for away, hours in self.exceptions(day):
            if away.kind == "off" and away.staff in (name, None):
                spans = without(spans, hours)
        return tuple(sorted(spans))

    def shifts(self, shifts: tuple[Shift, ...], day: date) -> Spans:
        """The hours that hold on a day."""
        spans: Spans = ()
        for shift in shifts:
            if str(day.isoweekday()) in shift.days and self._holds(shift, day):
                spans += (span(shift.hours),)
                spans = without(spans, span(shift.pause)) if shift.pause else spans
        return spans

    def _holds(self, shift: Shift, day: date) -> bool:
        ahead = (day - self.today).days
        begun = shift.from_days is None or ahead >= shift.from_days
        return begun and (shift.until_days is None or ahead < shift.until_days)

    def exceptions(self, day: date) -> Iterator[tuple[Away, tuple[int, int]]]:
        """Time off and extra time of a day, with the minutes it takes of it."""
        for away in self.week.away:
            first = self.first_day(away)
            if first <= day < first + timedelta(days=away.days):
                yield away, span(away.hours) if away.hours else (0, 24 * 60)

    def first_day(self, away: Away) -> date:
        day = self.today + timedelta(days=away.day)
        if away.weekday is not None:
            day += timedelta(days=(away.weekday - day.isoweekday()) % 7)
        return day

    def open_for(self, offer: Offer, day: date) -> Spans:
        """When the offer can be had: its person works, and its service has hours then."""
        if offer.staff is None:
            return ()
        spans = self.working(offer.staff, day)
        own = self.week.service_hours.get(self.names.get(offer.service["id"], ""))
        return both(spans, self.shifts(own, day)) if own else spans

    def fits(self, offer: Offer, day: date, begin: int) -> bool:
        """Whether the offer can be had from that minute to its end without a pause."""
        return any(a <= begin and begin + offer.minutes <= b for a, b in self.open_for(offer, day))

    def take(self, offer: Offer, day: date, begin: int) -> Place | None:
        """The time from that minute on, if its person and what it needs are free."""
        claims = self.free(offer, day, begin)
        if claims is None:
            return None
        before, after = self._masks(offer, begin)
        for key in ((offer.staff, day), *((claim, day) for claim in claims)):
            taken = self._taken[key]
            taken[0] |= before
            taken[1] |= after
        end = begin + offer.minutes
        return Place(offer, self.at(day, begin), self.at(day, end), claims)

    def free(self, offer: Offer, day: date, begin: int) -> tuple[Claim, ...] | None:
        """What it would take from that minute on; None if somebody or something is taken."""
        before, after = self._masks(offer, begin)
        free = self._free((offer.staff, day), before, after)
        return self._units(offer, day, before, after) if free else None

    def _masks(self, offer: Offer, begin: int) -> tuple[int, int]:
        """The cells of the time with the buffer before it, and with the one after it."""
        end, service = begin + offer.minutes, offer.service
        return (
            _mask(begin - service["buffer_before_minutes"], end),
            _mask(begin, end + service["buffer_after_minutes"]),
        )

    def offer(self, service: str, staff: str) -> Offer:
        """How somebody does a service, both by name."""
        return next(
            offer for key, offers in self.offers.items() for offer in offers
            if self.names[key] == service and offer.staff == self.staff[staff]
        )  # fmt: skip

    def _free(self, key: Any, before: int, after: int) -> bool:
        taken = self._taken.get(key)
        return taken is None or not (taken[0] & before or taken[1] & after)

    def _units(self, offer: Offer, day: date, before: int, after: int) -> tuple[Claim, ...] | None:
        found = []
        for resource, capacity in self.needs.get(offer.service["id"], ()):
            units = (Claim(resource, unit) for unit in range(1, capacity + 1))
            claim = next((c for c in units if self._free((c, day), before, after)), None)
            if claim is None:
                return None
            found.append(claim)
        return tuple(found)

    def some_time(self, random: Random, service: dict[str, Any], day: date) -> Place | None:
        """A free quarter of an hour of that day with one of those who do the service."""
        offers = self.offers.get(service["id"], [])
        for offer in random.sample(offers, len(offers)):
            starts = [
                begin
                for a, b in self.open_for(offer, day)
                for begin in range(a, b - offer.minutes + 1, service["slot_interval_minutes"])
            ]
            for begin in random.sample(starts, min(4, len(starts))):
                if place := self.take(offer, day, begin):
                    return place
        return None

    def nights(
        self, offer: Offer, first: date, count: int, arrival: int, departure: int
    ) -> Place | None:
        """A room from the first evening to the last morning, if one is free all the time."""
        dates = [first + timedelta(days=n) for n in range(count)]
        [(resource, capacity)] = self.needs[offer.service["id"]]
        for unit in range(1, capacity + 1):
            claim = Claim(resource, unit)
            if all(self._free((claim, day), 1, 1) for day in dates):
                for day in dates:
                    self._taken[claim, day] = [1, 1]
                last = dates[-1] + timedelta(days=1)
                return Place(offer, self.at(first, arrival), self.at(last, departure), (claim,))
        return None
