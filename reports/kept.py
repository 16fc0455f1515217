"""Figures read from the database, or from what a run has kept: one shape for the page."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

from sqlalchemy.orm import Session

from reports import reading
from reports.asking import Asked, words_of
from reports.reading import Found, Lines
from reports.report import Chart, Row, Table

Pair = tuple[Sequence[Row], Sequence[Row] | None]


class Source(Protocol):
    """Where a page has its figures from."""

    def found(self) -> Found:
        """The figures above the report's chart, and the rows that are drawn."""

    def rows(self) -> Sequence[Row]:
        """The report's own rows, drawn or not."""

    def chart(self, chart: Chart) -> Pair:
        """The rows of a further chart, and those compared with."""

    def lines(self, table: Table, sort: str, most: int | None) -> Lines:
        """The rows of a table in an order."""


class Live:
    """Figures as they stand now."""

    def __init__(self, session: Session, asked: Asked) -> None:
        self.session, self.asked = session, asked
        self._found: Found | None = None

    def found(self) -> Found:
        """See `Source`."""
        if self._found is None:
            self._found = reading.read(self.session, self.asked)
        return self._found

    def rows(self) -> Sequence[Row]:
        """See `Source`."""
        rows = self.found().rows
        return reading.plain_rows(self.session, self.asked)[1] if rows is None else rows

    def chart(self, chart: Chart) -> Pair:
        """See `Source`; a chart of the report's own question asks nothing once more."""
        if chart.query is self.asked.report.query:
            return self.rows(), self.found().before if chart.compares else None
        return reading.chart_rows(self.session, self.asked, chart)

    def lines(self, table: Table, sort: str, most: int | None) -> Lines:
        """See `Source`."""
        return reading.lines(self.session, self.asked, table, sort=sort, most=most)


def question_of(asked: Asked) -> str:
    """The question in one spelling, with its days: equal questions have equal text.

    What is measured is part of it, for reports of one's own are changed; a digest stands for
    whatever was chosen, which may be long.
    """
    report, period = asked.report, asked.period
    measured = [(one.key, one.definition) for one in report.measures]
    columns = [column.key for table in report.tables for column in table.columns]
    chosen = repr((words_of(asked), measured, columns))
    return f"{report.slug}#{period.first}..{period.last}#{sha256(chosen.encode()).hexdigest()}"


def steps(asked: Asked) -> list[tuple[str, Callable[[Source], Any]]]:
    """What a run works out, step by step: `(name, work)`; what each keeps is JSON."""
    report = asked.report
    found: list[tuple[str, Callable[[Source], Any]]] = [("found", _keep_found)]
    found += [(f"chart:{c.key}", _keeper_of_chart(c)) for c in report.charts]
    found += [(f"table:{t.key}", _keeper_of_table(t)) for t in report.tables]
    return found


def _keep_found(source: Source) -> dict[str, Any]:
    found = source.found()
    return {
        "rows": pack(source.rows()),
        "before": None if found.before is None else pack(found.before),
        "sums": _values(found.sums),
        "sums_before": None if found.sums_before is None else _values(found.sums_before),
    }


def _keeper_of_chart(chart: Chart) -> Callable[[Source], Any]:
    def keep(source: Source) -> dict[str, Any]:
        rows, before = source.chart(chart)
        return {"rows": pack(rows), "before": None if before is None else pack(before)}

    return keep


def _keeper_of_table(table: Table) -> Callable[[Source], Any]:
    def keep(source: Source) -> dict[str, Any]:
        lines = source.lines(table, "", reading.MOST_ROWS)
        return {"rows": pack(lines.rows), "many": lines.many, "totals": _values(lines.totals)}

    return keep


class Kept:
    """Figures as a run has kept them."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.result = result

    def found(self) -> Found:
        """See `Source`."""
        kept = self.result["found"]
        before, sums_before = kept["before"], kept["sums_before"]
        return Found(
            unpack(kept["rows"]),
            None if before is None else unpack(before),
            _read(kept["sums"]),
            None if sums_before is None else _read(sums_before),
        )

    def rows(self) -> Sequence[Row]:
        """See `Source`."""
        return unpack(self.result["found"]["rows"])

    def chart(self, chart: Chart) -> Pair:
        """See `Source`."""
        kept = self.result[f"chart:{chart.key}"]
        return unpack(kept["rows"]), None if kept["before"] is None else unpack(kept["before"])

    def lines(self, table: Table, sort: str, most: int | None) -> Lines:
        """See `Source`; sorted here, since the rows are."""
        kept = self.result[f"table:{table.key}"]
        rows = _sorted(unpack(kept["rows"]), table, sort)
        if table.grid is None:
            rows = rows[: table.rows if most is None else most]
        return Lines(table, rows, kept["many"], _read(kept["totals"]))


def _sorted(rows: list[Row], table: Table, sort: str) -> list[Row]:
    key, down = sort.removeprefix("-"), sort.startswith("-")
    if key not in {c.key for c in table.columns}:
        return rows
    known = [row for row in rows if getattr(row, key) is not None]
    unknown = [row for row in rows if getattr(row, key) is None]
    return [*sorted(known, key=lambda row: getattr(row, key), reverse=down), *unknown]


# --- rows as JSON -------------------------------------------------------------------------------


def pack(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows with their columns' names; amounts and days keep what they are."""
    columns = list(rows[0]._fields) if rows else []
    return {"columns": columns, "rows": [[_put(value) for value in row] for row in rows]}


def unpack(kept: Mapping[str, Any]) -> list[Row]:
    """The same rows again."""
    made = _shape(tuple(kept["columns"]))
    return [made._make(_taken(row)) for row in kept["rows"]]


@lru_cache(maxsize=256)
def _shape(columns: tuple[str, ...]) -> Any:
    return namedtuple("Kept", columns)


def _values(sums: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _put(value) for key, value in sums.items()}


def _read(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _get(value) for key, value in kept.items()}


def _taken(row: Sequence[Any]) -> Iterator[Any]:
    return (_get(value) for value in row)


def _put(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return {"d": value.isoformat()} if isinstance(value, date) else value


def _get(value: Any) -> Any:
    if isinstance(value, dict):
        return Decimal(value["n"]) if "n" in value else date.fromisoformat(value["d"])
    return value
