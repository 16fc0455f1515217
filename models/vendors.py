"""Vendors: who sells on the marketplace."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Timestamped, one_of


class VendorKind(StrEnum):
    SALON = "salon"
    CLINIC = "clinic"
    PET_SHOP = "pet_shop"
    GYM = "gym"
    STORE = "store"
    LAB = "lab"
    OTHER = "other"


class VendorStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Vendor(Timestamped, Base):
    """A business that sells services, products or both; everything else belongs to one."""

    __tablename__ = "vendors"
    __table_args__ = (
        UniqueConstraint("slug"),
        one_of("kind", VendorKind),
        one_of("status", VendorStatus),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug_is_an_address"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_iso"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=VendorKind.OTHER, server_default="other")
    status: Mapped[str] = mapped_column(default=VendorStatus.ACTIVE, server_default="active")
    country: Mapped[str]
    time_zone: Mapped[str] = mapped_column(comment="IANA name, such as Europe/Lisbon")
    city: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    legal_name: Mapped[str | None] = mapped_column(comment="as receipts and invoices say it")
    street: Mapped[str | None]
    postal_code: Mapped[str | None]
    region: Mapped[str | None]
    tax_number: Mapped[str | None]
    prices_include_tax: Mapped[bool] = mapped_column(default=True, server_default="true")

    def __str__(self) -> str:
        return self.name


class Counter(Base):
    """The next number of a vendor's series (orders); locked while a number is drawn."""

    __tablename__ = "counters"
    __table_args__ = (UniqueConstraint("vendor_id", "series"), UniqueConstraint("vendor_id", "id"))

    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.id"))
    series: Mapped[str]
    value: Mapped[int] = mapped_column(default=0, server_default="0")
