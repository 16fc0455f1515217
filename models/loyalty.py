"""Loyalty: programmes, what earns how many points, tiers, and the rewards that points buy."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.categories import Category
from models.products import Product
from models.services import Service
from models.words import Channel

MOST_POINTS = 1_000_000_000
"""What one change of a balance can be at most."""


class Rounding(StrEnum):
    """What becomes of a part of a point."""

    DOWN = "down"
    NEAREST = "nearest"
    UP = "up"


class Expiry(StrEnum):
    """How long points can be spent, counted from when they can be spent at all."""

    NEVER = "never"
    DAYS = "days"
    MONTH_END = "month_end"
    YEAR_END = "year_end"


class EarnedBy(StrEnum):
    """What a rule is about."""

    PURCHASE = "purchase"
    VISIT = "visit"
    REBOOKING = "rebooking"
    BIRTHDAY = "birthday"


class RewardKind(StrEnum):
    AMOUNT = "amount"
    PERCENT = "percent"
    PRODUCT = "product"
    SERVICE = "service"


class LoyaltyProgram(OwnedByVendor, Timestamped, Base):
    """How a vendor thanks its customers: points for what they pay, and until when they are good.

    Points wait `return_days` after an order is fulfilled. `lowest` is how far a balance may fall
    below nothing when an order whose points were spent is given back. `point_value` is what a
    point is worth in money, for what the vendor owes. Tiers go by what was spent in the last
    `window_days`; who has reached one keeps it that long, and `grace_days` more.
    """

    __tablename__ = "loyalty_programs"
    __table_args__ = (
        UniqueConstraint("vendor_id", "name"),
        one_of("rounding", Rounding),
        one_of("expiry", Expiry),
        *not_negative("min_spend"),
        CheckConstraint("points_per BETWEEN 0 AND 10000", name="points_per_fit"),
        CheckConstraint("point_value BETWEEN 0 AND 10000", name="point_value_fits"),
        CheckConstraint("return_days BETWEEN 0 AND 3650", name="return_days_fit"),
        CheckConstraint("expiry_days BETWEEN 1 AND 36500", name="expiry_days_fit"),
        CheckConstraint(
            "(expiry = 'days') = (expiry_days IS NOT NULL)", name="expiry_days_fit_the_expiry"
        ),
        CheckConstraint(f"lowest BETWEEN -{MOST_POINTS} AND 0", name="lowest_fits"),
        CheckConstraint("window_days BETWEEN 1 AND 3650", name="window_days_fit"),
        CheckConstraint("grace_days BETWEEN 0 AND 3650", name="grace_days_fit"),
    )

    name: Mapped[str]
    points_per: Mapped[Decimal] = mapped_column(
        Numeric(10, 4), default=1, server_default="1", comment="points for 1.00 of money"
    )
    rounding: Mapped[str] = mapped_column(default=Rounding.DOWN, server_default="down")
    min_spend: Mapped[Money] = mapped_column(default=0, server_default="0")
    on_tax: Mapped[bool] = mapped_column(default=False, server_default="false")
    on_shipping: Mapped[bool] = mapped_column(default=False, server_default="false")
    return_days: Mapped[int] = mapped_column(default=14, server_default="14")
    expiry: Mapped[str] = mapped_column(default=Expiry.NEVER, server_default="never")
    expiry_days: Mapped[int | None]
    lowest: Mapped[int] = mapped_column(default=-10_000, server_default="-10000")
    point_value: Mapped[Decimal] = mapped_column(
        Numeric(12, 4), default=Decimal("0.01"), server_default="0.01"
    )
    window_days: Mapped[int] = mapped_column(default=365, server_default="365")
    grace_days: Mapped[int] = mapped_column(default=30, server_default="30")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    def __str__(self) -> str:
        return self.name


class LoyaltyTier(OwnedByVendor, Timestamped, Base):
    """A step of a programme: it begins at so much spent, and reaches to where the next begins."""

    __tablename__ = "loyalty_tiers"
    __table_args__ = (
        same_vendor("program_id", "loyalty_programs"),
        UniqueConstraint("vendor_id", "program_id", "spend_from"),
        UniqueConstraint("vendor_id", "program_id", "name"),
        CheckConstraint("spend_from BETWEEN 0 AND 9999999999.99", name="spend_from_fits"),
        CheckConstraint("multiplier BETWEEN 1 AND 100", name="multiplier_fits"),
    )

    program_id: Mapped[int] = mapped_column()
    name: Mapped[str]
    spend_from: Mapped[Money]
    multiplier: Mapped[Decimal] = mapped_column(Numeric(6, 3), default=1, server_default="1")
    benefits: Mapped[str | None]

    program: Mapped[LoyaltyProgram] = relationship(foreign_keys=[program_id])

    def __str__(self) -> str:
        return self.name


class LoyaltyRule(OwnedByVendor, Timestamped, Base):
    """What earns more, less, or beside a purchase.

    Of a purchase it multiplies the points of the lines it is about; for a visit, a birthday, or a
    visit booked `within_days` of the one before it gives a bonus.
    """

    __tablename__ = "loyalty_rules"
    __table_args__ = (
        same_vendor("program_id", "loyalty_programs"),
        same_vendor("service_id", "services"),
        same_vendor("product_id", "products"),
        one_of("earned_by", EarnedBy),
        one_of("channel", Channel),
        CheckConstraint(
            "(earned_by = 'purchase') = (multiplier IS NOT NULL)"
            " AND (earned_by = 'purchase') = (bonus IS NULL)",
            name="gives_what_fits",
        ),
        CheckConstraint("multiplier BETWEEN 0 AND 100", name="multiplier_fits"),
        CheckConstraint(f"bonus BETWEEN 1 AND {MOST_POINTS}", name="bonus_fits"),
        CheckConstraint(
            "num_nonnulls(category_id, service_id, product_id) <= 1", name="is_about_one_thing"
        ),
        CheckConstraint(
            "product_id IS NULL OR earned_by = 'purchase'", name="products_are_purchased"
        ),
        CheckConstraint(
            "earned_by <> 'birthday' OR num_nonnulls(category_id, service_id, channel) = 0",
            name="birthdays_are_about_nothing",
        ),
        CheckConstraint(
            "(earned_by = 'rebooking') = (within_days IS NOT NULL)", name="within_days_of_a_visit"
        ),
        CheckConstraint("within_days BETWEEN 0 AND 365", name="within_days_fit"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        Index(None, "vendor_id", "program_id"),
        Index(None, "category_id", postgresql_where=text("category_id IS NOT NULL")),
        Index(None, "vendor_id", "service_id", postgresql_where=text("service_id IS NOT NULL")),
        Index(None, "vendor_id", "product_id", postgresql_where=text("product_id IS NOT NULL")),
    )

    program_id: Mapped[int] = mapped_column()
    name: Mapped[str]
    earned_by: Mapped[str] = mapped_column(default=EarnedBy.PURCHASE, server_default="purchase")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    service_id: Mapped[int | None] = mapped_column()
    product_id: Mapped[int | None] = mapped_column()
    channel: Mapped[str | None]
    multiplier: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    bonus: Mapped[int | None]
    within_days: Mapped[int | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    program: Mapped[LoyaltyProgram] = relationship(foreign_keys=[program_id])
    category: Mapped[Category | None] = relationship()
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    product: Mapped[Product | None] = relationship(foreign_keys=[product_id])

    def __str__(self) -> str:
        return self.name


class Reward(OwnedByVendor, Timestamped, Base):
    """What points buy: something off the order, or a product or a service for nothing.

    It can be had `max_redemptions` times in all and `max_per_customer` times by one customer,
    both within the last `limit_days`, or ever.
    """

    __tablename__ = "rewards"
    __table_args__ = (
        same_vendor("program_id", "loyalty_programs"),
        same_vendor("service_id", "services"),
        same_vendor("product_id", "products"),
        one_of("kind", RewardKind),
        CheckConstraint(f"points BETWEEN 1 AND {MOST_POINTS}", name="points_fit"),
        CheckConstraint(
            "(amount IS NOT NULL) = (kind = 'amount') AND (percent IS NOT NULL) = "
            "(kind = 'percent') AND (product_id IS NOT NULL) = (kind = 'product')"
            " AND (service_id IS NOT NULL) = (kind = 'service')",
            name="gives_what_fits",
        ),
        CheckConstraint("amount BETWEEN 0.01 AND 9999999999.99", name="amount_fits"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_is_a_percentage"),
        *not_negative("min_spend"),
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("max_redemptions > 0", name="max_redemptions_are_positive"),
        CheckConstraint("max_per_customer > 0", name="max_per_customer_is_positive"),
        CheckConstraint("limit_days BETWEEN 1 AND 3650", name="limit_days_fit"),
        CheckConstraint(
            "limit_days IS NULL OR num_nonnulls(max_redemptions, max_per_customer) > 0",
            name="limit_days_limit_something",
        ),
        Index(None, "vendor_id", "program_id"),
        Index(None, "vendor_id", "service_id", postgresql_where=text("service_id IS NOT NULL")),
        Index(None, "vendor_id", "product_id", postgresql_where=text("product_id IS NOT NULL")),
    )

    program_id: Mapped[int] = mapped_column()
    name: Mapped[str]
    description: Mapped[str | None]
    kind: Mapped[str] = mapped_column(default=RewardKind.AMOUNT, server_default="amount")
    points: Mapped[int]
    amount: Mapped[Money | None]
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    product_id: Mapped[int | None] = mapped_column()
    service_id: Mapped[int | None] = mapped_column()
    min_spend: Mapped[Money] = mapped_column(default=0, server_default="0")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    max_redemptions: Mapped[int | None]
    max_per_customer: Mapped[int | None]
    limit_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    program: Mapped[LoyaltyProgram] = relationship(foreign_keys=[program_id])
    product: Mapped[Product | None] = relationship(foreign_keys=[product_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])

    def __str__(self) -> str:
        return self.name
