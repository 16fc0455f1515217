"""Services on screen."""

from typing import Any

from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.category_filters import InCategory
from admin_views.consumables import USES_UP
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Clock, Note, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import TAX_CLASSES, categories_of
from admin_views.parts import hours_button, related_card
from admin_views.rendering import minutes, money, plural
from admin_views.resources import NEEDS
from admin_views.staff_services import DONE_BY
from app.errors import DomainError
from app.operations.diaries import CHECK_IN, CHECK_OUT
from models.categories import CategoryKind
from models.services import Service, ServiceKind

A_DAY = 24 * 60
A_YEAR = 366 * A_DAY


class DepositTooHigh(DomainError):
    sentence = "The deposit is more than the price: write at most {price}."
    field = "deposit"


def _check_deposit(values: dict[str, Any]) -> None:
    if values["deposit"] > values["price"]:
        raise DepositTooHigh(price=money(values["price"]))


def _notice(service: Any) -> str:
    return minutes(service.min_notice_minutes) if service.min_notice_minutes else "none needed"


def _advance(service: Any) -> str:
    days = service.max_advance_days
    return plural(days, "day") + " at most" if days else "any time"


def _redo(service: Service) -> str | None:
    return f"within {plural(service.redo_days, 'day')}" if service.redo_days else None


def _check_in(service: Any) -> str | None:
    return (
        f"{service.check_in_time or CHECK_IN:%H:%M}" if service.kind == ServiceKind.STAY else None
    )


def _check_out(service: Any) -> str | None:
    at = service.check_out_time or CHECK_OUT
    return f"{at:%H:%M}" if service.kind == ServiceKind.STAY else None


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
        (
            "Booking it",
            (
                Col("slot_interval_minutes", "Offered every", "minutes"),
                Col("min_notice_minutes", "Notice", value=_notice),
                Col("max_advance_days", "Ahead", value=_advance),
                Col("deposit", "Deposit", "money"),
                Col("check_in_time", "Check in from", value=_check_in),
                Col("check_out_time", "Check out until", value=_check_out),
                Col("redo_days", "Done again for nothing", value=_redo),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        kind=Choice("Kind", ServiceKind, wanted=True, default=ServiceKind.APPOINTMENT),
        category=Pick("Category", categories_of(CategoryKind.SERVICE)),
        price=Amount("Price", wanted=True),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        duration_minutes=Whole("Minutes it lasts", low=1, high=A_YEAR, wanted=True, default=60),
        buffer_before_minutes=Whole("Minutes kept free before", high=A_DAY, wanted=True, default=0),
        buffer_after_minutes=Whole("Minutes kept free after", high=A_DAY, wanted=True, default=0),
        capacity=Whole("Places", low=1, high=10_000, wanted=True, default=1),
        slot_interval_minutes=Whole(
            "Offered every, minutes", low=1, high=A_DAY, wanted=True, default=15,
            hint="Times begin this far apart",
        ),
        min_notice_minutes=Whole(
            "Notice, minutes", high=A_YEAR, wanted=True, default=0,
            hint="For bookings online; 120 is two hours before at the latest",
        ),
        max_advance_days=Whole("Ahead at most, days", low=1, high=3650, hint="Empty: any time"),
        deposit=Amount("Deposit", wanted=True, default=0),
        check_in_time=Clock("Check in from", hint="Of a stay; empty: 14:00"),
        check_out_time=Clock("Check out until", hint="Of a stay; empty: 11:00"),
        redo_days=Whole(
            "Done again for nothing within, days", low=1, high=3650,
            hint="If it was not right; empty: no guarantee",
        ),
        is_active=Check("On offer"),
        description=Note("Description"),
    )  # fmt: skip
    form_sections = (
        ("Service", ("name", "kind", "category", "price", "tax_class", "is_active")),
        ("Time", ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "capacity")),
        (
            "Booking it",
            ("slot_interval_minutes", "min_notice_minutes", "max_advance_days", "deposit",
             "check_in_time", "check_out_time"),
        ),
        ("Guarantee", ("redo_days",)),
        ("Words", ("description",)),
    )  # fmt: skip
    stays = "A service that was booked or sold stays: take it off offer instead."

    def create_record(self, session: Session, values: dict[str, Any], *more: Any) -> Any:
        """The service, with a deposit that its price covers."""
        _check_deposit(values)
        return super().create_record(session, values, *more)

    def change_record(self, session: Session, record: Any, *given: Any) -> None:
        """The same for one that is there."""
        _check_deposit(given[0])
        super().change_record(session, record, *given)

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Who does it, what it needs and uses up, and the way to its own hours."""
        return {
            "related": [
                related_card(session, request, p, record) for p in (DONE_BY, NEEDS, USES_UP)
            ],
            "buttons": hours_button(record, f"service-{record.id}"),
        }


VIEWS = [ServiceView]
