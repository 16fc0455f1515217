"""Tasks: what a staff member has to do about a customer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.customers import Customer
from models.staff import StaffMember


class TaskKind(StrEnum):
    FOLLOW_UP = "follow_up"
    REMINDER = "reminder"
    DELIVERY_CHECK = "delivery_check"
    REPLENISHMENT = "replenishment"


class TaskStatus(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


TASK_TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.OPEN: frozenset({TaskStatus.IN_PROGRESS, TaskStatus.DONE, TaskStatus.CANCELLED}),
    TaskStatus.IN_PROGRESS: frozenset({TaskStatus.OPEN, TaskStatus.DONE, TaskStatus.CANCELLED}),
    TaskStatus.DONE: frozenset({TaskStatus.OPEN}),
    TaskStatus.CANCELLED: frozenset({TaskStatus.OPEN}),
}
"""Every move a task can make; done and cancelled tasks can be opened again."""


class Task(OwnedByVendor, Timestamped, Base):
    """A to-do about a customer: assigned, due, done with an outcome."""

    __tablename__ = "tasks"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("assignee_id", "staff_members"),
        one_of("kind", TaskKind),
        one_of("status", TaskStatus),
        Index(None, "vendor_id", "customer_id", "due_at"),
        Index(None, "vendor_id", "assignee_id", "status", "due_at"),
        Index(None, "vendor_id", "status", "due_at"),
        Index(None, "status", "due_at"),
    )

    customer_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str] = mapped_column(default=TaskKind.FOLLOW_UP, server_default="follow_up")
    title: Mapped[str]
    note: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=TaskStatus.OPEN, server_default="open")
    assignee_id: Mapped[int | None] = mapped_column()
    due_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    assignee: Mapped[StaffMember | None] = relationship(foreign_keys=[assignee_id])

    def __str__(self) -> str:
        return self.title
