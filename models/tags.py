"""Tags: a vendor's own words for customers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, Timestamped, same_vendor
from models.customers import Customer


class Tag(OwnedByVendor, Timestamped, Base):
    """A word on customers; written lower-case, so `VIP` and `vip ` are one tag."""

    __tablename__ = "tags"
    __table_args__ = (
        UniqueConstraint("vendor_id", "name"),
        Index(None, "name"),
        CheckConstraint("name = lower(btrim(name)) AND name <> ''", name="name_is_normal"),
    )

    name: Mapped[str]

    def __str__(self) -> str:
        return self.name


class CustomerTag(Belonging, Base):
    """A tag on a customer."""

    __tablename__ = "customer_tags"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("tag_id", "tags"),
        UniqueConstraint("vendor_id", "customer_id", "tag_id"),
        Index(None, "vendor_id", "tag_id", "customer_id"),
        Index(None, "tag_id", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    tag_id: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    tag: Mapped[Tag] = relationship(foreign_keys=[tag_id])

    def __str__(self) -> str:
        return str(self.tag)
