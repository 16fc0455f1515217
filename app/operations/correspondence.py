"""What staff say to customers by hand: written, called off, and logged when it was said aloud."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import contacting, messages, replies, still_true, templates
from app.operations.moves import locked
from app.operations.refusing import HeldBack
from models.customers import ConsentPurpose, Customer
from models.messages import (
    CARRIED,
    Direction,
    Message,
    MessageChannel,
    MessageStatus,
    MessageTemplate,
)

WAYS = (*CARRIED, MessageChannel.IN_APP)
SPOKEN = (MessageChannel.PHONE, MessageChannel.LETTER)
"""Ways by which staff reach customers themselves, and write it down."""
LONGEST_KEY = 64
_REFUSED = "It was not sent: "


class CalledOff(HeldBack):
    sentence = "It was called off before it was sent."


class OnItsWay(DomainError):
    sentence = "This message cannot be called off any more: it is on its way, or has ended."


class NobodyBrings(HeldBack):
    sentence = "Nobody brings messages this way yet: ask who runs Backroom to set it up."


class NotInPerson(HeldBack):
    sentence = "Offers are not told in person: choose e-mail, SMS or the app."


class CannotReach(DomainError):
    field = "channel"


class OtherWay(DomainError):
    sentence = "This template is for another channel: choose that, or other words."
    field = "template"


class NoSuchTemplate(DomainError):
    sentence = "This template is not used any more: choose another one, or write freely."
    field = "template"


class NotYet(DomainError):
    sentence = "Nobody has said that yet: choose a time that is past."
    field = "at"


class NotSpoken(DomainError):
    sentence = "Only calls and letters are written down here: write to the customer instead."
    field = "what"


class Verdict(NamedTuple):
    """Whether a message of some purpose may go out by a way: why not, else from when on."""

    why_not: str | None
    send_from: datetime | None


class Way(NamedTuple):
    """A channel, where it reaches the customer, and what is allowed by it, by purpose."""

    channel: MessageChannel
    address: str | None
    verdicts: Mapping[ConsentPurpose, Verdict]


def ways(session: Session, *, customer_id: int) -> list[Way]:
    """By what ways a customer can be written to now, and why not by the others."""
    customer = _customer(session, customer_id)
    return [
        Way(
            channel,
            contacting.address_of(session, customer, channel),
            {purpose: verdict(session, customer, channel, purpose) for purpose in ConsentPurpose},
        )
        for channel in WAYS
    ]


def verdict(
    session: Session, customer: Customer, channel: MessageChannel, purpose: ConsentPurpose
) -> Verdict:
    """What would become of a message that is written now."""
    message = Message(
        vendor_id=customer.vendor_id, customer_id=customer.id, customer=customer,
        channel=channel, purpose=purpose, send_at=clock.now(), direction=Direction.OUT,
    )  # fmt: skip
    why = _why_not(session, message)
    if why is not None:
        said = str(why).removeprefix(_REFUSED)
        return Verdict(said[:1].upper() + said[1:], None)
    return Verdict(None, contacting.send_from(session, message, message.send_at))


def _why_not(session: Session, message: Message) -> HeldBack | None:
    channel = MessageChannel(message.channel)
    if channel is MessageChannel.IN_APP and message.purpose == ConsentPurpose.MARKETING:
        return NotInPerson()
    why = still_true.check(message) or contacting.may_send(session, message)
    if why is None and channel in CARRIED and not messages.is_set_up(channel):
        return NobodyBrings()
    return why


def write(
    session: Session,
    *,
    customer_id: int,
    channel: str,
    purpose: str,
    key: str,
    subject: str | None = None,
    body: str | None = None,
    template_id: int | None = None,
) -> Message | None:
    """Write to a customer by a template, or in free words, whose fields are filled in at once.

    The same `key` is one message, however often it is pressed: None is returned then. Refuses
    `CannotReach` with the reason, `OtherWay`, `NoSuchTemplate`, and what templates refuse.
    """
    customer = _customer(session, customer_id)
    template = None if template_id is None else _template(session, customer, template_id, channel)
    way, meant = _known(channel, purpose)
    words = None
    if template is None:
        said = templates.preview(
            session, customer_id=customer.id, channel=way, subject=subject, body=body or ""
        )
        words = {"subject": said.subject, "body": said.body}
    meant = messages.strictest(meant, template.purpose if template else None)
    if why := verdict(session, customer, way, meant).why_not:
        raise CannotReach(why)
    return messages.compose(
        session, customer_id=customer.id, purpose=meant, channel=way, template_id=template_id,
        words=words, key=f"hand.{customer.id}.{key[:LONGEST_KEY]}",
    )  # fmt: skip


def _customer(session: Session, customer_id: int) -> Customer:
    customer = session.get(Customer, customer_id)
    if customer is None or customer.anonymised_at is not None:
        raise NotFound
    return customer


def _template(
    session: Session, customer: Customer, template_id: int, channel: str
) -> MessageTemplate:
    template = session.get(MessageTemplate, template_id)
    known = template is not None and template.vendor_id == customer.vendor_id
    if template is None or not known or not template.is_active or template.event is not None:
        raise NoSuchTemplate
    if template.channel != channel:
        raise OtherWay
    return template


def _known(channel: str, purpose: str) -> tuple[MessageChannel, ConsentPurpose]:
    if channel not in set(WAYS):
        raise CannotReach("Choose how it is sent: e-mail, SMS, the app, or in person.")
    if purpose not in set(ConsentPurpose):
        raise DomainError("Choose what it is about.", field="purpose")
    return MessageChannel(channel), ConsentPurpose(purpose)


def log(
    session: Session,
    *,
    customer_id: int,
    channel: str,
    text: str,
    inbound: bool = False,
    at: datetime | None = None,
) -> Message:
    """Write down a call, a letter, or what the customer wrote back (`at`, else now).

    An answer is heard as `replies.note` hears it. Refuses `NothingWritten`, `NotYet`, `NotSpoken`,
    and who is forgotten (`NotFound`).
    """
    if inbound:
        return replies.note(session, customer_id=customer_id, channel=channel, text=text, at=at)
    if channel not in set(SPOKEN):
        raise NotSpoken
    if at is not None and at > clock.now():
        raise NotYet
    kept = messages.log(session, customer_id=customer_id, channel=channel, body=text, at=at)
    if kept is None:
        raise NotFound
    return kept


def call_off(session: Session, *, message_id: int) -> Message:
    """Do not send what is queued. Refuses `OnItsWay` once a worker has it."""
    message = locked(session, Message, message_id)
    if message.status != MessageStatus.QUEUED:
        raise OnItsWay
    return messages.suppress(session, message_id=message_id, why=CalledOff())
