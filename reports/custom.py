"""Reports that people put together: measures and dimensions of a list, made into a `Report`.

All reads roll-ups, as every report does. Over several vendors a row of fewer than five customers
is not shown, nor is it in the sums: how many they are is counted in the bookings and orders
themselves, so there such a report is worked out behind the page and kept.
"""

from typing import Any

from sqlalchemy.orm import Session

from app.errors import DomainError
from models.custom_reports import CustomReport
from reports import custom_charts, custom_links, custom_rows
from reports.custom_choices import (
    CHARTS,
    DIMENSIONS,
    SOURCES,
    TIME,
    VENDOR,
    Definition,
    Source,
    read,
)
from reports.privacy import FEWEST, over_vendors
from reports.report import (
    MANAGERS,
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

__all__ = [
    "CHARTS", "DIMENSIONS", "PREFIX", "SOURCES", "TIME", "VENDOR", "Definition", "found",
    "number_of", "of_row", "read", "report_of",
]  # fmt: skip

PREFIX = "own-"


def report_of(number: int, name: str, definition: Definition) -> Report:
    """The report that a definition makes, with the page, the files and the runs of any other."""
    source = SOURCES[definition.source]
    chosen = {key: source.measures[key] for key in definition.measures}
    by_time = TIME in definition.dimensions
    spoken = [DIMENSIONS[one].title.lower() for one in definition.dimensions]
    measured = ", ".join(one.title for one in chosen.values())

    def query(period: Period, filters: Filters, by: Grain) -> Any:
        return custom_rows.asked(source, definition, period, filters, by)

    def figure(frame: Frame) -> Figure:
        return custom_charts.drawn(definition, chosen, frame)

    def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
        return custom_links.behind(definition, row, at, filters, series)

    first = next(iter(chosen))
    return Report(
        slug=f"{PREFIX}{number}",
        title=name,
        group=Group.SALES,
        about=f"{measured} by {' and '.join(spoken)}.",
        query=query,
        figure=None if definition.chart == "none" else figure,
        chart=custom_charts.title(definition, chosen, spoken),
        measures=tuple(
            Measure(key, one.title, one.unit, one.definition, one.better)
            for key, one in chosen.items()
        ),
        tables=(
            Table(
                "rows", DIMENSIONS[definition.dimensions[0]].title, query,
                (
                    *(_column(one) for one in definition.dimensions),
                    *(
                        Column(key, one.title, one.unit, strong=key == first)
                        for key, one in chosen.items()
                    ),
                ),
                sort="day" if by_time else first, drill=drill,
            ),
        ),
        drill=drill,
        filters=_filters(source),
        grains=tuple(Grain) if by_time else (),
        notes=(
            ("Small groups", f"Over several vendors, rows of fewer than {FEWEST} customers are"
             " left out, of the sums as well; and those where a filter takes in or leaves out"
             " so few."),
        ),
        hint="Select a mark to see the list behind it, where there is one.",
        empty=Empty("Nothing was counted in these days. Choose others, or other filters."),
        roles=MANAGERS,
        long=_is_long,
    )  # fmt: skip


def _is_long(period: Period, filters: Filters) -> bool:
    """Over several vendors the customers behind each row are counted: not while a page waits."""
    return over_vendors()


def _filters(source: Source) -> frozenset[str]:
    columns = {"vendor": "vendor_id", "channel": "channel", "category": "category_id"}
    return frozenset(name for name, column in columns.items() if hasattr(source.table, column))


def _column(dimension: str) -> Column:
    if dimension == TIME:
        return Column("day", "", Unit.BUCKET)
    return Column(dimension, DIMENSIONS[dimension].title, DIMENSIONS[dimension].unit, total=False)


# --- as it is kept -------------------------------------------------------------------------------


def number_of(slug: str) -> int | None:
    """The id of the custom report that an address or a run names; None: it names another one."""
    digits = slug.removeprefix(PREFIX)
    if digits == slug or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(digits)


def of_row(row: CustomReport) -> Report | None:
    """The report that was kept; None: it is made of something that is no longer counted."""
    try:
        definition = read(row.definition_json)
    except DomainError:
        return None
    return report_of(row.id, row.name, definition)


def found(session: Session, slug: str) -> Report | None:
    """The report of a slug such as own-7, of those that the database shows to who acts."""
    number = number_of(slug)
    row = session.get(CustomReport, number) if number is not None else None
    return None if row is None else of_row(row)
