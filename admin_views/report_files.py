"""A report's figures as a file: sums and their names, never a customer."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from admin_views.report_table import WORDS, title_of
from admin_views.report_words import said
from reports.asking import Asked
from reports.kept import Source
from reports.report import Column, Table, Unit

MOST_ROWS = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would take for a formula when a text begins with it."""


def of_table(asked: Asked, source: Source, table: Table, sort: str) -> str:
    """All rows of a table (at most `MOST_ROWS`), with its columns' titles."""
    lines = source.lines(table, sort, MOST_ROWS)
    columns = table.columns
    heads = [_head(c, c.title or title_of(table, asked)) for c in columns]
    rows = ([_cell(getattr(r, c.key), c) for c in columns] for r in lines.rows)
    return written([heads, *rows])


def of_chart(asked: Asked, source: Source) -> str:
    """The rows of the report's query: those that are drawn, and what the command line prints."""
    rows = source.rows()
    known = rows[0]._fields if rows else _columns(asked)
    columns = [c for c in known if not c.startswith("sum_of_")]
    titles = {m.key: m.title for m in asked.report.measures}
    heads = [titles.get(c, _spaced(c)) for c in columns]
    return written([heads, *([plain(getattr(row, c)) for c in columns] for row in rows)])


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


def _cell(value: Any, column: Column) -> Any:
    """Figures as they are, words as people read them."""
    if value is None or column.unit not in WORDS or isinstance(value, date):
        return plain(value)
    return plain(said(value, column.unit))


def plain(value: Any) -> Any:
    """A value that no spreadsheet takes for more than it is; figures keep two decimals."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(round(value, 2), "f")
    if isinstance(value, int | float):
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
