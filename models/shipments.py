"""Shipments: how goods reach the customer, over the counter included."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, Timestamped, one_of, same_vendor
from models.orders import Order, OrderLine


class ShipmentStatus(StrEnum):
    PACKED = "packed"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    FAILED = "failed"


SHIPMENT_TRANSITIONS: dict[ShipmentStatus, frozenset[ShipmentStatus]] = {
    ShipmentStatus.PACKED: frozenset(
        {ShipmentStatus.HANDED_OVER, ShipmentStatus.DELIVERED, ShipmentStatus.FAILED}
    ),
    ShipmentStatus.HANDED_OVER: frozenset({ShipmentStatus.DELIVERED, ShipmentStatus.FAILED}),
    ShipmentStatus.DELIVERED: frozenset(),
    ShipmentStatus.FAILED: frozenset(),
}
"""Every move a shipment can make; what failed is packed anew."""


class Shipment(OwnedByVendor, Timestamped, Base):
    """Goods of one order that go together; over the counter they are delivered at once.

    They leave the stock when they are handed over, and come back to it if that fails.
    """

    __tablename__ = "shipments"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        one_of("status", ShipmentStatus),
        Index(None, "vendor_id", "order_id"),
        Index(None, "vendor_id", "status", "packed_at"),
        Index(None, "status", "packed_at"),
        Index(None, "vendor_id", "delivered_at", postgresql_where=text("delivered_at IS NOT NULL")),
    )

    order_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=ShipmentStatus.PACKED, server_default="packed")
    carrier: Mapped[str | None]
    tracking: Mapped[str | None]
    packed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    handed_over_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None]

    order: Mapped[Order] = relationship(foreign_keys=[order_id])
    lines: Mapped[list["ShipmentLine"]] = relationship(
        back_populates="shipment",
        foreign_keys="ShipmentLine.shipment_id",
        order_by="ShipmentLine.id",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return f"Shipment of {self.order}"


class ShipmentLine(Belonging, Base):
    """How many pieces of an order's line are in a shipment."""

    __tablename__ = "shipment_lines"
    __table_args__ = (
        same_vendor("shipment_id", "shipments", ondelete="CASCADE"),
        same_vendor("order_line_id", "order_lines"),
        UniqueConstraint("vendor_id", "shipment_id", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        Index(None, "vendor_id", "order_line_id"),
    )

    shipment_id: Mapped[int] = mapped_column()
    order_line_id: Mapped[int] = mapped_column()
    quantity: Mapped[int]

    shipment: Mapped[Shipment] = relationship(foreign_keys=[shipment_id], back_populates="lines")
    order_line: Mapped[OrderLine] = relationship(foreign_keys=[order_line_id])

    def __str__(self) -> str:
        return f"{self.quantity} × {self.order_line.name}"
