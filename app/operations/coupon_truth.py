"""How often coupons and codes are used: triggers count it, and here it is proved that they do."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.operations.places import Misplaced
from models.coupons import Coupon, CouponCode, CouponRedemption, RedemptionStatus

_KEPT: tuple[tuple[str, Any, str], ...] = (
    ("coupon", Coupon, "coupon_id"),
    ("code", CouponCode, "code_id"),
)
_COUNTED = (("redeemed", RedemptionStatus.REDEEMED), ("held", RedemptionStatus.HELD))


def drift(session: Session, *, limit: int = 1000) -> list[Misplaced]:
    """Every count that differs from the redemptions themselves, at most `limit` rows of a noun.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # what is not yet written would look like drift
    return [
        one for noun, model, key in _KEPT for one in _differing(session, noun, model, key, limit)
    ]


def _differing(session: Session, noun: str, model: Any, key: str, limit: int) -> list[Misplaced]:
    true = _true(key).subquery("truth")
    pairs = [(name, getattr(model, name), func.coalesce(true.c[name], 0)) for name, _ in _COUNTED]
    same = and_(true.c.vendor_id == model.vendor_id, true.c[key] == model.id)
    query = (
        select(model.id, *(column for _, *both in pairs for column in both))
        .outerjoin(true, same)
        .where(or_(*(kept != told for _, kept, told in pairs)))
        .order_by(model.id)
        .limit(limit)
    )
    return [
        Misplaced(noun, row[0], name, row[1 + 2 * n], row[2 + 2 * n])
        for row in session.execute(query)
        for n, (name, *_) in enumerate(pairs)
        if row[1 + 2 * n] != row[2 + 2 * n]
    ]


def _true(key: str) -> Select[Any]:
    column = getattr(CouponRedemption, key)
    counts = [
        func.count().filter(CouponRedemption.status == status).label(name)
        for name, status in _COUNTED
    ]
    return (
        select(CouponRedemption.vendor_id, column, *counts)
        .where(column.is_not(None))
        .group_by(CouponRedemption.vendor_id, column)
    )
