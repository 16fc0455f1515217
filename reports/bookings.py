"""Bookings: how many, what became of them, by whom, for what, at which hour, and how full it was.

Read from `booking_figures`, `staff_figures`, `staff_hours` and `hour_figures`: no booking is read.
A booking stands on the day it begins.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select, union_all

from app.tenancy import PanelRole
from models.figures import BookingFigures, HourFigures, StaffFigures, StaffHours
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from reports import figures, lead_times, links, named, sources
from reports.figures import Series
from reports.privacy import at_vendor
from reports.report import (
    MARKETPLACE,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Grid,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain

BEHIND = {
    "completed": ("completed",),
    "no_shows": ("no_show",),
    "cancelled": ("cancelled",),
    "open": ("pending", "confirmed", "checked_in"),
}
"""The series of the figure, and the statuses of the bookings behind each."""

COUNTS = (
    "bookings", "completed", "open", "no_shows", "cancelled", "late", "minutes", *lead_times.NAMES,
)  # fmt: skip
MONEY = ("value", "lost", "fees")
SEE_STAFF = frozenset({PanelRole.ADMIN, PanelRole.MANAGER})

Taken = dict[str, str]


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each day, week or month: bookings, the time they took, the time there was."""
    names = (*COUNTS, *MONEY, "worked", "available")
    parts = union_all(
        *(
            _part(sources.summed(table, filters), period, filters, by, names, taken)
            for table, taken in (
                (BookingFigures, {n: n for n in (*COUNTS, *MONEY)}),
                (StaffFigures, {"worked": "minutes"}),
                (StaffHours, {"available": "available_minutes"}),
            )
        )
    ).subquery()
    sums = [func.sum(parts.c[name]).label(name) for name in names]
    rows = select(parts.c.day, *sums).group_by(parts.c.day).subquery()
    told = [rows.c[name] for name in ("day", *names)]
    return select(*told, *_of(rows), lead_times.median(rows.c.__getitem__).label("lead")).order_by(
        rows.c.day
    )


def _of(rows: Any) -> list[ColumnElement[Any]]:
    """What shares are of: those that are over, and those of which the lead time is known."""
    return [
        (rows.c.completed + rows.c.no_shows).label("due"),
        lead_times.known(rows.c.__getitem__).label("known"),
    ]


def _part(
    table: Any, period: Period, filters: Filters, by: Grain, names: Sequence[str], taken: Taken
) -> Select[*tuple[Any, ...]]:
    """The sums of one roll-up by day, nothing for what others know; nobody's work is no work."""
    day = sources.bucket(table, by)
    where = [sources.covering(table, period, filters, by)]
    if hasattr(table, "staff_id"):
        where.append(table.staff_id != 0)
    return select(day, *_taken(table, names, taken)).where(*where).group_by(day)


def _taken(table: Any, names: Sequence[str], taken: Taken) -> list[ColumnElement[Any]]:
    nothing: Any = literal_column("0")
    return [
        (func.sum(getattr(table, taken[name])) if name in taken else nothing).label(name)
        for name in names
    ]


def by_staff(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Who did how much, and how much of their hours it took; who did nothing, too."""
    names = ("bookings", "completed", "no_shows", "cancelled", "minutes", "value", "available")
    both = union_all(
        *(
            select(table.vendor_id, table.staff_id, *_taken(table, names, taken))
            .where(sources.covering(table, period, filters))
            .group_by(table.vendor_id, table.staff_id)
            for table, taken in (
                (StaffFigures, {n: n for n in names if n != "available"}),
                (StaffHours, {"available": "available_minutes"}),
            )
        )
    ).subquery()
    sums = {name: func.sum(both.c[name]) for name in names}
    done = select(
        both.c.vendor_id, both.c.staff_id, *(total.label(n) for n, total in sums.items())
    ).group_by(both.c.vendor_id, both.c.staff_id)
    rows = done.subquery()
    member = and_(StaffMember.vendor_id == rows.c.vendor_id, StaffMember.id == rows.c.staff_id)
    return (
        select(
            func.coalesce(at_vendor(StaffMember.name), "Nobody in particular").label("name"),
            *(rows.c[n] for n in ("vendor_id", "staff_id", *names)),
            (rows.c.completed + rows.c.no_shows).label("due"),
            case((rows.c.staff_id != 0, rows.c.minutes), else_=0).label("worked"),
        )
        .outerjoin(StaffMember, member)
        .join(Vendor, Vendor.id == rows.c.vendor_id)
        .where((rows.c.bookings > 0) | (rows.c.available > 0))
    )


def by_service(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """What was booked."""
    rows = _grouped(BookingFigures, period, filters, "vendor_id", "service_id")
    same = and_(Service.vendor_id == rows.c.vendor_id, Service.id == rows.c.service_id)
    return (
        select(
            func.coalesce(at_vendor(Service.name), "No longer offered").label("name"),
            rows.c.service_id, *_told(rows),
        )
        .outerjoin(Service, same)
        .join(Vendor, Vendor.id == rows.c.vendor_id)
    )  # fmt: skip


def by_category(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the category of the service."""
    rows = _grouped(sources.summed(BookingFigures, filters), period, filters, "category_id")
    return named.by_category(rows).add_columns(*_of(rows))


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the way they were booked."""
    rows = _grouped(sources.summed(BookingFigures, filters), period, filters, "channel")
    return select(rows.c.channel, *_told(rows))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Of each vendor: for the marketplace."""
    rows = _grouped(BookingFigures, period, filters, "vendor_id")
    return select(Vendor.name.label("name"), rows.c.vendor_id, *_told(rows)).join(
        Vendor, Vendor.id == rows.c.vendor_id
    )


def by_lead(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """By the days between the one on which they were made and their own."""
    return lead_times.by_lead(_grouped(sources.summed(BookingFigures, filters), period, filters))


def by_hour(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Weekday by hour on the vendor's wall."""
    table = sources.summed(HourFigures, filters)
    return (
        select(
            table.weekday, table.hour,
            *(func.sum(getattr(table, n)).label(n) for n in ("bookings", "no_shows", "minutes")),
        )
        .where(sources.covering(table, period, filters))
        .group_by(table.weekday, table.hour)
    )  # fmt: skip


def _grouped(table: Any, period: Period, filters: Filters, *keys: str) -> Any:
    by = [getattr(table, key) for key in keys]
    sums = [func.sum(getattr(table, name)).label(name) for name in (*COUNTS, *MONEY)]
    covered = sources.covering(table, period, filters)
    return select(*by, *sums).where(covered).group_by(*by).subquery()


def _told(rows: Any) -> list[Any]:
    return [*(rows.c[n] for n in (*COUNTS, *MONEY)), *_of(rows)]


def figure(frame: Frame) -> Figure:
    """What became of the bookings, over time."""
    return figures.over_time(
        frame,
        [Series("completed", "Completed", 1), Series("open", "Open", 5),
         Series("no_shows", "No-show", 2), Series("cancelled", "Cancelled", 6)],
        unit=Unit.COUNT, compare="bookings", total="bookings",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return links.bookings(at, filters, status=BEHIND.get(series or "", ()))


def _behind(key: str) -> Any:
    def address(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
        number = getattr(row, f"{key}_id" if key != "channel" else key)
        return links.bookings(at, filters, **{key: [number]}) if number else None

    return address


def _behind_category(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    if not row.category_id:
        return None
    return links.bookings(at, filters, category=[links.only(row.category_id)])


_OUTCOMES = (
    Column("bookings", "Bookings", Unit.COUNT, strong=True),
    Column("completed", "Completed", Unit.COUNT),
    Column("no_shows", "No-shows", Unit.COUNT),
    Column("no_show_rate", "No-show rate", Unit.PERCENT, part="no_shows", of="due"),
    Column("cancelled", "Cancelled", Unit.COUNT),
)
_OF_MONEY = (
    Column("value", "Value", Unit.MONEY),
    Column("lost", "Lost", Unit.MONEY),
)

REPORT = Report(
    slug="bookings",
    title="Bookings",
    group=Group.BOOKINGS,
    about="How many there were, what became of them, when they come and how full the days are.",
    query=query,
    figure=figure,
    chart="Bookings",
    measures=(
        Measure(
            "bookings", "Bookings", Unit.COUNT,
            "All that begin on these days, whatever became of them; times that are only held for"
            " somebody of the waitlist are none.", better="up",
        ),
        Measure("completed", "Completed", Unit.COUNT, "The customer came.", better="up",
                headline=False),
        Measure(
            "no_show_rate", "No-show rate", Unit.PERCENT,
            "Of those that were not called off and are over: how many did not come.",
            better="down", part="no_shows", of="due",
        ),
        Measure(
            "cancelled_rate", "Cancelled", Unit.PERCENT, "Of all bookings: how many were called"
            " off, by anybody.", better="down", part="cancelled", of="bookings",
        ),
        Measure(
            "utilisation", "Utilisation", Unit.PERCENT,
            "Minutes booked with somebody, of the minutes they could be booked: working hours less"
            " breaks and time off. A class counts once, however many come; what was cancelled does"
            " not. Over 100 % is overtime. Channels and categories share the same hours.",
            better="up", part="worked", of="available",
        ),
        Measure(
            "lost", "Lost", Unit.MONEY,
            "The price of what was cancelled or not turned up to: what these cost if nobody else"
            " came.", better="down",
        ),
        Measure(
            "fees", "Fees", Unit.MONEY, "What is owed for calling off late or not coming.",
            headline=False,
        ),
        Measure(
            "late", "Called off late", Unit.COUNT, "Cancelled so late that it costs a fee.",
            better="down", headline=False,
        ),
        Measure(
            "value", "Value", Unit.MONEY, "The price of the completed ones, as it was booked.",
            headline=False,
        ),
        *lead_times.MEASURES,
    ),
    tables=(
        Table(
            "hours", "Hour", by_hour, (Column("weekday", "Weekday", Unit.WEEKDAY),),
            sort="weekday", ascending=True,
            grid=Grid("hour", "bookings", "Bookings by the hour they begin"),
        ),
        Table(
            "staff", "Staff", by_staff,
            (
                Column("name", "Who", Unit.TEXT), *_OUTCOMES,
                Column("minutes", "Booked", Unit.MINUTES),
                Column("available", "Available", Unit.MINUTES),
                Column(
                    "utilisation", "Utilisation", Unit.PERCENT, part="worked", of="available",
                    bar=True,
                ),
                Column("value", "Value", Unit.MONEY),
            ),
            sort="bookings", change="bookings", identity="staff_id", drill=_behind("staff"),
            roles=SEE_STAFF,
        ),
        Table(
            "service", "Service", by_service,
            (Column("name", "Service", Unit.TEXT), *_OUTCOMES,
             Column("minutes", "Time", Unit.MINUTES), *lead_times.COLUMNS, *_OF_MONEY),
            sort="bookings", change="bookings", identity="service_id", drill=_behind("service"),
        ),
        Table(
            "category", "Category", by_category,
            (Column("name", "Category", Unit.TEXT), *_OUTCOMES, *lead_times.COLUMNS, *_OF_MONEY),
            sort="bookings", change="bookings", identity="category_id", drill=_behind_category,
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Channel", Unit.CHANNEL), *_OUTCOMES, *lead_times.COLUMNS,
             *_OF_MONEY),
            sort="bookings", change="bookings", identity="channel", drill=_behind("channel"),
        ),
        Table(
            "lead", "Lead time", by_lead,
            (
                Column("name", "Made before", Unit.TEXT),
                Column("bookings", "Bookings", Unit.COUNT, strong=True),
                Column("share", "Share", Unit.PERCENT, part="bookings", of="bookings",
                       of_all=True, bar=True),
            ),
            sort="days", ascending=True, change="bookings", better=None, identity="days",
        ),
        Table(
            "vendor", "Vendor", by_vendor,
            (Column("name", "Vendor", Unit.TEXT), *_OUTCOMES, *lead_times.COLUMNS, *_OF_MONEY),
            sort="bookings", change="bookings", identity="vendor_id", drill=_behind("vendor"),
            roles=MARKETPLACE,
        ),
    ),
    drill=drill,
    notes=(
        ("Day", "The vendor's day on which a booking begins, with 23 or 25 hours when clocks"
         " change."),
    ),
    hint="Select a bar to see the bookings behind it.",
    empty=Empty(
        "No booking begins on these days.",
        (("Open the calendar", "/admin/calendar"), ("Add a service", "/admin/service/create")),
    ),
)  # fmt: skip
