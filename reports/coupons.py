"""What coupons took off, who bears it, and what the orders with them came to beside all others.

Read from `coupon_figures`: by day, coupon and channel, as orders are fulfilled.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, select

from models.coupons import Coupon
from models.marketing_figures import CouponFigures
from reports import figures, links, named, sources
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
    Table,
    Unit,
)
from reports.spans import Grain

ANY = CouponFigures.coupon_id == 0
"""The rows of orders with any coupon, each order once, and of all the others."""


def _sums() -> list[ColumnElement[Any]]:
    row = CouponFigures
    orders, brought = named.total(row.orders), named.total(row.brought)
    others, rest = named.total(row.others), named.total(row.brought_by_others)
    taken, borne = named.total(row.taken_off), named.total(row.borne)
    return [
        orders.label("orders"),
        taken.label("taken_off"),
        borne.label("borne"),
        (taken - borne).label("own"),
        brought.label("brought"),
        others.label("others"),
        rest.label("brought_by_others"),
        (orders + others).label("all_orders"),
        (brought + taken).label("before_it"),
    ]


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month with an order: those with a coupon, and the others."""
    day = sources.bucket(CouponFigures, by)
    return (
        select(day, *_sums())
        .where(sources.covering(CouponFigures, period, filters, by), ANY)
        .group_by(day)
        .order_by(day)
    )


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """All of it together, with what an order came to on average."""
    sums = (
        select(*_sums()).where(sources.covering(CouponFigures, period, filters), ANY).subquery("s")
    )
    one = sums.c
    return select(
        sums,
        *_averages(sums),
        named.percent(one.orders, one.all_orders).label("share"),
        named.percent(one.taken_off, one.before_it).label("off"),
    )


def _averages(sums: Any) -> list[ColumnElement[Any]]:
    one = sums.c
    return [
        named.each(one.brought, one.orders).label("average"),
        named.each(one.brought_by_others, one.others).label("average_of_others"),
    ]


def by_coupon(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each coupon; an order with two of them is among the orders of both."""
    sums = named.sums_by(CouponFigures, ("vendor_id", "coupon_id"), _sums(), period, filters, ~ANY)
    query = named.by_item(sums, Coupon, "coupon_id", "A coupon that is gone")
    return query.add_columns(*_averages(sums))


def by_channel(period: Period, filters: Filters, by: Grain) -> Rows:
    """Orders with and without, by the channel they came by."""
    sums = named.sums_by(CouponFigures, ("channel",), _sums(), period, filters, ANY)
    return select(sums, *_averages(sums))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """What the coupons of each vendor took off, and what of it the marketplace bears."""
    sums = named.sums_by(CouponFigures, ("vendor_id",), _sums(), period, filters, ANY)
    return named.by_vendor(sums).add_columns(*_averages(sums))


def figure(frame: Frame) -> Figure:
    """Orders with a coupon stand on those without: together they are all."""
    return figures.over_time(
        frame,
        [Series("brought", "With a coupon", 1), Series("brought_by_others", "Without", 6)],
        unit=Unit.MONEY, compare="brought",
    )  # fmt: skip


def figure_of_funding(frame: Frame) -> Figure:
    """What was taken off, by who bears it."""
    return figures.over_time(
        frame, [Series("own", "Borne by the vendor", 1),
                Series("borne", "Borne by the marketplace", 3)],
        unit=Unit.MONEY, total="taken_off", compare="taken_off",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with a coupon that were handed over then, or those without."""
    return links.orders(at, filters, coupons=["none" if series == "brought_by_others" else "used"])


def drill_coupon(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with this coupon."""
    return links.orders(at, filters, coupon=[row.coupon_id], vendor=[row.vendor_id])


def drill_channel(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders with a coupon that came by this channel."""
    return links.orders(at, filters, coupons=["used"], channel=[row.channel])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """This vendor's orders with a coupon."""
    return links.orders(at, filters, coupons=["used"], vendor=[row.vendor_id])


NUMBERS = (
    Column("orders", "Orders", Unit.COUNT),
    Column("taken_off", "Taken off", Unit.MONEY, strong=True),
    Column("borne", "By the marketplace", Unit.MONEY),
    Column("brought", "Orders came to", Unit.MONEY),
    Column("off", "Taken off, share", Unit.PERCENT, part="taken_off", of="before_it"),
    Column("average", "An order", Unit.MONEY, total=False),
)
EACH = tuple(
    replace(one, total=one.total and one.key not in ("orders", "brought", "off")) for one in NUMBERS
)
"""The same of each coupon: orders with two of them would count twice in a sum."""
BESIDE = (
    Column("others", "Orders without", Unit.COUNT),
    Column("average_of_others", "An order without", Unit.MONEY, total=False),
    Column("share", "With a coupon", Unit.PERCENT, part="orders", of="all_orders", bar=True),
)

CHANNELS = Table(
    "channel", "Channel", by_channel,
    (Column("channel", "Channel", Unit.CHANNEL), *NUMBERS, *BESIDE), sort="taken_off",
    change="taken_off", better=None, identity="channel", drill=drill_channel,
)  # fmt: skip

REPORT = Report(
    slug="coupons",
    title="Coupons",
    group=Group.MARKETING,
    about="What coupons took off, who bears it, and what orders with them came to.",
    query=query,
    figure=figure,
    chart="What orders came to",
    summary=summary,
    charts=(
        Chart("funding", "Taken off, by who bears it", query, figure_of_funding, drill),
    ),
    measures=(
        Measure("orders", "Orders with a coupon", Unit.COUNT, "Orders that used at least one"
                " coupon, on the day they were fulfilled. Money given back later changes none of"
                " these figures.", better="up"),
        Measure("taken_off", "Taken off", Unit.MONEY, "What coupons took off these orders."),
        Measure("borne", "Borne by the marketplace", Unit.MONEY, "The part of it that the"
                " marketplace pays for; the vendor bears the rest."),
        Measure("brought", "With a coupon", Unit.MONEY, "What orders with a coupon came to, after"
                " it, with tax.", better="up"),
        Measure("brought_by_others", "Without", Unit.MONEY, "What all other orders came to, with"
                " tax. The two together are all orders that were fulfilled.", headline=False),
        Measure("average", "An order with one", Unit.MONEY, "What an order with a coupon came to"
                " on average.", better="up"),
        Measure("average_of_others", "An order without", Unit.MONEY, "What an order without a"
                " coupon came to on average."),
        Measure("share", "Orders with one", Unit.PERCENT, "The share of all fulfilled orders that"
                " used a coupon.", headline=False),
        Measure("off", "Taken off, share", Unit.PERCENT, "What was taken off, as a share of what"
                " the orders would have come to with tax. Where prices are without tax, so is what"
                " was taken off, and the share is a little low.", headline=False),
    ),
    tables=(
        *named.seen_by_both(
            named.table_of("coupon", "Coupon", by_coupon, EACH, drill_coupon, sort="taken_off")
        ),
        CHANNELS,
        named.of_vendors(CHANNELS, by_vendor, drill_vendor),
        named.over_time(
            query,
            (
                Column("orders", "Orders", Unit.COUNT),
                Column("taken_off", "Taken off", Unit.MONEY, strong=True),
                Column("borne", "By the marketplace", Unit.MONEY),
                Column("brought", "Orders came to", Unit.MONEY),
                Column("others", "Orders without", Unit.COUNT),
                Column("brought_by_others", "These came to", Unit.MONEY),
            ),
            drill,
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor", "channel"}),
    notes=(
        ("Two coupons on one order", "Each has what it took off; the order is counted with both,"
         " and once among all."),
    ),
    hint="Select a bar to see the orders behind it.",
    empty=Empty(
        "No order has been fulfilled in these days.",
        (("Make a coupon", "/admin/coupon/create"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
