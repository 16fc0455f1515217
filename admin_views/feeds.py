"""Calendar feeds on screen: an address for a calendar program, shown once, then ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqladmin import expose
from sqladmin.secret import Secret
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views.access import needs
from admin_views.loaders import typed as typed_term
from admin_views.lookups import CUSTOMERS, STAFF
from admin_views.own_pages import OneVendor, errors_of, in_a_vendor, read_fields, stood_in
from admin_views.saving import sentence_of
from admin_views.user_page import number_of
from app.errors import DomainError, NotFound
from app.operations import feeds
from app.tenancy import PanelRole, current_actor
from app.transact import in_thread
from models.feeds import CalendarFeed

HOME = "/admin/feeds"
MOST = 200
LOOKUPS = {"staff": STAFF, "customer": CUSTOMERS}


class NobodyChosen(DomainError):
    sentence = "Nobody was chosen: choose one from the list."


@dataclass(frozen=True)
class Line:
    """A feed as the page lists it."""

    id: int
    whose: str
    url: str
    kind: str
    is_open: bool
    made: datetime
    read: datetime | None
    ends: bool


class FeedsView(OneVendor):
    """The addresses under which people's own calendars read their bookings."""

    name, icon, category = "Calendar feeds", "ti ti-rss", "Schedule"
    identity = "calendar-feed"
    whose = "Calendar feeds are one vendor's."

    @expose("/feeds", methods=["GET"], identity="calendar-feed")
    @needs("list")
    @in_a_vendor
    async def feeds(self, request: Request) -> Response:
        """Every feed of the vendor, and the form for a new one."""
        return await self._page(request)

    @expose("/feeds/people/{of}", methods=["GET"], identity="calendar-feed")
    @needs("create")
    async def people(self, request: Request) -> Response:
        """Staff or customers, for the form's pickers."""
        lookup = LOOKUPS.get(request.path_params["of"])
        if lookup is None:
            raise HTTPException(404)
        term = typed_term(request.query_params.get("term"))
        found = await in_thread(lambda session: lookup.search(session, term))
        return JSONResponse({"results": found})

    @expose("/feeds/new", methods=["POST"], identity="calendar-feed")
    @needs("create")
    @in_a_vendor
    async def create(self, request: Request) -> Response:
        """A new address; it is on this one answer and never again."""
        form = await read_fields(request, 10)
        try:
            address, name = await in_thread(_made, form)
        except (NotFound, HTTPException):
            raise
        except Exception as error:
            refusal = sentence_of(error)
            return await self._page(request, form, refusal)
        Secret.reveal_once(
            request, address, title=f"The calendar of {name}",
            label="It is not shown again. Put it into the calendar program as a subscription;"
            " whoever knows it can read it.",
        )  # fmt: skip
        return await self._page(request)

    @expose("/feeds/{feed}/revoke", methods=["POST"], identity="calendar-feed")
    @needs("revoke")
    @in_a_vendor
    async def revoke(self, request: Request) -> Response:
        """End an address for good."""
        number = number_of(request.path_params["feed"])
        done = "The address is ended: it shows nothing any more."
        return await self.at_once(request, HOME, done, feeds.revoke, feed_id=number)

    async def _page(
        self,
        request: Request,
        form: Mapping[str, str] | None = None,
        refusal: DomainError | None = None,
    ) -> Response:
        errors, error = errors_of(refusal, LOOKUPS) if refusal else ({}, "")
        listed, own = await in_thread(_listed, stood_in())
        context: dict[str, Any] = {
            "page_title": "Calendar feeds",
            "page_hint": "Bookings in people's own calendars, kept up to date",
            "feeds": listed,
            "own": own,
            "of_everybody": current_actor().panel_role is not PanelRole.STAFF,
            "typed": form or {},
            "errors": errors,
            "error": error,
            "secret_next_url": HOME,
        }
        return await self.page(request, "panel/feeds.html", context, 400 if refusal else 200)


def _made(session: Session, form: Mapping[str, str]) -> tuple[str, str]:
    """A new feed of whom the form names: the address, and whose it is."""
    of = form.get("of", "")
    if of == "me":
        staff_id = feeds.own_staff_id(session)
        if staff_id is None:
            raise feeds.NobodysFeed
        given = {"staff_id": staff_id}
    elif of in LOOKUPS:
        found = LOOKUPS[of].find(session, form.get(of, ""))
        if found is None:
            raise NobodyChosen(field=of)
        given = {f"{of}_id": found.id}
    else:
        raise feeds.NobodysFeed
    feed, secret = feeds.make(session, **given)
    return feeds.address(secret), _name(feed)


def _name(feed: CalendarFeed) -> str:
    return str(
        feed.staff_member.name if feed.staff_member else feed.customer and feed.customer.name
    )


def _listed(session: Session, vendor_id: int) -> tuple[Sequence[Line], int | None]:
    """The feeds, those in use first; and which member of staff looks."""
    own = feeds.own_staff_id(session)
    rows = session.scalars(
        select(CalendarFeed)
        .where(CalendarFeed.vendor_id == vendor_id)
        .options(joinedload(CalendarFeed.staff_member), joinedload(CalendarFeed.customer))
        .order_by(CalendarFeed.revoked_at.is_not(None), CalendarFeed.id.desc())
        .limit(MOST)
    )
    return [_line(feed, own) for feed in rows], own


def _line(feed: CalendarFeed, own: int | None) -> Line:
    is_staff = feed.staff_id is not None
    noun = "staff-member" if is_staff else "customer"
    everybodys = current_actor().panel_role is not PanelRole.STAFF
    is_open = feed.revoked_at is None
    return Line(
        feed.id, _name(feed), f"/admin/{noun}/details/{feed.staff_id or feed.customer_id}",
        "Staff" if is_staff else "Customer", is_open, feed.created_at, feed.last_read_at,
        is_open and (everybodys or not is_staff or feed.staff_id == own),
    )  # fmt: skip


VIEWS = [FeedsView]
