"""Receipts, invoices and credit notes: numbered without gaps, and never changed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, one_of, same_vendor
from models.orders import Order


class InvoiceKind(StrEnum):
    RECEIPT = "receipt"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Invoice(OwnedByVendor, Base):
    """What was issued, word for word (`content`), and the hash of the file that was made of it.

    The number is drawn when it is issued, from the vendor's own row of that kind. A credit note
    takes back an invoice or a part of it.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        same_vendor("refund_id", "refunds"),
        same_vendor("corrects_id", "invoices"),
        one_of("kind", InvoiceKind),
        UniqueConstraint("vendor_id", "kind", "number"),
        CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum_is_sha256"),
        CheckConstraint(
            "kind = 'credit_note' OR refund_id IS NULL AND corrects_id IS NULL",
            name="only_credit_notes_correct",
        ),
        Index(None, "vendor_id", "order_id"),
        Index(None, "vendor_id", "issued_at"),
        Index(None, "issued_at"),
        Index(
            "uq_invoices_vendor_id_refund_id", "vendor_id", "refund_id", unique=True,
            postgresql_where=text("refund_id IS NOT NULL"),
        ),
        Index(None, "vendor_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
    )  # fmt: skip

    order_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    number: Mapped[int]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    total: Mapped[Money] = mapped_column(comment="below zero on a credit note")
    tax: Mapped[Money]
    content: Mapped[dict[str, Any]]
    stored_as: Mapped[str]
    checksum: Mapped[str]
    refund_id: Mapped[int | None] = mapped_column()
    corrects_id: Mapped[int | None] = mapped_column()

    order: Mapped[Order] = relationship(foreign_keys=[order_id])

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ').capitalize()} {self.number}"
