"""Messages are sent: claimed by a worker, put into words, handed over, and what became of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from app import clock
from app.database import quickly
from app.errors import DomainError
from app.operations import contacting, outbox, stop_links, suppressions, templates
from app.operations.conditions import is_any
from app.operations.contacting import OftenEnough
from app.operations.moves import locked, move
from app.operations.templates import Rendered, Words
from app.operations.withheld import held_back, hold_back, put_off, shared
from models.customers import ConsentPurpose
from models.messages import MESSAGE_TRANSITIONS, Message, MessageChannel, MessageStatus
from models.outbox import OutboxMessage
from models.suppressions import SuppressionReason
from models.vendors import Vendor

MOST_TRIES = 30
"""With the outbox's pauses that is the better part of a day."""
MOST_DEATHS = 5
"""Workers that may die on one message before it is left alone."""


class KilledWorkers(DomainError):
    sentence = "The worker died each time it was sent: look at its log before it is sent again."


class GivenUp(DomainError):
    sentence = "It was given up after {tries} tries. {last}"


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
        shared(session, Vendor, vendor_id)
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
    why = held_back(session, message) or put_off(session, message, clock.now())
    if why is not None:
        hold_back(message, why)
        _uncount(session, message)
        row.done_at = clock.now()
        return None
    if message.send_at > clock.now():
        row.available_at = message.send_at
        return None
    words = words_for(session, message, said)
    rendered = in_words(session, message, words)
    if message.channel == MessageChannel.IN_APP:
        _tell_in_person(message, row, words, rendered)
        return None
    return _parcel(session, message, row, words, rendered)


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
        hold_back(message, OftenEnough())


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
        moved(message, MessageStatus.FAILED)
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


# --- shared with what is looked at afterwards ---------------------------------------------------


def words_for(session: Session, message: Message, said: dict[Any, Words]) -> Words:
    """The words of a message, those of a template or an event read once into `said`."""
    if message.event is None and message.template_id is None:
        return Words(message.subject, message.body or "")
    which = (message.vendor_id, message.event, message.channel, message.template_id)
    if which not in said:
        said[which] = templates.words_for(
            session, vendor_id=message.vendor_id, event=message.event, channel=message.channel,
            template_id=message.template_id,
        )  # fmt: skip
    return said[which]


def in_words(session: Session, message: Message, words: Words) -> Rendered:
    """What a message says, put into these words."""
    if message.event is None and message.template_id is None:
        return Rendered(words.subject, words.body)
    return templates.render(session, message, words)


def key_of(message_id: int) -> str:
    """What whoever brings a message calls it, however often it is tried."""
    return f"message-{message_id}"


def moved(message: Message, to: MessageStatus) -> None:
    """Bring a message to another status; refuses what its table does not know."""
    message.status = move("message", MESSAGE_TRANSITIONS, MessageStatus(message.status), to)
