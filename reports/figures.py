"""The shapes that figures have: over time, ranked, on a grid; what is drawn, never what is counted.

Each answers a `Figure` of plain values: building the same with `go.Figure` takes 30 ms a page, most
of it to check what is written here once. Colours are words that the page gives its theme's shades.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from app.money import decimals_of
from app.settings import settings
from reports.report import Figure, Frame, Key, Row, Unit
from reports.spans import Grain, buckets, ending

TICKS = 12
FADED = 0.55
FEW = 3
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SPOKEN = {"walk_in": "Walk-in", "no_show": "No-show"}


@dataclass(frozen=True, slots=True)
class Series:
    """A column that is drawn, what it is called, and its colour (1 to 6; 0: by its place)."""

    key: str
    title: str
    tone: int = 0


def worded(value: object) -> str:
    """A word of the schema as people read it: walk_in is "Walk-in"; nothing is "None"."""
    text = str(value.value if isinstance(value, Enum) else value)
    spaced = text.replace("_", " ")
    return SPOKEN.get(text) or spaced[:1].upper() + spaced[1:]


# --- over time ----------------------------------------------------------------------------------


def over_time(
    frame: Frame,
    series: Sequence[Series],
    *,
    unit: Unit,
    compare: str | None = None,
    total: str | None = None,
    lines: bool = False,
    stacked: bool = True,
) -> Figure:
    """A mark for each day, week or month; rows have the column `day`, one row for each.

    Bars are stacked (or stand side by side); `lines` draws lines instead. `compare` is the column
    that is drawn dashed for the days compared with, `total` the one that a stack adds up to.
    Missing days are 0 in bars and gaps in lines; what is not over yet is paler.
    """
    days = buckets(frame.period.first, frame.period.last, frame.by)
    found = {row.day: row for row in frame.rows}
    titles = [bucket_title(day, frame.by) for day in days]
    faded = [_is_partial(day, frame) for day in days]
    shown = _Shown(unit, titles, [found.get(day) for day in days], frame)
    data = []
    for place, one in enumerate(series):
        tone = f"c{one.tone or place + 1}"
        data.append(shown.line(one, tone) if lines else shown.bar(one, tone, faded))
    if total and len(series) > 1:
        data.append(shown.unseen(total, "Total"))
    keys = [Key(one.title, one.tone or place + 1) for place, one in enumerate(series)]
    if compare and frame.before and frame.compared is not None:
        before = _aligned(frame, compare, len(days), none=None if lines else 0.0)
        data.append(shown.dashed(before, frame.compared_title))
        keys.append(Key(_compared_key(frame, series, compare), 0))
    layout = {
        "xaxis": {"type": "category", **_ticks(days, titles, frame.by)},
        "yaxis": {**_axis(unit), **_whole_steps(unit, data)},
        "barmode": "relative" if stacked else "group",
    }
    key = total or compare or series[0].key
    gist = _gist(series, titles, found, days, key, frame, unit, none=None if lines else 0.0)
    return Figure(data, layout, tuple(keys), gist)


@dataclass(frozen=True, slots=True)
class _Shown:
    unit: Unit
    titles: list[str]
    rows: list[Row | None]
    frame: Frame

    def bar(self, one: Series, tone: str, faded: list[bool]) -> dict[str, Any]:
        values = [0.0 if row is None else plain(getattr(row, one.key)) for row in self.rows]
        opacity: Any = [FADED if pale else 1 for pale in faded] if any(faded) else 1
        return {
            "type": "bar", "name": one.title, "x": self.titles, "y": values,
            "marker": {"color": tone, "opacity": opacity},
            **self.behind(one), "hovertemplate": hover(self.unit),
        }  # fmt: skip

    def line(self, one: Series, tone: str) -> dict[str, Any]:
        values = [None if row is None else plain(getattr(row, one.key)) for row in self.rows]
        return {
            "type": "scatter", "mode": "lines+markers", "name": one.title, "x": self.titles,
            "y": values, "line": {"color": tone, "width": 2}, "marker": {"color": tone, "size": 5},
            **self.behind(one), "hovertemplate": hover(self.unit),
        }  # fmt: skip

    def behind(self, one: Series) -> dict[str, Any]:
        links = [None if row is None else self.frame.links(row, one.key) for row in self.rows]
        return {"customdata": links} if any(links) else {}

    def unseen(self, key: str, title: str) -> dict[str, Any]:
        """A line of the tooltip without a mark."""
        values = [0.0 if row is None else plain(getattr(row, key)) for row in self.rows]
        return {
            "type": "scatter", "mode": "lines", "name": title, "x": self.titles, "y": values,
            "line": {"color": "rgba(0,0,0,0)", "width": 0}, "hovertemplate": hover(self.unit),
        }  # fmt: skip

    def dashed(self, values: list[float | None], title: str) -> dict[str, Any]:
        return {
            "type": "scatter", "mode": "lines", "name": title, "x": self.titles, "y": values,
            "line": {"color": "c6", "width": 1.5, "dash": "4px,3px"},
            "hovertemplate": hover(self.unit),
        }  # fmt: skip


def _aligned(frame: Frame, key: str, length: int, none: float | None) -> list[float | None]:
    """The values of the days compared with, each at the place of its counterpart."""
    compared, before = frame.compared, frame.before
    if compared is None or before is None:
        return []
    found = {row.day: plain(getattr(row, key)) for row in before}
    values = [found.get(d, none) for d in buckets(compared.first, compared.last, frame.by)]
    return (values + [None] * length)[:length]


def _compared_key(frame: Frame, series: Sequence[Series], compare: str) -> str:
    of = next((one.title for one in series if one.key == compare), "total")
    title = frame.compared_title
    return title if len(series) == 1 else f"{title}, {of[:1].lower()}{of[1:]}"


def _is_partial(day: date, frame: Frame) -> bool:
    """Not over yet, or cut off by the edge of the period."""
    end = ending(day, frame.by)
    return end >= frame.today or end > frame.period.last or day < frame.period.first


def bucket_title(day: date, by: Grain) -> str:
    """Fri 20 Nov 2026; Week of 16 Nov 2026; November 2026."""
    if by is Grain.MONTH:
        return f"{day:%B} {day.year}"
    text = f"{day.day} {day:%b} {day.year}"
    return f"Week of {text}" if by is Grain.WEEK else f"{day:%a} {text}"


def _ticks(days: Sequence[date], titles: Sequence[str], by: Grain) -> dict[str, Any]:
    """At most a dozen labels, the last bucket's among them."""
    step = -(-len(days) // TICKS) or 1
    places = [at for at in range(len(days)) if (len(days) - 1 - at) % step == 0]
    years = len({day.year for day in days}) > 1
    pattern = ("%b %y" if years else "%b") if by is Grain.MONTH else "%-d %b"
    return {
        "tickmode": "array",
        "tickvals": [titles[at] for at in places],
        "ticktext": [f"{days[at]:{pattern}}" for at in places],
    }


def _gist(
    series: Sequence[Series],
    titles: Sequence[str],
    found: Mapping[date, Row],
    days: Sequence[date],
    key: str,
    frame: Frame,
    unit: Unit,
    *,
    none: float | None,
) -> str:
    """What is to be seen, in words; a day without a row is `none`, as it is drawn."""
    names = " and ".join([", ".join(s.title for s in series[:-1]), series[-1].title][-2:])
    names = names.removeprefix(" and ")
    head = f"{names} by {frame.by.value}, {_said(frame.period.first)} to {_said(frame.period.last)}"
    known = [(plain(getattr(found[d], key, None)) if d in found else none, t)
             for d, t in zip(days, titles, strict=True)
             if found and d <= max(frame.today, *found)]  # fmt: skip
    values = [(value, title) for value, title in known if value is not None]
    if not values:
        return f"{head}."
    (high, best), (low, worst) = (of(values, key=lambda one: one[0]) for of in (max, min))
    return f"{head}. Most: {spoken(high, unit)}, {best}; least: {spoken(low, unit)}, {worst}."


def _said(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


# --- ranked -------------------------------------------------------------------------------------


def ranked(
    frame: Frame,
    label: str,
    series: Sequence[Series],
    *,
    unit: Unit,
    most: int = 12,
    stacked: bool = True,
    words: bool = False,
) -> Figure:
    """Lying bars, a row each, in the order of the rows; `words`: the label is a schema's word."""
    rows = list(frame.rows[:most])
    names = _unlike([worded(getattr(r, label)) if words else str(getattr(r, label)) for r in rows])
    data = []
    for place, one in enumerate(series):
        links = [frame.links(row, one.key) for row in rows]
        data.append(
            {
                "type": "bar", "orientation": "h", "name": one.title, "y": names,
                "x": [plain(getattr(row, one.key)) for row in rows],
                "marker": {"color": f"c{one.tone or place + 1}"},
                **({"customdata": links} if any(links) else {}),
                "hovertemplate": hover(unit, "x"),
            }
        )  # fmt: skip
    layout = {
        "yaxis": {
            "type": "category", "autorange": "reversed", "automargin": True, "showgrid": False,
            "tickmode": "array", "tickvals": names, "ticktext": [_short(name) for name in names],
            "tickformat": "", "rangemode": "normal",
        },
        "xaxis": {
            **_axis(unit), "showgrid": True, "rangemode": "tozero", "nticks": 5,
            **_whole_steps(unit, data, "x"),
        },
        "barmode": "relative" if stacked else "group",
        "hovermode": "y unified",
    }  # fmt: skip
    keys = tuple(Key(one.title, one.tone or place + 1) for place, one in enumerate(series))
    gist = f"{series[0].title} by {label.replace('_', ' ')}"
    if rows:
        first = plain(getattr(rows[0], series[0].key))
        gist += f". First: {names[0]}, {spoken(first, unit)}"
    return Figure(data, layout, keys, f"{gist}.", max(160, 40 + 28 * len(rows)))


def _unlike(names: Iterable[str]) -> list[str]:
    """Names of which no two are alike, for an axis takes each once."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name + "\u200b" * (seen[name] - 1))
    return told


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


# --- on a grid, and any line --------------------------------------------------------------------


def heat(
    frame: Frame,
    across: str,
    down: str,
    value: str,
    *,
    title: str,
    unit: Unit,
    columns: Sequence[tuple[Any, str]],
    rows: Sequence[tuple[Any, str]],
) -> Figure:
    """A field for each (across, down), darker with its value; `columns`, `rows`: (value, title)."""
    found = {(getattr(r, across), getattr(r, down)): r for r in frame.rows}
    cells = [[found.get((x, y)) for x, _ in columns] for y, _ in rows]
    links = [[None if r is None else frame.links(r, value) for r in line] for line in cells]
    data: dict[str, Any] = {
        "type": "heatmap", "name": title, "x": [t for _, t in columns], "y": [t for _, t in rows],
        "z": [[None if r is None else plain(getattr(r, value)) for r in line] for line in cells],
        "xgap": 2, "ygap": 2, "showscale": False, "hoverongaps": False,
        "hovertemplate": f"%{{y}} %{{x}}: <b>{_format(unit, 'z')}</b><extra></extra>",
        **({"customdata": links} if any(any(line) for line in links) else {}),
    }  # fmt: skip
    layout = {
        "xaxis": {"type": "category", "showgrid": False},
        "yaxis": {
            "type": "category", "autorange": "reversed", "showgrid": False, "tickformat": "",
            "automargin": True, "rangemode": "normal",
        },
        "hovermode": "closest",
    }  # fmt: skip
    named = [(plain(getattr(r, value)), x, y) for y, line in zip(rows, cells, strict=True)
             for x, r in zip(columns, line, strict=True) if r is not None]  # fmt: skip
    known = [(v, y[1], x[1]) for v, x, y in named if v is not None]
    gist = f"{title} by {down} and {across}"
    if known:
        high, at, when = max(known)
        gist += f". Most: {spoken(high, unit)}, {at} {when}"
    return Figure([data], layout, (), f"{gist}.", max(160, 40 + 30 * len(rows)))


def curve(
    frame: Frame,
    x: str,
    series: Sequence[Series],
    *,
    unit: Unit,
    say: Callable[[Any], str] = str,
    lines: bool = True,
) -> Figure:
    """Lines (or bars) over any column, in the order of the rows; a column that misses is a gap."""
    names = _unlike(say(getattr(row, x)) for row in frame.rows)
    shown = _Shown(unit, names, list(frame.rows), frame)
    data = []
    for place, one in enumerate(series):
        tone = f"c{one.tone or place + 1}"
        data.append(shown.line(one, tone) if lines else shown.bar(one, tone, [False] * len(names)))
    step = -(-len(names) // TICKS) or 1
    layout = {
        "xaxis": {"type": "category", "tickmode": "array", "tickvals": names[::step]},
        "yaxis": {**_axis(unit), **_whole_steps(unit, data)},
        "barmode": "group",
    }
    keys = tuple(Key(one.title, one.tone or place + 1) for place, one in enumerate(series))
    gist = f"{', '.join(one.title for one in series)} by {x.replace('_', ' ')}."
    return Figure(data, layout, keys, gist)


# --- values -------------------------------------------------------------------------------------


def plain(value: Any) -> float | None:
    """A number as a figure takes it."""
    return None if value is None else float(value)


def _axis(unit: Unit) -> dict[str, Any]:
    """How the values' axis is written; where nothing is said the template's way."""
    formats = {Unit.PERCENT: {"ticksuffix": " %", "tickformat": ""}}
    return dict(formats.get(unit, {}))


def _whole_steps(unit: Unit, data: Sequence[Mapping[str, Any]], axis: str = "y") -> dict[str, Any]:
    """An axis of few things is cut into whole ones: nobody comes 0.2 times."""
    drawn = (abs(value) for one in data for value in one[axis] if value is not None)
    return {"dtick": 1} if unit is Unit.COUNT and max(drawn, default=0) <= FEW else {}


def _format(unit: Unit, axis: str) -> str:
    if unit is Unit.MONEY:
        return f"%{{{axis}:,.{decimals_of(settings().currency)}f}}"
    if unit is Unit.PERCENT:
        return f"%{{{axis}:,.1f}} %"
    return f"%{{{axis}:,}}"


def hover(unit: Unit, axis: str = "y") -> str:
    """A line of the tooltip."""
    return _format(unit, axis)


def spoken(value: float | None, unit: Unit) -> str:
    """A value in a sentence."""
    if value is None:
        return "nothing"
    if unit is Unit.PERCENT:
        return f"{value:,.1f} %"
    if unit is Unit.MONEY and value != int(value):
        return f"{Decimal(value):,.{decimals_of(settings().currency)}f}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
