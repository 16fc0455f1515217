"""Worlds of figures for reports: days as a test says them, all else as their sums."""

from typing import Any

from sqlalchemy import Date, DateTime, cast, func, insert, literal, literal_column, select

from app.database import begin
from app.operations import market_figures
from app.tenancy import acting, admin_actor


def roll_up(model: Any) -> None:
    """Write what longer times and the marketplace come to, of all days in a table of figures."""
    table = model.__table__
    keys = [c for c in table.primary_key if c.key not in ("grain", "starts_on")]
    sums = [c for c in table.c if not c.primary_key]
    with acting(admin_actor()), begin() as session:
        for grain in ("week", "month", *(("quarter",) if model.has_quarters else ())):
            word: Any = literal_column(f"'{grain}'")
            start = cast(func.date_trunc(word, cast(table.c.starts_on, DateTime)), Date)
            rows = (
                select(literal(grain), start, *keys, *(func.sum(c) for c in sums))
                .where(table.c.grain == "day")
                .group_by(start, *keys)
            )
            names = ["grain", "starts_on", *(c.key for c in (*keys, *sums))]
            session.execute(insert(table).from_select(names, rows))
        market_figures.rebuild(session, only=[model])
