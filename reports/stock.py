"""What lies in stock, what it cost, how long it will last, and what does not move.

How things stand now. Read from the variants themselves (`on_hand` is the sum of the ledger; there
are a few hundred of them a vendor, which no roll-up would make fewer) and, for what was sold in
the last 90 days, from the roll-up of items, which knows products and not their variants.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select

from models.orders import LineKind
from models.products import Product, Variant
from models.vendors import Vendor
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
from reports.spans import DAY, Grain

DAYS = 90
"""Sales of so many days say how long stock lasts, and whether it moves at all."""


def products(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each product with stock, or that runs low: pieces, money at cost and at price, cover."""
    stock, sold = _stock(filters), _sold(period, filters)
    same = and_(sold.c.vendor_id == stock.c.vendor_id, sold.c.item_id == stock.c.product_id)
    pieces = func.coalesce(sold.c.pieces, 0)
    dead = and_(stock.c.on_hand > 0, pieces <= 0)
    return (
        select(
            stock, Vendor.name.label("vendor"), pieces.label("sold"),
            func.round(stock.c.on_hand * DAYS / func.nullif(func.greatest(pieces, 0), 0), 0)
            .label("cover"),
            case((dead, stock.c.on_hand), else_=0).label("dead"),
            case((dead, stock.c.value), else_=0).label("dead_value"),
        )
        .join(Vendor, Vendor.id == stock.c.vendor_id)
        .outerjoin(sold, same)
    )  # fmt: skip


def _stock(filters: Filters) -> FromClause:
    one = Variant
    low = and_(one.is_active, one.on_hand - one.reserved <= one.low_stock)
    category = func.coalesce(Product.category_id, 0)
    mine = [Product.category_id.in_(filters.category_ids)] if filters.category_ids else []
    return (
        select(
            one.vendor_id, one.product_id, Product.name, category.label("category_id"),
            func.sum(one.on_hand).label("on_hand"), func.sum(one.reserved).label("reserved"),
            named.total(one.on_hand * func.coalesce(one.cost, 0)).label("value"),
            named.total(one.on_hand * one.price).label("price"),
            named.total(one.on_hand, one.cost.is_(None)).label("uncosted"),
            func.count().filter(low).label("low"),
        )
        .join(Product, and_(Product.vendor_id == one.vendor_id, Product.id == one.product_id))
        .where(one.tracks_stock, *sources.of(one, filters), *mine)
        .group_by(one.vendor_id, one.product_id, Product.name, category)
        .subquery("stock")
    )  # fmt: skip


def _sold(period: Period, filters: Filters) -> FromClause:
    days = Period(period.last - (DAYS - 1) * DAY, period.last)
    whose = Filters(vendor_ids=filters.vendor_ids)
    return named.sums_of_items(
        ("vendor_id", "item_id"),
        lambda item: [named.total(item.quantity - item.returned).label("pieces")],
        days, whose, (LineKind.PRODUCT.value,),
    )  # fmt: skip


def _cover(total: Callable[[str], Any]) -> Any:
    """How many days the pieces on hand last, of sums that are asked for by their names."""
    sold = func.nullif(func.greatest(total("sold"), 0), 0)
    return func.round(total("on_hand") * DAYS / sold, 0)


def _together(each: Any) -> list[ColumnElement[Any]]:
    one = each.c
    return [
        named.total(one.on_hand).label("on_hand"),
        named.total(one.value).label("value"),
        named.total(one.price).label("price"),
        named.total(one.uncosted).label("uncosted"),
        named.total(one.sold).label("sold"),
        _cover(lambda name: named.total(one[name])).label("cover"),
        named.total(one.low).label("low"),
        named.total(one.dead).label("dead"),
        named.total(one.dead_value).label("dead_value"),
        (named.total(one.value) - named.total(one.dead_value)).label("moving_value"),
    ]


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each category that has stock, the dearest first."""
    each = products(period, filters, by).subquery("each")
    sums = (
        select(each.c.category_id, *_together(each)).group_by(each.c.category_id).subquery("sums")
    )
    return named.by_category(sums).order_by(sums.c.value.desc(), sums.c.category_id)


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """The stock of each vendor."""
    each = products(period, filters, by).subquery("each")
    return select(each.c.vendor_id, each.c.vendor.label("name"), *_together(each)).group_by(
        each.c.vendor_id, each.c.vendor
    )


def dead(period: Period, filters: Filters, by: Grain) -> Rows:
    """Products that lie there and of which none was sold."""
    each = products(period, filters, by).subquery("each")
    return select(each).where(each.c.dead > 0)


def low(period: Period, filters: Filters, by: Grain) -> Rows:
    """Variants of which too few are left, by the vendor's own limit."""
    one = Variant
    mine = [Product.category_id.in_(filters.category_ids)] if filters.category_ids else []
    name = case((one.option.is_(None), Product.name), else_=Product.name + ", " + one.option)
    return (
        select(
            one.vendor_id, one.id.label("variant_id"), name.label("name"), one.sku,
            Vendor.name.label("vendor"), one.on_hand, one.reserved,
            (one.on_hand - one.reserved).label("available"), one.low_stock,
            (one.low_stock - one.on_hand + one.reserved).label("missing"),
        )
        .join(Product, and_(Product.vendor_id == one.vendor_id, Product.id == one.product_id))
        .join(Vendor, Vendor.id == one.vendor_id)
        .where(
            one.tracks_stock, one.is_active, one.on_hand - one.reserved <= one.low_stock,
            *sources.of(one, filters), *mine,
        )
    )  # fmt: skip


def figure(frame: Frame) -> Figure:
    """What stock cost by category, of it what does not move."""
    return figures.ranked(
        frame, "name", [Series("moving_value", "Moving", 2), Series("dead_value", "Not moving", 6)],
        unit=Unit.MONEY,
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The stock of this category itself; what has none cannot be asked for."""
    if not row.category_id:
        return None
    return links.records("variant", category=[links.only(row.category_id)], vendor=filters.vendors)


def drill_product(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The variants of this product."""
    return links.records("variant", product=[row.product_id], vendor=[row.vendor_id])


def drill_variant(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """What came and went of this variant."""
    return links.record("variant", row.variant_id)


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The stock of this vendor."""
    return links.records("variant", category=filters.categories, vendor=[row.vendor_id])


NUMBERS = (
    Column("on_hand", "Pieces", Unit.COUNT),
    Column("value", "At cost", Unit.MONEY, strong=True),
    Column("share", "Share", Unit.PERCENT, part="value", of="value", of_all=True, bar=True),
    Column("price", "At price", Unit.MONEY),
    Column("sold", "Sold in 90 days", Unit.COUNT),
    Column("cover", "Lasts", Unit.DAYS, total=False),
)
SUMS = (
    *NUMBERS,
    Column("dead_value", "Not moving", Unit.MONEY),
    Column("low", "Running low", Unit.COUNT),
)

REPORT = Report(
    slug="stock",
    title="Stock",
    group=Group.STOCK,
    about="What lies in stock, what it cost, how long it will last, and what does not move.",
    query=query,
    figure=figure,
    chart="Stock at cost, by category",
    measures=(
        Measure("value", "At cost", Unit.MONEY, "Pieces on hand at what a piece costs today. Pieces"
                " whose cost is not known count as if they cost nothing."),
        Measure("uncosted", "Without a cost", Unit.COUNT, "Pieces on hand whose cost is not"
                " known.", headline=False),
        Measure("price", "At price", Unit.MONEY, "The same pieces at their price.",
                headline=False),
        Measure("on_hand", "Pieces", Unit.COUNT, "Pieces on hand, those promised among them."),
        Measure("sold", "Sold in 90 days", Unit.COUNT, "Pieces sold in the last 90 days, today"
                " included, less those that came back.", better="up", headline=False),
        Measure("cover", "Lasts", Unit.DAYS, "For how many days the pieces on hand last if they are"
                " sold as they were in the last 90 days.", of_sums=_cover),
        Measure("dead_value", "Not moving", Unit.MONEY, "What the stock cost of products of which"
                " none was sold in 90 days.", better="down"),
        Measure("dead", "Pieces not moving", Unit.COUNT, "The pieces of these.", headline=False),
        Measure("low", "Running low", Unit.COUNT, "Variants of which no more can be promised than"
                " the vendor's own limit.", better="down"),
    ),
    tables=(
        *named.seen_by_both(
            Table("product", "Product", products, (Column("name", "Product", Unit.TEXT), *NUMBERS),
                  sort="value", drill=drill_product)
        ),
        *named.seen_by_both(
            Table(
                "dead", "Not moving", dead,
                (
                    Column("name", "Product", Unit.TEXT),
                    Column("on_hand", "Pieces", Unit.COUNT),
                    Column("value", "At cost", Unit.MONEY, strong=True),
                    Column("price", "At price", Unit.MONEY),
                ),
                sort="value", drill=drill_product,
            )
        ),
        *named.seen_by_both(
            Table(
                "low", "Running low", low,
                (
                    Column("name", "Variant", Unit.TEXT),
                    Column("available", "To be had", Unit.COUNT, total=False),
                    Column("on_hand", "On hand", Unit.COUNT, total=False),
                    Column("reserved", "Promised", Unit.COUNT, total=False),
                    Column("low_stock", "Limit", Unit.COUNT, total=False),
                    Column("missing", "Below the limit", Unit.COUNT, strong=True, total=False),
                ),
                sort="missing", drill=drill_variant,
            )
        ),
        Table(
            "category", "Category", query, (Column("name", "Category", Unit.TEXT), *SUMS),
            sort="value", drill=drill,
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *SUMS),
            sort="value", drill=drill_vendor, roles=MARKETPLACE,
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor", "category"}),
    grains=(),
    periods=(),
    own_dates=False,
    compares=False,
    hint="Select a bar to see the stock behind it.",
    empty=Empty(
        "No stock is counted yet.",
        (("Add a product", "/admin/product/create"), ("Import what you have", "/admin/imports")),
    ),
)  # fmt: skip
