"""The calendar: a day by staff, or a week; read as JSON, changed by POSTs that answer JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import calendar_commands as commands
from admin_views import calendar_data as data
from admin_views.access import allowed, needs
from admin_views.calendar_asked import asked_of
from admin_views.calendar_classes import class_moved, peek_of_class
from admin_views.calendar_gaps import gaps_of, offered
from admin_views.calendar_month import full_days
from admin_views.calendar_page import page_of, vendors_page
from admin_views.calendar_peek import peek_of
from admin_views.calendar_side import side_of
from admin_views.calendar_stays import quoted
from admin_views.calendar_typed import FIELDS
from admin_views.loaders import record_id, without_control
from admin_views.rendering import drawn
from app.errors import DomainError, NotAllowed, NotFound
from app.operations.schedules import Closed, OutsideHours, RoomTaken, SlotTaken
from app.tenancy import current_actor
from app.transact import in_thread, in_thread_planned

STATUS: dict[type[Exception], int] = {NotFound: 404, NotAllowed: 403}
OVER = (SlotTaken, RoomTaken, Closed, OutsideHours)
FRESH = {"Cache-Control": "no-store"}


class NoVendor(DomainError):
    sentence = "A calendar is one vendor's: choose the vendor first."
    field = "vendor"


def vendor_here() -> int:
    """Whose calendar it is; the marketplace has none until it stands in a vendor."""
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        raise NoVendor
    return vendor_id


def may_anyway(refusal: DomainError) -> bool:
    """Whether whoever acts may book over it, with a reason."""
    return isinstance(refusal, OVER) and allowed(current_actor().panel_role, "booking", "overbook")


class Json(JSONResponse):
    """A page of blocks is long: written by what writes it ten times as fast."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def answering(status: int) -> Callable[[Any], Any]:
    """Answer JSON; a refusal is `{sentence, field}` with `status`, unless it has one of its own."""

    def dress(endpoint: Any) -> Any:
        @wraps(endpoint)
        async def answer(view: Any, request: Request) -> Response:
            try:
                found = await endpoint(view, request)
            except DomainError as refusal:
                field = FIELDS.get(refusal.field or "", refusal.field)
                said = {"sentence": str(refusal), "field": field, "anyway": may_anyway(refusal)}
                said |= {"link": refusal.details["link"]} if "link" in refusal.details else {}
                code = STATUS.get(type(refusal), status)
                return JSONResponse(said, code, headers=FRESH)
            return found if isinstance(found, Response) else Json(found, headers=FRESH)

        return answer

    return dress


class CalendarView(BaseView):
    """Who is where and when."""

    name, icon, identity = "Calendar", "ti ti-calendar", "calendar"
    menu_key = "c"

    @expose("/calendar", methods=["GET"], identity="calendar")
    @needs("list")
    async def calendar(self, request: Request) -> Response:
        """The page; the marketplace first chooses a vendor."""
        query = query_of(request)
        vendor_id = current_actor().vendor_id
        if vendor_id is None:
            context = vendors_page(request)
        else:
            context = await in_thread(lambda session: page_of(session, vendor_id, query))
        page: Response = await self.templates.TemplateResponse(
            request, "panel/calendar.html", context
        )
        return page

    @expose("/calendar/data", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def data(self, request: Request) -> Any:
        """What stands on the days from `from` up to and with `to`, of `staff`."""
        vendor_id, asked = vendor_here(), asked_of(query_of(request))
        return await in_thread_planned(lambda session: data.data_of(session, vendor_id, asked))

    @expose("/calendar/changes", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def changes(self, request: Request) -> Any:
        """304 as long as nothing of these days changed since the fingerprint that is sent along."""
        vendor_id, asked = vendor_here(), asked_of(query_of(request))

        def read(session: Session) -> str:
            return data.fingerprint_of(session, vendor_id, asked)

        word = f'"{await in_thread_planned(read)}"'
        headers = FRESH | {"ETag": word}
        if request.headers.get("if-none-match") == word:
            return Response(status_code=304, headers=headers)
        return JSONResponse({"fingerprint": word.strip('"')}, headers=headers)

    @expose("/calendar/side", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def side(self, request: Request) -> Any:
        """The panels beside the calendar, drawn again."""
        vendor_id = vendor_here()
        panels = await in_thread(lambda session: side_of(session, vendor_id))
        return {"html": drawn("panel/calendar_side.html", panels)}

    @expose("/calendar/booking/{booking}", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(409)
    async def peek(self, request: Request) -> Any:
        """One booking: the facts, and its buttons."""
        vendor_here()
        return await in_thread(peek_of, number=number_in(request))

    @expose("/calendar/class/{session}", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(409)
    async def look_at_class(self, request: Request) -> Any:
        """One class: when, where, who comes and who waits."""
        vendor_here()
        return await in_thread(peek_of_class, number=number_in(request, "session"))

    @expose("/calendar/gaps", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def gaps(self, request: Request) -> Any:
        """Free times of a day that somebody on the waitlist would take."""
        vendor_id, asked = vendor_here(), asked_of(query_of(request))
        return {"gaps": await in_thread(lambda session: gaps_of(session, vendor_id, asked))}

    @expose("/calendar/month", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def month(self, request: Request) -> Any:
        """The full days of the month around `day`."""
        vendor_id, query = vendor_here(), query_of(request)
        return {"full": await in_thread(lambda session: full_days(session, vendor_id, query))}

    @expose("/calendar/stay", methods=["GET"], identity="calendar")
    @needs("book")
    @answering(409)
    async def stay(self, request: Request) -> Any:
        """What a stay would cost, and whether there is room."""
        vendor_here()
        values = {name: without_control(text) for name, text in request.query_params.items()}
        return await in_thread(quoted, values=values)

    # ---- writing ---------------------------------------------------------------------------

    @expose("/calendar/book", methods=["POST"], identity="calendar")
    @needs("book")
    @answering(409)
    async def book(self, request: Request) -> Any:
        """A booking at a free time, or from now on."""
        vendor_here()
        values = await words_of(request)
        return await in_thread_planned(commands.booked, values=values)

    @expose("/calendar/offer", methods=["POST"], identity="calendar")
    @needs("book")
    @answering(409)
    async def offer(self, request: Request) -> Any:
        """A free time, held for somebody on the waitlist."""
        vendor_here()
        values = await words_of(request)
        return await in_thread_planned(offered, values=values)

    @expose("/calendar/move/{booking}", methods=["POST"], identity="calendar")
    @needs("move")
    @answering(409)
    async def move(self, request: Request) -> Any:
        """Another time, length or person."""
        vendor_here()
        values = await words_of(request)
        return await in_thread_planned(commands.moved, number=number_in(request), values=values)

    @expose("/calendar/class/{session}/move", methods=["POST"], identity="calendar")
    @needs("move")
    @answering(409)
    async def move_class(self, request: Request) -> Any:
        """Another time, length or person for a class, with everybody in it."""
        vendor_here()
        values = await words_of(request)
        return await in_thread(class_moved, number=number_in(request, "session"), values=values)

    @expose("/calendar/booking/{booking}/{verb}", methods=["POST"], identity="calendar")
    @needs("move")
    @answering(409)
    async def carry_on(self, request: Request) -> Any:
        """Confirmed, here, done, not come, called off."""
        vendor_here()
        verb = str(request.path_params["verb"])
        if verb not in commands.VERBS:
            raise NotFound
        values = await words_of(request)
        return await in_thread_planned(
            commands.carried_on, number=number_in(request), verb=verb, values=values
        )

    @expose("/calendar/block", methods=["POST"], identity="calendar")
    @needs("block")
    @answering(409)
    async def block(self, request: Request) -> Any:
        """Time off of somebody, or of everybody."""
        vendor_here()
        values = await words_of(request)
        return await in_thread_planned(commands.blocked, values=values)

    @expose("/calendar/unblock/{block}", methods=["POST"], identity="calendar")
    @needs("block")
    @answering(409)
    async def unblock(self, request: Request) -> Any:
        """A block taken back."""
        vendor_here()
        return await in_thread_planned(commands.unblocked, number=number_in(request, "block"))


def query_of(request: Request) -> dict[str, str]:
    """The address's query; `staff` may stand there several times."""
    asked = request.query_params
    staff = ",".join(filter(None, asked.getlist("staff")))
    return {**asked, "staff": staff}


def number_in(request: Request, name: str = "booking") -> int:
    """The booking (or block) of the address; anything else is none."""
    found = record_id(request.path_params[name])
    if found is None:
        raise NotFound
    return found


async def words_of(request: Request) -> dict[str, str]:
    """What was posted, as text."""
    form = await request.form(max_files=0, max_fields=40, max_part_size=20_000)
    return {name: without_control(str(value)) for name, value in form.multi_items()}


VIEWS = [CalendarView]
