"""What stands around a template's words: fields, previews, versions, and all words in use."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views import message_words as words
from admin_views.loaders import record_id, who_did
from admin_views.rendering import moment
from app.errors import DomainError, NotFound
from app.operations import merge_fields, templates, wording
from app.tenancy import current_actor
from models.customers import Customer
from models.messages import (
    MessageChannel,
    MessageEvent,
    MessageTemplate,
    TemplateVersion,
    purpose_of,
)

BASE = "/admin/message-template"
MOST_VERSIONS = 50


def status_of(template: MessageTemplate) -> str:
    """In use or put away."""
    return "active" if template.is_active else "archived"


def known_event(text: Any) -> MessageEvent | None:
    """The event that an address or a form names, if it is one."""
    return MessageEvent(text) if isinstance(text, str) and text in set(MessageEvent) else None


def known_way(text: Any) -> MessageChannel:
    """The channel that an address or a form names, else e-mail."""
    known = {channel for channel, _ in words.WRITTEN}
    return MessageChannel(text) if isinstance(text, str) and text in known else MessageChannel.EMAIL


def asked_for(asked: Mapping[str, Any]) -> tuple[MessageEvent | None, MessageChannel]:
    """Event and channel of an address or a form."""
    return known_event(asked.get("event")), known_way(asked.get("channel"))


def house_words(event: MessageEvent, channel: MessageChannel) -> tuple[str | None, str]:
    """Subject and body as the house says it."""
    return wording.built_in(event, channel)


def name_for(event: MessageEvent, channel: MessageChannel) -> str:
    """Booking confirmed, SMS."""
    said = words.EVENTS[event]
    return said if channel == MessageChannel.EMAIL else f"{said}, {words.channel_word(channel)}"


def fields_of(event: str | None) -> list[tuple[str, str]]:
    """The merge fields that words for `event` may have, with what each says."""
    return list(merge_fields.known(event).items())


def for_form(event: MessageEvent | None, channel: MessageChannel) -> dict[str, Any]:
    """What a form shows once occasion and channel are chosen."""
    subject, body = house_words(event, channel) if event else (None, "")
    return {
        "fields": fields_of(event),
        "subject": subject or "",
        "body": body,
        "name": name_for(event, channel) if event else "",
        "purpose": str(purpose_of(event)) if event else "",
        "short": channel in wording.SHORT,
    }


def beside(
    session: Session, *, event: str | None, channel: str, vendor_id: int | None = None
) -> dict[str, Any]:
    """What stands beside a form: fields to put in, and a customer to look at it with."""
    customer = example(session, vendor_id)
    return {
        "fields": fields_of(event),
        "short": channel in wording.SHORT,
        "of_event": event or "",
        "of_channel": str(channel),
        "customer": customer,
        "preview_url": f"{BASE}/preview",
        "lookup_url": f"{BASE}/lookup",
        "house_url": f"{BASE}/house-words",
    }


def beside_known(session: Session, template: MessageTemplate) -> dict[str, Any]:
    """The same for a template that is there, and what it is for."""
    known = beside(
        session, event=template.event, channel=template.channel, vendor_id=template.vendor_id
    )
    what = [words.event_word(template.event), words.channel_word(template.channel)]
    return {**known, "page_hint": ", ".join(what), "page_title": f"Edit {template.name}"}


def example(session: Session, vendor_id: int | None) -> dict[str, Any] | None:
    """Whoever was here last, to look at words with."""
    query = select(Customer.id, Customer.full_name, Customer.company).where(
        Customer.archived_at.is_(None)
    )
    whose = vendor_id or current_actor().vendor_id
    if whose is not None:
        query = query.where(Customer.vendor_id == whose)
    found = session.execute(query.order_by(Customer.last_activity_at.desc()).limit(1)).first()
    return (
        {"id": found.id, "name": found.full_name or found.company or "No name"} if found else None
    )


def previewed(session: Session, given: Mapping[str, str]) -> dict[str, Any]:
    """What a customer would read of the words of a form, and how long that is."""
    customer = record_id(given.get("customer", ""))
    if customer is None:
        raise NotFound
    event, channel = asked_for(given)
    template = record_id(given.get("template", ""))
    if template is not None:
        return drawn(
            templates.preview(
                session, customer_id=customer, channel=channel, template_id=template
            ), channel,
        )  # fmt: skip
    seen = templates.preview(
        session, customer_id=customer, channel=channel, event=event,
        subject=given.get("subject"), body=given.get("body", ""),
    )  # fmt: skip
    return drawn(seen, channel)


def drawn(seen: templates.Rendered, channel: str) -> dict[str, Any]:
    """What a customer would read, as the page shows it."""
    size = words.length_text(seen.body) if channel == MessageChannel.SMS else ""
    return {"subject": seen.subject or "", "body": seen.body, "size": size}


def refused(refusal: DomainError) -> dict[str, Any]:
    """Why there is nothing to look at, and which box is at fault."""
    return {"error": str(refusal), "field": refusal.field or ""}


# --- one template ------------------------------------------------------------------------------


def said(version: TemplateVersion) -> dict[str, Any]:
    """The words of a version with their fields marked."""
    return {"subject": list(marked(version.subject or "")), "body": list(marked(version.body))}


def marked(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces, with whether each is a field."""
    at = 0
    for found in merge_fields.FIELD.finditer(text):
        yield False, text[at : found.start()]
        yield True, found[1].strip()
        at = found.end()
    yield False, text[at:]


def seen(session: Session, template: MessageTemplate, asked: int | None) -> dict[str, Any] | None:
    """What the customer asked for (else the last one who was here) would read."""
    found = session.get(Customer, asked) if asked else None
    if found is None or found.vendor_id != template.vendor_id:
        last = example(session, template.vendor_id)
        found = session.get(Customer, last["id"]) if last else None
    if found is None:
        return None
    read = templates.preview(
        session, customer_id=found.id, channel=template.channel, event=template.event,
        template_id=template.id,
    )  # fmt: skip
    return {**drawn(read, template.channel), "customer": {"id": found.id, "name": found.name}}


def versions(
    session: Session, template: MessageTemplate, *, may_change: bool
) -> list[dict[str, Any]]:
    """The newest versions, each with who wrote it and when."""
    rows = session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.vendor_id == template.vendor_id)
        .where(TemplateVersion.template_id == template.id)
        .order_by(TemplateVersion.number.desc())
        .limit(MOST_VERSIONS)
    ).all()
    people = who_did(session, rows)
    return [
        {
            "number": row.number, "who": people[row.user_id], "at": moment(row.at),
            "now": row.number == template.version, "subject": row.subject, "body": row.body,
            "back_url": f"{BASE}/{template.id}/back/{row.number}"
            if may_change and row.number != template.version else None,
        }
        for row in rows
    ]  # fmt: skip


def go_back(session: Session, template_id: int, number: int) -> None:
    """Write the words of an earlier version again, as a new one."""
    found = session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.template_id == template_id)
        .where(TemplateVersion.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound
    templates.rewrite(session, template_id=template_id, subject=found.subject, body=found.body)


# --- all words in use --------------------------------------------------------------------------


def in_use(session: Session, *, writes: bool) -> list[dict[str, Any]]:
    """Every occasion under its head, with one's own words or the house's for each channel."""
    own = _own(session)
    groups: dict[str, list[dict[str, Any]]] = {head: [] for head, _ in words.GROUPS}
    for event, title in words.EVENTS.items():
        ways = [_way(event, MessageChannel(way), own, writes) for way, _ in words.WRITTEN[:3]]
        groups[_head(event)].append({"title": title, "ways": ways})
    drawn_groups: list[dict[str, Any]] = [
        {"title": head, "rows": rows} for head, rows in groups.items() if rows
    ]
    return drawn_groups


def _head(event: MessageEvent) -> str:
    return next(head for head, begins in words.GROUPS if event.value.startswith(begins))


def _own(session: Session) -> dict[tuple[str | None, str], MessageTemplate]:
    query = select(MessageTemplate).where(
        MessageTemplate.vendor_id == current_actor().vendor_id,
        MessageTemplate.is_active,
        MessageTemplate.event.is_not(None),
    )
    return {(row.event, row.channel): row for row in session.scalars(query)}


def _way(
    event: MessageEvent, channel: MessageChannel, own: Mapping[Any, MessageTemplate], writes: bool
) -> dict[str, Any]:
    template = own.get((event.value, channel.value))
    if template is not None:
        url = f"{BASE}/details/{template.id}"
        return {"own": True, "text": f"Yours, version {template.version}", "url": url}
    subject, body = house_words(event, channel)
    url = f"{BASE}/create?event={event}&channel={channel}"
    return {"own": False, "text": subject or body, "url": url if writes else None}
