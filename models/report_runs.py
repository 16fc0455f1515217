"""Report runs: figures that take longer than a page may, worked out once and kept."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_VENDOR, Base, Timestamped, one_of


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


IN_WORK = "status IN ('queued', 'running')"


class ReportRun(Timestamped, Base):
    """One question put to a report: a vendor's, or (without vendor) the marketplace's.

    `question` is its one spelling, `words` the same as the address says them, read on the day
    `asked_on`. `result` holds figures, never anybody's name; it is there when the run is done.
    """

    __tablename__ = "report_runs"
    __table_args__ = (
        one_of("status", RunStatus),
        CheckConstraint("done BETWEEN 0 AND steps", name="done_is_a_part"),
        CheckConstraint("(status = 'done') = (result IS NOT NULL)", name="done_has_a_result"),
        Index(
            "uq_report_runs_in_work", "vendor_id", "question", unique=True,
            postgresql_nulls_not_distinct=True, postgresql_where=text(IN_WORK),
        ),
        Index(None, "vendor_id", "question", "id"),
        Index(None, "user_id", "id"),
        Index(None, "created_at"),
    )  # fmt: skip

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    slug: Mapped[str]
    question: Mapped[str]
    words: Mapped[list[Any]]
    asked_on: Mapped[date]
    status: Mapped[str] = mapped_column(default=RunStatus.QUEUED, server_default="queued")
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    steps: Mapped[int] = mapped_column(default=1, server_default="1")
    result: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.slug}, {self.status}"
