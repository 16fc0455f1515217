"""How long before its day a booking is made: of how many, and of half of them at the most.

Kept in groups of days (`LEADS`), which can be added up over days, channels and services; a median
cannot. It is the day itself where a group is one day. In a longer one its bookings are taken as
spread evenly over its days, and of the last all that is known is that it begins.
"""

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, null, select, true
from sqlalchemy.dialects.postgresql import array

from models.figures import LEADS
from reports.report import Column, Measure, Unit

NAMES = tuple(f"lead_{days}" for days in LEADS)
TITLES = ("Same day", "1 day", "2–3 days", "4–7 days", "8–14 days", "15–30 days", "Over 30 days")
Sum = Callable[[str], Any]
"""The sum of a column of `NAMES`."""


def known(of: Sum) -> ColumnElement[Any]:
    """Of how many it is known."""
    whole: ColumnElement[Any] = sum((of(name) for name in NAMES[1:]), start=of(NAMES[0]))
    return whole


def median(of: Sum) -> ColumnElement[Any]:
    """So many days ahead, or fewer, half of them were made; nothing where none is known."""
    counts = [of(name) for name in NAMES]
    upto = list(accumulate(counts))
    half = func.ceil(upto[-1] / 2)
    spans = zip(LEADS, pairwise(LEADS), [0, *upto], upto, counts, strict=False)
    return case(
        (func.coalesce(upto[-1], 0) == 0, null()),
        *(
            (half <= until, low + func.floor((half - before - 1) * (after - low) / count))
            for low, (_, after), before, until, count in spans
        ),
        else_=LEADS[-1],
    )


def by_lead(sums: FromClause) -> Select[*tuple[Any, ...]]:
    """A row for each group of days, of one row of sums."""
    counted = func.unnest(array(LEADS), array(TITLES), array([sums.c[name] for name in NAMES]))
    groups = counted.table_valued("days", "name", "bookings").render_derived(name="groups")
    rows = select(groups.c.days, groups.c.name, groups.c.bookings).select_from(sums)
    return rows.join(groups, true()).where(known(sums.c.__getitem__) > 0)


COLUMNS = (
    Column("lead", "Lead time", Unit.DAYS, of_sums=median),
    Column("same_day", "Same day", Unit.PERCENT, part="lead_0", of="known"),
)
MEASURES = (
    Measure(
        "lead", "Lead time", Unit.DAYS,
        "Half of the bookings were made so many days before their day, or fewer, by the vendor's"
        " calendar. Days are counted in groups (2–3, 4–7, 8–14, 15–30) and taken as spread evenly"
        " in each; 31 stands for more than 30. What was called off, imported or noted afterwards"
        " is not in it.", of_sums=median,
    ),
    Measure(
        "same_day", "Booked the same day", Unit.PERCENT,
        "Of those whose lead time is known: how many were made on the day itself.",
        headline=False, part="lead_0", of="known",
    ),
)  # fmt: skip
