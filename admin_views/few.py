"""Lists that find little are as quick as those that find much.

The planner takes what is asked for to lie everywhere, and walks millions of rows in the order of
the list for the 26th of a filter that has three. So what is few is looked up first, by an index of
its own; and what is not is tried on the next rows of the list, before all of them are walked.
"""

from collections.abc import Iterable, Sequence
from operator import and_, eq
from typing import Any

from sqlalchemy import Column, ColumnElement, Exists, False_, Select, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList

from app.operations.conditions import is_any

FEW = 3_000
"""Rows up to this number are looked up, and the list is read from them."""
GLANCE = 2_000
"""Rows of the list, in its order, that are tried first; an eighth of them before the rest."""
INSIDE = 30_000
"""What the filters of the rows' own columns leave is tried whole up to this number."""

Clauses = list[ColumnElement[bool]]


def one_of(column: Any, values: Sequence[int]) -> ColumnElement[bool]:
    """`column` is one of `values`; a single one is said so that an index stays in its order."""
    if len(values) == 1:
        only: ColumnElement[bool] = column == values[0]
        return only
    return is_any(column, values)


def looked_up(session: Session, queries: Iterable[Select[Any]]) -> list[int] | None:
    """All ids that these queries find, if each finds a few; else None."""
    found: set[int] = set()
    for query in queries:
        ids = session.scalars(query.limit(FEW + 1)).all()
        if len(ids) > FEW:
            return None
        found.update(ids)
    return sorted(found)


def glance(
    session: Session, rows: Select[Any], pk: Any, order: Sequence[Any], wanted: int
) -> list[int] | None:
    """The ids of the first `wanted` rows, if they stand at the head of the list; else None."""
    clauses = _clauses(rows)
    if not _may_walk(clauses, pk, order):
        return None
    scope = [clause for clause in clauses if _is_scope(clause, pk, order)]
    rest = [clause for clause in clauses if not _is_scope(clause, pk, order)]
    near = session.scalars(select(pk).where(*scope).order_by(*order).limit(GLANCE)).all()
    found: list[int] = []
    for some in (near[: GLANCE // 8], near[GLANCE // 8 :]):
        passed = set(session.scalars(select(pk).where(one_of(pk, some), *rest)) if some else ())
        found += [number for number in some if number in passed]
        if len(found) >= wanted:
            return found[:wanted]
    return None


def whole(session: Session, rows: Select[Any], pk: Any, order: Sequence[Any]) -> Select[Any]:
    """The same rows; by their ids, if the filters of their own columns leave not too many."""
    clauses = _clauses(rows)
    inside = [clause for clause in clauses if not _looks_elsewhere(clause)]
    if not inside or not _may_walk(clauses, pk, order):
        return rows
    ids = session.scalars(select(pk).where(*inside).limit(INSIDE + 1)).all()
    if len(ids) > INSIDE:
        return rows
    if len(inside) < len(clauses):
        ids = session.scalars(select(pk).where(one_of(pk, ids), *clauses)).all()
    return select(pk.class_).where(one_of(pk, ids))


def are_named(rows: Select[Any], pk: Any) -> bool:
    """Whether the rows are asked for by their ids, or there are none."""
    return any(_is_fast(clause, pk) for clause in _clauses(rows))


def _clauses(rows: Select[Any]) -> Clauses:
    asked = rows.whereclause
    if asked is None:
        return []
    several = isinstance(asked, BooleanClauseList) and asked.operator is and_
    return list(asked.clauses) if several else [asked]


def _may_walk(clauses: Clauses, pk: Any, order: Sequence[Any]) -> bool:
    """Whether the planner may misjudge how far the hits lie: of one column it knows.

    What was looked up, or is nothing at all, stands fast.
    """
    if any(_is_fast(clause, pk) for clause in clauses):
        return False
    if any(_looks_elsewhere(clause) for clause in clauses):
        return True
    rest = [clause for clause in clauses if not _is_scope(clause, pk, order)]
    return len({name for clause in rest for name in _columns(clause, pk)} - {"vendor_id"}) > 1


def _is_fast(clause: ColumnElement[bool], pk: Any) -> bool:
    """Whether it names its rows, or says that there are none."""
    if isinstance(clause, BinaryExpression) and clause.operator is eq:
        return _columns(clause, pk) == {pk.key}
    return isinstance(getattr(clause, "element", clause), False_)


def _looks_elsewhere(clause: ColumnElement[bool]) -> bool:
    """Whether it asks another table row by row."""
    return any(isinstance(part, Exists) for part in visitors.iterate(clause))


def _is_scope(clause: ColumnElement[bool], pk: Any, order: Sequence[Any]) -> bool:
    """Whether the index that gives the order answers it: vendor, place and the order's column."""
    known = {"vendor_id", pk.key, *(column for by in order for column in _columns(by, pk))}
    return not _looks_elsewhere(clause) and _columns(clause, pk) <= known


def _columns(clause: Any, pk: Any) -> set[str]:
    """The columns of the list's own table that it asks about."""
    table = pk.class_.__tablename__
    return {
        part.name
        for part in visitors.iterate(clause)
        if isinstance(part, Column) and part.table is not None and part.table.name == table
    }
