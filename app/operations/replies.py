"""What customers write back: kept in their conversation, and heard when it says stop."""

import re
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app import clock
from app.contact import fold
from app.errors import DomainError, NotFound
from app.operations import messages, unsubscribing
from app.operations.stop_links import Named
from app.operations.unsubscribing import BY_TEXT
from models.customers import ConsentPurpose, Customer
from models.messages import Direction, Message, MessageChannel

BY_HAND = (
    MessageChannel.EMAIL, MessageChannel.SMS, MessageChannel.PUSH, MessageChannel.PHONE,
    MessageChannel.LETTER,
)  # fmt: skip
"""Ways by which somebody writes or calls, and staff write it down."""

_STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "revoke", "optout", "quit"}
_START = {"start", "unstop"}
_STOPPED = (ConsentPurpose.MARKETING, ConsentPurpose.REMINDER)
_LETTERS = re.compile(r"[^\W\d_]+")


class NotYet(DomainError):
    sentence = "Nobody has written that yet: choose a time that is past."
    field = "at"


class NoSuchWay(DomainError):
    sentence = "Nobody writes back this way: choose e-mail, SMS, push, phone or letter."
    field = "channel"


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"


def keyword(text: str) -> Keyword | None:
    """What a text message asks for that says nothing else: "Stop!", "OPT OUT", "start".

    A sentence with such a word in it is read by a person.
    """
    words = _LETTERS.findall(fold(text[:200])) if len(text) <= 60 else []
    said = "".join(words)
    if said in _STOP or (words and all(word in _STOP for word in words)):
        return Keyword.STOP
    return Keyword.START if said in _START else None


def note(
    session: Session, *, customer_id: int, channel: str, text: str, at: datetime | None = None
) -> Message:
    """Write down what a customer has written or said, as staff heard it (`at`, else now).

    A text message that says stop is heard as one. Refuses `NoSuchWay`, `NotYet`, `NothingWritten`,
    and who is forgotten (`NotFound`).
    """
    if channel not in BY_HAND:
        raise NoSuchWay
    if at is not None and at > clock.now():
        raise NotYet
    kept = messages.log(
        session, customer_id=customer_id, channel=channel, body=text, direction=Direction.IN, at=at
    )
    if kept is None or kept.customer_id is None:
        raise NotFound
    if channel == MessageChannel.SMS:
        heed(session, kept.vendor_id, kept.customer_id, text)
    return kept


def heed(session: Session, vendor_id: int, customer_id: int, text: str) -> Keyword | None:
    """Do what a text message asks for: no reminders and offers by SMS any more, or again those
    that a text message had stopped. What has to be known is sent on.
    """
    asked = keyword(text)
    if asked is None:
        return None
    for purpose in _STOPPED:
        named = Named(vendor_id, customer_id, MessageChannel.SMS, purpose)
        change = unsubscribing.stop if asked is Keyword.STOP else unsubscribing.resume
        change(session, named, source=BY_TEXT, proof=text.strip()[:200])
    return asked


def received(
    session: Session, customer: Customer, *, channel: str, text: str, at: datetime, address: str,
    provider: str, event_ref: str,
) -> Message | None:  # fmt: skip
    """Keep what a provider brought from a customer, once however often it is brought."""
    return messages.log(
        session, customer_id=customer.id, channel=channel, body=text.strip() or "(no text)",
        direction=Direction.IN, at=at, key=f"in.{provider}.{event_ref}", provider=provider,
        provider_id=event_ref, address=address,
    )  # fmt: skip
