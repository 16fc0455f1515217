"""Customer interests: who has bought what, one row an item; what every filter by category reads."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, not_negative, one_of, same_vendor
from models.categories import Category
from models.customers import Customer
from models.words import InterestKind


class CustomerInterest(OwnedByVendor, Base):
    """How often a customer bought an item, what it brought, and when last.

    `item_id` is a service, product, package or plan, as `kind` says. Kept by completion,
    fulfilment and their undoing; only `app.operations.interests` writes it.
    """

    __tablename__ = "customer_interests"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        # The category rides along, so that a filter tests a customer without leaving the index.
        UniqueConstraint(
            "vendor_id", "customer_id", "kind", "item_id", postgresql_include=["category_id"]
        ),
        one_of("kind", InterestKind),
        *not_negative("times"),
        Index(None, "kind", "item_id", "customer_id"),
        Index(None, "vendor_id", "kind", "item_id", "customer_id"),
        Index(None, "category_id", "kind", "customer_id"),
        Index(None, "vendor_id", "category_id", "kind", "customer_id"),
        Index(None, "kind", "customer_id"),
        Index(None, "vendor_id", "kind", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    item_id: Mapped[int] = mapped_column()
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    times: Mapped[int] = mapped_column(default=0, server_default="0")
    spent: Mapped[Money] = mapped_column(default=0, server_default="0")
    last_at: Mapped[datetime]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    category: Mapped[Category | None] = relationship()
