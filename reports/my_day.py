"""My day: today's bookings, what is due and overdue, and what was done, of one or of everybody.

What is only offered to somebody of the waitlist is no booking yet, and told beside them. Days are
the vendor's. Whose task it is not yet is everybody's, so it stands in each one's day too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from models.bookings import Booking, BookingStatus
from models.staff import StaffMember
from models.tasks import Task, TaskKind, TaskStatus
from reports.day_counts import CAP, capped, day_of

MOST = 100
DONE = 10
TO_DO = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)
CALLS = (TaskKind.FOLLOW_UP, TaskKind.REPLENISHMENT)
"""Tasks for which somebody rings up the customer."""
_PLANNED = (
    BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN,
    BookingStatus.COMPLETED, BookingStatus.NO_SHOW,
)  # fmt: skip
_BOOKED = (Booking.status.in_(_PLANNED), Booking.held_until.is_(None))
_OFFERED = (Booking.status == BookingStatus.PENDING, Booking.held_until.is_not(None))


@dataclass(frozen=True, slots=True)
class MyDay:
    """A day's work; the counts stop after `CAP`, the lists after `MOST` rows."""

    bookings: Sequence[Booking]
    offers: Sequence[Booking]
    tasks: Sequence[Task]
    undated: Sequence[Task]
    done: Sequence[Task]
    overdue: int
    due: int
    calls: int
    finished: int


def of(
    session: Session,
    *,
    vendor_id: int,
    zone: str,
    now: datetime,
    staff_id: int | None,
    kinds: Sequence[TaskKind] = (),
) -> MyDay:
    """The day into which `now` falls: everybody's without `staff_id`, tasks of some `kinds`."""
    start, end = session.execute(select(*day_of(literal(zone), now))).one()
    mine = [Task.vendor_id == vendor_id, *_whose(staff_id)]
    shown = [*mine, *([Task.kind.in_(kinds)] if kinds else [])]
    to_do = Task.status.in_(TO_DO)
    due = [to_do, Task.due_at < end]
    finished = [Task.status == TaskStatus.DONE, Task.done_at >= start, Task.done_at < end]
    counts = session.execute(
        select(
            capped(Task, *mine, to_do, Task.due_at < now).label("overdue"),
            capped(Task, *mine, *due).label("due"),
            capped(Task, *mine, *due, Task.kind.in_(CALLS)).label("calls"),
            capped(Task, *mine, *finished).label("finished"),
        )
    ).one()
    today = [Booking.vendor_id == vendor_id, Booking.starts_at >= start, Booking.starts_at < end]
    if staff_id is not None:
        today.append(Booking.staff_id == staff_id)
    return MyDay(
        bookings=_bookings(session, *today, *_BOOKED),
        offers=_bookings(session, *today, *_OFFERED),
        tasks=_tasks(session, shown + due, Task.due_at, MOST),
        undated=_tasks(session, [*shown, to_do, Task.due_at.is_(None)], Task.id.desc(), DONE),
        done=_tasks(session, shown + finished, Task.done_at.desc(), DONE),
        **counts._mapping,
    )


def _whose(staff_id: int | None) -> list[Any]:
    if staff_id is None:
        return []
    return [or_(Task.assignee_id == staff_id, Task.assignee_id.is_(None))]


def _bookings(session: Session, *which: Any) -> Sequence[Booking]:
    query = (
        select(Booking)
        .where(*which)
        .options(
            joinedload(Booking.customer), joinedload(Booking.service),
            joinedload(Booking.staff_member),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST)
    )  # fmt: skip
    return session.scalars(query).all()


def _tasks(session: Session, which: Sequence[Any], order: Any, most: int) -> Sequence[Task]:
    query = select(Task).where(and_(*which)).options(
        joinedload(Task.customer), joinedload(Task.assignee), joinedload(Task.order)
    )  # fmt: skip
    return session.scalars(query.order_by(order, Task.id).limit(most)).all()


def people(session: Session, *, vendor_id: int) -> list[tuple[int, str]]:
    """Who works here, by name."""
    rows = session.execute(
        select(StaffMember.id, StaffMember.name)
        .where(StaffMember.vendor_id == vendor_id, StaffMember.is_active)
        .order_by(func.lower(StaffMember.name), StaffMember.id)
        .limit(MOST)
    )
    return [(row.id, row.name) for row in rows]


__all__ = ["CALLS", "CAP", "MyDay", "of", "people"]
