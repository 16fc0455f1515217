"""Pages of the customer list that cost the same on page 400 as on page 1, at any size.

The planner guesses one selectivity for sets that are not independent, and walks a million rows
for the 26th hit of an empty intersection. So the way is chosen here, by looking: walk the
ordering index a little; if that does not fill the page, read the smallest set if it is small;
else walk further; else let whole sets be intersected.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    any_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.operations.conditions import Conditions, found_ids, is_any, resolved
from app.operations.filters import Filters
from app.tenancy import DatabaseRole, current_actor
from models.customers import Customer
from models.vendors import Vendor

GLANCE = 1_000
"""Rows of the ordering index that are tried before anything else."""
WALK = 6_000
"""Rows that are tried before whole sets are intersected."""
SMALL = 5_000
"""A set up to this size is read and sorted; a larger one leaves rows close by in the index."""
FEW = 250
"""A word that leads to no more is read at once; more cost the index of words too much."""
MOST_ROWS = 100
KNOWN = "customers that match"
"""Where a session keeps how many match, once a page had to find out."""


class Sort(StrEnum):
    """The orders a list of customers can be read in; each has an index."""

    ACTIVITY = "activity"
    NEWEST = "newest"
    NAME = "name"


_KEYS: dict[Sort, tuple[tuple[str, ...], bool]] = {
    Sort.ACTIVITY: (("last_activity_at", "id"), True),
    Sort.NEWEST: (("id",), True),
    Sort.NAME: (("sort_name", "id"), False),
}
"""The columns of an order, and whether it runs downwards."""


Wanted = tuple[Any, ...]
"""The columns of the rows of a page."""
End = Callable[[], "Order | None"]
"""Where a walk goes on, asked only if it does; None when no row is left."""
KEYS: Wanted = (Customer.id, Customer.vendor_id, Customer.last_activity_at, Customer.sort_name)
"""What every row of a page has."""


@dataclass(frozen=True)
class Page:
    """Some customers in order, and the cursors of the pages beside them, if there are any.

    A row has the columns that were asked for, and `KEYS`.
    """

    rows: list[Row[Any]]
    prev: str | None
    next: str | None


@dataclass(frozen=True)
class Order:
    """An order, read forwards or backwards, from a place on."""

    sort: Sort
    back: bool = False
    place: tuple[Any, ...] | None = None

    def columns(self, customer: Any) -> list[Any]:
        return [getattr(customer, name) for name in _KEYS[self.sort][0]]

    @property
    def down(self) -> bool:
        return _KEYS[self.sort][1] is not self.back

    def by(self, customer: Any) -> list[Any]:
        """ORDER BY, in the direction of reading."""
        return [c.desc() if self.down else c.asc() for c in self.columns(customer)]

    def beyond(self, customer: Any) -> list[ColumnElement[bool]]:
        """What lies beyond the place, in the direction of reading."""
        if self.place is None:
            return []
        columns, place = self.columns(customer), self.place
        if len(columns) == 1:
            return [columns[0] < place[0] if self.down else columns[0] > place[0]]
        here = tuple_(*(literal(v, c.type) for v, c in zip(place, columns, strict=True)))
        return [tuple_(*columns) < here if self.down else tuple_(*columns) > here]

    def after(self, row: Row[Any]) -> "Order":
        """The same order from this row on."""
        return Order(self.sort, self.back, tuple(self.columns(row)))


def page(
    session: Session,
    filters: Filters,
    *,
    sort: str = Sort.ACTIVITY,
    after: str | None = None,
    before: str | None = None,
    size: int = 25,
    columns: Sequence[Any] = (),
) -> Page:
    """One page of the customers that `filters` ask for, in order; every customer stands on one.

    A cursor that cannot be read, or was made for another order, starts at the first page.
    """
    order = _order(sort, after, before)
    size = min(max(size, 1), MOST_ROWS)
    session.flush()  # what follows goes past the session's own look at unsaved changes
    asked = resolved(session, filters)
    wanted = (*KEYS, *columns)
    if (straight := _straight(wanted, asked, order, size + 1)) is not None:
        rows = _run(session, straight)
    else:
        rows = _rows(session, wanted, asked, order, size + 1)
    if order.place is None and len(rows) <= size:
        session.info[KNOWN] = (asked.key, len(rows))
    more, rows = len(rows) > size, rows[:size]
    if order.back:
        rows.reverse()
    fore, aft = (more, order.place is not None) if order.back else (order.place is not None, more)
    return Page(
        rows,
        prev=_cursor(order, rows[0]) if rows and fore else None,
        next=_cursor(order, rows[-1]) if rows and aft else None,
    )


def _run(session: Session, query: Select[Any]) -> list[Row[Any]]:
    """The rows of a query of columns, by the shorter way past the mapper."""
    return list(session.connection().execute(query))


def small_set(session: Session, asked: Conditions, most: int | None = None) -> list[int] | None:
    """The customers of the first set that has at most `most` (else `SMALL`), else None."""
    most = SMALL if most is None else most
    for query in _sizes(asked, most, current_actor().role):
        size, ids = session.connection().execute(query).one()
        if size <= most:
            return list(ids or ())
    return None


@lru_cache(maxsize=500)
def _sizes(asked: Conditions, most: int, _: DatabaseRole) -> list[Select[int, Any]]:
    """How large each set is, counted a little beyond `most`, and who is in it."""
    queries = [found_ids(asked, most + 1)] if asked.words else []
    queries += [c.customers(asked.vendor_id).limit(most + 1) for c in asked.sets]
    return [
        select(func.count(), func.array_agg(within.c.customer_id.distinct()))
        for within in (query.subquery() for query in queries)
    ]


def among(asked: Conditions, ids: Sequence[int]) -> list[ColumnElement[bool]]:
    """Those of a small set for whom everything holds."""
    return [is_any(Customer.id, ids), *asked.at_home(Customer), *asked.tests(Customer)]


@lru_cache(maxsize=500)
def _straight(wanted: Wanted, asked: Conditions, order: Order, most: int) -> Select[Any] | None:
    """The page by its index alone, when nothing is left to be tested."""
    if asked.words is not None or asked.sets:
        return None
    inside, rest = _by_index(asked, order)
    if rest.tests(Customer):
        return None
    return select(*wanted).where(*inside).order_by(*order.by(Customer)).limit(most)


def _rows(
    session: Session, wanted: Wanted, asked: Conditions, order: Order, most: int
) -> list[Row[Any]]:
    if asked.words == ():
        return []
    # Most single words lead to few customers, and an index knows them at once. Not so for a
    # vendor: the index has the words of all vendors, and a vendor's own list is soon walked.
    if asked.vendor_id is None and len(asked.words or ()) == 1:
        ids = small_set(session, asked, FEW)
        if ids is not None:
            return _of_small_set(session, wanted, asked, order, ids, most)
    rows, end = walk(session, wanted, asked, order, GLANCE, most)
    if len(rows) < most and _is_near(asked, len(rows), most):
        rows, end = _walk_on(session, wanted, asked, WALK, most, rows, end)
        walked = True
    else:
        walked = False
    if len(rows) == most:
        return rows
    if (narrow := _narrowed(session, asked)) is None:
        return rows
    asked = narrow
    if (ids := small_set(session, asked)) is not None:
        return _of_small_set(session, wanted, asked, order, ids, most)
    if not walked:
        rows, end = _walk_on(session, wanted, asked, WALK, most, rows, end)
    if len(rows) == most or (further := end()) is None:
        return rows
    if (ids := _shared(session, asked)) is not None:
        return _of_small_set(session, wanted, asked, order, ids, most)
    return rows + _intersected(session, wanted, asked, further, most - len(rows))


def _walk_on(
    session: Session,
    wanted: Wanted,
    asked: Conditions,
    length: int,
    most: int,
    rows: list[Row[Any]],
    end: End,
) -> tuple[list[Row[Any]], End]:
    """Walk further until the page is full or `length` more were tried."""
    if (further := end()) is None:
        return rows, end
    more, end = walk(session, wanted, asked, further, length, most - len(rows))
    return rows + more, end


def _is_near(asked: Conditions, found: int, most: int) -> bool:
    """Whether a longer walk is likely to fill the page, after a glance that found some.

    An index of words is slow at several frequent ones, which a longer walk meets soon.
    """
    return len(asked.words or ()) > 1 or found * (GLANCE + WALK) >= most * GLANCE


def _narrowed(session: Session, asked: Conditions) -> Conditions | None:
    """The same asked of the one vendor it can hold for; None if it can hold for no vendor.

    Filters of the marketplace are seldom independent: who buys dog food is no clinic's patient.
    """
    if asked.vendor_id is not None or len(asked.sets) < 2:
        return asked
    possible = select(Vendor.id).where(*(c.at(Vendor.id) for c in asked.sets)).limit(2)
    vendors = list(session.scalars(possible))
    if not vendors:
        return None
    return replace(asked, vendor_id=vendors[0]) if len(vendors) == 1 else asked


def _shared(session: Session, asked: Conditions) -> list[int] | None:
    """Who is in every set, if these are few: worked out from the sets' indexes alone."""
    if len(asked.sets) < 2:
        return None
    first, *others = (c.customers(asked.vendor_id).subquery() for c in asked.sets)
    both = select(first.c.customer_id).distinct()
    both = both.where(*(first.c.customer_id.in_(select(o.c.customer_id)) for o in others))
    ids = list(session.scalars(both.limit(SMALL + 1)))
    return ids if len(ids) <= SMALL else None


def _of_small_set(
    session: Session,
    wanted: Wanted,
    asked: Conditions,
    order: Order,
    ids: Sequence[int],
    most: int,
) -> list[Row[Any]]:
    query = _in_small_set(wanted, asked, order, most)
    rows = list(session.connection().execute(query, {"ids": ids}))
    if rows:
        session.info[KNOWN] = (asked.key, rows[0].number)
    return rows


@lru_cache(maxsize=500)
def _in_small_set(wanted: Wanted, asked: Conditions, order: Order, most: int) -> Select[Any]:
    number = func.count().over().label("number")
    few = Customer.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    tests = [few, *asked.at_home(Customer), *asked.tests(Customer)]
    everyone = select(Customer.id, number).where(*tests).subquery()
    query = (
        select(*wanted, everyone.c.number)
        .join(everyone, everyone.c.id == Customer.id)
        .where(*order.beyond(Customer))
        .order_by(*order.by(Customer))
    )
    return query.limit(most)


def walk(
    session: Session, wanted: Wanted, asked: Conditions, order: Order, length: int, most: int
) -> tuple[list[Row[Any]], End]:
    """Try `length` rows in order: who passes, and how to find out where to go on."""
    passed, last = _walked(wanted, asked, order, length, most)
    rows = _run(session, passed)

    def end() -> Order | None:
        if len(rows) == most:
            return order.after(rows[-1])
        stands = _run(session, last)
        return order.after(stands[0]) if stands else None

    return rows, end


@lru_cache(maxsize=500)
def _walked(
    wanted: Wanted, asked: Conditions, order: Order, length: int, most: int
) -> tuple[Select[Any], Select[Any]]:
    """The two questions of a walk: who passes, and who stands at its end."""
    inner, left = stretch(asked, order, length)
    rows = inner.subquery()
    passed = select(rows.c.id).where(*left(rows.c)).order_by(*order.by(rows.c)).limit(most)
    found = passed.subquery()
    query = select(*wanted).join(found, found.c.id == Customer.id).order_by(*order.by(Customer))
    return query, inner.with_only_columns(*order.columns(Customer)).offset(length - 1)


def stretch(asked: Conditions, order: Order, length: int) -> tuple[Select[Any], Any]:
    """The next `length` rows by index, and the tests that are left for them.

    Only what an index in this order can answer stands inside; a test there would let the
    database look for `length` rows that pass it, however far.
    """
    inside, rest = _by_index(asked, order)
    columns = [
        Customer.id, Customer.vendor_id, Customer.last_activity_at, Customer.sort_name,
        Customer.status, Customer.channel, Customer.search,
    ]  # fmt: skip
    inner = select(*columns).where(*inside).order_by(*order.by(Customer)).limit(length)
    return inner, rest.tests


def _by_index(asked: Conditions, order: Order) -> tuple[list[ColumnElement[bool]], Conditions]:
    """What an index in this order answers, and what is left to test."""
    inside = [*asked.at_home(Customer), *order.beyond(Customer)]
    by_index: dict[str, Any] = {}
    if order.sort is Sort.ACTIVITY:
        if len(asked.statuses) == 1:
            by_index = {"statuses": ()}
            inside.append(Customer.status == asked.statuses[0])
        elif len(asked.channels) == 1:
            by_index = {"channels": ()}
            inside.append(Customer.channel == asked.channels[0])
        if asked.since is not None:
            inside.append(Customer.last_activity_at >= asked.since)
        if asked.before is not None:
            inside.append(Customer.last_activity_at < asked.before)
        by_index |= {"since": None, "before": None}
    return inside, replace(asked, **by_index)


def by_sets(asked: Conditions, *columns: Any) -> Select[Any]:
    """Everybody for whom all holds, asked so that whole sets can be hashed."""
    tests = [*asked.at_home(Customer), *asked.of_columns(Customer)]
    return select(*columns).where(*tests, *(Customer.id.in_(ids) for ids in _sets(asked)))


def _sets(asked: Conditions) -> list[Select[Any]]:
    """Everybody in each of the sets, and everybody who is found by the words."""
    found = [found_ids(asked)] if asked.words else []
    return [c.customers(asked.vendor_id) for c in asked.sets] + found


def _intersected(
    session: Session, wanted: Wanted, asked: Conditions, order: Order, most: int
) -> list[Row[Any]]:
    """The rest of a page whose hits lie far apart, or far away: everybody in order, by whole sets.

    IS TRUE keeps each set a hash that is asked row by row: joined, it would be put in order first,
    or be looked up once a customer, which takes minutes.
    """
    inside, rest = _by_index(asked, order)
    sets = (Customer.id.in_(ids).is_(True) for ids in _sets(asked))
    found = (
        select(Customer.id)
        .where(*inside, *rest.of_columns(Customer), *sets)
        .order_by(*order.by(Customer))
        .limit(most)
        .subquery()
    )
    query = select(*wanted).join(found, found.c.id == Customer.id)
    return _run(session, query.order_by(*order.by(Customer)))


# --- cursors -------------------------------------------------------------------------------


def _order(sort: str, after: str | None, before: str | None) -> Order:
    known = Sort(sort) if sort in set(Sort) else Sort.ACTIVITY
    if after is not None and (place := _place(known, after)) is not None:
        return Order(known, False, place)
    if before is not None and (place := _place(known, before)) is not None:
        return Order(known, True, place)
    return Order(known)


def _cursor(order: Order, customer: Row[Any]) -> str:
    columns = order.columns(customer)
    values = [v.isoformat() if isinstance(v, datetime) else v for v in columns]
    packed = json.dumps([order.sort.value, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _place(sort: Sort, cursor: str) -> tuple[Any, ...] | None:
    try:
        padded = cursor[:2000] + "=" * (-len(cursor[:2000]) % 4)
        made_for, *values = json.loads(base64.urlsafe_b64decode(padded))
        if made_for != sort or not _is_id(values[-1]):
            return None
        match sort, values:
            case Sort.ACTIVITY, [str(at), int(number)]:
                moment = datetime.fromisoformat(at)
                return (moment, number) if moment.tzinfo is not None else None
            case Sort.NEWEST, [int(number)]:
                return (number,)
            case Sort.NAME, [str(name), int(number)] if "\0" not in name:
                name.encode()
                return name, number
    except (ValueError, TypeError, IndexError, RecursionError):
        pass
    return None


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
