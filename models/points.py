"""Points in customers' hands: accounts, the lots they came in, the ledger, what they bought."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, not_negative, one_of, same_vendor
from models.bookings import Booking
from models.customers import Customer
from models.loyalty import LoyaltyProgram, LoyaltyTier, Reward
from models.orders import Order
from models.payments import ACTING_USER


class Source(StrEnum):
    """Where a lot of points came from."""

    PURCHASE = "purchase"
    VISIT = "visit"
    REBOOKING = "rebooking"
    BIRTHDAY = "birthday"
    GIFT = "gift"
    REINSTATED = "reinstated"


class EntryKind(StrEnum):
    EARN = "earn"
    PENDING_EARN = "pending_earn"
    MATURE = "mature"
    HOLD = "hold"
    RELEASE = "release"
    REDEEM = "redeem"
    REVERSE = "reverse"
    REPAY = "repay"
    EXPIRE = "expire"
    ADJUST = "adjust"
    REINSTATE = "reinstate"
    TRANSFER = "transfer"


_LOT = "lot_id IS NOT NULL"
_SIGNS = {
    EntryKind.EARN: f"points >= 0 AND pending = 0 AND spend >= 0 AND {_LOT}",
    EntryKind.PENDING_EARN: f"points = 0 AND pending >= 0 AND spend >= 0 AND {_LOT}",
    EntryKind.MATURE: f"points > 0 AND pending = -points AND spend = 0 AND {_LOT}",
    EntryKind.HOLD: f"points < 0 AND pending = 0 AND spend = 0 AND {_LOT}",
    EntryKind.RELEASE: f"points > 0 AND pending = 0 AND spend = 0 AND {_LOT}",
    EntryKind.REDEEM: f"points < 0 AND pending = 0 AND spend = 0 AND {_LOT}",
    EntryKind.REVERSE: "num_nonnulls(order_id, redemption_id) > 0",
    EntryKind.REPAY: "points <> 0 AND pending = 0 AND spend = 0",
    EntryKind.EXPIRE: f"points < 0 AND pending = 0 AND spend = 0 AND {_LOT}",
    EntryKind.ADJUST: "points <> 0 AND pending = 0 AND spend = 0 AND reason IS NOT NULL",
    EntryKind.REINSTATE: f"points > 0 AND pending = 0 AND reason IS NOT NULL AND {_LOT}",
    EntryKind.TRANSFER: "spend = 0",
}
_FITS = " OR ".join(f"kind = '{kind.value}' AND {sign}" for kind, sign in _SIGNS.items())


class RedemptionStatus(StrEnum):
    HELD = "held"
    LAPSED = "lapsed"
    REDEEMED = "redeemed"
    RELEASED = "released"
    REVERSED = "reversed"


REDEMPTION_TRANSITIONS: dict[RedemptionStatus, frozenset[RedemptionStatus]] = {
    RedemptionStatus.HELD: frozenset(
        {RedemptionStatus.REDEEMED, RedemptionStatus.RELEASED, RedemptionStatus.LAPSED}
    ),
    RedemptionStatus.LAPSED: frozenset({RedemptionStatus.REDEEMED, RedemptionStatus.RELEASED}),
    RedemptionStatus.REDEEMED: frozenset({RedemptionStatus.REVERSED}),
    RedemptionStatus.REVERSED: frozenset({RedemptionStatus.REDEEMED}),
    RedemptionStatus.RELEASED: frozenset(),
}
"""Every move a redemption can make; all others are refused."""


class TierWhy(StrEnum):
    """Why a customer's tier changed."""

    REACHED = "reached"
    LAPSED = "lapsed"
    GIVEN_BACK = "given_back"


class LoyaltyAccount(OwnedByVendor, Base):
    """What a customer has in a programme: points to spend, points that wait, and the tier.

    `points` and `pending` are sums of its entries: the database counts them. What was spent and
    then reversed makes `points` fall below nothing. Nobody loses a tier before `tier_until`.
    """

    __tablename__ = "loyalty_accounts"
    __table_args__ = (
        same_vendor("program_id", "loyalty_programs"),
        same_vendor("customer_id", "customers"),
        same_vendor("tier_id", "loyalty_tiers"),
        UniqueConstraint("vendor_id", "program_id", "customer_id"),
        *not_negative("pending"),
        CheckConstraint(
            "(tier_id IS NULL) = (tier_until IS NULL) AND (tier_id IS NULL) = (tier_since IS NULL)"
            " AND (tier_id IS NULL) = (qualified_at IS NULL)",
            name="tier_has_its_times",
        ),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "tier_id"),
        Index(None, "vendor_id", "tier_until", postgresql_where=text("tier_until IS NOT NULL")),
        Index(None, "vendor_id", "program_id", "checked_at"),
    )

    program_id: Mapped[int] = mapped_column()
    customer_id: Mapped[int] = mapped_column()
    points: Mapped[int] = mapped_column(default=0, server_default="0")
    pending: Mapped[int] = mapped_column(default=0, server_default="0")
    tier_id: Mapped[int | None] = mapped_column()
    tier_since: Mapped[datetime | None]
    qualified_at: Mapped[datetime | None]
    tier_until: Mapped[datetime | None]
    checked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    program: Mapped[LoyaltyProgram] = relationship(foreign_keys=[program_id])
    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    tier: Mapped[LoyaltyTier | None] = relationship(foreign_keys=[tier_id])

    def __str__(self) -> str:
        return f"{self.points} points"


class LoyaltyLot(OwnedByVendor, Base):
    """Points that came together and expire together, and what was spent for them.

    `remaining`, `pending` and `spend` are sums of its entries: the database counts them, and the
    first two never fall below nothing. `steps` say why there are so many. The same `key` earns
    once.
    """

    __tablename__ = "loyalty_lots"
    __table_args__ = (
        same_vendor("account_id", "loyalty_accounts"),
        same_vendor("order_id", "orders"),
        same_vendor("booking_id", "bookings"),
        one_of("source", Source),
        *not_negative("granted", "remaining", "pending", "spend"),
        CheckConstraint("remaining + pending <= granted", name="no_more_than_was_granted"),
        Index(None, "vendor_id", "account_id", "earned_at"),
        Index(
            "ix_loyalty_lots_spendable", "vendor_id", "account_id", "expires_at",
            postgresql_where=text("remaining > 0"),
        ),
        Index(
            "ix_loyalty_lots_maturing", "vendor_id", "matures_at",
            postgresql_where=text("pending > 0"),
        ),
        Index(
            "ix_loyalty_lots_expiring", "vendor_id", "expires_at",
            postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
        ),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
        Index(
            "uq_loyalty_lots_vendor_id_key", "vendor_id", "key", unique=True,
            postgresql_where=text("key IS NOT NULL"),
        ),
    )  # fmt: skip

    account_id: Mapped[int] = mapped_column()
    source: Mapped[str]
    granted: Mapped[int]
    remaining: Mapped[int] = mapped_column(default=0, server_default="0")
    pending: Mapped[int] = mapped_column(default=0, server_default="0")
    spend: Mapped[Money] = mapped_column(default=0, server_default="0")
    earned_at: Mapped[datetime]
    matures_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    order_id: Mapped[int | None] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    steps: Mapped[list[Any] | None] = mapped_column(comment="why so many")
    key: Mapped[str | None]

    account: Mapped[LoyaltyAccount] = relationship(foreign_keys=[account_id])
    order: Mapped[Order | None] = relationship(foreign_keys=[order_id])
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])

    def __str__(self) -> str:
        return f"{self.granted} points"


class RewardRedemption(OwnedByVendor, Base):
    """A reward on an order: its points are held with the draft, and spent when it is placed.

    Points of a draft that nobody placed for long are free again: it has lapsed, and takes them
    anew when it is placed after all. `worth` is what it took off the order.
    """

    __tablename__ = "reward_redemptions"
    __table_args__ = (
        same_vendor("account_id", "loyalty_accounts"),
        same_vendor("reward_id", "rewards"),
        same_vendor("order_id", "orders"),
        one_of("status", RedemptionStatus),
        CheckConstraint("points > 0", name="points_are_positive"),
        *not_negative("worth"),
        Index(None, "vendor_id", "account_id", "held_at"),
        Index(None, "vendor_id", "reward_id", "status"),
        Index(None, "vendor_id", "order_id"),
        Index(
            "ix_reward_redemptions_held",
            "vendor_id",
            "held_at",
            postgresql_where=text("status = 'held'"),
        ),
    )

    account_id: Mapped[int] = mapped_column()
    reward_id: Mapped[int] = mapped_column()
    order_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=RedemptionStatus.HELD, server_default="held")
    points: Mapped[int]
    worth: Mapped[Money] = mapped_column(default=0, server_default="0")
    held_at: Mapped[datetime] = mapped_column(server_default=func.now())
    redeemed_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]

    account: Mapped[LoyaltyAccount] = relationship(foreign_keys=[account_id])
    reward: Mapped[Reward] = relationship(foreign_keys=[reward_id])
    order: Mapped[Order] = relationship(foreign_keys=[order_id])

    def __str__(self) -> str:
        return f"{self.reward} for {self.points} points"


class LoyaltyEntry(OwnedByVendor, Base):
    """A change of an account: points to spend, points that wait, spending; never changed.

    It belongs to a lot; what belongs to none is a debt, of points reversed after they were spent.
    """

    __tablename__ = "loyalty_entries"
    __table_args__ = (
        same_vendor("account_id", "loyalty_accounts"),
        same_vendor("lot_id", "loyalty_lots"),
        same_vendor("order_id", "orders"),
        same_vendor("booking_id", "bookings"),
        same_vendor("redemption_id", "reward_redemptions"),
        one_of("kind", EntryKind),
        CheckConstraint(_FITS, name="amounts_fit_the_kind"),
        Index(None, "vendor_id", "kind", "id"),
        Index(None, "vendor_id", "at"),
        Index(None, "vendor_id", "account_id", "at"),
        Index(None, "vendor_id", "lot_id", postgresql_where=text("lot_id IS NOT NULL")),
        Index(None, "vendor_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
        Index(
            None, "vendor_id", "redemption_id", postgresql_where=text("redemption_id IS NOT NULL")
        ),
    )

    account_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    points: Mapped[int] = mapped_column(default=0, server_default="0")
    pending: Mapped[int] = mapped_column(default=0, server_default="0")
    spend: Mapped[Money] = mapped_column(default=0, server_default="0")
    lot_id: Mapped[int | None] = mapped_column()
    order_id: Mapped[int | None] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    redemption_id: Mapped[int | None] = mapped_column()
    reason: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(server_default=ACTING_USER)
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    account: Mapped[LoyaltyAccount] = relationship(foreign_keys=[account_id])
    lot: Mapped[LoyaltyLot | None] = relationship(foreign_keys=[lot_id])
    order: Mapped[Order | None] = relationship(foreign_keys=[order_id])

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} of {abs(self.points or self.pending)} points"


class TierChange(OwnedByVendor, Base):
    """A tier that was reached, or lost, and what was spent in the window then; never changed."""

    __tablename__ = "tier_changes"
    __table_args__ = (
        same_vendor("account_id", "loyalty_accounts"),
        same_vendor("tier_id", "loyalty_tiers"),
        same_vendor("was_id", "loyalty_tiers"),
        one_of("why", TierWhy),
        Index(None, "vendor_id", "account_id", "at"),
        Index(None, "vendor_id", "tier_id", postgresql_where=text("tier_id IS NOT NULL")),
        Index(None, "vendor_id", "was_id", postgresql_where=text("was_id IS NOT NULL")),
    )

    account_id: Mapped[int] = mapped_column()
    tier_id: Mapped[int | None] = mapped_column()
    was_id: Mapped[int | None] = mapped_column()
    spend: Mapped[Money]
    why: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    account: Mapped[LoyaltyAccount] = relationship(foreign_keys=[account_id])
    tier: Mapped[LoyaltyTier | None] = relationship(foreign_keys=[tier_id])
    was: Mapped[LoyaltyTier | None] = relationship(foreign_keys=[was_id])
