"""How many customers match, exactly while they are few, and never at the price of a full scan."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from app.operations.conditions import Conditions, resolved
from app.operations.filters import Filters
from app.operations.paging import KNOWN, Order, Sort, among, by_sets, small_set, stretch
from models.customers import Customer

TRIES = 2_500
"""Customers that are tried when nothing but trying tells the number."""
RARE = 25
"""With fewer hits among those, whole sets are counted instead."""


@dataclass(frozen=True)
class Count:
    """A number of customers; `capped`: at least so many."""

    number: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.capped else ''}"


def count(session: Session, filters: Filters, cap: int) -> Count:
    """How many match: exactly if that is cheap to know, else "at least", and never above `cap`."""
    asked = resolved(session, filters)
    known = session.info.get(KNOWN)
    if known is not None and known[0] == asked.key:
        return _capped(known[1], cap)
    if asked.words == ():
        return Count(0, False)
    if (query := _by_one_index(asked)) is not None:
        return _counted(session, query, cap)
    if (ids := small_set(session, asked)) is not None:
        return _counted(session, select(literal(1)).where(*among(asked, ids)), cap)
    return _tried(session, asked, cap)


def _by_one_index(asked: Conditions) -> Select[Any] | None:
    """Everybody, when one index knows them without a look at their rows."""
    home, columns = asked.at_home(Customer), asked.of_columns(Customer)
    if not asked.sets and not asked.words and not (asked.statuses and asked.channels):
        return select(literal(1)).where(*home, *columns)
    if len(asked.sets) == 1 and not asked.words and not columns:
        some = asked.sets[0].customers(asked.vendor_id).subquery()
        other = aliased(Customer)
        archived = exists().where(other.id == some.c.customer_id, other.archived_at.is_not(None))
        return select(some.c.customer_id).distinct().where(~archived)
    return None


def _tried(session: Session, asked: Conditions, cap: int) -> Count:
    inner, left = stretch(asked, Order(Sort.ACTIVITY), TRIES)
    rows = inner.subquery()
    hits = func.count().filter(*left(rows.c))
    tried, passed = session.execute(select(func.count(), hits).select_from(rows)).one()
    if tried < TRIES:
        return _capped(passed, cap)
    if passed < RARE:
        return _counted(session, by_sets(asked, literal(1)), cap)
    return Count(min(_rounded(passed), cap), True)


def _counted(session: Session, query: Select[Any], cap: int) -> Count:
    few = query.limit(cap + 1).subquery()
    return _capped(session.scalar(select(func.count()).select_from(few)) or 0, cap)


def _capped(number: int, cap: int) -> Count:
    return Count(min(number, cap), number > cap)


def _rounded(number: int) -> int:
    """At least so many, as people say it: 1,234 is "1,200+"."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    return int(number // unit * unit)
