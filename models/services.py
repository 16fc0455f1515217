"""Services: what a vendor does for customers, by appointment, in class, as a test or a stay."""

from datetime import time
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    Base,
    Belonging,
    Money,
    OwnedByVendor,
    Timestamped,
    not_negative,
    one_of,
    same_vendor,
)
from models.categories import Category
from models.staff import StaffMember
from models.taxes import TaxClass


class ServiceKind(StrEnum):
    APPOINTMENT = "appointment"
    CLASS = "class"
    LAB_TEST = "lab_test"
    STAY = "stay"


class Service(OwnedByVendor, Timestamped, Base):
    """Something that can be booked. Durations, buffers, intervals and notice are minutes.

    Of the buffers of two bookings that follow each other the larger counts. A slot begins every
    `slot_interval_minutes` from the beginning of a working time, at the earliest
    `min_notice_minutes` from now and at the latest `max_advance_days` ahead (empty: any time).
    A stay lasts nights, from `check_in_time` to `check_out_time` of the vendor's wall time, and
    `price` is a night's.
    """

    __tablename__ = "services"
    __table_args__ = (
        same_vendor("tax_class_id", "tax_classes"),
        one_of("kind", ServiceKind),
        CheckConstraint("duration_minutes > 0", name="duration_is_positive"),
        CheckConstraint("capacity > 0", name="capacity_is_positive"),
        CheckConstraint("slot_interval_minutes > 0", name="slot_interval_is_positive"),
        CheckConstraint("max_advance_days > 0", name="max_advance_is_positive"),
        CheckConstraint("redo_days > 0", name="redo_days_are_positive"),
        *not_negative("price", "buffer_before_minutes", "buffer_after_minutes"),
        *not_negative("min_notice_minutes", "deposit"),
        Index(None, "vendor_id", "name"),
        Index(None, "category_id"),
        Index(None, "vendor_id", "category_id"),
        Index(None, "vendor_id", "tax_class_id"),
    )

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=ServiceKind.APPOINTMENT, server_default="appointment")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    description: Mapped[str | None]
    duration_minutes: Mapped[int] = mapped_column(default=60, server_default="60")
    buffer_before_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    buffer_after_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    slot_interval_minutes: Mapped[int] = mapped_column(default=15, server_default="15")
    min_notice_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    max_advance_days: Mapped[int | None]
    capacity: Mapped[int] = mapped_column(
        default=1, server_default="1", comment="the places of a class"
    )
    check_in_time: Mapped[time | None]
    check_out_time: Mapped[time | None]
    price: Mapped[Money]
    deposit: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    tax_class_id: Mapped[int | None] = mapped_column()
    redo_days: Mapped[int | None] = mapped_column(
        comment="so long after it, it is done again for nothing if it was not right"
    )
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    category: Mapped[Category | None] = relationship()
    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    def __str__(self) -> str:
        return self.name


class StaffService(Belonging, Timestamped, Base):
    """Who can do a service, for another price or in another time where that differs.

    A service of which nobody is named can be done by everybody who works there.
    """

    __tablename__ = "staff_services"
    __table_args__ = (
        same_vendor("service_id", "services", ondelete="CASCADE"),
        same_vendor("staff_id", "staff_members", ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "service_id", "staff_id"),
        CheckConstraint("duration_minutes > 0", name="duration_is_positive"),
        *not_negative("price"),
        Index(None, "vendor_id", "staff_id"),
    )

    service_id: Mapped[int] = mapped_column()
    staff_id: Mapped[int] = mapped_column()
    duration_minutes: Mapped[int | None]
    price: Mapped[Money | None]

    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    staff_member: Mapped[StaffMember] = relationship(foreign_keys=[staff_id])

    def __str__(self) -> str:
        return f"{self.staff_member}, {self.service}"
