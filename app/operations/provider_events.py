"""What providers tell: stored as it comes, applied once, and the same in whichever order it comes.

A message that has arrived has arrived, whatever else is told of it. An address at which nothing
arrives is left alone; a complaint stops offers and reminders.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.contact import normal_email, normal_phone
from app.errors import DomainError
from app.operations import messages, replies, suppressions, unsubscribing
from app.operations.conditions import is_any
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.operations.stop_links import Named
from models.customers import ConsentPurpose, Customer
from models.messages import Direction, Message, MessageChannel, MessageStatus
from models.provider_events import Heard, ProviderEvent, ProviderEventKind
from models.suppressions import SuppressionReason

APPLY = "tasks.provider_events.apply"
KEPT = timedelta(days=30)
BY_COMPLAINT = "complaint"

COUNTED = "counted"
NOT_OURS = "nothing of ours is called so"
NEVER_SENT = "this was never sent: nothing was changed"
UNKNOWN = "nobody is known by this address"
NOBODYS = "several vendors know this address, and none has written to it"

_SENT = (
    MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED,
)  # fmt: skip


class NothingArrived(DomainError):
    sentence = "It did not arrive: the provider knows of nobody at this address."


class AddressBlocked(DomainError):
    sentence = "It did not arrive: the provider is not let through to this address."


_FAILURES = {
    ProviderEventKind.BOUNCED: (NothingArrived, SuppressionReason.BOUNCED),
    ProviderEventKind.BLOCKED: (AddressBlocked, SuppressionReason.BLOCKED),
}


def store(session: Session, *, provider: str, heard: Heard) -> int:
    """Keep what a provider told, once however often it is sent; the event's id.

    It is promised to be applied, should whoever stored it not come to that.
    """
    body = {
        "about": heard.about, "channel": heard.channel, "address": heard.address,
        "text": heard.text, "at": heard.at.isoformat(),
    }  # fmt: skip
    new = insert(ProviderEvent).values(
        provider=provider, event_ref=heard.event_ref, kind=heard.kind,
        body={name: value for name, value in body.items() if value is not None},
    )  # fmt: skip
    once = new.on_conflict_do_nothing(index_elements=["provider", "event_ref"])
    event_id = session.scalars(once.returning(ProviderEvent.id)).first()
    if event_id is not None:
        enqueue(session, APPLY, event_id=event_id)
        return event_id
    same = select(ProviderEvent.id).where(ProviderEvent.provider == provider)
    return session.scalars(same.where(ProviderEvent.event_ref == heard.event_ref)).one()


def apply(session: Session, *, event_id: int) -> ProviderEvent:
    """Let an event count, once; `outcome` says what came of it. Acts for the whole marketplace:
    a provider serves all vendors, and whose the event is, is found out here.
    """
    event = locked(session, ProviderEvent, event_id)
    if event.applied_at is not None:
        return event
    is_reply = event.kind == ProviderEventKind.REPLY
    event.outcome = _answered(session, event) if is_reply else _told(session, event)
    if event.outcome == COUNTED:
        event.body = {k: v for k, v in event.body.items() if k not in ("address", "text")}
    event.applied_at = clock.now()
    session.flush()  # one change, applied once
    return event


def clear(session: Session) -> int:
    """Forget what was told a month ago; how many events that were."""
    old = delete(ProviderEvent).where(ProviderEvent.received_at < clock.now() - KEPT)
    gone = session.scalars(old.returning(ProviderEvent.id))
    return len(gone.all())


# --- of messages that we sent -------------------------------------------------------------------


def _told(session: Session, event: ProviderEvent) -> str:
    message = _named(session, event.body.get("about") or "")
    if message is None or message.direction != Direction.OUT:
        return NOT_OURS
    if message.status not in _SENT and not message.tries:
        return NEVER_SENT
    if event.kind == ProviderEventKind.DELIVERED:
        _arrived(session, message, _at(event))
    elif event.kind == ProviderEventKind.COMPLAINED:
        _complained(session, message)
    else:
        _failed(session, message, ProviderEventKind(event.kind))
    return COUNTED


def _named(session: Session, about: str) -> Message | None:
    noun, _, number = about.partition("-")
    if noun == "message" and number.isascii() and number.isdigit() and len(number) < 19:
        return session.get(Message, int(number), with_for_update=True)
    named = select(Message).where(Message.provider_id == about).with_for_update()
    return session.scalars(named.order_by(Message.id)).first() if about else None


def _at(event: ProviderEvent) -> datetime:
    return min(datetime.fromisoformat(event.body["at"]), clock.now())


def _arrived(session: Session, message: Message, at: datetime) -> None:
    if message.status == MessageStatus.QUEUED:  # it was to be tried again, and need not be
        message.status = MessageStatus.SENDING
    if message.status in (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.FAILED):
        messages.mark_delivered(session, message_id=message.id, at=at)


def _failed(session: Session, message: Message, kind: ProviderEventKind) -> None:
    why, reason = _FAILURES[kind]
    if message.status in (MessageStatus.SENDING, MessageStatus.SENT):
        messages.mark_failed(session, message_id=message.id, error=why(), for_good=True)
    if message.address:
        suppressions.suppress(
            session, vendor_id=message.vendor_id, channel=message.channel,
            address=message.address, reason=reason, source="provider",
        )  # fmt: skip


def _complained(session: Session, message: Message) -> None:
    if message.customer_id is None:
        return
    for purpose in (ConsentPurpose.MARKETING, ConsentPurpose.REMINDER):
        named = Named(message.vendor_id, message.customer_id, message.channel, purpose)
        unsubscribing.stop(session, named, source=BY_COMPLAINT)


# --- of messages that came ----------------------------------------------------------------------


def _answered(session: Session, event: ProviderEvent) -> str:
    channel = event.body.get("channel") or MessageChannel.SMS
    address = _normal(channel, event.body.get("address") or "")
    known = _known_by(session, channel, address) if address else []
    if not known or address is None:
        return UNKNOWN
    said = event.body.get("text") or ""
    if channel == MessageChannel.SMS:  # the number that was answered is all vendors' number
        for customer in known:
            replies.heed(session, customer.vendor_id, customer.id, said)
    owner = _last_written_to(session, known, channel)
    if owner is None:
        return COUNTED if replies.keyword(said) else NOBODYS
    replies.received(
        session, owner, channel=channel, text=said, at=_at(event), address=address,
        provider=event.provider, event_ref=event.event_ref,
    )  # fmt: skip
    return COUNTED


def _normal(channel: str, address: str) -> str | None:
    if channel == MessageChannel.EMAIL:
        return normal_email(address)
    return normal_phone(address, "") if channel == MessageChannel.SMS else None


_BY_EMAIL = """
    SELECT c.id FROM vendors v CROSS JOIN LATERAL (
      SELECT id FROM customers WHERE vendor_id = v.id AND email = :address
        AND merged_into_id IS NULL) c ORDER BY c.id
"""
_BY_PHONE = """
    SELECT c.id FROM vendors v CROSS JOIN LATERAL (
      SELECT id FROM customers WHERE vendor_id = v.id AND phone = :address
        AND merged_into_id IS NULL
      UNION SELECT id FROM customers WHERE vendor_id = v.id AND phone_2 = :address
        AND merged_into_id IS NULL) c ORDER BY c.id
"""


def _known_by(session: Session, channel: str, address: str) -> Sequence[Customer]:
    """Every vendor's files with this address: one look-up a vendor, by index."""
    asked = text(_BY_EMAIL if channel == MessageChannel.EMAIL else _BY_PHONE)
    ids = session.scalars(asked, {"address": address}).all()
    return session.scalars(
        select(Customer).where(is_any(Customer.id, ids)).order_by(Customer.id)
    ).all()


_LAST = text(
    """
    SELECT o.customer_id FROM unnest(CAST(:vendors AS bigint[]), CAST(:customers AS bigint[]))
      AS k (vendor_id, customer_id)
    CROSS JOIN LATERAL (
      SELECT m.customer_id, m.sent_at FROM messages m WHERE m.vendor_id = k.vendor_id
        AND m.customer_id = k.customer_id AND m.direction = 'out' AND m.channel = :channel
        AND m.sent_at IS NOT NULL ORDER BY m.id DESC LIMIT 1) o
    ORDER BY o.sent_at DESC LIMIT 1
    """
)


def _last_written_to(session: Session, known: Sequence[Customer], channel: str) -> Customer | None:
    """Whose conversation an answer belongs to: theirs whom we wrote to last, or the only one's."""
    asked: dict[str, Any] = {
        "vendors": [one.vendor_id for one in known], "customers": [one.id for one in known],
        "channel": channel,
    }  # fmt: skip
    last = session.scalar(_LAST, asked)
    if last is not None:
        return next(one for one in known if one.id == last)
    return known[0] if len({one.vendor_id for one in known}) == 1 else None
