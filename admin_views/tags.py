"""Tags on screen."""

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Text
from admin_views.lists import Col, Sort
from models.tags import Tag


class TagView(HouseView, model=Tag):
    """A vendor's own words for customers."""

    name, name_plural, icon, category = "Tag", "Tags", "ti ti-tag", "Customers"
    columns = (
        Col("name", "Tag", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("created_at", "Made", "day", sort="newest"),
    )
    sorts = declared(name=Sort(Tag.name), newest=Sort(Tag.id, descending=True))
    searched = (Tag.name,)
    filters = (of_vendor(Tag.vendor_id),)
    details = (("Tag", (Col("name", "Tag"), Col("created_at", "Made", "moment"))),)
    fields = declared(
        name=Text("Tag", wanted=True, longest=40, lower=True, hint="One word or a few")
    )
    stays = "It must be taken off its customers first; the trail of changes stays."


VIEWS = [TagView]
