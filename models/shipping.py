"""Ways in which a vendor sends goods, or has them collected."""

from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.taxes import TaxClass


class ShippingKind(StrEnum):
    DELIVERY = "delivery"
    PICKUP = "pickup"


class ShippingMethod(OwnedByVendor, Timestamped, Base):
    """What sending costs; nothing from a total of `free_from` on. Collecting may cost as well."""

    __tablename__ = "shipping_methods"
    __table_args__ = (
        same_vendor("tax_class_id", "tax_classes"),
        one_of("kind", ShippingKind),
        *not_negative("price", "free_from"),
        Index(None, "vendor_id", "name"),
        Index(None, "vendor_id", "tax_class_id"),
    )

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=ShippingKind.DELIVERY, server_default="delivery")
    price: Mapped[Money]
    free_from: Mapped[Money | None]
    tax_class_id: Mapped[int | None] = mapped_column()
    note: Mapped[str | None] = mapped_column(comment="what the customer is told, such as when")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    def __str__(self) -> str:
        return self.name
