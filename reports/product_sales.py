"""What products brought: pieces, money before and after discounts and refunds, and what is left.

Read from the roll-ups of sales (`models.figures`): by item only where items are asked for.
"""

from typing import Any

from sqlalchemy import ColumnElement, select

from models.figures import SaleFigures
from models.orders import LineKind
from models.products import Product
from reports import figures, links, named, sources
from reports.figures import Series
from reports.named import Rows
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


def _sums(table: Any) -> list[ColumnElement[Any]]:
    revenue = named.total(table.net - table.refunded)
    return [
        named.total(table.quantity).label("quantity"),
        named.total(table.gross).label("gross"),
        named.total(table.discount).label("discount"),
        named.total(table.refunded).label("refunded"),
        named.total(table.returned).label("returned"),
        revenue.label("revenue"),
        named.total(table.cost).label("cost"),
        (revenue - named.total(table.cost)).label("margin"),
    ]


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month on which products were sold or given back."""
    sale = sources.summed(SaleFigures, filters)
    day = sources.bucket(sale, by)
    return (
        select(day, *_sums(sale))
        .where(sources.covering(sale, period, filters, by), _products(sale))
        .group_by(day)
        .order_by(day)
    )


def _products(table: Any) -> ColumnElement[bool]:
    where: ColumnElement[bool] = table.kind == LineKind.PRODUCT.value
    return where


def by_product(period: Period, filters: Filters, by: Grain) -> Rows:
    """What each product brought."""
    return named.by_item(
        named.sums_of_items(
            ("vendor_id", "item_id"), _sums, period, filters, (LineKind.PRODUCT.value,)
        ),
        Product,
    )


def _by(sale: Any, key: str, period: Period, filters: Filters) -> Any:
    return named.sums_by(sale, (key,), _sums(sale), period, filters, _products(sale))


def by_category(period: Period, filters: Filters, by: Grain) -> Rows:
    """What the products of each category brought."""
    return named.by_category(
        _by(sources.summed(SaleFigures, filters), "category_id", period, filters)
    )


def by_channel(period: Period, filters: Filters, by: Grain) -> Rows:
    """What was bought by each channel."""
    return select(_by(sources.summed(SaleFigures, filters), "channel", period, filters))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """What the products of each vendor brought."""
    return named.by_vendor(_by(SaleFigures, "vendor_id", period, filters))


def figure(frame: Frame) -> Figure:
    """Margin and cost stand on each other: together they are the revenue."""
    return figures.over_time(
        frame, [Series("margin", "Margin", 2), Series("cost", "Cost", 6)], unit=Unit.MONEY,
        compare="revenue", total="revenue",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with products that were handed over then."""
    return links.orders(at, filters, sold=["product"])


def drill_product(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with this product."""
    return links.orders(at, filters, item=[f"product:{row.item_id}"], vendor=[row.vendor_id])


def drill_category(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with products of this category itself."""
    if not row.category_id:
        return None
    return links.orders(at, filters, sold=["product"], category=[links.only(row.category_id)])


def drill_channel(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with products that came by this channel."""
    return links.orders(at, filters, sold=["product"], channel=[row.channel])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """This vendor's orders with products."""
    return links.orders(at, filters, sold=["product"], vendor=[row.vendor_id])


NUMBERS = (
    Column("quantity", "Pieces", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY, strong=True),
    Column("discount", "Discounts", Unit.MONEY),
    Column("refunded", "Given back", Unit.MONEY),
    Column("returned", "Returned", Unit.COUNT),
    Column("margin", "Margin", Unit.MONEY),
    Column("rate", "Margin rate", Unit.PERCENT, part="margin", of="revenue"),
    Column("share", "Share", Unit.PERCENT, part="revenue", of="revenue", of_all=True, bar=True),
)

REPORT = Report(
    slug="product-sales",
    title="Product sales",
    group=Group.SALES,
    about="What products brought, what was taken off or given back, and what is left after cost.",
    query=query,
    figure=figure,
    chart="Revenue of products",
    measures=(
        Measure(
            "revenue", "Revenue", Unit.MONEY,
            "What products brought, after discounts, without tax, less what was given back for"
            " them on the day it was given back.",
            better="up",
        ),
        Measure("quantity", "Pieces", Unit.COUNT, "Pieces of products in orders that were"
                " fulfilled, on that day.", better="up"),
        Measure("discount", "Discounts", Unit.MONEY, "What coupons, memberships and staff took off"
                " the price, without tax.", better="down"),
        Measure("refunded", "Given back", Unit.MONEY, "Money given back for products, without tax,"
                " on the day it was given back.", better="down"),
        Measure("returned", "Returned", Unit.COUNT, "Pieces that came back.", better="down",
                headline=False),
        Measure(
            "margin", "Margin", Unit.MONEY,
            "Revenue less what the pieces had cost when they were sold. A piece whose cost was not"
            " known counts as if it had cost nothing.",
            better="up",
        ),
        Measure("rate", "Margin rate", Unit.PERCENT, "Margin as a share of revenue.", better="up",
                part="margin", of="revenue"),
    ),
    tables=(
        *named.seen_by_both(
            Table(
                "product", "Product", by_product,
                (Column("name", "Product", Unit.TEXT), *NUMBERS),
                sort="revenue", change="revenue", identity="item_id", drill=drill_product,
            )
        ),
        Table(
            "category", "Category", by_category,
            (Column("name", "Category", Unit.TEXT), *NUMBERS),
            sort="revenue", change="revenue", identity="category_id", drill=drill_category,
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Channel", Unit.CHANNEL), *NUMBERS),
            sort="revenue", change="revenue", identity="channel", drill=drill_channel,
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *NUMBERS),
            sort="revenue", change="revenue", identity="vendor_id", drill=drill_vendor,
            roles=MARKETPLACE,
        ),
        Table(
            "time", "Day", query, (Column("day", "", Unit.BUCKET), *NUMBERS[:-1]), sort="day",
            drill=drill, rows=60,
        ),
    ),
    drill=drill,
    hint="Select a bar to see the orders behind it. Cost and margin together are the revenue.",
    empty=Empty(
        "No product has been sold in these days.",
        (("Open the till", "/admin/counter"), ("See what is offered", "/admin/product/list")),
    ),
)  # fmt: skip
