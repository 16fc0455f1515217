"""Services: what a vendor does for customers, by appointment, in class, as a test or a stay."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of
from models.categories import Category


class ServiceKind(StrEnum):
    APPOINTMENT = "appointment"
    CLASS = "class"
    LAB_TEST = "lab_test"
    STAY = "stay"


class Service(OwnedByVendor, Timestamped, Base):
    """Something that can be booked. Durations and buffers are minutes."""

    __tablename__ = "services"
    __table_args__ = (
        one_of("kind", ServiceKind),
        CheckConstraint("duration_minutes > 0", name="duration_is_positive"),
        CheckConstraint("capacity > 0", name="capacity_is_positive"),
        *not_negative("price", "buffer_before_minutes", "buffer_after_minutes"),
        Index(None, "vendor_id", "name"),
        Index(None, "category_id"),
        Index(None, "vendor_id", "category_id"),
    )

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=ServiceKind.APPOINTMENT, server_default="appointment")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    description: Mapped[str | None]
    duration_minutes: Mapped[int] = mapped_column(default=60, server_default="60")
    buffer_before_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    buffer_after_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    capacity: Mapped[int] = mapped_column(default=1, server_default="1")
    price: Mapped[Money]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    category: Mapped[Category | None] = relationship()

    def __str__(self) -> str:
        return self.name
