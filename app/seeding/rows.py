"""Many rows at once, and questions about them before anybody has counted them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app import clock
from models import Base

HISTORY = timedelta(days=730)
FOUNDED = HISTORY + timedelta(days=30)
Row = dict[str, Any]


def add_all(session: Session, model: type[Base], rows: Sequence[Row]) -> list[int]:
    """Insert many rows at once; their ids in the order of the rows.

    What says nothing else was there when the first vendor came.
    """
    if rows and "created_at" in model.__table__.c and "created_at" not in rows[0]:
        rows = [{**row, "created_at": clock.now() - FOUNDED} for row in rows]
    return [
        key
        for statement, sent in _statements(session, model, rows, " RETURNING id")
        for key in sorted(session.scalars(statement, sent))  # they are counted up in that order
    ]


def put(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert many rows at once."""
    for statement, sent in _statements(session, model, rows):
        session.execute(statement, sent)


def _statements(
    session: Session, model: type[Base], rows: Sequence[Row], more: str = ""
) -> Iterator[tuple[TextClause, dict[str, str]]]:
    """One for all that follow each other and know the same; what is no column stays behind.

    All rows travel as one value: each value for itself is written into the statement and read out
    of it again, which takes longer than everything else.
    """
    session.flush()  # what the rows may refer to
    table = model.__table__
    for known, some in groupby(rows, key=frozenset):
        listed = ", ".join(column.name for column in table.c if column.name in known)
        sent = orjson.dumps(list(some), default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS)
        statement = f"""
            INSERT INTO {model.__tablename__} ({listed})
            SELECT {listed}
            FROM json_populate_recordset(CAST(NULL AS {model.__tablename__}), CAST(:sent AS json))
              WITH ORDINALITY
            ORDER BY ordinality{more}
        """  # noqa: S608 - names of our own tables and columns
        yield text(statement), {"sent": sent.decode()}


@contextmanager
def uncounted(session: Session) -> Iterator[None]:
    """Ask about whole tables that were filled a moment ago.

    Only their owner can have them counted. Until then each is planned as if next to nothing came
    out of it, by loops within loops, which take four times as long as hashes.
    """
    session.execute(text("SET LOCAL enable_nestloop = off"))
    yield
    session.execute(text("SET LOCAL enable_nestloop = on"))
