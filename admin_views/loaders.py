"""Looking related records up: a few at a time, inside what row security shows, never all rows.

A lookup answers the pickers of forms (`/ajax/lookup`) and filters, and finds a posted id again in
the transaction that saves it; an id of another vendor is simply not there.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, cast, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from app.contact import fold, query_words
from app.operations import audit
from app.tenancy import DatabaseRole, current_actor
from models.base import Base
from models.customers import Customer
from models.users import User
from models.vendors import Vendor

MOST = 10
MOST_FOUND = 500
MAX_TERM = 100
_BIGGEST = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def without_control(text: str) -> str:
    """`text` without NUL and the other characters that no one types and no column keeps."""
    return _CONTROL.sub("", text)


def record_id(text: object) -> int | None:
    """The id that was typed into an address or posted, or None when it cannot be one."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text if 0 < text <= _BIGGEST else None
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if 0 < number <= _BIGGEST else None


def like(term: str) -> str:
    """A pattern that finds `term` anywhere, with its own % and _ taken literally."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def typed(term: str | None) -> str:
    """What somebody typed into a search field, fit to be sent to the database."""
    return " ".join(without_control(term or "")[:MAX_TERM].split())


def contains(columns: Sequence[Any], term: str) -> ColumnElement[bool]:
    """One of the columns contains what was typed, in any case."""
    return or_(*(column.ilike(like(term), escape="\\") for column in columns))


class Lookup(Protocol):
    """What a picker asks."""

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """At most ten choices for what was typed: id, text, and perhaps hint, price, kind."""

    def find(self, session: Session, value: str) -> Any | None:
        """The record (or word) behind a posted value, or None when it is not to be had."""

    def text(self, found: Any) -> str:
        """What the picker shows for it."""


def _no_hint(_: Any) -> str:
    return ""


@dataclass(frozen=True)
class Records:
    """Records of a model, searched by some of its columns; `live` leaves the others out."""

    model: type[Base]
    columns: Sequence[Any]
    hint: Callable[[Any], str] = _no_hint
    live: Sequence[Any] = ()
    more: Callable[[Any], dict[str, Any]] = field(default=lambda _: {})
    loads: Sequence[Any] = ()
    joins: Sequence[Any] = ()

    def statement(self) -> Select[Any]:
        """The rows one can choose from, in the order of the first column."""
        rows = select(self.model).where(*self.live).options(*self.loads)
        for join in self.joins:
            rows = rows.join(join)
        return rows.order_by(self.columns[0], self.model.id).limit(MOST)

    def matching(self, session: Session, term: str) -> Iterable[Any]:
        """The records that fit what was typed."""
        found = self.statement().where(contains(self.columns, term)) if term else self.statement()
        return session.scalars(found)

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """See `Lookup`."""
        found = list(self.matching(session, typed(term)))
        names = vendor_names(session, found)
        return [self.choice(record, names) for record in found]

    def choice(self, record: Any, names: dict[int, str]) -> dict[str, Any]:
        """One line of the picker; over all vendors it tells whose the record is."""
        vendor = names.get(getattr(record, "vendor_id", 0))
        hint = " · ".join(part for part in (self.hint(record), vendor) if part)
        line = {"id": str(record.id), "text": self.text(record), "hint": hint}
        return {**line, **self.more(record)}

    def find(self, session: Session, value: str) -> Any | None:
        """See `Lookup`."""
        number = record_id(value)
        return None if number is None else session.get(self.model, number, options=list(self.loads))

    def text(self, found: Any) -> str:
        """See `Lookup`."""
        return str(found)


class Customers(Records):
    """Customers by name, e-mail or phone, through the search index; archived ones are left out."""

    def __init__(self) -> None:
        super().__init__(
            Customer,
            (Customer.sort_name,),
            hint=_reach,
            live=(Customer.archived_at.is_(None),),
        )

    def statement(self) -> Select[Any]:
        """Those with whom something happened last come first."""
        order = (Customer.last_activity_at.desc(), Customer.id.desc())
        return select(Customer).where(*self.live).order_by(*order).limit(MOST)

    def matching(self, session: Session, term: str) -> Iterable[Any]:
        """The customers whose words begin like those typed."""
        if not term:
            return session.scalars(self.statement())
        ids = customer_ids(session, term)
        return session.scalars(self.statement().where(Customer.id.in_(ids))) if ids else ()


def _reach(customer: Customer) -> str:
    shown = customer.phone or customer.email or ""
    return "" if shown == customer.name else shown


def customer_ids(session: Session, term: str, most: int = MOST_FOUND) -> list[int]:
    """The ids of at most `most` customers that a typed query finds, through the search index."""
    words = query_words(term)
    if not words:
        return []
    query = cast(" & ".join(f"'{word}':*" for word in words), TSQUERY)
    if current_actor().role is DatabaseRole.VENDOR:
        return list(session.scalars(select(func.search_customers(query, most))))
    found = select(Customer.id).where(Customer.search.bool_op("@@")(query)).limit(most)
    return list(session.scalars(found))


def vendor_names(session: Session, records: Iterable[Any]) -> dict[int, str]:
    """The vendors' names of these records, for those who see more than one vendor."""
    if current_actor().role is DatabaseRole.VENDOR:
        return {}
    ids = {r.vendor_id for r in records if getattr(r, "vendor_id", None) is not None}
    if not ids:
        return {}
    wanted = select(Vendor.id, Vendor.name).where(Vendor.id.in_(ids))
    return {row.id: row.name for row in session.execute(wanted)}


def who_did(session: Session, records: Iterable[Any]) -> dict[int | None, str]:
    """Who wrote these records, by their `user_id`; who is out of sight is "the marketplace"."""
    ids = {r.user_id for r in records if r.user_id is not None}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(ids))) if ids else ()
    people = {row.id: row.name for row in rows}
    return {number: audit.who(number, people) for number in (*ids, None)}


@dataclass(frozen=True)
class Words:
    """A long fixed list, such as countries or time zones: searched by code and by name."""

    pairs: Callable[[], Sequence[tuple[str, str]]]

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """See `Lookup`: those that begin with what was typed come first."""
        wanted = fold(typed(term))
        ranked = [(_rank(wanted, code, name), name, code) for code, name in self.pairs()]
        best = sorted(entry for entry in ranked if entry[0] is not None)[:MOST]
        return [{"id": code, "text": name, "hint": code} for _, name, code in best]

    def find(self, session: Session, value: str) -> str | None:
        """See `Lookup`; the word itself."""
        return value if any(code == value for code, _ in self.pairs()) else None

    def text(self, found: Any) -> str:
        """See `Lookup`: the name of the word."""
        return next((name for code, name in self.pairs() if code == found), str(found))


def _rank(wanted: str, code: str, name: str) -> int | None:
    folded, short = fold(name), fold(code)
    if wanted == short:
        return 0
    if folded.startswith(wanted):
        return 1
    if any(word.startswith(wanted) for word in re.split(r"[\s/_(),-]+", f"{folded} {short}")):
        return 2
    return 3 if wanted in folded or wanted in short else None
