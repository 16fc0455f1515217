"""Figures of what keeps customers: coupons, points, memberships, packages, messages.

Shadows of their ledgers by day, week and month, as those of sales are (`models.figures`);
`app.operations.ledger_days` says what each number means.
"""

from sqlalchemy import CheckConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.base import one_of
from models.customers import ConsentPurpose
from models.figures import Figures, Grain, Sum
from models.messages import MessageChannel
from models.words import Channel


class CouponFigures(Figures):
    """Orders with a coupon; of `coupon_id` 0 those with any, beside all the `others`.

    `taken_off` is what the coupon took off, `borne` the part of it that the marketplace bears,
    `brought` what the orders came to, with tax.
    """

    __tablename__ = "coupon_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    coupon_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int] = mapped_column(Integer)
    taken_off: Mapped[Sum]
    borne: Mapped[Sum]
    brought: Mapped[Sum]
    others: Mapped[int] = mapped_column(Integer)
    brought_by_others: Mapped[Sum]


class PointFigures(Figures):
    """Points of a programme: what came, went, and is waiting (`waiting` is its change)."""

    __tablename__ = "point_figures"
    __table_args__ = (one_of("grain", Grain), Index(None, "grain", "starts_on"))

    program_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    earned: Mapped[int]
    redeemed: Mapped[int]
    expired: Mapped[int]
    taken_back: Mapped[int]
    given: Mapped[int]
    waiting: Mapped[int]


class MembershipFigures(Figures):
    """Memberships of a plan that began, and that ended."""

    __tablename__ = "membership_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    joined: Mapped[int] = mapped_column(Integer)
    ended: Mapped[int] = mapped_column(Integer)


class PackageFigures(Figures):
    """Packages handed out and what became of their uses; `deferred` is the change of what is owed.

    What was given back counts against what it had been: a use that was restored is one used less.
    """

    __tablename__ = "package_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    package_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    sold: Mapped[int] = mapped_column(Integer)
    granted: Mapped[int] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer)
    forfeited: Mapped[int] = mapped_column(Integer)
    expired: Mapped[int] = mapped_column(Integer)
    refunded: Mapped[int] = mapped_column(Integer)
    deferred: Mapped[Sum]


class MessageFigures(Figures):
    """Messages by the way they went, what for, and the rule that spoke; answers stand alone.

    `event` is empty for what somebody wrote by hand, `rule_id` 0 for what no rule sent. `asked`
    are reminders and offers that went out to somebody known, `came` those of them after which the
    customer came, `came_before` those before which the same customer had.
    """

    __tablename__ = "message_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("way", MessageChannel),
        one_of("purpose", ConsentPurpose),
        CheckConstraint("came <= asked AND came_before <= asked", name="who_came_was_asked"),
        Index(None, "grain", "starts_on"),
    )

    way: Mapped[str] = mapped_column(primary_key=True, comment="the channel of messages")
    purpose: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sent: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    held_back: Mapped[int] = mapped_column(Integer)
    received: Mapped[int] = mapped_column(Integer)
    answered: Mapped[int] = mapped_column(Integer)
    asked: Mapped[int] = mapped_column(Integer)
    came: Mapped[int] = mapped_column(Integer)
    came_before: Mapped[int] = mapped_column(Integer)


class AttachFigures(Figures):
    """Orders with a service, and how many of them had a product as well."""

    __tablename__ = "attach_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    service_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int] = mapped_column(Integer)
    with_product: Mapped[int] = mapped_column(Integer)
