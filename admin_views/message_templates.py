"""Templates on screen: a vendor's own words beside the house's, checked, looked at, tried out."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import message_words as words
from admin_views import template_parts as parts
from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Choice, Note, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.loaders import record_id, typed, without_control
from admin_views.lookups import CUSTOMERS
from admin_views.rendering import say
from admin_views.saving import Command, sentence_of, writing
from app.errors import DomainError, NotFound
from app.operations import templates
from app.settings import settings
from app.tenancy import current_actor
from models.messages import MessageTemplate

BASE = "/admin/message-template"
OWN = "For each occasion your own words, where you have written some; else the house's are used"
LONGEST_PART = 500_000


class NoCustomer(DomainError):
    sentence = "Choose whose message is shown: a customer of yours."
    field = "customer"


class NoMail(DomainError):
    sentence = "No e-mail can be sent from here yet: ask who runs Backroom to set it up."


class Words(Note):
    """What a message says."""

    longest = templates.LONGEST_BODY

    def __init__(self, label: str, **kw: Any):
        super().__init__(label, **kw)
        self.render_kw = {"rows": 12, "dir": "auto", "class": "ms-text"}


def _put_away(session: Session, number: int) -> None:
    templates.put_away(session, template_id=number)


def _take_out(session: Session, number: int) -> None:
    templates.take_out(session, template_id=number)


class TemplateView(HouseView, model=MessageTemplate):
    """A vendor's own words."""

    name, name_plural, icon = "Template", "Templates", "ti ti-template"
    category, hint, status_kind = "Messages", OWN, "template"
    can_delete = False
    create_template = edit_template = "panel/template_form.html"
    details_template = "panel/template.html"
    columns = (
        Col("name", "Template"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("event", "Sent when", value=lambda t: words.event_word(t.event)),
        Col("channel", "By", value=lambda t: words.channel_word(t.channel)),
        Col("purpose", "Purpose", value=lambda t: words.purpose_word(t.purpose)),
        Col("version", "Version", "number", numeric=True),
        Col("status", "Status", "pill", pill_kind="template", css="c-status",
            value=parts.status_of),
        Col("updated_at", "Changed", "moment"),
    )  # fmt: skip
    sorts = declared(newest=Sort(MessageTemplate.id, descending=True))
    searched = (MessageTemplate.name,)
    filters = (
        OneOf(
            "event", "Sent when", MessageTemplate.event, icon="bolt",
            words=tuple((event.value, said) for event, said in words.EVENTS.items()),
        ),
        OneOf("channel", "By", MessageTemplate.channel, icon="send", words=words.WRITTEN),
        OneOf("purpose", "Purpose", MessageTemplate.purpose, icon="target", words=words.PURPOSES),
        YesNo(
            "active", "Status", MessageTemplate.is_active, icon="circle-dot",
            yes="In use", no="Put away",
        ),
        of_vendor(MessageTemplate.vendor_id),
    )  # fmt: skip
    details = (
        (
            "Template",
            (
                Col("event", "Sent when", value=lambda t: words.event_word(t.event)),
                Col("channel", "By", value=lambda t: words.channel_word(t.channel)),
                Col("purpose", "Purpose", value=lambda t: words.purpose_word(t.purpose)),
            ),
        ),
    )
    fields = declared(
        event=Choice(
            "Sent when", tuple((event.value, said) for event, said in words.EVENTS.items()),
            hint="Empty: for writing by hand",
        ),
        channel=Choice("By", words.WRITTEN, wanted=True, default="email"),
        purpose=Choice(
            "Purpose", words.PURPOSES, wanted=True, default="transactional",
            hint="An occasion has its own; of what is written by hand you decide",
        ),
        name=Text("Name", longest=120, hint="Empty: what it is sent for"),
        subject=Text(
            "Subject", longest=templates.LONGEST_SUBJECT, wide=True, hint="An e-mail needs one"
        ),
        body=Words("Text", wanted=True),
    )  # fmt: skip
    commands = (
        Command(
            "put-away", "Put away", _put_away, lambda template: template.is_active,
            "It is not used any more; what was sent with it stays.", icon="archive", danger=True,
            ask=("Put this template away?", "For its occasion the house's words are used again."
                 " It can be taken out again."),
        ),
        Command(
            "take-out", "Use it again", _take_out, lambda template: not template.is_active,
            "It is used again.", icon="archive-off", primary=True,
        ),
    )  # fmt: skip

    def status_of(self, record: Any) -> str:
        """In use or put away."""
        return parts.status_of(record)

    def may_edit(self, record: Any) -> bool:
        """What is put away is taken out first."""
        return bool(record.is_active)

    def list_buttons(self, request: Request) -> list[dict[str, Any]]:
        """All words in use, and a new template."""
        used = {"title": "Words in use", "url": f"{BASE}/words", "icon": "list-details"}
        return [used, *super().list_buttons(request)]

    def first_visit(self, request: Request) -> dict[str, Any]:
        """Without words of one's own the house's are used."""
        return {
            "icon": "template", "title": "No words of your own yet",
            "text": "Customers read the house's words. Look at them, and change what should sound"
            " like you.",
            "buttons": self.list_buttons(request),
        }  # fmt: skip

    # ---- the form --------------------------------------------------------------------------

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """What it is for stays what it is: another occasion or channel is another template."""
        fields = super().form_fields(record)
        if record is not None:
            for name in ("event", "channel", "purpose"):
                fields.pop(name)
        return fields

    def prefill(self, session: Session, request: Request) -> dict[str, Any]:
        """The house's words for what the address names, to begin with."""
        asked = request.query_params
        event, channel = (
            parts.known_event(asked.get("event")),
            parts.known_way(asked.get("channel")),
        )
        filled = super().prefill(session, request) | {"channel": channel}
        if event is None:
            return filled
        subject, body = parts.house_words(event, channel)
        own = {"event": event.value, "name": parts.name_for(event, channel)}
        return filled | own | {"subject": subject, "body": body}

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The newest words."""
        newest = templates.newest_of(session, record)
        return {"name": record.name, "subject": newest.subject, "body": newest.body}

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """Words of one's own."""
        return templates.write(session, **{k: v for k, v in values.items() if v is not None})

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """A new version, if they say something else."""
        templates.rewrite(session, template_id=record.id, **values)

    def way_out(self, request: Request, refusal: DomainError) -> dict[str, str] | None:
        """To the words that are there already."""
        if isinstance(refusal, templates.AlreadyWritten):
            return {"title": "See all words in use", "url": f"{BASE}/words"}
        return None

    async def create_context(self, request: Request) -> dict[str, Any]:
        """What stands beside the words: fields and a preview."""
        posted = request.method == "POST"
        asked: Mapping[str, Any] = await request.form() if posted else request.query_params
        event, channel = (
            parts.known_event(asked.get("event")),
            parts.known_way(asked.get("channel")),
        )
        beside = await self.in_transaction(partial(parts.beside, event=event, channel=channel))
        return {**await super().create_context(request), **beside}

    async def edit_context(self, request: Request) -> dict[str, Any]:
        """The same for words that are there."""
        number = self.number(request.path_params["pk"])

        def look(session: Session) -> dict[str, Any]:
            record = self.loaded(session, number)
            if record is None:
                raise HTTPException(404)
            return parts.beside_known(session, record)

        return {**await super().edit_context(request), **await self.in_transaction(look)}

    @expose("/house-words", methods=["GET"])
    @needs("create")
    async def house_words(self, request: Request) -> Response:
        """The house's words and the fields for an occasion, for a form that is being filled in."""
        asked = request.query_params
        event, channel = (
            parts.known_event(asked.get("event")),
            parts.known_way(asked.get("channel")),
        )
        return JSONResponse(parts.for_form(event, channel))

    @expose("/preview", methods=["POST"])
    @needs("details")
    async def preview(self, request: Request) -> Response:
        """What a customer would read of words that are being written; nothing is kept."""
        form = await request.form(max_files=0, max_fields=20, max_part_size=LONGEST_PART)
        given = {k: without_control(v) for k, v in form.items() if isinstance(v, str)}
        try:
            shown = await self.in_transaction(parts.previewed, given)
        except NotFound:
            return JSONResponse(parts.refused(NoCustomer()))
        except DomainError as refusal:
            return JSONResponse(parts.refused(refusal))
        return JSONResponse(shown)

    @expose("/lookup", methods=["GET"])
    @needs("details")
    async def look_up(self, request: Request) -> Response:
        """Customers for a preview."""
        found = await self.in_transaction(CUSTOMERS.search, typed(request.query_params.get("term")))
        return JSONResponse({"results": found[:10]})

    # ---- one template ----------------------------------------------------------------------

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Its words, what a customer would read, and its versions."""
        newest = templates.newest_of(session, record)
        asked = record_id(request.query_params.get("customer", ""))
        tests = self.has_permission(request, "test") and record.is_active
        may_change = self.editable(request, record)
        return {
            "said": parts.said(newest),
            "seen": parts.seen(session, record, asked),
            "versions": parts.versions(session, record, may_change=may_change),
            "lookup_url": f"{BASE}/lookup",
            "here": f"{BASE}/details/{record.id}",
            "test": {"url": f"{BASE}/{record.id}/test"} if tests else None,
            "links": [
                {"title": "Test to myself", "icon": "mail-forward", "dialog": "do-test"}
            ] if tests else [],
        }  # fmt: skip

    @expose("/{pk}/back/{version}", methods=["POST"])
    @needs("edit")
    async def back(self, request: Request) -> Response:
        """Say again what an earlier version said: a new version with its words."""
        number = self.number(request.path_params["pk"])
        version = self.number(request.path_params["version"])
        done = f"It says again what version {version} said."
        return await self._done(request, number, done, parts.go_back, number, version)

    @expose("/{pk}/test", methods=["POST"])
    @needs("test")
    async def test(self, request: Request) -> Response:
        """Mail it to whoever asks, as a customer would read it."""
        number = self.number(request.path_params["pk"])
        form = await request.form(max_files=0, max_fields=5, max_part_size=10_000)
        customer = record_id(form.get("customer"))
        done = "It is on its way to your own e-mail address."
        return await self._done(request, number, done, _try_out, number, customer)

    async def _done(
        self, request: Request, number: int, done: str, work: Any, *args: Any
    ) -> Response:
        def run() -> None:
            with writing(MessageTemplate, number) as session:
                work(session, *args)

        try:
            await anyio.to_thread.run_sync(run)
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, done)
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    # ---- all words in use ------------------------------------------------------------------

    @expose("/words", methods=["GET"])
    @needs("list")
    async def words_in_use(self, request: Request) -> Response:
        """Every occasion with the words that customers read, one's own or the house's."""
        writes = self.has_permission(request, "create")
        if current_actor().vendor_id is None:
            switch = getattr(request.state, "vendor_choices", None) or {}
            context: dict[str, Any] = {
                "page_title": "Words in use", "choose": switch, "here": f"{BASE}/words",
                "whose": "The words that customers read are one vendor's.", "icon": self.icon,
            }  # fmt: skip
            return await self._page(request, "panel/choose_vendor.html", context)
        groups = await self.in_transaction(partial(parts.in_use, writes=writes))
        context = {
            "page_title": "Words in use", "page_hint": OWN, "groups": groups,
            "ways": words.WRITTEN[:3], "buttons": HouseView.list_buttons(self, request),
            "path": [{"title": "Templates", "url": f"{BASE}/list"}, {"title": "Words in use"}],
        }  # fmt: skip
        return await self._page(request, "panel/template_words.html", context)

    async def _page(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        page: Response = await self.templates.TemplateResponse(request, template, context)
        return page


def _try_out(session: Session, number: int, customer_id: int | None) -> None:
    if not settings().sends_mail:
        raise NoMail
    try:
        templates.try_out(session, template_id=number, customer_id=customer_id or 0)
    except NotFound:
        raise NoCustomer from None


VIEWS = [TemplateView]
