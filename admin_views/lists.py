"""Lists that are as fast on page 400 as on page 1: keyset paging, capped counts, one transaction.

The address holds everything: `search`, the filters, `sort`, `size`, `columns`, and a cursor
(`after` or `before`) that remembers which filters it belongs to. What cannot be read is ignored.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sqladmin.pagination import Pagination
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session
from starlette.datastructures import URL, QueryParams

from admin_views import few
from admin_views.few import one_of
from admin_views.loaders import record_id, typed
from admin_views.rendering import capped, span
from app.settings import settings

PAGE_SIZE = 25
LARGEST_PAGE = 100
CURSORS = ("after", "before")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Col:
    """A column of a list: how its value is read from a record, and how it is drawn."""

    key: str
    label: str
    kind: str = "text"
    value: Callable[[Any], Any] | None = None
    numeric: bool = False
    css: str = ""
    pill_kind: str = ""
    sort: str = ""
    optional: bool = False
    admins: bool = False

    def of(self, record: Any) -> Any:
        """The cell of a record."""
        return self.value(record) if self.value else getattr(record, self.key, None)


@dataclass(frozen=True, slots=True)
class Sort:
    """An order that an index gives: by one column, then by id."""

    column: Any
    descending: bool = False

    def order(self, pk: Any, *, backwards: bool) -> tuple[Any, Any]:
        """ORDER BY for reading on, or back; PostgreSQL puts NULL after everything."""
        if self.descending == backwards:
            return self.column.asc(), pk.asc()
        return self.column.desc(), pk.desc()

    def beyond(self, pk: Any, key: tuple[Any, int], *, backwards: bool) -> ColumnElement[bool]:
        """The rows that come after `key` when reading on, or back."""
        if self.descending == backwards:
            return _greater(self.column, pk, key)
        return _less(self.column, pk, key)


def _greater(column: Any, pk: Any, key: tuple[Any, int]) -> ColumnElement[bool]:
    value, number = key
    if value is None:
        return and_(column.is_(None), pk > number)
    further: ColumnElement[bool] = tuple_(column, pk) > tuple_(value, number)
    return or_(further, column.is_(None)) if _nullable(column) else further


def _less(column: Any, pk: Any, key: tuple[Any, int]) -> ColumnElement[bool]:
    value, number = key
    if value is None:
        return or_(column.is_not(None), and_(column.is_(None), pk < number))
    return tuple_(column, pk) < tuple_(value, number)


def _nullable(column: Any) -> bool:
    return bool(getattr(column, "nullable", False) or getattr(column.property, "nullable", False))


@dataclass
class KeysetPage(Pagination):
    """A page of rows and the addresses before and after it; SQLAdmin's page numbers are idle."""

    table: Any = ""
    prev_url: str | None = None
    next_url: str | None = None
    count_text: str = ""
    empty: str | None = None
    match_text: str = ""

    def __post_init__(self) -> None:
        """No page number to keep within a count."""

    def add_pagination_urls(self, base_url: URL) -> None:
        """The addresses are there already."""


@dataclass(frozen=True)
class Address:
    """The query of a list's address, read once; unknown parameters are dropped."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, params: QueryParams, known: Sequence[str]) -> "Address":
        """Those parameters that the list knows, without control characters."""
        kept = ((k, typed(v) if k == "search" else v) for k, v in params.multi_items())
        known_names = {*known, "search", "sort", "size", "columns", *CURSORS}
        return cls(
            tuple((k, v) for k, v in kept if k in known_names and v != "" and "\x00" not in v)
        )

    def all(self, name: str) -> list[str]:
        """Every value of a parameter."""
        return [v for k, v in self.pairs if k == name]

    def one(self, name: str) -> str:
        """The last value of a parameter, or nothing."""
        return next((v for k, v in reversed(self.pairs) if k == name), "")

    def without(self, *names: str) -> Pairs:
        """The address without these parameters and without a cursor."""
        return [(k, v) for k, v in self.pairs if k not in names and k not in CURSORS]

    def url(self, *without: str, **added: str) -> str:
        """A link within the list: these parameters gone, those set."""
        pairs = self.without(*without, *added) + [(k, v) for k, v in added.items() if v]
        return "?" + urlencode(pairs)

    @property
    def fingerprint(self) -> str:
        """What a cursor belongs to: the filters, the search and the order."""
        kept = sorted(self.without("size", "columns"))
        return hashlib.blake2s(repr(kept).encode("utf-8", "replace"), digest_size=6).hexdigest()

    @property
    def size(self) -> int:
        """Rows a page: 25, or what is asked for up to 100."""
        return min(record_id(self.one("size")) or PAGE_SIZE, LARGEST_PAGE)


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: the last row's sort value and id, and how many rows came before."""

    value: Any
    id: int
    position: int
    backwards: bool = False

    def write(self, fingerprint: str) -> str:
        """The cursor as it stands in an address."""
        value = self.value
        if isinstance(value, datetime | date):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = str(value)
        body = json.dumps([value, self.id, self.position, fingerprint]).encode()
        return base64.urlsafe_b64encode(body).decode().rstrip("=")

    @classmethod
    def read(cls, address: Address, column: Any) -> "Cursor | None":
        """The cursor of an address, or None when there is none that fits."""
        for name in CURSORS:
            if text := address.one(name):
                try:
                    return cls._read(text, address.fingerprint, column, backwards=name == "before")
                except (ValueError, TypeError, ArithmeticError, RecursionError):
                    return None
        return None

    @classmethod
    def _read(cls, text: str, fingerprint: str, column: Any, *, backwards: bool) -> "Cursor | None":
        body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        value, number, position, was = json.loads(body)
        if was != fingerprint or record_id(number) is None or not isinstance(position, int):
            return None
        return cls(_as_kept(value, column), number, max(0, min(position, 10**9)), backwards)


def _as_kept(value: Any, column: Any) -> Any:
    kind = column.type.python_type
    if value is None:
        return None
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if kind is Decimal:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError(value)
        return number
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise ValueError(value)
        return value
    if kind is date:
        return date.fromisoformat(value)
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(value)
    value.encode()  # half a character is no text
    return value


@dataclass
class Slice:
    """The rows of a page, and whether there are more on either side."""

    rows: list[Any]
    earlier: bool
    later: bool
    position: int = 0
    cursors: tuple[str, str] = ("", "")
    total: int | None = field(default=None)


def read_slice(
    session: Session,
    statement: Select[Any],
    pk: Any,
    sort: Sort,
    address: Address,
    *,
    loads: Sequence[Any] = (),
    tries: bool = False,
) -> Slice:
    """The page of `statement` that the address asks for, and a count up to the cap.

    `tries`: the rows are many, and the statement selects nothing but them (see `few`).
    """
    cursor = Cursor.read(address, sort.column)
    backwards = bool(cursor and cursor.backwards)
    first = statement
    if tries and statement.whereclause is not None:
        first, statement = _found(session, statement, pk, sort, cursor, address.size)
    rows = _rows(session, first.options(*loads), pk, sort, cursor, address.size)
    if cursor and not rows:
        cursor, backwards = None, False
        rows = _rows(session, statement.options(*loads), pk, sort, None, address.size)
    more, rows = len(rows) > address.size, rows[: address.size]
    if backwards:
        rows.reverse()
    page = Slice(rows, more if backwards else cursor is not None, backwards or more)
    page.position = _position(cursor, len(rows), backwards=backwards, first=not page.earlier)
    page.cursors = _cursors(page, pk, sort, address.fingerprint)
    page.total = len(rows) if not page.earlier and not page.later else count(session, statement)
    return page


def _found(
    session: Session,
    statement: Select[Any],
    pk: Any,
    sort: Sort,
    cursor: Cursor | None,
    size: int,
) -> tuple[Select[Any], Select[Any]]:
    """The rows of the page, found by their ids alone, and the statement as it is best counted."""
    order = sort.order(pk, backwards=bool(cursor and cursor.backwards))
    ids = few.glance(session, _from(statement, pk, sort, cursor), pk, order, size + 1)
    if ids is None:
        statement = few.whole(session, statement, pk, order)
        rows = _ids(_from(statement, pk, sort, cursor), pk, sort, cursor)
        ids = list(session.scalars(rows.limit(size + 1)))
    return select(pk.class_).where(one_of(pk, ids)), statement


def _ids(rows: Select[Any], pk: Any, sort: Sort, cursor: Cursor | None) -> Select[Any]:
    """The ids of rows in order; those that are named are read before they are put in order.

    OFFSET keeps the planner from walking the list until it has met enough of them.
    """
    backwards = bool(cursor and cursor.backwards)
    if not few.are_named(rows, pk):
        return rows.with_only_columns(pk).order_by(*sort.order(pk, backwards=backwards))
    named = rows.with_only_columns(*{pk.key: pk, sort.column.key: sort.column}.values())
    read = named.offset(0).subquery().c
    by = Sort(read[sort.column.key], descending=sort.descending)
    return select(read[pk.key]).order_by(*by.order(read[pk.key], backwards=backwards))


def _from(statement: Select[Any], pk: Any, sort: Sort, cursor: Cursor | None) -> Select[Any]:
    """The rows from the cursor on."""
    if cursor is None:
        return statement
    key = (cursor.value, cursor.id)
    return statement.where(sort.beyond(pk, key, backwards=cursor.backwards))


def _rows(
    session: Session,
    statement: Select[Any],
    pk: Any,
    sort: Sort,
    cursor: Cursor | None,
    size: int,
) -> list[Any]:
    backwards = bool(cursor and cursor.backwards)
    statement = _from(statement, pk, sort, cursor)
    ordered = statement.order_by(*sort.order(pk, backwards=backwards)).limit(size + 1)
    return list(session.scalars(ordered).unique())


def _position(cursor: Cursor | None, shown: int, *, backwards: bool, first: bool) -> int:
    if cursor is None or first:
        return 0
    return max(0, cursor.position - shown) if backwards else cursor.position


def _cursors(page: Slice, pk: Any, sort: Sort, fingerprint: str) -> tuple[str, str]:
    def at(row: Any, position: int) -> str:
        value = getattr(row, sort.column.key)
        return Cursor(value, getattr(row, pk.key), position).write(fingerprint)

    before = at(page.rows[0], page.position) if page.rows and page.earlier else ""
    end = page.position + len(page.rows)
    return before, at(page.rows[-1], end) if page.rows and page.later else ""


def count(session: Session, statement: Select[Any]) -> int:
    """How many rows match, counted no further than one past the cap."""
    inner = statement.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
    limited = inner.limit(settings().count_cap + 1).subquery()
    return session.scalar(select(func.count()).select_from(limited)) or 0


def keyset_page(page: Slice, address: Address, table: Any, *, filtered: bool) -> KeysetPage:
    """The page as the list's template takes it."""
    before, after = page.cursors
    shown = KeysetPage(rows=page.rows, page=1, page_size=address.size, count=len(page.rows))
    shown.table = table
    shown.prev_url = address.url(before=before) if before else None
    shown.next_url = address.url(after=after) if after else None
    shown.match_text = capped(page.total)
    if page.rows:
        here = span(page.position + 1, page.position + len(page.rows))
        shown.count_text = f"{here} of {capped(page.total)}"
    else:
        shown.empty = "no_match" if filtered else "first"
    return shown
