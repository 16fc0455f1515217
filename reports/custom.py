"""Reports that people put together: measures and dimensions of a list, made into a `Report`.

All reads roll-ups, as every report does. Over several vendors a row of fewer than five customers
is not shown, nor is it in the sums: how many they are is counted in the bookings and orders
themselves, so there such a report is worked out behind the page and kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.errors import DomainError
from models.bookings import Booking, BookingStatus
from models.categories import Category
from models.custom_reports import CustomReport
from models.customers import Customer
from models.figures import BookingFigures, HourFigures, ItemFigures, StaffFigures
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.packages import Package
from models.products import Product, Variant
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from reports import figures, sources
from reports.figures import Series
from reports.named import GONE, LOST_CATEGORY, NO_CATEGORY, total
from reports.privacy import FEWEST, over_vendors
from reports.report import (
    MANAGERS,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Group,
    Measure,
    Period,
    Report,
    Table,
    Unit,
)
from reports.spans import Grain

PREFIX = "own-"
MOST_MEASURES, MOST_DIMENSIONS = 4, 2
LINES = 5
"""So many things have a line or bars of their own where time is split by them."""
TIME, VENDOR = "time", "vendor"


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
    people: Callable[[], FromClause]


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
    "category": Dimension("Category", ("category_id",)),
    "kind": Dimension("Kind", ("kind",), Unit.KIND),
    "channel": Dimension("Channel", ("channel",), Unit.CHANNEL),
    "item": Dimension("Item", ("vendor_id", "kind", "item_id")),
    "service": Dimension("Service", ("vendor_id", "service_id")),
    "staff": Dimension("Team member", ("vendor_id", "staff_id")),
    "weekday": Dimension("Weekday", ("weekday",), Unit.WEEKDAY),
    "hour": Dimension("Hour of the day", ("hour",), Unit.COUNT),
}


# --- who is behind a row: only where several vendors are looked at -------------------------------


def _day(moment: Any) -> ColumnElement[Any]:
    return cast(func.timezone(Vendor.time_zone, moment), Date)


def _person() -> ColumnElement[Any]:
    return func.coalesce(Customer.person_id, -Customer.id)


_SETTLED = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)


def _bookings(*those: ColumnElement[bool], at: Any = Booking.starts_at) -> Select[Any]:
    local = func.timezone(Vendor.time_zone, Booking.starts_at)
    return (
        select(
            Booking.vendor_id,
            _day(at).label("starts_on"),
            literal(LineKind.SERVICE.value).label("kind"),
            Booking.service_id.label("item_id"),
            Booking.service_id,
            func.coalesce(Service.category_id, 0).label("category_id"),
            Booking.channel,
            func.coalesce(Booking.staff_id, 0).label("staff_id"),
            func.extract("isodow", local).label("weekday"),
            func.extract("hour", local).label("hour"),
            _person().label("person"),
        )
        .join(Vendor, Vendor.id == Booking.vendor_id)
        .join(
            Service,
            and_(Service.vendor_id == Booking.vendor_id, Service.id == Booking.service_id),
        )
        .join(
            Customer,
            and_(Customer.vendor_id == Booking.vendor_id, Customer.id == Booking.customer_id),
        )
        .where(*those)
    )


def _booked() -> FromClause:
    return _bookings().subquery("behind")


def _bought() -> FromClause:
    """Who bought what: completed visits, and lines of settled orders that sold none."""
    line = OrderLine
    category = func.coalesce(
        Service.category_id, Product.category_id, Package.category_id, 0
    )  # fmt: skip
    item = func.coalesce(line.service_id, Variant.product_id, line.package_id, line.plan_id, 0)
    orders = (
        select(
            Order.vendor_id,
            _day(Order.fulfilled_at).label("starts_on"),
            line.kind,
            item.label("item_id"),
            func.coalesce(line.service_id, 0).label("service_id"),
            category.label("category_id"),
            Order.channel,
            func.coalesce(line.staff_id, 0).label("staff_id"),
            literal(0).label("weekday"),
            literal(0).label("hour"),
            _person().label("person"),
        )
        .join(line, and_(line.vendor_id == Order.vendor_id, line.order_id == Order.id))
        .join(Vendor, Vendor.id == Order.vendor_id)
        .join(
            Customer, and_(Customer.vendor_id == Order.vendor_id, Customer.id == Order.customer_id)
        )
        .outerjoin(Service, _is(Service, line.service_id))
        .outerjoin(Variant, _is(Variant, line.variant_id))
        .outerjoin(Product, _is(Product, Variant.product_id))
        .outerjoin(Package, _is(Package, line.package_id))
        .outerjoin(MembershipPlan, _is(MembershipPlan, line.plan_id))
        .where(Order.status.in_(_SETTLED), line.booking_id.is_(None))
    )
    visits = _bookings(
        Booking.status == BookingStatus.COMPLETED,
        at=func.least(Booking.starts_at, Booking.completed_at),
    )
    return union_all(orders, visits).subquery("behind")


def _is(model: Any, key: Any) -> ColumnElement[bool]:
    return and_(model.vendor_id == key.class_.vendor_id, model.id == key)


# --- what can be chosen --------------------------------------------------------------------------

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
        (TIME, VENDOR, "category", "kind", "item", "channel"),
        _bought,
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
        (TIME, VENDOR, "service", "category", "channel"),
        _booked,
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
        (TIME, VENDOR, "staff", "category", "channel"),
        _booked,
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
        _booked,
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


# --- the report ----------------------------------------------------------------------------------


def report_of(number: int, name: str, definition: Definition) -> Report:
    """The report that a definition makes, with the page, the files and the runs of any other."""
    source = SOURCES[definition.source]
    chosen = {key: source.measures[key] for key in definition.measures}
    by_time = TIME in definition.dimensions
    spoken = [DIMENSIONS[one].title.lower() for one in definition.dimensions]
    measured = ", ".join(one.title for one in chosen.values())

    def query(period: Period, filters: Filters, by: Grain) -> Any:
        return _asked(source, definition, period, filters, by)

    def figure(frame: Frame) -> Figure:
        return _drawn(definition, chosen, frame)

    first = next(iter(chosen))
    return Report(
        slug=f"{PREFIX}{number}",
        title=name,
        group=Group.SALES,
        about=f"{measured} by {' and '.join(spoken)}.",
        query=query,
        figure=None if definition.chart == "none" else figure,
        chart=_chart_title(definition, chosen, spoken),
        measures=tuple(
            Measure(key, one.title, one.unit, one.definition, one.better)
            for key, one in chosen.items()
        ),
        tables=(
            Table(
                "rows", DIMENSIONS[definition.dimensions[0]].title, query,
                (
                    *(_column(one) for one in definition.dimensions),
                    *(
                        Column(key, one.title, one.unit, strong=key == first)
                        for key, one in chosen.items()
                    ),
                ),
                sort="day" if by_time else first,
            ),
        ),
        filters=_filters(source),
        grains=tuple(Grain) if by_time else (),
        notes=(
            ("Small groups", f"Over several vendors, rows of fewer than {FEWEST} customers are"
             " left out, of the sums as well."),
        ),
        empty=Empty("Nothing was counted in these days. Choose others, or other filters."),
        roles=MANAGERS,
        long=_is_long,
    )  # fmt: skip


def _chart_title(
    definition: Definition, chosen: Mapping[str, Counted], spoken: Sequence[str]
) -> str:
    """What is drawn: measures of one unit, and only the first where time is split by something."""
    first, *_ = chosen.values()
    split = TIME in definition.dimensions and len(definition.dimensions) > 1
    drawn = [first] if split else [one for one in chosen.values() if one.unit is first.unit]
    titles = ", ".join(one.title for one in drawn)
    others = [one for one in spoken if one != DIMENSIONS[TIME].title.lower()]
    return f"{titles} by {' and '.join(others)}" if others else titles


def _is_long(period: Period, filters: Filters) -> bool:
    """Over several vendors the customers behind each row are counted: not while a page waits."""
    return over_vendors()


def _filters(source: Source) -> frozenset[str]:
    columns = {"vendor": "vendor_id", "channel": "channel", "category": "category_id"}
    return frozenset(name for name, column in columns.items() if hasattr(source.table, column))


def _column(dimension: str) -> Column:
    if dimension == TIME:
        return Column("day", "", Unit.BUCKET)
    return Column(dimension, DIMENSIONS[dimension].title, DIMENSIONS[dimension].unit, total=False)


def _asked(
    source: Source, definition: Definition, period: Period, filters: Filters, by: Grain
) -> Select[Any]:
    """The rows: sums of the roll-up by what was chosen, with names; small groups left out."""
    table, keys = source.table, _keys(definition)
    by_time = TIME in definition.dimensions
    at = [sources.bucket(table, by)] if by_time else []
    columns = [getattr(table, key) for key in keys]
    sums = [source.measures[key].value.label(key) for key in definition.measures]
    where = sources.covering(table, period, filters, by if by_time else None)
    grouped = select(*at, *columns, *sums).where(where).group_by(*at, *columns).subquery("sums")
    query = _named(definition, grouped)
    if not over_vendors():
        return query
    behind = source.people()
    moment = [_bucket(behind.c.starts_on, by).label("day")] if by_time else []
    people = (
        select(*moment, *(behind.c[key] for key in keys))
        .where(
            behind.c.starts_on.between(period.first, period.last),
            *(behind.c[name].in_(ids) for name, ids in _asked_of(filters) if ids),
        )
        .group_by(*moment, *(behind.c[key] for key in keys))
        .having(func.count(behind.c.person.distinct()) >= FEWEST)
        .subquery("enough")
    )
    names = [*(["day"] if by_time else []), *keys]
    same = and_(*(people.c[name] == grouped.c[name] for name in names))
    return query.join(people, same)


def _asked_of(filters: Filters) -> Iterable[tuple[str, tuple[Any, ...]]]:
    yield "vendor_id", filters.vendor_ids
    yield "channel", filters.channels
    yield "category_id", filters.category_ids


def _bucket(day: ColumnElement[Any], by: Grain) -> ColumnElement[Any]:
    return day if by is Grain.DAY else cast(func.date_trunc(by.value, day), Date)


def _keys(definition: Definition) -> tuple[str, ...]:
    found = (key for one in definition.dimensions for key in DIMENSIONS[one].keys)
    return tuple(dict.fromkeys(key for key in found if key != "starts_on"))


def _named(definition: Definition, sums: FromClause) -> Select[Any]:
    """The sums with the names of what they are grouped by."""
    joined: Any = sums
    shown: list[Any] = []
    for one in definition.dimensions:
        label, joined = _label(one, sums, joined)
        shown.append(label)
    measures = [sums.c[key] for key in definition.measures]
    return select(*shown, *measures).select_from(joined)


def _label(dimension: str, sums: FromClause, joined: Any) -> tuple[Any, Any]:
    """What a row is called in one dimension, and what has to be joined to know it."""
    if dimension == TIME:
        return sums.c.day, joined
    if dimension == VENDOR:
        return Vendor.name.label(dimension), joined.join(Vendor, Vendor.id == sums.c.vendor_id)
    if dimension == "category":
        known = func.coalesce(Category.name, LOST_CATEGORY)
        name = case((sums.c.category_id == 0, NO_CATEGORY), else_=known)
        return name.label(dimension), joined.outerjoin(Category, Category.id == sums.c.category_id)
    if dimension == "item":
        return _item(sums, joined)
    if dimension in ("service", "staff"):
        model: Any = Service if dimension == "service" else StaffMember
        key = sums.c[f"{dimension}_id"]
        name = case((key == 0, "Nobody"), else_=func.coalesce(model.name, GONE))
        return name.label(dimension), joined.outerjoin(
            model, and_(model.vendor_id == sums.c.vendor_id, model.id == key)
        )
    return sums.c[dimension].label(dimension), joined


def _item(sums: FromClause, joined: Any) -> tuple[Any, Any]:
    """The item's name; what has none, such as a tip, is called by its kind."""
    kinds = (
        (Service, LineKind.SERVICE), (Product, LineKind.PRODUCT),
        (Package, LineKind.PACKAGE), (MembershipPlan, LineKind.MEMBERSHIP),
    )  # fmt: skip
    for model, kind in kinds:
        same = and_(model.vendor_id == sums.c.vendor_id, model.id == sums.c.item_id)
        joined = joined.outerjoin(model, and_(sums.c.kind == kind, same))
    named = func.coalesce(*(model.name for model, _ in kinds), GONE)
    return case((sums.c.item_id == 0, func.initcap(sums.c.kind)), else_=named).label("item"), joined


# --- the chart -----------------------------------------------------------------------------------


def _drawn(definition: Definition, chosen: Mapping[str, Counted], frame: Frame) -> Figure:
    first = next(iter(chosen.values()))
    alike = [Series(key, one.title) for key, one in chosen.items() if one.unit is first.unit]
    if TIME not in definition.dimensions:
        rows = [SimpleNamespace(label=_title(definition, row), **_values(row, chosen))
                for row in _largest(frame.rows, definition)]  # fmt: skip
        told = replace(frame, rows=rows, before=None, links=lambda row, series: None)
        return figures.ranked(told, "label", alike, unit=first.unit, stacked=False)
    lines = definition.chart == "lines"
    if len(definition.dimensions) == 1:
        return figures.over_time(frame, alike, unit=first.unit, lines=lines, stacked=False)
    rows, series = _beside(definition, frame)
    told = replace(frame, rows=rows, before=None, links=lambda row, series: None)
    return figures.over_time(told, series, unit=first.unit, lines=lines)


def _values(row: Any, chosen: Mapping[str, Counted]) -> dict[str, Any]:
    return {key: getattr(row, key) for key in chosen}


def _largest(rows: Sequence[Any], definition: Definition) -> list[Any]:
    first = definition.measures[0]
    return sorted(rows, key=lambda row: -(getattr(row, first) or 0))


def _title(definition: Definition, row: Any) -> str:
    return ", ".join(_spoken(one, row) for one in definition.dimensions if one != TIME)


def _spoken(dimension: str, row: Any) -> str:
    """What a row is called in one dimension, as people say it."""
    value, unit = getattr(row, dimension), DIMENSIONS[dimension].unit
    if unit is Unit.WEEKDAY:
        return figures.WEEKDAYS[int(value) - 1]
    if dimension == "hour":
        return f"{int(value):02d}:00"
    return str(value) if unit is Unit.TEXT else figures.worded(value)


def _beside(definition: Definition, frame: Frame) -> tuple[list[Any], list[Series]]:
    """A row a day with a column for each of the largest; the chart has room for no more."""
    first = definition.measures[0]
    size: dict[str, Any] = {}
    for row in frame.rows:
        name = _title(definition, row)
        size[name] = size.get(name, 0) + (getattr(row, first) or 0)
    names = sorted(size, key=lambda name: (-size[name], name))[:LINES]
    days: dict[Any, dict[str, Any]] = {}
    for row in frame.rows:
        if (name := _title(definition, row)) in names:
            days.setdefault(row.day, {})[f"n{names.index(name)}"] = getattr(row, first)
    keys = [f"n{place}" for place in range(len(names))]
    rows = [SimpleNamespace(day=day, **dict.fromkeys(keys, 0) | found)
            for day, found in sorted(days.items())]  # fmt: skip
    return rows, [Series(key, name) for key, name in zip(keys, names, strict=True)]


# --- as it is kept -------------------------------------------------------------------------------


def number_of(slug: str) -> int | None:
    """The id of the custom report that an address or a run names; None: it names another one."""
    digits = slug.removeprefix(PREFIX)
    if digits == slug or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(digits)


def of_row(row: CustomReport) -> Report:
    """The report that was kept."""
    return report_of(row.id, row.name, read(row.definition_json))


def found(session: Session, slug: str) -> Report | None:
    """The report of a slug such as own-7, of those that the database shows to who acts."""
    number = number_of(slug)
    row = session.get(CustomReport, number) if number is not None else None
    return None if row is None else of_row(row)
