"""Packages: prepaid uses of services, what customers hold of them, and the ledger of uses."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
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
from models.bookings import Booking
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


class EntryKind(StrEnum):
    GRANT = "grant"
    HOLD = "hold"
    USE = "use"
    RELEASE = "release"
    FORFEIT = "forfeit"
    EXPIRE = "expire"
    REFUND = "refund"
    RESTORE = "restore"


ENDS_A_HOLD = (EntryKind.USE, EntryKind.RELEASE, EntryKind.FORFEIT)
"""What becomes of uses that were held."""

ACTING_USER = text("NULLIF(current_setting('app.user_id', true), '')::bigint")


class Package(OwnedByVendor, Timestamped, Base):
    """A number of uses sold at one price: for one service, for several that are named, or for any.

    The several are `PackageService` rows; without them and without `service_id` it is any.
    """

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


class PackageService(Belonging, Base):
    """A service that a package is for, at most so many of its uses: a test of a check-up."""

    __tablename__ = "package_services"
    __table_args__ = (
        same_vendor("package_id", "packages", ondelete="CASCADE"),
        same_vendor("service_id", "services", ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "package_id", "service_id"),
        CheckConstraint("most > 0", name="most_is_positive"),
        Index(None, "vendor_id", "service_id"),
    )

    package_id: Mapped[int] = mapped_column()
    service_id: Mapped[int] = mapped_column()
    most: Mapped[int | None] = mapped_column(comment="of the package's uses; empty: all of them")

    package: Mapped[Package] = relationship(foreign_keys=[package_id])
    service: Mapped[Service] = relationship(foreign_keys=[service_id])

    def __str__(self) -> str:
        return f"{self.service}, at most {self.most}" if self.most else str(self.service)


class PackageHolding(OwnedByVendor, Timestamped, Base):
    """A package in a customer's hands, and where its uses are.

    The numbers are sums of its entries: the database counts them, and together they are `uses`.
    `paid` is what its line of an order cost for this one; empty where none sold it.
    """

    __tablename__ = "package_holdings"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("package_id", "packages"),
        same_vendor("order_id", "orders"),
        one_of("status", HoldingStatus),
        one_of("channel", Channel),
        CheckConstraint("uses_left BETWEEN 0 AND uses", name="uses_left_within_uses"),
        CheckConstraint(
            "uses = uses_left + uses_held + uses_used + uses_forfeited + uses_expired"
            " + uses_refunded",
            name="uses_add_up",
        ),
        *not_negative("uses_held", "uses_used", "uses_forfeited", "uses_expired", "uses_refunded"),
        *not_negative("paid"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "package_id", "status", "customer_id"),
        Index(None, "package_id", "status", "customer_id"),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_package_holdings_expiring", "vendor_id", "expires_at",
              postgresql_where=text("status = 'active' AND expires_at IS NOT NULL")),
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column()
    package_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=HoldingStatus.ACTIVE, server_default="active")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    uses: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_left: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_held: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_used: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_forfeited: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_expired: Mapped[int] = mapped_column(default=0, server_default="0")
    uses_refunded: Mapped[int] = mapped_column(default=0, server_default="0")
    bought_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    order_id: Mapped[int | None] = mapped_column(comment="the order that sold it")
    paid: Mapped[Money | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    package: Mapped[Package] = relationship(foreign_keys=[package_id])
    entries: Mapped[list["PackageEntry"]] = relationship(
        back_populates="holding",
        foreign_keys="PackageEntry.holding_id",
        order_by="PackageEntry.id",
        viewonly=True,
    )

    def __str__(self) -> str:
        return f"{self.package.name}, {self.uses_left} of {self.uses} left"


class PackageEntry(OwnedByVendor, Base):
    """What happened to uses of a package: never changed or removed.

    A hold is for a booking or for a line of an order; what ends it, and what a use or a forfeit
    is restored by, names the entry before it as `of_id`, each of them once.
    """

    __tablename__ = "package_entries"
    __table_args__ = (
        same_vendor("holding_id", "package_holdings"),
        same_vendor("booking_id", "bookings"),
        same_vendor("order_line_id", "order_lines"),
        same_vendor("service_id", "services"),
        same_vendor("of_id", "package_entries"),
        one_of("kind", EntryKind),
        CheckConstraint("uses > 0", name="uses_are_positive"),
        CheckConstraint(
            "(kind IN ('use', 'release', 'forfeit', 'restore')) = (of_id IS NOT NULL)"
            " OR kind = 'use'",
            name="follows_an_entry",
        ),
        CheckConstraint("num_nonnulls(booking_id, order_line_id) <= 1", name="is_for_one_thing"),
        UniqueConstraint("vendor_id", "of_id"),
        Index(None, "vendor_id", "holding_id", "id"),
        Index(None, "vendor_id", "at"),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
        Index(
            None, "vendor_id", "order_line_id", postgresql_where=text("order_line_id IS NOT NULL")
        ),
        Index(None, "vendor_id", "service_id", postgresql_where=text("service_id IS NOT NULL")),
    )

    holding_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    uses: Mapped[int]
    service_id: Mapped[int | None] = mapped_column(comment="what they were held or used for")
    booking_id: Mapped[int | None] = mapped_column()
    order_line_id: Mapped[int | None] = mapped_column()
    of_id: Mapped[int | None] = mapped_column(comment="the entry it goes on from")
    user_id: Mapped[int] = mapped_column(server_default=ACTING_USER)
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    holding: Mapped[PackageHolding] = relationship(
        foreign_keys=[holding_id], back_populates="entries"
    )
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])

    def __str__(self) -> str:
        return f"{self.kind} of {self.uses}"
