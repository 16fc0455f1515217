"""How memberships grow: who joined, who left, what they bring, and how many stay.

Read from `membership_figures` (what began and ended, by day, plan and channel; how many there are
is the sum of all days before) and from the roll-up of sold items for the money.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select

from models.marketing_figures import MembershipFigures
from models.memberships import RUNNING, MembershipPlan
from models.memberships import Period as Renewed
from models.orders import LineKind
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

_ROW = MembershipFigures
NAMES = ("joined", "ended", "net", "opening", "running", "revenue", "monthly")
LEDGER = named.Ledger(
    _ROW, "plan_id", MembershipPlan,
    flows={"joined": _ROW.joined, "ended": _ROW.ended, "net": _ROW.joined - _ROW.ended},
    kept={"running": _ROW.joined - _ROW.ended},
    sold=LineKind.MEMBERSHIP,
)  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month; `opening` before it and `running` at its end."""
    rows = _with_opening(LEDGER.over_time(period, filters, by))
    return select(rows, named.percent(rows.c.ended, rows.c.opening).label("churn")).order_by(
        rows.c.day
    )


def _with_opening(query: Rows) -> FromClause:
    """How many there were before what came and went."""
    rows = query.subquery("rows")
    return select(rows, (rows.c.running - rows.c.net).label("opening")).subquery("all")


def by_plan(period: Period, filters: Filters, by: Grain) -> Rows:
    """Each plan: who joined and left in the period, how many it had before and at the end."""
    rows = _with_opening(LEDGER.of_each(period, filters))
    plan = MembershipPlan
    same = and_(plan.vendor_id == rows.c.vendor_id, plan.id == rows.c.plan_id)
    monthly = func.round(rows.c.running * plan.price * _in_a_year() / 12, 2)
    return select(rows, monthly.label("monthly")).join(plan, same)


def _in_a_year() -> ColumnElement[Any]:
    """How often a plan is renewed in a year."""
    return case(
        (MembershipPlan.period == Renewed.WEEK, 52),
        (MembershipPlan.period == Renewed.YEAR, 1),
        else_=12,
    )


def summary(period: Period, filters: Filters, by: Grain) -> Rows:
    """All plans together."""
    each = by_plan(period, filters, by).subquery("each")
    sums = select(*named.together(each, (n for n in NAMES if n != "revenue"))).subquery("sums")
    revenue = named.brought(LineKind.MEMBERSHIP.value, period, filters)
    return select(
        sums, revenue.label("revenue"), named.percent(sums.c.ended, sums.c.opening).label("churn")
    )


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """All plans of each vendor."""
    return named.by_vendor_of(by_plan(period, filters, by).subquery("each"), NAMES)


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
    """The orders that sold memberships then, for money; else who joined then, or left.

    Which there were at the end of a day that is over, no list tells.
    """
    if series == "revenue":
        return links.orders(at, filters, sold=["membership"])
    if series == "running":
        return None
    event = "ended" if series == "ended" else "joined"
    whose = {"channel": filters.channels, "vendor": filters.vendors}
    return links.of_days("membership", event, at, **whose)


def drill_plan(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The memberships in this plan."""
    return _there(at, filters, plan=[row.plan_id], vendor=[row.vendor_id])


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The memberships of this vendor."""
    return _there(at, filters, vendor=[row.vendor_id])


def _there(at: Period, filters: Filters, **whose: links.Values) -> str:
    """Those that run, where the days end today; of other days, all there were."""
    running = [one.value for one in RUNNING] if at.slug else ()
    return links.records("membership", **whose, status=running, channel=filters.channels)


NUMBERS = (
    Column("opening", "Before", Unit.COUNT),
    Column("joined", "Joined", Unit.COUNT),
    Column("ended", "Ended", Unit.COUNT),
    Column("running", "At the end", Unit.COUNT, strong=True),
    Column("churn", "Churn", Unit.PERCENT, part="ended", of="opening"),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("monthly", "A month", Unit.MONEY),
)

PLANS = named.table_of(
    "plan", "Plan", by_plan, NUMBERS, drill_plan, sort="running", better="up"
)  # fmt: skip

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
        *named.seen_by_both(PLANS),
        named.of_vendors(PLANS, by_vendor, drill_vendor),
        named.over_time(query, NUMBERS[:-1], drill, at_end=("opening", "running", "churn")),
    ),
    drill=drill,
    filters=frozenset({"vendor", "channel"}),
    hint="Select a bar to see the memberships behind it.",
    empty=Empty(
        "Nobody has joined a plan yet.",
        (("Make a plan", "/admin/membership-plan/create"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
