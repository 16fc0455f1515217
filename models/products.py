"""Products and their variants: what a vendor sells over the counter and online."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.categories import Category


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

    category: Mapped[Category | None] = relationship()
    variants: Mapped[list["Variant"]] = relationship(
        back_populates="product",
        foreign_keys="Variant.product_id",
        order_by="Variant.id",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return self.name


class Variant(OwnedByVendor, Timestamped, Base):
    """One sellable form of a product: a size, a flavour, a colour."""

    __tablename__ = "variants"
    __table_args__ = (
        same_vendor("product_id", "products"),
        UniqueConstraint("vendor_id", "sku"),
        *not_negative("price", "cost"),
        CheckConstraint("replenishment_days > 0", name="replenishment_days_are_positive"),
        Index(None, "vendor_id", "product_id"),
        Index(None, "vendor_id", "barcode"),
    )

    product_id: Mapped[int] = mapped_column()
    sku: Mapped[str]
    option: Mapped[str | None] = mapped_column(comment="What sets it apart, such as 10 l or red")
    barcode: Mapped[str | None]
    price: Mapped[Money]
    cost: Mapped[Money | None]
    replenishment_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    product: Mapped[Product] = relationship(foreign_keys=[product_id], back_populates="variants")

    def __str__(self) -> str:
        return f"{self.product.name}, {self.option}" if self.option else self.product.name
