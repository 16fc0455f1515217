"""Customers' interests on screen: who has bought what; written by operations, read only."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import declared
from admin_views.category_filters import OfCategory
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, of_vendor
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_PACKAGES, ALL_PLANS, ALL_PRODUCTS, ALL_SERVICES
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.rendering import word
from models.interests import CustomerInterest
from models.words import InterestKind
from reports.customer_figures import item_names

SERVICE_KINDS = (
    InterestKind.APPOINTMENT, InterestKind.CLASS, InterestKind.LAB_TEST, InterestKind.STAY,
)  # fmt: skip
PAGES = {
    **dict.fromkeys(SERVICE_KINDS, "service"),
    InterestKind.PRODUCT: "product",
    InterestKind.PACKAGE: "package",
    InterestKind.MEMBERSHIP: "membership-plan",
}
GONE = "No longer sold"
WRITTEN_BY = "They follow completed bookings and delivered orders; nobody types them."


@dataclass(frozen=True)
class Bought(Related):
    """Some items of some kinds, searched; `model` has a `kind` and an `item_id`."""

    kinds: tuple[InterestKind, ...] = ()
    model: Any = CustomerInterest

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        return statement.where(self.model.kind.in_(self.kinds), self.model.item_id.in_(values))


class InterestView(OfCustomersView, model=CustomerInterest):
    """What customers buy, how often, and when last."""

    name, name_plural, icon = "Interest", "Interests", "ti ti-heart"
    category, hint = "Customers", WRITTEN_BY
    can_create = can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda i: i.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("item", "What"),
        Col("kind", "Kind", value=lambda i: InterestKind(i.kind), optional=True),
        Col("category", "Category", value=lambda i: i.category and i.category.name),
        Col("times", "Times", "number", numeric=True),
        Col("spent", "Spent", "money", numeric=True),
        Col("last_at", "Last", "ago"),
    )
    sorts = declared(newest=Sort(CustomerInterest.id, descending=True))
    filters = (
        OneOf("kind", "Kind", CustomerInterest.kind, icon="category", words=InterestKind),
        OfCategory("category", "Category", CustomerInterest.category_id),
        Bought("service", "Service", icon="cut", lookup=ALL_SERVICES, kinds=SERVICE_KINDS),
        of_vendor(CustomerInterest.vendor_id),
        OfCustomer("customer", "Customer", CustomerInterest),
        Bought(
            "product", "Product", icon="package", lookup=ALL_PRODUCTS,
            kinds=(InterestKind.PRODUCT,), open=False,
        ),
        Bought(
            "package", "Package", icon="box-multiple", lookup=ALL_PACKAGES,
            kinds=(InterestKind.PACKAGE,), open=False,
        ),
        Bought(
            "plan", "Membership", icon="id", lookup=ALL_PLANS,
            kinds=(InterestKind.MEMBERSHIP,), open=False,
        ),
    )  # fmt: skip
    loads = (joinedload(CustomerInterest.customer), joinedload(CustomerInterest.category))
    details = (
        (
            "Interest",
            (
                Col("customer", "Customer", value=lambda i: link_to("customer", i.customer)),
                Col("kind", "Kind", "word"),
                Col("category", "Category", value=lambda i: i.category and i.category.name),
                Col("times", "Times", "number"),
                Col("spent", "Spent", "money"),
                Col("last_at", "Last", "moment"),
            ),
        ),
    )
    empty = declared(
        icon="heart",
        title="No interests yet",
        text="They appear with the first completed booking or delivered order.",
    )

    def title_of(self, record: Any) -> str:
        """Appointment of Ana Alves."""
        return f"{word(record.kind)} of {record.customer.name}"

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows with what was bought."""
        drawn = super().drawn_rows(session, request, records)
        names = item_names(session, records)
        for row, record in zip(drawn, records, strict=True):
            row["cells"]["item"] = names.get((record.kind, record.item_id), GONE)
        return drawn

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What it is, and the way there."""
        name = item_names(session, [record]).get((record.kind, record.item_id))
        url = f"/admin/{PAGES[InterestKind(record.kind)]}/details/{record.item_id}"
        every = self.list_url(request, record.customer_id)
        return {
            "page_title": f"{name or GONE}: {record.customer.name}",
            "page_hint": WRITTEN_BY,
            "buttons": [{"title": "All of this customer", "url": every, "icon": "heart"}],
            "related": [
                {
                    "title": "What was bought",
                    "rows": [{"title": name, "url": url}] if name else [],
                    "empty": GONE,
                }
            ],
        }

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: bookings and orders tell it."""
        return []


VIEWS = [InterestView]
