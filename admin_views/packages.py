"""Packages on screen, as they are sold."""

from typing import Any

from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.category_filters import InCategory
from admin_views.filters import YesNo, of_vendor
from admin_views.forms import Amount, Check, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import SERVICES, TAX_CLASSES, categories_of
from admin_views.package_services import PAYS_FOR
from admin_views.parts import related_card
from models.categories import CategoryKind
from models.packages import Package


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
        service=Pick("For the service", SERVICES, hint="Empty: those its page names, else any"),
        category=Pick("Category", categories_of(CategoryKind.PACKAGE)),
        uses=Whole("Uses", low=1, high=1000, wanted=True),
        price=Amount("Price", wanted=True),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        valid_days=Whole("Valid, days", low=1, high=36_500, hint="Empty: without end"),
        is_active=Check("On offer"),
    )
    stays = "A package that somebody holds or bought stays: take it off offer instead."

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The services it is for, where it names several."""
        return {"related": [related_card(session, request, PAYS_FOR, record)]}


VIEWS = [PackageView]
