"""Tasks: what a staff member has to do about a customer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.bookings import Booking
from models.customers import Customer
from models.orders import Order
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
    """A to-do about a customer: assigned, due, done with an outcome, which may plan the next one.

    `key` names what it was planned for, where a rule planned it: nothing is planned twice.
    `after_id` is the task whose outcome planned this one.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("assignee_id", "staff_members"),
        same_vendor("booking_id", "bookings"),
        same_vendor("order_id", "orders"),
        same_vendor("after_id", "tasks"),
        one_of("kind", TaskKind),
        one_of("status", TaskStatus),
        Index(None, "vendor_id", "customer_id", "due_at"),
        Index(None, "vendor_id", "assignee_id", "status", "due_at"),
        Index(None, "vendor_id", "status", "due_at"),
        Index(None, "status", "due_at"),
        Index(None, "vendor_id", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(None, "vendor_id", "after_id", postgresql_where=text("after_id IS NOT NULL")),
        Index(
            "uq_tasks_vendor_id_key", "vendor_id", "key", unique=True,
            postgresql_where=text("key IS NOT NULL"),
        ),
    )  # fmt: skip

    customer_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str] = mapped_column(default=TaskKind.FOLLOW_UP, server_default="follow_up")
    title: Mapped[str]
    note: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=TaskStatus.OPEN, server_default="open")
    assignee_id: Mapped[int | None] = mapped_column()
    due_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    booking_id: Mapped[int | None] = mapped_column()
    order_id: Mapped[int | None] = mapped_column()
    after_id: Mapped[int | None] = mapped_column()
    key: Mapped[str | None]

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    assignee: Mapped[StaffMember | None] = relationship(foreign_keys=[assignee_id])
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])
    order: Mapped[Order | None] = relationship(foreign_keys=[order_id])

    def __str__(self) -> str:
        return self.title
