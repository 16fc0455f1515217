"""Messages are composed where something happens, or by hand: written down, and promised to be sent.

Nothing is rendered and nobody is asked for consent for good before the moment of sending: what
is said is true then, and what was not to be said any more is held back with the reason.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.orm import Session, make_transient_to_detached

from app import clock
from app.database import as_read, quickly
from app.errors import DomainError, NotFound
from app.operations import contacting, outbox, still_true, templates
from app.operations.customers import clean
from app.operations.withheld import held_back, hold_back, put_off, shared
from app.settings import settings
from app.tenancy import current_actor
from models.bookings import Booking
from models.customers import ConsentPurpose, Customer, CustomerPreference
from models.memberships import Membership
from models.messages import (
    CARRIED,
    Direction,
    Message,
    MessageChannel,
    MessageEvent,
    MessageStatus,
    MessageTemplate,
    purpose_of,
)
from models.orders import Order
from models.packages import PackageHolding
from models.tasks import Task

TASK = "tasks.messages.deliver"

_STRICT = (ConsentPurpose.TRANSACTIONAL, ConsentPurpose.REMINDER, ConsentPurpose.MARKETING)


class NothingWritten(DomainError):
    sentence = "There is nothing to send yet: write the message."
    field = "body"


class CannotCarry(DomainError):
    sentence = "Nobody brings messages this way: choose e-mail, SMS, push or the panel."
    field = "channel"


def compose(
    session: Session,
    *,
    customer_id: int,
    purpose: str,
    event: str | None = None,
    template_id: int | None = None,
    channel: str | None = None,
    booking_id: int | None = None,
    order_id: int | None = None,
    membership_id: int | None = None,
    holding_id: int | None = None,
    task_id: int | None = None,
    sequence: int | None = None,
    send_at: datetime | None = None,
    useless_at: datetime | None = None,
    key: str | None = None,
    words: Mapping[str, Any] | None = None,
) -> Message | None:
    """Tell a customer something once this transaction is through, or from `send_at` on.

    For an `event`, or by a template, or by hand: then `words` holds `subject` and `body`; else it
    holds merge fields that the message alone knows. Without a `channel` the customer's own is
    taken, else e-mail, else SMS, else the panel, where staff tell it in person. A message that may
    not go out is kept as suppressed, with the reason. The purpose of an event, or of a template,
    holds where it is the stricter one. The same `key` is told once: None is returned then, and
    when the customer is forgotten. Refuses `NothingWritten`, `CannotCarry`, `NotFound`.
    """
    customer = _stands_for(session, customer_id)
    if customer is None:
        return None
    template = None if template_id is None else _template(session, template_id)
    about = None if event is None else MessageEvent(event)
    meant = strictest(
        purpose, template.purpose if template else None, purpose_of(about) if about else None
    )  # fmt: skip
    way = _way(session, customer, template.channel if template else channel)
    booking = None if booking_id is None else session.get_one(Booking, booking_id)
    message = Message(
        vendor_id=customer.vendor_id, customer_id=customer.id, customer=customer,
        direction=Direction.OUT, channel=way, purpose=meant, event=about,
        template_id=template_id, booking_id=booking_id, booking=booking,
        order_id=order_id, order=_got(session, Order, order_id),
        membership_id=membership_id, membership=_got(session, Membership, membership_id),
        holding_id=holding_id, holding=_got(session, PackageHolding, holding_id),
        task_id=task_id, task=_got(session, Task, task_id),
        sequence=_form(booking, sequence), send_at=send_at or clock.now(),
        useless_at=useless_at or of_no_use_from(about, booking), words=None,
        key=key or _key(about, booking, sequence, customer, way), user_id=current_actor().user_id,
        status=MessageStatus.QUEUED,
    )  # fmt: skip
    _say(message, words)
    is_later = message.send_at > clock.now()  # then whether it may go out is asked then
    why = still_true.check(message) if is_later else held_back(session, message)
    why = why or put_off(session, message, message.send_at)
    if why is not None:
        hold_back(message, why)
    return _saved(session, message)


def _stands_for(session: Session, customer_id: int) -> Customer | None:
    """The file that stands for a customer today; None when nobody does any more."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    while customer is not None and customer.merged_into_id is not None:
        customer = session.get(Customer, customer.merged_into_id)
    return None if customer is None or customer.anonymised_at is not None else customer


def _template(session: Session, template_id: int) -> MessageTemplate:
    template = shared(session, MessageTemplate, template_id)
    if template is None:
        raise NotFound
    return template


def _got(session: Session, model: Any, row_id: int | None) -> Any:
    return None if row_id is None else session.get_one(model, row_id)


def _way(session: Session, customer: Customer, wanted: str | None) -> MessageChannel:
    """By what it goes: as asked, as the customer likes it, or by what is known of them."""
    if wanted is not None:
        if wanted not in (*CARRIED, MessageChannel.IN_APP):
            raise CannotCarry
        return MessageChannel(wanted)
    if not customer.email and not customer.phone and not customer.phone_2:
        return MessageChannel.IN_APP
    liked = session.scalar(
        select(CustomerPreference.channel)
        .where(CustomerPreference.vendor_id == customer.vendor_id)
        .where(CustomerPreference.customer_id == customer.id)
    )
    ways = [MessageChannel(liked)] if liked in CARRIED else []
    ways += [MessageChannel.EMAIL, MessageChannel.SMS]
    return next(
        (way for way in ways if is_set_up(way) and contacting.address_of(session, customer, way)),
        MessageChannel.IN_APP,
    )


def is_set_up(way: MessageChannel) -> bool:
    """Whether this installation has somebody who brings messages this way."""
    known = settings()
    return bool(
        {
            MessageChannel.EMAIL: known.smtp_url,
            MessageChannel.SMS: known.sms_url,
            MessageChannel.PUSH: known.push_url,
        }.get(way)
    )


_UNTIL_IT_ENDS = (MessageEvent.BOOKING_CANCELLED,)
_UNTIL_IT_BEGINS = (
    MessageEvent.BOOKING_CONFIRMED, MessageEvent.BOOKING_MOVED, MessageEvent.BOOKING_REMINDER,
    MessageEvent.BOOKING_OFFERED,
)  # fmt: skip


def of_no_use_from(event: MessageEvent | None, booking: Booking | None) -> datetime | None:
    """From when on nobody wants to hear of it any more; None where that is never."""
    if booking is None or event is None:
        return None
    if event in _UNTIL_IT_BEGINS:
        return booking.starts_at
    return booking.ends_at if event in _UNTIL_IT_ENDS else None


def _form(booking: Booking | None, sequence: int | None) -> int | None:
    """The form of a booking of which something is said; None where it is about none."""
    if booking is None:
        return None
    return booking.sequence if sequence is None else sequence


_ONCE_A_CHANGE = (
    MessageEvent.BOOKING_CONFIRMED, MessageEvent.BOOKING_MOVED, MessageEvent.BOOKING_CANCELLED,
    MessageEvent.BOOKING_COMPLETED, MessageEvent.BOOKING_NO_SHOW, MessageEvent.BOOKING_OFFERED,
)  # fmt: skip


def _key(
    event: MessageEvent | None,
    booking: Booking | None,
    sequence: int | None,
    customer: Customer,
    way: MessageChannel,
) -> str | None:
    """What makes a second telling of the same change known as one."""
    if booking is None or event not in _ONCE_A_CHANGE:
        return None
    return f"{event}.{booking.id}.{_form(booking, sequence)}.{customer.id}.{way}"


def _say(message: Message, words: Mapping[str, Any] | None) -> None:
    if message.event is not None or message.template_id is not None:
        message.words = dict(words) if words else None
        return
    said = words or {}
    message.body = clean(said.get("body"), "body", lines=True, longest=templates.LONGEST_BODY)
    message.subject = clean(said.get("subject"), "subject", longest=templates.LONGEST_SUBJECT)
    if message.body is None:
        raise NothingWritten
    if message.subject is None and message.channel == MessageChannel.EMAIL:
        raise NothingWritten("This message has no subject: write one.", field="subject")


_SENT_OFF = """
    WITH told AS (
      INSERT INTO messages (vendor_id, customer_id, direction, channel, purpose, event, status,
        subject, body, template_id, booking_id, order_id, membership_id, holding_id, task_id,
        sequence, words, send_at, useless_at, key, reason, error, failed_at, user_id)
      VALUES (%(vendor_id)s, %(customer_id)s, %(direction)s, %(channel)s, %(purpose)s, %(event)s,
        %(status)s, %(subject)s, %(body)s, %(template_id)s, %(booking_id)s, %(order_id)s,
        %(membership_id)s, %(holding_id)s, %(task_id)s, %(sequence)s, %(words)s, %(send_at)s,
        %(useless_at)s, %(key)s, %(reason)s, %(error)s, %(failed_at)s, %(user_id)s)
      ON CONFLICT (vendor_id, key) WHERE key IS NOT NULL DO NOTHING
      RETURNING id, vendor_id, status, user_id, send_at, created_at, updated_at
    ), promised AS (
      INSERT INTO outbox_messages (vendor_id, task, payload, available_at)
      SELECT vendor_id, %(task)s, jsonb_build_object('user_id', user_id, 'message_id', id), send_at
      FROM told WHERE status = 'queued'
      RETURNING pg_notify(%(wakes)s, '')
    )
    SELECT id, created_at, updated_at, (SELECT count(*) FROM promised) FROM told
    """
"""A message and its promise in one way there and back; the key decides whether it is a new one."""
_WRITTEN = (
    "vendor_id", "customer_id", "direction", "channel", "purpose", "event", "status", "subject",
    "body", "template_id", "booking_id", "order_id", "membership_id", "holding_id", "task_id",
    "sequence", "words", "send_at", "useless_at", "key", "reason", "error", "failed_at", "user_id",
)  # fmt: skip
_EMPTY = {
    "address": None, "template_version_id": None, "delivery_id": None, "provider": None,
    "provider_id": None, "tries": 0, "deaths": 0, "sent_at": None, "delivered_at": None,
}  # fmt: skip


def _saved(session: Session, message: Message) -> Message | None:
    """The row as it was written, promised if it is queued; None when its key was told before."""
    session.flush()  # what it refers to
    values = {name: getattr(message, name) for name in _WRITTEN}
    sent = values | {"task": TASK, "wakes": outbox.CHANNEL, "words": _dumped(message.words)}
    rows = quickly(session.connection(), _SENT_OFF, sent)
    if not rows:
        return None
    number, made, changed, _ = rows[0]
    told = {"id": number, "created_at": made, "updated_at": changed}
    kept = as_read(Message, {**_EMPTY, **values, **told})
    make_transient_to_detached(kept)
    session.add(kept)
    return kept


def _dumped(words: dict[str, Any] | None) -> Jsonb | None:
    return None if words is None else Jsonb(words)


def log(
    session: Session,
    *,
    customer_id: int,
    channel: str,
    body: str,
    direction: str = Direction.OUT,
    subject: str | None = None,
    at: datetime | None = None,
    key: str | None = None,
    provider: str | None = None,
    provider_id: str | None = None,
    address: str | None = None,
    purpose: str = ConsentPurpose.TRANSACTIONAL,
) -> Message | None:
    """Write down what was said and needs no sending: a call, a letter, an answer of a customer.

    The same `key` is one message: None is returned the second time.
    """
    customer = _stands_for(session, customer_id)
    if customer is None:
        return None
    said = clean(body, "body", lines=True, longest=templates.LONGEST_BODY)
    if said is None:
        raise NothingWritten
    moment = at or clock.now()
    message = Message(
        vendor_id=customer.vendor_id, customer_id=customer.id, direction=Direction(direction),
        channel=MessageChannel(channel), purpose=ConsentPurpose(purpose), body=said,
        subject=clean(subject, "subject", longest=templates.LONGEST_SUBJECT),
        status=MessageStatus.DELIVERED, send_at=moment, key=key, user_id=current_actor().user_id,
    )  # fmt: skip
    kept = _saved(session, message)
    if kept is not None:
        kept.sent_at = kept.delivered_at = moment
        kept.provider, kept.provider_id, kept.address = provider, provider_id, address
        session.flush()  # one row, as it stays
    return kept


def strictest(*purposes: str | None) -> ConsentPurpose:
    """Of several purposes the one for which most is asked."""
    return max((ConsentPurpose(one) for one in purposes if one), key=_STRICT.index)
