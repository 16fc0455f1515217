"""What tests of bookings ask for, and what they find promised."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.operations import announcing
from models.outbox import OutboxMessage
from tests import make

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def offered(session: Session, **service: Any) -> dict[str, Any]:
    """The ids that a booking needs."""
    return {
        "customer_id": make.customer(session).id,
        "service_id": make.service(session, **service).id,
        "staff_id": make.staff_member(session).id,
    }


def promised(session: Session) -> list[tuple[str, str]]:
    """What the outbox is to announce: the event, and the time before."""
    messages = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    told = [m.payload for m in messages if m.task == announcing.TASK]
    return [(payload["event"], payload.get("was", "")) for payload in told]
