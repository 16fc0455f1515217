"""Guarantee and warranty: what a customer may still claim, and what was claimed."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.customers import Customer
from models.orders import OrderLine


class CoverKind(StrEnum):
    """A warranty is of goods; a guarantee is that a service is done again for nothing."""

    WARRANTY = "warranty"
    GUARANTEE = "guarantee"


class CoverStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    VOID = "void"
    REPLACED = "replaced"


COVER_TRANSITIONS: dict[CoverStatus, frozenset[CoverStatus]] = {
    CoverStatus.ACTIVE: frozenset(
        {CoverStatus.SUSPENDED, CoverStatus.EXPIRED, CoverStatus.VOID, CoverStatus.REPLACED}
    ),
    CoverStatus.SUSPENDED: frozenset({CoverStatus.ACTIVE, CoverStatus.VOID, CoverStatus.REPLACED}),
    CoverStatus.EXPIRED: frozenset(),
    CoverStatus.VOID: frozenset(),
    CoverStatus.REPLACED: frozenset(),
}
"""Every move a cover can make; all others are refused."""


class ClaimStatus(StrEnum):
    OPEN = "open"
    IN_ASSESSMENT = "in_assessment"
    APPROVED = "approved"
    REJECTED = "rejected"
    IN_REPAIR = "in_repair"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


CLAIM_TRANSITIONS: dict[ClaimStatus, frozenset[ClaimStatus]] = {
    ClaimStatus.OPEN: frozenset(
        {
            ClaimStatus.IN_ASSESSMENT,
            ClaimStatus.APPROVED,
            ClaimStatus.REJECTED,
            ClaimStatus.CANCELLED,
        }
    ),
    ClaimStatus.IN_ASSESSMENT: frozenset(
        {ClaimStatus.APPROVED, ClaimStatus.REJECTED, ClaimStatus.CANCELLED}
    ),
    ClaimStatus.APPROVED: frozenset(
        {ClaimStatus.IN_REPAIR, ClaimStatus.RESOLVED, ClaimStatus.CANCELLED}
    ),
    ClaimStatus.IN_REPAIR: frozenset({ClaimStatus.RESOLVED, ClaimStatus.CANCELLED}),
    ClaimStatus.REJECTED: frozenset(),
    ClaimStatus.RESOLVED: frozenset(),
    ClaimStatus.CANCELLED: frozenset(),
}
"""Every move a claim can make; all others are refused."""


class ClaimResolution(StrEnum):
    REPAIR = "repair"
    REPLACE = "replace"
    REFUND = "refund"
    REDO = "redo"
    CREDIT = "credit"


class Cover(OwnedByVendor, Timestamped, Base):
    """That a piece of goods, or a service, is put right for nothing until the end of `ends_on`.

    Days are the vendor's. While it is repaired it is suspended (since `suspended_on`), and what
    was left of it is added when that is over. What was given instead inherits the rest.
    """

    __tablename__ = "covers"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("order_line_id", "order_lines"),
        same_vendor("booking_id", "bookings"),
        same_vendor("replaces_id", "covers"),
        one_of("kind", CoverKind),
        one_of("status", CoverStatus),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("num_nonnulls(order_line_id, booking_id) = 1", name="is_of_one_thing"),
        CheckConstraint(
            "(status = 'suspended') = (suspended_on IS NOT NULL)", name="suspended_since_a_day"
        ),
        Index(None, "vendor_id", "customer_id", "ends_on"),
        Index(
            None, "vendor_id", "order_line_id", postgresql_where=text("order_line_id IS NOT NULL")
        ),
        Index(
            None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")
        ),
        Index(
            None, "vendor_id", "replaces_id", postgresql_where=text("replaces_id IS NOT NULL")
        ),
        Index(None, "vendor_id", "status", "ends_on"),
        Index(
            "uq_covers_of_a_serial", "vendor_id", "serial", unique=True,
            postgresql_where=text("serial IS NOT NULL AND status IN ('active', 'suspended')"),
        ),
    )  # fmt: skip

    customer_id: Mapped[int | None] = mapped_column()
    order_line_id: Mapped[int | None] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default=CoverStatus.ACTIVE, server_default="active")
    name: Mapped[str]
    serial: Mapped[str | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    suspended_on: Mapped[date | None]
    replaces_id: Mapped[int | None] = mapped_column()

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    order_line: Mapped[OrderLine | None] = relationship(foreign_keys=[order_line_id])
    claims: Mapped[list["WarrantyClaim"]] = relationship(
        back_populates="cover", foreign_keys="WarrantyClaim.cover_id", order_by="WarrantyClaim.id"
    )

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} of {self.name}"


class WarrantyClaim(OwnedByVendor, Timestamped, Base):
    """What a customer asked for under a cover, and what came of it."""

    __tablename__ = "warranty_claims"
    __table_args__ = (
        same_vendor("cover_id", "covers"),
        same_vendor("order_id", "orders"),
        same_vendor("booking_id", "bookings"),
        UniqueConstraint("vendor_id", "number"),
        one_of("status", ClaimStatus),
        one_of("resolution", ClaimResolution),
        CheckConstraint(
            "status <> 'resolved' OR resolution IS NOT NULL", name="resolved_with_a_resolution"
        ),
        Index(
            "uq_warranty_claims_open", "vendor_id", "cover_id", unique=True,
            postgresql_where=text("status NOT IN ('resolved', 'rejected', 'cancelled')"),
        ),
        Index(None, "vendor_id", "cover_id"),
        Index(None, "vendor_id", "status", "opened_at"),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    )  # fmt: skip

    cover_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    status: Mapped[str] = mapped_column(default=ClaimStatus.OPEN, server_default="open")
    problem: Mapped[str]
    resolution: Mapped[str | None]
    note: Mapped[str | None]
    order_id: Mapped[int | None] = mapped_column(comment="the order of what was given instead")
    booking_id: Mapped[int | None] = mapped_column(comment="when it is done again")
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]

    cover: Mapped[Cover] = relationship(foreign_keys=[cover_id], back_populates="claims")

    def __str__(self) -> str:
        return f"Claim {self.number}"
