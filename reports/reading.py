"""A report's question put to the database: rows, sums, tables and what they are compared with.

All sums and shares are worked out in SQL, around the report's own queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select
from sqlalchemy.orm import Session

from models.figures import StaleDay
from models.market_figures import StaleMarketDay
from reports.asking import Asked
from reports.report import (
    Chart,
    Column,
    Drill,
    Frame,
    Measure,
    Period,
    Query,
    Report,
    Row,
    Table,
    Unit,
)

SUMMED = frozenset({Unit.MONEY, Unit.COUNT, Unit.NUMBER, Unit.MINUTES, Unit.DAYS})
MOST_ROWS = 10_000
"""Rows of a table that are told at most, in a file or by a run."""
MOST_FIELDS = 40_000
"""Those of a grid: as many weeks as can be asked for (`asking`) have 37,000."""
Sums = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a query with their sums; `before` are those of the days compared with.

    `rows` is None where nothing is drawn of them, and so nobody asked (`plain_rows` does).
    """

    rows: Sequence[Row] | None
    before: Sequence[Row] | None
    sums: Sums
    sums_before: Sums | None


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of a table: those shown, how many there are, and the last row's sums.

    Rows have, beside their own columns, `before` (the value of `change` in the days compared with).
    """

    table: Table
    rows: Sequence[Row]
    many: int
    totals: Sums


def read(session: Session, asked: Asked) -> Found:
    """The report's rows and the figures above its chart."""
    report, compared = asked.report, asked.compared
    if report.figure is None and report.summary is not None:
        sums = _summary(session, report.summary, asked.period, asked)
        earlier = _summary(session, report.summary, compared, asked) if compared else None
        return Found(None, None, sums, earlier)
    rows, sums = _summed(session, report, asked.period, asked)
    if compared is None:
        return Found(rows, None, sums, None)
    if report.summary is not None and not report.draws_before:
        return Found(rows, None, sums, _summary(session, report.summary, compared, asked))
    before, sums_before = _summed(session, report, compared, asked)
    return Found(rows, before, sums, sums_before)


def plain_rows(session: Session, asked: Asked) -> tuple[list[str], Sequence[Row]]:
    """The rows of the report's query alone, as the command line prints them: (columns, rows)."""
    found = session.execute(asked.report.query(asked.period, asked.filters, asked.by))
    columns = list(found.keys())
    return columns, found.all()


def _summed(
    session: Session, report: Report, period: Period, asked: Asked
) -> tuple[Sequence[Row], Sums]:
    if report.summary is not None:
        rows = session.execute(report.query(period, asked.filters, asked.by)).all()
        return rows, _summary(session, report.summary, period, asked)
    query = report.query(period, asked.filters, asked.by)
    inner = query.subquery("asked")
    sums = {m.key: _sum(m, inner.c).label(f"sum_of_{m.key}") for m in report.measures}
    statement = select(*inner.c, *sums.values())
    if "day" in inner.c:
        statement = statement.order_by(inner.c.day)
    rows = session.execute(statement).all()
    first = rows[0]._mapping if rows else {}
    return rows, {key: first.get(f"sum_of_{key}") for key in sums}


def _summary(session: Session, ask: Query, period: Period, asked: Asked) -> Sums:
    return dict(session.execute(ask(period, asked.filters, asked.by)).mappings().first() or {})


def _sum(measure: Measure | Column, columns: Any) -> Any:
    """The sum over all rows of a column, of one part of another, or what is made of sums."""
    if measure.of_sums:
        return measure.of_sums(lambda key: func.sum(columns[key]).over())
    if measure.part and measure.of:
        return _percent(
            func.sum(columns[measure.part]).over(), func.sum(columns[measure.of]).over()
        )
    if measure.key not in columns or measure.unit not in SUMMED:
        return null()
    return func.sum(columns[measure.key]).over()


def _percent(part: Any, of: Any) -> Any:
    return literal(100) * part / func.nullif(of, 0)


# --- tables -------------------------------------------------------------------------------------


def lines(
    session: Session, asked: Asked, table: Table, *, sort: str = "", most: int | None = None
) -> Lines:
    """The rows of a table in the order `sort`: a column's key, with a minus the largest first."""
    statement = _whole(asked, table)
    statement = statement.order_by(*_order(statement, table, sort))
    if table.grid is None:
        statement = statement.limit(table.rows if most is None else most)
    rows = session.execute(statement.limit(MOST_FIELDS) if table.grid else statement).all()
    first = rows[0]._mapping if rows else {}
    totals = {c.key: first.get(f"sum_of_{c.key}") for c in table.columns}
    totals["before"] = first.get("sum_of_before")
    return Lines(table, rows, int(first.get("how_many") or 0), totals)


def _whole(asked: Asked, table: Table) -> Select[Any]:
    """The table's query with its shares, sums and the value before of each row."""
    now = table.query(asked.period, asked.filters, asked.by).cte("now")
    worked = [c for c in table.columns if c.of_sums or (c.part and c.of)]
    derived = [_derived(c, now.c).label(c.key) for c in worked]
    sums = [_total(c, now.c).label(f"sum_of_{c.key}") for c in table.columns]
    many = func.count().over().label("how_many")
    compared = asked.compared
    if not (table.change and table.identity and compared):
        nothing = [null().label("before"), null().label("sum_of_before")]
        return select(*now.c, *derived, *sums, many, *nothing)
    # of the days before nothing but this is asked, and so nothing else is added up
    those = table.query(compared, asked.filters, asked.by).subquery("those")
    keys = _keys(table, now.c)
    then = select(*(those.c[key] for key in keys), those.c[table.change]).cte("then")
    whole = select(func.sum(then.c[table.change])).scalar_subquery()
    return select(
        *now.c, *derived, *sums, many,
        then.c[table.change].label("before"), whole.label("sum_of_before"),
    ).outerjoin_from(now, then, and_(*(then.c[key] == now.c[key] for key in keys)))  # fmt: skip


def _keys(table: Table, columns: Any) -> list[str]:
    """What tells a row from all others: what is without a thing (0) there is of every vendor."""
    keys = [str(table.identity), "vendor_id"]
    return list(dict.fromkeys(key for key in keys if key in columns))


def _derived(column: Column, columns: Any) -> Any:
    if column.of_sums:
        return column.of_sums(lambda key: columns[key])
    of = columns[column.of]
    return _percent(columns[column.part], func.sum(of).over() if column.of_all else of)


def _total(column: Column, columns: Any) -> ColumnElement[Any]:
    return _sum(column, columns) if column.total else null()


def _order(statement: Select[Any], table: Table, sort: str) -> list[ColumnElement[Any]]:
    """By the column asked for, if the table has it; NULL comes last, equals in a fixed order."""
    known = {c.key for c in table.columns}
    key, down = sort.removeprefix("-"), sort.startswith("-")
    if key not in known:
        key, down = table.sort or "", not table.ascending
    selected = statement.selected_columns
    told = table.columns[:1] if table.identity else table.columns
    rest = [selected[c.key] for c in told]
    if table.identity:
        rest.append(selected[table.identity])
    if not key:
        return []
    by = selected[key].desc() if down else selected[key].asc()
    return [by.nulls_last(), *rest]


# --- what is drawn ------------------------------------------------------------------------------


def frame_of(asked: Asked, found: Found, allowed: Any) -> Frame:
    """What the report's figure is drawn of; `allowed(address)` says which links the reader has."""
    return _frame(asked, found.rows or (), found.before, asked.report.drill, allowed)


def chart_rows(
    session: Session, asked: Asked, chart: Chart
) -> tuple[Sequence[Row], Sequence[Row] | None]:
    """The rows of a further chart, which asks its own question; and those compared with."""
    rows = session.execute(chart.query(asked.period, asked.filters, asked.by)).all()
    if (compared := asked.compared) is None or not chart.compares:
        return rows, None
    return rows, session.execute(chart.query(compared, asked.filters, asked.by)).all()


def chart_frame(
    asked: Asked, chart: Chart, found: tuple[Sequence[Row], Sequence[Row] | None], allowed: Any
) -> Frame:
    """What a further chart is drawn of."""
    return _frame(asked, *found, chart.drill or asked.report.drill, allowed)


def _frame(
    asked: Asked,
    rows: Sequence[Row],
    before: Sequence[Row] | None,
    drill: Drill | None,
    allowed: Any,
) -> Frame:
    return Frame(
        rows, before, asked.period, asked.compared, asked.compared_title, asked.by, asked.today,
        lambda row, series: link(asked, drill, row, series, allowed), asked.filters,
    )  # fmt: skip


def link(
    asked: Asked, drill: Drill | None, row: Row, series: str | None, allowed: Any
) -> str | None:
    """The address behind a row or a mark, if the reader may open it."""
    if drill is None:
        return None
    day = getattr(row, "day", None)
    at = asked.period.within(day, asked.by) if day is not None else asked.period
    address = drill(row, at, asked.filters, series)
    return address if address and allowed(address) else None


def stale_since(session: Session, asked: Asked) -> datetime | None:
    """Since when something of these days waits to be counted; None: all of it is."""
    noted = select(func.min(StaleDay.at)).where(
        or_(StaleDay.day.is_(None), StaleDay.day.between(asked.period.first, asked.period.last))
    )
    if asked.filters.vendor_ids:
        return session.scalar(noted.where(StaleDay.vendor_id.in_(asked.filters.vendor_ids)))
    days = StaleMarketDay.day.between(asked.period.first, asked.period.last)
    of_all = select(func.min(StaleMarketDay.at)).where(days)
    return session.scalar(select(func.least(noted.scalar_subquery(), of_all.scalar_subquery())))


def is_empty(found: Found) -> bool:
    """Whether nothing at all was found in the days asked for."""
    known = [value for value in found.sums.values() if value is not None]
    if found.rows is None:
        return not any(known)
    return not found.rows or (bool(known) and not any(known))
