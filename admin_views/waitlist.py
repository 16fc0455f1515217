"""The waitlist on screen: who waits for what, what can be offered to them, who fits a gap."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session, joinedload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import declared
from admin_views.category_filters import InServiceCategory
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, Usually, VendorDays, of_vendor
from admin_views.forms import Choice, Clock, Day, Note, Pick, Saving
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CLASSES_TO_COME, CUSTOMERS, SERVICES, STAFF
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.own_pages import read_fields
from admin_views.rendering import say
from admin_views.saving import Command, saving_for, sentence_of
from admin_views.waitlist_entries import (
    BASE,
    DAYS,
    LOADS,
    OneThing,
    WhatFor,
    at,
    at_the_days,
    class_of,
    days_of,
    held_until,
    last_of,
    what_for,
    window,
    with_whom,
)
from admin_views.waitlist_offers import gap_page, offer, offer_page
from app.errors import DomainError, NotFound
from app.operations import waitlist
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

LIVE = (WaitStatus.WAITING, WaitStatus.OFFERED)
WISH = ("staff", "first_day", "last_day", "from_time", "until_time")
BY_PHONE = tuple((c.value, label) for c, label in (
    (Channel.PHONE, "Phone"), (Channel.WALK_IN, "Walk in"), (Channel.ONLINE, "Online"),
    (Channel.PARTNER, "Partner"),
))  # fmt: skip


def _is(*statuses: WaitStatus) -> Any:
    return lambda entry: entry.status in statuses


def _by(verb: Any) -> Any:
    return lambda session, number: verb(session, entry_id=number)


def _offer_seat(session: Session, number: int) -> None:
    waitlist.offer(session, entry_id=number)


class WaitlistView(OfCustomersView, model=WaitlistEntry):
    """Who would come if a time or a place became free."""

    name, name_plural, icon = "Waitlist entry", "Waitlist", "ti ti-hourglass"
    category, noun, status_kind = "Schedule", "entry", "waitlist"
    can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda e: e.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("what", "For", value=what_for),
        Col("staff", "With", value=with_whom),
        Col("window", "When", value=window),
        Col("status", "Status", "pill", pill_kind="waitlist", css="c-status"),
        Col("queued_at", "Since", "ago", sort="first"),
        Col("offers", "Offers", "number", numeric=True, optional=True),
    )
    sorts = declared(
        first=Sort(WaitlistEntry.queued_at), newest=Sort(WaitlistEntry.id, descending=True)
    )
    filters = (
        Usually(
            "line", "Line", icon="hourglass",
            conditions=(
                ("now", "Waits or is offered", lambda: WaitlistEntry.status.in_(LIVE)),
                ("settled", "Settled", lambda: WaitlistEntry.status.not_in(LIVE)),
            ),
        ),
        of_vendor(WaitlistEntry.vendor_id),
        VendorDays(
            "joined", "Joined", WaitlistEntry.created_at, open=False,
            vendor=WaitlistEntry.vendor_id,
        ),
        Related("service", "For", WaitlistEntry.service_id, icon="sparkles", lookup=ALL_SERVICES),
        Related("staff", "With", WaitlistEntry.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
        OneOf(
            "status", "Status", WaitlistEntry.status, icon="circle-dot", words=WaitStatus,
            open=False,
        ),
        Related(
            "class_session", "Class", WaitlistEntry.class_session_id, icon="users-group",
            lookup=CLASSES_TO_COME, open=False,
        ),
        InServiceCategory("category", "Category", WaitlistEntry.service_id, icon="sitemap",
                          open=False),
        OneOf("channel", "Channel", WaitlistEntry.channel, icon="route", words=Channel, open=False),
        OfCustomer("customer", "Customer", WaitlistEntry),
    )  # fmt: skip
    loads = LOADS
    details_loads = (*LOADS, joinedload(WaitlistEntry.booking))
    details = (
        (
            "Waiting",
            (
                Col("customer", "Customer", value=lambda e: link_to("customer", e.customer)),
                Col("service", "For", value=lambda e: link_to("service", e.service)),
                Col("class_session", "Class", value=class_of),
                Col("staff", "With", value=with_whom),
                Col("window", "When", value=window),
                Col("queued_at", "In the line since", "moment"),
                Col("offers", "Offers so far", "number"),
                Col("channel", "Channel", "word"),
                Col("note", "Note"),
            ),
        ),
        (
            "Offer",
            (
                Col("booking", "What is offered", value=lambda e: at("booking", e.booking)),
                Col("held_until", "Held until", value=held_until),
            ),
        ),
    )  # fmt: skip
    hides_empty = ("class_session", "booking", "held_until")
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        service=Pick("Service", SERVICES, hint="Or a class below"),
        class_session=Pick("One class", CLASSES_TO_COME, hint="A class that is full"),
        staff=Pick("With", STAFF, hint="Empty: anybody"),
        first_day=Day("From day", hint="Empty: today"),
        last_day=Day("Until day", hint="The last day on which they would come"),
        from_time=Clock("From hour", hint="Empty: any hour"),
        until_time=Clock("Until hour", hint="By then it is over"),
        channel=Choice("Came by", BY_PHONE, wanted=True, default=Channel.PHONE),
        note=Note("Note"),
    )
    form_sections = (
        ("Who and what", ("customer", "service", "class_session", "staff")),
        ("When they would come", ("first_day", "last_day", "from_time", "until_time")),
        ("More", ("channel", "note")),
    )
    commands = (
        Command(
            "accept", "They say yes", _by(waitlist.accept), _is(WaitStatus.OFFERED),
            "The booking stands.", icon="check", primary=True,
        ),
        Command(
            "decline", "They say no", _by(waitlist.decline), _is(WaitStatus.OFFERED),
            "The next one is asked; they wait on, at the end of the line.", icon="x",
        ),
        Command(
            "offer-seat", "Offer a place", _offer_seat,
            lambda e: e.status == WaitStatus.WAITING and e.class_session_id is not None,
            f"A place is held for {waitlist.HELD_MINUTES} minutes.", icon="send",
        ),
        Command(
            "leave", "Take off the list", _by(waitlist.leave),
            _is(WaitStatus.WAITING, WaitStatus.OFFERED),
            "Taken off the waitlist.", icon="logout", danger=True,
            ask=("Take them off the waitlist?", "What is offered to them goes to the next one."),
        ),
    )  # fmt: skip
    empty = declared(
        icon="hourglass", title="Nobody waits",
        text="When a time or a class is full, put the customer here: what becomes free is offered"
        " to the first who fits, and held for them.",
    )  # fmt: skip

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """A place at the end of the line."""
        if values["class_session_id"] is not None and values["service_id"] is not None:
            raise OneThing
        wanted: dict[str, Any] = {
            "customer_id": values["customer_id"], "class_session_id": values["class_session_id"],
            "channel": values["channel"], "note": values["note"],
        }  # fmt: skip
        if wanted["class_session_id"] is None:
            if values["service_id"] is None:
                raise WhatFor
            wanted |= {n: values[n] for n in ("service_id", "staff_id", "from_time", "until_time")}
            wanted |= days_of(data.get("first_day"), data.get("last_day"))
        with at_the_days():
            return waitlist.join(session, **wanted)

    def may_edit(self, record: Any) -> bool:
        """Only who still waits, or is offered something."""
        return record.status in LIVE

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Who waits, and for what, stays; one class has its own time."""
        fields = super().form_fields(record)
        if record is None:
            return fields
        stays = record.class_session_id is not None
        wanted = ("note",) if stays else (*WISH, "note")
        return {name: field for name, field in fields.items() if name in wanted}

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """What the form for a known entry shows; the days as the vendor's calendar has them."""
        zone = saving_for(session, record).zone
        return {
            "staff": record.staff_id,
            "first_day": record.earliest.astimezone(zone).date(),
            "last_day": last_of(record).astimezone(zone).date(),
            "from_time": record.from_time, "until_time": record.until_time, "note": record.note,
        }  # fmt: skip

    def held(self, session: Session, number: int) -> Any:
        """With their customer, in the order in which others hold them."""
        return waitlist.hold(session, entry_id=number)

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Another wish; a day that stays keeps its minute."""
        wanted: dict[str, Any] = {"note": values["note"]}
        if record.class_session_id is None:
            wanted |= {n: values[n] for n in ("staff_id", "from_time", "until_time")}
            shown = self.shown_values(session, record)
            days = days_of(data.get("first_day"), data.get("last_day"))
            for end, named in DAYS.items():
                stays = data.get(named) == shown[named]
                wanted[end] = getattr(record, end) if stays else days[end]
        with at_the_days():
            waitlist.change(session, entry_id=record.id, **wanted)

    def way_out(self, request: Request, refusal: DomainError) -> dict[str, str] | None:
        """To the entry that asks for the same."""
        if not isinstance(refusal, waitlist.AlreadyWaiting):
            return None
        url = f"{BASE}/details/{refusal.details['entry_id']}"
        return {"title": "Open that entry", "url": url}

    def title_of(self, record: Any) -> str:
        """Ana Alves waits for Yoga."""
        return f"{record.customer.name} waits for {record.service.name}"

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The way to offer a time."""
        offers = (
            record.status == WaitStatus.WAITING
            and record.class_session_id is None
            and self.has_permission(request, "move")
        )
        if not offers:
            return {}
        url = f"{BASE}/{record.id}/offer"
        return {"links": [{"title": "Offer a time", "url": url, "icon": "send", "primary": True}]}

    # ---- an offer --------------------------------------------------------------------------

    @expose("/{pk}/offer", methods=["GET"])
    @needs("move")
    async def offer_times(self, request: Request) -> Response:
        """The free times that suit them."""
        return await self._offer_page(request)

    @expose("/{pk}/offer", methods=["POST"])
    @needs("move")
    async def offer(self, request: Request) -> Response:
        """Hold one of them for so many minutes."""
        number, form = self.number(request.path_params["pk"]), await read_fields(request, 10)
        try:
            until = await anyio.to_thread.run_sync(partial(offer, number, form))
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            return await self._offer_page(request, form, sentence_of(error))
        say(request, f"The time is held for them until {until}, and they are told.")
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    async def _offer_page(
        self,
        request: Request,
        form: Mapping[str, str] | None = None,
        refusal: DomainError | None = None,
    ) -> Response:
        number = self.number(request.path_params["pk"])
        context = await self.in_transaction(offer_page, number)
        field = refusal.field if refusal and refusal.field == "minutes" else ""
        context |= {
            "typed": form or {},
            "errors": {"minutes": str(refusal)} if field else {},
            "error": str(refusal) if refusal and not field else "",
        }
        drawn: Response = await self.templates.TemplateResponse(
            request, "panel/waitlist_offer.html", context, status_code=400 if refusal else 200
        )
        return drawn

    # ---- a gap -----------------------------------------------------------------------------

    @expose("/fits", methods=["GET"])
    @needs("list")
    async def fits(self, request: Request) -> Response:
        """Who would come into a gap of a member of staff: `staff`, `from`, `to`."""
        query = request.query_params
        asked = {name: query.get(name, "")[:40] for name in ("staff", "from", "to")}
        try:
            context = await self.in_transaction(gap_page, asked)
        except NotFound:
            raise HTTPException(404) from None
        except DomainError as refusal:
            context = {"error": str(refusal), "found": [], "page_title": "Who fits this gap"}
            status = 400
        else:
            status = 200
        drawn: Response = await self.templates.TemplateResponse(
            request, "panel/waitlist_fits.html", context, status_code=status
        )
        return drawn


VIEWS = [WaitlistView]
