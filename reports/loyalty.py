"""Points that came and went, and what the vendor owes for those that are still open.

Read from `point_figures`, by day and programme as the ledger of points tells it: earned and given
less spent, expired and taken back is what is open. Members by tier are those of now, counted in
`loyalty_accounts` by its index on (vendor_id, tier_id).
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from models.loyalty import LoyaltyProgram, LoyaltyTier
from models.marketing_figures import PointFigures
from models.points import LoyaltyAccount
from models.vendors import Vendor
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

_ROW = PointFigures
FLOWS = ("earned", "given", "redeemed", "expired", "taken_back")
CHANGE: ColumnElement[Any] = (
    _ROW.earned + _ROW.given - _ROW.redeemed - _ROW.expired - _ROW.taken_back
)
"""By how much what is open changed."""
LEDGER = named.Ledger(
    _ROW, "program_id", LoyaltyProgram,
    flows={**{name: getattr(_ROW, name) for name in FLOWS}, "change": CHANGE},
    kept={
        "open": CHANGE, "waiting": _ROW.waiting,
        # at what the programme says today that a point is worth
        "exactly": CHANGE * LoyaltyProgram.point_value,
    },
    priced=True,
)  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `open` and `liability` are those at its end."""
    rows = LEDGER.over_time(period, filters, by).subquery("rows")
    flows = (rows.c[name] for name in ("day", *LEDGER.flows, "open"))
    return select(*flows, _owed(rows.c.exactly)).order_by(rows.c.day)


def _owed(exactly: Any) -> ColumnElement[Any]:
    return func.round(exactly, 2).label("liability")


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """What came and went in the period, and what was open at its end."""
    each = LEDGER.of_each(period, filters).subquery("each")
    names = (*LEDGER.flows, "open", "waiting")
    return select(*named.together(each, names), _owed(named.total(each.c.exactly)))


def by_program(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each programme: what came and went, and what was open at the end."""
    each = LEDGER.of_each(period, filters).subquery("each")
    return select(each, _owed(each.c.exactly))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """What each vendor owes its customers for points."""
    each = by_program(period, filters, by).subquery("each")
    return named.by_vendor_of(each, (*FLOWS, "open", "liability"))


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
    return links.of_days("loyalty-entry", "at", at, kind=kinds, vendor=filters.vendor_ids)


def drill_program(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The accounts of a programme."""
    return links.records("loyalty-account", program=[row.program_id], vendor=[row.vendor_id])


def drill_tier(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The members with this tier, or with none."""
    if row.tier_id is None:
        whose = {"program": [row.program_id], "vendor": [row.vendor_id]}
        return links.records("loyalty-account", **whose, tiers=["none"])
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

PROGRAMS = named.table_of(
    "program", "Programme", by_program, NUMBERS, drill_program, sort="liability"
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
        *named.seen_by_both(PROGRAMS),
        named.of_vendors(PROGRAMS, by_vendor, drill_vendor),
        named.over_time(query, NUMBERS, drill, at_end=("open", "liability")),
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
