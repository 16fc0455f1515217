"""The first page of a vendor's people: what needs doing now, in real figures.

Days are the vendor's days. Figures of open work are counted up to `CAP`, so that none costs a
full scan; one that reached it is shown as "10,000+".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, and_, cast, func, literal, select
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.customers import Customer, CustomerStatus
from models.messages import Message
from models.orders import Order, OrderStatus
from models.outbox import OutboxMessage
from models.products import Product, Variant
from models.services import Service
from models.staff import StaffMember
from models.tasks import Task, TaskKind, TaskStatus
from models.vendors import Vendor
from reports import pulse, troubles
from reports.day_counts import ROWS, Line, capped, day_of, failed, new_since, not_arrived, week_of
from reports.pulse import Seller, Slipping, Week

FEW = 5

PLANNED = ("pending", "confirmed", "checked_in", "completed", "no_show")
"""The statuses of a day's bookings: what was called off is none."""
_TO_DO = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class VendorToday:
    """A vendor's day. Money is what the bookings of today are priced at.

    `week` and `sellers` are for who reads figures, None and empty for others. `is_new`: nothing
    is offered yet; `takes_bookings`: something is that takes somebody's time. Checks of deliveries
    are among the `tasks_due`, and a list of their own.
    """

    zone: str
    is_new: bool
    week: Week | None
    sellers: list[Seller]
    slipping: list[Slipping]
    low: list[Line]
    takes_bookings: bool
    sells_goods: bool
    bookings: int
    by_status: dict[str, int]
    expected: Decimal
    taken: Decimal
    tasks_due: int
    tasks_overdue: int
    to_confirm: int
    new_customers: int
    to_fulfil: int
    to_follow_up: int
    running_low: int
    not_arrived: int
    given_up: int
    checks_due: int
    others_due: int
    next_bookings: list[Line]
    tasks: list[Line]
    checks: list[Line]
    orders: list[Line]
    follow_ups: list[Line]
    failures: list[Line]


def vendor(
    session: Session, *, vendor_id: int, now: datetime, reads_figures: bool = False
) -> VendorToday:
    """What a vendor's people need at a glance. `now` decides which day today is."""
    zone, on = session.execute(
        select(Vendor.time_zone, cast(func.timezone(Vendor.time_zone, now), Date))
        .where(Vendor.id == vendor_id)
    ).one()  # fmt: skip
    start, end = session.execute(select(*day_of(literal(zone), now))).one()
    mine = Booking.vendor_id == vendor_id
    # what is only offered to somebody of the waitlist is no booking yet, as in every figure
    promised = [mine, Booking.held_until.is_(None)]
    today = [*promised, Booking.starts_at >= start, Booking.starts_at < end]
    by_status, expected, taken = _bookings_today(session, today)
    due = [Task.vendor_id == vendor_id, Task.status.in_(_TO_DO), Task.due_at < end]
    checks = [*due, Task.kind == TaskKind.DELIVERY_CHECK]
    others = [*due, Task.kind != TaskKind.DELIVERY_CHECK]
    week = week_of(literal(zone), now)
    # nobody is active before they are made, and that is what the vendor's index knows
    fresh = [Customer.vendor_id == vendor_id, Customer.last_activity_at >= week, *new_since(week)]
    placed = [Order.vendor_id == vendor_id, Order.status == OrderStatus.PLACED]
    follow_up = [
        Customer.vendor_id == vendor_id,
        Customer.status == CustomerStatus.PENDING_FOLLOW_UP,
        Customer.archived_at.is_(None),
    ]
    waiting = [*promised, Booking.status == BookingStatus.PENDING, Booking.starts_at >= start]
    left = Variant.on_hand - Variant.reserved
    low = [Variant.vendor_id == vendor_id, Variant.tracks_stock, Variant.is_active,
           left <= Variant.low_stock]  # fmt: skip
    figures = session.execute(
        select(
            capped(Task, *due).label("tasks_due"),
            capped(Task, *due, Task.due_at < now).label("tasks_overdue"),
            capped(Booking, *waiting).label("to_confirm"),
            capped(Customer, *fresh).label("new_customers"),
            capped(Order, *placed).label("to_fulfil"),
            capped(Customer, *follow_up).label("to_follow_up"),
            capped(Variant, *low).label("running_low"),
            not_arrived(now, Message.vendor_id == vendor_id).label("not_arrived"),
            capped(OutboxMessage, *_given_up(vendor_id)).label("given_up"),
            capped(Task, *checks).label("checks_due"),
            capped(Task, *others).label("others_due"),
            (~_has(Service, vendor_id) & ~_has(Variant, vendor_id)).label("is_new"),
            _has(Variant, vendor_id).label("sells_goods"),
            _has(Service, vendor_id, Service.is_active, Service.kind.in_(troubles.OF_STAFF)).label(
                "takes_bookings"
            ),
        )
    ).one()
    return VendorToday(
        zone=zone,
        bookings=sum(by_status.get(status, 0) for status in PLANNED),
        by_status=by_status,
        expected=expected,
        taken=taken,
        **figures._mapping,
        next_bookings=_next_bookings(session, today),
        tasks=_tasks(session, others),
        checks=_checks(session, checks) if figures.checks_due else [],
        orders=_orders(session, placed),
        follow_ups=_follow_ups(session, follow_up),
        week=pulse.week(session, vendor_id=vendor_id, today=on) if reads_figures else None,
        sellers=pulse.best_sellers(session, vendor_id=vendor_id, today=on) if reads_figures else [],
        slipping=pulse.slipping(session, vendor_id=vendor_id, today=on),
        low=_low(session, low) if figures.running_low else [],
        failures=_failures(session, vendor_id, now),
    )


def _has(model: Any, vendor_id: int, *conditions: Any) -> Any:
    return select(literal(1)).where(model.vendor_id == vendor_id, *conditions).exists()


def _low(session: Session, low: Sequence[Any]) -> list[Line]:
    """What is running low, the least of it first."""
    left = (Variant.on_hand - Variant.reserved).label("left")
    rows = session.execute(
        select(Variant, Product.name, left)
        .join(Product, and_(Product.vendor_id == Variant.vendor_id,
                            Product.id == Variant.product_id))
        .where(*low)
        .order_by(left, Variant.id)
        .limit(FEW)
    )  # fmt: skip
    return [
        Line(variant.id, None, ", ".join(p for p in (name, variant.option) if p), variant.sku,
             str(left))
        for variant, name, left in rows
    ]  # fmt: skip


def _given_up(vendor_id: int) -> list[Any]:
    """Promises that were not kept, beside messages, which say so themselves."""
    return [
        OutboxMessage.vendor_id == vendor_id,
        OutboxMessage.dead_at.is_not(None),
        OutboxMessage.task != "tasks.messages.deliver",
    ]


def _failures(session: Session, vendor_id: int, now: datetime) -> list[Line]:
    rows = session.execute(
        select(Message, Customer)
        .outerjoin(Customer, and_(Customer.vendor_id == Message.vendor_id,
                                  Customer.id == Message.customer_id))
        .where(Message.vendor_id == vendor_id)
        .where(Message.id.in_(failed(now, Message.vendor_id == vendor_id)))
        .order_by(Message.id.desc())
        .limit(ROWS)
    )  # fmt: skip
    return [
        Line(message.id, message.failed_at, customer.name if customer else str(message),
             message.error, message.status, message.customer_id)
        for message, customer in rows
    ]  # fmt: skip


def _bookings_today(
    session: Session, today: Sequence[Any]
) -> tuple[dict[str, int], Decimal, Decimal]:
    rows = session.execute(
        select(Booking.status, func.count(), func.sum(Booking.price))
        .where(*today)
        .group_by(Booking.status)
    ).all()
    spent = {row.status: row[2] for row in rows}
    zero = Decimal("0.00")
    standing = ("pending", "confirmed", "checked_in", "completed")
    expected = sum((spent.get(status, zero) for status in standing), zero)
    return {row.status: row[1] for row in rows}, expected, spent.get("completed", zero)


def _next_bookings(session: Session, today: Sequence[Any]) -> list[Line]:
    """Who is here or still to come, the earliest first."""
    rows = session.execute(
        select(Booking, Customer, Service.name, StaffMember.name)
        .join(Customer, and_(Customer.vendor_id == Booking.vendor_id,
                             Customer.id == Booking.customer_id))
        .join(Service, and_(Service.vendor_id == Booking.vendor_id,
                            Service.id == Booking.service_id))
        .outerjoin(StaffMember, and_(StaffMember.vendor_id == Booking.vendor_id,
                                     StaffMember.id == Booking.staff_id))
        .where(*today, Booking.status.in_(["pending", "confirmed", "checked_in"]))
        .order_by(Booking.starts_at, Booking.id)
        .limit(ROWS)
    )  # fmt: skip
    return [
        Line(
            booking.id,
            booking.starts_at,
            customer.name,
            f"{service} · {staff}" if staff else service,
            booking.status,
            customer.id,
        )
        for booking, customer, service, staff in rows
    ]


def _tasks(session: Session, due: Sequence[Any]) -> list[Line]:
    rows = session.execute(
        select(Task, Customer)
        .outerjoin(Customer, and_(Customer.vendor_id == Task.vendor_id,
                                  Customer.id == Task.customer_id))
        .where(*due)
        .order_by(Task.due_at, Task.id)
        .limit(ROWS)
    )  # fmt: skip
    return [
        Line(task.id, task.due_at, task.title, customer.name if customer else None, task.status,
             task.customer_id)
        for task, customer in rows
    ]  # fmt: skip


def _checks(session: Session, due: Sequence[Any]) -> list[Line]:
    """Whether what was sent has come: by the order, if it is known, and whose it is."""
    rows = session.execute(
        select(Task, Customer, Order)
        .outerjoin(Customer, and_(Customer.vendor_id == Task.vendor_id,
                                  Customer.id == Task.customer_id))
        .outerjoin(Order, and_(Order.vendor_id == Task.vendor_id, Order.id == Task.order_id))
        .where(*due)
        .order_by(Task.due_at, Task.id)
        .limit(FEW)
    )  # fmt: skip
    return [
        Line(task.id, task.due_at,
             ", ".join(str(of) for of in (order, customer) if of is not None) or task.title,
             task.title if order or customer else None, task.status, task.customer_id)
        for task, customer, order in rows
    ]  # fmt: skip


def _orders(session: Session, placed: Sequence[Any]) -> list[Line]:
    """The orders that wait for their goods, the oldest first."""
    rows = session.execute(
        select(Order, Customer)
        .outerjoin(Customer, and_(Customer.vendor_id == Order.vendor_id,
                                  Customer.id == Order.customer_id))
        .where(*placed)
        .order_by(Order.placed_at, Order.id)
        .limit(ROWS)
    )  # fmt: skip
    return [
        Line(order.id, order.placed_at, str(order), customer.name if customer else None,
             order.status, order.customer_id)
        for order, customer in rows
    ]  # fmt: skip


def _follow_ups(session: Session, follow_up: Sequence[Any]) -> list[Line]:
    rows = session.scalars(
        select(Customer)
        .where(*follow_up)
        .order_by(Customer.last_activity_at.desc(), Customer.id.desc())
        .limit(ROWS)
    )
    return [
        Line(row.id, row.last_visit_at, row.name, row.phone or row.email, row.status, row.id)
        for row in rows
    ]
