"""Packages sold, what became of their uses, and what is paid for and not yet used.

Read from `package_figures`, by day, package and channel as the ledger of uses tells it, and from
the roll-up of sold items for the money. What is deferred is the sum of all days before.
"""

from sqlalchemy import select

from models.marketing_figures import PackageFigures
from models.orders import LineKind
from models.packages import Package
from reports import figures, links, named
from reports.figures import Series
from reports.named import Rows
from reports.report import (
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
    Unit,
)
from reports.spans import Grain

_ROW = PackageFigures
FLOWS = ("sold", "granted", "used", "forfeited", "expired", "refunded")
NAMES = (*FLOWS, "revenue", "open", "deferred")
LEDGER = named.Ledger(
    _ROW, "package_id", Package,
    flows={name: getattr(_ROW, name) for name in FLOWS},
    kept={
        "open": _ROW.granted - (_ROW.used + _ROW.forfeited + _ROW.expired + _ROW.refunded),
        "deferred": _ROW.deferred,
    },
    sold=LineKind.PACKAGE, sorted_in=Package.category_id,
)  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `open` and `deferred` are those at its end."""
    return LEDGER.over_time(period, filters, by)


def by_package(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each package: sold and used in the period, open and deferred at its end."""
    return LEDGER.of_each(period, filters)


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """All packages together."""
    each = by_package(period, filters, by).subquery("each")
    revenue = named.brought(LineKind.PACKAGE.value, period, filters)
    sums = named.together(each, (name for name in NAMES if name != "revenue"))
    return select(*sums, revenue.label("revenue"))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """All packages of each vendor."""
    return named.by_vendor_of(by_package(period, filters, by).subquery("each"), NAMES)


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
    """The packages of which something was used then, lost or has run out; else those sold then.

    Which were open at the end of a day that is over, no list tells.
    """
    if series == "deferred":
        return None
    event = series if series in ("used", "forfeited", "expired") else "sold"
    whose = {**_which(filters), "vendor": filters.vendor_ids}
    return links.of_days("package-holding", event, at, **whose)


def _which(filters: Filters) -> dict[str, links.Values]:
    return {"channel": filters.channels, "category": filters.categories}


def drill_package(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Who has this package."""
    wanted = {"package": [row.package_id], "vendor": [row.vendor_id], "channel": filters.channels}
    return links.records("package-holding", **wanted)


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The packages that customers of this vendor have."""
    return links.records("package-holding", vendor=[row.vendor_id], **_which(filters))


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

PACKAGES = named.table_of(
    "package", "Package", by_package, NUMBERS, drill_package, sort="deferred", change="sold",
    better="up",
)  # fmt: skip

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
        *named.seen_by_both(PACKAGES),
        named.of_vendors(PACKAGES, by_vendor, drill_vendor),
        named.over_time(query, NUMBERS, drill, at_end=("open", "deferred")),
    ),
    drill=drill,
    notes=(
        ("Channel and category", "The channel by which a package was sold or given; the category"
         " it is in."),
        ("Adds up", "Uses sold are used, forfeited, run out, taken back or open."),
    ),
    hint="Select a bar to see the packages behind it.",
    empty=Empty(
        "Nobody has a package yet.",
        (("Make a package", "/admin/package/create"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
