"""Returns: goods that come back, in which condition, and how it is settled."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.orders import Order, OrderLine


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    RECEIVED = "received"
    SETTLED = "settled"
    CANCELLED = "cancelled"


RETURN_TRANSITIONS: dict[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.REQUESTED: frozenset({ReturnStatus.RECEIVED, ReturnStatus.CANCELLED}),
    ReturnStatus.RECEIVED: frozenset({ReturnStatus.SETTLED}),
    ReturnStatus.SETTLED: frozenset(),
    ReturnStatus.CANCELLED: frozenset(),
}
"""Every move a return can make; all others are refused."""


class Condition(StrEnum):
    UNOPENED = "unopened"
    OPENED = "opened"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"


class Disposition(StrEnum):
    """What happens to the goods."""

    RESTOCK = "restock"
    SCRAP = "scrap"
    SUPPLIER = "supplier"
    CUSTOMER = "customer"


class Resolution(StrEnum):
    REFUND = "refund"
    REPLACEMENT = "replacement"
    REPAIR = "repair"
    CREDIT = "credit"
    NOTHING = "nothing"


class ProductReturn(OwnedByVendor, Timestamped, Base):
    """Something a customer gives back of one order: asked for, received, settled."""

    __tablename__ = "product_returns"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        UniqueConstraint("vendor_id", "number"),
        one_of("status", ReturnStatus),
        Index(None, "vendor_id", "order_id"),
        Index(None, "vendor_id", "status", "asked_at"),
        Index(None, "status", "asked_at"),
        Index(None, "vendor_id", "received_at", postgresql_where=text("received_at IS NOT NULL")),
    )

    order_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    status: Mapped[str] = mapped_column(default=ReturnStatus.REQUESTED, server_default="requested")
    note: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    received_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    order: Mapped[Order] = relationship(foreign_keys=[order_id])
    lines: Mapped[list["ReturnLine"]] = relationship(
        back_populates="product_return",
        foreign_keys="ReturnLine.return_id",
        order_by="ReturnLine.id",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return f"Return {self.number}"


class ReturnLine(OwnedByVendor, Base):
    """How many pieces of an order's line come back, why, how they look, and what is done."""

    __tablename__ = "return_lines"
    __table_args__ = (
        same_vendor("return_id", "product_returns", ondelete="CASCADE"),
        same_vendor("order_line_id", "order_lines"),
        UniqueConstraint("vendor_id", "return_id", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        CheckConstraint("received BETWEEN 0 AND quantity", name="received_was_asked"),
        *not_negative("refund"),
        one_of("condition", Condition),
        one_of("disposition", Disposition),
        one_of("resolution", Resolution),
        Index(None, "vendor_id", "order_line_id"),
    )

    return_id: Mapped[int] = mapped_column()
    order_line_id: Mapped[int] = mapped_column()
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str]
    condition: Mapped[str | None]
    disposition: Mapped[str | None]
    resolution: Mapped[str | None]
    refund: Mapped[Money | None] = mapped_column(comment="what is given back for it")

    product_return: Mapped[ProductReturn] = relationship(
        foreign_keys=[return_id], back_populates="lines"
    )
    order_line: Mapped[OrderLine] = relationship(foreign_keys=[order_line_id])

    def __str__(self) -> str:
        return f"{self.quantity} × {self.order_line.name}"
