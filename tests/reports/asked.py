"""A report asked as its page asks it: rows, sums and tables, on a day that stands still."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.database import begin
from app.tenancy import Actor, DatabaseRole, PanelRole, acting, admin_actor, vendor_actor
from models.figures import Figures
from reports import asking, reading
from reports import kept as kept_or_live
from reports.asking import Asked
from reports.reading import Found, Lines
from reports.registry import all_reports
from reports.report import Figure, Frame, Report, Row
from tests import make
from tests.reports.figured import roll_up

TODAY = date(2026, 11, 20)
ANALYST = Actor(DatabaseRole.ANALYST)


@dataclass(frozen=True)
class Answer:
    """What a report said."""

    asked: Asked
    found: Found
    tables: Mapping[str, Lines]
    charts: Mapping[str, Sequence[Row]]

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        """The named columns of every row."""
        return [tuple(getattr(row, name) for name in names) for row in self.found.rows or ()]

    def table(self, key: str, *names: str) -> list[tuple[Any, ...]]:
        """The named columns of every row of a table, as it is sorted."""
        return [tuple(getattr(row, name) for name in names) for row in self.tables[key].rows]


def ask(slug: str, actor: Actor, today: date = TODAY, **words: Any) -> Answer:
    """What a report says to somebody; a table's tabs those that this role has."""
    report = all_reports()[slug]
    said = {name: [str(v) for v in _listed(value)] for name, value in words.items()}
    with acting(actor), begin() as session:
        asked = asking.ask(session, report, said, today=today, vendor_id=actor.vendor_id)
        source = kept_or_live.Live(session, asked)
        found = replace(source.found(), rows=source.rows())
        role = PanelRole.MANAGER if actor.vendor_id else PanelRole.ANALYST
        tables = {
            table.key: reading.lines(session, asked, table)
            for table in report.tables
            if table.roles is None or role in table.roles
        }
        for table in report.tables:  # of every row shown the address behind it is asked for
            for row in tables[table.key].rows if table.key in tables and table.drill else ():
                table.drill(row, asked.period, asked.filters, None)
        charts = {}
        for chart in report.charts:
            rows = session.execute(chart.query(asked.period, asked.filters, asked.by)).all()
            drawn(chart.figure, asked, rows)
            charts[chart.key] = rows
    if report.figure is not None:
        drawn(report.figure, asked, found.rows, found.before)
    return Answer(asked, found, tables, charts)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def drawn(figure: Any, asked: Asked, rows: Any, before: Any = None) -> Figure:
    """A figure of rows; every mark has the address behind it asked for."""
    report: Report = asked.report
    frame = Frame(
        rows=rows, before=before, period=asked.period, compared=asked.compared,
        compared_title=asked.compared_title, by=asked.by, today=asked.today,
        links=lambda row, series: (
            report.drill(row, asked.period, asked.filters, series) if report.drill else None
        ),
        filters=asked.filters,
    )  # fmt: skip
    made: Figure = figure(frame)
    assert made.gist
    return made


def kept(model: type[Figures], *rows: Mapping[str, Any]) -> None:
    """Days of figures, with their weeks and months; each row names its vendor."""
    with acting(admin_actor()), begin() as session:
        for row in rows:
            make.figures(session, model, **row)
    roll_up(model)


def vendor(vendor_id: int) -> Actor:
    """Somebody who reads for one vendor."""
    return vendor_actor(vendor_id)
