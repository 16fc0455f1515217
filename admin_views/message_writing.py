"""Writing to a customer: by what is allowed, in free words or by a template; sent once."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import message_words as words
from admin_views.base import HouseView
from admin_views.loaders import record_id, without_control
from admin_views.rendering import moment, phone, say
from admin_views.saving import sentence_of, writing
from app import clock
from app.errors import DomainError, NotFound
from app.operations import correspondence, merge_fields
from app.operations.correspondence import Way
from models.customers import ConsentPurpose, Customer
from models.messages import Message, MessageChannel, MessageStatus, MessageTemplate

HERE = "/admin/message/create"
PREVIEW = "/admin/message-template/preview"
LOOKUP = "/admin/message-template/lookup"
FIELDS = ("customer", "channel", "purpose", "template", "subject", "body", "key")
LONGEST_PART = 500_000
MOST_TEMPLATES = 200
SOON = 60
"""Seconds that a message is as good as sent in."""

Typed = dict[str, str]


class MessageWriting(HouseView):
    """The page on which staff write to a customer."""

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """Whom, how, about what, which words; then it is promised, once."""
        if number is not None:
            raise HTTPException(404)
        if request.method == "GET":
            asked = {"customer": request.query_params.get("customer", "")}
            return await self._drawn(request, asked)
        typed = await _typed(request)
        try:
            sent, customer_id = await anyio.to_thread.run_sync(partial(_write, typed))
        except (NotFound, HTTPException):
            raise HTTPException(404) from None
        except Exception as error:
            return await self._drawn(request, typed, sentence_of(error))
        if sent is None:
            say(request, "The message was sent already: it was pressed twice.")
        else:
            undo = f"/admin/message/do/{sent.id}/call-off" if _waits(sent) else ""
            say(request, _said(sent), undo_url=undo)
        return RedirectResponse(f"/admin/customer/details/{customer_id}?tab=messages", 303)

    async def _drawn(
        self, request: Request, typed: Mapping[str, str], refusal: DomainError | None = None
    ) -> Response:
        context = await self.in_transaction(partial(_page, typed=typed))
        errors = {}
        if refusal is not None and refusal.field in FIELDS:
            errors = {refusal.field: str(refusal)}
        context |= {
            "errors": errors, "error": None if refusal is None or errors else str(refusal),
            "wrong": [{"id": f"f-{name}", "label": name} for name in errors],
        }  # fmt: skip
        page: Response = await self.templates.TemplateResponse(
            request, "panel/message_write.html", context, status_code=400 if refusal else 200
        )
        return page


async def _typed(request: Request) -> Typed:
    form = await request.form(max_files=0, max_fields=50, max_part_size=LONGEST_PART)
    return {name: without_control(str(form.get(name, ""))) for name in FIELDS}


def _write(typed: Typed) -> tuple[Message | None, int]:
    number = record_id(typed["customer"])
    if number is None:
        raise DomainError("Choose whom you write to.", field="customer")
    chosen = typed["template"]
    template = record_id(chosen)
    if chosen and template is None:
        raise correspondence.NoSuchTemplate
    with writing(Customer, number) as session:
        sent = correspondence.write(
            session, customer_id=number, channel=typed["channel"], purpose=typed["purpose"],
            key=typed["key"] or uuid4().hex, subject=typed["subject"], body=typed["body"],
            template_id=template,
        )  # fmt: skip
        return sent, number


def _waits(message: Message) -> bool:
    waits = (message.send_at - clock.now()).total_seconds() > SOON
    return message.status == MessageStatus.QUEUED and waits


def _said(message: Message) -> str:
    if message.status == MessageStatus.SUPPRESSED:
        return message.error or "It was not sent."
    if message.channel == MessageChannel.IN_APP:
        return "The message waits in the list of messages, to be told in person."
    if _waits(message):
        return f"It goes out at {moment(message.send_at)}, after the customer's quiet hours."
    return "The message is on its way."


# --- the page ----------------------------------------------------------------------------------


def _page(session: Session, *, typed: Mapping[str, str]) -> dict[str, Any]:
    """Everything the page shows; without a customer it asks for one first."""
    customer = _customer(session, typed.get("customer", ""))
    path = [{"title": "Messages", "url": "/admin/message/list"}, {"title": "Write"}]
    page: dict[str, Any] = {
        "page_title": "Write", "path": path, "here": HERE, "lookup_url": LOOKUP,
        "customer": None, "typed": typed,
    }  # fmt: skip
    if customer is None:
        return page
    back = f"/admin/customer/details/{customer.id}"
    known = _templates(session, customer)
    purpose = typed.get("purpose") or ConsentPurpose.TRANSACTIONAL.value
    ways = [_way(way, purpose) for way in correspondence.ways(session, customer_id=customer.id)]
    chosen = typed.get("channel") or _best(ways)
    return page | {
        "page_title": f"Write to {customer.name}",
        "path": [
            {"title": "Customers", "url": "/admin/customer/list"},
            {"title": customer.name, "url": back}, {"title": "Write"},
        ],
        "customer": {"id": customer.id, "name": customer.name, "url": back},
        "ways": ways, "chosen": chosen, "purposes": words.PURPOSES, "purpose": purpose,
        "templates": known, "preview_url": PREVIEW,
        "fields": list(merge_fields.ALWAYS.items()),
        "key": typed.get("key") or uuid4().hex,
    }  # fmt: skip


def _customer(session: Session, text: str) -> Customer | None:
    number = record_id(text)
    if number is None:
        return None
    found = session.get(Customer, number)
    if found is None or found.anonymised_at is not None:
        raise HTTPException(404)
    return found


def _templates(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """The vendor's templates for writing by hand."""
    rows = session.scalars(
        select(MessageTemplate)
        .where(MessageTemplate.vendor_id == customer.vendor_id)
        .where(MessageTemplate.event.is_(None), MessageTemplate.is_active)
        .order_by(MessageTemplate.name, MessageTemplate.id)
        .limit(MOST_TEMPLATES)
    )
    return [
        {"id": row.id, "name": row.name, "channel": row.channel, "purpose": row.purpose,
         "way": words.channel_word(row.channel)}
        for row in rows
    ]  # fmt: skip


def _way(way: Way, purpose: str) -> dict[str, Any]:
    told = {meant.value: _told(way, meant) for meant in way.verdicts}
    now = told.get(purpose, told[ConsentPurpose.TRANSACTIONAL.value])
    return {
        "key": way.channel.value, "title": words.channel_word(way.channel),
        "icon": words.ICONS[way.channel], "address": _address(way), "told": told, **now,
    }  # fmt: skip


def _address(way: Way) -> str:
    if way.channel is MessageChannel.IN_APP:
        return "Whoever meets them tells them"
    if way.channel is MessageChannel.PUSH:
        return "Their app" if way.address else ""
    return phone(way.address) if way.channel is MessageChannel.SMS else way.address or ""


def _told(way: Way, purpose: ConsentPurpose) -> dict[str, Any]:
    """Whether it can be used for this purpose, and what there is to know before."""
    found = way.verdicts[purpose]
    if found.why_not:
        return {"can": False, "why": found.why_not}
    later = found.send_from is not None and (found.send_from - clock.now()).total_seconds() > SOON
    why = f"Goes out at {moment(found.send_from)}, after their quiet hours" if later else ""
    return {"can": True, "why": why}


def _best(ways: list[dict[str, Any]]) -> str:
    return next((way["key"] for way in ways if way["can"]), "")
