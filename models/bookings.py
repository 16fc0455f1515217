"""Bookings: a customer, a service, a time, and the person who does it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.booking_series import BookingSeries
from models.class_sessions import ClassSession
from models.customers import Customer
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.words import Channel


class CancelledBy(StrEnum):
    CUSTOMER = "customer"
    VENDOR = "vendor"
    SYSTEM = "system"


class BookingStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


BOOKING_TRANSITIONS: dict[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.PENDING: frozenset({BookingStatus.CONFIRMED, BookingStatus.CANCELLED}),
    BookingStatus.CONFIRMED: frozenset(
        {
            BookingStatus.CHECKED_IN,
            BookingStatus.COMPLETED,
            BookingStatus.CANCELLED,
            BookingStatus.NO_SHOW,
        }
    ),
    BookingStatus.CHECKED_IN: frozenset({BookingStatus.COMPLETED, BookingStatus.CANCELLED}),
    BookingStatus.NO_SHOW: frozenset({BookingStatus.CONFIRMED, BookingStatus.COMPLETED}),
    BookingStatus.COMPLETED: frozenset(),
    BookingStatus.CANCELLED: frozenset(),
}
"""Every move a booking can make; all others are refused."""

_BLOCKS = (
    "status IN ('pending', 'confirmed', 'checked_in') AND kind <> 'class' AND staff_id IS NOT NULL"
)
"""Only somebody's booking blocks: a range of two nulls would block every member of staff."""


def _no_overlap(range_column: str) -> ExcludeConstraint:
    """One staff member is in one place at a time; two of these hold the larger of two buffers."""
    return ExcludeConstraint(
        (func.int8range(text("staff_id"), text("staff_id"), text("'[]'")), "&&"),
        (text(range_column), "&&"),
        where=text(_BLOCKS),
        using="gist",
        name=f"ex_bookings_staff_{range_column}",
    )


class Booking(OwnedByVendor, Timestamped, Base):
    """A promise of time to a customer. Money, kind and terms are frozen when it is booked.

    The two ranges of a booking that was overbooked on purpose are empty: it blocks nobody, and
    `overbooked` says why. `fee` is what is owed for calling off or not coming; it is 0 where
    `fee_waived` says why it was let go. `sequence` counts the changes that a calendar must hear of.
    A pending booking with `held_until` is an offer to somebody on the waitlist.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("service_id", "services"),
        same_vendor("staff_id", "staff_members"),
        same_vendor("series_id", "booking_series"),
        same_vendor("class_session_id", "class_sessions"),
        UniqueConstraint("public_ref"),
        one_of("status", BookingStatus),
        one_of("channel", Channel),
        one_of("kind", ServiceKind),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        one_of("cancelled_by", CancelledBy),
        CheckConstraint("seats > 0", name="seats_is_positive"),
        *not_negative("price", "deposit", "fee"),
        _no_overlap("with_buffer_before"),
        _no_overlap("with_buffer_after"),
        Index(None, "vendor_id", "starts_at"),
        Index(None, "starts_at"),
        Index(None, "vendor_id", "customer_id", "starts_at"),
        Index(None, "vendor_id", "service_id", "starts_at"),
        Index(None, "vendor_id", "staff_id", "starts_at"),
        Index(None, "vendor_id", "staff_id", "ends_at", postgresql_where=text(_BLOCKS)),
        Index(None, "vendor_id", "status", "starts_at"),
        Index(
            "ix_bookings_visits", "vendor_id", "starts_at",
            postgresql_include=["customer_id", "service_id", "completed_at", "price", "id"],
            postgresql_where=text("status = 'completed'"),
        ),
        Index(None, "status", "starts_at"),
        Index(None, "channel", "kind"),
        Index(
            "ix_bookings_over_early", "vendor_id", "completed_at",
            postgresql_where=text("completed_at < starts_at"),
        ),
        Index(
            "uq_bookings_vendor_id_series_id_series_number", "vendor_id", "series_id",
            "series_number", unique=True, postgresql_where=text("series_id IS NOT NULL"),
        ),
        Index(
            None, "vendor_id", "class_session_id",
            postgresql_where=text("class_session_id IS NOT NULL"),
        ),
    )  # fmt: skip

    public_ref: Mapped[UUID]
    customer_id: Mapped[int] = mapped_column()
    service_id: Mapped[int] = mapped_column()
    staff_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str] = mapped_column(comment="the service's kind when it was booked")
    status: Mapped[str] = mapped_column(default=BookingStatus.PENDING, server_default="pending")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    with_buffer_before: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    with_buffer_after: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    price: Mapped[Money]
    deposit: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    seats: Mapped[int] = mapped_column(default=1, server_default="1")
    class_session_id: Mapped[int | None] = mapped_column()
    series_id: Mapped[int | None] = mapped_column()
    series_number: Mapped[int | None]
    terms: Mapped[dict[str, Any] | None] = mapped_column(
        comment="the cancellation policy when it was booked"
    )
    moves: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how often the customer has moved it"
    )
    overbooked: Mapped[str | None]
    held_until: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None]
    checked_in_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    cancelled_by: Mapped[str | None]
    fee: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    fee_waived: Mapped[str | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])
    series: Mapped[BookingSeries | None] = relationship(foreign_keys=[series_id])
    class_session: Mapped[ClassSession | None] = relationship(foreign_keys=[class_session_id])

    def __str__(self) -> str:
        return f"{self.service}, {self.starts_at:%d %b %Y %H:%M}"
