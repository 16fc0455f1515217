"""Usage on screen: how often customers come and buy, when that is expected again, who is late."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Usually, of_vendor
from admin_views.interests import GONE, PAGES, SERVICE_KINDS, Bought
from admin_views.lists import Address, Col, Sort
from admin_views.lookups import ALL_PRODUCTS, ALL_SERVICES
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.rendering import day, plural, word
from app import clock
from models.customers import Customer
from models.usages import Usage, UsageKind, UsageSource
from models.words import InterestKind
from reports.customer_figures import item_names

SOON, LOST = timedelta(days=7), timedelta(days=183)
KEPT_BY = (
    "Every how many days: the middle one of the customer's own gaps, else how long the product"
    " lasts; late from the day after the next one is expected"
)
SOURCES = {
    UsageSource.PERSONAL: "the customer's own rhythm",
    UsageSource.PRODUCT: "how long the product lasts",
}
A_VISIT = "A visit"


def today() -> date:
    """The day by the clock of the house; a vendor's own may be a few hours on or back."""
    return clock.now().date()


def every(usage: Any) -> str | None:
    """30 days."""
    return plural(usage.interval_days, "day") if usage.interval_days else None


def late(usage: Any) -> str | None:
    """Since when they are late, in days; None if they are not."""
    if usage.next_on is None or usage.next_on >= today():
        return None
    return plural((today() - usage.next_on).days, "day")


def state(usage: Any) -> str | None:
    """Late, due soon, or neither."""
    if usage.next_on is None:
        return None
    if usage.next_on < today():
        return "late"
    return "due_soon" if usage.next_on <= today() + SOON else None


def _late() -> Any:
    return and_(Usage.next_on < today(), Usage.next_on >= today() - LOST)


def _lost() -> Any:
    return Usage.next_on < today() - LOST


def _due() -> Any:
    return and_(Usage.next_on >= today(), Usage.next_on <= today() + SOON)


class UsageView(OfCustomersView, model=Usage):
    """Who uses what how often."""

    name, name_plural, icon = "Usage", "Usage", "ti ti-repeat"
    category, hint, status_kind = "Customers", KEPT_BY, "usage"
    can_create = can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda u: u.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("item", "What"),
        Col("times", "Days", "number", numeric=True),
        Col("last_on", "Last", "day"),
        Col("interval_days", "Every", value=every),
        Col("next_on", "Next expected", "day", sort="expected"),
        Col("late", "Late since", value=late),
        Col("status", "Status", "pill", pill_kind="usage", css="c-status", value=state),
    )
    sorts = declared(
        recent=Sort(Usage.next_on, descending=True), expected=Sort(Usage.next_on),
        newest=Sort(Usage.id, descending=True),
    )  # fmt: skip
    filters = (
        Usually(
            "state", "Status", icon="clock", unless=("customer",),
            conditions=(
                ("late", "Late", _late), ("due", "Due within a week", _due),
                ("lost", "Late for over half a year", _lost),
            ),
        ),
        OneOf("kind", "Kind", Usage.kind, icon="category", words=UsageKind),
        Bought("service", "Service", icon="cut", lookup=ALL_SERVICES, kinds=SERVICE_KINDS,
               model=Usage),
        Bought("product", "Product", icon="package", lookup=ALL_PRODUCTS,
               kinds=(InterestKind.PRODUCT,), model=Usage),
        of_vendor(Usage.vendor_id),
        OfCustomer("customer", "Customer", Usage),
    )  # fmt: skip
    loads = (joinedload(Usage.customer),)
    details = (
        (
            "Usage",
            (
                Col("customer", "Customer", value=lambda u: link_to("customer", u.customer)),
                Col("kind", "Kind", "word"),
                Col("times", "Days on which it was used", "number"),
                Col("first_on", "First", "day"),
                Col("last_on", "Last", "day"),
                Col("interval_days", "Every", value=every),
                Col("source", "Taken from", value=lambda u: u.source and SOURCES[u.source]),
                Col("next_on", "Next expected", "day"),
                Col("late", "Late since", value=late),
            ),
        ),
    )
    empty = declared(
        icon="repeat", title="No usage yet",
        text="It appears with the first completed booking or delivered order, within minutes.",
    )  # fmt: skip

    def chosen_sort(self, address: Address) -> tuple[str, Sort]:
        """Who has been late for the shortest time comes first; of what is due, what comes first."""
        if not address.one("sort") and address.one("state") in ("due", "all"):
            return "expected", self.sorts["expected"]
        return super().chosen_sort(address)

    def rows(self, session: Session) -> Select[Any]:
        """Of customers who are here: nobody rings up who was archived."""
        return super().rows(session).where(Usage.customer.has(Customer.archived_at.is_(None)))

    def title_of(self, record: Any) -> str:
        """Product of Ana Alves."""
        return f"{word(record.kind)} of {record.customer.name}"

    def status_of(self, record: Any) -> str | None:
        """Late or due soon."""
        return state(record)

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows with what it is."""
        drawn = super().drawn_rows(session, request, records)
        names = names_of(session, records)
        for row, record in zip(drawn, records, strict=True):
            row["cells"]["item"] = names[record.kind, record.item_id]
        return drawn

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What it is, and the way there and to the rest of the customer's."""
        name = names_of(session, [record])[record.kind, record.item_id]
        all_url = self.list_url(request, record.customer_id)
        found: dict[str, Any] = {
            "page_title": f"{name}: {record.customer.name}",
            "page_hint": KEPT_BY,
            "buttons": [{"title": "All of this customer", "url": all_url, "icon": "repeat"}],
        }
        if record.kind != UsageKind.VISIT and name != GONE:
            url = f"/admin/{PAGES[InterestKind(record.kind)]}/details/{record.item_id}"
            rows = [{"title": name, "url": url}]
            found["related"] = [{"title": "What is used", "rows": rows, "empty": GONE}]
        return found

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: bookings and orders tell it."""
        return []


def names_of(session: Session, records: Any) -> dict[tuple[str, int], str]:
    """What is used, by kind and id."""
    bought = [one for one in records if one.kind != UsageKind.VISIT]
    known = item_names(session, bought)
    return {
        (one.kind, one.item_id): A_VISIT
        if one.kind == UsageKind.VISIT
        else known.get((one.kind, one.item_id), GONE)
        for one in records
    }


def card(session: Session, found: Sequence[Any]) -> list[dict[str, Any]]:
    """The lines of a customer's page: what, every how many days, and when it is expected."""
    names = names_of(session, found)
    return [
        {
            "title": names[one.kind, one.item_id],
            "url": f"/admin/usage/details/{one.id}",
            "text": " · ".join(_said(one)),
            "status": state(one),
        }
        for one in found
    ]


def _said(one: Any) -> list[str]:
    parts = [plural(one.times, "time"), f"last {day(one.last_on)}"]
    if one.interval_days:
        parts.append(f"every {plural(one.interval_days, 'day')}")
        parts.append(f"next {day(one.next_on)}")
    return parts


VIEWS = [UsageView]
