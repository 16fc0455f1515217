"""Demand of the waitlist: who asked for a time that was taken, and what became of it.

Read from `wait_figures`, which `app.operations.demand` tells anew whenever something in a line has
changed. Who joined stands on the day they did, with what became of it since.
"""

from typing import Any

from sqlalchemy import Select, and_, case, func, select

from models.audiences import WaitFigures
from models.services import Service
from models.vendors import Vendor
from reports import figures, links, named, sources
from reports.figures import Series
from reports.privacy import at_vendor
from reports.report import (
    MARKETPLACE,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES = ("joined", "offered", "booked", "waiting", "expired", "left_it")


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each day, week or month in which somebody joined."""
    day = sources.bucket(WaitFigures, by)
    covered = sources.covering(WaitFigures, period, filters, by)
    return select(day, *_sums()).where(covered).group_by(day).order_by(day)


def _by(period: Period, filters: Filters, *keys: Any) -> Any:
    covered = sources.covering(WaitFigures, period, filters)
    return select(*keys, *_sums()).where(covered).group_by(*keys)


def by_service(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """What they waited for."""
    rows = _by(period, filters, WaitFigures.vendor_id, WaitFigures.service_id).subquery()
    same = and_(Service.vendor_id == rows.c.vendor_id, Service.id == rows.c.service_id)
    return (
        select(at_vendor(Service.name).label("name"), *rows.c)
        .join(Service, same)
        .join(Vendor, Vendor.id == rows.c.vendor_id)
    )


def by_weekday(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """On which day they wanted to come, where they wanted a certain one."""
    rows = _by(period, filters, WaitFigures.weekday).subquery()
    named = dict(enumerate(WEEKDAYS, 1))
    name = case(named, value=rows.c.weekday, else_="Any of several days")
    return select(name.label("name"), *rows.c)


def by_category(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the category of the service."""
    return named.by_category(_by(period, filters, WaitFigures.category_id).subquery())


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the way they asked."""
    told: Select[*tuple[Any, ...]] = _by(period, filters, WaitFigures.channel)
    return told


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """At which vendor."""
    rows = _by(period, filters, WaitFigures.vendor_id).subquery()
    return select(Vendor.name.label("name"), *rows.c).join(Vendor, Vendor.id == rows.c.vendor_id)


def _sums() -> list[Any]:
    """How many joined, and what became of them."""
    table = WaitFigures
    unmet = table.expired + table.left_it
    return [
        *(func.sum(getattr(table, name)).label(name) for name in NAMES),
        func.sum(unmet).label("unmet"),
        func.sum(unmet + table.booked).label("settled"),
    ]


def figure(frame: Frame) -> Figure:
    """What became of those who joined, over time."""
    return figures.over_time(
        frame,
        [Series("booked", "Booked", 3), Series("waiting", "Still waiting", 5),
         Series("unmet", "Unmet", 2)],
        unit=Unit.COUNT, compare="joined", total="joined",
    )  # fmt: skip


STATUSES = {
    "booked": ("booked",), "waiting": ("waiting", "offered"), "unmet": ("expired", "cancelled"),
}  # fmt: skip


def _list(at: Period, filters: Filters, **wanted: Any) -> str:
    whose = {
        "vendor": filters.vendors, "channel": filters.channels, "category": filters.categories,
    }  # fmt: skip
    return links.records(
        "waitlist-entry", line=["all"], joined_from=[at.first], joined_to=[at.last],
        **{**whose, **wanted},
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, status=STATUSES.get(series or "", ()))


def to_service(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, service=[row.service_id])


def to_category(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    if not row.category_id:
        return None
    return _list(at, filters, category=[links.only(row.category_id)])


def to_channel(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, channel=[row.channel])


def to_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, vendor=[row.vendor_id])


_COLUMNS = (
    Column("joined", "Joined", Unit.COUNT, strong=True),
    Column("offered", "Offered a time", Unit.COUNT),
    Column("booked", "Booked", Unit.COUNT),
    Column("waiting", "Still waiting", Unit.COUNT),
    Column("expired", "Waited in vain", Unit.COUNT),
    Column("left_it", "Left the line", Unit.COUNT),
    Column("unmet_rate", "Unmet", Unit.PERCENT, part="unmet", of="settled", bar=True),
)

REPORT = Report(
    slug="waitlist",
    title="Waitlist demand",
    group=Group.BOOKINGS,
    about="Who asked for a time that was taken, who got one, and for what there is no room.",
    query=query,
    figure=figure,
    chart="Who joined the waitlist",
    measures=(
        Measure("joined", "Joined", Unit.COUNT, "Who was put on the waitlist on these days."),
        Measure(
            "offered_rate", "Offered a time", Unit.PERCENT,
            "Of those who joined: to how many a time or a place was offered, once or more.",
            better="up", part="offered", of="joined",
        ),
        Measure(
            "booked_rate", "Booked", Unit.PERCENT,
            "Of those who do not wait any more: how many came to a booking.",
            better="up", part="booked", of="settled",
        ),
        Measure(
            "unmet", "Unmet", Unit.COUNT,
            "Who waited in vain until their last day, or left the line without a booking.",
            better="down",
        ),
        Measure("waiting", "Still waiting", Unit.COUNT, "Who waits, or holds an offer, just now."),
    ),
    tables=(
        Table(
            "service", "Service", by_service, (Column("name", "Service", Unit.TEXT), *_COLUMNS),
            sort="joined", change="joined", identity="service_id", drill=to_service, better=None,
        ),
        Table(
            "weekday", "Weekday", by_weekday,
            (Column("name", "Wanted for", Unit.TEXT), *_COLUMNS),
            sort="weekday", ascending=True, change="joined", identity="weekday", better=None,
        ),
        Table(
            "category", "Category", by_category, (Column("name", "Category", Unit.TEXT), *_COLUMNS),
            sort="joined", change="joined", identity="category_id", better=None,
            drill=to_category,
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Channel", Unit.CHANNEL), *_COLUMNS),
            sort="joined", change="joined", identity="channel", better=None, drill=to_channel,
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *_COLUMNS),
            sort="joined", change="joined", identity="vendor_id", drill=to_vendor, better=None,
            roles=MARKETPLACE,
        ),
    ),
    drill=drill,
    notes=(
        ("Day", "The vendor's day on which somebody joined; what became of it is as it stands"
         " now."),
        ("Up to date", "Worked out every few minutes."),
        ("Weekday", "That of the class, or of the day they asked for."),
    ),
    hint="Select a bar to see who joined.",
    empty=Empty(
        "Nobody joined the waitlist on these days.",
        (("Open the waitlist", "/admin/waitlist-entry/list"),),
    ),
)  # fmt: skip
