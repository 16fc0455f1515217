"""A report's tables as they are drawn: heads that sort, rows that link, sums, changes, grids."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from admin_views.report_words import are_big, change, said
from app.money import decimals_of
from app.settings import settings
from reports import reading
from reports.asking import Asked
from reports.report import Column, Grid, Row, Table, Unit
from reports.spans import Grain

Url = Callable[..., str]
Dicts = list[dict[str, Any]]
WORDS = frozenset(
    {Unit.TEXT, Unit.CHANNEL, Unit.KIND, Unit.STATUS, Unit.WEEKDAY, Unit.BUCKET, Unit.MONTH}
)
LEVELS = 9


def title_of(table: Table, asked: Asked) -> str:
    """What its tab says."""
    first = table.columns[0]
    by_time = first.unit is Unit.BUCKET and table.grid is None
    return asked.by.value.capitalize() if by_time else table.title


def drawn(
    asked: Asked, lines: reading.Lines, url: Url, sort: str, opens: Callable[[str], bool]
) -> dict[str, Any]:
    """The table in the shape of `panel/report_table.html`."""
    table = lines.table
    if table.grid is not None:
        return {"grid": grid(asked, lines, table.grid, opens)}
    columns = [c for c in table.columns if not (c.spare and _is_nothing(c, lines))]
    whole = _are_whole(columns, lines)
    by, down = _sorted_by(table, sort)
    compares = bool(table.change and asked.compared)
    rows = [
        {
            "title": _cell(asked, table.columns[0], row, whole=False),
            "url": reading.link(asked, table.drill, row, None, opens),
            "cells": [_drawn(asked, c, row, whole=whole) for c in columns[1:]],
            "change": _changed(table, row) if compares else None,
        }
        for row in lines.rows
    ]
    totals = {c.key: lines.totals.get(c.key) for c in columns[1:]}
    return {
        "heads": [
            {
                "title": _head(c, table, asked), "numeric": c.unit not in WORDS and not c.bar,
                "url": url(sort=_other_way(c, by, down=down)),
                "sort": ("descending" if down else "ascending") if c.key == by else None,
            }
            for c in columns
        ],
        "rows": rows, "compares": compares,
        "totals": [
            {
                "text": said(totals[c.key], c.unit, whole=whole)
                if c.total and c.unit not in WORDS else "",
                "numeric": c.unit not in WORDS and not c.bar,
                "bar": float(totals[c.key] or 0) if c.bar and totals[c.key] is not None else None,
                "strong": c.strong,
            }
            for c in columns[1:]
        ]
        if lines.many > 1 and any(v is not None for v in totals.values()) else None,
        "total_change": _change(
            lines.totals.get(table.change or ""), lines.totals.get("before"), table
        ) if compares else None,
        "many": lines.many, "shown": len(lines.rows),
    }  # fmt: skip


def _head(column: Column, table: Table, asked: Asked) -> str:
    return column.title or title_of(table, asked)


def _is_nothing(column: Column, lines: reading.Lines) -> bool:
    return not any(getattr(row, column.key) for row in lines.rows)


def _are_whole(columns: Sequence[Column], lines: reading.Lines) -> bool:
    """Whether the table's amounts are written without cents: all of them, or none."""
    amounts = [c.key for c in columns if c.unit is Unit.MONEY]
    shown = (getattr(row, key) for row in lines.rows for key in amounts)
    return decimals_of(settings().currency) == 0 or are_big(
        [*(lines.totals.get(key) for key in amounts), *shown]
    )


def _cell(asked: Asked, column: Column, row: Row, *, whole: bool) -> str:
    return said(getattr(row, column.key), column.unit, whole=whole, by=asked.by)


def _drawn(asked: Asked, column: Column, row: Row, *, whole: bool) -> dict[str, Any]:
    value = getattr(row, column.key)
    return {
        "text": _cell(asked, column, row, whole=whole), "strong": column.strong,
        "numeric": column.unit not in WORDS and not column.bar, "label": column.title,
        "bar": min(max(float(value), 0), 100) if column.bar and value is not None else None,
    }  # fmt: skip


def _sorted_by(table: Table, sort: str) -> tuple[str, bool]:
    key = sort.removeprefix("-")
    if key in {c.key for c in table.columns}:
        return key, sort.startswith("-")
    return table.sort or "", not table.ascending


def _other_way(column: Column, by: str, *, down: bool) -> str:
    """Figures start with the largest, words with the first."""
    if column.key == by:
        return column.key if down else f"-{column.key}"
    return column.key if column.unit in WORDS else f"-{column.key}"


def _changed(table: Table, row: Row) -> dict[str, Any] | None:
    return _change(getattr(row, table.change or ""), row.before, table)


def _change(now: Any, before: Any, table: Table) -> dict[str, Any] | None:
    unit = next((c.unit for c in table.columns if c.key == table.change), Unit.COUNT)
    return change(now, before, unit, table.better)


# --- grids --------------------------------------------------------------------------------------


def grid(
    asked: Asked, lines: reading.Lines, shape: Grid, opens: Callable[[str], bool]
) -> dict[str, Any]:
    """A row for each value of the first column, a field for each of the column across."""
    table = lines.table
    first = table.columns[0]
    unit = next((c.unit for c in table.columns if c.key == shape.value), Unit.COUNT)
    places = {
        getattr(row, shape.across): getattr(row, shape.order or shape.across) for row in lines.rows
    }
    across = sorted(places, key=lambda value: places[value])
    by_row: dict[Any, dict[Any, Row]] = {}
    for row in lines.rows:
        of = getattr(row, table.identity or first.key)  # two of one name are two rows
        by_row.setdefault(of, {})[getattr(row, shape.across)] = row
    low, high = _range(lines.rows, shape, unit)
    rows = []
    for cells in by_row.values():
        title = next(getattr(r, first.key) for r in cells.values())
        size = next((getattr(r, shape.size) for r in cells.values()), None) if shape.size else None
        rows.append(
            {
                "title": said(title, first.unit, by=asked.by),
                "size": said(size, Unit.COUNT) if shape.size else None,
                "cells": [
                    _field(asked, table, shape, unit, cells.get(at), (low, high), opens)
                    for at in across
                ],
            }
        )
    return {
        "first": _head(first, table, asked), "rows": rows,
        "across": [_across(at, asked.by) for at in across],
        "title": shape.title, "has_size": bool(shape.size), "low": said(low, unit),
        "high": said(high, unit),
    }  # fmt: skip


def _across(at: Any, by: Grain) -> str:
    """The head of a column: a day or week as 20 Nov, a month as Nov 26, all else as it stands."""
    if not isinstance(at, date):
        return str(at)
    return f"{at:%b %y}" if by is Grain.MONTH else f"{at.day} {at:%b}"


def _range(rows: Sequence[Row], shape: Grid, unit: Unit) -> tuple[Any, Any]:
    """The smallest and largest value that are told apart by colour."""
    values = [getattr(row, shape.value) for row in rows]
    known = [v for v in values if v is not None and not _is_all(v, unit)]
    return (min(known), max(known)) if known else (None, None)


def _is_all(value: Any, unit: Unit) -> bool:
    return unit is Unit.PERCENT and value == 100


def _field(
    asked: Asked,
    table: Table,
    shape: Grid,
    unit: Unit,
    row: Row | None,
    ends: tuple[Any, Any],
    opens: Callable[[str], bool],
) -> dict[str, Any] | None:
    value = getattr(row, shape.value) if row is not None else None
    if row is None or value is None:
        return None
    low, high = ends
    if _is_all(value, unit):
        level = LEVELS
    elif high == low:
        level = 4
    else:
        level = min(LEVELS - 1, int((value - low) * LEVELS / (high - low)))
    text = said(round(value), Unit.COUNT) if unit is Unit.PERCENT else said(value, unit, whole=True)
    return {
        "text": text, "level": level, "spoken": said(value, unit),
        "partial": bool(shape.partial and getattr(row, shape.partial)),
        "url": reading.link(asked, table.drill, row, shape.value, opens),
    }  # fmt: skip
