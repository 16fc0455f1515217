"""The calendar: a day by staff, or a week; read as JSON, changed by POSTs that answer JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import calendar_data as data
from admin_views.access import needs
from admin_views.calendar_asked import asked_of
from admin_views.calendar_page import page_of, vendors_page
from app.errors import DomainError, NotAllowed, NotFound
from app.tenancy import current_actor
from app.transact import in_thread

STATUS: dict[type[Exception], int] = {NotFound: 404, NotAllowed: 403}
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


def answering(status: int) -> Callable[[Any], Any]:
    """Answer JSON; a refusal is `{sentence, field}` with `status`, unless it has one of its own."""

    def dress(endpoint: Any) -> Any:
        @wraps(endpoint)
        async def answer(view: Any, request: Request) -> Response:
            try:
                found = await endpoint(view, request)
            except DomainError as refusal:
                said = {"sentence": str(refusal), "field": refusal.field}
                code = STATUS.get(type(refusal), status)
                return JSONResponse(said, code, headers=FRESH)
            return found if isinstance(found, Response) else JSONResponse(found, headers=FRESH)

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
        query = request.query_params
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
        vendor_id, asked = vendor_here(), asked_of(request.query_params)
        return await in_thread(lambda session: data.data_of(session, vendor_id, asked))

    @expose("/calendar/changes", methods=["GET"], identity="calendar")
    @needs("list")
    @answering(400)
    async def changes(self, request: Request) -> Any:
        """304 as long as nothing of these days changed since the fingerprint that is sent along."""
        vendor_id, asked = vendor_here(), asked_of(request.query_params)

        def read(session: Session) -> str:
            return data.fingerprint_of(session, vendor_id, asked)

        word = f'"{await in_thread(read)}"'
        headers = FRESH | {"ETag": word}
        if request.headers.get("if-none-match") == word:
            return Response(status_code=304, headers=headers)
        return JSONResponse({"fingerprint": word.strip('"')}, headers=headers)


VIEWS = [CalendarView]
