"""Where a row or a mark of a report of one's own leads to: the list of what it counts, if one does.

Old kept rows may miss an id: then nothing is linked.
"""

from typing import Any

from models.bookings import BookingStatus
from models.categories import CategoryKind
from models.orders import LineKind
from reports import links
from reports.custom_choices import CATEGORY, VENDOR, Definition
from reports.report import Filters, Period, Row

NO_LIST = frozenset({"weekday", "hour"})
"""No list is asked for by these."""
OTHER_DAYS = frozenset({"refunds", "returned"})
"""What goes back does so on a day of its own: not on that of its order."""
GONE = (BookingStatus.CANCELLED, BookingStatus.NO_SHOW)
STATUSES = {
    "completed": (BookingStatus.COMPLETED,),
    "value": (BookingStatus.COMPLETED,),
    "cancelled": (BookingStatus.CANCELLED,),
    "no_shows": (BookingStatus.NO_SHOW,),
    "lost": GONE,
    "minutes": tuple(one for one in BookingStatus if one is not BookingStatus.CANCELLED),
}
"""The bookings behind a measure, where it does not count all."""


def behind(
    definition: Definition, row: Row, at: Period, filters: Filters, series: str | None
) -> str | None:
    """The address of the list; None where no list says the same."""
    if NO_LIST & set(definition.dimensions):
        return None
    whose: dict[str, Any] = {}
    for dimension, key in ((VENDOR, "vendor_id"), ("channel", "channel")):
        if dimension in definition.dimensions:
            whose[dimension] = [getattr(row, key, None)]
    if definition.source == "sales":
        return _sold(definition, row, at, filters, series, whose)
    for dimension in ("service", "staff", CATEGORY):
        if dimension in definition.dimensions:
            whose[dimension] = [getattr(row, f"{dimension}_id", None)]
    if not all(value for values in whose.values() for value in values):
        return None
    if CATEGORY in whose:
        whose[CATEGORY] = [links.only(row.category_id)]
    return links.bookings(at, filters, status=STATUSES.get(series or "", ()), **whose)


def _sold(
    definition: Definition,
    row: Row,
    at: Period,
    filters: Filters,
    series: str | None,
    whose: dict[str, Any],
) -> str | None:
    """Visits are found as bookings, all else as orders; a category is of the one or the other.

    Where neither kind, thing nor category is told, the report on revenue tells these.
    """
    kind = getattr(row, "kind", None)
    if series in OTHER_DAYS or kind == "unassigned":
        return None
    visits = kind == LineKind.SERVICE
    if CATEGORY in definition.dimensions:
        if not getattr(row, "category_id", None):
            return None
        whose[CATEGORY] = [links.only(row.category_id)]
        visits = visits or row.category_kind == CategoryKind.SERVICE
    item = getattr(row, "item_id", None)
    if visits:
        service = [item] if item else ()
        return links.bookings(
            at, filters, status=[BookingStatus.COMPLETED], service=service, **whose
        )
    if item:
        return links.orders(at, filters, item=[f"{kind}:{item}"], **whose)
    if kind or CATEGORY in whose:
        return links.orders(at, filters, sold=[kind] if kind else (), **whose)
    return links.report("revenue", at, filters, **whose)
