"""Points that came and went, and what the vendor owes for those that are still open.

Read from `point_figures`, by day and programme as the ledger of points tells it: earned and given
less spent, expired and taken back is what is open. Members by tier are those of now, counted in
`loyalty_accounts` by its index on (vendor_id, tier_id).
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select, true

from models.loyalty import LoyaltyProgram, LoyaltyTier
from models.marketing_figures import PointFigures
from models.points import LoyaltyAccount
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

_ROW = PointFigures
CHANGE: ColumnElement[Any] = (
    _ROW.earned + _ROW.given - _ROW.redeemed - _ROW.expired - _ROW.taken_back
)
"""By how much what is open changed."""
_PROGRAM = and_(
    LoyaltyProgram.vendor_id == PointFigures.vendor_id,
    LoyaltyProgram.id == PointFigures.program_id,
)
WORTH = CHANGE * LoyaltyProgram.point_value
"""The same in money, at what the programme says today that a point is worth."""


def _sums() -> list[ColumnElement[Any]]:
    return [
        named.total(_ROW.earned).label("earned"),
        named.total(_ROW.given).label("given"),
        named.total(_ROW.redeemed).label("redeemed"),
        named.total(_ROW.expired).label("expired"),
        named.total(_ROW.taken_back).label("taken_back"),
        named.total(CHANGE).label("change"),
        named.total(WORTH).label("worth"),
    ]


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `open` and `liability` are those at its end."""
    day = sources.bucket(_ROW, by)
    sums = (
        select(day, *_sums())
        .join(LoyaltyProgram, _PROGRAM)
        .where(sources.covering(_ROW, period, filters, by))
        .group_by(day)
        .subquery("sums")
    )
    days = named.calendar(period, by)
    before = (
        select(named.total(CHANGE).label("points"), named.total(WORTH).label("money"))
        .join(LoyaltyProgram, _PROGRAM)
        .where(named.earlier(_ROW, period, filters))
        .subquery("before")
    )
    flows = [
        func.coalesce(sums.c[name], 0).label(name)
        for name in ("earned", "given", "redeemed", "expired", "taken_back", "change")
    ]
    open_points = before.c.points + func.sum(func.coalesce(sums.c.change, 0)).over(
        order_by=days.c.day
    )
    money = before.c.money + func.sum(func.coalesce(sums.c.worth, 0)).over(order_by=days.c.day)
    ever = exists().where(named.up_to(_ROW, period.last, filters))
    return (
        select(days.c.day, *flows, open_points.label("open"),
               func.round(money, 2).label("liability"))
        .select_from(days)
        .outerjoin(sums, sums.c.day == days.c.day)
        .join(before, true())
        .where(ever)
        .order_by(days.c.day)
    )  # fmt: skip


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """What came and went in the period, and what was open at its end."""
    flows = (
        select(*_sums())
        .join(LoyaltyProgram, _PROGRAM)
        .where(sources.covering(_ROW, period, filters))
        .subquery("flows")
    )
    then = (
        select(
            named.total(CHANGE).label("open"),
            named.total(_ROW.waiting).label("waiting"),
            func.round(named.total(WORTH), 2).label("liability"),
        )
        .join(LoyaltyProgram, _PROGRAM)
        .where(named.up_to(_ROW, period.last, filters))
        .subquery("then")
    )
    return select(flows, then).join(then, true())


def by_program(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each programme: what came and went, and what was open at the end."""
    within = sources.covering(_ROW, period, filters)

    def of(what: Any) -> ColumnElement[Any]:
        return named.total(what, within)

    return (
        select(
            _ROW.vendor_id, _ROW.program_id, LoyaltyProgram.name, Vendor.name.label("vendor"),
            of(_ROW.earned).label("earned"), of(_ROW.given).label("given"),
            of(_ROW.redeemed).label("redeemed"), of(_ROW.expired).label("expired"),
            of(_ROW.taken_back).label("taken_back"), named.total(CHANGE).label("open"),
            func.round(named.total(WORTH), 2).label("liability"),
        )
        .join(LoyaltyProgram, _PROGRAM)
        .join(Vendor, Vendor.id == _ROW.vendor_id)
        .where(named.earlier(_ROW, period, filters) | within)
        .group_by(_ROW.vendor_id, _ROW.program_id, LoyaltyProgram.name, Vendor.name)
    )  # fmt: skip


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """What each vendor owes its customers for points."""
    each = by_program(period, filters, by).subquery("each")
    names = ("earned", "given", "redeemed", "expired", "taken_back", "open", "liability")
    return select(
        each.c.vendor_id, each.c.vendor.label("name"),
        *(func.sum(each.c[name]).label(name) for name in names),
    ).group_by(each.c.vendor_id, each.c.vendor)  # fmt: skip


def by_tier(period: Period, filters: Filters, by: Grain) -> Rows:
    """Members by the tier they have now, and the points in their hands."""
    mine = LoyaltyAccount
    sums = (
        select(
            mine.vendor_id, mine.program_id, mine.tier_id, func.count().label("members"),
            func.sum(mine.points).label("points"), func.sum(mine.pending).label("pending"),
        )
        .where(*sources.of(mine, filters))
        .group_by(mine.vendor_id, mine.program_id, mine.tier_id)
        .subquery("sums")
    )  # fmt: skip
    program = and_(
        LoyaltyProgram.vendor_id == sums.c.vendor_id, LoyaltyProgram.id == sums.c.program_id
    )
    tier = and_(LoyaltyTier.vendor_id == sums.c.vendor_id, LoyaltyTier.id == sums.c.tier_id)
    name = case((sums.c.tier_id.is_(None), "No tier"), else_=LoyaltyTier.name)
    worth = (sums.c.points + sums.c.pending) * LoyaltyProgram.point_value
    return (
        select(
            sums, name.label("name"), LoyaltyProgram.name.label("program"),
            Vendor.name.label("vendor"), func.round(worth, 2).label("worth"),
        )
        .join(Vendor, Vendor.id == sums.c.vendor_id)
        .join(LoyaltyProgram, program)
        .outerjoin(LoyaltyTier, tier)
    )  # fmt: skip


def figure(frame: Frame) -> Figure:
    """What came beside what went."""
    return figures.over_time(
        frame,
        [Series("earned", "Earned", 1), Series("redeemed", "Spent", 2),
         Series("expired", "Expired", 6)],
        unit=Unit.COUNT, stacked=False, compare="earned",
    )  # fmt: skip


def figure_of_liability(frame: Frame) -> Figure:
    """What is owed for points at the end of each day, week or month."""
    return figures.over_time(
        frame, [Series("liability", "Owed for points", 1)], unit=Unit.MONEY, lines=True,
        compare="liability",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The entries of the ledger behind a bar."""
    kinds = {
        "earned": ("earn", "pending_earn"), "redeemed": ("hold", "release", "redeem"),
        "expired": ("expire",),
    }.get(series or "", ())  # fmt: skip
    return links.records(
        "loyalty-entry", kind=kinds, at_from=[at.first], at_to=[at.last],
        vendor=filters.vendor_ids,
    )  # fmt: skip


def drill_program(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The accounts of a programme."""
    return links.records("loyalty-account", program=[row.program_id], vendor=[row.vendor_id])


def drill_tier(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The members with this tier."""
    if row.tier_id is None:
        return drill_program(row, at, filters, series)
    return links.records("loyalty-account", tier=[row.tier_id], vendor=[row.vendor_id])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The accounts of a vendor."""
    return links.records("loyalty-account", vendor=[row.vendor_id])


NUMBERS = (
    Column("earned", "Earned", Unit.COUNT),
    Column("given", "Given", Unit.COUNT),
    Column("redeemed", "Spent", Unit.COUNT),
    Column("expired", "Expired", Unit.COUNT),
    Column("taken_back", "Taken back", Unit.COUNT),
    Column("open", "Open at the end", Unit.COUNT),
    Column("liability", "Owed", Unit.MONEY, strong=True),
)

REPORT = Report(
    slug="loyalty",
    title="Loyalty points",
    group=Group.MARKETING,
    about="Points earned, spent and expired, and what is owed for those still open.",
    query=query,
    figure=figure,
    chart="Points",
    summary=summary,
    charts=(
        Chart("liability", "Owed for points", query, figure_of_liability),
    ),
    measures=(
        Measure("liability", "Owed for points", Unit.MONEY, "Points open at the end of the period,"
                " at what the programme says today that a point is worth."),
        Measure("open", "Open points", Unit.COUNT, "Points that customers can spend, or that still"
                " wait, at the end of the period; less what some owe after a return."),
        Measure("waiting", "Of these waiting", Unit.COUNT, "Points that cannot be spent before the"
                " days of return are over.", headline=False),
        Measure("earned", "Earned", Unit.COUNT, "Points for purchases, visits, birthdays; also"
                " those that wait, on the day they were earned.", better="up"),
        Measure("given", "Given", Unit.COUNT, "Points that staff gave or took, reinstated, or"
                " moved between two files of one person.", headline=False),
        Measure("redeemed", "Spent", Unit.COUNT, "Points for rewards, held or redeemed, less those"
                " that came back because the order was called off or given back.", better="up"),
        Measure("expired", "Expired", Unit.COUNT, "Points whose time was over.", better="down"),
        Measure("taken_back", "Taken back", Unit.COUNT, "Points of purchases that were given"
                " back.", headline=False),
    ),
    tables=(
        *named.seen_by_both(
            Table(
                "tier", "Tier", by_tier,
                (
                    Column("name", "Tier", Unit.TEXT),
                    Column("program", "Programme", Unit.TEXT),
                    Column("members", "Members now", Unit.COUNT, strong=True),
                    Column("share", "Share", Unit.PERCENT, part="members", of="members",
                           of_all=True, bar=True),
                    Column("points", "Points", Unit.COUNT),
                    Column("pending", "Waiting", Unit.COUNT),
                    Column("worth", "Worth", Unit.MONEY),
                ),
                sort="members", drill=drill_tier,
            )
        ),
        *named.seen_by_both(
            Table(
                "program", "Programme", by_program,
                (Column("name", "Programme", Unit.TEXT), *NUMBERS),
                sort="liability", change="liability", better=None, identity="program_id",
                drill=drill_program,
            )
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *NUMBERS),
            sort="liability", change="liability", better=None, identity="vendor_id",
            drill=drill_vendor, roles=MARKETPLACE,
        ),
        Table(
            "time", "Day", query,
            (
                Column("day", "", Unit.BUCKET), *NUMBERS[:-2],
                Column("open", "Open at the end", Unit.COUNT, total=False),
                Column("liability", "Owed", Unit.MONEY, total=False, strong=True),
            ),
            sort="day", drill=drill, rows=60,
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor"}),
    notes=(
        ("Adds up", "Open before, plus earned and given, less spent, expired and taken back, is"
         " open at the end."),
        ("Tiers", "Who has which tier is known for now only, whatever the period."),
    ),
    hint="Select a bar to see the entries behind it.",
    empty=Empty(
        "No customer has earned a point yet.",
        (("Make a programme", "/admin/loyalty-program/create"),),
    ),
)  # fmt: skip
