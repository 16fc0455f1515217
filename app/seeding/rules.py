"""What the demo's vendors let customers hear of, and how often these come and buy."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.operations import usages
from app.seeding.rows import put
from models.message_rules import MessageRule
from models.staff import StaffMember
from models.usages import StaleUsage

RULES: tuple[dict[str, Any], ...] = (
    {"name": "The evening before", "event": "booking_reminder", "days": 1, "at": time(18, 0)},
    {"name": "Two hours before", "event": "booking_reminder", "minutes": 120, "channel": "sms"},
    {"name": "Booking confirmed", "event": "booking_confirmed"},
    {"name": "Booking moved", "event": "booking_moved"},
    {"name": "Booking cancelled", "event": "booking_cancelled"},
    {"name": "Parcel on its way", "event": "order_shipped", "came_by": "online"},
    {"name": "Check after delivery", "event": "order_delivered", "days": 3, "at": time(10, 0),
     "action": "task", "task_kind": "delivery_check",
     "task_title": "Did everything arrive in good shape?"},
    {"name": "Call when it may be used up", "event": "replenishment_due", "days": 2,
     "at": time(9, 0), "action": "task", "task_kind": "replenishment",
     "task_title": "Call: is it time for more?"},
    {"name": "Happy birthday", "event": "birthday", "at": time(9, 0)},
    {"name": "We miss you", "event": "win_back", "days": 90, "at": time(11, 0)},
)  # fmt: skip
PAUSED = "We miss you"


def make(session: Session, vendor_id: int, now: datetime) -> None:
    """Some rules of each kind, one of them paused; calls are for the first of the staff."""
    first = (
        select(StaffMember.id).where(StaffMember.vendor_id == vendor_id).order_by(StaffMember.id)
    )
    caller = session.scalars(first.limit(1)).first()
    common = {
        "vendor_id": vendor_id, "action": "message", "channel": None, "days": 0, "minutes": 0,
        "at": None, "came_by": None, "task_kind": None, "task_title": None, "assignee_id": None,
        "paused_at": None, "scanned_until": now,
    }  # fmt: skip
    rows = [{**common, **rule} for rule in RULES]
    for row in rows:
        row["paused_at"] = now if row["name"] == PAUSED else None
        row["assignee_id"] = caller if row["task_kind"] == "replenishment" else None
    put(session, MessageRule, rows)


def work_out(session: Session) -> None:
    """The usages of everybody who was noted so far."""
    noted = delete(StaleUsage).returning(StaleUsage.vendor_id, StaleUsage.customer_id)
    usages.rebuild(session, customers=[(row[0], row[1]) for row in session.execute(noted)])
