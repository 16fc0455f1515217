"""Coupons, their codes, and what was redeemed."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.coupons import CodeBatch, Coupon, CouponCode, CouponRedemption, CouponTarget
from models.orders import Order
from tests.make.rows import NOON, number, of_vendor, saved


def coupon(session: Session, *, code: str | None = "", **fields: Any) -> Coupon:
    """Ten percent off anything, under a code; under none with `code=None`, so by itself."""
    n = number()
    values = {"name": f"Coupon {n}", "value": Decimal("10.00"), "needs_code": code is not None}
    made = saved(session, Coupon(**values | fields))
    if code is not None:
        coupon_code(session, coupon=made, code=code or f"CODE{n}")
    return made


def coupon_code(session: Session, *, coupon: Coupon, **fields: Any) -> CouponCode:
    values = {"code": f"CODE{number()}", "coupon_id": coupon.id}
    return saved(session, CouponCode(**values | of_vendor(fields, coupon)))


def coupon_target(session: Session, *, coupon: Coupon, **fields: Any) -> CouponTarget:
    """What a coupon is about: `service_id=`, `variant_id=`, `product_id=` or `category_id=`."""
    return saved(session, CouponTarget(coupon_id=coupon.id, **of_vendor(fields, coupon)))


def code_batch(session: Session, *, coupon: Coupon, **fields: Any) -> CodeBatch:
    return saved(
        session, CodeBatch(**{"coupon_id": coupon.id, "wanted": 10} | of_vendor(fields, coupon))
    )


def coupon_redemption(session: Session, *, coupon: Coupon, order: Order, **fields: Any) -> Any:
    values = {"coupon_id": coupon.id, "order_id": order.id, "amount": Decimal("1.00"),
              "status": "redeemed", "redeemed_at": NOON}  # fmt: skip
    return saved(session, CouponRedemption(**values | of_vendor(fields, order)))
