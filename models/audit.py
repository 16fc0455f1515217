"""The audit trail: who changed which row from what to what; written by triggers alone."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class AuditAction(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class AuditEntry(Base):
    """One change of one row, in the transaction that made it. `old` and `new` hold what changed.

    No foreign keys: the trail outlives what it tells of.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        one_of("action", AuditAction),
        Index(None, "table_name", "row_id", "id"),
        Index(None, "vendor_id", "customer_id", "at", "id"),
        Index(None, "vendor_id", "id"),
        Index(None, "user_id", "id"),
        Index(None, "at", postgresql_using="brin"),
    )

    vendor_id: Mapped[int | None] = mapped_column()
    customer_id: Mapped[int | None] = mapped_column()
    table_name: Mapped[str]
    row_id: Mapped[int] = mapped_column()
    action: Mapped[str]
    user_id: Mapped[int | None] = mapped_column()
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    old: Mapped[dict[str, Any] | None]
    new: Mapped[dict[str, Any] | None]
