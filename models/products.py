"""Products and their variants: what a vendor sells over the counter and online."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
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
from models.taxes import TaxClass


class ProductStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Product(OwnedByVendor, Timestamped, Base):
    """Something sold in one or more variants."""

    __tablename__ = "products"
    __table_args__ = (
        one_of("status", ProductStatus),
        Index(None, "vendor_id", "name"),
        Index(None, "category_id"),
        Index(None, "vendor_id", "category_id"),
    )

    name: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=ProductStatus.ACTIVE, server_default="active")
    options: Mapped[list[Any] | None] = mapped_column(
        comment="what sets variants apart, such as Size"
    )

    category: Mapped[Category | None] = relationship()
    variants: Mapped[list["Variant"]] = relationship(
        back_populates="product",
        foreign_keys="Variant.product_id",
        order_by="Variant.id",
        cascade="all, delete-orphan",
    )
    pictures: Mapped[list["ProductPicture"]] = relationship(
        back_populates="product",
        foreign_keys="ProductPicture.product_id",
        order_by="ProductPicture.position",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return self.name


class ProductPicture(Belonging, Timestamped, Base):
    """A picture of a product; the first one stands for it in lists."""

    __tablename__ = "product_pictures"
    __table_args__ = (
        same_vendor("product_id", "products", ondelete="CASCADE"),
        CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="checksum_is_sha256"),
        Index(None, "vendor_id", "product_id", "position"),
    )

    product_id: Mapped[int] = mapped_column()
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    stored_as: Mapped[str]
    media_type: Mapped[str]
    checksum: Mapped[str]
    words: Mapped[str | None] = mapped_column(comment="what is to be seen, for who cannot see it")

    product: Mapped[Product] = relationship(foreign_keys=[product_id], back_populates="pictures")

    def __str__(self) -> str:
        return self.words or f"Picture of {self.product}"


class Variant(OwnedByVendor, Timestamped, Base):
    """One sellable form of a product: a size, a flavour, a colour.

    `on_hand` and `reserved` are the sums of its stock moves: the database writes them, whatever
    the form says. What has no stock (`tracks_stock`) is always to be had.
    """

    __tablename__ = "variants"
    __table_args__ = (
        same_vendor("product_id", "products"),
        same_vendor("tax_class_id", "tax_classes"),
        UniqueConstraint("vendor_id", "sku"),
        *not_negative("price", "cost", "on_hand", "reserved", "low_stock"),
        CheckConstraint("replenishment_days > 0", name="replenishment_days_are_positive"),
        CheckConstraint("warranty_months > 0", name="warranty_months_are_positive"),
        CheckConstraint(
            "reserved <= on_hand OR allows_backorder", name="reserved_is_on_hand_or_on_order"
        ),
        CheckConstraint("tracks_stock OR on_hand = 0 AND reserved = 0", name="stock_is_tracked"),
        Index(None, "vendor_id", "product_id"),
        Index(None, "vendor_id", "barcode"),
        Index(None, "vendor_id", "tax_class_id"),
        Index(
            "ix_variants_vendor_id_low", "vendor_id", "id",
            postgresql_where=text("tracks_stock AND is_active AND on_hand - reserved <= low_stock"),
        ),
    )  # fmt: skip

    product_id: Mapped[int] = mapped_column()
    sku: Mapped[str]
    option: Mapped[str | None] = mapped_column(comment="What sets it apart, such as 10 l or red")
    barcode: Mapped[str | None]
    price: Mapped[Money]
    cost: Mapped[Money | None]
    replenishment_days: Mapped[int | None]
    warranty_months: Mapped[int | None]
    tax_class_id: Mapped[int | None] = mapped_column()
    tracks_stock: Mapped[bool] = mapped_column(default=False, server_default="false")
    allows_backorder: Mapped[bool] = mapped_column(default=False, server_default="false")
    low_stock: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="so many left are too few"
    )
    on_hand: Mapped[int] = mapped_column(default=0, server_default="0")
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    product: Mapped[Product] = relationship(foreign_keys=[product_id], back_populates="variants")
    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    @property
    def available(self) -> int:
        """How many can be promised now; below zero, so many are owed already."""
        return self.on_hand - self.reserved

    def __str__(self) -> str:
        return f"{self.product.name}, {self.option}" if self.option else self.product.name
