"""What of messages may not go out, or not yet; and the rows that many of them share."""

from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import contacting, message_rules, still_true
from app.operations.contacting import OnlyQuietHours
from app.operations.refusing import HeldBack
from models.base import Base
from models.messages import Message, MessageStatus

Row = TypeVar("Row", bound=Base)


class RuleRests(HeldBack):
    sentence = "It was not sent: the rule that wanted it was paused or removed meanwhile."


def shared(session: Session, model: type[Row], row_id: int) -> Row | None:
    """A row that many messages share, read once: a session lets go of what nobody holds."""
    held = session.info.setdefault("messages share", {})
    if (model, row_id) not in held:
        held[model, row_id] = session.get(model, row_id)
    found: Row | None = held[model, row_id]
    return found


def held_back(session: Session, message: Message) -> HeldBack | None:
    """Why a message may not go out now, if so."""
    if not message_rules.wants(session, key=message.key):
        return RuleRests()
    return still_true.check(message) or contacting.may_send(session, message)


def put_off(session: Session, message: Message, at: datetime) -> HeldBack | None:
    """Move a message that would come in quiet hours; why it cannot go out at all, if so."""
    due = contacting.send_from(session, message, at)
    if due is None:
        return OnlyQuietHours()
    if message.useless_at is not None and due >= message.useless_at:
        return still_true.TooLate()
    message.send_at = due
    return None


def hold_back(message: Message, why: DomainError) -> None:
    """Write down that a message does not go out, and why."""
    message.status, message.failed_at = MessageStatus.SUPPRESSED, clock.now()
    message.reason, message.error = why.code, str(why)
    if message.useless_at is not None and message.useless_at <= message.send_at:
        message.useless_at = None
