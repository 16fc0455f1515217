"""Packages: prepaid uses of a service, and what customers hold of them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.categories import Category
from models.customers import Customer
from models.services import Service
from models.taxes import TaxClass
from models.words import Channel


class HoldingStatus(StrEnum):
    ACTIVE = "active"
    USED_UP = "used_up"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Package(OwnedByVendor, Timestamped, Base):
    """A number of uses sold at one price, for one service or for any."""

    __tablename__ = "packages"
    __table_args__ = (
        same_vendor("service_id", "services"),
        CheckConstraint("uses > 0", name="uses_are_positive"),
        CheckConstraint("valid_days > 0", name="valid_days_are_positive"),
        same_vendor("tax_class_id", "tax_classes"),
        *not_negative("price"),
        Index(None, "vendor_id", "name"),
        Index(None, "vendor_id", "tax_class_id"),
        Index(None, "category_id"),
        Index(None, "vendor_id", "service_id"),
    )

    name: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    service_id: Mapped[int | None] = mapped_column()
    uses: Mapped[int]
    price: Mapped[Money]
    tax_class_id: Mapped[int | None] = mapped_column()
    valid_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    category: Mapped[Category | None] = relationship()
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    def __str__(self) -> str:
        return self.name


class PackageHolding(OwnedByVendor, Timestamped, Base):
    """A package in a customer's hands: how many uses it had and how many are left."""

    __tablename__ = "package_holdings"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("package_id", "packages"),
        one_of("status", HoldingStatus),
        one_of("channel", Channel),
        CheckConstraint("uses_left BETWEEN 0 AND uses", name="uses_left_within_uses"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "package_id", "status", "customer_id"),
        Index(None, "package_id", "status", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    package_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=HoldingStatus.ACTIVE, server_default="active")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    uses: Mapped[int]
    uses_left: Mapped[int]
    bought_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    package: Mapped[Package] = relationship(foreign_keys=[package_id])

    def __str__(self) -> str:
        return f"{self.package.name}, {self.uses_left} of {self.uses} left"
