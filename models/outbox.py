"""The outbox: what must happen later, promised in the transaction that made it necessary."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_VENDOR, Base


class OutboxMessage(Base):
    """A task to run once. The relay sets `handed_at`, the task itself `done_at`."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        Index(
            "ix_outbox_messages_waiting",
            "available_at",
            "id",
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
        Index("ix_outbox_messages_given_up", "id", postgresql_where=text("dead_at IS NOT NULL")),
        Index(None, "vendor_id", "id"),
    )

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    task: Mapped[str] = mapped_column(comment="module path of the Celery task")
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    handed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]
