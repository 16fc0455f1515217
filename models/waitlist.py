"""The waitlist: who would come if a time or a place became free."""

from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.customers import Customer
from models.services import Service
from models.staff import StaffMember
from models.words import Channel


class WaitStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


WAIT_TRANSITIONS: dict[WaitStatus, frozenset[WaitStatus]] = {
    WaitStatus.WAITING: frozenset({WaitStatus.OFFERED, WaitStatus.BOOKED, WaitStatus.CANCELLED,
                                   WaitStatus.EXPIRED}),
    WaitStatus.OFFERED: frozenset({WaitStatus.WAITING, WaitStatus.BOOKED, WaitStatus.CANCELLED,
                                   WaitStatus.EXPIRED}),
    WaitStatus.BOOKED: frozenset(),
    WaitStatus.CANCELLED: frozenset(),
    WaitStatus.EXPIRED: frozenset(),
}  # fmt: skip
"""An offer that is declined or runs out puts the entry back in the line, at its end."""


class WaitlistEntry(OwnedByVendor, Timestamped, Base):
    """What somebody waits for: a place in one class, or a service in a window of days.

    `earliest` and `latest` bound the days, `from_time` and `until_time` the hour of the day in the
    vendor's wall time. Without `staff_id` anybody will do. While an offer stands, `booking_id`
    is the pending booking that holds the slot or the place until `held_until`.
    """

    __tablename__ = "waitlist_entries"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("service_id", "services"),
        same_vendor("staff_id", "staff_members"),
        same_vendor("class_session_id", "class_sessions"),
        same_vendor("booking_id", "bookings"),
        one_of("status", WaitStatus),
        one_of("channel", Channel),
        CheckConstraint("latest > earliest", name="latest_after_earliest"),
        CheckConstraint(
            "(status IN ('offered', 'booked')) = (booking_id IS NOT NULL)",
            name="an_offer_has_its_booking",
        ),
        CheckConstraint(
            "(status = 'offered') = (held_until IS NOT NULL)", name="an_offer_has_an_end"
        ),
        Index(None, "vendor_id", "status", "queued_at"),
        Index(None, "vendor_id", "created_at"),
        Index(None, "updated_at"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "service_id"),
        Index(None, "vendor_id", "staff_id"),
        Index(None, "vendor_id", "class_session_id"),
        Index(
            "uq_waitlist_entries_vendor_id_booking_id", "vendor_id", "booking_id", unique=True,
            postgresql_where=text("booking_id IS NOT NULL"),
        ),
        Index(None, "held_until", postgresql_where=text("status = 'offered'")),
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column()
    service_id: Mapped[int] = mapped_column()
    staff_id: Mapped[int | None] = mapped_column()
    class_session_id: Mapped[int | None] = mapped_column()
    earliest: Mapped[datetime]
    latest: Mapped[datetime]
    from_time: Mapped[time | None]
    until_time: Mapped[time | None]
    status: Mapped[str] = mapped_column(default=WaitStatus.WAITING, server_default="waiting")
    queued_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), comment="its place in the line; a lapsed offer sets it anew"
    )
    booking_id: Mapped[int | None] = mapped_column()
    held_until: Mapped[datetime | None]
    offers: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how many offers were made"
    )
    channel: Mapped[str] = mapped_column(default=Channel.PHONE, server_default="phone")
    note: Mapped[str | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])
    class_session: Mapped[ClassSession | None] = relationship(foreign_keys=[class_session_id])
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])

    def __str__(self) -> str:
        return f"{self.customer} waits for {self.service}"
