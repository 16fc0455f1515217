"""What tests of bookings ask for, and what they find promised."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.messages import Message
from tests import make
from tests.hearing import hear

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def offered(session: Session, **service: Any) -> dict[str, Any]:
    """The ids that a booking needs."""
    return {
        "customer_id": make.customer(session).id,
        "service_id": make.service(session, **service).id,
        "staff_id": make.staff_member(session).id,
    }


def promised(session: Session) -> list[tuple[str, str]]:
    """What customers are to hear of bookings: what has happened, and the time before."""
    hear(session)
    told = session.scalars(select(Message).order_by(Message.id))
    return [
        ((one.event or "").removeprefix("booking_"), (one.words or {}).get("before", ""))
        for one in told
    ]
