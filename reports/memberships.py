"""How memberships grow: who joined, who left, what they bring, and how many stay.

Read from `membership_figures` (what began and ended, by day, plan and channel; how many there are
is the sum of all days before) and from the roll-up of sold items for the money.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, func, select, true

from models.figures import ItemFigures, SaleFigures
from models.marketing_figures import MembershipFigures
from models.memberships import MembershipPlan
from models.memberships import Period as Renewed
from models.orders import LineKind
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

_ROW = MembershipFigures
CHANGE: ColumnElement[Any] = _ROW.joined - _ROW.ended
_PAID = ItemFigures.kind == LineKind.MEMBERSHIP.value
REVENUE = ItemFigures.net - ItemFigures.refunded


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `opening` before it and `running` at its end."""
    days, changes = named.calendar(period, by), _changes(period, filters, by)
    paid = _paid(period, filters, by)
    before = (
        select(named.total(CHANGE).label("running"))
        .where(named.earlier(_ROW, period, filters))
        .subquery("before")
    )
    joined = func.coalesce(changes.c.joined, 0)
    ended = func.coalesce(changes.c.ended, 0)
    at_end = before.c.running + func.sum(joined - ended).over(order_by=days.c.day)
    rows = (
        select(
            days.c.day, joined.label("joined"), ended.label("ended"),
            (joined - ended).label("net"), (at_end - joined + ended).label("opening"),
            at_end.label("running"), func.coalesce(paid.c.revenue, 0).label("revenue"),
        )
        .select_from(days)
        .outerjoin(changes, changes.c.day == days.c.day)
        .outerjoin(paid, paid.c.day == days.c.day)
        .join(before, true())
        .where(exists().where(named.up_to(_ROW, period.last, filters)))
        .subquery("rows")
    )  # fmt: skip
    return select(rows, named.percent(rows.c.ended, rows.c.opening).label("churn")).order_by(
        rows.c.day
    )


def _changes(period: Period, filters: Filters, by: Grain) -> FromClause:
    day = sources.bucket(_ROW, by)
    return (
        select(
            day, named.total(_ROW.joined).label("joined"), named.total(_ROW.ended).label("ended")
        )
        .where(sources.covering(_ROW, period, filters, by))
        .group_by(day)
        .subquery("changes")
    )


def _paid(period: Period, filters: Filters, by: Grain) -> FromClause:
    sale = sources.summed(SaleFigures, filters)
    day = sources.bucket(sale, by)
    return (
        select(day, named.total(sale.net - sale.refunded).label("revenue"))
        .where(
            sources.covering(sale, period, filters, by),
            sale.kind == LineKind.MEMBERSHIP.value,
        )
        .group_by(day)
        .subquery("paid")
    )


def by_plan(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each plan: who joined and left in the period, how many it had before and at the end."""
    within = sources.covering(_ROW, period, filters)
    sums = (
        select(
            _ROW.vendor_id, _ROW.plan_id,
            named.total(_ROW.joined, within).label("joined"),
            named.total(_ROW.ended, within).label("ended"),
            named.total(CHANGE).label("running"),
            (named.total(CHANGE) - named.total(CHANGE, within)).label("opening"),
        )
        .where(named.earlier(_ROW, period, filters) | within)
        .group_by(_ROW.vendor_id, _ROW.plan_id)
        .subquery("sums")
    )  # fmt: skip
    paid = (
        select(ItemFigures.vendor_id, ItemFigures.item_id, named.total(REVENUE).label("revenue"))
        .where(sources.covering(ItemFigures, period, filters), _PAID)
        .group_by(ItemFigures.vendor_id, ItemFigures.item_id)
        .subquery("paid")
    )
    same = and_(MembershipPlan.vendor_id == sums.c.vendor_id, MembershipPlan.id == sums.c.plan_id)
    of_plan = and_(paid.c.vendor_id == sums.c.vendor_id, paid.c.item_id == sums.c.plan_id)
    monthly = func.round(sums.c.running * MembershipPlan.price * _in_a_year() / 12, 2)
    return (
        select(
            sums, MembershipPlan.name, Vendor.name.label("vendor"),
            (sums.c.joined - sums.c.ended).label("net"),
            func.coalesce(paid.c.revenue, 0).label("revenue"), monthly.label("monthly"),
        )
        .join(MembershipPlan, same)
        .join(Vendor, Vendor.id == sums.c.vendor_id)
        .outerjoin(paid, of_plan)
    )  # fmt: skip


def _in_a_year() -> ColumnElement[Any]:
    """How often a plan is renewed in a year."""
    return case(
        (MembershipPlan.period == Renewed.WEEK, 52),
        (MembershipPlan.period == Renewed.YEAR, 1),
        else_=12,
    )


NAMES = ("joined", "ended", "net", "opening", "running", "revenue", "monthly")


def _together(each: FromClause, but: str = "") -> list[ColumnElement[Any]]:
    return [named.total(each.c[name]).label(name) for name in NAMES if name != but]


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """All plans together."""
    each = by_plan(period, filters, by).subquery("each")
    sums = select(*_together(each, "revenue")).subquery("sums")
    revenue = named.brought(LineKind.MEMBERSHIP.value, period, filters)
    return select(
        sums, revenue.label("revenue"), named.percent(sums.c.ended, sums.c.opening).label("churn")
    )


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """All plans of each vendor."""
    each = by_plan(period, filters, by).subquery("each")
    return select(each.c.vendor_id, each.c.vendor.label("name"), *_together(each)).group_by(
        each.c.vendor_id, each.c.vendor
    )


def figure(frame: Frame) -> Figure:
    """Who joined beside who left."""
    return figures.over_time(
        frame, [Series("joined", "Joined", 1), Series("ended", "Ended", 2)], unit=Unit.COUNT,
        stacked=False, compare="joined",
    )  # fmt: skip


def figure_of_running(frame: Frame) -> Figure:
    """How many there are at the end of each day, week or month."""
    return figures.over_time(
        frame, [Series("running", "Memberships", 1)], unit=Unit.COUNT, lines=True,
        compare="running",
    )  # fmt: skip


def figure_of_money(frame: Frame) -> Figure:
    """What memberships brought."""
    return figures.over_time(
        frame, [Series("revenue", "Revenue", 1)], unit=Unit.MONEY, compare="revenue"
    )


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The orders that sold memberships then, for money; else who joined then, or left."""
    if series == "revenue":
        return links.orders(at, filters, sold=["membership"])
    event = "ended" if series == "ended" else "joined"
    days = {f"{event}_from": [at.first], f"{event}_to": [at.last]}
    return links.records("membership", **days, vendor=filters.vendor_ids)


def drill_plan(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The memberships in this plan."""
    return links.records("membership", plan=[row.plan_id], vendor=[row.vendor_id])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The memberships of this vendor."""
    return links.records("membership", vendor=[row.vendor_id])


NUMBERS = (
    Column("opening", "Before", Unit.COUNT),
    Column("joined", "Joined", Unit.COUNT),
    Column("ended", "Ended", Unit.COUNT),
    Column("running", "At the end", Unit.COUNT, strong=True),
    Column("churn", "Churn", Unit.PERCENT, part="ended", of="opening"),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("monthly", "A month", Unit.MONEY),
)

REPORT = Report(
    slug="memberships",
    title="Memberships",
    group=Group.MARKETING,
    about="Who joined and who left, how many stay, and what they bring.",
    query=query,
    figure=figure,
    chart="Joined and ended",
    summary=summary,
    charts=(
        Chart("running", "Memberships", query, figure_of_running),
        Chart("revenue", "Revenue of memberships", query, figure_of_money, drill),
    ),
    measures=(
        Measure("running", "Memberships", Unit.COUNT, "Memberships at the end of the period that"
                " have begun and not ended; those on trial, resting or not paid are among them.",
                better="up"),
        Measure("joined", "Joined", Unit.COUNT, "Memberships that began in the period.",
                better="up"),
        Measure("ended", "Ended", Unit.COUNT, "Memberships that ended in the period.",
                better="down"),
        Measure("net", "Net", Unit.COUNT, "Joined less ended.", better="up", headline=False),
        Measure("opening", "Before", Unit.COUNT, "Memberships there were when the period began.",
                headline=False),
        Measure("churn", "Churn", Unit.PERCENT, "Ended, as a share of the memberships there were"
                " when the period began; of a bar, when that day, week or month began.",
                better="down"),
        Measure("revenue", "Revenue", Unit.MONEY, "What joining and renewing brought, after"
                " discounts, without tax, less what was given back.", better="up"),
        Measure("monthly", "Recurring, a month", Unit.MONEY, "What the memberships at the end bring"
                " in a month at today's price of their plan, with or without tax as it is written:"
                " a yearly price is a twelfth, a weekly one 52 twelfths.", better="up"),
    ),
    tables=(
        *named.seen_by_both(
            Table(
                "plan", "Plan", by_plan, (Column("name", "Plan", Unit.TEXT), *NUMBERS),
                sort="running", change="running", identity="plan_id", drill=drill_plan,
            )
        ),
        Table(
            "vendor", "Vendor", by_vendor, (Column("name", "Vendor", Unit.TEXT), *NUMBERS),
            sort="running", change="running", identity="vendor_id", drill=drill_vendor,
            roles=MARKETPLACE,
        ),
        Table(
            "time", "Day", query,
            (
                Column("day", "", Unit.BUCKET),
                Column("opening", "Before", Unit.COUNT, total=False),
                Column("joined", "Joined", Unit.COUNT),
                Column("ended", "Ended", Unit.COUNT),
                Column("running", "At the end", Unit.COUNT, total=False, strong=True),
                Column("churn", "Churn", Unit.PERCENT, total=False),
                Column("revenue", "Revenue", Unit.MONEY),
            ),
            sort="day", drill=drill, rows=60,
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor", "channel"}),
    hint="Select a bar to see the memberships behind it.",
    empty=Empty(
        "Nobody has joined a plan yet.",
        (("Make a plan", "/admin/membership-plan/create"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
