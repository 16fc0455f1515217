"""Messages on screen: what was said to customers and by them, how it went, and what to do next."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views import message_words as words
from admin_views.base import declared
from admin_views.customer_side import may
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, Related, VendorDays, of_vendor
from admin_views.lists import Address, Col, Sort
from admin_views.loaders import Records, customer_ids, who_did
from admin_views.lookups import CUSTOMERS
from admin_views.message_writing import MessageWriting
from admin_views.rendering import moment, number, phone, plural
from admin_views.saving import Command
from app.operations import correspondence, messages
from models.customers import Customer
from models.messages import (
    Direction,
    Message,
    MessageChannel,
    MessageStatus,
    MessageTemplate,
)

EXCERPT = 90
TEMPLATE = "message-template"
SOON = timedelta(minutes=2)
PROVIDERS = {"smtp": "the mail server", "file": "a folder"}
TEMPLATES = Records(
    MessageTemplate,
    (MessageTemplate.name,),
    hint=lambda t: words.channel_word(t.channel),
)


def title_of(message: Message) -> str:
    """Its subject, else how it begins, else what it is about."""
    said = message.subject or " ".join((message.body or "")[:500].split())
    if not said:
        return about_of(message)
    return said if len(said) <= EXCERPT else said[: EXCERPT - 1].rstrip() + "…"


def way_of(message: Message) -> str:
    """E-mail, SMS, App."""
    return words.channel_word(message.channel)


def about_of(message: Message) -> str:
    """What it is about: an event, a template's name, or nothing of the house's."""
    if message.direction == Direction.IN:
        return "From the customer"
    if message.event is None and message.template is not None:
        return message.template.name
    return words.event_word(message.event)


def address_of(message: Message) -> str | None:
    """Where it went, as people read it."""
    return phone(message.address) if message.channel == "sms" else message.address


def _send_again(session: Session, number: int) -> None:
    messages.retry(session, message_id=number)


def _may_send_again(message: Message) -> bool:
    ended = message.status in (MessageStatus.FAILED, MessageStatus.SUPPRESSED)
    return ended and message.direction == Direction.OUT


def _call_off(session: Session, number: int) -> None:
    correspondence.call_off(session, message_id=number)


def _told(session: Session, number: int) -> None:
    messages.mark_delivered(session, message_id=number)


def _may_be_told(message: Message) -> bool:
    return message.status == MessageStatus.SENT and message.channel == MessageChannel.IN_APP


class MessageView(MessageWriting, model=Message):
    """Everything that was said to customers, and what they answered."""

    name, name_plural, icon = "Message", "Messages", "ti ti-messages"
    category, status_kind = "Messages", "message"
    can_edit = can_delete = False
    own_form = True
    details_template = "panel/message.html"
    columns = (
        Col("subject", "Message", value=title_of),
        Col("customer", "Customer", value=lambda m: m.customer.name if m.customer else "nobody"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="message", css="c-status", value=words.status_of),
        Col("channel", "By", value=way_of),
        Col("event", "About", value=about_of),
        Col("created_at", "Written", "moment"),
        Col("purpose", "Purpose", value=lambda m: words.purpose_word(m.purpose), optional=True),
        Col("error", "Why not", optional=True),
    )
    sorts = declared(newest=Sort(Message.id, descending=True))
    search_hint = "Search customer"
    filters = (
        OneOf(
            "status", "Status", Message.status, icon="circle-dot",
            words=(
                ("queued", "Queued"), ("sending", "Sending"), ("sent", "Sent"),
                ("delivered", "Delivered"), ("failed", "Failed"), ("suppressed", "Held back"),
            ),
        ),
        of_vendor(Message.vendor_id),
        OneOf("channel", "By", Message.channel, icon="send", words=words.CHANNELS),
        OneOf(
            "direction", "From", Message.direction, icon="arrows-exchange", words=words.DIRECTIONS,
            multiple=False,
        ),
        Between("written", "Written", Message.created_at),
        VendorDays("due", "Due", Message.send_at, open=False, vendor=Message.vendor_id),
        OneOf(
            "event", "About", Message.event, icon="bolt", open=False,
            words=tuple((event.value, said) for event, said in words.EVENTS.items()),
        ),
        OneOf(
            "purpose", "Purpose", Message.purpose, icon="target", words=words.PURPOSES, open=False
        ),
        Related(
            "customer", "Customer", Message.customer_id, icon="user", lookup=CUSTOMERS, open=False
        ),
        Related(
            "template", "Template", Message.template_id, icon="template", lookup=TEMPLATES,
            open=False,
        ),
    )  # fmt: skip
    loads = (joinedload(Message.customer), joinedload(Message.template))
    details_loads = (
        *loads, joinedload(Message.template_version), joinedload(Message.booking),
        joinedload(Message.order), joinedload(Message.membership), joinedload(Message.holding),
        joinedload(Message.task),
    )  # fmt: skip
    details = (
        (
            "Message",
            (
                Col("customer", "Customer", value=lambda m: link_to("customer", m.customer)),
                Col("channel", "By", value=way_of),
                Col("address", "Address", value=address_of),
                Col("event", "About", value=about_of),
                Col("purpose", "Purpose", value=lambda m: words.purpose_word(m.purpose)),
                Col("template", "Template", value=lambda m: link_to(TEMPLATE, m.template)),
            ),
        ),
    )  # fmt: skip
    hides_empty = ("address", "template")
    empty = declared(
        icon="messages",
        title="No messages yet",
        text="They appear when a booking is confirmed, an order is placed, or somebody writes to a"
        " customer.",
    )
    commands = (
        Command(
            "again", "Send again", _send_again, _may_send_again, "It is sent again.",
            icon="refresh", primary=True, action="send",
        ),
        Command(
            "told", "Told", _told, _may_be_told, "It is noted that the customer knows.",
            icon="circle-check", primary=True,
        ),
        Command(
            "call-off", "Call off", _call_off,
            lambda message: message.status == MessageStatus.QUEUED,
            "It is not sent.", icon="circle-x", danger=True,
            ask=("Call this message off?", "It is kept here as held back, and can be sent later."),
        ),
    )  # fmt: skip

    def chosen_sort(self, address: Address) -> tuple[str, Sort]:
        """The newest first; of some days in the order of the index that finds those."""
        if (
            any(address.one(name) for name in ("written_from", "written_to"))
            and not self.sees_all()
        ):
            return "written", Sort(Message.created_at, descending=True)
        return super().chosen_sort(address)

    def list_buttons(self, request: Request) -> list[dict[str, Any]]:
        """Write to somebody."""
        return [
            {**one, "title": "Write", "icon": "pencil"} for one in super().list_buttons(request)
        ]

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By the customer."""
        return rows.where(Message.customer_id.in_(customer_ids(session, term)))

    def title_of(self, record: Any) -> str:
        """Its subject, or how it begins."""
        return title_of(record)

    def status_of(self, record: Any) -> str:
        """Where it stands; received and logged for what was never sent."""
        return words.status_of(record)

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: what became of it stands in its history."""
        return []

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What it said, what became of it and when, and what to do next."""
        people = who_did(session, [record])
        return {
            "copy": copy_of(session, record),
            "history": list(history(record, people.get(record.user_id, "the house"))),
            "next_step": next_step(record),
            "customer_url": _customer_url(record.customer),
            "related": [{"title": "Belongs to", "rows": _belongs(record)}]
            if _belongs(record) else [],
        }  # fmt: skip


def copy_of(session: Session, message: Message) -> dict[str, Any]:
    """What it said; of what was not sent yet, what it would say now."""
    if message.body is None and (message.customer is None or message.customer.anonymised_at):
        return {"title": "What it said", "gone": "It was forgotten with the customer."}
    said = messages.shown(session, message)
    kept = message.body is not None
    title = "What it says" if kept else "What it would say now"
    size = words.length_text(said.body) if message.channel == MessageChannel.SMS else None
    return {"title": title, "subject": said.subject, "body": said.body, "size": size}


def next_step(message: Message) -> dict[str, str] | None:
    """Why it did not go out, and what helps."""
    step = words.next_step(message)
    if step is not None:
        return {"tone": "bad" if message.status == MessageStatus.FAILED else "warn",
                "why": message.error or "", "step": step}  # fmt: skip
    if message.error and message.status == MessageStatus.QUEUED:
        return {"tone": "info", "why": message.error,
                "step": f"It is tried again at {moment(message.send_at)}."}  # fmt: skip
    return None


def history(message: Message, who: str) -> Any:
    """`(when, glyph, what)` of a message's life, the oldest first."""
    if message.direction == Direction.IN:
        yield moment(message.sent_at or message.created_at), "arrow-down-left", "Received"
        return
    status, sent = MessageStatus(message.status), message.sent_at
    if words.status_of(message) == "logged":
        yield moment(sent), "notes", f"Logged by {who}"
        return
    by_hand = message.event is None
    yield moment(message.created_at), "pencil", f"Written by {who}" if by_hand else (
        f"Written because of: {words.event_word(message.event).lower()}"
    )  # fmt: skip
    if status is MessageStatus.QUEUED and message.send_at - message.created_at > SOON:
        yield moment(message.send_at), "clock", "Is to be sent"
    if message.tries > 1 or (message.tries and sent is None):
        yield "", "refresh", f"Tried {_times(message.tries)}"
    if message.deaths:
        yield "", "alert-triangle", f"The worker died on it {_times(message.deaths)}"
    if sent is not None:
        yield moment(sent), "send", _sent_word(message)
    if message.delivered_at is not None:
        in_person = message.channel == MessageChannel.IN_APP
        yield moment(message.delivered_at), "circle-check", "Told" if in_person else "Delivered"
    if message.failed_at is not None and status is MessageStatus.FAILED:
        yield moment(message.failed_at), "alert-circle", "Failed"
    if message.failed_at is not None and status is MessageStatus.SUPPRESSED:
        yield moment(message.failed_at), "bell-off", "Held back"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else plural(count, "time")


def _sent_word(message: Message) -> str:
    if message.channel == MessageChannel.IN_APP:
        return "Shown here, to be told in person"
    provider = PROVIDERS.get(message.provider or "", message.provider)
    return f"Taken by {provider}" if provider else "Sent"


def _customer_url(customer: Customer | None) -> str | None:
    if customer is None or not may("details", "customer"):
        return None
    return f"/admin/customer/details/{customer.id}?tab=messages"


BELONGS: Mapping[str, tuple[str, str]] = {
    "booking": ("booking", "calendar-event"), "order": ("order", "receipt"),
    "membership": ("membership", "id-badge-2"), "holding": ("package-holding", "ticket"),
    "task": ("task", "checkbox"),
}  # fmt: skip


def _belongs(message: Message) -> list[dict[str, Any]]:
    rows = []
    for name, (screen, icon) in BELONGS.items():
        record = getattr(message, name)
        if record is not None and may("details", screen):
            url = f"/admin/{screen}/details/{record.id}"
            rows.append({"title": _named(name, record), "url": url, "icon": icon})
    return rows


def _named(name: str, record: Any) -> str:
    if name == "booking":
        return f"{record.service.name}, {moment(record.starts_at)}"
    if name == "holding":
        return f"{record.package.name}, {number(record.uses_left)} left"
    return str(record)


VIEWS = [MessageView]
