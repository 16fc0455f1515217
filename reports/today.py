"""The first page of each role: what needs doing now, in real figures.

Days are the vendor's days. Figures of open work are counted up to `CAP`, so that none costs a
full scan; one that reached it is shown as "10,000+".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.customers import Customer, CustomerStatus
from models.figures import Grain, VendorFigures
from models.imports import ImportJob, ImportStatus
from models.messages import Message, MessageStatus
from models.orders import Order, OrderStatus
from models.outbox import OutboxMessage
from models.products import Product, Variant
from models.services import Service
from models.staff import StaffMember
from models.tasks import Task, TaskKind, TaskStatus
from models.vendors import Vendor, VendorStatus
from reports import pulse, troubles
from reports.pulse import Jump, Look, Seller, Slipping, Week
from reports.troubles import Failing, Hourless

CAP = 10_000
ROWS = 8
FEW = 5

PLANNED = ("pending", "confirmed", "checked_in", "completed", "no_show")
"""The statuses of a day's bookings: what was called off is none."""
_TO_DO = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
_NEEDS_A_PERSON = (ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.TRIED)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list on the page: whose it is, when, and how it stands."""

    id: int
    at: datetime | None
    title: str
    detail: str | None
    status: str
    customer_id: int | None = None


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
    start, end = session.execute(select(*_day(literal(zone), now))).one()
    mine = Booking.vendor_id == vendor_id
    # what is only offered to somebody of the waitlist is no booking yet, as in every figure
    promised = [mine, Booking.held_until.is_(None)]
    today = [*promised, Booking.starts_at >= start, Booking.starts_at < end]
    by_status, expected, taken = _bookings_today(session, today)
    due = [Task.vendor_id == vendor_id, Task.status.in_(_TO_DO), Task.due_at < end]
    checks = [*due, Task.kind == TaskKind.DELIVERY_CHECK]
    others = [*due, Task.kind != TaskKind.DELIVERY_CHECK]
    fresh = [Customer.vendor_id == vendor_id, *_new_since(_week_of(literal(zone), now))]
    placed = [Order.vendor_id == vendor_id, Order.status == OrderStatus.PLACED]
    follow_up = [
        Customer.vendor_id == vendor_id,
        Customer.status == CustomerStatus.PENDING_FOLLOW_UP,
        Customer.archived_at.is_(None),
    ]
    waiting = [*promised, Booking.status == BookingStatus.PENDING, Booking.starts_at >= now]
    left = Variant.on_hand - Variant.reserved
    low = [Variant.vendor_id == vendor_id, Variant.tracks_stock, Variant.is_active,
           left <= Variant.low_stock]  # fmt: skip
    figures = session.execute(
        select(
            _capped(Task, *due).label("tasks_due"),
            _capped(Task, *due, Task.due_at < now).label("tasks_overdue"),
            _capped(Booking, *waiting).label("to_confirm"),
            _capped(Customer, *fresh).label("new_customers"),
            _capped(Order, *placed).label("to_fulfil"),
            _capped(Customer, *follow_up).label("to_follow_up"),
            _capped(Variant, *low).label("running_low"),
            _not_arrived(now, Message.vendor_id == vendor_id).label("not_arrived"),
            _capped(OutboxMessage, *_given_up(vendor_id)).label("given_up"),
            _capped(Task, *checks).label("checks_due"),
            _capped(Task, *others).label("others_due"),
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


FAILED_WITHIN = timedelta(days=7)
"""What failed longer ago is nobody's work any more."""


def _failed(now: datetime, *of: Any) -> Any:
    """The newest messages that failed: an index gives them, whatever failed in all the years."""
    newest = (
        select(Message.id, Message.failed_at)
        .where(Message.status == MessageStatus.FAILED, *of)
        .order_by(Message.id.desc())
        .limit(1000)
        .subquery()
    )
    return select(newest.c.id).where(newest.c.failed_at > now - FAILED_WITHIN)


def _not_arrived(now: datetime, *of: Any) -> Any:
    return select(func.count()).select_from(_failed(now, *of).subquery()).scalar_subquery()


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
        .where(Message.id.in_(_failed(now, Message.vendor_id == vendor_id)))
        .order_by(Message.id.desc())
        .limit(ROWS)
    )  # fmt: skip
    return [
        Line(message.id, message.failed_at, customer.name if customer else str(message),
             message.error, message.status, message.customer_id)
        for message, customer in rows
    ]  # fmt: skip


def _day(zone: Any, now: datetime, days: int = 0) -> tuple[Any, Any]:
    """Start and end of a day where `zone` is, 23 and 25 hours included; `days` ago."""
    midnight = func.date_trunc("day", func.timezone(zone, now)) - func.make_interval(0, 0, 0, days)
    tomorrow = midnight + func.make_interval(0, 0, 0, 1)
    return func.timezone(zone, midnight), func.timezone(zone, tomorrow)


def _week_of(zone: Any, now: datetime) -> Any:
    """The instant when the week began, on Monday."""
    return func.timezone(zone, func.date_trunc("week", func.timezone(zone, now)))


def _new_since(since: Any) -> list[Any]:
    """Made since then; nobody is active before they are made, and that is what the index knows."""
    return [
        Customer.last_activity_at >= since,
        Customer.created_at >= since,
        Customer.archived_at.is_(None),
    ]


def _capped(model: Any, *conditions: Any) -> Any:
    """How many rows there are, counted up to one more than `CAP`."""
    rows = select(literal(1)).select_from(model).where(*conditions).limit(CAP + 1).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


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


# --- the marketplace ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """What a vendor did today."""

    vendor_id: int
    name: str
    bookings: int
    no_shows: int


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Sums over all vendors, nothing about a person: what analysts see too.

    `week` has what today came to so far, beside the same day of the week before.
    """

    vendors: int
    zones: int
    to_fulfil: int
    new_customers: int
    week: Week
    busiest: list[Share]
    attention: list[Look]
    jumps: list[Jump]


@dataclass(frozen=True, slots=True)
class AdminToday:
    """The marketplace's day, and what waits for a person. Counts stop after `CAP`."""

    figures: Marketplace
    customers: int
    imports_waiting: int
    imports_running: int
    imports_failed: int
    rows_to_correct: int
    promises_broken: int
    not_arrived: int
    to_follow_up: int
    imports: list[Line]
    failing: list[Failing]
    hourless: list[Hourless]


def analyst(session: Session, *, now: datetime) -> Marketplace:
    """The marketplace's figures; reads only columns that analysts may read."""
    vendors, zones = session.execute(
        select(func.count(), func.count(Vendor.time_zone.distinct())).where(
            Vendor.status == VendorStatus.ACTIVE
        )
    ).one()
    fresh = _new_since(_week_of(literal("UTC"), now))
    return Marketplace(
        vendors=vendors,
        zones=zones,
        to_fulfil=session.scalar(
            select(_capped(Order, Order.status == OrderStatus.PLACED))
        ) or 0,
        new_customers=session.scalar(select(_capped(Customer, *fresh))) or 0,
        week=pulse.market_week(session, now=now),
        busiest=_busiest(session, now),
        attention=pulse.attention(session, today=now.astimezone(UTC).date()),
        jumps=pulse.jumps(session, today=now.astimezone(UTC).date()),
    )  # fmt: skip


def _busiest(session: Session, now: datetime) -> list[Share]:
    """Who has most bookings today, as their roll-up has it."""
    figures, utc = VendorFigures, now.astimezone(UTC).date()
    today = cast(func.timezone(Vendor.time_zone, now), Date)
    rows = session.execute(
        select(Vendor.id, Vendor.name, figures.bookings, figures.no_shows)
        .join(figures, and_(figures.vendor_id == Vendor.id, figures.grain == Grain.DAY))
        .where(figures.starts_on.between(utc - pulse.DAY, utc + pulse.DAY))
        .where(figures.starts_on == today, figures.bookings > 0)
        .where(Vendor.status == VendorStatus.ACTIVE)
        .order_by(figures.bookings.desc(), Vendor.id)
        .limit(ROWS)
    )
    return [Share(*row) for row in rows]


def admin(session: Session, *, now: datetime) -> AdminToday:
    """The marketplace's figures, and the work that only its own people can do."""
    waiting = ImportJob.status.in_(_NEEDS_A_PERSON)
    follow_up = and_(
        Customer.status == CustomerStatus.PENDING_FOLLOW_UP, Customer.archived_at.is_(None)
    )
    invalid = func.coalesce(
        func.sum(cast(ImportJob.result["invalid"].astext, Order.number.type)), 0
    )
    week = ImportJob.finished_at >= _week_of(literal("UTC"), now)
    row = session.execute(
        select(
            _capped(Customer, Customer.archived_at.is_(None)).label("customers"),
            _capped(ImportJob, waiting).label("imports_waiting"),
            _capped(ImportJob, ImportJob.status == ImportStatus.IMPORTING).label("imports_running"),
            _capped(ImportJob, ImportJob.status == ImportStatus.FAILED).label("imports_failed"),
            select(func.coalesce(invalid, 0))
            .where(ImportJob.status == ImportStatus.COMPLETED, week)
            .scalar_subquery()
            .label("rows_to_correct"),
            _capped(OutboxMessage, OutboxMessage.dead_at.is_not(None)).label("promises_broken"),
            _not_arrived(now).label("not_arrived"),
            _capped(Customer, follow_up).label("to_follow_up"),
        )
    ).one()
    return AdminToday(
        figures=analyst(session, now=now),
        **row._mapping,
        imports=_imports(session, waiting),
        failing=troubles.failing(session, now=now),
        hourless=troubles.hourless(session, today=now.astimezone(UTC).date()),
    )


def _imports(session: Session, waiting: Any) -> list[Line]:
    """The newest imports that wait for somebody, or failed."""
    rows = session.execute(
        select(ImportJob, Vendor.name)
        .join(Vendor, Vendor.id == ImportJob.vendor_id)
        .where(or_(waiting, ImportJob.status == ImportStatus.FAILED))
        .order_by(ImportJob.id.desc())
        .limit(ROWS)
    )
    return [
        Line(job.id, job.created_at, job.filename, vendor_name, job.status)
        for job, vendor_name in rows
    ]
