"""A report's page: the days, the filters, the figures above the chart, the chart and its table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from babel.numbers import get_decimal_symbol, get_group_symbol
from sqlalchemy.orm import Session

from admin_views import plotly_js, report_choices, report_runs, report_table
from admin_views.access import allowed
from admin_views.rendering import clock_time, moment
from admin_views.report_words import change, dates, said
from app import clock
from app.errors import DomainError
from app.settings import settings
from app.tenancy import Actor, PanelRole, current_actor
from reports import asking, kept, reading
from reports.asking import Asked
from reports.registry import for_role
from reports.report import PERIODS, Compare, Figure, Measure, Report, Table, Unit
from reports.spans import Grain, ending

HERE = "/admin/reports"
MOST_SHOWN, LONGEST = 1000, 100
THOUSAND = 1000
"""From here on the figures above the chart are written without cents."""
Dicts = list[dict[str, Any]]


@dataclass(frozen=True)
class Address:
    """The address of a report's page: what it says, and the same with something else."""

    slug: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, report: Report, words: Mapping[str, Sequence[str]]) -> "Address":
        """What the page knows of an address; the rest is dropped."""
        names = ("period", "from", "to", "compare", "by", *report_choices.NAMES)
        known = (*names, *(choice.key for choice in report.choices), "table", "sort", "all")
        pairs = [
            (n, v) for n in known for v in words.get(n, ())
            if v and len(v) <= LONGEST and "\x00" not in v
        ]  # fmt: skip
        return cls(report.slug, tuple(pairs[:400]))

    def without(self, *names: str) -> list[tuple[str, str]]:
        """What remains when these are taken away."""
        return [(name, value) for name, value in self.pairs if name not in names]

    def url(self, *without: str, path: str = "", **said: str) -> str:
        """The page with these words in place of what it says of them now."""
        pairs = self.without(*without, *said) + [(k, v) for k, v in said.items() if v]
        return f"{HERE}/{self.slug}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def one(self, name: str) -> str:
        """The last value of a word."""
        return next((v for n, v in reversed(self.pairs) if n == name), "")


def opens(actor: Actor) -> Callable[[str], bool]:
    """Which addresses behind a mark this person may open."""
    mine = for_role(actor.panel_role)

    def may(address: str) -> bool:
        parts = address.partition("?")[0].split("/")
        if parts[2:3] == ["reports"]:
            return len(parts) > 3 and parts[3] in mine
        return len(parts) > 3 and allowed(actor.panel_role, parts[2], parts[3])

    return may


def page_of(
    session: Session, report: Report, words: Mapping[str, Sequence[str]], today: date
) -> dict[str, Any]:
    """Everything the page shows; own dates that are none say why, and nothing is drawn."""
    actor, address = current_actor(), Address.read(report, words)
    frame: dict[str, Any] = {
        "page_title": report.title,
        "report": report,
        "path": [{"title": "Reports", "url": HERE}, {"title": report.group.value}],
        "body_class": "is-report",
        "plotly": plotly_js.ADDRESS,
    }
    try:
        asked = asking.ask(session, report, words, today=today, vendor_id=actor.vendor_id)
    except DomainError as refusal:
        usual = asking.ask(session, report, {}, today=today, vendor_id=actor.vendor_id)
        bar = bar_of(session, usual, address, refused=True)
        return {**frame, **bar, "refused": str(refusal), "typed": typed(address)}
    frame |= bar_of(session, asked, address)
    frame["sub"] = " · ".join([report.about.rstrip("."), *up_to(session, asked)])
    source, note = report_runs.source_of(session, asked)
    if source is None:
        return {**frame, **note}
    return {**frame, **note, **figures_of(asked, address, source)}


def up_to(session: Session, asked: Asked) -> list[str]:
    """Up to when things are counted, if something has happened since."""
    if current_actor().panel_role is PanelRole.ANALYST:
        return []
    since = reading.stale_since(session, asked)
    if since is None:
        return []
    now = clock.now()
    said_at = clock_time(since) if now - since < timedelta(hours=12) else moment(since)
    return [f"figures up to {said_at}"]


def figures_of(asked: Asked, address: Address, source: kept.Source) -> dict[str, Any]:
    """Everything below the menus; nothing found says how to start."""
    found, may = source.found(), opens(current_actor())
    if reading.is_empty(found):
        return {"empty": empty(asked, address)}
    return {
        "measures": measures_of(asked, found),
        "charts": charts_of(asked, found, source, may),
        "definitions": definitions(asked.report),
        "notes": further(asked.report),
        **table_of(asked, address, source, may),
        "downloads": downloads(asked, address),
    }


def typed(address: Address) -> dict[str, str]:
    """Own dates as they were typed, to be corrected."""
    return {"from": address.one("from")[:20], "to": address.one("to")[:20]}


def empty(asked: Asked, address: Address) -> dict[str, Any]:
    """What is said when there is nothing, with what can be taken away, or begun."""
    may = opens(current_actor())
    buttons: Dicts = [{"title": t, "url": url} for t, url in asked.report.empty.steps
               if may(f"{url.rstrip('/')}/list")]  # fmt: skip
    if any(address.one(name) for name in report_choices.NAMES):
        clear = address.url(*report_choices.NAMES)
        buttons.insert(0, {"title": "Clear all filters", "url": clear, "primary": True})
    elif asked.period.slug != "12m" and "12m" in asked.report.periods:
        longer = address.url("from", "to", period="12m")
        buttons.insert(0, {"title": "Show the last 12 months", "url": longer, "primary": True})
    return {
        "icon": "chart-bar", "title": "No figures here yet",
        "text": asked.report.empty.sentence, "buttons": buttons,
    }  # fmt: skip


# --- days, comparison, grouping -----------------------------------------------------------------


def bar_of(
    session: Session, asked: Asked, address: Address, *, refused: bool = False
) -> dict[str, Any]:
    """The line of menus above the figures."""
    report = asked.report
    return {
        "period": period_menu(asked, address, refused=refused) if report.periods else None,
        "compare": compare_menu(asked, address) if report.compares and report.periods else None,
        "grains": grains(asked, address),
        "switches": switches(asked, address),
        **report_choices.chips(session, asked, address),
    }


def period_menu(asked: Asked, address: Address, *, refused: bool) -> dict[str, Any]:
    """Periods by name, and own dates."""
    slug = asked.period.slug
    return {
        "title": PERIODS[slug].title if slug else "Own dates",
        "dates": "" if refused else dates(asked.period),
        "choices": [
            {"title": PERIODS[one].title, "url": address.url("from", "to", "by", period=one),
             "on": one == slug and not refused}
            for one in asked.report.periods
        ],
        "own": asked.report.own_dates,
        "from": asked.period.first.isoformat(), "to": asked.period.last.isoformat(),
        "hidden": address.without("from", "to", "period", "by"),
    }  # fmt: skip


def compare_menu(asked: Asked, address: Address) -> dict[str, Any]:
    """With what the figures are compared."""
    choices = []
    for one in Compare:
        if one is Compare.NOTHING:
            title, when = "Nothing", ""
        else:
            title = asking.before_title(asked.period, one)
            days = asking.compared(asked.period, one, asked.by)
            when = dates(days) if days else ""
        url = address.url(compare=one.value)
        choices.append({"title": title, "dates": when, "url": url, "on": one is asked.compare})
    return {"title": next(c["title"] for c in choices if c["on"]), "choices": choices}


def grains(asked: Asked, address: Address) -> Dicts:
    """Day, week, month: as far as the days can be grouped so."""
    offered = asking.fitting(asked.report, asked.period)
    if len(offered) < 2:
        return []
    return [
        {"title": g.value.capitalize(), "url": address.url(by=g.value), "on": g is asked.by}
        for g in offered
    ]


def switches(asked: Asked, address: Address) -> Dicts:
    """The report's own choices."""
    return [
        {
            "title": choice.title,
            "choices": [
                {"title": title, "on": word == asked.filters.picked(choice.key),
                 "url": address.url("sort", **{choice.key: word})}
                for word, title in choice.options
            ],
        }
        for choice in asked.report.choices
    ]  # fmt: skip


# --- figures ------------------------------------------------------------------------------------


def measures_of(asked: Asked, found: reading.Found) -> Dicts:
    """The figures above the chart, each with what it was and how it has changed."""
    shown = [m for m in asked.report.measures if m.headline]
    money = next((m.key for m in shown if m.unit is Unit.MONEY), None)
    amounts = [found.sums.get(m.key) for m in shown if m.unit is Unit.MONEY]
    whole = any(value is not None and abs(value) >= THOUSAND for value in amounts)
    return [_measure(asked, found, m, names_currency=m.key == money, whole=whole) for m in shown]


def _measure(
    asked: Asked, found: reading.Found, measure: Measure, *, names_currency: bool, whole: bool
) -> dict[str, Any]:
    value = found.sums.get(measure.key)
    before = (found.sums_before or {}).get(measure.key)
    title = f"{measure.title}, {settings().currency}" if names_currency else measure.title
    return {
        "title": title, "value": said(value, measure.unit, whole=whole),
        "change": change(value, before, measure.unit, measure.better),
        "was": f"was {said(before, measure.unit, whole=whole)}" if before is not None else "",
        "definition": measure.definition,
    }  # fmt: skip


def definitions(report: Report) -> list[tuple[str, str]]:
    """What is counted: each measure in a sentence."""
    return [(m.title, m.definition) for m in report.measures if m.headline]


def further(report: Report) -> list[tuple[str, str]]:
    """What else is counted, and how it is worked out."""
    others = [(m.title, m.definition) for m in report.measures if not m.headline]
    return [*others, *report.notes]


def charts_of(
    asked: Asked, found: reading.Found, source: kept.Source, may: Callable[[str], bool]
) -> Dicts:
    """The report's figure and its further ones, each as JSON that the page's script draws."""
    report, charts = asked.report, []
    if report.figure is not None:
        figure = report.figure(reading.frame_of(asked, found, may))
        title = report.chart or report.title
        if report.grains:
            title = f"{title} by {asked.by.value}"
        charts.append(_chart("main", title, figure, _hint(asked, report.hint, may)))
    for chart in report.charts:
        frame = reading.chart_frame(asked, chart, source.chart(chart), may)
        if frame.rows:
            charts.append(_chart(chart.key, chart.title, chart.figure(frame), chart.hint))
    return charts


def _chart(key: str, title: str, figure: Figure, hint: str) -> dict[str, Any]:
    return {
        "key": key, "title": title, "keys": figure.keys, "gist": figure.gist,
        "height": figure.height, "hint": hint, "json": as_json(figure),
        "lies": any(one.get("orientation") == "h" for one in figure.data),
    }  # fmt: skip


def _hint(asked: Asked, hint: str, may: Callable[[str], bool]) -> str:
    """The report's hint for those who can open lists, and what is not over yet."""
    parts = [hint] if may("/admin/booking/list") else []
    if asked.report.grains and asked.period.contains(asked.today):
        parts.append(_not_over(asked))
    return " ".join(part for part in parts if part)


def _not_over(asked: Asked) -> str:
    if asked.by is Grain.DAY or ending(asked.today, asked.by) == asked.today:
        return "Today is not over."
    return f"This {asked.by.value} is not over."


def as_json(figure: Figure) -> str:
    """A figure as its element carries it."""
    signs = get_decimal_symbol(settings().locale), get_group_symbol(settings().locale)
    layout = {**figure.layout, "separators": "".join(signs), "height": figure.height}
    return orjson.dumps({"data": figure.data, "layout": layout}).decode()


# --- the table ----------------------------------------------------------------------------------


def tables_for(report: Report, role: PanelRole) -> list[Table]:
    """The tables that somebody of this role has."""
    return [t for t in report.tables if t.roles is None or role in t.roles]


def table_of(
    asked: Asked, address: Address, source: kept.Source, may: Callable[[str], bool]
) -> dict[str, Any]:
    """The table that is asked for, and the tabs of the others."""
    tables = tables_for(asked.report, current_actor().panel_role)
    if not tables:
        return {}
    wanted = address.one("table")
    table = next((t for t in tables if t.key == wanted), tables[0])
    sort = address.one("sort")
    most = MOST_SHOWN if address.one("all") else None
    lines = source.lines(table, sort, most)
    title = report_table.title_of(table, asked)
    return {
        "table": report_table.drawn(asked, lines, address.url, sort, may),
        "table_title": title if table.grid else f"By {title[:1].lower()}{title[1:]}",
        "tabs": [
            {
                "title": report_table.title_of(t, asked),
                "url": address.url("sort", "all", table=t.key) + "#table", "on": t is table,
            }
            for t in tables
        ]
        if len(tables) > 1 else [],
        "all_url": address.url(all="1") + "#table" if lines.many > len(lines.rows) else None,
    }  # fmt: skip


def downloads(asked: Asked, address: Address) -> Dicts:
    """The figures as files."""
    role = current_actor().panel_role
    wanted = tables_for(asked.report, role)
    path = "/figures.csv"
    files = [{"title": "Chart, as CSV", "url": address.url("table", "sort", "all", path=path)}]
    files += [
        {
            "title": f"By {report_table.title_of(t, asked).lower()}, as CSV",
            "url": address.url("sort", "all", path=path, table=t.key),
        }
        for t in wanted
        if t.columns[0].unit is not Unit.BUCKET  # the chart's own rows
    ]
    return files
