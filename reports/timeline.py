"""A customer's time line: bookings, orders and all that comes of them, messages, tasks and more.

What has no customer of its own, such as a payment, is read by way of its order (or cover).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    BigInteger,
    ColumnClause,
    DateTime,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import ClauseAdapter

from models.bookings import Booking
from models.labels import NOUNS, Change, changes, resolve, zone_of
from models.messages import Message
from models.orders import Order
from models.payments import Tender
from models.tasks import Task
from models.users import User
from reports.timeline_sources import SOURCES, Source, Tab

__all__ = ["PAGE", "Cursor", "Item", "Page", "Tab", "counts", "page", "query"]

PAGE = 25


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened, or will: `at` may lie ahead. `amount` is money.

    `kind` and `id` name its row: booking, order, payment, refund, return, shipment, document,
    cover, claim, credit, task, package, membership, consent, change, or a message with its channel
    (`message_sms`). `status` is a word of that noun, `detail` one line of who and what, `page_id`
    what it opens if that is another noun's.
    """

    kind: str
    id: int
    at: datetime
    title: str
    detail: str | None
    status: str | None
    amount: Decimal | None
    who: str | None
    changes: tuple[Change, ...] = ()
    page_id: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items, newest first, and the cursor of the next, older page (None: that was all)."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the time, the kind, the row."""

    at: datetime
    rank: int
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.rank}~{self.id}"

    @classmethod
    def read(cls, text: str | None) -> "Cursor | None":
        """The cursor that was written; None for anything else that stands in an address."""
        try:
            at, rank, row_id = (text or "").split("~")
            cursor = cls(datetime.fromisoformat(at), int(rank), int(row_id))
        except (ValueError, OverflowError):
            return None
        sane = cursor.at.tzinfo is not None and 0 <= cursor.rank < 100
        return cursor if sane and 0 <= cursor.id < 2**63 else None


def page(
    session: Session,
    *,
    vendor_id: int,
    customer_id: int,
    tab: Tab = Tab.EVERYTHING,
    after: str | None = None,
    size: int = PAGE,
) -> Page:
    """`size` items of a customer's time line, older than the cursor `after`; one query."""
    size = max(1, min(size, 100))
    cursor = Cursor.read(after)
    asked: dict[str, Any] = {"vendor_id": vendor_id, "customer_id": customer_id, "most": size + 1}
    asked |= {"at": cursor.at, "rank": cursor.rank, "id": cursor.id} if cursor else {}
    wanted = query(tab, goes_on=cursor is not None)
    rows = session.connection().execute(wanted, asked).all()
    shown = rows[:size]
    more = len(rows) > size
    cursor = Cursor(shown[-1].at, shown[-1].rank, shown[-1].id) if more else None
    return Page(_items(session, vendor_id, shown), str(cursor) if cursor else None)


@lru_cache
def query(tab: Tab, *, goes_on: bool) -> Select[Any]:
    """The newest `most` rows of every source of the tab, merged; each source reads an index.

    Built once a tab. It asks for `vendor_id`, `customer_id` and `most`, and where it goes on
    after a cursor for that one's `at`, `rank` and `id`.
    """
    parts = [
        _window(source, rank, goes_on=goes_on)
        for rank, source in enumerate(SOURCES)
        if tab is Tab.EVERYTHING or source.tab is tab
    ]
    merged = union_all(*parts).subquery("items")
    return (
        select(merged)
        .order_by(merged.c.at.desc(), merged.c.rank.desc(), merged.c.id.desc())
        .limit(_MOST)
    )


_MOST = bindparam("most", type_=Integer)


def _window(source: Source, rank: int, *, goes_on: bool) -> Select[Any]:
    """The newest rows of a source, and what is said of them.

    What is said is put together for the rows that are left, not for all that are sorted.
    """
    model, at = source.model, source.at
    said = [*source.columns.selected_columns, literal(rank).label("rank"),
            model.id.label("id"), at.label("at")]  # fmt: skip
    query = select(*_read_for(said, source)).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    if source.through is None:
        query = query.where(*_theirs(model))
    else:
        query = query.where(*_theirs(source.of))
        same = and_(source.of.vendor_id == model.vendor_id, source.of.id == source.through)
        query = query.join(source.of, same)
        if source.beside is not None:
            query = query.where(source.beside)
    if source.only is not None:
        query = query.where(source.only)
    if goes_on:
        last = bindparam("at", type_=DateTime(timezone=True))
        place = tuple_(last, bindparam("rank", type_=Integer), bindparam("id", type_=BigInteger))
        query = query.where(at <= last, tuple_(at, literal(rank), model.id) < place)
    newest = query.order_by(at.desc(), model.id.desc()).limit(_MOST).subquery()
    of_newest = ClauseAdapter(newest)
    return select(*(of_newest.traverse(one) for one in said))


def _read_for(said: Sequence[Any], source: Source) -> list[Any]:
    """The columns of a source's tables of which something is said, each once."""
    tables = [of.__table__ for of in (source.model, source.of) if of is not None]
    found: dict[tuple[str, str], Any] = {}
    for one in said:
        for part in visitors.iterate(one):
            if isinstance(part, ColumnClause) and part.table in tables:
                found[str(part.table), part.name] = part
    return list(found.values())


def _theirs(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


def _items(session: Session, vendor_id: int, rows: Sequence[Any]) -> list[Item]:
    trail = [row for row in rows if row.kind == "change"]
    zone = zone_of(session, vendor_id) if trail else ""
    names = resolve(session, (side for row in trail for side in (row.old, row.new)))
    people = _people(session, {row.user_id for row in rows if row.user_id})
    return [_item(row, names, people, zone) for row in rows]


def _people(session: Session, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    found = session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in found}


_VERBS = {"create": "added", "update": "changed", "delete": "removed"}
_PAID = {
    Tender.CASH: "Paid in cash", Tender.CARD: "Paid by card",
    Tender.BANK_TRANSFER: "Paid by bank transfer", Tender.MOBILE_MONEY: "Paid with mobile money",
    Tender.STORE_CREDIT: "Paid with store credit", Tender.GATEWAY: "Paid online",
    Tender.ELSEWHERE: "Paid before",
}  # fmt: skip
_CONSENTS = {"true": "yes", "no": "no"}


def _item(row: Any, names: Any, people: dict[int, str], zone: str) -> Item:
    title, detail, status = row.title, row.detail, row.status
    told: tuple[Change, ...] = ()
    if row.kind == "change":
        title = f"{NOUNS.get(row.title, 'Record')} {_VERBS[row.detail]}"
        told = changes(row.old, row.new, names, zone, without=("customer_id",))
        detail = None
    if row.kind == "consent":
        title, status = title.capitalize(), _CONSENTS[status]
    who = None
    if row.user_id is not None:
        who = "Backroom" if row.user_id == 1 else people.get(row.user_id, "The marketplace")
    if row.kind == "payment":
        title = _PAID[Tender(row.title)]
    return Item(row.kind, row.id, row.at, title, detail, status, row.amount, who, told, row.page_id)


def counts(
    session: Session, *, vendor_id: int, customer_id: int, cap: int = 1000
) -> dict[Tab, int]:
    """How many items the tabs of bookings, orders, messages and tasks hold, counted up to `cap`."""

    asked = {"vendor_id": vendor_id, "customer_id": customer_id, "most": cap}
    row = session.connection().execute(_COUNTS, asked).one()
    return dict(zip(_COUNTED, row, strict=True))


def _count(model: Any) -> Any:
    rows = (
        select(literal(1))
        .where(
            model.vendor_id == bindparam("vendor_id"),
            model.customer_id == bindparam("customer_id"),
        )
        .limit(_MOST)
        .subquery()
    )
    return select(func.count()).select_from(rows).scalar_subquery()


_COUNTED = {
    Tab.BOOKINGS: Booking, Tab.ORDERS: Order, Tab.MESSAGES: Message, Tab.TASKS: Task,
}  # fmt: skip
_COUNTS = select(*(_count(model) for model in _COUNTED.values()))
