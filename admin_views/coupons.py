"""Coupons on screen."""

from decimal import Decimal

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Code, Text, WallTime, Whole
from admin_views.lists import Col, Sort
from admin_views.rendering import money, number
from models.coupons import Coupon, CouponKind


def worth(coupon: Coupon) -> str:
    """15 %, or 5.00."""
    if coupon.kind == CouponKind.PERCENT:
        return f"{number(Decimal(coupon.value).normalize())} %"
    return money(coupon.value)


class CouponView(HouseView, model=Coupon):
    """Offers under a code."""

    name, name_plural, icon, category = "Coupon", "Coupons", "ti ti-discount", "Catalogue"
    columns = (
        Col("code", "Code", sort="code"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("name", "Name"),
        Col("value", "Worth", value=worth, numeric=True),
        Col("starts_at", "From", "moment"),
        Col("ends_at", "Until", "moment"),
        Col("is_active", "Valid", "bool"),
    )
    sorts = declared(newest=Sort(Coupon.id, descending=True), code=Sort(Coupon.code))
    searched = (Coupon.code, Coupon.name)
    filters = (
        of_vendor(Coupon.vendor_id),
        OneOf("kind", "Kind", Coupon.kind, icon="category", words=CouponKind),
        YesNo("active", "Valid", Coupon.is_active),
    )
    details = (
        (
            "Coupon",
            (
                Col("name", "Name"),
                Col("value", "Worth", value=worth),
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("max_redemptions", "Can be used", "number"),
                Col("is_active", "Valid"),
            ),
        ),
    )
    fields = declared(
        code=Code("Code", wanted=True, longest=40, hint="Kept in capitals"),
        name=Text("Name", wanted=True, longest=120),
        kind=Choice("Kind", CouponKind, wanted=True, default=CouponKind.PERCENT),
        value=Amount("Value", wanted=True, decimals=2, hint="Percent, or an amount of money"),
        starts_at=WallTime("From", hint="Empty: at once"),
        ends_at=WallTime("Until", hint="Empty: without end"),
        max_redemptions=Whole("Times it can be used", low=1, high=10_000_000),
        is_active=Check("Valid"),
    )


VIEWS = [CouponView]
