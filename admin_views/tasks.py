"""Tasks on screen: what somebody has to do about a customer."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session, joinedload

from admin_views.base import declared
from admin_views.details import link_to
from admin_views.filters import Between, Named, OneOf, Related, of_vendor
from admin_views.forms import Choice, Note, Pick, Text, WallTime
from admin_views.lists import Col, Sort
from admin_views.loaders import contains, customer_ids
from admin_views.lookups import ALL_STAFF, CUSTOMERS, STAFF
from admin_views.saved_views import SavedViews
from admin_views.saving import Command, Moves
from app import clock
from app.operations import tasks
from models.tasks import TASK_TRANSITIONS, Task, TaskKind, TaskStatus

TO_DO = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)


def moving(verb: Any, to: TaskStatus) -> Moves:
    """`(run, when)` of a command that moves a task to a status."""

    def run(session: Session, number: int, **words: str) -> None:
        verb(session, task_id=number, **words)

    def when(task: Task) -> bool:
        return to in TASK_TRANSITIONS[TaskStatus(task.status)]

    return run, when


def _reopening() -> Moves:
    run, when = moving(tasks.reopen, TaskStatus.OPEN)
    return run, lambda task: task.status not in TO_DO and when(task)


def _overdue() -> Any:
    return and_(Task.status.in_(TO_DO), Task.due_at < clock.now())


def shown_status(task: Task) -> str:
    """Overdue, for what should be done by now."""
    late = task.status in TO_DO and task.due_at is not None and task.due_at < clock.now()
    return "overdue" if late else task.status


def _before(task: Task) -> Any:
    """The way to the task whose outcome planned this one."""
    if task.after_id is None:
        return None
    url = f"/admin/task/details/{task.after_id}"
    return Markup('<a href="{}">the task before it</a>').format(url)


class TaskView(SavedViews, model=Task):
    """To-dos about customers."""

    name, name_plural, icon = "Task", "Tasks", "ti ti-checkbox"
    category, menu_key, status_kind = "Customers", "x", "task"
    columns = (
        Col("title", "Task"),
        Col("customer", "Customer", value=lambda t: t.customer and t.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="task", css="c-status", value=shown_status),
        Col("kind", "Kind", value=lambda t: TaskKind(t.kind)),
        Col("assignee", "For", value=lambda t: t.assignee and t.assignee.name),
        Col("due_at", "Due", "moment", sort="due"),
    )
    sorts = declared(due=Sort(Task.due_at), newest=Sort(Task.id, descending=True))
    search_hint = "Search task or customer"
    filters = (
        Named(
            "state", "What", icon="circle-dot",
            conditions=(
                ("todo", "To do", lambda: Task.status.in_(TO_DO)),
                ("overdue", "Overdue", _overdue),
            ),
        ),
        OneOf("status", "Status", Task.status, icon="circle-dot", words=TaskStatus),
        of_vendor(Task.vendor_id),
        Related("assignee", "For", Task.assignee_id, icon="id-badge-2", lookup=ALL_STAFF),
        Between("due", "Due", Task.due_at),
        OneOf("kind", "Kind", Task.kind, icon="category", words=TaskKind, open=False),
        Related(
            "customer", "Customer", Task.customer_id, icon="user", lookup=CUSTOMERS, open=False
        ),
    )  # fmt: skip
    loads = (joinedload(Task.customer), joinedload(Task.assignee))
    details = (
        (
            "Task",
            (
                Col("customer", "Customer", value=lambda t: link_to("customer", t.customer)),
                Col("kind", "Kind", "word"),
                Col("assignee", "For", value=lambda t: t.assignee and t.assignee.name),
                Col("due_at", "Due", "moment"),
                Col("note", "Note"),
                Col("booking", "Booking", value=lambda t: link_to("booking", t.booking)),
                Col("order", "Order", value=lambda t: link_to("order", t.order)),
                Col("after_id", "Follows from", value=_before),
                Col("done_at", "Done", "moment"),
                Col("outcome", "Outcome"),
            ),
        ),
    )
    fields = declared(
        title=Text("What is to be done", wanted=True),
        customer=Pick("Customer", CUSTOMERS),
        kind=Choice("Kind", TaskKind, wanted=True, default=TaskKind.FOLLOW_UP),
        assignee=Pick("For", STAFF),
        due_at=WallTime("Due"),
        note=Note("Note"),
    )
    hides_empty = ("booking", "order", "after_id")
    stays = "What it says is gone from the customer's page; the trail of changes stays."
    creates_with = staticmethod(
        lambda session, **values: tasks.plan(
            session, **{k: v for k, v in values.items() if v is not None}
        )
    )
    commands = (
        Command(
            "start", "Start", *moving(tasks.start, TaskStatus.IN_PROGRESS),
            "The task is in progress.", icon="player-play",
        ),
        Command(
            "done", "Done", *moving(tasks.finish, TaskStatus.DONE), "The task is done.",
            icon="circle-check", primary=True,
        ),
        Command("reopen", "Open again", *_reopening(), "The task is open again.", icon="refresh"),
        Command(
            "cancel", "Cancel task", *moving(tasks.cancel, TaskStatus.CANCELLED),
            "The task is cancelled.", icon="circle-x", danger=True,
            ask=("Cancel this task?", "It can be opened again later."),
            inputs=(("reason", "Why (optional)"),),
        ),
    )  # fmt: skip

    def may_edit(self, record: Any) -> bool:
        """A closed task is opened again first."""
        return record.status in TO_DO

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By words of the task, or by its customer."""
        known = Task.customer_id.in_(customer_ids(session, term))
        return rows.where(or_(known, contains((Task.title,), term)))


VIEWS = [TaskView]
