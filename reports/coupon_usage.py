"""What became of a coupon: how often it was used, what it took off, what its sales brought."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from models.coupons import Coupon, CouponRedemption, RedemptionStatus
from models.orders import Order, OrderStatus

WINDOW = timedelta(days=90)
"""Sales with and without it are compared over this time, up to now."""
SOLD = (OrderStatus.PLACED, OrderStatus.FULFILLED, OrderStatus.COMPLETED)


@dataclass(frozen=True, slots=True)
class Used:
    """All that was ever redeemed and stands, what is held by drafts, what was given up or back."""

    redeemed: int
    held: int
    undone: int
    taken_off: Decimal
    borne: Decimal


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales of a channel with the coupon and without; money after discounts and refunds."""

    channel: str
    uses: int
    taken_off: Decimal
    brought: Decimal
    others: int
    brought_by_others: Decimal


def used(session: Session, coupon: Coupon) -> Used:
    """The figures of a coupon over all its time."""
    counts = {
        status: func.count().filter(CouponRedemption.status == status)
        for status in RedemptionStatus
    }
    stands = CouponRedemption.status == RedemptionStatus.REDEEMED
    row = session.execute(
        select(
            counts[RedemptionStatus.REDEEMED],
            counts[RedemptionStatus.HELD],
            counts[RedemptionStatus.REVERSED],
            func.coalesce(func.sum(CouponRedemption.amount).filter(stands), 0),
            func.coalesce(func.sum(CouponRedemption.marketplace_amount).filter(stands), 0),
        ).where(*_of(coupon))
    ).one()
    return Used(*row)


def by_channel(session: Session, coupon: Coupon, *, now: datetime) -> list[Sales]:
    """Its sales and all others of the vendor, by channel, over the last `WINDOW` it was running."""
    until = min(coupon.ends_at or now, now)
    since = max(coupon.starts_at or coupon.created_at, until - WINDOW)
    redeemed = (
        select(CouponRedemption.order_id, CouponRedemption.amount)
        .where(*_of(coupon), CouponRedemption.status == RedemptionStatus.REDEEMED)
        .subquery("redeemed")
    )
    brought = Order.total - Order.given_back
    uses = redeemed.c.order_id.is_not(None)
    rows = session.execute(
        select(
            Order.channel,
            func.count().filter(uses),
            func.coalesce(func.sum(redeemed.c.amount), 0),
            func.coalesce(func.sum(brought).filter(uses), 0),
            func.count().filter(~uses),
            func.coalesce(func.sum(brought).filter(~uses), 0),
        )
        .outerjoin(redeemed, redeemed.c.order_id == Order.id)
        .where(
            and_(
                Order.vendor_id == coupon.vendor_id, Order.placed_at >= since,
                Order.placed_at <= until, Order.status.in_(SOLD),
            )
        )
        .group_by(Order.channel)
        .order_by(Order.channel)
    )  # fmt: skip
    return [Sales(*row) for row in rows]


def _of(coupon: Coupon) -> tuple[ColumnElement[bool], ...]:
    return (
        CouponRedemption.vendor_id == coupon.vendor_id, CouponRedemption.coupon_id == coupon.id,
    )  # fmt: skip
