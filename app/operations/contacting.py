"""Whether somebody may be written to, where, and when: asked when a message is composed and again
when it is sent.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.operations import stop_links
from app.operations.quiet import Quiet
from app.operations.reaching import FROM_A_LIST
from app.operations.refusing import HeldBack
from app.operations.suppressions import digest
from app.settings import quiet_hours, settings
from models.customers import ConsentPurpose, Customer, CustomerPreference
from models.messages import CARRIED, Message, MessageChannel
from models.suppressions import BY_THE_PERSON
from models.vendors import Vendor

EARLY = timedelta(minutes=10)
"""How long before quiet hours a message goes out that would come too late after them."""


class NoAddress(HeldBack):
    sentence = "It was not sent: no address of the customer is known for this channel."


class NoConsent(HeldBack):
    sentence = "It was not sent: the customer does not want messages of this kind."


class LeftAlone(HeldBack):
    sentence = "It was not sent: whoever has this address asked not to get messages of this kind."


class NothingArrives(HeldBack):
    sentence = "It was not sent: nothing arrives at this address, its provider says; check it."


class OftenEnough(HeldBack):
    sentence = "It was not sent: the customer has had as many offers lately as anybody gets."


class OnlyQuietHours(HeldBack):
    sentence = "It was not sent: until it is of no use the customer has quiet hours."


class NobodyCouldStopIt(HeldBack):
    sentence = "It was not sent: without SECRET_KEY it has no link to unsubscribe by; set it."


# --- whether ------------------------------------------------------------------------------------


def may_send(session: Session, message: Message) -> HeldBack | None:
    """Why a message may not go out, if so.

    Without a word of the customer what has to be known and reminders may be sent, marketing not.
    Of decisions the latest counts, and what a list said never outweighs what a person said. What
    has to be known is sent whatever was unsubscribed from, unless nothing arrives there.
    """
    customer = message.customer
    if customer is None or message.channel not in CARRIED:
        wanted = message.purpose != ConsentPurpose.MARKETING
        return None if wanted and message.channel == MessageChannel.IN_APP else NoAddress()
    address = address_of(session, customer, message.channel)
    if address is None:
        return NoAddress()
    said = _said(session, message, address)
    if said.undeliverable:
        return NothingArrives()
    if not _agreed(said, message.purpose):
        return LeftAlone() if said.left_alone_at else NoConsent()
    return _marketing(session, message) if message.purpose == ConsentPurpose.MARKETING else None


def _marketing(session: Session, message: Message) -> HeldBack | None:
    if not stop_links.can_be_made():
        return NobodyCouldStopIt()
    return OftenEnough() if _is_at_the_ceiling(session, message) else None


def address_of(session: Session, customer: Customer, channel: str) -> str | None:
    """Where a customer is reached by a channel now, if that is known."""
    if channel == MessageChannel.EMAIL:
        return customer.email
    if channel == MessageChannel.SMS:
        return customer.phone or customer.phone_2
    if channel == MessageChannel.PUSH:
        known = _wishes(session, customer)
        return known.push_address if known else None
    return None


class _Said(NamedTuple):
    """What is known of one address, one customer and one purpose."""

    granted: bool | None
    source: str | None
    at: datetime | None
    left_alone_at: datetime | None
    undeliverable: bool


class _Asked(NamedTuple):
    """One address, one customer and one purpose."""

    vendor: int
    customer: int | None
    channel: str
    purpose: str
    digest: str


_SAID = text(
    """
    SELECT c.granted, c.source, c.at, s.left_alone_at, coalesce(s.undeliverable, false)
    FROM unnest(
      CAST(:vendor AS bigint[]), CAST(:customer AS bigint[]), CAST(:channel AS text[]),
      CAST(:purpose AS text[]), CAST(:digest AS text[])
    ) WITH ORDINALITY AS a (vendor, customer, channel, purpose, digest, number)
    LEFT JOIN LATERAL (
      SELECT granted, source, at FROM consents
      WHERE vendor_id = a.vendor AND customer_id = a.customer AND channel = a.channel
        AND purpose = a.purpose ORDER BY id DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
      SELECT max(at) FILTER (WHERE reason = ANY (:by_the_person)) AS left_alone_at,
        bool_or(NOT reason = ANY (:by_the_person)) AS undeliverable
      FROM suppressions WHERE vendor_id = a.vendor AND channel = a.channel AND digest = a.digest
        AND lifted_at IS NULL AND (purpose IS NULL OR purpose = a.purpose)) s ON true
    ORDER BY a.number
    """
)
_AHEAD = "contacting looked ahead"


def look_ahead(session: Session, messages: Sequence[Message]) -> None:
    """Read for all of these at once what `may_send` will ask of each."""
    asked = [
        _asked(message, address)
        for message in messages
        if (customer := message.customer) is not None and message.channel in CARRIED
        if (address := address_of(session, customer, message.channel)) is not None
    ]
    session.info[_AHEAD] = dict(zip(asked, _answers(session, asked), strict=True))


def _said(session: Session, message: Message, address: str) -> _Said:
    asked = _asked(message, address)
    ahead: dict[_Asked, _Said] = session.info.get(_AHEAD, {})
    return ahead.pop(asked, None) or _answers(session, [asked])[0]


def _asked(message: Message, address: str) -> _Asked:
    return _Asked(
        message.vendor_id, message.customer_id, message.channel, message.purpose,
        digest(message.vendor_id, message.channel, address),
    )  # fmt: skip


def _answers(session: Session, asked: Sequence[_Asked]) -> list[_Said]:
    columns = dict(zip(_Asked._fields, map(list, zip(*asked, strict=True)), strict=False))
    people = {"by_the_person": [reason.value for reason in BY_THE_PERSON]}
    return [_Said(*row) for row in session.execute(_SAID, columns | people)] if asked else []


def _agreed(said: _Said, purpose: str) -> bool:
    if said.left_alone_at is not None:
        anew = said.granted and said.source != FROM_A_LIST and said.at is not None
        if not (anew and said.at > said.left_alone_at):  # type: ignore[operator]  # looked at above
            return False
    return purpose != ConsentPurpose.MARKETING if said.granted is None else said.granted


# --- how often ----------------------------------------------------------------------------------


def _is_at_the_ceiling(session: Session, message: Message) -> bool:
    made = select(func.contacts_made(message.customer_id, _since(), message.id))
    return (session.scalar(made) or 0) >= settings().marketing_ceiling


def count_contact(session: Session, *, message_id: int, customer_id: int) -> bool:
    """Count a marketing message that goes out now; False when the person has had enough.

    All vendors count together, by person, e-mail and phone, and two that send at once are counted
    one after the other. The same message counts once, however often it is tried.
    """
    counted = func.make_contact(
        message_id, customer_id, settings().marketing_ceiling, _since(), clock.now()
    )
    return bool(session.scalar(select(counted)))


def uncount_contact(session: Session, *, message_id: int) -> None:
    """It did not go out after all: somebody else may."""
    session.execute(select(func.unmake_contact(message_id)))


def clear_contacts(session: Session) -> int:
    """Forget contacts that no ceiling counts any more; how many rows that were."""
    before = clock.now() - timedelta(days=60)
    return session.scalar(select(func.clear_contacts(before))) or 0


def _since() -> datetime:
    return clock.now() - timedelta(days=settings().marketing_ceiling_days)


# --- when ---------------------------------------------------------------------------------------


def send_from(session: Session, message: Message, at: datetime | None = None) -> datetime | None:
    """From when on a message may go out that is due at `at` (else at its own time): after the
    recipient's quiet hours, or shortly before them where it would be of no use afterwards; None
    when there is nothing but quiet hours until then. What has to be known never waits.
    """
    due = max(at or message.send_at, clock.now())
    if message.purpose == ConsentPurpose.TRANSACTIONAL or message.channel not in CARRIED:
        return due
    quiet = None if message.customer is None else quiet_of(session, message.customer)
    if quiet is None:
        return due
    over = quiet.over(due)
    if over == due or message.useless_at is None or over < message.useless_at:
        return over
    return _early(quiet, due)


def _early(quiet: Quiet, due: datetime) -> datetime | None:
    now, last = clock.now(), quiet.before(due)
    early = max(last - EARLY, now)
    if quiet.holds(early):
        early = max(last, now)
    return None if quiet.holds(early) or early > due else early


def quiet_of(session: Session, customer: Customer) -> Quiet | None:
    """A customer's quiet hours: their own, else the house's, by the clocks where they live, else
    by the vendor's.
    """
    wishes, usual = _wishes(session, customer), quiet_hours(settings().quiet_hours)
    if wishes is not None and wishes.quiet_from is not None and wishes.quiet_until is not None:
        hours: tuple[time, time] | None = (wishes.quiet_from, wishes.quiet_until)
    else:
        hours = usual
    if hours is None:
        return None
    zone = customer.time_zone or session.get_one(Vendor, customer.vendor_id).time_zone
    return Quiet(*hours, ZoneInfo(zone))


def _wishes(session: Session, customer: Customer) -> Any:
    query = select(
        CustomerPreference.quiet_from, CustomerPreference.quiet_until,
        CustomerPreference.push_address,
    )  # fmt: skip
    own = [
        CustomerPreference.vendor_id == customer.vendor_id,
        CustomerPreference.customer_id == customer.id,
    ]
    return session.execute(query.where(*own)).one_or_none()
