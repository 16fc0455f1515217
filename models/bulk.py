"""Bulk jobs: one change to many customers, with what was done, skipped, and how to undo it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_VENDOR, Base, OwnedByVendor, Timestamped, one_of, same_vendor


class BulkKind(StrEnum):
    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"
    SET_STATUS = "set_status"
    CREATE_TASK = "create_task"


class BulkStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class BulkOutcome(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    UNDONE = "undone"
    KEPT = "kept"


class BulkJob(Timestamped, Base):
    """One change to a frozen selection of customers; without vendor it spans the marketplace."""

    __tablename__ = "bulk_jobs"
    __table_args__ = (
        one_of("kind", BulkKind),
        one_of("status", BulkStatus),
        Index(None, "vendor_id", "id"),
        Index(None, "user_id", "id"),
    )

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default=BulkStatus.QUEUED, server_default="queued")
    total: Mapped[int] = mapped_column(default=0, server_default="0")
    done_count: Mapped[int] = mapped_column(default=0, server_default="0")
    skipped_count: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.kind}, {self.total} customers"


class BulkRow(OwnedByVendor, Base):
    """What became of one customer in a bulk job, and what stood there before."""

    __tablename__ = "bulk_rows"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("job_id", "customer_id"),
        one_of("outcome", BulkOutcome),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "job_id", "outcome", "id"),
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("bulk_jobs.id"))
    customer_id: Mapped[int] = mapped_column()
    outcome: Mapped[str] = mapped_column(default=BulkOutcome.WAITING, server_default="waiting")
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
