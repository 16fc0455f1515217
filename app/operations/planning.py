"""Planning: a to-do about a customer is written down, by hand or since a rule wants it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations.customers import still_here
from app.operations.zones import instant, zone_of
from app.tenancy import current_actor
from models.bookings import Booking
from models.orders import Order
from models.staff import StaffMember
from models.tasks import Task, TaskKind


class CannotPlan(DomainError):
    sentence = "This task cannot be planned: say what is to be done."
    field = "title"


def plan(
    session: Session,
    *,
    title: str,
    customer_id: int | None = None,
    kind: TaskKind = TaskKind.FOLLOW_UP,
    assignee_id: int | None = None,
    due_at: datetime | None = None,
    note: str | None = None,
    booking_id: int | None = None,
    order_id: int | None = None,
    after_id: int | None = None,
    key: str | None = None,
) -> Task:
    """Write down what is to be done. `due_at` without an offset is wall time at the vendor's.

    `booking_id` and `order_id` are what it is about; `after_id` is the task it follows from.
    """
    if not title.strip():
        raise CannotPlan
    vendor_id = _vendor(session, customer_id)
    check_assignee(session, assignee_id, vendor_id)
    _check_about(session, vendor_id, booking_id, order_id)
    task = Task(
        vendor_id=vendor_id,
        title=title.strip(),
        customer_id=customer_id,
        kind=TaskKind(kind),
        assignee_id=assignee_id,
        due_at=due_at and instant(due_at, zone_of(session, vendor_id), field="due_at"),
        note=note or None,
        booking_id=booking_id,
        order_id=order_id,
        after_id=after_id,
        key=key,
    )
    session.add(task)
    session.flush()  # the id
    return task


def plan_once(
    session: Session,
    *,
    key: str,
    title: str,
    customer_id: int,
    kind: TaskKind,
    assignee_id: int | None,
    due_at: datetime,
    booking_id: int | None = None,
    order_id: int | None = None,
) -> Task | None:
    """Write down what a rule wants done, unless it was before: a `key` is planned once.

    It is nobody's where the one it was for does not work here any more, and none where the
    customer is not here.
    """
    customer = still_here(session, customer_id)
    if customer is None:
        return None
    known = select(Task.id).where(Task.vendor_id == customer.vendor_id, Task.key == key)
    if session.scalars(known).first() is not None:
        return None
    staff = None if assignee_id is None else session.get(StaffMember, assignee_id)
    return plan(
        session, title=title, customer_id=customer_id, kind=kind, due_at=due_at, key=key,
        assignee_id=staff.id if staff is not None and staff.is_active else None,
        booking_id=booking_id, order_id=order_id,
    )  # fmt: skip


def check_assignee(session: Session, assignee_id: int | None, vendor_id: int) -> None:
    """Refuses who does not work at the vendor."""
    if assignee_id is None:
        return
    staff = session.get(StaffMember, assignee_id)
    if staff is None or staff.vendor_id != vendor_id or not staff.is_active:
        raise CannotPlan(
            "This member of staff does not work here: choose another.", field="assignee_id"
        )


def _vendor(session: Session, customer_id: int | None) -> int:
    """The vendor of the customer, else the one acting."""
    if customer_id is not None:
        customer = still_here(session, customer_id)
        if customer is None:
            raise CannotPlan("This customer is not here any more: choose one.", field="customer_id")
        return customer.vendor_id
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        raise CannotPlan("Nobody's task: choose a customer first.", field="customer_id")
    return vendor_id


def _check_about(
    session: Session, vendor_id: int, booking_id: int | None, order_id: int | None
) -> None:
    booking = None if booking_id is None else session.get(Booking, booking_id)
    order = None if order_id is None else session.get(Order, order_id)
    asked = ((booking_id, booking), (order_id, order))
    if any(n is not None and (row is None or row.vendor_id != vendor_id) for n, row in asked):
        raise CannotPlan("What this is about is not here any more: plan it for the customer.")
