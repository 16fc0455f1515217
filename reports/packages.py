"""Packages sold, what became of their uses, and what is paid for and not yet used.

Read from `package_figures`, by day, package and channel as the ledger of uses tells it, and from
the roll-up of sold items for the money. What is deferred is the sum of all days before.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select, true

from models.figures import ItemFigures, SaleFigures
from models.marketing_figures import PackageFigures
from models.orders import LineKind
from models.packages import Package
from models.vendors import Vendor
from reports import figures, links, named, sources
from reports.figures import Series
from reports.named import Rows
from reports.report import (
    MARKETPLACE,
    Chart,
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

_ROW = PackageFigures
FLOWS = ("sold", "granted", "used", "forfeited", "expired", "refunded")
_PAID = ItemFigures.kind == LineKind.PACKAGE.value
REVENUE = ItemFigures.net - ItemFigures.refunded


def _open() -> ColumnElement[Any]:
    gone = _ROW.used + _ROW.forfeited + _ROW.expired + _ROW.refunded
    left: ColumnElement[Any] = _ROW.granted - gone
    return left


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `open` and `deferred` are those at its end."""
    days, day = named.calendar(period, by), sources.bucket(_ROW, by)
    flows = (
        select(
            day, *(named.total(getattr(_ROW, name)).label(name) for name in FLOWS),
            named.total(_open()).label("open"), named.total(_ROW.deferred).label("deferred"),
        )
        .where(sources.covering(_ROW, period, filters, by))
        .group_by(day)
        .subquery("flows")
    )  # fmt: skip
    sale = sources.summed(SaleFigures, filters)
    paid_day = sources.bucket(sale, by)
    paid = (
        select(paid_day, named.total(sale.net - sale.refunded).label("revenue"))
        .where(
            sources.covering(sale, period, filters, by),
            sale.kind == LineKind.PACKAGE.value,
        )
        .group_by(paid_day)
        .subquery("paid")
    )
    before = (
        select(named.total(_open()).label("open"), named.total(_ROW.deferred).label("deferred"))
        .where(named.earlier(_ROW, period, filters))
        .subquery("before")
    )

    def so_far(name: str) -> ColumnElement[Any]:
        changes = func.sum(func.coalesce(flows.c[name], 0)).over(order_by=days.c.day)
        return (before.c[name] + changes).label(name)

    return (
        select(
            days.c.day, *(func.coalesce(flows.c[name], 0).label(name) for name in FLOWS),
            func.coalesce(paid.c.revenue, 0).label("revenue"), so_far("open"), so_far("deferred"),
        )
        .select_from(days)
        .outerjoin(flows, flows.c.day == days.c.day)
        .outerjoin(paid, paid.c.day == days.c.day)
        .join(before, true())
        .where(exists().where(named.up_to(_ROW, period.last, filters)))
        .order_by(days.c.day)
    )  # fmt: skip


def by_package(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each package: sold and used in the period, open and deferred at its end."""
    within = sources.covering(_ROW, period, filters)
    sums = (
        select(
            _ROW.vendor_id, _ROW.package_id,
            *(named.total(getattr(_ROW, name), within).label(name) for name in FLOWS),
            named.total(_open()).label("open"), named.total(_ROW.deferred).label("deferred"),
        )
        .where(named.earlier(_ROW, period, filters) | within)
        .group_by(_ROW.vendor_id, _ROW.package_id)
        .subquery("sums")
    )  # fmt: skip
    paid = (
        select(ItemFigures.vendor_id, ItemFigures.item_id, named.total(REVENUE).label("revenue"))
        .where(sources.covering(ItemFigures, period, filters), _PAID)
        .group_by(ItemFigures.vendor_id, ItemFigures.item_id)
        .subquery("paid")
    )
    same = and_(Package.vendor_id == sums.c.vendor_id, Package.id == sums.c.package_id)
    of_package = and_(paid.c.vendor_id == sums.c.vendor_id, paid.c.item_id == sums.c.package_id)
    return (
        select(
            sums, Package.name, Vendor.name.label("vendor"),
            func.coalesce(paid.c.revenue, 0).label("revenue"),
        )
        .join(Package, same)
        .join(Vendor, Vendor.id == sums.c.vendor_id)
        .outerjoin(paid, of_package)
    )  # fmt: skip


NAMES = (*FLOWS, "revenue", "open", "deferred")


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """All packages together."""
    each = by_package(period, filters, by).subquery("each")
    sums = [named.total(each.c[name]).label(name) for name in NAMES if name != "revenue"]
    revenue = named.brought(LineKind.PACKAGE.value, period, filters)
    return select(*sums, revenue.label("revenue"))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """All packages of each vendor."""
    each = by_package(period, filters, by).subquery("each")
    return select(
        each.c.vendor_id, each.c.vendor.label("name"),
        *(named.total(each.c[name]).label(name) for name in NAMES),
    ).group_by(each.c.vendor_id, each.c.vendor)  # fmt: skip


def figure(frame: Frame) -> Figure:
    """What became of uses."""
    return figures.over_time(
        frame,
        [Series("used", "Used", 1), Series("forfeited", "Forfeited", 2),
         Series("expired", "Run out", 6)],
        unit=Unit.COUNT, compare="used",
    )  # fmt: skip


def figure_of_deferred(frame: Frame) -> Figure:
    """What was paid for and not yet used, at the end of each day, week or month."""
    return figures.over_time(
        frame, [Series("deferred", "Deferred", 1)], unit=Unit.MONEY, lines=True,
        compare="deferred",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The packages in customers' hands; those that have run out, where a mark is about these."""
    status = ["expired"] if series == "expired" else []
    return links.records("package-holding", status=status, vendor=filters.vendor_ids)


def drill_package(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Who has this package."""
    return links.records("package-holding", package=[row.package_id], vendor=[row.vendor_id])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The packages that customers of this vendor have."""
    return links.records("package-holding", vendor=[row.vendor_id])


NUMBERS = (
    Column("sold", "Sold", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("granted", "Uses sold", Unit.COUNT),
    Column("used", "Used", Unit.COUNT),
    Column("forfeited", "Forfeited", Unit.COUNT),
    Column("expired", "Run out", Unit.COUNT),
    Column("open", "Open at the end", Unit.COUNT),
    Column("deferred", "Deferred", Unit.MONEY, strong=True),
)

REPORT = Report(
    slug="packages",
    title="Packages",
    group=Group.MARKETING,
    about="Packages sold, what became of their uses, and what is paid for and not yet used.",
    query=query,
    figure=figure,
    chart="What became of uses",
    summary=summary,
    charts=(
        Chart("deferred", "Paid for and not yet used", query, figure_of_deferred),
    ),
    measures=(
        Measure("deferred", "Deferred", Unit.MONEY, "Uses open at the end of the period, at what"
                " each had cost its customer, with tax: paid for, and still to be done. Packages"
                " that were given for nothing are none of it."),
        Measure("open", "Open uses", Unit.COUNT, "Uses that are left or held for a booking at the"
                " end of the period."),
        Measure("sold", "Sold", Unit.COUNT, "Packages that came into customers' hands, sold or"
                " given.", better="up"),
        Measure("granted", "Uses sold", Unit.COUNT, "The uses in them.", headline=False),
        Measure("revenue", "Revenue", Unit.MONEY, "What packages brought when they were sold: after"
                " discounts, without tax, less what was given back.", better="up"),
        Measure("used", "Used", Unit.COUNT, "Uses that were taken, less those that were given back"
                " to the package.", better="up"),
        Measure("forfeited", "Forfeited", Unit.COUNT, "Uses lost to who called off late or did not"
                " come.", better="down", headline=False),
        Measure("expired", "Run out", Unit.COUNT, "Uses left when the package ran out.",
                better="down"),
        Measure("refunded", "Taken back", Unit.COUNT, "Uses taken back, with their money or"
                " without.", headline=False),
    ),
    tables=(
        *named.seen_by_both(
            Table(
                "package", "Package", by_package,
                (Column("name", "Package", Unit.TEXT), *NUMBERS),
                sort="deferred", change="sold", identity="package_id", drill=drill_package,
            )
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *NUMBERS),
            sort="deferred", change="sold", identity="vendor_id", drill=drill_vendor,
            roles=MARKETPLACE,
        ),
        Table(
            "time", "Day", query,
            (
                Column("day", "", Unit.BUCKET), *NUMBERS[:-2],
                Column("open", "Open at the end", Unit.COUNT, total=False),
                Column("deferred", "Deferred", Unit.MONEY, total=False, strong=True),
            ),
            sort="day", drill=drill, rows=60,
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor", "channel"}),
    notes=(
        ("Adds up", "Uses sold are used, forfeited, run out, taken back or open."),
    ),
    hint="Select a bar to see the packages behind it.",
    empty=Empty(
        "Nobody has a package yet.",
        (("Make a package", "/admin/package/create"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
