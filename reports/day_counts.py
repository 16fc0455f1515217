"""What first pages are counted and listed with: days on a clock, and counts that stop in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select

from models.customers import Customer
from models.messages import Message, MessageStatus

CAP = 10_000
ROWS = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list on the page: whose it is, when, and how it stands."""

    id: int
    at: datetime | None
    title: str
    detail: str | None
    status: str
    customer_id: int | None = None


FAILED_WITHIN = timedelta(days=7)
"""What failed longer ago is nobody's work any more."""


def failed(now: datetime, *of: Any) -> Any:
    """The newest messages that failed: an index gives them, whatever failed in all the years."""
    newest = (
        select(Message.id, Message.failed_at)
        .where(Message.status == MessageStatus.FAILED, *of)
        .order_by(Message.id.desc())
        .limit(1000)
        .subquery()
    )
    return select(newest.c.id).where(newest.c.failed_at > now - FAILED_WITHIN)


def not_arrived(now: datetime, *of: Any) -> Any:
    """How many messages failed lately."""
    return select(func.count()).select_from(failed(now, *of).subquery()).scalar_subquery()


def day_of(zone: Any, now: datetime, days: int = 0) -> tuple[Any, Any]:
    """Start and end of a day where `zone` is, 23 and 25 hours included; `days` ago."""
    midnight = func.date_trunc("day", func.timezone(zone, now)) - func.make_interval(0, 0, 0, days)
    tomorrow = midnight + func.make_interval(0, 0, 0, 1)
    return func.timezone(zone, midnight), func.timezone(zone, tomorrow)


def week_of(zone: Any, now: datetime) -> Any:
    """The instant when the week began, on Monday."""
    return func.timezone(zone, func.date_trunc("week", func.timezone(zone, now)))


def new_since(since: Any) -> list[Any]:
    """The conditions of customers made since then, who are not archived."""
    return [Customer.created_at >= since, Customer.archived_at.is_(None)]


def capped(model: Any, *conditions: Any) -> Any:
    """How many rows there are, counted up to one more than `CAP`."""
    rows = select(literal(1)).select_from(model).where(*conditions).limit(CAP + 1).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()
