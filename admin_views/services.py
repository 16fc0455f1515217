"""Services on screen."""

from sqlalchemy.orm import joinedload

from admin_views.base import HouseView, declared
from admin_views.filters import InCategory, OneOf, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Note, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import categories_of
from models.categories import CategoryKind
from models.services import Service, ServiceKind

A_DAY = 24 * 60
A_YEAR = 366 * A_DAY


class ServiceView(HouseView, model=Service):
    """What a vendor does for customers."""

    name, name_plural, icon, category = "Service", "Services", "ti ti-sparkles", "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("kind", "Kind", value=lambda s: ServiceKind(s.kind)),
        Col("category", "Category", value=lambda s: s.category and s.category.name),
        Col("duration_minutes", "Minutes", "number", numeric=True),
        Col("price", "Price", "money", numeric=True),
        Col("is_active", "On offer", "bool"),
    )
    sorts = declared(name=Sort(Service.name), newest=Sort(Service.id, descending=True))
    searched = (Service.name,)
    filters = (
        of_vendor(Service.vendor_id),
        OneOf("kind", "Kind", Service.kind, icon="category", words=ServiceKind),
        InCategory("category", "Category", Service.category_id, icon="sitemap"),
        YesNo("active", "On offer", Service.is_active, open=False),
    )
    loads = (joinedload(Service.category),)
    details = (
        (
            "Service",
            (
                Col("kind", "Kind", "word"),
                Col("category", "Category", value=lambda s: s.category and s.category.name),
                Col("price", "Price", "money"),
                Col("duration_minutes", "Lasts", "minutes"),
                Col("buffer_before_minutes", "Kept free before", "minutes"),
                Col("buffer_after_minutes", "Kept free after", "minutes"),
                Col("capacity", "Places", "number"),
                Col("is_active", "On offer"),
                Col("description", "Description"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        kind=Choice("Kind", ServiceKind, wanted=True, default=ServiceKind.APPOINTMENT),
        category=Pick("Category", categories_of(CategoryKind.SERVICE)),
        price=Amount("Price", wanted=True),
        duration_minutes=Whole("Minutes it lasts", low=1, high=A_YEAR, wanted=True, default=60),
        buffer_before_minutes=Whole("Minutes kept free before", high=A_DAY, wanted=True, default=0),
        buffer_after_minutes=Whole("Minutes kept free after", high=A_DAY, wanted=True, default=0),
        capacity=Whole("Places", low=1, high=10_000, wanted=True, default=1),
        is_active=Check("On offer"),
        description=Note("Description"),
    )
    form_sections = (
        ("Service", ("name", "kind", "category", "price", "is_active")),
        ("Time", ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "capacity")),
        ("Words", ("description",)),
    )
    stays = "A service that was booked or sold stays: take it off offer instead."


VIEWS = [ServiceView]
