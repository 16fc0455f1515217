"""Tasks: what somebody has to do about a customer; planned, assigned, done with an outcome."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations.customers import living, still_here
from app.operations.moves import locked, move
from app.operations.zones import instant
from app.tenancy import current_actor
from models.staff import StaffMember
from models.tasks import TASK_TRANSITIONS, Task, TaskKind, TaskStatus
from models.users import VendorUser
from models.vendors import Vendor


class CannotPlan(DomainError):
    sentence = "This task cannot be planned: say what is to be done."
    field = "title"


class NothingSaid(DomainError):
    sentence = "There is nothing to keep yet: write the note, or what was said."
    field = "text"


LONGEST_LOG = 2000


def plan(
    session: Session,
    *,
    title: str,
    customer_id: int | None = None,
    kind: TaskKind = TaskKind.FOLLOW_UP,
    assignee_id: int | None = None,
    due_at: datetime | None = None,
    note: str | None = None,
) -> Task:
    """Write down what is to be done. `due_at` without an offset is wall time at the vendor's."""
    if not title.strip():
        raise CannotPlan
    vendor_id = _vendor(session, customer_id)
    _check_assignee(session, assignee_id, vendor_id)
    task = Task(
        vendor_id=vendor_id,
        title=title.strip(),
        customer_id=customer_id,
        kind=TaskKind(kind),
        assignee_id=assignee_id,
        due_at=due_at and instant(due_at, _zone(session, vendor_id), field="due_at"),
        note=note or None,
    )
    session.add(task)
    session.flush()  # the id
    return task


def log(session: Session, *, customer_id: int, text: str, is_call: bool = False) -> Task:
    """Write down what was noticed or said on the phone: a task that is done already.

    It is said to be done by the member of staff that the one who acts is, if any.
    """
    said = text.replace("\0", "").strip()[:LONGEST_LOG]
    if not said:
        raise NothingSaid
    vendor_id = living(session, customer_id).vendor_id
    task = Task(
        vendor_id=vendor_id,
        title="Call" if is_call else "Note",
        customer_id=customer_id,
        kind=TaskKind.FOLLOW_UP,
        assignee_id=_oneself(session, vendor_id),
        status=TaskStatus.DONE,
        done_at=clock.now(),
        outcome=said,
    )
    session.add(task)
    session.flush()  # the id
    return task


def assign(session: Session, *, task_id: int, assignee_id: int | None) -> Task:
    """Hand a task that is still to do to somebody, or to nobody."""
    task = locked(session, Task, task_id)
    if task.status not in (TaskStatus.OPEN, TaskStatus.IN_PROGRESS):
        raise CannotPlan(
            "This task is closed: reopen it before somebody else takes it.", field="assignee_id"
        )
    _check_assignee(session, assignee_id, task.vendor_id)
    task.assignee_id = assignee_id
    return task


def start(session: Session, *, task_id: int) -> Task:
    """Somebody works on it now."""
    return _moved(session, task_id, TaskStatus.IN_PROGRESS)


def finish(session: Session, *, task_id: int, outcome: str | None = None) -> Task:
    """It is done; `outcome` says how it went."""
    task = _moved(session, task_id, TaskStatus.DONE)
    task.done_at, task.outcome = clock.now(), outcome or None
    return task


def cancel(session: Session, *, task_id: int, reason: str | None = None) -> Task:
    """It need not be done any more; `reason` says why."""
    task = _moved(session, task_id, TaskStatus.CANCELLED)
    task.outcome = reason or None
    return task


def reopen(session: Session, *, task_id: int) -> Task:
    """It is to do again: what was said when it was closed is taken back."""
    task = _moved(session, task_id, TaskStatus.OPEN)
    task.done_at = task.outcome = None
    return task


def _moved(session: Session, task_id: int, to: TaskStatus) -> Task:
    task = locked(session, Task, task_id)
    task.status = move("task", TASK_TRANSITIONS, TaskStatus(task.status), to)
    return task


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


def _check_assignee(session: Session, assignee_id: int | None, vendor_id: int) -> None:
    if assignee_id is None:
        return
    staff = session.get(StaffMember, assignee_id)
    if staff is None or staff.vendor_id != vendor_id or not staff.is_active:
        raise CannotPlan(
            "This member of staff does not work here: choose another.", field="assignee_id"
        )


def _oneself(session: Session, vendor_id: int) -> int | None:
    return session.scalar(
        select(VendorUser.staff_member_id).where(
            VendorUser.vendor_id == vendor_id, VendorUser.user_id == current_actor().user_id
        )
    )


def _zone(session: Session, vendor_id: int) -> str:
    return session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
