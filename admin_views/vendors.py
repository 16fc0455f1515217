"""Vendors on screen: the marketplace opens and suspends them, a manager keeps the contact."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf
from admin_views.forms import Address, Check, Choice, Email, Phone, Pick, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.lookups import COUNTRIES, ZONES
from admin_views.places import country_name
from admin_views.saving import Command
from app.operations.moves import locked
from app.tenancy import DatabaseRole, current_actor
from models.vendors import Vendor, VendorKind, VendorStatus

BOOKS = ("legal_name", "tax_number", "street", "postal_code", "region", "prices_include_tax")
OWN = ("name", "time_zone", "city", "email", "phone", *BOOKS)


def _by_admin(*statuses: VendorStatus) -> Any:
    def when(vendor: Vendor) -> bool:
        return current_actor().role is DatabaseRole.ADMIN and vendor.status in statuses

    return when


def _set(status: VendorStatus) -> Any:
    def run(session: Session, number: int) -> None:
        locked(session, Vendor, number).status = status

    return run


class VendorView(HouseView, model=Vendor):
    """Who sells on the marketplace."""

    name, name_plural, icon = "Vendor", "Vendors", "ti ti-building-store"
    category, menu_key = "Vendors", "v"
    can_delete = False
    columns = (
        Col("name", "Name", sort="name"),
        Col("kind", "Kind", value=lambda v: VendorKind(v.kind)),
        Col("status", "Status", "pill", css="c-status"),
        Col("city", "City"),
        Col("country", "Country", value=lambda v: country_name(v.country)),
        Col("time_zone", "Time zone", optional=True),
        Col("created_at", "Since", "day", sort="newest"),
    )
    sorts = declared(name=Sort(Vendor.name), newest=Sort(Vendor.id, descending=True))
    searched = (Vendor.name, Vendor.slug, Vendor.city)
    search_hint = "Search name, address or city"
    filters = (
        OneOf("status", "Status", Vendor.status, icon="circle-dot", words=VendorStatus),
        OneOf("kind", "Kind", Vendor.kind, icon="category", words=VendorKind),
        OneOf(
            "country", "Country", Vendor.country, icon="map-pin", open=False,
            words=tuple(COUNTRIES.pairs()),
        ),
    )  # fmt: skip
    details = (
        (
            "Business",
            (
                Col("slug", "Address"),
                Col("kind", "Kind", "word"),
                Col("country", "Country", "country"),
                Col("time_zone", "Time zone", "zone"),
                Col("created_at", "Since", "day"),
            ),
        ),
        ("Contact", (Col("city", "City"), Col("phone", "Phone", "phone"), Col("email", "E-mail"))),
        (
            "Receipts and taxes",
            (
                Col("legal_name", "Name on receipts"),
                Col("tax_number", "Tax number"),
                Col("street", "Street"),
                Col("postal_code", "Postal code"),
                Col("region", "Region"),
                Col("prices_include_tax", "Prices include tax"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        slug=Address("Address", wanted=True, hint="Stands in links; small letters and dashes"),
        kind=Choice("Kind", VendorKind, wanted=True, default=VendorKind.OTHER),
        country=Pick("Country", COUNTRIES, wanted=True, hint="Phone numbers are read in it"),
        time_zone=Pick("Time zone", ZONES, wanted=True, hint="Opening hours are in its time"),
        city=Text("City"),
        phone=Phone("Phone"),
        email=Email("E-mail"),
        legal_name=Text("Name on receipts", hint="Empty: the name above"),
        tax_number=Text("Tax number", longest=40),
        street=Text("Street and number"),
        postal_code=Text("Postal code", longest=20),
        region=Text("Region", longest=80, hint="Where taxes differ within the country"),
        prices_include_tax=Check("Prices include tax"),
    )
    form_sections = (
        ("Business", ("name", "slug", "kind", "country", "time_zone")),
        ("Contact", ("city", "phone", "email")),
        ("Receipts and taxes", BOOKS),
    )
    commands = (
        Command(
            "suspend", "Suspend", _set(VendorStatus.SUSPENDED), _by_admin(VendorStatus.ACTIVE),
            "The vendor is suspended.", icon="ban", danger=True, action="edit",
            ask=(
                "Suspend this vendor?",
                "Its people can no longer sign in; nothing is deleted, and it can be opened again.",
            ),
        ),
        Command(
            "close", "Close", _set(VendorStatus.CLOSED), _by_admin(VendorStatus.SUSPENDED),
            "The vendor is closed.", icon="archive", danger=True, action="edit",
            ask=("Close this vendor?", "Its records stay; it can be opened again."),
        ),
        Command(
            "reopen", "Open again", _set(VendorStatus.ACTIVE),
            _by_admin(VendorStatus.SUSPENDED, VendorStatus.CLOSED),
            "The vendor is open again.", icon="refresh", action="edit",
        ),
    )  # fmt: skip

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """A vendor's own people change the contact; address, kind and country are the house's."""
        fields = super().form_fields(record)
        if current_actor().role is DatabaseRole.VENDOR:
            return {n: f for n, f in fields.items() if n in OWN}
        return fields

    def context_of(self, context: Saving, data: Mapping[str, Any]) -> Saving:
        """Its phone is read in the country that the form names."""
        return replace(context, country=str(data.get("country") or context.country))


VIEWS = [VendorView]
