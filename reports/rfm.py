"""Customers in eleven groups by recency, frequency and money, and who went from which to which.

From `score_figures` (of all vendors: `market_score_figures`) and `segment_moves`: each month as it
ended, this one as of last night. Of several vendors the groups are added up: a customer is ranked
among those of the same vendor.
"""

from typing import Any

from sqlalchemy import Select, case, func, select

from models.scores import (
    RFM_NAMES,
    MarketScoreFigure,
    RfmSegment,
    ScoreFigure,
    SegmentMove,
)
from reports import figures, links
from reports.cohorts import today_of, whose
from reports.figures import Series
from reports.privacy import SMALL_GROUPS, without_few
from reports.report import (
    Chart,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Grid,
    Group,
    Measure,
    OfSums,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain, beginning

FEWEST = 10
"""Of fewer customers nothing that is expected is told."""
RANKS = {group.value: place for place, group in enumerate(RfmSegment, 1)}
BEST = (RfmSegment.CHAMPIONS, RfmSegment.LOYAL)
SLIPPING = (
    RfmSegment.ATTENTION, RfmSegment.SLEEPY, RfmSegment.AT_RISK, RfmSegment.CANT_LOSE,
)  # fmt: skip


def named(column: Any) -> Any:
    """The name of a group."""
    return case({"none": "Not yet here", **RFM_NAMES}, value=column, else_=column)


def ranked(column: Any) -> Any:
    """The place of a group, the best first; who was not here yet comes last."""
    return case(RANKS, value=column, else_=len(RANKS) + 1)


def source(filters: Filters) -> Any:
    """The vendor's own groups, or those of the marketplace where no vendor is chosen."""
    return ScoreFigure if filters.vendor_ids else MarketScoreFigure


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each group, as it stood at the end of the period."""
    told = _groups(period, filters).subquery("told").c
    kept = [column for column in told if column.key not in ("valued", "value")]
    value = of_ten("value")(told.__getitem__).label("value_12m")
    return select(*kept, value).order_by(told.rank)


def by_group(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same with what the expected value is worked out of, for the sum of all groups."""
    return _groups(period, filters)


def of_ten(name: str) -> OfSums:
    """A sum of what is expected of customers, if it is of ten at least, whose number is `valued`.

    All rows together tell of those with fewer as well.
    """
    return lambda total: case((total("valued") >= FEWEST, total(name)))


def _groups(period: Period, filters: Filters) -> Select[*tuple[Any, ...]]:
    table = source(filters)
    customers = func.sum(table.customers)
    rows = (
        select(
            named(table.segment).label("name"), table.segment, customers.label("customers"),
            func.sum(table.revenue).label("revenue"),
            (func.sum(table.revenue) / customers).label("each"),
            (1.0 * func.sum(table.days) / customers).label("purchases"),
            (1.0 * func.sum(table.recency_days) / customers).label("recency"),
            func.sum(table.valued).label("valued"), func.sum(table.value_12m).label("value"),
            func.max(table.as_of).label("as_of"),
            ranked(table.segment).label("rank"),
            _of(table, customers, BEST).label("best"),
            _of(table, customers, SLIPPING).label("slipping"),
        )
        .where(table.month == month_of(period), *whose(table, filters))
        .group_by(table.segment)
        .having(customers > 0)
        .subquery("groups")
    )  # fmt: skip
    return without_few(rows)


def _of(table: Any, customers: Any, groups: tuple[RfmSegment, ...]) -> Any:
    return case((table.segment.in_([g.value for g in groups]), customers), else_=0)


def month_of(period: Period) -> Any:
    """The month in which the period ends."""
    return beginning(period.last, Grain.MONTH)


def moves(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """From which group to which customers went in the last month of the period."""
    table = SegmentMove
    customers = func.sum(table.customers)
    rows = (
        select(
            named(table.was).label("was"), named(table.became).label("became"),
            customers.label("customers"), ranked(table.was).label("rank"),
            ranked(table.became).label("place"), table.became.label("segment"),
        )
        .where(table.month == month_of(period), *whose(table, filters))
        .group_by(table.was, table.became)
        .having(customers > 0)
        .subquery("moves")
    )  # fmt: skip
    told = without_few(rows).subquery("shown")
    size = func.sum(told.c.customers).over(partition_by=told.c.was)
    return select(told, size.label("size"))


def months(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """How many the best, the slipping and all customers were, at the end of each month."""
    table, first = source(filters), beginning(period.first, Grain.MONTH)
    groups = (
        select(
            table.month.label("day"), table.segment, func.sum(table.customers).label("customers")
        )
        .where(table.month >= first, table.month <= month_of(period), *whose(table, filters))
        .group_by(table.month, table.segment)
        .having(func.sum(table.customers) > 0)
        .subquery("groups")
    )
    told = without_few(groups, within="day").subquery("told").c

    def those(groups: tuple[RfmSegment, ...]) -> Any:
        of_these = told.segment.in_([group.value for group in groups])
        return func.coalesce(func.sum(told.customers).filter(of_these), 0)

    return (
        select(
            told.day, func.sum(told.customers).label("customers"), those(BEST).label("best"),
            those(SLIPPING).label("slipping"),
        )
        .group_by(told.day)
        .order_by(told.day)
    )  # fmt: skip


def figure(frame: Frame) -> Figure:
    """The groups, the best first."""
    return figures.ranked(frame, "name", [Series("customers", "Customers")], unit=Unit.COUNT)


def over_months(frame: Frame) -> Figure:
    """The best and the slipping, month by month."""
    return figures.curve(
        frame, "day", [Series("best", "Champions and loyal"), Series("slipping", "Slipping away")],
        unit=Unit.COUNT, say=lambda day: f"{day:%b %Y}",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Who is in a group now; who was in one when a month ended, no list tells."""
    segment = getattr(row, "segment", None)
    if not segment or month_of(at) < beginning(today_of(at), Grain.MONTH):
        return None
    return links.first_bought(filters, group=[segment])


REPORT = Report(
    slug="rfm",
    title="Customer groups (RFM)",
    group=Group.RETENTION,
    about="Customers by how recently, how often and for how much they buy, and how that changes.",
    query=query,
    figure=figure,
    chart="Customers by group",
    measures=(
        Measure("customers", "Customers", Unit.COUNT,
                "Who has bought at least once, and is neither archived nor forgotten.",
                better="up"),
        Measure("best_rate", "Champions and loyal", Unit.PERCENT,
                "The share of customers who buy often and came lately.", better="up",
                part="best", of="customers"),
        Measure(
            "slipping_rate", "Slipping away", Unit.PERCENT,
            "The share of those who need attention, are about to sleep, at risk, or not to be"
            " lost: good customers who stay away.", better="down", part="slipping", of="customers",
        ),
        Measure("revenue", "Revenue so far", Unit.MONEY,
                "All they ever brought, without tax and less what was given back.", better="up"),
        Measure("value_12m", "Expected in 12 months", Unit.MONEY,
                "What they are expected to bring, as the report on lifetime value says; of fewer"
                " than ten customers it is not told.",
                headline=False),
    ),
    tables=(
        Table(
            "group", "Group", by_group,
            (
                Column("name", "Group", Unit.TEXT),
                Column("customers", "Customers", Unit.COUNT, strong=True),
                Column("share", "Share", Unit.PERCENT, part="customers", of="customers",
                       of_all=True, bar=True),
                Column("revenue", "Revenue so far", Unit.MONEY),
                Column("part", "Of it", Unit.PERCENT, part="revenue", of="revenue", of_all=True),
                Column("each", "Each", Unit.MONEY, total=False),
                Column("purchases", "Purchases", Unit.NUMBER, total=False),
                Column("recency", "Days since the last", Unit.DAYS, total=False),
                Column("value_12m", "Next 12 months", Unit.MONEY, of_sums=of_ten("value")),
            ),
            sort="customers", change="customers", identity="segment", drill=drill,
        ),
        Table(
            "moves", "Moves", moves,
            (
                Column("was", "Was", Unit.TEXT),
                Column("customers", "Customers", Unit.COUNT),
                Column("rank", "Place", Unit.COUNT),
            ),
            sort="rank", ascending=True,
            grid=Grid(
                "became", "customers", "From a month ago to now", size="size", order="place"
            ),
        ),
        Table(
            "months", "Month", months,
            (
                Column("day", "Month", Unit.MONTH),
                Column("best", "Champions and loyal", Unit.COUNT, total=False),
                Column("slipping", "Slipping away", Unit.COUNT, total=False),
                Column("customers", "Customers", Unit.COUNT, strong=True, total=False),
            ),
            sort="day",
        ),
    ),
    charts=(
        Chart("months", "Month by month", months, over_months, compares=False,
              hint="Each month as it ended; this one as of last night."),
    ),
    drill=drill,
    grains=(),
    periods=("month", "year", "12m", "24m"),
    period="12m",
    notes=(
        ("Quintiles", "Customers are ranked by the last purchase, the days with one, and all they"
         " brought, and each rank is cut in five; who is equal is told apart by the other two."),
        ("Groups", "Read off recency and the mean of frequency and money, as shops know them."),
        ("Month", "Groups are those at the end of the last month of the period; this month's are of"
         " last night."),
        ("Vendors", "Everybody is ranked among customers of the same vendor, who has ten or more."),
        ("Channel and category", "Those of the first purchase."),
        SMALL_GROUPS,
    ),
    hint="Select a group to see its customers.",
    empty=Empty(
        "There are no groups yet: they need ten customers who have bought, and a night.",
        (("See your customers", "/admin/customer/list"),),
    ),
)  # fmt: skip
