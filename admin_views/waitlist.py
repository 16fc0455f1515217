"""The waitlist on screen: who waits for what, what can be offered to them, who fits a gap."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import anyio.to_thread
from markupsafe import Markup
from sqladmin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, Usually, of_vendor
from admin_views.forms import Choice, Clock, Day, Note, Pick, Saving, read_whole
from admin_views.lists import Col, Sort
from admin_views.loaders import record_id
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CLASSES_TO_COME, CUSTOMERS, SERVICES, STAFF
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.own_pages import read_fields
from admin_views.rendering import clock_time, day, day_head, moment, plural, say, span
from admin_views.saving import Command, saving_for, sentence_of, writing
from app import clock
from app.errors import DomainError, NotFound
from app.operations import offers, schedules, waitlist
from app.tenancy import current_actor
from models.services import ServiceKind
from models.staff import StaffMember
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

LIVE = (WaitStatus.WAITING, WaitStatus.OFFERED)
DAYS = {"earliest": "first_day", "latest": "last_day"}
WISH = ("staff", "first_day", "last_day", "from_time", "until_time")
BASE = "/admin/waitlist-entry"
AHEAD = timedelta(days=21)
MOST_SLOTS = 60
LINES = 20
BY_PHONE = tuple((c.value, label) for c, label in (
    (Channel.PHONE, "Phone"), (Channel.WALK_IN, "Walk in"), (Channel.ONLINE, "Online"),
    (Channel.PARTNER, "Partner"),
))  # fmt: skip


class WhatFor(DomainError):
    sentence = "Say what they wait for: choose a service or a class."
    field = "service_id"


class OneThing(DomainError):
    sentence = "They wait for a service or for one class: leave the other one empty."
    field = "class_session_id"


class NoLastDay(DomainError):
    sentence = "Until when would they come? Choose a last day."
    field = "last_day"


class NoSlot(DomainError):
    sentence = "Choose one of the times."
    field = "slot"


class NoMinutes(DomainError):
    sentence = "Write for how many minutes the time is held, from 1 to 10,080."
    field = "minutes"


class NoGap(DomainError):
    sentence = "Say from when to when the gap is, such as 2026-11-20T10:00 and 2026-11-20T11:00."


def _is(*statuses: WaitStatus) -> Any:
    return lambda entry: entry.status in statuses


def _by(verb: Any) -> Any:
    return lambda session, number: verb(session, entry_id=number)


def _offer_seat(session: Session, number: int) -> None:
    waitlist.offer(session, entry_id=number)


def what_for(entry: WaitlistEntry) -> str:
    """Balayage, or Yoga, 24 Nov, 18:00."""
    if entry.class_session is not None:
        return f"{entry.service.name}, {moment(entry.class_session.starts_at)}"
    return str(entry.service.name)


def last_of(entry: WaitlistEntry) -> datetime:
    """The last moment at which they would come."""
    return entry.latest - timedelta(microseconds=1)


def window(entry: WaitlistEntry) -> str:
    """23 Nov – 27 Nov, from 9:00 to 12:00; a place in a class needs none."""
    if entry.class_session is not None:
        return "that class"
    first, last = day(entry.earliest), day(last_of(entry))
    days = first if first == last else f"{first} – {last}"
    return f"{days}{hours(entry)}"


def hours(entry: WaitlistEntry) -> str:
    """The hours of the day, if they matter."""
    if entry.from_time and entry.until_time:
        return f", {span(f'{entry.from_time:%H:%M}', f'{entry.until_time:%H:%M}')}"
    if entry.from_time:
        return f", from {entry.from_time:%H:%M}"
    return f", until {entry.until_time:%H:%M}" if entry.until_time else ""


def with_whom(entry: WaitlistEntry) -> str:
    """Who they asked for."""
    return str(entry.staff_member.name) if entry.staff_member else "anybody"


def _at(identity: str, record: Any) -> Markup | None:
    """A booking or a class by its time, as the way to its page."""
    if record is None:
        return None
    url = f"/admin/{identity}/details/{record.id}"
    return Markup('<a href="{}">{}</a>').format(url, moment(record.starts_at))


def _class_of(entry: WaitlistEntry) -> Markup | None:
    return _at("class-session", entry.class_session)


def _held(entry: WaitlistEntry) -> str | None:
    return moment(entry.held_until) if entry.held_until else None


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
        OfCustomer("customer", "Customer", WaitlistEntry),
    )  # fmt: skip
    loads = (
        joinedload(WaitlistEntry.customer),
        joinedload(WaitlistEntry.service),
        joinedload(WaitlistEntry.staff_member),
        joinedload(WaitlistEntry.class_session),
    )
    details_loads = (*loads, joinedload(WaitlistEntry.booking))
    details = (
        (
            "Waiting",
            (
                Col("customer", "Customer", value=lambda e: link_to("customer", e.customer)),
                Col("service", "For", value=lambda e: link_to("service", e.service)),
                Col("class_session", "Class", value=_class_of),
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
                Col("booking", "What is offered", value=lambda e: _at("booking", e.booking)),
                Col("held_until", "Held until", value=_held),
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
        with _at_the_days():
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
        with _at_the_days():
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
            until = await anyio.to_thread.run_sync(partial(_offer, number, form))
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
        context = await self.in_transaction(_offered, number)
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
            context = await self.in_transaction(_fitting, asked)
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


def days_of(first: date | None, last: date | None) -> dict[str, datetime | None]:
    """The wall times between which these days lie; without a first one it is now."""
    if last is None:
        raise NoLastDay
    return {
        "earliest": None if first is None else datetime.combine(first, time()),
        "latest": datetime.combine(last + timedelta(days=1), time()),
    }


@contextmanager
def _at_the_days() -> Iterator[None]:
    """A refusal of the window is told at the days that were typed."""
    try:
        yield
    except DomainError as refusal:
        refusal.field = DAYS.get(refusal.field or "", refusal.field)
        raise


def _offer(number: int, form: Mapping[str, str]) -> str:
    starts, staff = _slot(form.get("slot", ""))
    try:
        minutes = read_whole(form.get("minutes") or "30", 1, offers.MOST_MINUTES)
    except ValueError:
        raise NoMinutes from None
    with writing(WaitlistEntry, number) as session:
        entry = waitlist.offer(
            session, entry_id=number, starts_at=starts, staff_id=staff, minutes=minutes
        )
        zone = saving_for(session, entry).zone
        held = entry.held_until or clock.now()
        return f"{held.astimezone(zone):%H:%M}"


def _slot(text: str) -> tuple[datetime, int | None]:
    """`2026-11-20T10:00:00+00:00@12` as an instant and a member of staff."""
    when, _, who = text.partition("@")
    try:
        starts = datetime.fromisoformat(when)
    except ValueError:
        raise NoSlot from None
    staff = record_id(who) if who else None
    if starts.tzinfo is None or (who and staff is None):
        raise NoSlot
    return starts, staff


def _offered(session: Session, number: int) -> dict[str, Any]:
    entry = session.scalars(
        select(WaitlistEntry).where(WaitlistEntry.id == number).options(*WaitlistView.loads)
    ).first()
    if entry is None:
        raise HTTPException(404)
    zone = saving_for(session, entry).zone
    is_open = entry.status == WaitStatus.WAITING and entry.class_session_id is None
    slots = _slots(session, entry, zone) if is_open else []
    title = f"{entry.customer.name} waits for {entry.service.name}"
    return {
        "page_title": "Offer a time",
        "page_hint": title,
        "path": [
            {"title": "Waitlist", "url": f"{BASE}/list"},
            {"title": title, "url": f"{BASE}/details/{number}"}, {"title": "Offer"},
        ],
        "days": [
            {"title": head, "slots": list(of_day)}
            for head, of_day in groupby(slots, key=lambda s: s.pop("day"))
        ],
        "window": window(entry),
        "is_open": is_open,
        "url": f"{BASE}/{number}/offer",
        "back": f"{BASE}/details/{number}",
        "minutes": waitlist.HELD_MINUTES,
    }  # fmt: skip


def _slots(session: Session, entry: WaitlistEntry, zone: Any) -> list[dict[str, Any]]:
    """The first free times within what they asked for."""
    since = max(entry.earliest, clock.now())
    until = min(entry.latest, since + AHEAD)
    if until <= since or entry.service.kind == ServiceKind.STAY:
        return []
    found = schedules.free_slots(
        session, service_id=entry.service_id, since=since, until=until,
        staff_ids=[entry.staff_id] if entry.staff_id else None, channel=Channel.PHONE,
    )  # fmt: skip
    fitting = [slot for slot in found if slot.starts_at > since and _suits(entry, slot, zone)]
    shown = fitting[:MOST_SLOTS]
    ids = {slot.staff_id for slot in shown if slot.staff_id is not None}
    rows = session.execute(
        select(StaffMember.id, StaffMember.name).where(StaffMember.id.in_(ids))
    ).all()
    names = {row.id: row.name for row in rows}
    return [
        {
            "day": day_head(slot.starts_at), "time": clock_time(slot.starts_at),
            "with": names.get(slot.staff_id, ""),
            "value": f"{slot.starts_at.isoformat()}@{slot.staff_id or ''}",
        }
        for slot in shown
    ]  # fmt: skip


def _suits(entry: WaitlistEntry, slot: schedules.Slot, zone: Any) -> bool:
    begins, ends = slot.starts_at.astimezone(zone), slot.ends_at.astimezone(zone)
    if slot.ends_at > entry.latest:
        return False
    if entry.from_time is not None and begins.time() < entry.from_time:
        return False
    late = ends.date() > begins.date() or (
        entry.until_time is not None and ends.time() > entry.until_time
    )
    return entry.until_time is None or not late


def _fitting(session: Session, asked: Mapping[str, str]) -> dict[str, Any]:
    staff_id = record_id(asked["staff"]) if asked["staff"] else None
    try:
        starts, ends = (datetime.fromisoformat(asked[end]) for end in ("from", "to"))
    except ValueError:
        raise NoGap from None
    if (asked["staff"] and staff_id is None) or (
        staff_id is None and not current_actor().vendor_id
    ):
        raise NotFound
    found = waitlist.who_fits(
        session, starts_at=starts, ends_at=ends, staff_id=staff_id, limit=LINES
    )
    staff = session.get(StaffMember, staff_id) if staff_id else None
    zone = saving_for(session, staff).zone
    shown = [moment_in(at, zone) for at in (starts, ends)]
    return {
        "page_title": "Who fits this gap",
        "page_hint": f"{shown[0]} – {shown[1]}" + (f" with {staff.name}" if staff else ""),
        "path": [{"title": "Waitlist", "url": f"{BASE}/list"}, {"title": "Who fits"}],
        "found": [
            {
                "name": one.entry.customer.name, "url": f"{BASE}/details/{one.entry.id}",
                "what": one.entry.service.name, "why": one.why,
                "at": f"{clock_time(one.starts_at)}–{clock_time(one.ends_at)}",
                "offer_url": f"{BASE}/{one.entry.id}/offer",
                "slot": f"{one.starts_at.isoformat()}@{one.staff_id or ''}",
            }
            for one in found
        ],
        "count_text": plural(len(found), "customer"),
        "error": "",
    }  # fmt: skip


def moment_in(at: datetime, zone: Any) -> str:
    """A moment on the vendor's clock; without an offset it is that already."""
    return moment(at.replace(tzinfo=zone) if at.tzinfo is None else at)


VIEWS = [WaitlistView]
