"""Tasks: what somebody has to do about a customer; planned, assigned, done with an outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import happenings
from app.operations.customers import clean, living
from app.operations.moves import locked, move
from app.operations.planning import CannotPlan, check_assignee, plan, plan_once
from app.operations.rule_moments import on_wall
from app.operations.zones import zone_of
from app.tenancy import current_actor
from models.tasks import TASK_TRANSITIONS, Task, TaskKind, TaskStatus
from models.users import VendorUser

__all__ = [
    "OUTCOMES",
    "CannotPlan",
    "NothingSaid",
    "Outcome",
    "assign",
    "cancel",
    "finish",
    "log",
    "plan",
    "plan_once",
    "reopen",
    "start",
]


class NothingSaid(DomainError):
    sentence = "There is nothing to keep yet: write the note, or what was said."
    field = "text"


LONGEST_LOG = 2000
NO_ANSWER = "No answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How something often goes, said by one click; `again_in_days` plans it once more."""

    says: str
    again_in_days: int | None = None


OUTCOMES: Mapping[TaskKind, tuple[Outcome, ...]] = {
    TaskKind.FOLLOW_UP: (Outcome("Done"), Outcome("Will think about it", 7), Outcome(NO_ANSWER, 1)),
    TaskKind.REMINDER: (Outcome("Done"), Outcome(NO_ANSWER, 1)),
    TaskKind.DELIVERY_CHECK: (
        Outcome("All is well"), Outcome("Something is wrong", 1), Outcome(NO_ANSWER, 1),
    ),
    TaskKind.REPLENISHMENT: (
        Outcome("Ordered"), Outcome("Has some left", 14), Outcome("Buys elsewhere"),
        Outcome(NO_ANSWER, 1),
    ),
}  # fmt: skip
"""How tasks of each kind often end; anything else is written."""
LONGEST_TITLE = 300
FURTHEST_DAYS = 730


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
    check_assignee(session, assignee_id, task.vendor_id)
    task.assignee_id = assignee_id
    return task


def start(session: Session, *, task_id: int) -> Task:
    """Somebody works on it now."""
    return _moved(session, task_id, TaskStatus.IN_PROGRESS)


def finish(
    session: Session,
    *,
    task_id: int,
    outcome: str | None = None,
    again_in_days: int | None = None,
    again: str | None = None,
) -> Task:
    """It is done; `outcome` says how it went, and may plan the next one.

    That one is due `again_in_days` days later at the same wall time, for the same customer and the
    same member of staff; `again` says what is to be done then (empty: the same once more).
    """
    task = _moved(session, task_id, TaskStatus.DONE)
    said = clean(outcome, "outcome", longest=LONGEST_LOG)
    task.done_at, task.outcome = clock.now(), said
    session.flush()  # one change, one line in the trail
    if again_in_days is not None:
        _plan_next(session, task, again_in_days, clean(again, "again", longest=LONGEST_TITLE))
    happenings.tell(
        session, happenings.Event.TASK_DONE, customer_id=task.customer_id, task_id=task.id
    )
    return task


def cancel(session: Session, *, task_id: int, reason: str | None = None) -> Task:
    """It need not be done any more; `reason` says why."""
    task = _moved(session, task_id, TaskStatus.CANCELLED)
    task.outcome = reason or None
    return task


def reopen(session: Session, *, task_id: int) -> Task:
    """It is to do again: what was said when it was closed is taken back.

    What its outcome planned goes with it, unless somebody works on that already.
    """
    task = _moved(session, task_id, TaskStatus.OPEN)
    task.done_at = task.outcome = None
    after = select(Task).where(Task.vendor_id == task.vendor_id, Task.after_id == task.id)
    untouched = after.where(Task.status == TaskStatus.OPEN).order_by(Task.id)
    for planned in session.scalars(untouched.with_for_update()):
        planned.status, planned.outcome = TaskStatus.CANCELLED, "The task before it was reopened"
    return task


def _plan_next(session: Session, task: Task, days: int, title: str | None) -> Task:
    if not 0 < days <= FURTHEST_DAYS:
        raise CannotPlan(
            f"The next one is due in 1 to {FURTHEST_DAYS} days: write how many.",
            field="again_in_days",
        )
    zone = ZoneInfo(zone_of(session, task.vendor_id))
    now = clock.now().astimezone(zone)
    at = task.due_at.astimezone(zone).time() if task.due_at is not None else now.time()
    due = on_wall(now.date() + timedelta(days=days), at.replace(second=0, microsecond=0), zone)
    works_here = task.assignee is not None and task.assignee.is_active
    return plan(
        session, title=title or task.title, customer_id=task.customer_id,
        kind=TaskKind(task.kind), assignee_id=task.assignee_id if works_here else None,
        due_at=due, note=task.outcome, booking_id=task.booking_id, order_id=task.order_id,
        after_id=task.id,
    )  # fmt: skip


def _moved(session: Session, task_id: int, to: TaskStatus) -> Task:
    task = locked(session, Task, task_id)
    task.status = move("task", TASK_TRANSITIONS, TaskStatus(task.status), to)
    return task


def _oneself(session: Session, vendor_id: int) -> int | None:
    return session.scalar(
        select(VendorUser.staff_member_id).where(
            VendorUser.vendor_id == vendor_id, VendorUser.user_id == current_actor().user_id
        )
    )
