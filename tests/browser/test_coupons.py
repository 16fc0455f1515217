"""A coupon from its form to the till: written down, refused where it does not hold, sold with."""

from decimal import Decimal

from playwright.sync_api import expect
from sqlalchemy import select

from models.coupons import Coupon, CouponCode, CouponRedemption
from models.orders import Order
from tests import make
from tests.browser.calendar_day import MANAGER, STAFF, refused
from tests.browser.house import Running
from tests.browser.visiting import PHONE, Visit


def test_a_coupon_is_written_down_and_used_at_the_counter(
    visit: Visit, installation: Running
) -> None:
    n = make.number()
    with installation.at("alpha") as session:
        product = make.product(session, name=f"Balm{n}", variants=0)
        make.variant(session, product=product, price=Decimal("20.00"), barcode=f"570{n:05}")
    visitor = visit(MANAGER)
    page = visitor.page
    visitor.open("/admin/coupon/create")
    page.locator("input[name=name]").fill(f"Half {n}")
    page.locator("input[name=code]").fill(f"half-{n}")
    page.locator("input[name=value]").fill("110")
    picker = page.get_by_role("combobox", name="Thing").first
    picker.fill(f"Balm{n}")
    page.get_by_role("option", name=f"Balm{n}").first.click()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("at most 100 for percent").first).to_be_visible()
    expect(page.locator("input[name=code]")).to_have_value(f"half-{n}")
    visitor.check()
    page.locator("input[name=value]").fill("50")
    page.get_by_role("button", name="Save").first.click()
    visitor.toast(f"Half {n} saved.")
    expect(page.get_by_text(f"HALF-{n}")).to_be_visible()
    expect(page.locator(".kv, dl").get_by_text(f"Balm{n}").first).to_be_visible()
    visitor.check()

    till = visit(STAFF, PHONE, dark=True)
    page = till.page
    till.open("/admin/counter")
    keys = page.keyboard
    keys.type(f"570{n:05}")
    keys.press("Enter")
    total = page.locator("[data-pos-total]")
    expect(total).to_have_text("20.00")
    keys.press("F7")
    code = page.locator("#pos-code")
    expect(code).to_be_focused()
    keys.type(f"hälf-{n}")
    keys.press("Enter")
    said = page.locator("[data-pos-code-said]")
    expect(said).to_contain_text("There is no code")
    expect(code).to_have_value(f"hälf-{n}")
    expect(total).to_have_text("20.00")
    refused(till)
    till.check()
    till.shot("counter-code-refused")
    code.fill(f"half-{n}")
    keys.press("Enter")
    expect(total).to_have_text("10.00")
    expect(said).to_be_hidden()
    expect(page.locator("[data-pos-sums]")).to_contain_text(f"Half {n} (HALF-{n})")
    page.get_by_role("button", name=f"Remove code half-{n}").click()
    expect(total).to_have_text("20.00")
    code.fill(f" HALF-{n} ")
    keys.press("Enter")
    expect(total).to_have_text("10.00")
    till.check()
    keys.press("F8")
    expect(page.locator("[data-pos-parked]")).to_be_visible()
    page.locator("[data-pos-parked]").click()
    page.get_by_role("dialog", name="Parked sales").get_by_text(f"Balm{n}").click()
    expect(total).to_have_text("10.00")
    with installation.at("alpha") as session:
        coupon = session.scalars(select(Coupon).join(CouponCode, CouponCode.coupon_id == Coupon.id)
                                 .where(CouponCode.code == f"HALF-{n}")).one()  # fmt: skip
        assert (coupon.redeemed, coupon.held) == (0, 1)
        coupon_id = coupon.id
    keys.press("F9")
    keys.type("10")
    keys.press("Enter")
    expect(page.locator("[data-pos-done]")).to_contain_text("is done")
    with installation.at("alpha") as session:
        one = session.scalars(
            select(CouponRedemption).where(CouponRedemption.coupon_id == coupon_id)
        ).one()
        assert (one.status, one.amount) == ("redeemed", 10)
        order = session.get_one(Order, one.order_id)
        assert (order.total, order.payment_status) == (10, "paid")
    visitor.open(f"/admin/coupon/details/{coupon_id}")
    expect(visitor.page.locator(".bk-stats")).to_contain_text("10.00")
    expect(visitor.page.get_by_role("link", name=f"Order {order.number}")).to_be_visible()
    visitor.shot("coupon-used")
