"""Segments on screen: a rule is written with its count beside it, kept, and looked at over time."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import segment_editor, segment_page
from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import record_id, without_control
from admin_views.own_pages import errors_of
from admin_views.rendering import say
from admin_views.saving import Command, sentence_of, writing
from app.database import begin_planned
from app.errors import DomainError, NotFound
from app.operations import segment_words, segments
from app.tenancy import current_actor
from models.segments import Segment

HERE = "/admin/segment"
FIELDS = ("name", "definition", "names", "seen", "was_called")
MOST_LIST_WORDS = 160
MOST_POSTED = 500_000


def _build_now(session: Session, number_: int) -> None:
    if segments.build(session, segment_id=number_) is None:
        raise NotFound


class SegmentView(HouseView, model=Segment):
    """Rules for who is meant, and who was in them when."""

    name, name_plural, icon = "Segment", "Segments", "ti ti-chart-pie"
    category, hint = "Customers", "Customers by what they bought, did and are; for lists and offers"
    own_form = True
    details_template = "panel/segment.html"
    columns = (
        Col("name", "Segment"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("size", "Customers", "number", numeric=True, sort="largest"),
        Col("built_at", "Worked out", "moment"),
    )
    sorts = declared(
        name=Sort(Segment.name), largest=Sort(Segment.size, descending=True),
        newest=Sort(Segment.id, descending=True),
    )  # fmt: skip
    searched = (Segment.name,)
    filters = (of_vendor(Segment.vendor_id),)
    stays = "The customers stay as they are; who was in it when is forgotten."
    commands = (
        Command(
            "build", "Work out now", _build_now, lambda _: True, "It is worked out.",
            icon="refresh", action="look",
        ),
    )  # fmt: skip
    empty = declared(
        icon="chart-pie", title="No segments yet",
        text="Say who is meant: whoever bought something, has not been here for long, may be"
        " written to. You see how many that is while you write.",
    )  # fmt: skip

    def rows(self, session: Session) -> Select[Any]:
        """Inside a vendor its own; over all vendors all, and the marketplace's."""
        return select(Segment)

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """Each with its rule in words."""
        for record in records:
            record.__dict__["said"] = _short(said_of(session, record))
        return super().drawn_rows(session, request, records)

    def sub_of(self, record: Any) -> str:
        """Its rule in words."""
        return str(record.__dict__.get("said", ""))

    def delete_record(self, session: Session, record: Any) -> None:
        """See `segments.remove`."""
        segments.remove(session, segment_id=record.id)

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Its rule in words, its size over time, who came and went, and why one is in it."""
        return segment_page.around(session, request, record, said_of(session, record))

    # ---- writing it -----------------------------------------------------------------------

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The editor; what is refused stays as it was typed, with the sentence at its place."""
        if request.method == "GET":
            context = await self.in_transaction(partial(_page, number=number))
            return await self._drawn(request, context)
        typed = await _typed(request)
        try:
            saved = await anyio.to_thread.run_sync(partial(_saved, typed, number))
        except (NotFound, HTTPException):
            raise HTTPException(404) from None
        except Exception as error:
            refusal = sentence_of(error)
            context = await self.in_transaction(
                partial(_page, number=number, typed=typed, refusal=refusal)
            )
            return await self._drawn(request, context, 400)
        say(request, f"“{saved[1]}” is saved; who is in it is being worked out.")
        return RedirectResponse(f"{HERE}/details/{saved[0]}", 303)

    async def _drawn(
        self, request: Request, context: dict[str, Any], status: int = 200
    ) -> Response:
        page: Response = await self.templates.TemplateResponse(
            request, "panel/segment_form.html", context, status_code=status
        )
        return page

    @expose("/look", methods=["POST"])
    @needs("look")
    async def look(self, request: Request) -> Response:
        """How many customers a rule finds while it is written, a few of them, and its words."""
        typed = await _typed(request)
        which = record_id(request.query_params.get("segment"))
        told = await self.in_transaction(partial(_looked, typed=typed, number=which))
        return JSONResponse(told)

    @expose("/find/{lookup}", methods=["GET"])
    @needs("list")
    async def find(self, request: Request) -> Response:
        """What a search of the editor offers."""
        asked, which = request.query_params, record_id(request.query_params.get("segment"))
        lookup, term = request.path_params["lookup"], asked.get("term", "")
        found = await self.in_transaction(partial(_found, lookup=lookup, term=term, number=which))
        if found is None:
            raise HTTPException(404)
        return JSONResponse({"results": found})


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=20, max_part_size=MOST_POSTED)
    kept = {name: str(form.get(name, "")) for name in FIELDS}
    return {**kept, "name": without_control(kept["name"])[:500]}


def said_of(session: Session, segment: Segment) -> str:
    """A kept rule in plain language."""
    try:
        rule = segments.rule_of(segment)
    except DomainError as refusal:  # kept by a later or an earlier version of the house
        return str(refusal)
    return segment_words.summary(rule, segment_words.names_of(session, rule))


def _short(text: str) -> str:
    return text if len(text) <= MOST_LIST_WORDS else f"{text[:MOST_LIST_WORDS].rstrip()}…"


def _saved(typed: Mapping[str, str], number_: int | None) -> tuple[int, str]:
    with _where(number_) as session:
        kept = segments.save(
            session, segment_id=number_, name=typed["name"], definition=typed["definition"],
            seen=record_id(typed["seen"]), was_called=typed["was_called"],
        )  # fmt: skip
        return kept.id, kept.name


def _where(number_: int | None) -> AbstractContextManager[Session]:
    """A new one is of where one stands: the marketplace's, where that is no vendor."""
    return begin_planned() if number_ is None else writing(Segment, number_)


def _segment(session: Session, number_: int | None) -> Segment | None:
    if number_ is None:
        return None
    found = session.get(Segment, number_)
    if found is None or not segments.is_ours(found):
        raise HTTPException(404)
    return found


def _page(
    session: Session,
    *,
    number: int | None,
    typed: Mapping[str, str] | None = None,
    refusal: DomainError | None = None,
) -> dict[str, Any]:
    """Everything the editor shows."""
    segment = _segment(session, number)
    title = "New segment" if segment is None else f"Edit {segment.name}"
    path = [{"title": "Segments", "url": f"{HERE}/list"}]
    path += [] if segment is None else [{"title": segment.name, "url": f"{HERE}/details/{number}"}]
    which = f"?segment={number}" if number else ""
    errors, error = ({}, "") if refusal is None else errors_of(refusal, {"name": ""})
    if typed is not None:
        opened = segment_editor.typed_again(typed["definition"], typed["names"], refusal)
    elif segment is not None:
        opened = segment_editor.opened(session, segment.definition_json)
    else:
        opened = segment_editor.NEW
    return {
        "page_title": title, "path": [*path, {"title": title}],
        "here": f"{HERE}/create" if number is None else f"{HERE}/edit/{number}",
        "cancel_url": f"{HERE}/list" if number is None else f"{HERE}/details/{number}",
        "name": typed["name"] if typed else segment.name if segment else "",
        "seen": (typed["seen"] if typed else "") or (segment.version if segment else ""),
        "was_called": typed["was_called"] if typed else segment.name if segment else "",
        "errors": errors, "error": error,
        "unread": opened.sentence if typed is None else "",
        "whose": _whose(segment),
        "editor": {
            "fields": segment_editor.catalogue(),
            "rule": opened.rule, "names": opened.names,
            "place": opened.place, "sentence": opened.sentence,
            "look_url": f"{HERE}/look{which}", "find_url": f"{HERE}/find/", "find_query": which,
        },
    }  # fmt: skip


def _whose(segment: Segment | None) -> str:
    vendor = current_actor().vendor_id if segment is None else segment.vendor_id
    return "" if vendor is not None else "Over the customers of all vendors"


def _looked(session: Session, *, typed: Mapping[str, str], number: int | None) -> dict[str, Any]:
    segment = _segment(session, number)
    vendor_id = current_actor().vendor_id if segment is None else segment.vendor_id
    own_id = None if segment is None else segment.id
    try:
        rule = segments.checked(session, typed["definition"], vendor_id=vendor_id, own_id=own_id)
    except DomainError as refusal:
        return {"place": refusal.field, "sentence": str(refusal)}
    seen = segments.look(session, rule=rule, vendor_id=vendor_id)
    names = segment_words.names_of(session, rule)
    return {
        "count": None if seen.count is None else str(seen.count),
        "one": seen.count is not None and str(seen.count) == "1",
        "said": segment_words.summary(rule, names),
        "customers": segment_page.samples(seen.customers) if segment_editor.sees_names() else [],
    }


def _found(session: Session, *, lookup: str, term: str, number: int | None) -> Any:
    segment = _segment(session, number)
    vendor_id = current_actor().vendor_id if segment is None else segment.vendor_id
    return segment_editor.found(session, lookup, term, vendor_id, number)


VIEWS = [SegmentView]
