"""The best products and services side by side, and what a service brings with it.

Read from the roll-up of items; how often products are bought beside a service from
`attach_figures`, kept in the same way from the lines of orders.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, and_, cast, func, select, true
from sqlalchemy.orm import aliased

from models.figures import SaleFigures
from models.marketing_figures import AttachFigures
from models.orders import LineKind
from models.products import Product
from models.services import Service
from models.vendors import Vendor
from reports import figures, links, named, sources
from reports.figures import Series
from reports.named import Rows
from reports.report import (
    Chart,
    Choice,
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

MOST = 20
"""So many products, and so many services, are the top."""

KINDS = (LineKind.SERVICE.value, LineKind.PRODUCT.value)
SERVICE, PRODUCT = KINDS


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """The first `MOST` of each kind: `place`, `share` of its kind's revenue, `attach`."""
    ranked = _ranked(period, filters, KINDS)
    first = select(ranked).where(ranked.c.place <= MOST).subquery("first")
    one = _named(first, period, filters).subquery("named")
    return select(
        one,
        named.percent(one.c.revenue, one.c.of_kind).label("share"),
        named.percent(one.c.with_product, one.c.orders).label("attach"),
    ).order_by(one.c.kind.desc(), one.c.place)


def all_services(period: Period, filters: Filters, by: Grain) -> Rows:
    """Every service that was sold, with what was bought beside it."""
    return _named(_ranked(period, filters, (SERVICE,)), period, filters)


def all_products(period: Period, filters: Filters, by: Grain) -> Rows:
    """Every product that was sold."""
    return _named(_ranked(period, filters, (PRODUCT,)), period, filters)


def _ranked(period: Period, filters: Filters, kinds: tuple[str, ...]) -> FromClause:
    """Items by what is asked for, the first first; equal ones in the order of their ids."""
    sums = _sums(period, filters, kinds).c
    first = (sums[filters.picked("rank")].desc(), sums.item_id)
    place = func.row_number().over(partition_by=sums.kind, order_by=first)
    return select(
        *sums,
        cast(place, Integer).label("place"),
        func.sum(sums.revenue).over(partition_by=sums.kind).label("of_kind"),
    ).subquery("ranked")


def _named(ranked: FromClause, period: Period, filters: Filters) -> Rows:
    """The same with their names, their vendors', and the orders with a service."""
    beside, item = _beside(period, filters), ranked.c
    service, product = aliased(Service), aliased(Product)
    is_service = item.kind == SERVICE

    def same(model: Any, *those: Any) -> ColumnElement[bool]:
        return and_(model.vendor_id == item.vendor_id, model.id == item.item_id, *those)

    return (
        select(
            ranked,
            func.coalesce(service.name, product.name, named.GONE).label("name"),
            Vendor.name.label("vendor"),
            beside.c.orders,
            beside.c.with_product,
        )
        .join(Vendor, Vendor.id == item.vendor_id)
        .outerjoin(service, same(service, is_service))
        .outerjoin(product, same(product, item.kind == PRODUCT))
        .outerjoin(
            beside,
            and_(
                is_service, beside.c.vendor_id == item.vendor_id,
                beside.c.service_id == item.item_id,
            ),
        )
    )  # fmt: skip


def _sums(period: Period, filters: Filters, kinds: tuple[str, ...]) -> FromClause:
    def sums(item: Any) -> list[ColumnElement[Any]]:
        revenue = named.total(item.net - item.refunded)
        return [
            named.total(item.quantity).label("quantity"),
            revenue.label("revenue"),
            (revenue - named.total(item.cost)).label("margin"),
        ]

    items = named.sums_of_items(("vendor_id", "kind", "item_id"), sums, period, filters, kinds)
    return select(items).where(items.c.item_id != 0).subquery("sums")


def _beside(period: Period, filters: Filters) -> FromClause:
    """Orders with a service, and with a product as well, by vendor and service."""
    names = ("vendor_id", "service_id", "orders", "with_product")
    rows = sources.things(AttachFigures, period, filters, names, lambda t: t.service_id != 0).c
    by = (rows.vendor_id, rows.service_id)
    return (
        select(
            *by, named.total(rows.orders).label("orders"),
            named.total(rows.with_product).label("with_product"),
        )
        .group_by(*by)
        .subquery("beside")
    )  # fmt: skip


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """Both kinds together; how often a product was bought beside a service, of any category."""
    sale = sources.summed(SaleFigures, filters)
    beside = sources.things(
        AttachFigures, period, filters, ("orders", "with_product"), lambda t: t.service_id == 0
    ).c
    revenue = sale.net - sale.refunded
    sold = (
        select(
            named.total(revenue, sale.kind == SERVICE).label("services"),
            named.total(revenue, sale.kind == PRODUCT).label("products"),
            (named.total(revenue) - named.total(sale.cost)).label("margin"),
        )
        .where(sources.covering(sale, period, filters), sale.kind.in_(KINDS))
        .subquery("sold")
    )
    together = select(
        func.sum(beside.orders).label("orders"),
        func.sum(beside.with_product).label("with_product"),
    ).subquery("together")
    return select(
        sold.c.services, sold.c.products, sold.c.margin,
        named.percent(sold.c.products, sold.c.services + sold.c.products).label("part"),
        named.percent(together.c.with_product, together.c.orders).label("attach"),
    ).join_from(sold, together, true())  # fmt: skip


def figure(frame: Frame) -> Figure:
    """The first services."""
    return _bars(frame, SERVICE, 1)


def figure_of_products(frame: Frame) -> Figure:
    """The first products."""
    return _bars(frame, PRODUCT, 2)


TITLES = {"revenue": "Revenue", "quantity": "Pieces", "margin": "Margin"}


def _bars(frame: Frame, kind: str, tone: int) -> Figure:
    of_kind = replace(frame, rows=[row for row in frame.rows if row.kind == kind])
    key = frame.filters.picked("rank")
    unit = Unit.COUNT if key == "quantity" else Unit.MONEY
    return figures.ranked(of_kind, "name", [Series(key, TITLES[key], tone)], unit=unit)


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The visits with this service, which need no order; the orders with this product."""
    if row.kind == SERVICE:
        return links.bookings(
            at, filters, status=["completed"], service=[row.item_id], category=(),
            vendor=[row.vendor_id],
        )  # fmt: skip
    return links.orders(
        at, filters, item=[f"{row.kind}:{row.item_id}"], category=(), vendor=[row.vendor_id]
    )


NUMBERS = (
    Column("quantity", "Sold", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY, strong=True),
    Column("share", "Share", Unit.PERCENT, part="revenue", of="revenue", of_all=True, bar=True),
    Column("margin", "Margin", Unit.MONEY),
    Column("rate", "Margin rate", Unit.PERCENT, part="margin", of="revenue"),
)
ATTACHED = Column(
    "attach", "Bought a product too", Unit.PERCENT, part="with_product", of="orders", total=False
)

REPORT = Report(
    slug="top-items",
    title="Top products and services",
    group=Group.SALES,
    about="What brings most, after refunds; and which services bring products with them.",
    query=query,
    figure=figure,
    chart="Services",
    summary=summary,
    draws_before=False,
    charts=(
        Chart("products", "Products", query, figure_of_products, drill),
    ),
    measures=(
        Measure("services", "Services", Unit.MONEY, "Revenue of services: after discounts, without"
                " tax, less what was given back, by the day of the visit.", better="up"),
        Measure("products", "Products", Unit.MONEY, "Revenue of products, in the same way.",
                better="up"),
        Measure("part", "Product share", Unit.PERCENT, "What products are of the revenue of both.",
                better="up"),
        Measure("margin", "Margin", Unit.MONEY, "Revenue less what the pieces had cost; services,"
                " and pieces whose cost was not known, count as if they had cost nothing.",
                better="up"),
        Measure("attach", "Bought a product too", Unit.PERCENT, "Of the orders with a service that"
                " were fulfilled, how many had a product as well; visits that no order sold are not"
                " among them.", better="up"),
    ),
    tables=(
        *named.seen_by_both(
            Table("service", "Services", all_services,
                  (Column("name", "Service", Unit.TEXT), *NUMBERS, ATTACHED),
                  sort="revenue", change="revenue", identity="item_id", drill=drill)
        ),
        *named.seen_by_both(
            Table("product", "Products", all_products,
                  (Column("name", "Product", Unit.TEXT), *NUMBERS),
                  sort="revenue", change="revenue", identity="item_id", drill=drill)
        ),
    ),
    drill=drill,
    grains=(),
    choices=(
        Choice("rank", "Rank by",
               (("revenue", "Revenue"), ("quantity", "Pieces"), ("margin", "Margin"))),
    ),
    hint="Select a bar to see the visits or orders behind it.",
    empty=Empty("Nothing has been sold in these days.", (("Open the till", "/admin/counter"),)),
)  # fmt: skip
