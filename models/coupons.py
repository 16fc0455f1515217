"""Coupons and offers: what makes an order cheaper, under a code or by itself, and who used it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
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
from models.customers import Customer
from models.orders import Order
from models.products import Product, Variant
from models.segments import Segment
from models.services import Service
from models.tags import Tag
from models.words import Channel


class CouponKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_ITEM = "free_item"
    BUY_GET = "buy_get"


class Stacking(StrEnum):
    """How a coupon goes with others on the same order."""

    COMBINABLE = "combinable"
    BEST_OF = "best_of"
    EXCLUSIVE = "exclusive"


class TargetPart(StrEnum):
    """Whether an item becomes cheaper, or has to be bought for others to."""

    CHEAPER = "cheaper"
    BOUGHT = "bought"


class RedemptionStatus(StrEnum):
    HELD = "held"
    REDEEMED = "redeemed"
    RELEASED = "released"
    REVERSED = "reversed"


COUNTING = (RedemptionStatus.HELD, RedemptionStatus.REDEEMED)
"""The statuses in which a redemption takes up one of those that are possible."""


class Coupon(OwnedByVendor, Timestamped, Base):
    """What makes an order cheaper: asked for by one of its codes, or, without, by itself.

    `value` is a percentage, or an amount of money of kind amount; of a free item and of "buy x get
    y" it says how much cheaper those pieces are. An empty condition holds always. `windows` are
    hours of the week on the vendor's clock (`day` 1 to 7, `from`, `until`), `channels` words of
    `Channel`. How often it was `redeemed` and is `held` the database counts.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        same_vendor("tag_id", "tags"),
        same_vendor("segment_id", "segments"),
        one_of("kind", CouponKind),
        one_of("stacking", Stacking),
        CheckConstraint("value > 0 AND (kind = 'amount' OR value <= 100)", name="value_fits"),
        CheckConstraint(
            "(kind = 'buy_get') = (buy_quantity IS NOT NULL)"
            " AND (kind IN ('buy_get', 'free_item')) = (get_quantity IS NOT NULL)",
            name="quantities_fit_kind",
        ),
        CheckConstraint("buy_quantity > 0", name="buy_quantity_is_positive"),
        CheckConstraint("get_quantity > 0", name="get_quantity_is_positive"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("max_redemptions > 0", name="max_redemptions_are_positive"),
        CheckConstraint("max_per_customer > 0", name="max_per_customer_is_positive"),
        CheckConstraint("birthday_days BETWEEN 0 AND 60", name="birthday_days_are_few"),
        CheckConstraint("minimum_spend > 0", name="minimum_spend_is_positive"),
        CheckConstraint(
            "marketplace_percent BETWEEN 0 AND 100", name="marketplace_percent_is_a_percentage"
        ),
        *not_negative("redeemed", "held"),
        CheckConstraint("redeemed + held <= max_redemptions", name="redeemed_within_limit"),
        Index(None, "vendor_id", "ends_at"),
        Index(None, "vendor_id", "tag_id"),
        Index(None, "vendor_id", "segment_id", postgresql_where=text("segment_id IS NOT NULL")),
        Index(
            "ix_coupons_by_themselves", "vendor_id",
            postgresql_where=text("is_active AND NOT needs_code"),
        ),
    )  # fmt: skip

    name: Mapped[str]
    needs_code: Mapped[bool] = mapped_column(default=True, server_default="true")
    kind: Mapped[str] = mapped_column(default=CouponKind.PERCENT, server_default="percent")
    value: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    buy_quantity: Mapped[int | None]
    get_quantity: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    windows: Mapped[list[Any] | None]
    channels: Mapped[list[Any] | None]
    minimum_spend: Mapped[Money | None]
    first_visit: Mapped[bool] = mapped_column(default=False, server_default="false")
    birthday_days: Mapped[int | None] = mapped_column(comment="before and after a birthday")
    tag_id: Mapped[int | None] = mapped_column()
    segment_id: Mapped[int | None] = mapped_column()
    max_redemptions: Mapped[int | None]
    max_per_customer: Mapped[int | None]
    stacking: Mapped[str] = mapped_column(default=Stacking.COMBINABLE, server_default="combinable")
    marketplace_percent: Mapped[Decimal] = mapped_column(
        Numeric(5, 2), server_default="0", comment="how much of the discount the marketplace bears"
    )
    redeemed: Mapped[int] = mapped_column(default=0, server_default="0")
    held: Mapped[int] = mapped_column(default=0, server_default="0")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    tag: Mapped[Tag | None] = relationship(foreign_keys=[tag_id])
    segment: Mapped[Segment | None] = relationship(foreign_keys=[segment_id])
    targets: Mapped[list["CouponTarget"]] = relationship(
        foreign_keys="CouponTarget.coupon_id", order_by="CouponTarget.id",
        cascade="all, delete-orphan",
    )  # fmt: skip

    def __str__(self) -> str:
        return self.name


class CouponTarget(Belonging, Base):
    """A service, product, variant or category that a coupon is about."""

    __tablename__ = "coupon_targets"
    __table_args__ = (
        same_vendor("coupon_id", "coupons", ondelete="CASCADE"),
        same_vendor("service_id", "services"),
        same_vendor("product_id", "products"),
        same_vendor("variant_id", "variants"),
        one_of("part", TargetPart),
        CheckConstraint(
            "num_nonnulls(service_id, product_id, variant_id, category_id) = 1", name="is_one_thing"
        ),
        Index(None, "vendor_id", "coupon_id"),
        Index(None, "vendor_id", "service_id", postgresql_where=text("service_id IS NOT NULL")),
        Index(None, "vendor_id", "product_id", postgresql_where=text("product_id IS NOT NULL")),
        Index(None, "vendor_id", "variant_id", postgresql_where=text("variant_id IS NOT NULL")),
        Index(None, "category_id", postgresql_where=text("category_id IS NOT NULL")),
    )

    coupon_id: Mapped[int] = mapped_column()
    part: Mapped[str] = mapped_column(default=TargetPart.CHEAPER, server_default="cheaper")
    service_id: Mapped[int | None] = mapped_column()
    product_id: Mapped[int | None] = mapped_column()
    variant_id: Mapped[int | None] = mapped_column()
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))

    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    product: Mapped[Product | None] = relationship(foreign_keys=[product_id])
    variant: Mapped[Variant | None] = relationship(foreign_keys=[variant_id])
    category: Mapped[Category | None] = relationship(foreign_keys=[category_id])

    def __str__(self) -> str:
        return str(self.service or self.product or self.variant or self.category)


class CodeBatch(OwnedByVendor, Timestamped, Base):
    """Many codes asked for at once; they are made little by little, each for `uses` redemptions."""

    __tablename__ = "code_batches"
    __table_args__ = (
        same_vendor("coupon_id", "coupons", ondelete="CASCADE"),
        CheckConstraint("wanted BETWEEN 1 AND 1000000", name="wanted_is_possible"),
        CheckConstraint("made BETWEEN 0 AND wanted", name="made_was_wanted"),
        CheckConstraint("uses > 0", name="uses_are_positive"),
        Index(None, "vendor_id", "coupon_id"),
    )

    coupon_id: Mapped[int] = mapped_column()
    prefix: Mapped[str] = mapped_column(default="", server_default="")
    wanted: Mapped[int]
    made: Mapped[int] = mapped_column(default=0, server_default="0")
    uses: Mapped[int] = mapped_column(default=1, server_default="1")

    coupon: Mapped[Coupon] = relationship(foreign_keys=[coupon_id])

    def __str__(self) -> str:
        return f"{self.made:,} of {self.wanted:,} codes"


class CouponCode(OwnedByVendor, Base):
    """A code of a coupon, kept in capitals: it is read in any case.

    One of many is good for `max_redemptions` orders by itself, beside the limit of the coupon.
    """

    __tablename__ = "coupon_codes"
    __table_args__ = (
        same_vendor("coupon_id", "coupons", ondelete="CASCADE"),
        same_vendor("batch_id", "code_batches", ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "code"),
        CheckConstraint("code = upper(btrim(code)) AND code <> ''", name="code_is_normal"),
        CheckConstraint("max_redemptions > 0", name="max_redemptions_are_positive"),
        *not_negative("redeemed", "held"),
        CheckConstraint("redeemed + held <= max_redemptions", name="redeemed_within_limit"),
        Index(None, "vendor_id", "coupon_id", "id"),
        Index(
            None, "vendor_id", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")
        ),
    )  # fmt: skip

    coupon_id: Mapped[int] = mapped_column()
    batch_id: Mapped[int | None] = mapped_column()
    code: Mapped[str]
    max_redemptions: Mapped[int | None]
    redeemed: Mapped[int] = mapped_column(default=0, server_default="0")
    held: Mapped[int] = mapped_column(default=0, server_default="0")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    coupon: Mapped[Coupon] = relationship(foreign_keys=[coupon_id])

    def __str__(self) -> str:
        return self.code


class CouponRedemption(OwnedByVendor, Timestamped, Base):
    """A coupon on an order: held with the draft, redeemed with its placing, given up, reversed.

    `amount` is what it took off, `marketplace_amount` the part of it that the marketplace bears.
    Who used it is known by digests of their addresses too: two files of one person are one.
    """

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        same_vendor("coupon_id", "coupons"),
        same_vendor("code_id", "coupon_codes"),
        same_vendor("order_id", "orders"),
        same_vendor("customer_id", "customers"),
        one_of("status", RedemptionStatus),
        one_of("channel", Channel),
        *not_negative("amount"),
        CheckConstraint(
            "marketplace_amount BETWEEN 0 AND amount", name="marketplace_amount_is_a_part"
        ),
        CheckConstraint("(status = 'held') = (held_until IS NOT NULL)", name="held_for_a_time"),
        UniqueConstraint("vendor_id", "order_id", "coupon_id"),
        Index(None, "vendor_id", "coupon_id", "status", "redeemed_at"),
        Index(None, "vendor_id", "code_id", postgresql_where=text("code_id IS NOT NULL")),
        Index(None, "vendor_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index(
            None, "vendor_id", "coupon_id", "email_key",
            postgresql_where=text("email_key IS NOT NULL"),
        ),
        Index(
            None, "vendor_id", "coupon_id", "phone_key",
            postgresql_where=text("phone_key IS NOT NULL"),
        ),
        Index(
            "ix_coupon_redemptions_held_until", "vendor_id", "held_until",
            postgresql_where=text("status = 'held'"),
        ),
    )  # fmt: skip

    coupon_id: Mapped[int] = mapped_column()
    code_id: Mapped[int | None] = mapped_column()
    order_id: Mapped[int] = mapped_column()
    customer_id: Mapped[int | None] = mapped_column()
    status: Mapped[str] = mapped_column(default=RedemptionStatus.HELD, server_default="held")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    amount: Mapped[Money]
    marketplace_amount: Mapped[Money] = mapped_column(default=0, server_default="0")
    email_key: Mapped[str | None]
    phone_key: Mapped[str | None]
    held_until: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    coupon: Mapped[Coupon] = relationship(foreign_keys=[coupon_id])
    code: Mapped[CouponCode | None] = relationship(foreign_keys=[code_id])
    order: Mapped[Order] = relationship(foreign_keys=[order_id])
    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])

    def __str__(self) -> str:
        return f"{self.coupon.name} on {self.order}"
