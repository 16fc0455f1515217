"""Demand of the waitlist: who asked for a time that was taken, and what became of it.

Read from the waitlist itself by an index on (vendor, joined at) and one on joined at: a line is
short beside the bookings that it could not become, and an entry changes until it is settled.
An entry stands on the day it joined, with what became of it since.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, Select, and_, case, cast, func, or_, select

from models.categories import Category
from models.class_sessions import ClassSession
from models.services import Service
from models.vendors import Vendor
from models.waitlist import WaitlistEntry, WaitStatus
from reports import figures, links
from reports.bookings import _at_vendor as at_vendor
from reports.figures import Series
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
from reports.spans import DAY, Grain

ANY_DAY = 8
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES = ("joined", "offered", "booked", "waiting", "expired", "left_it", "unmet")
ZONES = timedelta(hours=15)
LAST = datetime.max.replace(tzinfo=UTC)


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each day, week or month in which somebody joined."""
    rows = _entries(period, filters).subquery()
    day = cast(func.date_trunc(by.value, cast(rows.c.day, Date)), Date).label("day")
    return select(day, *_sums(rows)).group_by(day).order_by(day)


def by_service(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """What they waited for."""
    rows = _entries(period, filters).subquery()
    same = and_(Service.vendor_id == rows.c.vendor_id, Service.id == rows.c.service_id)
    name = at_vendor(Service.name)
    return (
        select(name.label("name"), rows.c.service_id, *_sums(rows))
        .join(Service, same)
        .join(Vendor, Vendor.id == rows.c.vendor_id)
        .group_by(name, rows.c.vendor_id, rows.c.service_id)
    )


def by_weekday(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """On which day they wanted to come, where they wanted a certain one."""
    rows = _entries(period, filters).subquery()
    named = dict(enumerate(WEEKDAYS, 1))
    name = case(named, value=rows.c.weekday, else_="Any of several days").label("name")
    return select(name, rows.c.weekday, *_sums(rows)).group_by(rows.c.weekday)


def by_category(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the category of the service."""
    rows = _entries(period, filters).subquery()
    name = func.coalesce(Category.name, "Without category")
    return (
        select(name.label("name"), rows.c.category_id, *_sums(rows))
        .outerjoin(Category, Category.id == rows.c.category_id)
        .group_by(name, rows.c.category_id)
    )


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the way they asked."""
    rows = _entries(period, filters).subquery()
    return select(rows.c.channel, *_sums(rows)).group_by(rows.c.channel)


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """At which vendor."""
    rows = _entries(period, filters).subquery()
    return (
        select(Vendor.name.label("name"), rows.c.vendor_id, *_sums(rows))
        .join(Vendor, Vendor.id == rows.c.vendor_id)
        .group_by(Vendor.name, rows.c.vendor_id)
    )


def _entries(period: Period, filters: Filters) -> Select[*tuple[Any, ...]]:
    """The entries that joined on these days, each with its day and the weekday it was for."""
    entry = WaitlistEntry
    joined = _local(entry.created_at)
    where = [
        entry.created_at >= _moment(period.first, -ZONES),
        entry.created_at < _moment(period.last, DAY + ZONES),
        joined.between(period.first, period.last),
    ]
    if filters.vendor_ids:
        where.append(entry.vendor_id.in_(filters.vendor_ids))
    if filters.channels:
        where.append(entry.channel.in_(filters.channels))
    if filters.category_ids:
        where.append(Service.category_id.in_(filters.category_ids))
    same = and_(Service.vendor_id == entry.vendor_id, Service.id == entry.service_id)
    lesson = and_(
        ClassSession.vendor_id == entry.vendor_id, ClassSession.id == entry.class_session_id
    )
    return (
        select(
            entry.vendor_id, entry.service_id, entry.channel, entry.status, entry.offers,
            func.coalesce(Service.category_id, 0).label("category_id"), joined.label("day"),
            _weekday().label("weekday"),
        )
        .join(Vendor, Vendor.id == entry.vendor_id)
        .join(Service, same)
        .outerjoin(ClassSession, lesson)
        .where(*where)
    )  # fmt: skip


def _moment(day: Any, shift: timedelta) -> datetime:
    """Midnight of UTC, so much earlier or later, as far as times go."""
    try:
        return datetime.combine(day, time(), UTC) + shift
    except OverflowError:
        return LAST if shift > timedelta() else datetime.min.replace(tzinfo=UTC)


def _local(at: Any) -> Any:
    return cast(func.timezone(Vendor.time_zone, at), Date)


def _weekday() -> Any:
    """1 to 7 where one day was wanted: that of the class, or of a window within a day."""
    entry = WaitlistEntry
    first = _local(entry.earliest)
    last = _local(entry.latest - func.make_interval(0, 0, 0, 0, 0, 0, 1))
    return case(
        (
            ClassSession.id.is_not(None),
            func.extract("isodow", func.timezone(Vendor.time_zone, ClassSession.starts_at)),
        ),
        (first == last, func.extract("isodow", first)),
        else_=ANY_DAY,
    )


def _sums(rows: Any) -> list[Any]:
    """How many joined, and what became of them."""
    status = rows.c.status

    def of(*those: Any) -> Any:
        return func.count().filter(*those)

    ended = status.in_([WaitStatus.EXPIRED, WaitStatus.CANCELLED])
    counted = {
        "joined": func.count(),
        "offered": of(or_(rows.c.offers > 0, status == WaitStatus.BOOKED)),
        "booked": of(status == WaitStatus.BOOKED),
        "waiting": of(status.in_([WaitStatus.WAITING, WaitStatus.OFFERED])),
        "expired": of(status == WaitStatus.EXPIRED),
        "left_it": of(status == WaitStatus.CANCELLED),
        "unmet": of(ended),
        "settled": of(or_(ended, status == WaitStatus.BOOKED)),
    }
    return [count.label(name) for name, count in counted.items()]


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
    asked = {"vendor": filters.vendors, **wanted}
    return links.records(
        "waitlist-entry", line=["all"], joined_from=[at.first], joined_to=[at.last], **asked
    )


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, status=STATUSES.get(series or "", ()))


def to_service(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _list(at, filters, service=[row.service_id])


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
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Channel", Unit.CHANNEL), *_COLUMNS),
            sort="joined", change="joined", identity="channel", better=None,
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
        ("Weekday", "That of the class, or of the day they asked for."),
    ),
    hint="Select a bar to see who joined.",
    empty=Empty(
        "Nobody joined the waitlist on these days.",
        (("Open the waitlist", "/admin/waitlist-entry/list"),),
    ),
)  # fmt: skip
