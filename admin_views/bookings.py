"""Bookings on screen: booked, moved to another time, and carried on by its buttons."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views import booking_terms as shown
from admin_views.access import allowed
from admin_views.base import declared
from admin_views.category_filters import InServiceCategory
from admin_views.details import link_to
from admin_views.few import looked_up, one_of
from admin_views.filters import Named, OfOwn, OneOf, Related, VendorDays, of_vendor
from admin_views.forms import Amount, Check, Choice, Note, Pick, Saving, Text, WallTime, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CUSTOMERS, SERVICES, STAFF
from admin_views.of_customers import ids_of_customers
from admin_views.order_money import paid_word
from admin_views.rendering import moment, money
from admin_views.saved_views import SavedViews
from admin_views.saving import Command, Moves
from app import clock
from app.errors import DomainError
from app.operations import booking_uses, bookings
from app.operations.lines import GONE
from app.tenancy import current_actor
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus
from models.orders import Order, OrderLine
from models.services import ServiceKind
from models.words import Channel

ON_EDIT = ("staff", "starts_at", "ends_at", "anyway", "note")


def moving(verb: Any, to: BookingStatus) -> Moves:
    """`(run, when)` of a command that moves a booking to a status."""

    def run(session: Session, number: int, **words: str) -> None:
        verb(session, booking_id=number, **words)

    def when(booking: Booking) -> bool:
        return to in BOOKING_TRANSITIONS[BookingStatus(booking.status)]

    return run, when


def _only(statuses: tuple[BookingStatus, ...], pair: Moves) -> Moves:
    run, when = pair
    return run, lambda booking: booking.status in statuses and when(booking)


class NoOverbooking(DomainError):
    sentence = "Your role does not overbook: choose a free time, or ask a manager."
    field = "anyway"


def may_overbook() -> bool:
    """Whether the one who acts may book over others, for a reason."""
    return allowed(current_actor().panel_role, "booking", "overbook")


def _book(session: Session, **values: Any) -> Booking:
    given = {k: v for k, v in values.items() if v is not None}
    if "anyway" in given and not may_overbook():
        raise NoOverbooking
    return bookings.book(session, **given)


IS_OFFER = and_(Booking.status == BookingStatus.PENDING, Booking.held_until.is_not(None))
"""Nobody has answered yet: what was let go is none. An index finds what is pending."""


def _paid_by(session: Session, booking: Booking) -> list[dict[str, Any]]:
    """The card of what pays for a booking instead of money."""
    rows = [
        {"title": name, "url": url, "icon": "ticket", "sub": f"the use is {said}"}
        for name, url, said in booking_uses.paid_by(session, booking.id)
    ]
    return [{"title": "Paid by", "rows": rows}] if rows else []


class BookingView(SavedViews, model=Booking):
    """Promises of time to customers."""

    name, name_plural, icon = "Booking", "Bookings", "ti ti-calendar-event"
    category, menu_key, status_kind = "Sales", "b", "booking"
    columns = (
        Col("starts_at", "Time", value=lambda b: moment(b.starts_at), sort="latest"),
        Col("customer", "Customer", value=lambda b: b.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "Service", value=lambda b: b.service.name),
        Col("staff", "With", value=lambda b: b.staff_member and b.staff_member.name),
        Col("status", "Status", "pill", pill_kind="booking", css="c-status"),
        Col("price", "Price", "money", numeric=True),
        Col("channel", "Channel", optional=True, value=lambda b: Channel(b.channel)),
    )
    sorts = declared(
        latest=Sort(Booking.starts_at, descending=True), soonest=Sort(Booking.starts_at)
    )
    search_hint = "Search customer"
    filters = (
        OneOf("status", "Status", Booking.status, icon="circle-dot", words=BookingStatus),
        Named(
            "open",
            "Outcome",
            icon="flag",
            conditions=(
                ("needed", "Needs an outcome", lambda: bookings.lacks_outcome(clock.now())),
            ),
        ),
        Named(
            "held",
            "Waitlist",
            icon="hourglass",
            open=False,
            conditions=(
                ("no", "Bookings only", lambda: Booking.held_until.is_(None)),
                ("yes", "Offers only", lambda: IS_OFFER),
            ),
        ),
        of_vendor(Booking.vendor_id),
        VendorDays("day", "Day", Booking.starts_at, vendor=Booking.vendor_id),
        OfOwn("staff", "With", Booking.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
        OfOwn("service", "Service", Booking.service_id, icon="sparkles", lookup=ALL_SERVICES),
        InServiceCategory("category", "Category", Booking.service_id, icon="sitemap"),
        Related(
            "customer", "Customer", Booking.customer_id, icon="user", lookup=CUSTOMERS, open=False
        ),
        OneOf(
            "kind", "Kind", Booking.kind, icon="category", words=ServiceKind, open=False,
            by_itself=True,
        ),
        OneOf(
            "channel", "Channel", Booking.channel, icon="route", words=Channel, open=False,
            by_itself=True,
        ),
    )  # fmt: skip
    tries = True
    loads = (
        joinedload(Booking.customer),
        joinedload(Booking.service),
        joinedload(Booking.staff_member),
    )
    details = (
        (
            "Booking",
            (
                Col("customer", "Customer", value=lambda b: link_to("customer", b.customer)),
                Col("service", "Service", value=lambda b: link_to("service", b.service)),
                Col("staff", "With", value=lambda b: b.staff_member and b.staff_member.name),
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("price", "Price", "money"),
                Col("seats", "Places", value=shown.seats),
                Col("class_session", "Class", value=shown.class_link),
                Col("series", "Series", value=shown.series_link),
                Col("channel", "Channel", "word"),
                Col("note", "Note"),
                Col("overbooked", "Overbooked on purpose"),
                Col("held_until", "Held for the waitlist until", value=shown.held_until),
            ),
        ),
        (
            "Terms and fees",
            (
                Col("deposit", "Deposit", value=shown.deposit),
                Col("terms", "Calling off", value=shown.terms),
                Col("moves", "Moved by the customer", value=shown.moves),
                Col("cancelled_by", "Called off", value=shown.called_off),
                Col("cancel_reason", "Why"),
                Col("fee", "Owed", value=shown.owed),
                Col("fee_waived", "Let go, because"),
            ),
        ),
    )
    details_loads = (*loads, joinedload(Booking.series))
    hides_empty = (
        "seats", "class_session", "series", "overbooked", "held_until", "deposit", "terms", "moves",
        "cancelled_by", "cancel_reason", "fee", "fee_waived",
    )  # fmt: skip
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        service=Pick("Service", SERVICES, wanted=True),
        staff=Pick("With", STAFF, hint="Empty: whoever is free"),
        starts_at=WallTime("From", wanted=True),
        ends_at=WallTime("Until", hint="Empty: as long as the service lasts"),
        nights=Whole("Nights", low=1, high=366, hint="Of a stay, if no end is given"),
        price=Amount("Price", hint="Empty: the service's price, or the member's"),
        use=Check(
            "A package or membership pays", default=False, hint="What the customer has, if any"
        ),
        channel=Choice("Channel", Channel, wanted=True, default=Channel.WALK_IN),
        anyway=Text(
            "Overbook it, because", longest=500,
            hint="Only if it may overlap others, outside hours and rooms: say why",
        ),
        note=Note("Note"),
    )  # fmt: skip
    form_sections = (
        ("Who and what", ("customer", "service", "staff")),
        ("When", ("starts_at", "ends_at", "nights", "anyway")),
        ("More", ("price", "use", "channel", "note")),
    )
    can_delete = False
    creates_with = staticmethod(_book)
    commands = (
        Command(
            "confirm", "Confirm",
            *_only((BookingStatus.PENDING,), moving(bookings.confirm, BookingStatus.CONFIRMED)),
            "The booking is confirmed.", icon="calendar-check", primary=True,
        ),
        Command(
            "check-in", "Check in", *moving(bookings.check_in, BookingStatus.CHECKED_IN),
            "The customer is here.", icon="door-enter",
        ),
        Command(
            "complete", "Complete", *moving(bookings.complete, BookingStatus.COMPLETED),
            "The booking is completed.", icon="circle-check",
        ),
        Command(
            "no-show", "No-show",
            *shown.with_fee(
                shown.once_begun(moving(bookings.mark_no_show, BookingStatus.NO_SHOW)),
                shown.fee_of_not_coming,
            ),
            "Marked as a no-show.", icon="user-x", ask=shown.ask_no_show, inputs=(shown.WAIVE,),
            carries=shown.carried(shown.fee_of_not_coming), carried=("fee",),
        ),
        Command(
            "reopen", "They came after all",
            *_only((BookingStatus.NO_SHOW,), moving(bookings.reopen, BookingStatus.CONFIRMED)),
            "The booking stands again.", icon="refresh",
        ),
        Command(
            "customer-cancels", "Customer cancels",
            *shown.with_fee(
                moving(shown.for_the_customer, BookingStatus.CANCELLED), shown.fee_of_cancelling
            ),
            "The booking is cancelled; its time is free again.", icon="calendar-x",
            ask=shown.ask_cancel, inputs=(shown.WHY, shown.WAIVE),
            carries=shown.carried(shown.fee_of_cancelling), carried=("fee",),
        ),
        Command(
            "cancel", "Cancel booking", *moving(shown.by_the_vendor, BookingStatus.CANCELLED),
            "The booking is cancelled; its time is free again.", icon="calendar-x", danger=True,
            ask=(
                "Cancel this booking?",
                "You call it off, so it costs the customer nothing. Its time is free at once.",
            ),
            inputs=(shown.WHY,),
        ),
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Haircut for Ana Alves."""
        return f"{record.service.name} for {record.customer.name}"

    def may_edit(self, record: Any) -> bool:
        """Only what is still to come can be moved."""
        return record.status in shown.TO_COME

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The order that sold it, or the way to sell it."""
        if not allowed(current_actor().panel_role, "order", "create"):
            return {}
        sold = session.scalars(
            select(Order)
            .join(OrderLine, OrderLine.order_id == Order.id)
            .where(OrderLine.vendor_id == record.vendor_id, OrderLine.booking_id == record.id)
        ).first()
        paid = _paid_by(session, record)
        if sold is not None:
            row = {
                "title": str(sold),
                "url": f"/admin/order/details/{sold.id}",
                "icon": "receipt",
                "amount": money(sold.total),
                "status": paid_word(sold),
                "status_kind": "money",
            }
            return {"related": [{"title": "Sold by", "rows": [row]}, *paid]}  # fmt: skip
        if record.status in GONE or paid:
            return {"related": paid}
        sell = {"title": "Sell", "icon": "receipt",
                "url": f"/admin/order/create?booking={record.id}"}  # fmt: skip
        return {"links": [sell]}

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        customers = customer_ids(session, term)
        ids = looked_up(session, [ids_of_customers(Booking, customers)])
        if ids is not None:
            return rows.where(one_of(Booking.id, ids))
        return rows.where(Booking.customer_id.in_(customers))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """What is booked stands; time, person and note can still change."""
        fields = super().form_fields(record)
        fields.pop("vendor", None)  # it is the customer's
        if not may_overbook():
            fields.pop("anyway", None)
        return fields if record is None else {n: f for n, f in fields.items() if n in ON_EDIT}

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """What the form for a known booking shows."""
        return {
            "staff": record.staff_id, "starts_at": record.starts_at, "ends_at": record.ends_at,
            "anyway": record.overbooked, "note": record.note,
        }  # fmt: skip

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Another time or person goes through its rule; without another end it lasts as long."""
        starts, ends = values.get("starts_at"), values.get("ends_at")
        staff, note = values.get("staff_id"), values.get("note")
        anyway = values.get("anyway") if may_overbook() else record.overbooked
        moved = starts is not None and starts != record.starts_at
        if moved and ends == record.ends_at:
            ends = None
        longer = ends is not None and ends != record.ends_at
        if moved or longer or (staff, anyway) != (record.staff_id, record.overbooked):
            bookings.reschedule(
                session,
                booking_id=record.id,
                starts_at=starts or record.starts_at,
                ends_at=ends,
                staff_id=staff,
                anyway=anyway,
            )
        if note != record.note:
            record.note = note

    def sub_of(self, record: Any) -> str:
        """Nothing below the time."""
        return ""


VIEWS = [BookingView]
