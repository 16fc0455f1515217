"""A report's figures as a file: sums and their names, never a customer."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from admin_views.report_table import WORDS, title_of
from admin_views.report_words import said
from app.money import decimals_of
from app.settings import settings
from reports.asking import Asked
from reports.kept import Source
from reports.reading import MOST_ROWS
from reports.report import Column, Table, Unit

PLACES, MOST_PLACES = 2, 7
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would take for a formula when a text begins with it."""


def of_table(asked: Asked, source: Source, table: Table, sort: str) -> str:
    """All rows of a table (at most `MOST_ROWS`, of a grid more), with its columns' titles."""
    lines = source.lines(table, sort, MOST_ROWS)
    columns = table.columns
    heads = [_head(c, c.title or title_of(table, asked)) for c in columns]
    told = [_cells([getattr(row, c.key) for row in lines.rows], c) for c in columns]
    return written([heads, *zip(*told, strict=True)])


def of_chart(asked: Asked, source: Source) -> str:
    """The rows of the report's query: those that are drawn, and what the command line prints."""
    rows = source.rows()
    known = rows[0]._fields if rows else _columns(asked)
    columns = [c for c in known if not c.startswith("sum_of_")]
    measures = {m.key: m for m in asked.report.measures}
    heads = [measures[c].title if c in measures else _spaced(c) for c in columns]
    units = [measures[c].unit if c in measures else None for c in columns]
    told = [
        figures([getattr(row, c) for row in rows], unit)
        for c, unit in zip(columns, units, strict=True)
    ]
    return written([heads, *zip(*told, strict=True)])


def _columns(asked: Asked) -> Sequence[str]:
    """What the report's query tells, where it found nothing."""
    query = asked.report.query(asked.period, asked.filters, asked.by)
    return list(query.selected_columns.keys())


def _spaced(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _head(column: Column, title: str) -> str:
    units = {Unit.MINUTES: "minutes", Unit.PERCENT: "percent"}
    return f"{title}, {units[column.unit]}" if column.unit in units else title


def _cells(values: Sequence[Any], column: Column) -> list[Any]:
    """Figures as they are, words as people read them."""
    if column.unit not in WORDS:
        return figures(values, column.unit)
    return [
        plain(value if value is None or isinstance(value, date) else said(value, column.unit))
        for value in values
    ]


def figures(values: Sequence[Any], unit: Unit | None) -> list[Any]:
    """The values of a column, all with as many decimals.

    Amounts have those of the currency, what is counted has none, shares and means have two; a
    model's parameters, of which no unit is known, have as many as they are kept with.
    """
    places = _places(values, unit)
    return [plain(value, places) for value in values]


def _places(values: Sequence[Any], unit: Unit | None) -> int:
    if unit is Unit.MONEY:
        return decimals_of(settings().currency)
    if unit not in (None, Unit.COUNT, Unit.POINTS):
        return PLACES
    needed = max((_decimals(v) for v in values if isinstance(v, Decimal | float)), default=0)
    if not needed:
        return 0
    return max(needed, PLACES) if unit is None and needed <= MOST_PLACES else PLACES


def _decimals(value: Decimal | float) -> int:
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def plain(value: Any, places: int = PLACES) -> Any:
    """A value that no spreadsheet takes for more than it is."""
    if value is None:
        return ""
    if isinstance(value, Decimal | float):
        return format(round(Decimal(value), places), "f")
    if isinstance(value, int):
        return value
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def written(lines: Iterable[Sequence[Any]]) -> str:
    """The lines as CSV, with the mark by which a spreadsheet knows UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return "\ufeff" + out.getvalue()


def name_of(asked: Asked, table: Table | None) -> str:
    """revenue-by-vendor_2026-08-31_2026-11-20.csv."""
    part = f"-by-{table.key}" if table else f"-by-{asked.by.value}" if asked.report.grains else ""
    return f"{asked.report.slug}{part}_{asked.period.first}_{asked.period.last}.csv"
