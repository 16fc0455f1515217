"""One rule for who is meant: the list, its counts, bulk changes, drill-downs and segments."""

from app.operations.choices import Choice, choices
from app.operations.conditions import matching
from app.operations.counting import Count, count
from app.operations.filters import PARAMETERS, Filters, Holding
from app.operations.paging import Page, Sort, page

__all__ = [
    "PARAMETERS",
    "Choice",
    "Count",
    "Filters",
    "Holding",
    "Page",
    "Sort",
    "choices",
    "count",
    "matching",
    "page",
]
