"""Who buys again: new against returning customers, how many come back, and how soon.

Customers of a period are distinct: of the offered periods they are kept (`reach_figures`, of the
marketplace `market_reach`), of others counted from the purchases of each customer. By week and
month they are the sums of the cohorts.
"""

from typing import Any

from sqlalchemy import Select, and_, func, literal, null, select, true, union_all

from models.scores import CustomerScore, MarketReach, ReachFigure
from reports import figures, links
from reports.cohorts import drill as began
from reports.cohorts import key_of, source, today_of, whose
from reports.figures import Series
from reports.privacy import SMALL_GROUPS, enough, hidden_if_few, hidden_if_some, without_few
from reports.report import (
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
from reports.spans import DAY, Grain, beginning, ending

MATURE_DAYS = 90
"""So long after the first purchase it is known whether somebody came back."""
LONG_DAYS = 100
"""How soon people return is told of the whole marketplace for so many days at most."""
COUNTED = (
    "customers", "new_customers", "returning_customers", "repeat_customers", "purchases",
    "new_revenue", "returning_revenue", "mature", "mature_repeat",
)  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """New and returning customers of each week or month, and what they brought."""
    table, by = source(filters), Grain.WEEK if by is Grain.WEEK else Grain.MONTH
    new = table.age == 0

    def summed(column: Any, those: Any) -> Any:
        return func.coalesce(func.sum(column).filter(those), 0)

    def brought(those: Any) -> Any:
        return hidden_if_some(summed(table.revenue, those), summed(table.customers, those))

    return (
        select(
            table.starts_on.label("day"), func.sum(table.customers).label("customers"),
            summed(table.customers, new).label("new_customers"),
            summed(table.customers, ~new).label("returning_customers"),
            brought(new).label("new_revenue"), brought(~new).label("returning_revenue"),
            key_of(table.starts_on, by),
        )
        .where(table.grain == by.value, *whose(table, filters))
        .where(table.starts_on >= beginning(period.first, by), table.starts_on <= period.last)
        .group_by(table.starts_on)
        .having(and_(true(), *enough(func.sum(table.customers))))
        .order_by(table.starts_on)
    )  # fmt: skip


# --- distinct customers --------------------------------------------------------------------------


def _kept(period: Period, filters: Filters, *by: str) -> Any:
    """What is kept of exactly these days, and the condition that they are kept at all."""
    table: Any = ReachFigure if filters.vendor_ids else MarketReach
    days = and_(table.starts_on == period.first, table.ends_on == period.last)
    of_vendors = [table.vendor_id.in_(filters.vendor_ids)] if filters.vendor_ids else []
    asked = select(literal(1)).where(days, *of_vendors)
    rows = (
        select(
            *(getattr(table, name).label(name) for name in by),
            *(func.sum(getattr(table, name)).label(name) for name in COUNTED),
        )
        .where(days, table.channel != "", *whose(table, filters), asked.correlate(None).exists())
        .group_by(*(getattr(table, name) for name in by))
    )
    return rows, asked.correlate(None).exists()


def _counted(period: Period, filters: Filters, *by: str) -> Any:
    """The same from each customer's purchases, for days that are not kept.

    Their days lie in order: how many end before the period and with it, a search in halves tells.
    """
    score = CustomerScore
    where = [score.first_on <= period.last, score.last_on >= period.first]
    keys = {"channel": score.first_channel, "category_id": score.first_category_id}
    for name, values in (("channel", filters.channels), ("category_id", filters.category_ids)):
        if values:
            where.append(keys[name].in_(values))
    if filters.vendor_ids:
        where.append(score.vendor_id.in_(filters.vendor_ids))
    near = (
        select(
            *(keys[name].label(name) for name in by),
            score.first_on, score.second_on, score.bought_for,
            func.width_bucket(literal(period.first) - 1, score.bought_on).label("before"),
            func.width_bucket(literal(period.last), score.bought_on).label("until"),
        )
        .where(*where)
        .offset(0)  # lest both are asked for again wherever they are used
        .subquery("near")
    )  # fmt: skip
    one = near.c
    bought = (
        select(
            *(one[name] for name in by), one.first_on, one.second_on,
            (one.until - one.before).label("times"),
            func.unnest(one.bought_for[one.before + 1 : one.until]).label("amount"),
            func.generate_series(1, one.until - one.before).label("number"),
        )
        .where(one.until > one.before)
        .subquery("bought")
    ).c  # fmt: skip
    is_new, first = bought.first_on >= period.first, bought.number == 1
    known = bought.first_on + MATURE_DAYS <= today_of(period)
    sums = (
        func.count().filter(first), func.count().filter(first, is_new),
        func.count().filter(first, ~is_new), func.count().filter(first, bought.times > 1),
        func.count(),
        func.coalesce(func.sum(bought.amount).filter(is_new), 0),
        func.coalesce(func.sum(bought.amount).filter(~is_new), 0),
        func.count().filter(first, is_new, known),
        func.count().filter(
            first, is_new, known, bought.second_on <= bought.first_on + MATURE_DAYS
        ),
    )  # fmt: skip
    named = [total.label(name) for total, name in zip(sums, COUNTED, strict=True)]
    return select(*(bought[name] for name in by), *named).group_by(*(bought[name] for name in by))


def _reach(period: Period, filters: Filters, *by: str) -> Any:
    kept, is_kept = _kept(period, filters, *by)
    return union_all(kept, _counted(period, filters, *by).where(~is_kept)).subquery("reach")


def summary(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The distinct customers of exactly these days, and how soon those who returned did."""
    reach = _reach(period, filters)
    soon = _soon(period, filters)
    revenue = reach.c.new_revenue + reach.c.returning_revenue
    return select(
        reach.c.customers, reach.c.new_customers, reach.c.returning_customers,
        reach.c.repeat_customers,
        (100.0 * reach.c.repeat_customers / func.nullif(reach.c.customers, 0)).label("repeat_rate"),
        (100.0 * reach.c.mature_repeat / func.nullif(reach.c.mature, 0)).label("mature_rate"),
        soon.label("return_days"),
        hidden_if_some(
            hidden_if_some(
                100.0 * reach.c.returning_revenue / func.nullif(revenue, 0),
                reach.c.returning_customers,
            ),
            reach.c.new_customers,
        ).label("returning_share"),
    ).where(reach.c.customers > 0, *enough(reach.c.customers))  # fmt: skip


def _soon(period: Period, filters: Filters) -> Any:
    """The median of days between first and second purchase, of those whose second was then."""
    if not filters.vendor_ids and period.days > LONG_DAYS:
        return null()
    score = CustomerScore
    gap = score.second_on - score.first_on
    where = [score.second_on >= period.first, score.second_on <= period.last]
    if filters.vendor_ids:
        where.append(score.vendor_id.in_(filters.vendor_ids))
    if filters.channels:
        where.append(score.first_channel.in_(filters.channels))
    if filters.category_ids:
        where.append(score.first_category_id.in_(filters.category_ids))
    median = func.percentile_cont(0.5).within_group(gap)
    return select(hidden_if_few(median, func.count())).where(*where).scalar_subquery()


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The customers of these days by the channel of their first purchase."""
    reach = _reach(period, filters, "channel")
    revenue = reach.c.new_revenue + reach.c.returning_revenue
    rows = select(
        reach.c.channel, *(reach.c[name] for name in COUNTED), revenue.label("revenue")
    ).subquery("channels")
    return without_few(rows)


def long(period: Period, filters: Filters) -> bool:
    """Own days of the whole marketplace: all customers have to be looked at."""
    return not filters.vendor_ids and period.slug is None


def figure(frame: Frame) -> Figure:
    """New and returning customers over time."""
    return figures.over_time(
        frame,
        [Series("returning_customers", "Returning"), Series("new_customers", "New")],
        unit=Unit.COUNT, compare="customers", total="customers",
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Who began in the row's month or week; or who bought in it and had begun before."""
    cohort = getattr(row, "cohort", None)  # not in what was kept of old runs
    if series == "new_customers" or not cohort:
        return began(row, at, filters, series)
    last = ending(row.day, Grain.WEEK if "W" in cohort else Grain.MONTH)
    return links.first_bought(
        filters, bought_from=[row.day], bought_to=[last], first_to=[row.day - DAY]
    )


REPORT = Report(
    slug="repeat-customers",
    title="Repeat customers",
    group=Group.RETENTION,
    about="New against returning customers, how many buy again, and how soon.",
    query=query,
    summary=summary,
    figure=figure,
    chart="New and returning customers",
    measures=(
        Measure("customers", "Customers", Unit.COUNT,
                "Who bought in these days: a completed booking or a fulfilled order; each once.",
                better="up"),
        Measure("new_customers", "New", Unit.COUNT,
                "Of them, who bought for the first time ever.", better="up"),
        Measure(
            "repeat_rate", "Bought again", Unit.PERCENT,
            "Of them, who bought on two or more of these days: the repeat purchase rate.",
            better="up",
        ),
        Measure(
            "mature_rate", "Came back in 90 days", Unit.PERCENT,
            "Of those whose first purchase was in these days and is 90 days ago or more: who bought"
            " again within 90 days of it.", better="up",
        ),
        Measure("return_days", "Days to return", Unit.DAYS,
                "Half of those whose second purchase was in these days took fewer days for it, half"
                " took more.", better="down"),
        Measure("returning_share", "Revenue of returning", Unit.PERCENT,
                "The share of revenue that came from customers who had bought before these days.",
                headline=False),
        Measure("repeat_customers", "Repeat customers", Unit.COUNT,
                "Who bought on two or more of these days.", headline=False),
        Measure("returning_customers", "Returning", Unit.COUNT,
                "Who had bought before these days.", headline=False),
    ),
    tables=(
        Table(
            "channel", "Channel", by_channel,
            (
                Column("channel", "Came by", Unit.CHANNEL),
                Column("customers", "Customers", Unit.COUNT, strong=True),
                Column("new_customers", "New", Unit.COUNT),
                Column("returning_customers", "Returning", Unit.COUNT),
                Column("repeat_customers", "Bought again", Unit.COUNT),
                Column("repeat_rate", "Of all", Unit.PERCENT, part="repeat_customers",
                       of="customers"),
                Column("purchases", "Purchases", Unit.COUNT),
                Column("mature_rate", "Back in 90 days", Unit.PERCENT, part="mature_repeat",
                       of="mature"),
                Column("revenue", "Revenue", Unit.MONEY),
            ),
            sort="customers", change="customers", identity="channel",
        ),
    ),
    drill=drill,
    grains=(Grain.MONTH, Grain.WEEK),
    periods=("30d", "12w", "month", "year", "12m", "24m"),
    period="12w",
    long=long,
    notes=(
        ("Purchase", "A day with a completed booking or a fulfilled order; two of a day are one."),
        ("By week and month", "Somebody is new in the month (or week) of the first purchase ever,"
         " and returning in all later ones. These are whole ones, also where the period begins or"
         " ends within one."),
        ("Revenue", "Without tax; what was given back is taken from the day of the sale."),
        ("Customer", "A person once, even with files at several vendors, where the offered periods"
         " of the whole marketplace are shown; of chosen vendors or own dates, each file."),
        ("Channel and category", "Those of the first purchase."),
        SMALL_GROUPS,
    ),
    hint="Select a bar to see who began then, or who came again.",
    empty=Empty(
        "Nobody has bought anything in these days.",
        (("Take a booking", "/admin/calendar"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
