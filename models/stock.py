"""Stock: the ledger of what came, went, and is promised; and what services use up."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, Timestamped, one_of, same_vendor
from models.products import Variant
from models.services import Service


class MoveKind(StrEnum):
    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    RESERVATION = "reservation"
    RELEASE = "release"
    ADJUSTMENT = "adjustment"
    CONSUMPTION = "consumption"
    WRITE_OFF = "write_off"


_SIGNS = {
    MoveKind.RECEIPT: "on_hand > 0 AND reserved = 0",
    MoveKind.SALE: "on_hand < 0 AND reserved <= 0",
    MoveKind.RETURN: "on_hand > 0 AND reserved = 0",
    MoveKind.RESERVATION: "on_hand = 0 AND reserved > 0",
    MoveKind.RELEASE: "on_hand = 0 AND reserved < 0",
    MoveKind.ADJUSTMENT: "on_hand <> 0 AND reserved = 0 AND reason IS NOT NULL",
    MoveKind.CONSUMPTION: "on_hand < 0 AND reserved = 0",
    MoveKind.WRITE_OFF: "on_hand < 0 AND reserved = 0 AND reason IS NOT NULL",
}
_FITS = " OR ".join(f"kind = '{kind.value}' AND {sign}" for kind, sign in _SIGNS.items())


class StockMove(OwnedByVendor, Base):
    """A change of what is on hand, of what is reserved, or of both; never changed or removed.

    `variants.on_hand` and `variants.reserved` are the sums of the two columns: the database adds
    each move to them, and nothing else can.
    """

    __tablename__ = "stock_moves"
    __table_args__ = (
        same_vendor("variant_id", "variants"),
        same_vendor("order_line_id", "order_lines"),
        same_vendor("return_line_id", "return_lines"),
        same_vendor("booking_id", "bookings"),
        one_of("kind", MoveKind),
        CheckConstraint(_FITS, name="amounts_fit_the_kind"),
        Index(None, "vendor_id", "variant_id", "at"),
        Index(None, "vendor_id", "at"),
        Index(
            None, "vendor_id", "order_line_id", postgresql_where=text("order_line_id IS NOT NULL")
        ),
        Index(
            None, "vendor_id", "return_line_id",
            postgresql_where=text("return_line_id IS NOT NULL"),
        ),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    )  # fmt: skip

    variant_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    on_hand: Mapped[int] = mapped_column(default=0, server_default="0")
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(
        server_default=text("NULLIF(current_setting('app.user_id', true), '')::bigint")
    )
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    order_line_id: Mapped[int | None] = mapped_column()
    return_line_id: Mapped[int | None] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()

    variant: Mapped[Variant] = relationship(foreign_keys=[variant_id])

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} of {abs(self.on_hand or self.reserved)}"


class Consumable(Belonging, Timestamped, Base):
    """What one booking of a service uses up of a variant."""

    __tablename__ = "consumables"
    __table_args__ = (
        same_vendor("service_id", "services", ondelete="CASCADE"),
        same_vendor("variant_id", "variants"),
        UniqueConstraint("vendor_id", "service_id", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        Index(None, "vendor_id", "variant_id"),
    )

    service_id: Mapped[int] = mapped_column()
    variant_id: Mapped[int] = mapped_column()
    quantity: Mapped[int] = mapped_column(default=1, server_default="1")

    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    variant: Mapped[Variant] = relationship(foreign_keys=[variant_id])

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant}"
