"""The chart of a report of one's own: over time, side by side, or ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from reports import figures
from reports.custom_choices import DIMENSIONS, TIME, Counted, Definition
from reports.figures import Series
from reports.report import Figure, Frame, Unit

LINES = 5
"""So many things have a line or bars of their own where time is split by them."""


def title(definition: Definition, chosen: Mapping[str, Counted], spoken: Sequence[str]) -> str:
    """What is drawn: measures of one unit, and only the first where time is split by something."""
    first, *_ = chosen.values()
    split = TIME in definition.dimensions and len(definition.dimensions) > 1
    told = [first] if split else [one for one in chosen.values() if one.unit is first.unit]
    titles = ", ".join(one.title for one in told)
    others = [one for one in spoken if one != DIMENSIONS[TIME].title.lower()]
    return f"{titles} by {' and '.join(others)}" if others else titles


def drawn(definition: Definition, chosen: Mapping[str, Counted], frame: Frame) -> Figure:
    """Marks over time where it was chosen, for each of the largest things; else ranked bars."""
    first = next(iter(chosen.values()))
    alike = [Series(key, one.title) for key, one in chosen.items() if one.unit is first.unit]
    if TIME not in definition.dimensions:
        rows = [SimpleNamespace(label=_title(definition, row), **_values(row, chosen))
                for row in _largest(frame.rows, definition)]  # fmt: skip
        told = replace(frame, rows=rows, before=None, links=lambda row, series: None)
        return figures.ranked(told, "label", alike, unit=first.unit, stacked=False)
    lines = definition.chart == "lines"
    if len(definition.dimensions) == 1:
        return figures.over_time(frame, alike, unit=first.unit, lines=lines, stacked=False)
    rows, series = _beside(definition, frame)
    told = replace(frame, rows=rows, before=None, links=lambda row, series: None)
    return figures.over_time(told, series, unit=first.unit, lines=lines)


def _values(row: Any, chosen: Mapping[str, Counted]) -> dict[str, Any]:
    return {key: getattr(row, key) for key in chosen}


def _largest(rows: Sequence[Any], definition: Definition) -> list[Any]:
    first = definition.measures[0]
    return sorted(rows, key=lambda row: -(getattr(row, first) or 0))


def _title(definition: Definition, row: Any) -> str:
    return ", ".join(_spoken(one, row) for one in definition.dimensions if one != TIME)


def _spoken(dimension: str, row: Any) -> str:
    """What a row is called in one dimension, as people say it."""
    value, unit = getattr(row, dimension), DIMENSIONS[dimension].unit
    if unit is Unit.WEEKDAY:
        return figures.WEEKDAYS[int(value) - 1]
    if dimension == "hour":
        return f"{int(value):02d}:00"
    return str(value) if unit is Unit.TEXT else figures.worded(value)


def _beside(definition: Definition, frame: Frame) -> tuple[list[Any], list[Series]]:
    """A row a day with a column for each of the largest; the chart has room for no more."""
    first = definition.measures[0]
    size: dict[str, Any] = {}
    for row in frame.rows:
        name = _title(definition, row)
        size[name] = size.get(name, 0) + (getattr(row, first) or 0)
    names = sorted(size, key=lambda name: (-size[name], name))[:LINES]
    days: dict[Any, dict[str, Any]] = {}
    for row in frame.rows:
        if (name := _title(definition, row)) in names:
            days.setdefault(row.day, {})[f"n{names.index(name)}"] = getattr(row, first)
    keys = [f"n{place}" for place in range(len(names))]
    rows = [SimpleNamespace(day=day, **dict.fromkeys(keys, 0) | found)
            for day, found in sorted(days.items())]  # fmt: skip
    return rows, [Series(key, name) for key, name in zip(keys, names, strict=True)]
