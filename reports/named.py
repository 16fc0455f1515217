"""Parts that reports of several nouns are made of: sums with the names of what they are about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Interval,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    select,
)

from app.tenancy import PanelRole
from models.categories import Category
from models.figures import SaleFigures
from models.vendors import Vendor
from reports import sources
from reports.report import MARKETPLACE, Filters, Period, Table, Unit
from reports.report import Column as Shown
from reports.spans import DAY, Grain, beginning

Rows = Select[*tuple[Any, ...]]
"""A question: of how many columns, only the types of the columns would know."""

GONE = "No longer sold"
NO_CATEGORY = "No category"
LOST_CATEGORY = "A category that is gone"
VENDOR = Shown("vendor", "Vendor", Unit.TEXT)


def total(what: Any, *those: Any) -> ColumnElement[Any]:
    """A sum that is 0 where there is nothing to add up."""
    summed = func.sum(what)
    return func.coalesce(summed.filter(*those) if those else summed, 0)


def percent(part: Any, of: Any) -> ColumnElement[Any]:
    """What share of a whole a part is; nothing is no share of nothing."""
    share: ColumnElement[Any] = 100 * part / func.nullif(of, 0)
    return share


def each(amount: Any, times: Any) -> ColumnElement[Any]:
    """What an amount is for each of so many, to the cent; nothing for none."""
    return func.round(amount / func.nullif(times, 0), 2)


# --- whose, and what ----------------------------------------------------------------------------


def by_vendor(sums: FromClause) -> Rows:
    """Sums that have a `vendor_id`, with the vendor's name."""
    return select(sums, Vendor.name.label("name")).join(Vendor, Vendor.id == sums.c.vendor_id)


def by_category(sums: FromClause) -> Rows:
    """Sums that have a `category_id`, with the category's name; 0 is none."""
    known = func.coalesce(Category.name, LOST_CATEGORY)
    name = case((sums.c.category_id == 0, NO_CATEGORY), else_=known)
    return select(sums, name.label("name")).outerjoin(Category, Category.id == sums.c.category_id)


def by_item(sums: FromClause, model: Any, key: str = "item_id", gone: str = GONE) -> Rows:
    """Sums that have a `vendor_id` and the id of something sold, with its name and the vendor's."""
    same = and_(model.vendor_id == sums.c.vendor_id, model.id == sums.c[key])
    return (
        select(sums, func.coalesce(model.name, gone).label("name"), Vendor.name.label("vendor"))
        .outerjoin(model, same)
        .join(Vendor, Vendor.id == sums.c.vendor_id)
    )


def sums_by(
    table: Any,
    keys: Sequence[str],
    sums: Sequence[ColumnElement[Any]],
    period: Period,
    filters: Filters,
    *those: ColumnElement[bool],
) -> FromClause:
    """The sums of a period by some columns of a roll-up."""
    by = [getattr(table, key) for key in keys]
    where = sources.covering(table, period, filters)
    return select(*by, *sums).where(where, *those).group_by(*by).subquery("sums")


def seen_by_both(table: Table) -> tuple[Table, Table]:
    """A table of things of one vendor: who sees several vendors is told whose each of them is."""
    first, *others = table.columns
    whose = replace(table, columns=(first, VENDOR, *others), roles=MARKETPLACE)
    return whose, replace(table, key=f"{table.key}s", roles=frozenset({PanelRole.MANAGER}))


def brought(kind: str, period: Period, filters: Filters) -> ColumnElement[Any]:
    """What everything of a kind brought: of the roll-up without items, which has few rows."""
    sale = sources.summed(SaleFigures, filters)
    return (
        select(total(sale.net - sale.refunded))
        .where(sources.covering(sale, period, filters), sale.kind == kind)
        .scalar_subquery()
    )


# --- time ---------------------------------------------------------------------------------------


def calendar(period: Period, by: Grain) -> FromClause:
    """Every day, week or month of a period as `day`: also those on which nothing happened."""
    step = literal(f"1 {by.value}").cast(Interval)
    start, end = (
        cast(literal(day, Date), DateTime) for day in (beginning(period.first, by), period.last)
    )
    days: FromClause = select(
        cast(func.generate_series(start, end, step), Date).label("day")
    ).subquery("days")
    return days


def up_to(table: Any, last: date, filters: Filters) -> ColumnElement[bool]:
    """All rows of a roll-up up to a day (included), as few as there are."""
    return sources.covering(table, Period(date.min, last), filters)


def earlier(table: Any, period: Period, filters: Filters) -> ColumnElement[bool]:
    """All rows of a roll-up before a period."""
    if period.first == date.min:
        return false()
    return up_to(table, period.first - DAY, filters)
