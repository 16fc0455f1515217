"""Coupons: codes that lower a price."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, OwnedByVendor, Timestamped, one_of


class CouponKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"


class Coupon(OwnedByVendor, Timestamped, Base):
    """An offer under a code; the code is kept in capitals, so it is read in any case."""

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("vendor_id", "code"),
        one_of("kind", CouponKind),
        CheckConstraint("code = upper(btrim(code)) AND code <> ''", name="code_is_normal"),
        CheckConstraint("value > 0 AND (kind <> 'percent' OR value <= 100)", name="value_fits"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("max_redemptions > 0", name="max_redemptions_are_positive"),
        Index(None, "vendor_id", "ends_at"),
    )

    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=CouponKind.PERCENT, server_default="percent")
    value: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    max_redemptions: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    def __str__(self) -> str:
        return f"{self.code} ({self.name})"
