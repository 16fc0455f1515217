"""Memberships: plans on sale, and customers' memberships in them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.customers import Customer
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

MEMBERSHIP_TRANSITIONS: dict[MembershipStatus, frozenset[MembershipStatus]] = {
    MembershipStatus.TRIALING: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ACTIVE: frozenset(
        {MembershipStatus.PAUSED, MembershipStatus.PAST_DUE, MembershipStatus.ENDED}
    ),
    MembershipStatus.PAST_DUE: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.PAUSED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.ENDED}),
    MembershipStatus.ENDED: frozenset(),
}
"""Every move a membership can make; all others are refused."""


class MembershipPlan(OwnedByVendor, Timestamped, Base):
    """What a membership costs, and how often it is renewed."""

    __tablename__ = "membership_plans"
    __table_args__ = (
        one_of("period", Period),
        same_vendor("tax_class_id", "tax_classes"),
        *not_negative("price"),
        Index(None, "vendor_id", "name"),
        Index(None, "vendor_id", "tax_class_id"),
    )

    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[Money]
    tax_class_id: Mapped[int | None] = mapped_column()
    period: Mapped[str] = mapped_column(default=Period.MONTH, server_default="month")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    tax_class: Mapped[TaxClass | None] = relationship(foreign_keys=[tax_class_id])

    def __str__(self) -> str:
        return self.name


class Membership(OwnedByVendor, Timestamped, Base):
    """A customer's membership: its plan, status and the period that is running."""

    __tablename__ = "memberships"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("plan_id", "membership_plans"),
        one_of("status", MembershipStatus),
        one_of("channel", Channel),
        CheckConstraint("period_ends_at > period_starts_at", name="period_ends_after_start"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "plan_id", "status", "customer_id"),
        Index(None, "plan_id", "status", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    plan_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=MembershipStatus.ACTIVE, server_default="active")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    period_starts_at: Mapped[datetime]
    period_ends_at: Mapped[datetime]
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False, server_default="false")
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    plan: Mapped[MembershipPlan] = relationship(foreign_keys=[plan_id])

    def __str__(self) -> str:
        return self.plan.name
