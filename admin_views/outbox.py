"""The outbox on screen, for admins: what was promised, what waits, what was given up."""

from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import and_
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import Between, Named, of_vendor
from admin_views.lists import Col, Sort
from admin_views.rendering import word
from admin_views.saving import Command
from app.operations import messages, outbox
from models.outbox import OutboxMessage

_NOT_DONE = OutboxMessage.done_at.is_(None)
_ALIVE = OutboxMessage.dead_at.is_(None)
STATES = (
    ("waiting", "Waiting", lambda: and_(_NOT_DONE, _ALIVE)),
    ("sent", "Sent", lambda: OutboxMessage.done_at.is_not(None)),
    ("given_up", "Given up", lambda: OutboxMessage.dead_at.is_not(None)),
)
HINT = "What was promised to happen later; each is tried until it is done, or given up."


def state(message: OutboxMessage) -> str:
    """Waiting, sent or given up."""
    if message.done_at is not None:
        return "sent"
    return "waiting" if message.dead_at is None else "given_up"


def task(message: OutboxMessage) -> str:
    """Bulk: run, for tasks.bulk.run."""
    noun, _, verb = message.task.removeprefix("tasks.").partition(".")
    return f"{word(noun)}: {verb.replace('_', ' ')}" if verb else word(noun)


def told(message: OutboxMessage) -> str | None:
    """What went wrong last, in one sentence."""
    if not message.last_error:
        return None
    kind, _, sentence = message.last_error.partition(": ")
    if sentence or " " in kind:
        return sentence or kind
    return f"Something went wrong ({kind}): the worker's log says where."


def _due(message: OutboxMessage) -> datetime | None:
    return message.available_at if state(message) == "waiting" else None


def _brings(row: OutboxMessage) -> Markup | None:
    """The way to the message that it brings, if it brings one."""
    if row.task != messages.TASK:
        return None
    url = f"/admin/message/details/{int(row.payload['message_id'])}"
    return Markup('<a href="{}">A message to a customer</a>').format(url)


def _send_again(session: Session, number: int) -> None:
    """Give it a new start, and with it the message that failed because of it."""
    row = session.get(OutboxMessage, number)
    if row is not None and row.task == messages.TASK and row.dead_at is not None:
        messages.retry(session, message_id=row.payload["message_id"])
    else:
        outbox.revive(session, message_id=number)


class OutboxView(HouseView, model=OutboxMessage):
    """Promises of the outbox; nothing of them can be edited."""

    name, name_plural, icon, category = "Outbox message", "Outbox", "ti ti-outbound", "Data"
    noun, hint, status_kind = "message", HINT, "outbox"
    can_create = can_edit = can_delete = False
    columns = (
        Col("task", "What", value=task),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("state", "State", "pill", pill_kind="outbox", css="c-status", value=state),
        Col("attempts", "Tries", "number", numeric=True),
        Col("error", "What went wrong last", value=told),
        Col("created_at", "Promised", "moment"),
    )
    sorts = declared(newest=Sort(OutboxMessage.id, descending=True))
    filters = (
        Named("state", "State", icon="circle-dot", conditions=STATES),
        of_vendor(OutboxMessage.vendor_id),
        Between("at", "Promised", OutboxMessage.created_at),
    )
    details = (
        (
            "Message",
            (
                Col("task", "Task"),
                Col("brings", "Brings", value=_brings),
                Col("attempts", "Tries", "number"),
                Col("error", "What went wrong last", value=told),
                Col("created_at", "Promised", "moment"),
                Col("handed_at", "Handed to a worker", "moment"),
                Col("due", "Next try", "moment", value=_due),
                Col("done_at", "Sent", "moment"),
                Col("dead_at", "Given up", "moment"),
            ),
        ),
    )
    commands = (
        Command(
            "send", "Send again",
            _send_again,
            lambda message: message.dead_at is not None,
            "It is sent again.", icon="refresh", primary=True, action="send",
        ),
    )  # fmt: skip
    empty = declared(icon="outbound", title="The outbox is empty", text=HINT)

    def title_of(self, record: Any) -> str:
        """Bulk: run."""
        return task(record)

    def status_of(self, record: Any) -> str:
        """Where it stands."""
        return state(record)

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: the outbox is no record of anybody."""
        return []


VIEWS = [OutboxView]
