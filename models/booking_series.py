"""Series: the same booking again and again, at the same local hour."""

from datetime import date, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.customers import Customer
from models.services import Service
from models.staff import StaffMember

MOST_OCCURRENCES = 52


class Rhythm(StrEnum):
    """How often; a month later is the same day of the month, or its last day."""

    WEEK = "week"
    TWO_WEEKS = "two_weeks"
    MONTH = "month"


class BookingSeries(OwnedByVendor, Timestamped, Base):
    """What was agreed: the bookings themselves carry `series_id` and their number."""

    __tablename__ = "booking_series"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("service_id", "services"),
        same_vendor("staff_id", "staff_members"),
        one_of("rhythm", Rhythm),
        CheckConstraint(f"occurrences BETWEEN 1 AND {MOST_OCCURRENCES}", name="is_a_year_at_most"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "service_id"),
        Index(None, "vendor_id", "staff_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    service_id: Mapped[int] = mapped_column()
    staff_id: Mapped[int | None] = mapped_column()
    rhythm: Mapped[str]
    occurrences: Mapped[int]
    starts_on: Mapped[date]
    starts: Mapped[time] = mapped_column(comment="the vendor's wall time")

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])

    def __str__(self) -> str:
        return f"{self.service}, {self.occurrences} times from {self.starts_on:%d %b %Y}"
