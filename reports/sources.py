"""What every query over the roll-ups says in the same words: which rows, grouped by what."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    and_,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from models.figures import Figures, KeptGrain
from models.market_figures import MarketFigures
from reports.report import Filters, Period
from reports.spans import Grain, Piece, pieces

OF_ALL: dict[type[Figures], type[MarketFigures]] = {
    market.of: market for market in MarketFigures.__subclasses__()
}
"""The tables of which the marketplace keeps its own sums."""


def covering(
    table: Any, period: Period, filters: Filters, by: Grain | None = None
) -> ColumnElement[bool]:
    """The rows of a roll-up that make up the period, as few as there are, of whom is asked.

    `by`: how the rows are grouped (`bucket`), or None for sums of the whole period. Of the filters
    those count for which the table has a column.
    """
    longer = (KeptGrain.QUARTER,) if getattr(table, "has_quarters", False) else ()
    covered = pieces(period.first, period.last, by, longer=longer)
    return and_(*of(table, filters), _within(table, covered))


def things(
    table: type[Figures],
    period: Period,
    filters: Filters,
    columns: Sequence[str],
    those: Callable[[Any], ColumnElement[bool]],
) -> FromClause:
    """What a roll-up says of things of vendors in a period: rows to be added up, few of them.

    `columns` are those that are asked for, `those` the condition on its rows. Where all vendors
    are, of every channel and category, whole months are read from the marketplace's own rows,
    which do not tell these.
    """
    market = OF_ALL[table]
    whole = not of(table, filters)
    longer = market.grains if whole else (KeptGrain.QUARTER,) if table.has_quarters else ()
    covered = pieces(period.first, period.last, longer=longer)
    kept = [piece for piece in covered if whole and piece.grain.value in market.grains]
    rest = [piece for piece in covered if piece not in kept]
    asked = [
        select(*(getattr(one, name) for name in columns)).where(
            *of(one, filters), those(one), _within(one, spans)
        )
        for one, spans in ((market, kept), (table, rest)) if spans or one is table
    ]  # fmt: skip
    return (union_all(*asked) if len(asked) > 1 else asked[0]).subquery()


def summed(table: type[Figures], filters: Filters) -> Any:
    """The table to add up where vendors are not told apart: of the marketplace, if all are asked.

    It has the same columns, but for those of one vendor's own things.
    """
    return table if filters.vendor_ids else OF_ALL[table]


def of(table: Any, filters: Filters) -> list[ColumnElement[bool]]:
    """Whose rows: vendors, channels and categories, as far as the table has a column for them."""
    wanted = (
        ("vendor_id", filters.vendor_ids),
        ("channel", filters.channels),
        ("category_id", filters.category_ids),
    )
    return [
        _one_of(getattr(table, column), values)
        for column, values in wanted
        if values and hasattr(table, column)
    ]


def bucket(table: Any, by: Grain) -> ColumnElement[Any]:
    """The first day of the day, week or month that a row belongs to, labelled `day`."""
    if by is Grain.DAY:
        labelled: ColumnElement[Any] = table.starts_on.label("day")
        return labelled
    word: Any = literal_column(f"'{by.value}'")  # the same text in SELECT and GROUP BY
    return cast(func.date_trunc(word, cast(table.starts_on, DateTime)), Date).label("day")


def _within(table: Any, covered: Sequence[Piece]) -> ColumnElement[bool]:
    return or_(*(_in(table, piece) for piece in covered)) if covered else false()


def _in(table: Any, piece: Piece) -> ColumnElement[bool]:
    where: ColumnElement[bool] = table.grain == piece.grain.value
    if piece.first == piece.last:
        return and_(where, table.starts_on == piece.first)
    return and_(where, table.starts_on.between(piece.first, piece.last))


def _one_of(column: Any, values: tuple[Any, ...]) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return condition
