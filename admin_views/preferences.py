"""Customers' preferences on screen: how and when to reach them, what they like to hear about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, select, tuple_
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import declared
from admin_views.category_filters import OfCategory
from admin_views.customer_side import CHANNELS
from admin_views.details import link_to
from admin_views.filters import Named, OneOf, of_vendor
from admin_views.forms import Choice, Clock, Pick, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.lookups import CATEGORIES, CUSTOMERS
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.picks import Picks
from admin_views.places import zone_name
from app.errors import DomainError
from app.operations import reaching
from app.operations.conditions import branch
from models.categories import Category
from models.customers import Customer, CustomerPreference, PreferredCategory

CHANNEL_NAMES: Mapping[str, str] = dict(CHANNELS)
Liked = dict[tuple[int, int], list[tuple[int, str]]]


def quiet(preference: CustomerPreference) -> str | None:
    """22:00–08:00."""
    since, until = preference.quiet_from, preference.quiet_until
    return f"{since:%H:%M}–{until:%H:%M}" if since and until else None


def clock_of(preference: CustomerPreference) -> str:
    """The zone whose clocks the quiet hours follow: the customer's, else the vendor's."""
    customer = preference.customer
    return zone_name(customer.time_zone or customer.vendor.time_zone)


def liked(session: Session, preferences: Iterable[CustomerPreference]) -> Liked:
    """The preferred categories, `(id, name)` in the order of names, by vendor and customer."""
    whose = [(p.vendor_id, p.customer_id) for p in preferences]
    wanted = (
        select(PreferredCategory.vendor_id, PreferredCategory.customer_id, Category)
        .join(Category, Category.id == PreferredCategory.category_id)
        .where(tuple_(PreferredCategory.vendor_id, PreferredCategory.customer_id).in_(whose))
        .order_by(Category.name, Category.id)
    )
    found: Liked = {}
    for vendor_id, customer_id, category in session.execute(wanted) if whose else ():
        found.setdefault((vendor_id, customer_id), []).append((category.id, category.name))
    return found


@dataclass(frozen=True)
class Likes(OfCategory):
    """Those who like some categories, or one below them."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        likes = exists().where(
            PreferredCategory.vendor_id == CustomerPreference.vendor_id,
            PreferredCategory.customer_id == CustomerPreference.customer_id,
            PreferredCategory.category_id.in_(branch(session, values)),
        )
        return statement.where(likes)


class PreferenceView(OfCustomersView, model=CustomerPreference):
    """One a customer: channel, quiet hours and preferred categories."""

    name, name_plural, icon = "Preferences", "Preferences", "ti ti-adjustments-heart"
    category, noun, can_delete = "Customers", "customer's preferences", False
    columns = (
        Col("customer", "Customer", value=lambda p: p.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("channel", "Reach by", value=lambda p: CHANNEL_NAMES.get(p.channel)),
        Col("quiet", "Quiet", value=quiet),
        Col("likes", "Likes", "tags"),
        Col("updated_at", "Changed", "moment"),
    )
    sorts = declared(newest=Sort(CustomerPreference.id, descending=True))
    filters = (
        OneOf("channel", "Reach by", CustomerPreference.channel, icon="send", words=CHANNELS),
        Named(
            "quiet", "Quiet hours", icon="bell-off",
            conditions=(
                ("yes", "With", lambda: CustomerPreference.quiet_from.is_not(None)),
                ("no", "Without", lambda: CustomerPreference.quiet_from.is_(None)),
            ),
        ),
        Likes("likes", "Likes"),
        of_vendor(CustomerPreference.vendor_id),
        OfCustomer("customer", "Customer", CustomerPreference),
    )  # fmt: skip
    loads = (joinedload(CustomerPreference.customer),)
    details_loads = (joinedload(CustomerPreference.customer).joinedload(Customer.vendor),)
    details = (
        (
            "Preferences",
            (
                Col("customer", "Customer", value=lambda p: link_to("customer", p.customer)),
                Col("channel", "Reach by", value=lambda p: CHANNEL_NAMES.get(p.channel)),
                Col("push_address", "Push address"),
                Col("quiet", "Quiet", value=lambda p: quiet(p) or "no quiet hours of their own"),
                Col("clock", "By the clocks of", value=clock_of),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        channel=Choice("Reach by", CHANNELS, hint="Empty: no preference"),
        push_address=Text(
            "Push address",
            longest=500,
            hint="What the push provider knows them by, from the customer's app",
        ),
        quiet_from=Clock("Quiet from", hint="On the clock where the customer lives"),
        quiet_until=Clock("Quiet until", hint="Earlier than its beginning: on the next day"),
        categories=Picks("Likes to hear about", CATEGORIES, one="category"),
    )
    form_sections = (
        ("How to reach them", ("customer", "channel", "push_address", "quiet_from", "quiet_until")),
        ("What they like", ("categories",)),
    )
    empty = declared(
        icon="adjustments-heart",
        title="No preferences yet",
        text="How customers like to be reached, when not, and what they like to hear about.",
    )

    def title_of(self, record: Any) -> str:
        """Preferences of Ana Alves."""
        return f"Preferences of {record.customer.name}"

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Known preferences tell whose clock their hours follow."""
        fields = super().form_fields(record)
        if record is not None:
            fields["quiet_from"] = Clock("Quiet from", hint=f"Clock of {clock_of(record)}")
        return fields

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows with the categories they like."""
        drawn = super().drawn_rows(session, request, records)
        likes = liked(session, records)
        for row, record in zip(drawn, records, strict=True):
            of_one = likes.get((record.vendor_id, record.customer_id), [])
            row["cells"]["likes"] = [name for _, name in of_one]
        return drawn

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The columns, and the categories as rows."""
        own = liked(session, [record]).get((record.vendor_id, record.customer_id), [])
        names = ("channel", "push_address", "quiet_from", "quiet_until")
        return {**{n: getattr(record, n) for n in names}, "categories": own}

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> CustomerPreference:
        """Write them down, unless they are known already."""
        categories = values.pop("categories", None) or []
        made = reaching.begin_preferences(session, **values)
        reaching.prefer_categories(session, customer_id=made.customer_id, category_ids=categories)
        return made

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Write what differs by the operations."""
        categories = values.pop("categories", None) or []
        whose = record.customer_id
        if any(getattr(record, name) != value for name, value in values.items()):
            reaching.prefer(session, customer_id=whose, **values)
        reaching.prefer_categories(session, customer_id=whose, category_ids=categories)

    def way_out(self, request: Request, refusal: DomainError) -> dict[str, str] | None:
        """To the preferences that are known already."""
        if not isinstance(refusal, reaching.PreferencesKnown):
            return None
        number = refusal.details["preference_id"]
        url = request.url_for("admin:details", identity=self.identity, pk=number).path
        return {"title": "Open the known preferences", "url": url}

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The categories they like."""
        own = liked(session, [record]).get((record.vendor_id, record.customer_id), [])
        rows = [{"title": name} for _, name in own]
        return {"related": [{"title": "Likes to hear about", "rows": rows, "empty": "not known"}]}


VIEWS = [PreferenceView]
