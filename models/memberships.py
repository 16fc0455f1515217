"""Memberships: plans on sale and what they give, customers' memberships, and their periods."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.bookings import Booking
from models.categories import Category
from models.customers import Customer
from models.products import Product
from models.services import Service
from models.taxes import TaxClass
from models.words import Channel


class Period(StrEnum):
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class MembershipStatus(StrEnum):
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    ENDED = "ended"


RUNNING = (
    MembershipStatus.TRIALING,
    MembershipStatus.ACTIVE,
    MembershipStatus.PAST_DUE,
    MembershipStatus.PAUSED,
)
"""The statuses in which a customer has the membership."""

GOING_ON = (MembershipStatus.TRIALING, MembershipStatus.ACTIVE, MembershipStatus.PAST_DUE)
"""The statuses in which time passes for a membership: it is renewed, or runs out."""

MEMBERSHIP_TRANSITIONS: dict[MembershipStatus, frozenset[MembershipStatus]] = {
    MembershipStatus.TRIALING: frozenset(
        {MembershipStatus.ACTIVE, MembershipStatus.PAST_DUE, MembershipStatus.ENDED}
    ),
    MembershipStatus.ACTIVE: frozenset(
        {MembershipStatus.PAUSED, MembershipStatus.PAST_DUE, MembershipStatus.ENDED}
    ),
    MembershipStatus.PAST_DUE: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.PAUSED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ENDED: frozenset(),
}
"""Every move a membership can make; all others are refused."""


class BenefitKind(StrEnum):
    DISCOUNT = "discount"
    INCLUDED = "included"
    ACCESS = "access"


class Reach(StrEnum):
    """What a benefit is about, where it names no single thing."""

    EVERYTHING = "everything"
    SERVICES = "services"
    PRODUCTS = "products"


class PeriodKind(StrEnum):
    TRIAL = "trial"
    SOLD = "sold"
    FREE = "free"


class PeriodStatus(StrEnum):
    """A period is due while its order is not paid, and void once that order is called off."""

    DUE = "due"
    HELD = "held"
    VOID = "void"


class UseStatus(StrEnum):
    HELD = "held"
    USED = "used"
    RELEASED = "released"
    FORFEITED = "forfeited"


class MembershipPlan(OwnedByVendor, Timestamped, Base):
    """What a membership costs, and how often it is renewed.

    Of two plans with a `level` the higher one opens whatever the lower one does. A customer's
    first membership in it may begin with `trial_days` for nothing.
    """

    __tablename__ = "membership_plans"
    __table_args__ = (
        one_of("period", Period),
        same_vendor("tax_class_id", "tax_classes"),
        *not_negative("price", "level"),
        CheckConstraint("trial_days > 0", name="trial_days_are_positive"),
        Index(None, "vendor_id", "name"),
        Index(None, "vendor_id", "tax_class_id"),
    )

    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[Money]
    tax_class_id: Mapped[int | None] = mapped_column()
    period: Mapped[str] = mapped_column(default=Period.MONTH, server_default="month")
    level: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="0: it stands beside the others"
    )
    trial_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    def __str__(self) -> str:
        return self.name


class PlanBenefit(OwnedByVendor, Timestamped, Base):
    """Something that a plan gives: a discount, uses in each period, or a service for members only.

    It is about one service, product or category with all below it, else about its `reach`.
    """

    __tablename__ = "plan_benefits"
    __table_args__ = (
        same_vendor("plan_id", "membership_plans", ondelete="CASCADE"),
        same_vendor("service_id", "services"),
        same_vendor("product_id", "products"),
        one_of("kind", BenefitKind),
        one_of("reach", Reach),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_is_a_part"),
        CheckConstraint("uses > 0", name="uses_are_positive"),
        CheckConstraint("(kind = 'discount') = (percent IS NOT NULL)", name="discount_has_percent"),
        CheckConstraint("(kind = 'included') = (uses IS NOT NULL)", name="included_has_uses"),
        CheckConstraint(
            "num_nonnulls(service_id, product_id, category_id) <= 1", name="is_about_one_thing"
        ),
        CheckConstraint(
            "kind = 'discount' OR product_id IS NULL AND num_nonnulls(service_id, category_id) = 1",
            name="names_a_service",
        ),
        Index(None, "vendor_id", "plan_id"),
        Index(None, "vendor_id", "service_id"),
        Index(None, "vendor_id", "product_id", postgresql_where=text("product_id IS NOT NULL")),
        Index(None, "category_id", postgresql_where=text("category_id IS NOT NULL")),
    )

    plan_id: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(default=BenefitKind.DISCOUNT, server_default="discount")
    reach: Mapped[str] = mapped_column(default=Reach.EVERYTHING, server_default="everything")
    service_id: Mapped[int | None] = mapped_column()
    product_id: Mapped[int | None] = mapped_column()
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    uses: Mapped[int | None] = mapped_column(comment="in each period")

    plan: Mapped[MembershipPlan] = relationship(foreign_keys=[plan_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    product: Mapped[Product | None] = relationship(foreign_keys=[product_id])
    category: Mapped[Category | None] = relationship()

    def __str__(self) -> str:
        named = self.service or self.product or self.category
        about = (
            str(named)
            if named
            else {"everything": "everything"}.get(self.reach, f"all {self.reach}")
        )
        if self.kind == BenefitKind.DISCOUNT:
            return f"{self.percent.normalize():f}% off {about}" if self.percent else about
        if self.kind == BenefitKind.INCLUDED:
            return f"{self.uses} × {about} in each period"
        return f"{about}, for members only"


class Membership(OwnedByVendor, Timestamped, Base):
    """A customer's membership: its plan, status and the last period that the customer has.

    Periods are counted from `anchor_at` by the wall where the vendor is: what begins on the 31st
    ends on the last of a shorter month, and on the 31st again. Without a `gateway` its renewals
    are paid at the counter. A frozen one rests from `paused_at` until it goes on, by itself at
    `frozen_until`; a rest that is still to come stands in `frozen_from`.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("plan_id", "membership_plans"),
        one_of("status", MembershipStatus),
        one_of("channel", Channel),
        CheckConstraint("period_ends_at > period_starts_at", name="period_ends_after_start"),
        CheckConstraint("frozen_until > frozen_from", name="frozen_until_is_later"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "plan_id", "status", "customer_id"),
        Index(None, "plan_id", "status", "customer_id"),
        Index(None, "vendor_id", "started_at"),
        Index(None, "vendor_id", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_memberships_ending", "vendor_id", "period_ends_at",
              postgresql_where=text("status IN ('trialing', 'active', 'past_due')")),
        Index("ix_memberships_freezing", "vendor_id", "frozen_from",
              postgresql_where=text("frozen_from IS NOT NULL OR frozen_until IS NOT NULL")),
    )  # fmt: skip

    customer_id: Mapped[int] = mapped_column()
    plan_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=MembershipStatus.ACTIVE, server_default="active")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    anchor_at: Mapped[datetime] = mapped_column(server_default=func.now())
    period_starts_at: Mapped[datetime]
    period_ends_at: Mapped[datetime]
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False, server_default="false")
    gateway: Mapped[str | None] = mapped_column(comment="what is asked for renewals")
    paused_at: Mapped[datetime | None]
    frozen_from: Mapped[datetime | None]
    frozen_until: Mapped[datetime | None]
    freeze_reason: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    plan: Mapped[MembershipPlan] = relationship(foreign_keys=[plan_id])
    periods: Mapped[list["MembershipPeriod"]] = relationship(
        back_populates="membership",
        foreign_keys="MembershipPeriod.membership_id",
        order_by="MembershipPeriod.id",
        viewonly=True,
    )

    def __str__(self) -> str:
        return self.plan.name


class MembershipPeriod(OwnedByVendor, Timestamped, Base):
    """A period of a membership: given for nothing, or sold by an order that may still be due.

    No two of one membership have the same number, but for those that are void; `tries` counts
    how often a gateway was asked for it, `next_try_at` is when it is asked again.
    """

    __tablename__ = "membership_periods"
    __table_args__ = (
        same_vendor("membership_id", "memberships"),
        same_vendor("order_id", "orders"),
        one_of("kind", PeriodKind),
        one_of("status", PeriodStatus),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("number > 0", name="number_is_positive"),
        CheckConstraint("kind = 'sold' OR order_id IS NULL", name="only_sold_has_an_order"),
        *not_negative("tries"),
        Index("uq_membership_periods_number", "vendor_id", "membership_id", "number", unique=True,
              postgresql_where=text("status <> 'void'")),
        Index(None, "vendor_id", "membership_id", "starts_at"),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_membership_periods_due", "vendor_id", "next_try_at",
              postgresql_where=text("status = 'due'")),
    )  # fmt: skip

    membership_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(default=PeriodKind.FREE, server_default="free")
    status: Mapped[str] = mapped_column(default=PeriodStatus.HELD, server_default="held")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    order_id: Mapped[int | None] = mapped_column()
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_try_at: Mapped[datetime | None]

    membership: Mapped[Membership] = relationship(
        foreign_keys=[membership_id], back_populates="periods"
    )

    def __str__(self) -> str:
        return f"Period {self.number}"


class IncludedUse(OwnedByVendor, Base):
    """Uses of a service that a membership includes, taken for a booking or a line of an order.

    What was released is free again in its period; the others count against the benefit's `uses`.
    """

    __tablename__ = "included_uses"
    __table_args__ = (
        same_vendor("period_id", "membership_periods"),
        same_vendor("benefit_id", "plan_benefits"),
        same_vendor("booking_id", "bookings"),
        same_vendor("order_line_id", "order_lines"),
        one_of("status", UseStatus),
        CheckConstraint("uses > 0", name="uses_are_positive"),
        CheckConstraint("num_nonnulls(booking_id, order_line_id) = 1", name="is_for_one_thing"),
        UniqueConstraint("vendor_id", "booking_id"),
        UniqueConstraint("vendor_id", "order_line_id"),
        Index(None, "vendor_id", "period_id", "benefit_id"),
        Index(None, "vendor_id", "benefit_id"),
    )

    period_id: Mapped[int] = mapped_column()
    benefit_id: Mapped[int] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    order_line_id: Mapped[int | None] = mapped_column()
    uses: Mapped[int] = mapped_column(default=1, server_default="1")
    status: Mapped[str] = mapped_column(default=UseStatus.HELD, server_default="held")
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    period: Mapped[MembershipPeriod] = relationship(foreign_keys=[period_id])
    benefit: Mapped[PlanBenefit] = relationship(foreign_keys=[benefit_id])
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])

    def __str__(self) -> str:
        return f"{self.uses} of {self.benefit}"
