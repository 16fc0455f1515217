"""Who came back: customers by the month or week of their first purchase, and what they brought.

Of one vendor, or of some, from `cohort_figures`; of the whole marketplace from `market_cohorts`,
where somebody with files at several vendors is one customer.
"""

from datetime import date
from typing import Any

from sqlalchemy import Date, Select, and_, case, cast, func, literal, literal_column, select

from app import clock
from models.scores import CohortFigure, MarketCohort
from reports import links
from reports.privacy import enough, hidden_if_some
from reports.report import (
    Column,
    Empty,
    Filters,
    Grid,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain, beginning


def source(filters: Filters) -> Any:
    """The vendor's own cohorts, or those of the marketplace where no vendor is chosen."""
    return CohortFigure if filters.vendor_ids else MarketCohort


def whose(table: Any, filters: Filters) -> list[Any]:
    """Whose rows: vendors, and channels and categories of the first purchase."""
    asked = (
        ("vendor_id", filters.vendor_ids), ("channel", filters.channels),
        ("category_id", filters.category_ids),
    )  # fmt: skip
    return [getattr(table, name).in_(values) for name, values in asked if values]


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each cohort of the period and each month (or week) since, also where none came."""
    table, by = source(filters), _grain(by)
    first, last = beginning(period.first, by), beginning(period.last, by)
    kept = (
        select(
            table.cohort, table.age, func.sum(table.customers).label("customers"),
            func.sum(table.revenue).label("revenue"),
        )
        .where(table.grain == by.value, table.cohort >= first, table.cohort <= last)
        .where(table.starts_on >= first, table.starts_on <= last, *whose(table, filters))
        .group_by(table.cohort, table.age)
        .cte("kept")
    )  # fmt: skip
    began = select(kept.c.cohort, kept.c.customers.label("size")).where(
        kept.c.age == 0, *enough(kept.c.customers)
    )
    sizes = began.cte("sizes")
    step: Any = literal_column(f"interval '1 {by.value}'")
    reached = select(
        sizes.c.cohort, sizes.c.size,
        cast(func.generate_series(sizes.c.cohort, last, step), Date).label("starts_on"),
    ).cte("reached")  # fmt: skip
    age = _age(by, reached.c.starts_on, reached.c.cohort)
    customers = func.coalesce(kept.c.customers, 0)
    revenue = func.coalesce(kept.c.revenue, 0)
    going_on = literal(beginning(today_of(period), by))
    size = reached.c.size
    return (
        select(
            reached.c.cohort.label("day"), age.label("age"), size, customers.label("customers"),
            (100.0 * customers / size).label("share"),
            hidden_if_some(revenue, customers).label("revenue"),
            hidden_if_some(revenue / size, customers).label("each"),
            (reached.c.starts_on >= going_on).label("unfinished"),
            key_of(reached.c.cohort, by),
        )
        .select_from(reached)
        .outerjoin(kept, and_(kept.c.cohort == reached.c.cohort, kept.c.age == age))
        .order_by(reached.c.cohort, age)
    )  # fmt: skip


def key_of(day: Any, by: Grain) -> Any:
    """What the list of customers calls a cohort: 2026-03, or 2026-W10."""
    shape: Any = literal_column("""'IYYY"-W"IW'""" if by is Grain.WEEK else "'YYYY-MM'")
    return func.to_char(day, shape).label("cohort")


def today_of(period: Period) -> date:
    """The day that is not over yet: the last of an offered period, else that of the clock (UTC)."""
    return period.last if period.slug else clock.now().date()


def _grain(by: Grain) -> Grain:
    return Grain.WEEK if by is Grain.WEEK else Grain.MONTH


def _age(by: Grain, starts_on: Any, cohort: Any) -> Any:
    if by is Grain.WEEK:
        return (starts_on - cohort) / 7

    def months(day: Any) -> Any:
        return 12 * func.date_part("year", day) + func.date_part("month", day)

    return cast(months(starts_on) - months(cohort), CohortFigure.age.type)


def summary(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """New customers, and how many of those came back of whom it can be known yet."""
    cells = query(period, filters, by).order_by(None).subquery()

    def came_back(age: int) -> Any:
        known = and_(cells.c.age == age, ~cells.c.unfinished)
        back = func.sum(cells.c.customers).filter(known)
        return 100.0 * back / func.nullif(func.sum(cells.c.size).filter(known), 0)

    later = func.sum(cells.c.revenue).filter(cells.c.age > 0)
    return select(
        func.sum(case((cells.c.age == 0, cells.c.size))).label("size"),
        came_back(1).label("back_1"), came_back(3).label("back_3"), came_back(6).label("back_6"),
        later.label("later"),
        (100.0 * later / func.nullif(func.sum(cells.c.revenue), 0)).label("from_later"),
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Everybody who first bought in the row's month or week."""
    cohort = getattr(row, "cohort", None)  # not in what was kept of old runs
    return links.first_bought(filters, cohort=[cohort]) if cohort else None


_FIRST = Column("day", "First purchase", Unit.BUCKET)


def _table(key: str, title: str, column: Column, head: str) -> Table:
    grid = Grid("age", column.key, head, size="size", partial="unfinished")
    return Table(
        key, title, query, (_FIRST, column), sort="day", ascending=True, drill=drill, grid=grid
    )


REPORT = Report(
    slug="cohorts",
    title="Cohorts",
    group=Group.RETENTION,
    about="Of those who first bought in a month or week: who came back, and for how much.",
    query=query,
    summary=summary,
    draws_before=False,
    measures=(
        Measure("size", "New customers", Unit.COUNT,
                "Who bought for the first time ever in these months (or weeks).", better="up"),
        Measure(
            "back_1", "Back in the next", Unit.PERCENT,
            "How many of them bought again in the month (or week) after their first one; of those"
            " for whom it is over.", better="up",
        ),
        Measure("back_3", "Back in the third", Unit.PERCENT,
                "The same three months (or weeks) after their first one.", better="up"),
        Measure("back_6", "Back in the sixth", Unit.PERCENT,
                "The same six months (or weeks) after their first one.", better="up"),
        Measure(
            "later", "Revenue after the first", Unit.MONEY,
            "What they brought in later months (or weeks), without tax.", better="up",
        ),
        Measure("from_later", "Share of it", Unit.PERCENT,
                "Of all that they brought, what came after the first month (or week).",
                headline=False),
    ),
    tables=(
        _table("share", "Share", Column("share", "Came back", Unit.PERCENT),
               "Share of customers who came back"),
        _table("customers", "Customers", Column("customers", "Customers", Unit.COUNT),
               "Customers who bought"),
        _table("revenue", "Revenue", Column("revenue", "Revenue", Unit.MONEY), "Revenue"),
        _table("each", "Revenue each", Column("each", "Revenue each", Unit.MONEY),
               "Revenue a customer of the cohort"),
    ),
    drill=drill,
    grains=(Grain.MONTH, Grain.WEEK),
    periods=("12w", "year", "12m", "24m"),
    period="12m",
    notes=(
        ("First purchase", "The month or week of the first completed booking or fulfilled order:"
         " whole ones, also where the period begins or ends within one."),
        ("Came back", "At least one more day with a completed booking or a fulfilled order, that"
         " many months or weeks later."),
        ("Revenue", "Without tax; what was given back is taken from the day of the sale, so that a"
         " cohort is worth what it really brought."),
        ("Customer", "A person once, even with files at several vendors, where the whole"
         " marketplace is shown; of chosen vendors, each file."),
        ("Channel and category", "Those of the first purchase."),
        ("Small groups", "Over several vendors, cohorts of fewer than five customers are left out,"
         " of the sums as well; and what fewer than five of a cohort brought is not told."),
    ),
    hint="Months or weeks since the first purchase run to the right. Select a cell to see everybody"
    " who began with it; what is outlined is not over.",
    empty=Empty(
        "Nobody has bought for the first time in these months.",
        (("Take a booking", "/admin/calendar"), ("Open the till", "/admin/counter")),
    ),
)  # fmt: skip
