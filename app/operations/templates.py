"""Templates: a vendor's own words for messages, kept in versions, checked when they are saved."""

from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from app.operations import merge_fields, wording
from app.operations.customers import clean
from app.operations.mailing import Letter
from app.operations.merge_fields import NoSuchField, NotClosed
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.tenancy import current_actor
from models.bookings import Booking
from models.customers import ConsentPurpose, Customer
from models.memberships import Membership
from models.messages import (
    Message,
    MessageChannel,
    MessageEvent,
    MessageTemplate,
    TemplateVersion,
    purpose_of,
)
from models.orders import Order, OrderStatus
from models.outbox import OutboxMessage
from models.packages import PackageHolding
from models.users import User

__all__ = ["NoSuchField", "NotClosed"]

TRY_OUT = "tasks.messages.try_out"
LONGEST_SUBJECT, LONGEST_BODY, LONGEST_SHORT = 200, 20_000, 1_000


class CannotWrite(DomainError):
    sentence = "This template cannot be kept: write what it says."
    field = "body"


class AlreadyWritten(DomainError):
    sentence = "There are words of yours for this already: open that template and change it."
    field = "event"


REFUSALS["uq_message_templates_vendor_id_event_channel"] = AlreadyWritten


class Words(NamedTuple):
    """What a message says, with its merge fields, and the version of yours it comes from."""

    subject: str | None
    body: str
    template_id: int | None = None
    version_id: int | None = None


class Rendered(NamedTuple):
    """What a message says to one customer."""

    subject: str | None
    body: str


# --- writing ------------------------------------------------------------------------------------


def write(
    session: Session,
    *,
    channel: str,
    body: str,
    name: str | None = None,
    subject: str | None = None,
    event: str | None = None,
    purpose: str = ConsentPurpose.TRANSACTIONAL,
) -> MessageTemplate:
    """Keep words of one's own: for an event, which has one text a channel, or for writing by hand.

    The purpose of an event is given; by hand it is chosen. Refuses `NoSuchField`, `NotClosed`,
    `CannotWrite`, `AlreadyWritten`.
    """
    way = _channel(channel)
    about = _event(event)
    meant = purpose_of(about) if about else _purpose(purpose)
    said = _checked(way, event, subject, body)
    template = MessageTemplate(
        name=_name(name, about), event=about, channel=way, purpose=meant, version=1
    )  # fmt: skip
    session.add(template)
    session.flush()  # the id, and whether the event has words already
    _keep(session, template, said)
    return template


def rewrite(
    session: Session,
    *,
    template_id: int,
    body: str,
    subject: str | None = None,
    name: str | None = None,
) -> MessageTemplate:
    """Say it otherwise from now on: a new version; what was sent keeps the one it was sent by."""
    template = locked(session, MessageTemplate, template_id)
    said = _checked(MessageChannel(template.channel), template.event, subject, body)
    if name is not None:
        template.name = _name(name, None)
    newest = newest_of(session, template)
    if (newest.subject, newest.body) != said:
        template.version += 1
        _keep(session, template, said)
    session.flush()  # one change, one line in the trail
    return template


def put_away(session: Session, *, template_id: int) -> MessageTemplate:
    """Use it no more: for its event the house's own words are used again."""
    template = locked(session, MessageTemplate, template_id)
    template.is_active = False
    return template


def take_out(session: Session, *, template_id: int) -> MessageTemplate:
    """Use it again; refuses `AlreadyWritten` when another one has its place."""
    template = locked(session, MessageTemplate, template_id)
    template.is_active = True
    session.flush()  # one a channel, says the index
    return template


def newest_of(session: Session, template: MessageTemplate) -> TemplateVersion:
    """What a template says today."""
    return session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.vendor_id == template.vendor_id)
        .where(TemplateVersion.template_id == template.id)
        .where(TemplateVersion.number == template.version)
    ).one()


def _keep(session: Session, template: MessageTemplate, said: tuple[str | None, str]) -> None:
    subject, body = said
    version = TemplateVersion(
        vendor_id=template.vendor_id, template_id=template.id, number=template.version,
        subject=subject, body=body, user_id=current_actor().user_id, at=clock.now(),
    )  # fmt: skip
    session.add(version)
    session.flush()  # it never changes from here on


def _checked(
    channel: MessageChannel, event: str | None, subject: str | None, body: str
) -> tuple[str | None, str]:
    """Subject and body as they are kept; refuses fields that nobody knows."""
    short = channel in wording.SHORT
    said = clean(body, "body", lines=True, longest=LONGEST_SHORT if short else LONGEST_BODY)
    if said is None:
        raise CannotWrite
    title = None if short else clean(subject, "subject", longest=LONGEST_SUBJECT)
    if title is None and not short:
        raise CannotWrite("This message has no subject: write one.", field="subject")
    for text, field in ((title, "subject"), (said, "body")):
        if text is not None:
            merge_fields.lint(text, event, field=field)
    return title, said


def _name(name: str | None, event: MessageEvent | None) -> str:
    said = clean(name, "name", longest=120)
    if said is None and event is not None:
        return event.replace("_", " ").capitalize()
    if said is None:
        raise CannotWrite("This template has no name: give it one.", field="name")
    return said


def _channel(channel: str) -> MessageChannel:
    if channel not in set(MessageChannel):
        raise CannotWrite("There is no such channel: choose one of the list.", field="channel")
    return MessageChannel(channel)


def _event(event: str | None) -> MessageEvent | None:
    if event is not None and event not in set(MessageEvent):
        raise CannotWrite("There is no such event: choose one of the list.", field="event")
    return None if event is None else MessageEvent(event)


def _purpose(purpose: str) -> ConsentPurpose:
    if purpose not in set(ConsentPurpose):
        raise CannotWrite("There is no such purpose: choose one of the list.", field="purpose")
    return ConsentPurpose(purpose)


# --- reading ------------------------------------------------------------------------------------


def words_for(
    session: Session, *, vendor_id: int, event: str | None, channel: str, template_id: int | None
) -> Words:
    """What is said for an event by a channel: by the template named, else the vendor's own
    words, else the house's.
    """  # fmt: skip
    version = and_(
        TemplateVersion.vendor_id == MessageTemplate.vendor_id,
        TemplateVersion.template_id == MessageTemplate.id,
        TemplateVersion.number == MessageTemplate.version,
    )
    query = (
        select(TemplateVersion)
        .join(MessageTemplate, version)
        .where(MessageTemplate.vendor_id == vendor_id)
    )
    if template_id is not None:
        query = query.where(MessageTemplate.id == template_id)
    else:
        own = MessageTemplate.event == event, MessageTemplate.channel == channel
        query = query.where(*own, MessageTemplate.is_active)
    found = session.scalars(query).first()
    if found is not None:
        return Words(found.subject, found.body, found.template_id, found.id)
    if event is None:
        raise NotFound
    return Words(*wording.built_in(MessageEvent(event), MessageChannel(channel)))


def render(session: Session, message: Message, words: Words) -> Rendered:
    """A message's words with its fields filled in, in the vendor's time."""
    names = merge_fields.used(words.subject, words.body)
    values = merge_fields.values_of(session, message, names) if names else {}
    subject = words.subject and merge_fields.one_line(merge_fields.filled(words.subject, values))
    return Rendered(subject, merge_fields.filled(words.body, values))


def preview(
    session: Session,
    *,
    customer_id: int,
    channel: str,
    event: str | None = None,
    template_id: int | None = None,
    subject: str | None = None,
    body: str | None = None,
) -> Rendered:
    """What a customer would read: with `body` words that are not kept yet, checked like those that
    are; else the template's, or what is used for the event. It is about their newest booking,
    order, membership and package.
    """  # fmt: skip
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    way, about = _channel(channel), _event(event)
    if body is not None:
        words = Words(*_checked(way, event, subject, body))
    else:
        words = words_for(
            session, vendor_id=customer.vendor_id, event=about, channel=way,
            template_id=template_id,
        )  # fmt: skip
    return render(session, _example(session, customer, way, about), words)


def _example(
    session: Session, customer: Customer, channel: MessageChannel, event: MessageEvent | None
) -> Message:
    """A message that nobody gets: about the customer's newest of everything."""

    def newest(model: Any, *more: Any) -> Any:
        own = model.vendor_id == customer.vendor_id, model.customer_id == customer.id
        query = select(model).where(*own, *more).order_by(model.id.desc()).limit(1)
        return session.scalars(query).first()

    with session.no_autoflush:
        return Message(
            vendor_id=customer.vendor_id, customer_id=customer.id, customer=customer,
            channel=channel, event=event,
            purpose=purpose_of(event) if event else ConsentPurpose.TRANSACTIONAL,
            booking=newest(Booking), membership=newest(Membership),
            order=newest(Order, Order.status != OrderStatus.DRAFT),
            holding=newest(PackageHolding),
        )  # fmt: skip


def try_out(session: Session, *, template_id: int, customer_id: int) -> OutboxMessage:
    """Promise the one who acts a mail that shows what a customer would read."""
    template = session.get(MessageTemplate, template_id)
    if template is None or session.get(Customer, customer_id) is None:
        raise NotFound
    return enqueue(
        session, TRY_OUT, vendor_id=template.vendor_id, template_id=template.id,
        customer_id=customer_id,
    )  # fmt: skip


def trial(session: Session, *, template_id: int, customer_id: int) -> Letter | None:
    """The mail to the one who acts; None when they, the template or the customer are gone."""
    template, customer = (
        session.get(MessageTemplate, template_id), session.get(Customer, customer_id)
    )  # fmt: skip
    user = session.get(User, current_actor().user_id)
    if template is None or customer is None or customer.anonymised_at or user is None:
        return None
    seen = preview(
        session, customer_id=customer.id, channel=template.channel, event=template.event,
        template_id=template.id,
    )  # fmt: skip
    return Letter(user.email, seen.subject or template.name, seen.body)
