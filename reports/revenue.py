"""What was sold: services, products, packages, memberships and the rest, without tax."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from models.figures import SaleFigures
from models.orders import LineKind
from models.vendors import Vendor
from reports import figures, links, named, sources
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
from reports.spans import Grain

NAMED = {
    "services": LineKind.SERVICE,
    "products": LineKind.PRODUCT,
    "packages": LineKind.PACKAGE,
    "memberships": LineKind.MEMBERSHIP,
}
"""The kinds that have a column of their own."""
OTHER = (LineKind.FEE, LineKind.SHIPPING, LineKind.TIP)
"""The rest; and what was given back for no line, which no list tells."""


def _kinds(sale: Any) -> list[ColumnElement[Any]]:
    """Revenue by kind, and all of it: the parts always add up to the whole."""
    revenue = sale.net - sale.refunded
    rest = sale.kind.not_in([kind.value for kind in NAMED.values()])
    parts = {key: sale.kind == kind.value for key, kind in NAMED.items()}
    return [
        *(
            func.coalesce(func.sum(revenue).filter(which), 0).label(key)
            for key, which in {**parts, "other": rest}.items()
        ),
        func.sum(revenue).label("revenue"),
    ]


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each day, week or month."""
    sale = sources.summed(SaleFigures, filters)
    day = sources.bucket(sale, by)
    return (
        select(
            day, *_kinds(sale),
            func.sum(sale.refunded).label("refunds"),
            func.sum(sale.discount).label("discounts"),
            func.sum(sale.tax - sale.refunded_tax).label("tax"),
            func.sum(sale.net).label("net"),
        )
        .where(sources.covering(sale, period, filters, by))
        .group_by(day)
        .order_by(day)
    )  # fmt: skip


def by_vendor(period: Period, filters: Filters, by: Grain) -> Any:
    """A row for each vendor."""
    rows: Any = _grouped(SaleFigures, "vendor_id", period, filters).subquery()
    return select(Vendor.name, *rows.c).join(rows, rows.c.vendor_id == Vendor.id)


def by_category(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each category of each kind; 0 is none."""
    sale = sources.summed(SaleFigures, filters)
    return named.by_category(_grouped(sale, "category_id", period, filters).subquery())


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each channel."""
    return _grouped(sources.summed(SaleFigures, filters), "channel", period, filters)


def by_kind(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each kind of what is sold, with what was taken off, given back and taxed."""
    sale = sources.summed(SaleFigures, filters)
    return (
        select(
            sale.kind,
            func.sum(sale.gross).label("gross"),
            func.sum(sale.discount).label("discounts"),
            func.sum(sale.refunded).label("refunds"),
            func.sum(sale.net - sale.refunded).label("revenue"),
            func.sum(sale.tax - sale.refunded_tax).label("tax"),
        )
        .where(sources.covering(sale, period, filters))
        .group_by(sale.kind)
    )


def _grouped(sale: Any, key: str, period: Period, filters: Filters) -> Select[*tuple[Any, ...]]:
    by = getattr(sale, key)
    return (
        select(by, *_kinds(sale), func.sum(sale.refunded).label("refunds"))
        .where(sources.covering(sale, period, filters))
        .group_by(by)
    )


SERIES = (
    Series("services", "Services", 1),
    Series("products", "Products", 2),
    Series("packages", "Packages", 3),
    Series("memberships", "Memberships", 4),
    Series("other", "Other", 5),
)


def figure(frame: Frame) -> Figure:
    """Bars of what was sold, those kinds that were."""
    sold = [one for one in SERIES if any(getattr(row, one.key) for row in frame.rows)]
    return figures.over_time(
        frame, sold or SERIES[:2], unit=Unit.MONEY, compare="revenue", total="revenue"
    )


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Services are the visits of the days, the rest the orders handed over on them."""
    if series is None:
        return _to_most(row, at, filters)
    if series == "services":
        return links.bookings(at, filters, status=["completed"])
    kinds = [NAMED[series]] if series in NAMED else OTHER
    return links.orders(at, filters, sold=[kind.value for kind in kinds])


def _to_most(row: Row, at: Period, filters: Filters, **whose: links.Values) -> str:
    """A row of all kinds leads to the visits or to the orders: to what brought more of it."""
    if row.services >= row.revenue - row.services:
        return links.bookings(at, filters, status=["completed"], **whose)
    return links.orders(at, filters, **whose)


def _to_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return links.report("revenue", at, filters, vendor=[row.vendor_id])


def _to_category(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    if not row.category_id:
        return None
    return _to_most(row, at, filters, category=[links.only(row.category_id)])


def _to_channel(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _to_most(row, at, filters, channel=[row.channel])


def _to_kind(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    if row.kind == LineKind.SERVICE:
        return links.bookings(at, filters, status=["completed"])
    return None if row.kind == "unassigned" else links.orders(at, filters, sold=[row.kind])


MONEY = (
    Column("services", "Services", Unit.MONEY),
    Column("products", "Products", Unit.MONEY),
    Column("packages", "Packages", Unit.MONEY, spare=True),
    Column("memberships", "Memberships", Unit.MONEY, spare=True),
    Column("other", "Other", Unit.MONEY, spare=True),
    Column("revenue", "Total", Unit.MONEY, strong=True),
)
SHARE = Column(
    "product_share", "Product share", Unit.PERCENT, part="products", of="revenue", bar=True
)


REPORT = Report(
    slug="revenue",
    title="Revenue: services and products",
    group=Group.SALES,
    about="What was sold, by kind: services, products, packages, memberships; and what went back.",
    query=query,
    figure=figure,
    chart="Revenue",
    measures=(
        Measure(
            "revenue", "Revenue", Unit.MONEY,
            "Completed visits and lines handed over, after discounts and refunds, before tax.",
            better="up",
        ),
        Measure(
            "services", "Services", Unit.MONEY,
            "Visits, on the vendor’s day of the visit, and services sold without one.", better="up",
        ),
        Measure(
            "products", "Products", Unit.MONEY,
            "Goods, on the day on which the whole order was handed over.", better="up",
        ),
        Measure(
            "product_share", "Product share", Unit.PERCENT, "Products in 100 of revenue.",
            better="up", part="products", of="revenue",
        ),
        Measure(
            "refunds", "Refunds", Unit.MONEY,
            "Taken off on the day they are paid back, not on the day of the sale; without tax.",
            better="down",
        ),
        Measure(
            "discounts", "Discounts", Unit.MONEY, "What was taken off prices, without tax.",
            headline=False,
        ),
    ),
    notes=(
        (
            "Packages and memberships",
            "Counted when they are sold. A visit that a package pays for brings nothing more.",
        ),
        ("Other", "Fees, shipping, tips, and money given back for no line."),
        ("Day", "Each vendor’s own, by its clocks; days of 23 and 25 hours included."),
    ),
    tables=(
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *MONEY, SHARE),
            sort="revenue", change="revenue", identity="vendor_id", drill=_to_vendor,
            roles=MARKETPLACE,
        ),
        Table(
            "category", "Category", by_category,
            (Column("name", "Category", Unit.TEXT), *MONEY, SHARE),
            sort="revenue", change="revenue", identity="category_id", drill=_to_category,
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Channel", Unit.CHANNEL), *MONEY, SHARE),
            sort="revenue", change="revenue", identity="channel", drill=_to_channel,
        ),
        Table(
            "kind", "Kind", by_kind,
            (
                Column("kind", "Kind", Unit.KIND),
                Column("gross", "Before discounts", Unit.MONEY),
                Column("discounts", "Discounts", Unit.MONEY),
                Column("refunds", "Refunds", Unit.MONEY),
                Column("revenue", "Total", Unit.MONEY, strong=True),
                Column("tax", "Tax", Unit.MONEY),
            ),
            sort="revenue", change="revenue", identity="kind", drill=_to_kind,
        ),
        Table(
            "time", "Day", query,
            (Column("day", "", Unit.BUCKET), *MONEY, Column("refunds", "Refunds", Unit.MONEY),
             Column("tax", "Tax", Unit.MONEY)),
            sort="day", drill=drill, rows=60,
        ),
    ),
    drill=drill,
    hint="Select a bar to see the bookings or orders behind it.",
    empty=Empty(
        "Nothing was sold in these days. A visit counts when it is completed, an order when it is"
        " handed over.",
        (("Open the till", "/admin/counter"), ("Open the calendar", "/admin/calendar")),
    ),
)  # fmt: skip
