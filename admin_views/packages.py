"""Packages on screen, and what customers hold of them."""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, joinedload

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import InCategory, OneOf, Related, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import (
    ALL_PACKAGES,
    CUSTOMERS,
    PACKAGES,
    SERVICES,
    TAX_CLASSES,
    categories_of,
)
from admin_views.saving import Command
from app.operations import packages
from models.categories import CategoryKind
from models.packages import HoldingStatus, Package, PackageHolding
from models.words import Channel


class PackageView(HouseView, model=Package):
    """Prepaid uses, as they are sold."""

    name, name_plural, icon, category = "Package", "Packages", "ti ti-box-multiple", "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "For", value=lambda p: p.service.name if p.service else "any service"),
        Col("category", "Category", value=lambda p: p.category and p.category.name),
        Col("uses", "Uses", "number", numeric=True),
        Col("valid_days", "Valid, days", "number", numeric=True),
        Col("price", "Price", "money", numeric=True),
        Col("is_active", "On offer", "bool"),
    )
    sorts = declared(name=Sort(Package.name), newest=Sort(Package.id, descending=True))
    searched = (Package.name,)
    filters = (
        of_vendor(Package.vendor_id),
        InCategory(
            "category", "Category", Package.category_id, icon="sitemap", of=CategoryKind.PACKAGE
        ),
        YesNo("active", "On offer", Package.is_active),
    )
    loads = (joinedload(Package.service), joinedload(Package.category))
    details = (
        (
            "Package",
            (
                Col("service", "For", value=lambda p: p.service.name if p.service else "any"),
                Col("category", "Category", value=lambda p: p.category and p.category.name),
                Col("uses", "Uses", "number"),
                Col("valid_days", "Valid, days", "number"),
                Col("price", "Price", "money"),
                Col("is_active", "On offer"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        service=Pick("For the service", SERVICES, hint="Empty: any service"),
        category=Pick("Category", categories_of(CategoryKind.PACKAGE)),
        uses=Whole("Uses", low=1, high=1000, wanted=True),
        price=Amount("Price", wanted=True),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        valid_days=Whole("Valid, days", low=1, high=36_500, hint="Empty: without end"),
        is_active=Check("On offer"),
    )
    stays = "A package that somebody holds or bought stays: take it off offer instead."


class HoldingView(HouseView, model=PackageHolding):
    """Packages in customers' hands."""

    name, name_plural, icon = "Package held", "Packages held", "ti ti-ticket"
    category, status_kind = "Sales", "holding"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda h: h.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("package", "Package", value=lambda h: h.package.name),
        Col("status", "Status", "pill", pill_kind="holding", css="c-status"),
        Col("uses_left", "Left", numeric=True, value=lambda h: f"{h.uses_left} of {h.uses}"),
        Col("bought_at", "Since", "day", sort="newest"),
        Col("expires_at", "Until", "day", value=lambda h: h.expires_at),
    )
    sorts = declared(newest=Sort(PackageHolding.id, descending=True))
    search_hint = "Search customer"
    filters = (
        OneOf("status", "Status", PackageHolding.status, icon="circle-dot", words=HoldingStatus),
        of_vendor(PackageHolding.vendor_id),
        Related("package", "Package", PackageHolding.package_id, lookup=ALL_PACKAGES),
        Related("customer", "Customer", PackageHolding.customer_id, lookup=CUSTOMERS, open=False),
    )
    loads = (joinedload(PackageHolding.customer), joinedload(PackageHolding.package))
    details = (
        (
            "Package",
            (
                Col("customer", "Customer", value=lambda h: link_to("customer", h.customer)),
                Col("package", "Package", value=lambda h: h.package.name),
                Col("uses_left", "Left", value=lambda h: f"{h.uses_left} of {h.uses}"),
                Col("bought_at", "Since", "moment"),
                Col("expires_at", "Until", "moment"),
                Col("channel", "Channel", "word"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        package=Pick("Package", PACKAGES, wanted=True),
        channel=Choice("Channel", Channel, wanted=True, default=Channel.WALK_IN),
    )
    creates_with = staticmethod(packages.hand_out)
    commands = (
        Command(
            "cancel", "Take back",
            lambda session, number: packages.cancel(session, holding_id=number),
            lambda holding: holding.status == HoldingStatus.ACTIVE,
            "The package is taken back.", icon="circle-x", danger=True, action="use",
            ask=("Take this package back?", "What was bought stays in the customer's history."),
        ),
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Ten cuts of Ana Alves."""
        return f"{record.package.name} of {record.customer.name}"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        return rows.where(PackageHolding.customer_id.in_(customer_ids(session, term)))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The vendor is the customer's."""
        return {n: f for n, f in super().form_fields(record).items() if n != "vendor"}


VIEWS = [PackageView, HoldingView]
