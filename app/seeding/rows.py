"""Many rows at once, as plain inserts."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app import clock
from models import Base

HISTORY = timedelta(days=730)
FOUNDED = HISTORY + timedelta(days=30)
NULLS_TOO = {"render_nulls": True}
"""Else rows are sent in groups of those that have the same columns filled: many small ones."""


def add_all(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
    """Insert many rows at once; their ids in the order of the rows.

    What says nothing else was there when the first vendor came.
    """
    if not rows:
        return []
    if "created_at" not in rows[0]:
        rows = [{**row, "created_at": clock.now() - FOUNDED} for row in rows]
    statement = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows, execution_options=NULLS_TOO))


def put(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert many rows at once."""
    statement = insert(model).returning(model.id)  # with an answer, many rows go in one statement
    for batch in range(0, len(rows), 5000):
        some = rows[batch : batch + 5000]
        session.scalars(statement, some, execution_options=NULLS_TOO).all()
