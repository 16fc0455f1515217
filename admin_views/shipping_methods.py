"""Ways of sending and collecting on screen."""

from typing import Any

from sqlalchemy.orm import joinedload

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Pick, Text
from admin_views.lists import Col, Sort
from admin_views.lookups import TAX_CLASSES
from models.shipping import ShippingKind, ShippingMethod


def _class(method: Any) -> str:
    return str(method.tax_class) if method.tax_class else "the usual"


class ShippingView(HouseView, model=ShippingMethod):
    """How goods reach the customer, and what that costs."""

    name, name_plural = "Way of sending", "Shipping"
    icon, category, noun = "ti ti-truck-delivery", "Catalogue", "way of sending"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("kind", "Kind", value=lambda m: ShippingKind(m.kind)),
        Col("price", "Price", "money", numeric=True),
        Col("free_from", "Free from", "money", numeric=True),
        Col("is_active", "On offer", "bool"),
    )
    sorts = declared(name=Sort(ShippingMethod.name), newest=Sort(ShippingMethod.id, True))
    searched = (ShippingMethod.name,)
    filters = (
        of_vendor(ShippingMethod.vendor_id),
        OneOf("kind", "Kind", ShippingMethod.kind, icon="truck-delivery", words=ShippingKind),
        YesNo("active", "On offer", ShippingMethod.is_active),
    )
    loads = (joinedload(ShippingMethod.tax_class),)
    details = (
        (
            "Way of sending",
            (
                Col("kind", "Kind", "word"),
                Col("price", "Price", "money"),
                Col("free_from", "Free from", "money"),
                Col("tax_class", "Tax class", value=_class),
                Col("note", "Told to the customer"),
                Col("is_active", "On offer"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=80, hint="Such as Courier, or Collect in the shop"),
        kind=Choice("Kind", ShippingKind, wanted=True, default=ShippingKind.DELIVERY),
        price=Amount("Price", wanted=True),
        free_from=Amount("Free from", hint="Goods of this much travel for nothing"),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        note=Text("Told to the customer", hint="Such as: two to three working days"),
        is_active=Check("On offer"),
    )
    stays = "Orders that were sent this way stay: take it off offer instead."
    empty = declared(
        icon="truck-delivery", title="No ways of sending yet",
        text="Say what sending costs, and from which total on it is free.",
    )  # fmt: skip


VIEWS = [ShippingView]
