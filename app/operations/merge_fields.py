"""Merge fields: which there are, what each stands for in a message, and how a text is filled."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import days
from app.contact import display_phone
from app.errors import DomainError
from app.money import decimals_of
from app.settings import settings
from models.bookings import Booking
from models.messages import Message, MessageEvent
from models.orders import Order, OrderLine
from models.resources import Resource, ResourceClaim, ResourceKind
from models.shipments import Shipment
from models.vendors import Vendor

LONGEST_VALUE = 500
FIELD = re.compile(r"\{\{([^{}]*)\}\}")


class NoSuchField(DomainError):
    sentence = "There is no field {{{{{name}}}}}: write {{{{{nearest}}}}}, or choose from the list."


class NotClosed(DomainError):
    sentence = "Only half a field is written near “{near}”: write it like {{{{first_name}}}}."


ALWAYS = {
    "customer_name": "The customer's name",
    "first_name": "The customer's first name",
    "vendor_name": "Your name",
    "vendor_phone": "Your phone number",
    "vendor_email": "Your e-mail address",
    "vendor_city": "Your city",
    "last_visit": "The day of the last visit",
    "coupon_code": "The code of an offer",
    "coupon_value": "What the offer is worth",
    "coupon_until": "Until when the offer is good",
    "unsubscribe_link": "Where offers are unsubscribed from",
}
OF_BOOKING = {
    "service": "What is booked",
    "staff": "Who does it",
    "when": "Day and time, from and to",
    "day": "The day",
    "time": "The time it begins",
    "time_zone": "Your time zone",
    "before": "The time it had before it was moved",
    "where": "Your name and city",
    "room": "The room",
    "seats": "How many places",
    "price": "The price",
    "deposit": "The deposit",
    "fee": "What is owed for not coming",
    "reason": "Why it was cancelled",
    "answer_until": "Until when the offer is held",
}
OF_ORDER = {
    "order_number": "The order's number",
    "order_total": "What it comes to",
    "order_items": "What was bought, a line each",
    "carrier": "Who brings it",
    "tracking": "The parcel's number",
    "refund": "What was paid back",
}
OF_MEMBERSHIP = {
    "plan": "The membership plan",
    "plan_price": "What it costs",
    "period_end": "The day the period ends",
}
OF_PACKAGE = {
    "package": "The package",
    "uses_left": "How many uses are left",
    "uses": "How many uses it had",
    "expires_on": "The day it ends",
}
OF_POINTS = {"points": "How many points", "expires_on": "The day they end"}
OF_ITEM = {
    "item": "What it is about",
    "last_on": "The day it was bought last",
    "interval_days": "Every how many days it is bought",
}
_BY_NOUN = {
    "booking": OF_BOOKING, "order": OF_ORDER, "membership": OF_MEMBERSHIP, "package": OF_PACKAGE,
    "points": OF_POINTS, "replenishment": OF_ITEM, "visit": OF_ITEM,
}  # fmt: skip


def known(event: str | None) -> dict[str, str]:
    """The fields that a text for `event` may have, each with what it says; by hand: all of them."""
    if event is None:
        return {**ALWAYS, **{name: said for own in _BY_NOUN.values() for name, said in own.items()}}
    noun = MessageEvent(event).value.partition("_")[0]
    return {**ALWAYS, **_BY_NOUN.get(noun, {})}


def lint(text: str, event: str | None, *, field: str) -> None:
    """Refuse a text with a field that nobody knows, naming the nearest: `NoSuchField`, `NotClosed`.

    `field` is the box of the form in which the text stands.
    """
    fields = known(event)
    for written in FIELD.findall(text):
        name = written.strip()
        if name not in fields:
            raise NoSuchField(field=field, name=name[:60], nearest=_nearest(name, fields))
    rest = FIELD.sub("", text)
    for half in ("{{", "}}"):
        if half in rest:
            raise NotClosed(field=field, near=_near(rest, rest.index(half)))


def _nearest(name: str, fields: Iterable[str]) -> str:
    close = get_close_matches(name.lower().replace(" ", "_"), list(fields), n=1, cutoff=0)
    return close[0] if close else "first_name"


def _near(text: str, at: int) -> str:
    return one_line(text[max(at - 10, 0) : at + 20])


def used(*texts: str | None) -> set[str]:
    """The fields that stand in these texts."""
    return {name.strip() for text in texts if text for name in FIELD.findall(text)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in; a line whose fields are all empty is left out.

    What is filled in is not read again: a name with braces in it stays a name.
    """
    lines = []
    for line in text.split("\n"):
        names = [name.strip() for name in FIELD.findall(line)]
        if names and not any(values.get(name) for name in names):
            continue
        lines.append(FIELD.sub(lambda found: values.get(found[1].strip()) or "", line).rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def one_line(words: Any) -> str:
    """One line, whatever somebody put into a name."""
    text = "".join(c if c.isprintable() else " " for c in str(words))
    return " ".join(text.split())[:LONGEST_VALUE]


# --- what the fields stand for ------------------------------------------------------------------

Values = dict[str, Any]
Reader = Callable[[Session, Any, Vendor], Values]


def values_of(session: Session, message: Message, names: set[str]) -> dict[str, str]:
    """What the fields `names` stand for in this message; what it is not about stays empty.

    Times are the vendor's. What the message knows itself, its `words`, comes first; of these what
    is written as a moment or a day (ISO 8601) is said as people say it.
    """
    vendor = session.get_one(Vendor, message.vendor_id)
    values = _always(message, vendor)
    parts: tuple[tuple[dict[str, str], Any, Reader], ...] = (
        (OF_BOOKING, message.booking, _of_booking),
        (OF_ORDER, message.order, _of_order),
        (OF_MEMBERSHIP, message.membership, _of_membership),
        (OF_PACKAGE, message.holding, _of_package),
    )
    for known_here, row, read in parts:
        if row is not None and names & known_here.keys():
            values |= read(session, row, vendor)
    values |= {name: _said(value, vendor) for name, value in (message.words or {}).items()}
    return {
        name: _lines(value) if name == "order_items" else one_line(value)
        for name, value in values.items()
        if name in names and value not in (None, "")
    }


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _said(value: Any, vendor: Vendor) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if _MOMENT.fullmatch(value):
            zone = ZoneInfo(vendor.time_zone)
            return days.moment(datetime.fromisoformat(value), zone, year=True)
        return days.day(date.fromisoformat(value), year=True) if _DAY.fullmatch(value) else value
    except ValueError:
        return value


def _lines(text: Any) -> str:
    return "\n".join(one_line(line) for line in str(text).split("\n")[:100])


def _always(message: Message, vendor: Vendor) -> Values:
    values: Values = {
        "vendor_name": vendor.name,
        "vendor_phone": display_phone(vendor.phone) if vendor.phone else None,
        "vendor_email": vendor.email,
        "vendor_city": vendor.city,
    }
    if (customer := message.customer) is not None:
        values["customer_name"] = customer.name
        values["first_name"] = first_name(customer.full_name) or customer.name
        if customer.last_visit_at is not None:
            values["last_visit"] = _day(customer.last_visit_at, vendor)
    return values


def first_name(full_name: str | None) -> str | None:
    """The word of a name by which somebody is greeted: not a title, and not one letter."""
    parts = one_line(full_name or "").split(" ")
    plain = [word for word in parts if len(word.strip(".")) > 1 and not word.endswith(".")]
    return (plain or parts)[0] or None


def _day(at: datetime, vendor: Vendor) -> str:
    return days.day(at, ZoneInfo(vendor.time_zone), year=True)


def money(value: Decimal) -> str:
    """An amount in the installation's currency: 1,040.00 EUR."""
    currency = settings().currency
    return f"{value:,.{decimals_of(currency)}f} {currency}"


def _of_booking(session: Session, booking: Booking, vendor: Vendor) -> Values:
    zone = ZoneInfo(vendor.time_zone)
    places = f", {booking.seats} places" if booking.seats > 1 else ""
    return {
        "service": booking.service.name + places,
        "staff": booking.staff_member and booking.staff_member.name,
        "when": days.span(booking.starts_at, booking.ends_at, zone, year=True),
        "day": days.day(booking.starts_at, zone, year=True),
        "time": f"{booking.starts_at.astimezone(zone):%H:%M}",
        "time_zone": vendor.time_zone,
        "where": ", ".join(filter(None, (vendor.name, vendor.city))),
        "room": _rooms(session, booking),
        "seats": booking.seats,
        "price": money(booking.price) if booking.price else None,
        "deposit": money(booking.deposit) if booking.deposit else None,
        "fee": money(booking.fee) if booking.fee else None,
        "reason": booking.cancel_reason,
        "answer_until": booking.held_until and days.moment(booking.held_until, zone, year=True),
    }


def _rooms(session: Session, booking: Booking) -> str:
    """The rooms held for it; where there are several of a kind, with the number."""
    query = (
        select(Resource.name, Resource.capacity, ResourceClaim.unit)
        .join(Resource, Resource.id == ResourceClaim.resource_id)
        .where(ResourceClaim.vendor_id == booking.vendor_id)
        .where(ResourceClaim.booking_id == booking.id, ResourceClaim.held)
        .where(Resource.kind == ResourceKind.ROOM)
        .order_by(Resource.name, ResourceClaim.unit)
    )
    return ", ".join(
        f"{name} {unit}" if capacity > 1 else name
        for name, capacity, unit in session.execute(query)
    )


def _of_order(session: Session, order: Order, _vendor: Vendor) -> Values:
    query = (
        select(OrderLine)
        .where(OrderLine.vendor_id == order.vendor_id, OrderLine.order_id == order.id)
        .order_by(OrderLine.position, OrderLine.id)
    )
    items = [
        f"{line.quantity} × {line.name}, {money(line.total)}" for line in session.scalars(query)
    ]
    parcel = session.scalars(
        select(Shipment)
        .where(Shipment.vendor_id == order.vendor_id, Shipment.order_id == order.id)
        .order_by(Shipment.id.desc())
        .limit(1)
    ).first()
    return {
        "carrier": parcel and parcel.carrier,
        "tracking": parcel and parcel.tracking,
        "order_number": order.number,
        "order_total": money(order.total),
        "order_items": "\n".join(items),
        "refund": money(order.refunded) if order.refunded else None,
    }


def _of_membership(_session: Session, membership: Any, vendor: Vendor) -> Values:
    return {
        "plan": membership.plan.name,
        "plan_price": money(membership.plan.price),
        "period_end": _day(membership.period_ends_at, vendor),
    }


def _of_package(_session: Session, holding: Any, vendor: Vendor) -> Values:
    return {
        "package": holding.package.name,
        "uses_left": holding.uses_left,
        "uses": holding.uses,
        "expires_on": holding.expires_at and _day(holding.expires_at, vendor),
    }
