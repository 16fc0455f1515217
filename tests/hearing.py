"""What follows from what has happened, done in a test's own transaction as a worker does it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import happenings
from models.outbox import OutboxMessage


def hear(session: Session) -> int:
    """Do all that was promised of happenings so far; how many messages and tasks came of it."""
    session.flush()
    waiting = select(OutboxMessage).where(OutboxMessage.task == happenings.TASK)
    waiting = waiting.where(OutboxMessage.done_at.is_(None)).order_by(OutboxMessage.id)
    followed = 0
    for promise in session.scalars(waiting).all():
        told = {name: value for name, value in promise.payload.items() if name != "user_id"}
        for name in ("at", "useless_at"):
            told[name] = told[name] and datetime.fromisoformat(told[name])
        followed += happenings.hear(session, **told)
        promise.done_at = clock.now()
    return followed
