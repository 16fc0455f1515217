"""What stands on a customer's time line: each table's rows, when they were, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from models.audit import AuditEntry
from models.bookings import Booking
from models.covers import Cover, WarrantyClaim
from models.customers import Consent
from models.invoices import Invoice
from models.memberships import Membership, MembershipPlan
from models.messages import Direction, Message, MessageChannel
from models.orders import Handing, Order, OrderLine
from models.packages import Package, PackageHolding
from models.payments import CreditEntry, Payment, Refund
from models.returns import ProductReturn, ReturnLine
from models.services import Service
from models.shipments import Shipment, ShipmentStatus
from models.staff import StaffMember
from models.tasks import Task

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
