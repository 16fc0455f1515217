"""Rooms and equipment on screen, and what each service needs of them."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Check, Choice, Note, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_SERVICES, RESOURCES
from admin_views.parts import Part, of_its_own, related_card
from admin_views.rendering import moment
from app import clock
from app.errors import DomainError
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.resources import Resource, ResourceClaim, ResourceKind, ServiceResource

MOST_UNITS = 1000
SHOWN = 8


class HeldBeyond(DomainError):
    sentence = (
        "Number {unit} is promised to somebody who is still to come: move that booking first,"
        " or keep at least {unit}."
    )
    field = "capacity"


class NeedsMore(DomainError):
    sentence = "{service} needs {quantity} of it: change that first, or keep at least {quantity}."
    field = "capacity"


class ResourceView(HouseView, model=Resource):
    """What services need besides a person."""

    name, name_plural, icon = "Room or equipment", "Rooms and equipment", "ti ti-door"
    noun, category = "room or equipment", "Schedule"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("kind", "Kind", value=lambda r: ResourceKind(r.kind)),
        Col("capacity", "How many", "number", numeric=True),
        Col("is_active", "In use", "bool"),
    )
    sorts = declared(name=Sort(Resource.name), newest=Sort(Resource.id, descending=True))
    searched = (Resource.name,)
    filters = (
        of_vendor(Resource.vendor_id),
        OneOf("kind", "Kind", Resource.kind, icon="category", words=ResourceKind),
        YesNo("active", "In use", Resource.is_active),
    )
    details = (
        (
            "Room or equipment",
            (
                Col("kind", "Kind", "word"),
                Col("capacity", "How many", "number"),
                Col("is_active", "In use"),
                Col("note", "Note"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        kind=Choice("Kind", ResourceKind, wanted=True, default=ResourceKind.ROOM),
        capacity=Whole(
            "How many", low=1, high=MOST_UNITS, wanted=True, default=1,
            hint="Of those that are as good as each other, such as five massage tables",
        ),
        is_active=Check("In use"),
        note=Note("Note"),
    )  # fmt: skip
    stays = "What services need or bookings hold stays: take it out of use instead."
    empty = declared(
        icon="door", title="No rooms or equipment yet",
        text="Add what can only be used by one booking at a time; services then say what they"
        " need of it.",
    )  # fmt: skip

    def change_record(self, session: Session, record: Any, *given: Any) -> None:
        """The values; fewer than are promised or needed is refused."""
        values = given[0]
        if values.get("capacity", record.capacity) < record.capacity:
            # Whoever claims a unit reads the capacity under a share lock: nobody slips between.
            session.refresh(record, with_for_update=True)
            _check_enough(session, record, values["capacity"])
        super().change_record(session, record, *given)

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Which services need it, and what holds it next."""
        return {
            "related": [
                related_card(session, request, NEEDED_BY, record),
                _holding(session, record),
            ]
        }


def _check_enough(session: Session, resource: Resource, wanted: int) -> None:
    highest = session.scalar(
        select(func.max(ResourceClaim.unit)).where(
            ResourceClaim.vendor_id == resource.vendor_id,
            ResourceClaim.resource_id == resource.id,
            ResourceClaim.held,
            func.upper(ResourceClaim.with_buffer_after) > clock.now(),
        )
    )
    if highest is not None and highest > wanted:
        raise HeldBeyond(unit=highest)
    most = session.scalars(
        select(ServiceResource)
        .where(
            ServiceResource.vendor_id == resource.vendor_id,
            ServiceResource.resource_id == resource.id,
            ServiceResource.quantity > wanted,
        )
        .options(joinedload(ServiceResource.service))
        .limit(1)
    ).first()
    if most is not None:
        raise NeedsMore(service=most.service.name, quantity=most.quantity)


def _holding(session: Session, resource: Resource) -> dict[str, Any]:
    """The bookings and classes that hold it now or next."""
    rows = session.execute(
        select(ResourceClaim.unit, ResourceClaim.starts_at, Booking, ClassSession)
        .outerjoin(Booking, Booking.id == ResourceClaim.booking_id)
        .outerjoin(ClassSession, ClassSession.id == ResourceClaim.class_session_id)
        .where(
            ResourceClaim.vendor_id == resource.vendor_id,
            ResourceClaim.resource_id == resource.id,
            ResourceClaim.held,
            func.upper(ResourceClaim.with_buffer_after) > clock.now(),
        )
        .order_by(ResourceClaim.starts_at, ResourceClaim.unit)
        .limit(SHOWN)
    )
    many = resource.capacity > 1
    return {
        "title": "Held next",
        "rows": [
            _held(f"Number {row.unit}" if many else "", row.Booking, row.ClassSession)
            for row in rows
        ],
        "empty": "nothing to come holds it",
    }


def _held(which: str, booking: Booking | None, lesson: ClassSession | None) -> dict[str, Any]:
    record: Any = booking or lesson
    identity = "booking" if booking else "class-session"
    with_whom = booking.customer.name if booking else "class"
    return {
        "title": f"{record.service.name}, {with_whom}",
        "url": f"/admin/{identity}/details/{record.id}",
        "sub": " · ".join(filter(None, (which, moment(record.starts_at)))),
    }


class ServiceResourceView(HouseView, model=ServiceResource):
    """How many of what a service needs; reached from the service's page."""

    name, name_plural, icon = "Need", "What services need", "ti ti-door"
    category, noun = "Schedule", "need"
    columns = (
        Col("resource", "Room or equipment", value=lambda n: n.resource.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "Service", value=lambda n: n.service.name),
        Col("quantity", "How many", "number", numeric=True),
    )
    sorts = declared(newest=Sort(ServiceResource.id, descending=True))
    loads = (joinedload(ServiceResource.service), joinedload(ServiceResource.resource))
    filters = (of_vendor(ServiceResource.vendor_id),)
    details = (
        (
            "Need",
            (
                Col("service", "Service", value=lambda n: n.service.name),
                Col("resource", "Room or equipment", value=lambda n: n.resource.name),
                Col("quantity", "How many", "number"),
            ),
        ),
    )
    fields = declared(
        service=Pick("Service", ALL_SERVICES, wanted=True),
        resource=Pick("Room or equipment", RESOURCES, wanted=True),
        quantity=Whole("How many", low=1, high=MOST_UNITS, wanted=True, default=1),
    )
    stays = "The service needs it no more; bookings that hold it keep it."

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a service's page leads here."""
        return False

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Whose it is and what is needed stands; how many can change."""
        return of_its_own(super().form_fields(record), record, ("quantity",))

    def create_record(self, session: Session, values: dict[str, Any], *more: Any) -> Any:
        """The need, if there is as much of it."""
        _check_quantity(session, values["resource_id"], values["quantity"])
        return super().create_record(session, values, *more)

    def change_record(self, session: Session, record: Any, *given: Any) -> None:
        """Another number, if there are as many."""
        _check_quantity(session, record.resource_id, given[0]["quantity"])
        super().change_record(session, record, *given)


class TooFew(DomainError):
    sentence = "There are only {capacity}: write at most {capacity}."
    field = "quantity"


def _check_quantity(session: Session, resource_id: int, quantity: int) -> None:
    resource = session.get(Resource, resource_id, with_for_update={"read": True})
    if resource is not None and quantity > resource.capacity:
        raise TooFew(capacity=resource.capacity)


def _need(row: ServiceResource) -> dict[str, Any]:
    return {"title": row.service.name, "amount": f"{row.quantity} ×"}


NEEDED_BY = Part(
    "Needed by", ServiceResource, ServiceResource.resource_id, "service-resource", "resource",
    _need, (joinedload(ServiceResource.service),), "no service needs it",
)  # fmt: skip
NEEDS = Part(
    "What it needs", ServiceResource, ServiceResource.service_id, "service-resource", "service",
    lambda row: {"title": row.resource.name, "amount": f"{row.quantity} ×"},
    (joinedload(ServiceResource.resource),), "no room or equipment",
)  # fmt: skip

VIEWS = [ResourceView, ServiceResourceView]
