"""The demo fills itself at any hour of any day, whatever is cheaper then."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.seeding import offers
from app.tenancy import acting, admin_actor, vendor_actor
from models.coupons import Coupon, CouponRedemption
from models.orders import Order, OrderStatus
from tests import make

TUESDAY, THURSDAY = (
    datetime(2026, 3, 10, 10, 30, tzinfo=UTC),
    datetime(2026, 3, 12, 10, 30, tzinfo=UTC),
)


@pytest.mark.parametrize(("now", "quiet"), [(TUESDAY, True), (THURSDAY, False)])
def test_its_sales_of_today_are_made_on_a_quiet_morning_too(
    db: Connection, now: datetime, quiet: bool
) -> None:
    with acting(vendor_actor(make.new_vendor(time_zone="UTC"))), begin() as session:
        vendor = make.service(session, kind="appointment", price=60).vendor_id
        make.variant(session)
        for _ in offers.SALES:
            make.customer(session)
    with acting(admin_actor()), clock.stopped_at(now), begin() as session:
        offers.lay_out(session, vendor)
        offers.make(session, vendor, now)
        sold = session.scalars(select(Order.status).where(Order.vendor_id == vendor)).all()
        used = select(Coupon.name).join(CouponRedemption, CouponRedemption.coupon_id == Coupon.id)
        names = session.scalars(used.where(Coupon.vendor_id == vendor)).all()
    assert sold == [OrderStatus.COMPLETED] * len(offers.SALES)
    assert names.count("Five off") == 2
    assert (names.count("Quiet mornings"), names.count("Thank you")) == (
        (4, 0) if quiet else (0, 2)
    )
