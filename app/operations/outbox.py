"""The outbox: promise what must happen later, hand it over, and never lose or double it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.database import SessionFactory
from app.errors import DomainError
from app.tenancy import current_actor
from models.outbox import OutboxMessage

CHANNEL = "outbox"
LEASE = timedelta(seconds=60)
LONGEST_LEASE = timedelta(minutes=15)
MAX_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


class NotGivenUp(DomainError):
    sentence = "This message was not given up: it is tried again by itself, or is done."


# Always the same words: of many in one transaction the relay hears once.
_NOTIFY = text("SELECT pg_notify(:channel, '')")
_LOCK = text(
    "SELECT id FROM unnest(CAST(:ids AS bigint[])) AS id"
    " WHERE pg_try_advisory_lock(hashtextextended('outbox:' || id, 0))"
)
_UNLOCK = text(
    "SELECT pg_advisory_unlock(hashtextextended('outbox:' || id, 0))"
    " FROM unnest(CAST(:ids AS bigint[])) AS id"
)


def enqueue(
    session: Session,
    task: str,
    *,
    vendor_id: int | None = None,
    due_at: datetime | None = None,
    **payload: Any,
) -> OutboxMessage:
    """Promise a task (its module path) in this transaction; the relay hears of it at commit.

    It will act inside `vendor_id`, else inside the vendor acting now, as the user acting now; not
    before `due_at`, if that is given.
    """
    actor, now = current_actor(), clock.now()
    message = OutboxMessage(
        vendor_id=vendor_id if vendor_id is not None else actor.vendor_id,
        task=task,
        payload={"user_id": actor.user_id, **payload},
        available_at=max(due_at or now, now),
    )
    session.add(message)
    session.flush()  # the id, by which the relay is told
    if message.available_at <= now:
        session.execute(_NOTIFY, {"channel": CHANNEL})
    return message


def claim(session: Session, limit: int = 100) -> list[OutboxMessage]:
    """The oldest messages that are due, each with a lease; two relays never get the same one.

    A message that is not done when its lease ends is due again. The lease grows with the
    message's age, so that a queue nobody works on does not fill up with copies.
    """
    now = clock.now()
    due = (
        select(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None))
        .where(OutboxMessage.available_at <= now)
        .order_by(OutboxMessage.available_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    messages = list(session.scalars(due))
    for message in messages:
        message.handed_at = now
        message.available_at = now + _lease(message, now)
    return messages


def _lease(message: OutboxMessage, now: datetime) -> timedelta:
    since = message.available_at if message.handed_at is None else message.created_at
    return min(max(LEASE, now - since), LONGEST_LEASE)


@contextmanager
def running(message_id: int) -> Iterator[bool]:
    """Whether this process alone runs the message now: a lock that dies with its holder."""
    with running_these([message_id]) as mine:
        yield bool(mine)


@contextmanager
def running_these(message_ids: Sequence[int]) -> Iterator[set[int]]:
    """Which of these messages this process alone runs now: locks that die with their holder."""
    engine = SessionFactory.kw["bind"].engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = set(connection.scalars(_LOCK, {"ids": list(message_ids)}))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(_UNLOCK, {"ids": list(mine)})


def take_up(session: Session, *, message_id: int) -> bool:
    """Count an attempt at the message; False when it is done, dead, or gone.

    A message that kills its worker each time is given up here.
    """
    message = session.get(OutboxMessage, message_id, with_for_update=True)
    if message is None or message.done_at or message.dead_at:
        return False
    if message.attempts >= MAX_ATTEMPTS:
        message.dead_at = clock.now()
        message.last_error = message.last_error or "The worker died each time."
        return False
    message.attempts += 1
    return True


def mark_done(session: Session, *, message_id: int) -> None:
    """The task did what was promised."""
    message = session.get_one(OutboxMessage, message_id, with_for_update=True)
    message.done_at = message.done_at or clock.now()
    message.last_error = None


def mark_failed(
    session: Session, *, message_id: int, error: BaseException, most: int = MAX_ATTEMPTS
) -> OutboxMessage:
    """The task failed: try again after a pause that doubles, or give up after `most` attempts."""
    message = session.get_one(OutboxMessage, message_id, with_for_update=True)
    message.last_error = told(error)
    if message.attempts >= most:
        message.dead_at = clock.now()
    else:
        pause = min(FIRST_PAUSE * 2 ** max(message.attempts - 1, 0), LONGEST_PAUSE)
        message.available_at = clock.now() + pause
    return message


def told(error: BaseException) -> str:
    """What may be kept of an error: a refusal's sentence; of others the kind, never values."""
    if isinstance(error, DomainError):
        return f"{error.code}: {error}".replace("\x00", "")[:500]
    return type(error).__name__


def waiting(session: Session) -> int:
    """How many messages are neither done nor given up."""
    count = select(func.count(OutboxMessage.id)).where(
        OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None)
    )
    return session.scalar(count) or 0


def revive(session: Session, *, message_id: int) -> OutboxMessage:
    """Give a message that was given up a new start; another one goes its own way."""
    message = session.get_one(
        OutboxMessage, message_id, with_for_update=True, populate_existing=True
    )
    if message.dead_at is None:
        raise NotGivenUp
    message.dead_at, message.attempts, message.available_at = None, 0, clock.now()
    session.execute(_NOTIFY, {"channel": CHANNEL})
    return message
