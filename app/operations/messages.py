"""Messages: composed where something happens, claimed by a worker, sent, and followed up.

Nothing is rendered and nobody is asked for consent for good before the moment of sending: what
is said is true then, and what was not to be said any more is held back with the reason.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from psycopg.types.json import Jsonb
from sqlalchemy import and_, case, null, select, update
from sqlalchemy.orm import Session, joinedload, make_transient_to_detached

from app import clock
from app.database import as_read, quickly
from app.errors import DomainError, NotFound
from app.operations import (
    contacting,
    message_rules,
    outbox,
    still_true,
    stop_links,
    suppressions,
    templates,
)
from app.operations.conditions import is_any
from app.operations.contacting import OftenEnough, OnlyQuietHours
from app.operations.customers import clean
from app.operations.moves import locked, move
from app.operations.refusing import HeldBack
from app.operations.templates import Rendered, Words
from app.settings import settings
from app.tenancy import current_actor
from models.base import Base
from models.bookings import Booking
from models.customers import ConsentPurpose, Customer, CustomerPreference
from models.memberships import Membership
from models.messages import (
    CARRIED,
    MESSAGE_TRANSITIONS,
    Direction,
    Message,
    MessageChannel,
    MessageEvent,
    MessageStatus,
    MessageTemplate,
    purpose_of,
)
from models.orders import Order
from models.outbox import OutboxMessage
from models.packages import PackageHolding
from models.suppressions import SuppressionReason
from models.tasks import Task
from models.vendors import Vendor

Row = TypeVar("Row", bound=Base)

TASK = "tasks.messages.deliver"
MOST_TRIES = 30
"""With the outbox's pauses that is the better part of a day."""
MOST_DEATHS = 5
"""Workers that may die on one message before it is left alone."""

_STRICT = (ConsentPurpose.TRANSACTIONAL, ConsentPurpose.REMINDER, ConsentPurpose.MARKETING)


class NothingWritten(DomainError):
    sentence = "There is nothing to send yet: write the message."
    field = "body"


class CannotCarry(DomainError):
    sentence = "Nobody brings messages this way: choose e-mail, SMS, push or the panel."
    field = "channel"


class KilledWorkers(DomainError):
    sentence = "The worker died each time it was sent: look at its log before it is sent again."


class RuleRests(HeldBack):
    sentence = "It was not sent: the rule that wanted it was paused or removed meanwhile."


class GivenUp(DomainError):
    sentence = "It was given up after {tries} tries. {last}"


# --- composing ----------------------------------------------------------------------------------


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
    why = still_true.check(message) if is_later else _held_back(session, message)
    why = why or _when(session, message, message.send_at)
    if why is not None:
        _hold_back(message, why)
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
    template = _held(session, MessageTemplate, template_id)
    if template is None:
        raise NotFound
    return template


def _got(session: Session, model: Any, row_id: int | None) -> Any:
    return None if row_id is None else session.get_one(model, row_id)


def _held(session: Session, model: type[Row], row_id: int) -> Row | None:
    """A row that many messages share, read once: a session lets go of what nobody holds."""
    held = session.info.setdefault("messages share", {})
    if (model, row_id) not in held:
        held[model, row_id] = session.get(model, row_id)
    found: Row | None = held[model, row_id]
    return found


def strictest(*purposes: str | None) -> ConsentPurpose:
    """Of several purposes the one for which most is asked."""
    return max((ConsentPurpose(one) for one in purposes if one), key=_STRICT.index)


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


def _hold_back(message: Message, why: DomainError) -> None:
    message.status, message.failed_at = MessageStatus.SUPPRESSED, clock.now()
    message.reason, message.error = why.code, str(why)
    if message.useless_at is not None and message.useless_at <= message.send_at:
        message.useless_at = None


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


# --- what may not go out ------------------------------------------------------------------------


def _held_back(session: Session, message: Message) -> HeldBack | None:
    """Why a message may not go out now, if so."""
    if not message_rules.wants(session, key=message.key):
        return RuleRests()
    return still_true.check(message) or contacting.may_send(session, message)


def _when(session: Session, message: Message, at: datetime) -> HeldBack | None:
    """Move a message that would come in quiet hours; why it cannot go out at all, if so."""
    due = contacting.send_from(session, message, at)
    if due is None:
        return OnlyQuietHours()
    if message.useless_at is not None and due >= message.useless_at:
        return still_true.TooLate()
    message.send_at = due
    return None


# --- sending ------------------------------------------------------------------------------------


class Parcel(NamedTuple):
    """A message as it goes out, and the outbox's promise that it fulfils; `key` is its name."""

    message_id: int
    delivery_id: int
    channel: MessageChannel
    to: str
    subject: str | None
    body: str
    key: str
    sender: str
    reply_to: str | None
    template_version_id: int | None
    marketing_to: int | None
    """The customer whose ceiling of offers it counts for; None for what is no offer."""
    headers: Mapping[str, str]


def claim(session: Session, *, deliveries: Mapping[int, int]) -> list[Parcel]:
    """What of these promises (outbox id -> message id) is to be sent now, in words.

    The caller holds the outbox's lock on each. What may not go out any more is held back, what is
    only told in the panel is told, what has killed its workers fails, and their promises are done.
    """
    now = clock.now()
    rows = _promises(session, deliveries)
    found = _found(session, {deliveries[row.id] for row in rows})
    for vendor_id in {message.vendor_id for message in found.values()}:
        _held(session, Vendor, vendor_id)
    contacting.look_ahead(session, list(found.values()))
    said: dict[Any, Words] = {}
    parcels = []
    for row in rows:
        message = found.get(deliveries[row.id])
        if message is None or not _is_due(message, row):
            row.done_at = now
        elif (parcel := _ready(session, message, row, said)) is not None:
            parcels.append(parcel)
    session.flush()  # what was settled here
    return parcels


def _promises(session: Session, deliveries: Mapping[int, int]) -> Sequence[OutboxMessage]:
    query = select(OutboxMessage).where(is_any(OutboxMessage.id, list(deliveries)))
    query = query.where(OutboxMessage.done_at.is_(None), OutboxMessage.dead_at.is_(None))
    return session.scalars(query.order_by(OutboxMessage.id).with_for_update()).all()


def _found(session: Session, ids: set[int]) -> dict[int, Message]:
    query = (
        select(Message)
        .where(is_any(Message.id, sorted(ids)))
        .options(joinedload(Message.customer))
        .order_by(Message.id)
        .with_for_update(of=Message)
    )
    return {one.id: one for one in session.scalars(query)}


def _is_due(message: Message, row: OutboxMessage) -> bool:
    """Of one that failed only the promise that failed with it counts, once that is revived."""
    if message.status == MessageStatus.FAILED:
        return message.delivery_id == row.id
    return message.status in (MessageStatus.QUEUED, MessageStatus.SENDING)


def _ready(
    session: Session, message: Message, row: OutboxMessage, said: dict[Any, Words]
) -> Parcel | None:
    if message.status == MessageStatus.SENDING:  # whoever sent it died: the lock was free
        message.deaths += 1
        message.status = MessageStatus.QUEUED
        if message.deaths >= MOST_DEATHS:
            _fail(message, row, KilledWorkers())
            row.dead_at = clock.now()
            return None
    why = _held_back(session, message) or _when(session, message, clock.now())
    if why is not None:
        _hold_back(message, why)
        _uncount(session, message)
        row.done_at = clock.now()
        return None
    if message.send_at > clock.now():
        row.available_at = message.send_at
        return None
    words = _words(session, message, said)
    rendered = _rendered(session, message, words)
    if message.channel == MessageChannel.IN_APP:
        _tell_in_person(message, row, words, rendered)
        return None
    return _parcel(session, message, row, words, rendered)


def _words(session: Session, message: Message, said: dict[Any, Words]) -> Words:
    if message.event is None and message.template_id is None:
        return Words(message.subject, message.body or "")
    which = (message.vendor_id, message.event, message.channel, message.template_id)
    if which not in said:
        said[which] = templates.words_for(
            session, vendor_id=message.vendor_id, event=message.event, channel=message.channel,
            template_id=message.template_id,
        )  # fmt: skip
    return said[which]


def _rendered(session: Session, message: Message, words: Words) -> Rendered:
    if message.event is None and message.template_id is None:
        return Rendered(words.subject, words.body)
    return templates.render(session, message, words)


def _tell_in_person(message: Message, row: OutboxMessage, words: Words, rendered: Rendered) -> None:
    message.subject, message.body = rendered
    message.template_version_id = words.version_id
    message.status, message.sent_at = MessageStatus.SENT, clock.now()
    message.reason = message.error = None
    row.done_at = clock.now()


def _parcel(
    session: Session, message: Message, row: OutboxMessage, words: Words, rendered: Rendered
) -> Parcel:
    vendor = session.get_one(Vendor, message.vendor_id)
    stop = _stop(message)
    body = rendered.body if stop is None else f"{rendered.body}\n\n{stop_links.footer(stop)}"
    return Parcel(
        message.id, row.id, MessageChannel(message.channel),
        contacting.address_of(session, message.customer, message.channel) or "",  # type: ignore[arg-type]  # looked at above
        rendered.subject, body, key_of(message.id), vendor.name, vendor.email,
        words.version_id, stop and stop.customer_id,
        stop_links.headers(stop) if stop else {},
    )  # fmt: skip


def _stop(message: Message) -> stop_links.Named | None:
    """What its reader can stop: offers, never what has to be known."""
    if message.purpose != ConsentPurpose.MARKETING or message.customer_id is None:
        return None
    return stop_links.Named(
        message.vendor_id, message.customer_id, message.channel, message.purpose
    )


_START = """
    UPDATE messages SET status = 'sending', subject = %(subject)s, body = %(body)s,
      address = %(to)s, template_version_id = %(template_version_id)s,
      delivery_id = %(delivery_id)s, tries = tries + 1, updated_at = now()
    WHERE id = %(message_id)s AND status IN ('queued', 'failed') RETURNING id
    """


def start(session: Session, parcel: Parcel) -> bool:
    """Say that a message is being sent from now on, and keep what it says; False if it is not to
    be any more. Until it is settled, whoever died on it is known to have.
    """  # fmt: skip
    if parcel.marketing_to is not None and not contacting.count_contact(
        session, message_id=parcel.message_id, customer_id=parcel.marketing_to
    ):
        _had_enough(session, parcel)
        return False
    return bool(quickly(session.connection(), _START, parcel._asdict()))


def _had_enough(session: Session, parcel: Parcel) -> None:
    """Another vendor was quicker."""
    row = locked(session, OutboxMessage, parcel.delivery_id)
    message = locked(session, Message, parcel.message_id)
    row.done_at = clock.now()
    if message.status == MessageStatus.QUEUED:
        _hold_back(message, OftenEnough())


_SENT = """
    WITH done AS (
      UPDATE outbox_messages
      SET done_at = %(now)s, attempts = attempts + 1, last_error = NULL WHERE id = %(delivery)s
    )
    UPDATE messages SET status = 'sent', sent_at = %(now)s, provider = %(provider)s,
      provider_id = coalesce(%(provider_id)s, provider_id), reason = NULL, error = NULL,
      failed_at = NULL, updated_at = now()
    WHERE id = %(message)s AND status = 'sending' RETURNING id
    """


def mark_sent(
    session: Session,
    *,
    message_id: int,
    delivery_id: int,
    provider: str,
    provider_id: str | None = None,
) -> None:
    """A provider has taken it, and calls it `provider_id`; the promise is done."""
    sent = {
        "now": clock.now(), "message": message_id, "delivery": delivery_id, "provider": provider,
        "provider_id": provider_id,
    }  # fmt: skip
    quickly(session.connection(), _SENT, sent)


def mark_failed(
    session: Session,
    *,
    message_id: int,
    error: Exception,
    for_good: bool,
    delivery_id: int | None = None,
    bad_address: bool = False,
) -> Message:
    """It did not go out: it is tried again after a pause, or, `for_good`, left alone at once; so
    is its address, if that is a `bad_address`, by all messages to come.

    Without `delivery_id` a provider says so later of one that it had taken.
    """  # fmt: skip
    row = None if delivery_id is None else locked(session, OutboxMessage, delivery_id)
    message = locked(session, Message, message_id)
    if bad_address and message.address:
        suppressions.suppress(
            session, vendor_id=message.vendor_id, channel=message.channel,
            address=message.address, reason=SuppressionReason.BOUNCED, source="provider",
        )  # fmt: skip
    if for_good:
        _uncount(session, message)
    if row is None:
        _move(message, MessageStatus.FAILED)
        _blame(message, error)
        message.failed_at = clock.now()
        return message
    row.attempts += 1
    if for_good:
        row.done_at, row.last_error = clock.now(), outbox.told(error)
        _fail(message, row, error)
        return message
    outbox.mark_failed(session, message_id=row.id, error=error, most=MOST_TRIES)
    if row.dead_at is not None:
        _uncount(session, message)
        _fail(message, row, GivenUp(tries=row.attempts, last=_sentence(error)))
    elif message.status in (MessageStatus.SENDING, MessageStatus.QUEUED):
        message.status, message.send_at = MessageStatus.QUEUED, row.available_at
        _blame(message, error)
        if message.useless_at is not None and message.useless_at <= message.send_at:
            message.send_at = min(message.send_at, clock.now())
    session.flush()  # one change
    return message


def _fail(message: Message, row: OutboxMessage, error: Exception) -> None:
    if message.status not in (MessageStatus.DELIVERED, MessageStatus.SUPPRESSED):
        message.status, message.failed_at = MessageStatus.FAILED, clock.now()
        message.delivery_id = row.id
        _blame(message, error)


def _uncount(session: Session, message: Message) -> None:
    """What does not go out after all takes nobody's place under the ceiling."""
    if message.purpose == ConsentPurpose.MARKETING:
        contacting.uncount_contact(session, message_id=message.id)


def _blame(message: Message, error: Exception) -> None:
    message.reason, message.error = type(error).__name__, _sentence(error)


def _sentence(error: Exception) -> str:
    if isinstance(error, DomainError):
        return str(error).replace("\x00", "")[:500]
    return f"Something went wrong ({type(error).__name__}): the worker's log says where."


def give_back(session: Session, *, deliveries: Sequence[int]) -> None:
    """Let somebody else take what was not begun: it is due again at once."""
    due = update(OutboxMessage).where(is_any(OutboxMessage.id, deliveries))
    session.execute(due.values(available_at=clock.now()))


# --- afterwards ---------------------------------------------------------------------------------


def mark_delivered(session: Session, *, message_id: int, at: datetime | None = None) -> Message:
    """It has arrived, or was told in person; a second word of it changes nothing."""
    message = locked(session, Message, message_id)
    if message.status != MessageStatus.DELIVERED:
        _move(message, MessageStatus.DELIVERED)
        message.delivered_at = at or clock.now()
        message.reason = message.error = message.failed_at = None
        session.flush()  # one change
    return message


def suppress(session: Session, *, message_id: int, why: DomainError) -> Message:
    """Hold a message back that is not sent yet, and say why; refuses one that was."""
    message = locked(session, Message, message_id)
    _move(message, MessageStatus.SUPPRESSED)
    _hold_back(message, why)
    session.flush()  # one change
    return message


class CannotRetry(DomainError):
    sentence = "This message is not sent again: it is on its way, or has arrived."


def retry(session: Session, *, message_id: int) -> Message:
    """Send a message that failed or was held back after all, as if it were new.

    Whether it may go out is asked again when it is sent. Refuses `CannotRetry`.
    """
    message = locked(session, Message, message_id)
    if message.status not in (MessageStatus.FAILED, MessageStatus.SUPPRESSED):
        raise CannotRetry
    now = clock.now()
    if message.useless_at is not None and message.useless_at <= now:
        raise CannotRetry("It is too late for this message: write a new one.")
    message.status, message.send_at = MessageStatus.QUEUED, now
    message.tries = message.deaths = 0
    message.reason = message.error = message.failed_at = None
    row = _dead(session, message)
    if row is not None:
        outbox.revive(session, message_id=row.id)
    else:
        outbox.enqueue(session, TASK, vendor_id=message.vendor_id, message_id=message.id)
    session.flush()  # one change
    return message


def _dead(session: Session, message: Message) -> OutboxMessage | None:
    if message.delivery_id is None:
        return None
    given_up = and_(OutboxMessage.id == message.delivery_id, OutboxMessage.dead_at.is_not(None))
    return session.scalars(select(OutboxMessage).where(given_up)).first()


def forget(session: Session, *, customer_ids: Sequence[int]) -> None:
    """Keep of these customers' messages that they were, and nothing of what they said.

    What is not sent yet is sent no more.
    """
    whose = is_any(Message.customer_id, customer_ids)
    unsent = case(
        (Message.status == MessageStatus.QUEUED, MessageStatus.SUPPRESSED), else_=Message.status
    )
    gone = {
        "subject": None, "body": None, "address": None, "words": null(), "provider_id": None,
        "error": None, "key": None, "status": unsent, "updated_at": Message.updated_at,
    }  # fmt: skip
    changed = update(Message).where(whose).values(gone)
    session.execute(changed, execution_options={"synchronize_session": "fetch"})


def keys_of(session: Session, *, customer_ids: Sequence[int]) -> list[str]:
    """The names under which messages to these customers went out to phones and devices."""
    query = (
        select(Message.id)
        .where(is_any(Message.customer_id, customer_ids), Message.direction == Direction.OUT)
        .where(Message.channel.in_((MessageChannel.SMS, MessageChannel.PUSH)))
    )
    return [key_of(message_id) for message_id in session.scalars(query.order_by(Message.id))]


def key_of(message_id: int) -> str:
    """What whoever brings a message calls it, however often it is tried."""
    return f"message-{message_id}"


def shown(session: Session, message: Message) -> Rendered:
    """What a message says: the copy of what was sent, else what it would say now."""
    if message.body is not None:
        return Rendered(message.subject, message.body)
    return _rendered(session, message, _words(session, message, {}))


def _move(message: Message, to: MessageStatus) -> None:
    message.status = move("message", MESSAGE_TRANSITIONS, MessageStatus(message.status), to)
