"""Messages: composed where something happens, claimed by a worker, sent, and followed up.

What is written down is `composing`, what a worker does is `sending`; here is what comes of them.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Text, and_, case, cast, func, null, select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import outbox
from app.operations.composing import (
    TASK,
    CannotCarry,
    NothingWritten,
    compose,
    is_set_up,
    log,
    of_no_use_from,
    strictest,
)
from app.operations.conditions import is_any
from app.operations.moves import locked
from app.operations.sending import (
    GivenUp,
    KilledWorkers,
    Parcel,
    claim,
    give_back,
    in_words,
    key_of,
    mark_failed,
    mark_sent,
    moved,
    start,
    words_for,
)
from app.operations.templates import Rendered
from app.operations.withheld import RuleRests, hold_back
from models.messages import Direction, Message, MessageChannel, MessageStatus
from models.outbox import OutboxMessage

__all__ = [
    "TASK",
    "CannotCarry",
    "CannotRetry",
    "GivenUp",
    "KilledWorkers",
    "NothingWritten",
    "Parcel",
    "RuleRests",
    "claim",
    "compose",
    "forget",
    "give_back",
    "is_set_up",
    "key_of",
    "keys_of",
    "log",
    "mark_delivered",
    "mark_failed",
    "mark_sent",
    "of_no_use_from",
    "retry",
    "shown",
    "start",
    "strictest",
    "suppress",
]


def mark_delivered(session: Session, *, message_id: int, at: datetime | None = None) -> Message:
    """It has arrived, or was told in person; a second word of it changes nothing."""
    message = locked(session, Message, message_id)
    if message.status != MessageStatus.DELIVERED:
        moved(message, MessageStatus.DELIVERED)
        message.delivered_at = at or clock.now()
        message.reason = message.error = message.failed_at = None
        session.flush()  # one change
    return message


def suppress(session: Session, *, message_id: int, why: DomainError) -> Message:
    """Hold a message back that is not sent yet, and say why; refuses one that was."""
    message = locked(session, Message, message_id)
    moved(message, MessageStatus.SUPPRESSED)
    hold_back(message, why)
    session.flush()  # one change
    return message


class CannotRetry(DomainError):
    sentence = "This message is not sent again: it is on its way, or has arrived."


def retry(session: Session, *, message_id: int) -> Message:
    """Send a message that failed or was held back after all, as if it were new.

    Whether it may go out is asked again when it is sent. Refuses `CannotRetry`.
    """
    message = locked(session, Message, message_id)
    if message.status not in (MessageStatus.FAILED, MessageStatus.SUPPRESSED):
        raise CannotRetry
    now = clock.now()
    if message.useless_at is not None and message.useless_at <= now:
        raise CannotRetry("It is too late for this message: write a new one.")
    message.status, message.send_at = MessageStatus.QUEUED, now
    message.tries = message.deaths = 0
    message.reason = message.error = message.failed_at = None
    row = _dead(session, message)
    if row is not None:
        outbox.revive(session, message_id=row.id)
    else:
        outbox.enqueue(session, TASK, vendor_id=message.vendor_id, message_id=message.id)
    session.flush()  # one change
    return message


def _dead(session: Session, message: Message) -> OutboxMessage | None:
    if message.delivery_id is None:
        return None
    given_up = and_(OutboxMessage.id == message.delivery_id, OutboxMessage.dead_at.is_not(None))
    return session.scalars(select(OutboxMessage).where(given_up)).first()


def forget(session: Session, *, customer_ids: Sequence[int]) -> None:
    """Keep of these customers' messages that they were, and by which rule; nothing they said.

    What is not sent yet is sent no more.
    """
    whose = is_any(Message.customer_id, customer_ids)
    rule = func.substring(Message.key, r"^rule:\d{1,18}:")
    unsent = case(
        (Message.status == MessageStatus.QUEUED, MessageStatus.SUPPRESSED), else_=Message.status
    )
    gone = {
        "subject": None, "body": None, "address": None, "words": null(), "provider_id": None,
        "error": None, "key": rule + cast(Message.id, Text), "status": unsent,
        "updated_at": Message.updated_at,
    }  # fmt: skip
    changed = update(Message).where(whose).values(gone)
    session.execute(changed, execution_options={"synchronize_session": "fetch"})


def keys_of(session: Session, *, customer_ids: Sequence[int]) -> list[str]:
    """The names under which messages to these customers went out to phones and devices."""
    query = (
        select(Message.id)
        .where(is_any(Message.customer_id, customer_ids), Message.direction == Direction.OUT)
        .where(Message.channel.in_((MessageChannel.SMS, MessageChannel.PUSH)))
    )
    return [key_of(message_id) for message_id in session.scalars(query.order_by(Message.id))]


def shown(session: Session, message: Message) -> Rendered:
    """What a message says: the copy of what was sent, else what it would say now."""
    if message.body is not None:
        return Rendered(message.subject, message.body)
    return in_words(session, message, words_for(session, message, {}))
