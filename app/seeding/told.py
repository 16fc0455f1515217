"""What the demo's customers were told, and what they answered; and words of the vendors' own."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.operations import templates
from app.seeding.rows import add_all, put
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.messages import (
    Message,
    MessageChannel,
    MessageEvent,
    MessageTemplate,
    TemplateVersion,
    purpose_of,
)
from models.orders import Order, OrderStatus
from models.vendors import Vendor

BOOKINGS, ORDERS = 20, 10
Row = dict[str, Any]

OWN = (
    (
        "Booking confirmed", MessageEvent.BOOKING_CONFIRMED, MessageChannel.EMAIL, "transactional",
        (
            ("See you {{day}}", "Hello {{first_name}},\n\n{{service}} is booked.\n\n{{when}}"),
            (
                "See you {{day}}: {{service}}",
                "Hello {{first_name}},\n\nwe look forward to seeing you.\n\nWhat: {{service}}\n"
                "With: {{staff}}\nWhen: {{when}}\n\n{{vendor_name}}\n{{vendor_phone}}",
            ),
        ),
    ),
    (
        "It has arrived", None, MessageChannel.EMAIL, "transactional",
        (("Your order has arrived", "Hello {{first_name}},\n\nwhat you ordered is here. Come by"
          " whenever you like.\n\n{{vendor_name}}"),),
    ),
    (
        "Running late", None, MessageChannel.SMS, "transactional",
        ((None, "{{vendor_name}}: we are running a little late today, sorry. Please come 15"
          " minutes later."),),
    ),
    (
        "Season's offer", None, MessageChannel.EMAIL, "marketing",
        (("Something for you, {{first_name}}", "Hello {{first_name}},\n\nthis month your next"
          " visit is 10 % less.\n\n{{vendor_name}}"),),
    ),
)  # fmt: skip
"""Name, event, channel, purpose, and the versions, the oldest first."""

ANSWERS = (
    "Thank you, see you then!", "Can I come half an hour later?",
    "Is it possible to pay by card?", "Perfect, thanks.",
)  # fmt: skip
WRONG = "The mail server refuses the recipient (550): check the e-mail address."
NOT_ASKED = "It was not sent: the customer does not want messages of this kind."


def tell(session: Session, vendor: Vendor, now: datetime) -> None:
    """Confirmations, receipts, reminders, answers: most arrived, some did not."""
    own = _templates(session, vendor, now)
    rows = [*_of_bookings(session, vendor, now), *_of_orders(session, vendor)]
    rows += _by_hand(session, vendor, own, now)
    rows.sort(key=lambda row: row["created_at"])
    put(session, Message, rows)


def _templates(session: Session, vendor: Vendor, now: datetime) -> dict[str, int]:
    made = now - timedelta(days=60)
    ids = add_all(session, MessageTemplate, [
        {"vendor_id": vendor.id, "name": name, "event": event, "channel": channel,
         "purpose": purpose, "version": len(said), "created_at": made}
        for name, event, channel, purpose, said in OWN
    ])  # fmt: skip
    put(session, TemplateVersion, [
        {"vendor_id": vendor.id, "template_id": number, "number": n, "subject": subject,
         "body": body, "at": made + timedelta(days=n)}
        for number, (*_, said) in zip(ids, OWN, strict=True)
        for n, (subject, body) in enumerate(said, 1)
    ])  # fmt: skip
    return {name: number for number, (name, *_) in zip(ids, OWN, strict=True)}


def _of_bookings(session: Session, vendor: Vendor, now: datetime) -> Iterator[Row]:
    found = session.scalars(
        select(Booking)
        .where(Booking.vendor_id == vendor.id, Booking.customer.has(Customer.email.is_not(None)))
        .where(Booking.starts_at.between(now - timedelta(days=12), now + timedelta(days=3)))
        .where(Booking.status.in_([BookingStatus.CONFIRMED, BookingStatus.COMPLETED]))
        .options(joinedload(Booking.customer), joinedload(Booking.service))
        .order_by(Booking.starts_at.desc())
        .limit(BOOKINGS)
    )
    for n, booking in enumerate(found):
        at = min(booking.created_at, now - timedelta(hours=1))
        yield _sent(
            session, vendor, MessageEvent.BOOKING_CONFIRMED, at, n, booking=booking,
            customer=booking.customer,
        )  # fmt: skip
        before = booking.starts_at - timedelta(days=1)
        if at < before < now:
            yield _sent(
                session, vendor, MessageEvent.BOOKING_REMINDER, before, n, booking=booking,
                customer=booking.customer,
            )  # fmt: skip
        if n % 5 == 0:
            yield _answer(booking.customer, ANSWERS[n // 5 % len(ANSWERS)], at, n)


def _of_orders(session: Session, vendor: Vendor) -> Iterator[Row]:
    found = session.scalars(
        select(Order)
        .where(Order.vendor_id == vendor.id, Order.status == OrderStatus.COMPLETED)
        .where(Order.customer.has(Customer.email.is_not(None)))
        .options(joinedload(Order.customer))
        .order_by(Order.placed_at.desc())
        .limit(ORDERS)
    )
    for n, order in enumerate(found):
        at = order.placed_at
        if at is not None and order.customer is not None:
            yield _sent(
                session, vendor, MessageEvent.ORDER_PLACED, at, n, order=order,
                customer=order.customer,
            )  # fmt: skip


def _sent(
    session: Session, vendor: Vendor, event: MessageEvent, at: datetime, n: int,
    *, customer: Customer, **about: Any,
) -> Row:  # fmt: skip
    """A message as it went out; some came back, every third only the server took."""
    with session.no_autoflush:
        message = Message(
            vendor_id=vendor.id, customer=customer, event=event, channel=MessageChannel.EMAIL,
            **about,
        )  # fmt: skip
        words = templates.words_for(
            session, vendor_id=vendor.id, event=event, channel=MessageChannel.EMAIL,
            template_id=None,
        )  # fmt: skip
        said = templates.render(session, message, words)
    row = _row(vendor.id, customer, at) | {
        "channel": "email", "purpose": purpose_of(event), "event": event, "address": customer.email,
        "subject": said.subject, "body": said.body, "template_version_id": words.version_id,
        "tries": 1, **{f"{name}_id": record.id for name, record in about.items()},
    }  # fmt: skip
    took = at + timedelta(seconds=2)
    if n % 11 == 4:
        return row | {"status": "failed", "failed_at": took, "error": WRONG,
                      "reason": "RecipientRefused"}  # fmt: skip
    arrived = None if n % 3 == 0 else took + timedelta(seconds=9)
    return row | {"status": "delivered" if arrived else "sent", "sent_at": took, "provider": "smtp",
                  "delivered_at": arrived}  # fmt: skip


_EMPTY: Row = dict.fromkeys(
    ("event", "address", "subject", "body", "template_id", "template_version_id", "booking_id",
     "order_id", "sent_at", "delivered_at", "failed_at", "provider", "reason", "error", "user_id")
) | {"direction": "out", "tries": 0, "purpose": "transactional"}  # fmt: skip


def _row(vendor_id: int, customer: Customer, at: datetime) -> Row:
    return {
        **_EMPTY, "vendor_id": vendor_id, "customer_id": customer.id, "send_at": at,
        "created_at": at,
    }  # fmt: skip


def _answer(customer: Customer, body: str, told: datetime, n: int) -> Row:
    at = told + timedelta(minutes=14 + n)
    return _row(customer.vendor_id, customer, at) | {
        "direction": "in", "channel": "sms" if n % 2 else "email", "body": body,
        "status": "delivered", "sent_at": at, "delivered_at": at,
    }  # fmt: skip


def _by_hand(session: Session, vendor: Vendor, own: dict[str, int], now: datetime) -> Sequence[Row]:
    """A call, a letter, an offer that was not wanted, one still to be told in person."""
    people = session.scalars(
        select(Customer)
        .where(Customer.vendor_id == vendor.id, Customer.archived_at.is_(None))
        .order_by(Customer.last_activity_at.desc())
        .limit(4)
    ).all()
    if len(people) < 4:
        return []
    at = now - timedelta(hours=5)
    called, wrote, offered, met = (
        _row(vendor.id, one, at - timedelta(hours=n)) for n, one in enumerate(people)
    )
    talked = {"status": "delivered", "sent_at": at, "delivered_at": at}
    return [
        called | talked | {"channel": "phone", "body": "Would like to come on Friday instead."},
        wrote | talked | {"channel": "letter", "body": "Sent the price list that was asked for."},
        offered | {"channel": "email", "purpose": "marketing", "template_id": own["Season's offer"],
                   "status": "suppressed", "failed_at": at, "reason": "NoConsent",
                   "error": NOT_ASKED},
        met | {"channel": "in_app", "status": "sent", "sent_at": at, "subject": "Left something",
               "body": "A pair of glasses was found: they lie in the drawer at the desk."},
    ]  # fmt: skip
