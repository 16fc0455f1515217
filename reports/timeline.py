"""A customer's time line: bookings, orders and all that comes of them, messages, tasks and more.

What has no customer of its own, such as a payment, is read by way of its order (or cover).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    BigInteger,
    ColumnClause,
    DateTime,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import ClauseAdapter

from models.audit import AuditEntry
from models.bookings import Booking
from models.covers import Cover, WarrantyClaim
from models.customers import Consent
from models.invoices import Invoice
from models.labels import NOUNS, Change, changes, resolve, zone_of
from models.memberships import Membership, MembershipPlan
from models.messages import Direction, Message, MessageChannel
from models.orders import Handing, Order, OrderLine
from models.packages import Package, PackageHolding
from models.payments import CreditEntry, Payment, Refund, Tender
from models.returns import ProductReturn, ReturnLine
from models.services import Service
from models.shipments import Shipment, ShipmentStatus
from models.staff import StaffMember
from models.tasks import Task
from models.users import User

PAGE = 25
_TITLES = 3


class Tab(StrEnum):
    """What the time line is narrowed to."""

    EVERYTHING = "everything"
    BOOKINGS = "bookings"
    ORDERS = "orders"
    MESSAGES = "messages"
    TASKS = "tasks"
    HOLDINGS = "holdings"
    CHANGES = "changes"


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


@dataclass(frozen=True, slots=True)
class Source:
    """A table of the time line: its rows, and the column that places them in time."""

    tab: Tab
    model: Any
    at: Any
    columns: Select[Any]
    only: Any = None
    through: Any = None
    """The column that leads to what has the customer: `Payment.order_id`."""
    of: Any = None
    """What that is: `Order`."""
    beside: Any = None
    """What has to hold of that."""


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


def _columns(kind: Any, **given: Any) -> Select[Any]:
    empty: dict[str, Any] = {
        "title": cast(null(), Text),
        "detail": cast(null(), Text),
        "status": cast(null(), Text),
        "amount": cast(null(), Numeric(12, 2)),
        "user_id": cast(null(), BigInteger),
        "old": cast(null(), JSONB),
        "new": cast(null(), JSONB),
        "page_id": cast(null(), BigInteger),
    }
    values = empty | given
    named = literal(kind) if isinstance(kind, str) else kind
    return select(named.label("kind"), *(values[name].label(name) for name in empty))


def _staff(of: Any) -> Any:
    """The name of the member of staff, read for the rows that are shown only."""
    staff = aliased(StaffMember)
    return (
        select(staff.name)
        .where(staff.vendor_id == of.class_.vendor_id, staff.id == of)
        .scalar_subquery()
    )


def _name(model: Any, of: Any) -> Any:
    return (
        select(model.name)
        .where(model.vendor_id == of.class_.vendor_id, model.id == of)
        .scalar_subquery()
    )


def _sold() -> Any:
    """The names of an order's first lines."""
    first = (
        select(OrderLine.name)
        .where(OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id)
        .order_by(OrderLine.position)
        .limit(_TITLES)
        .correlate(Order)
        .subquery()
    )
    return select(func.string_agg(first.c.name, ", ")).scalar_subquery()


_ORDER = _columns(
    "order",
    title=func.coalesce("Order " + cast(Order.number, Text), "Draft order"),
    detail=_sold(),
    status=Order.status,
    amount=Order.total,
)
_TRAILED_APART = (
    "bookings", "orders", "tasks", "package_holdings", "memberships", "consents", "covers",
)  # fmt: skip

_OF_ORDER = "Order " + cast(Order.number, Text)


def _said(*parts: Any) -> Any:
    return func.concat_ws(" · ", *parts)


def _came_back() -> Any:
    """What comes back, and why."""
    line = aliased(ReturnLine)
    why = func.string_agg(line.reason.distinct(), ", ")
    return (
        select(why)
        .where(line.vendor_id == ProductReturn.vendor_id, line.return_id == ProductReturn.id)
        .correlate(ProductReturn)
        .scalar_subquery()
    )


OF_ORDERS: Sequence[Source] = (
    Source(
        Tab.ORDERS, Payment, Payment.captured_at,
        _columns("payment", title=Payment.tender, amount=Payment.amount, user_id=Payment.user_id,
                 detail=_said(_OF_ORDER, Payment.reference)),
        Payment.captured_at.is_not(None), Payment.order_id, Order,
    ),
    Source(
        Tab.ORDERS, Refund, Refund.created_at,
        _columns("refund", title=literal("Money given back"), amount=-Refund.amount,
                 detail=_said(_OF_ORDER, Refund.reason), status=Refund.status,
                 user_id=Refund.user_id, page_id=Refund.order_id),
        None, Refund.order_id, Order,
    ),
    Source(
        Tab.ORDERS, ProductReturn, ProductReturn.asked_at,
        _columns("return", title="Return " + cast(ProductReturn.number, Text),
                 detail=_said(_OF_ORDER, _came_back()), status=ProductReturn.status),
        None, ProductReturn.order_id, Order,
    ),
    Source(
        Tab.ORDERS, Shipment, Shipment.delivered_at,
        _columns("shipment", title=literal("Goods delivered"),
                 detail=_said(_OF_ORDER, Shipment.carrier, Shipment.tracking)),
        and_(Shipment.delivered_at.is_not(None), Shipment.status == ShipmentStatus.DELIVERED),
        Shipment.order_id, Order, Order.handing != Handing.COUNTER,
    ),
    Source(
        Tab.ORDERS, Invoice, Invoice.issued_at,
        _columns("document", title=func.concat(
                     func.replace(func.initcap(Invoice.kind), "_Note", " note"), " ",
                     Invoice.number),
                 detail=_OF_ORDER, amount=Invoice.total),
        None, Invoice.order_id, Order,
    ),
    Source(
        Tab.ORDERS, WarrantyClaim, WarrantyClaim.opened_at,
        _columns("claim", title="Claim " + cast(WarrantyClaim.number, Text),
                 detail=_said(Cover.name, WarrantyClaim.problem), status=WarrantyClaim.status),
        None, WarrantyClaim.cover_id, Cover,
    ),
)  # fmt: skip
"""What comes of orders."""

_SPELT = func.replace(func.replace(Consent.channel, "email", "e-mail"), "sms", "SMS")

_WAYS = {
    MessageChannel.EMAIL: "E-mail", MessageChannel.SMS: "SMS", MessageChannel.PUSH: "App",
    MessageChannel.IN_APP: "In person", MessageChannel.PHONE: "Call",
    MessageChannel.LETTER: "Letter",
}  # fmt: skip
_IS_ANSWER = Message.direction == Direction.IN
_BEGINNING = func.translate(func.left(Message.body, 140), "\n\r\t", "   ")
_ABOUT = func.replace(Message.event, "_", " ")
_MESSAGE = _columns(
    "message_" + Message.channel,
    title=func.coalesce(
        Message.subject, _BEGINNING,
        func.concat(func.upper(func.left(_ABOUT, 1)), func.substr(_ABOUT, 2)),
    ),
    detail=_said(
        case({way.value: word for way, word in _WAYS.items()}, value=Message.channel),
        case((_IS_ANSWER, "from the customer")),
        func.coalesce(Message.error, case((Message.subject.is_not(None), _BEGINNING))),
    ),
    status=case(
        (_IS_ANSWER, "received"),
        (and_(Message.channel.in_(["phone", "letter"]), Message.status == "delivered"), "logged"),
        else_=Message.status,
    ),
    user_id=Message.user_id,
)  # fmt: skip

SOURCES: Sequence[Source] = (
    Source(
        Tab.BOOKINGS, Booking, Booking.starts_at,
        _columns("booking", title=_name(Service, Booking.service_id),
                 detail=_staff(Booking.staff_id), status=Booking.status, amount=Booking.price),
    ),
    Source(Tab.ORDERS, Order, Order.placed_at, _ORDER, Order.placed_at.is_not(None)),
    Source(Tab.ORDERS, Order, Order.created_at, _ORDER, Order.placed_at.is_(None)),
    *OF_ORDERS,
    Source(
        Tab.ORDERS, Cover, Cover.created_at,
        _columns("cover", title=func.initcap(Cover.kind), status=Cover.status,
                 detail=_said(Cover.name, Cover.serial,
                              func.to_char(Cover.ends_on, "\"until\" FMDD FMMonth YYYY"))),
    ),
    Source(
        Tab.ORDERS, CreditEntry, CreditEntry.at,
        _columns("credit", title=literal("Store credit"), detail=CreditEntry.reason,
                 amount=CreditEntry.amount, user_id=CreditEntry.user_id),
        and_(CreditEntry.payment_id.is_(None), CreditEntry.refund_id.is_(None)),
    ),
    Source(
        Tab.TASKS, Task, func.coalesce(Task.done_at, Task.due_at, Task.created_at),
        _columns("task", title=Task.title, status=Task.status,
                 detail=func.nullif(func.concat_ws(
                     " · ", func.coalesce(Task.outcome, Task.note), _staff(Task.assignee_id)), "")),
    ),
    Source(
        Tab.HOLDINGS, PackageHolding, PackageHolding.bought_at,
        _columns("package", title=_name(Package, PackageHolding.package_id),
                 detail=func.concat(PackageHolding.uses_left, " of ", PackageHolding.uses, " left"),
                 status=PackageHolding.status),
    ),
    Source(
        Tab.HOLDINGS, Membership, Membership.started_at,
        _columns("membership", title=_name(MembershipPlan, Membership.plan_id),
                 status=Membership.status),
    ),
    Source(
        Tab.CHANGES, Consent, Consent.at,
        _columns("consent", title=func.concat(Consent.purpose, " by ", _SPELT),
                 detail=Consent.source, user_id=Consent.user_id,
                 status=func.coalesce(func.nullif(cast(Consent.granted, Text), "false"), "no")),
    ),
    Source(
        Tab.CHANGES, AuditEntry, AuditEntry.at,
        _columns("change", title=AuditEntry.table_name, detail=AuditEntry.action,
                 user_id=AuditEntry.user_id, old=AuditEntry.old, new=AuditEntry.new),
        or_(AuditEntry.action != "create", AuditEntry.table_name.not_in(_TRAILED_APART)),
    ),
    Source(
        Tab.MESSAGES, Message, func.coalesce(Message.sent_at, Message.failed_at, Message.send_at),
        _MESSAGE,
    ),
)  # fmt: skip
"""Rows that have an item of their own are left out of the changes when they are made. Goods over
the counter are delivered with their sale, and store credit that paid or was given back stands
beside that payment or refund."""


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
