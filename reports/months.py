"""Figures that are kept by whole months: which months a period means, and who counts in them once.

A period is widened to whole months. Customers of several months are counted by the last of these
in which they bought: a row says in how many months they came next (`next_in`, 0 = not yet).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, or_

from models.audiences import ANY_CATEGORY, ANY_CHANNEL, EVERYWHERE
from reports.report import Filters, Period

OFFERED = ("month", "year", "12m", "24m")
NOTE = (
    "Months",
    "Whole months of the vendor's calendar, worked out every night; the month that is not over"
    " has what is known of it.",
)


def first_of(period: Period) -> date:
    return period.first.replace(day=1)


def last_of(period: Period) -> date:
    return period.last.replace(day=1)


def within(table: Any, period: Period) -> ColumnElement[bool]:
    """The months of the period."""
    months: ColumnElement[bool] = table.starts_on.between(first_of(period), last_of(period))
    return months


def whose(table: Any, filters: Filters) -> list[ColumnElement[bool]]:
    """The vendors asked for; the sums over all of them where none is."""
    ids: Sequence[int] = filters.vendor_ids or (EVERYWHERE,)
    return [table.grain == "month", table.vendor_id.in_(ids)]


def first_by(table: Any, filters: Filters) -> list[ColumnElement[bool]]:
    """The channels and categories of first purchases asked for; the sums over all where none is."""
    channels: Sequence[str] = filters.channels or (ANY_CHANNEL,)
    categories: Sequence[int] = filters.category_ids or (ANY_CATEGORY,)
    return [table.channel.in_(channels), table.category_id.in_(categories)]


def last_there(table: Any, period: Period) -> ColumnElement[bool]:
    """Rows whose customers did not buy again within these months: each customer is in one."""
    end = last_of(period)
    months_left = (
        (end.year * 12 + end.month)
        - cast(func.extract("year", table.starts_on) * 12, Integer)
        - cast(func.extract("month", table.starts_on), Integer)
    )
    return or_(table.next_in == 0, table.next_in > months_left)
