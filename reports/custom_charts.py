"""The chart of a report of one's own: over time, side by side, or ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from reports import figures
from reports.custom_choices import DIMENSIONS, TIME, Counted, Definition
from reports.figures import Series
from reports.report import Figure, Frame, Unit

IN_ORDER = {"weekday", "hour"}
LINES, OTHERS = 5, "others"
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
    """Marks over time where it was chosen, for each of the largest things; else ranked bars.

    Hours and weekdays have an order of their own, which bars keep.
    """
    first = next(iter(chosen.values()))
    alike = [Series(key, one.title) for key, one in chosen.items() if one.unit is first.unit]
    lines = definition.chart == "lines"
    if TIME not in definition.dimensions:
        in_order = definition.chart == "bars" and set(definition.dimensions) <= IN_ORDER
        label = " and ".join(DIMENSIONS[one].title.lower() for one in definition.dimensions)
        told = _told(definition, chosen, frame, label, in_order=in_order)
        if in_order:
            return figures.curve(told, label, alike, unit=first.unit, lines=False)
        return figures.ranked(told, label, alike, unit=first.unit, stacked=False)
    if len(definition.dimensions) == 1:
        return figures.over_time(frame, alike, unit=first.unit, lines=lines, stacked=False)
    told, series = _beside(definition, frame)
    return figures.over_time(told, series, unit=first.unit, lines=lines)


def _told(
    definition: Definition,
    chosen: Mapping[str, Counted],
    frame: Frame,
    label: str,
    *,
    in_order: bool,
) -> Frame:
    """Rows with what they are called on the axis, the largest first or in their own order.

    That stands as `label`, which the gist speaks of.
    """
    first = definition.measures[0]

    def place(row: Any) -> Any:
        own = tuple(getattr(row, one) for one in definition.dimensions)
        return own if in_order else -(getattr(row, first) or 0)

    rows = [
        SimpleNamespace(
            **{label: _title(definition, row)},
            row=row,
            **{key: getattr(row, key) for key in chosen},
        )
        for row in sorted(frame.rows, key=place)
    ]
    return replace(
        frame, rows=rows, before=None, links=lambda told, series: frame.links(told.row, series)
    )


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


def _beside(definition: Definition, frame: Frame) -> tuple[Frame, list[Series]]:
    """A row a day with a column for each of the largest, and one for all others together.

    Things of one name are told apart by their ids.
    """
    first = definition.measures[0]
    (other,) = (DIMENSIONS[one] for one in definition.dimensions if one != TIME)
    size: dict[Any, Any] = {}
    for row in frame.rows:
        thing = (_title(definition, row), other.of(row))
        size[thing] = size.get(thing, 0) + (getattr(row, first) or 0)
    things = sorted(size, key=lambda thing: (-size[thing], thing))[:LINES]
    series = [Series(f"n{place}", name) for place, (name, _) in enumerate(things)]
    keys = dict(zip(things, (one.key for one in series), strict=True))
    if len(size) > LINES:
        series.append(Series(OTHERS, "Other"))
    days: dict[Any, dict[str, Any]] = {}
    behind: dict[Any, Any] = {}
    for row in frame.rows:
        key, value = keys.get((_title(definition, row), other.of(row))), getattr(row, first)
        of_day = days.setdefault(row.day, {})
        if key is None:
            of_day[OTHERS] = of_day.get(OTHERS, 0) + (value or 0)
        else:
            of_day[key] = value
            behind[row.day, key] = row
    rows = [SimpleNamespace(day=day, **dict.fromkeys((one.key for one in series), 0) | found)
            for day, found in sorted(days.items())]  # fmt: skip

    def links(told: Any, key: str | None) -> str | None:
        row = behind.get((told.day, key))
        return None if row is None else frame.links(row, first)

    return replace(frame, rows=rows, before=None, links=links), series
