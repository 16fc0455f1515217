"""What a report of one's own can be put together from: sources, their measures, dimensions, charts.

All are roll-ups, as in every report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from app.errors import DomainError
from models.figures import BookingFigures, HourFigures, ItemFigures, StaffFigures
from reports import custom_people
from reports.named import total
from reports.report import Period, Unit

MOST_MEASURES, MOST_DIMENSIONS = 4, 2
TIME, VENDOR, CATEGORY = "time", "vendor", "category"


class NotMeasured(DomainError):
    sentence = "Choose one to four measures of one source: what is to be counted."
    field = "measures"


class NotGrouped(DomainError):
    sentence = "Choose one or two things to group by, each once, that this source knows."
    field = "dimensions"


class NoSuchChart(DomainError):
    sentence = "Choose a kind of chart that is on the list; lines need the time to group by."
    field = "chart"


class NoSuchSource(DomainError):
    sentence = "Choose what the report is about: one of the sources on the list."
    field = "source"


CHARTS = {"bars": "Bars", "lines": "Lines over time", "ranked": "Ranked bars", "none": "Table only"}


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group by: the columns of the roll-up that know it, and how it is written."""

    title: str
    keys: tuple[str, ...]
    unit: Unit = Unit.TEXT

    def of(self, row: Any) -> tuple[Any, ...]:
        """What tells a row of it from the others, whatever it is called."""
        return tuple(getattr(row, key, None) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Counted:
    """A measure in SQL of its source's roll-up, and its definition."""

    title: str
    unit: Unit
    definition: str
    value: ColumnElement[Any]
    better: Any = None


@dataclass(frozen=True, slots=True)
class Source:
    """What a report can be about: a roll-up, its measures and dimensions, and who is behind it."""

    title: str
    table: Any
    measures: Mapping[str, Counted]
    dimensions: tuple[str, ...]
    people: Callable[[Period], FromClause]


@dataclass(frozen=True, slots=True)
class Definition:
    """What was chosen, in the words of `SOURCES`, `DIMENSIONS` and `CHARTS`."""

    source: str
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    chart: str = "bars"
    words: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As `custom_reports` keeps it."""
        return {
            "source": self.source, "measures": list(self.measures),
            "dimensions": list(self.dimensions), "chart": self.chart,
            "words": [list(pair) for pair in self.words],
        }  # fmt: skip


DIMENSIONS: Mapping[str, Dimension] = {
    TIME: Dimension("Time", ("starts_on",), Unit.BUCKET),
    VENDOR: Dimension("Vendor", ("vendor_id",)),
    CATEGORY: Dimension("Category", ("category_id",)),
    "kind": Dimension("Kind", ("kind",), Unit.KIND),
    "channel": Dimension("Channel", ("channel",), Unit.CHANNEL),
    "item": Dimension("Item", ("vendor_id", "kind", "item_id")),
    "service": Dimension("Service", ("vendor_id", "service_id")),
    "staff": Dimension("Team member", ("vendor_id", "staff_id")),
    "weekday": Dimension("Weekday", ("weekday",), Unit.WEEKDAY),
    "hour": Dimension("Hour of the day", ("hour",), Unit.COUNT),
}


_SOLD, _BOOKED, _TEAM, _HOURS = ItemFigures, BookingFigures, StaffFigures, HourFigures

SOURCES: Mapping[str, Source] = {
    "sales": Source(
        "Sales",
        _SOLD,
        {
            "revenue": Counted(
                "Revenue", Unit.MONEY, "What was sold less what was given back, before tax.",
                total(_SOLD.net - _SOLD.refunded), "up",
            ),
            "pieces": Counted(
                "Pieces", Unit.COUNT, "Visits and pieces sold.", total(_SOLD.quantity), "up"
            ),
            "discounts": Counted(
                "Discounts", Unit.MONEY, "What was taken off prices, before tax.",
                total(_SOLD.discount),
            ),
            "refunds": Counted(
                "Refunds", Unit.MONEY, "Given back, on the day of the refund, before tax.",
                total(_SOLD.refunded), "down",
            ),
            "returned": Counted(
                "Returned", Unit.COUNT, "Pieces that came back.", total(_SOLD.returned), "down"
            ),
            "tax": Counted("Tax", Unit.MONEY, "Tax of what was sold.", total(_SOLD.tax)),
            "margin": Counted(
                "Margin", Unit.MONEY, "Revenue less what the goods cost, as far as that is known.",
                total(_SOLD.net - _SOLD.refunded - _SOLD.cost), "up",
            ),
        },
        (TIME, VENDOR, CATEGORY, "kind", "item", "channel"),
        custom_people.bought,
    ),
    "bookings": Source(
        "Bookings",
        _BOOKED,
        {
            "bookings": Counted(
                "Bookings", Unit.COUNT, "By the day they begin, whatever became of them.",
                total(_BOOKED.bookings), "up",
            ),
            "completed": Counted(
                "Completed", Unit.COUNT, "Visits that took place.", total(_BOOKED.completed), "up"
            ),
            "cancelled": Counted(
                "Cancelled", Unit.COUNT, "Called off by anybody.", total(_BOOKED.cancelled), "down"
            ),
            "no_shows": Counted(
                "No-shows", Unit.COUNT, "Customers who did not come.", total(_BOOKED.no_shows),
                "down",
            ),
            "minutes": Counted(
                "Time booked", Unit.MINUTES, "Of bookings that were not cancelled.",
                total(_BOOKED.minutes),
            ),
            "value": Counted(
                "Value", Unit.MONEY, "Prices of completed visits.", total(_BOOKED.value), "up"
            ),
            "lost": Counted(
                "Lost", Unit.MONEY, "Prices of what was cancelled or missed.", total(_BOOKED.lost),
                "down",
            ),
        },
        (TIME, VENDOR, "service", CATEGORY, "channel"),
        custom_people.booked,
    ),
    "team": Source(
        "Team",
        _TEAM,
        {
            "bookings": Counted(
                "Bookings", Unit.COUNT, "By who does them.", total(_TEAM.bookings), "up"
            ),
            "completed": Counted(
                "Completed", Unit.COUNT, "Visits that took place.", total(_TEAM.completed), "up"
            ),
            "no_shows": Counted(
                "No-shows", Unit.COUNT, "Customers who did not come.", total(_TEAM.no_shows),
                "down",
            ),
            "minutes": Counted(
                "Time booked", Unit.MINUTES, "A class counts once, however many come.",
                total(_TEAM.minutes),
            ),
            "value": Counted(
                "Value", Unit.MONEY, "Prices of completed visits.", total(_TEAM.value), "up"
            ),
        },
        (TIME, VENDOR, "staff", CATEGORY, "channel"),
        custom_people.booked,
    ),
    "hours": Source(
        "Hours of the week",
        _HOURS,
        {
            "bookings": Counted(
                "Bookings", Unit.COUNT, "By the hour they begin, on the vendor’s clock.",
                total(_HOURS.bookings), "up",
            ),
            "no_shows": Counted(
                "No-shows", Unit.COUNT, "Customers who did not come.", total(_HOURS.no_shows),
                "down",
            ),
            "minutes": Counted(
                "Time booked", Unit.MINUTES, "A class counts once, however many come.",
                total(_HOURS.minutes),
            ),
        },
        (TIME, VENDOR, "weekday", "hour", "channel"),
        custom_people.booked,
    ),
}  # fmt: skip


def read(given: Mapping[str, Any]) -> Definition:
    """What was chosen, if it can be; refuses `NoSuchSource`, `NotMeasured`, `NotGrouped` and
    `NoSuchChart`."""
    source = SOURCES.get(str(given.get("source")))
    if source is None:
        raise NoSuchSource
    measures = _words(given.get("measures"))
    if not 0 < len(measures) <= MOST_MEASURES or not set(measures) <= source.measures.keys():
        raise NotMeasured
    dimensions = _words(given.get("dimensions"))
    if not 0 < len(dimensions) <= MOST_DIMENSIONS or not set(dimensions) <= set(source.dimensions):
        raise NotGrouped
    chart = str(given.get("chart"))
    if chart not in CHARTS or (chart == "lines" and TIME not in dimensions):
        raise NoSuchChart
    dimensions = tuple(sorted(dimensions, key=lambda one: one != TIME))  # time comes first
    pairs = [p for p in given.get("words") or () if isinstance(p, list | tuple) and len(p) == 2]
    words = tuple((str(name), str(value)) for name, value in pairs)
    return Definition(str(given["source"]), measures, dimensions, chart, words)


def _words(given: Any) -> tuple[str, ...]:
    """Words as they were chosen, each once; anything else is none."""
    found = given if isinstance(given, list | tuple) else ()
    return tuple(dict.fromkeys(str(one) for one in found if one))
