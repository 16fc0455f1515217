"""Calendar feeds: secret addresses under which a calendar program reads bookings."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, same_vendor
from models.customers import Customer
from models.staff import StaffMember


class CalendarFeed(OwnedByVendor, Timestamped, Base):
    """The bookings of a member of staff, or of a customer; only a hash of its secret is kept."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        same_vendor("staff_id", "staff_members", ondelete="CASCADE"),
        same_vendor("customer_id", "customers", ondelete="CASCADE"),
        CheckConstraint("num_nonnulls(staff_id, customer_id) = 1", name="is_of_one_person"),
        UniqueConstraint("token_hash"),
        Index(None, "vendor_id", "staff_id"),
        Index(None, "vendor_id", "customer_id"),
    )

    staff_id: Mapped[int | None] = mapped_column()
    customer_id: Mapped[int | None] = mapped_column()
    token_hash: Mapped[str]
    last_read_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])
    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])

    def __str__(self) -> str:
        return f"Calendar of {self.staff_member or self.customer}"
