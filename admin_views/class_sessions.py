"""Classes on screen: planned for weeks, and a roster where people join, come, or do not."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session, joinedload, object_session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.base import HouseView, declared
from admin_views.booking_terms import fee_of_cancelling, fee_of_not_coming
from admin_views.filters import Between, OneOf, Related, Usually, of_vendor
from admin_views.forms import Note, Pick, Saving, WallTime, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import typed
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CLASSES, CUSTOMERS, STAFF
from admin_views.own_pages import read_fields
from admin_views.rendering import moment, plural, say
from admin_views.saving import Command, sentence_of, writing
from app import clock
from app.errors import DomainError, NotFound
from app.operations import class_sessions, waitlist, walk_ins
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.customers import Customer
from models.words import Channel

ON_EDIT = ("starts_at", "ends_at", "staff", "seats", "note")
ASKED = ("customer", "seats", "name", "phone")
MOST_WEEKS = 52
BASE = "/admin/class-session"


class NobodyChosen(DomainError):
    sentence = (
        "Nobody was chosen: choose a customer from the list, or write the name or the phone of"
        " somebody new."
    )
    field = "customer"


class NobodyLeads(DomainError):
    sentence = "Somebody leads this class: choose who takes it over, it cannot be left to nobody."
    field = "staff_id"


def is_to_come(found: ClassSession) -> bool:
    """Whether it can still be moved or called off."""
    return found.status == SessionStatus.SCHEDULED and found.starts_at > clock.now()


def may_complete(found: ClassSession) -> bool:
    """Whether it has begun, and nobody has said yet who came."""
    return found.status == SessionStatus.SCHEDULED and found.starts_at <= clock.now()


def status_word(found: ClassSession) -> str:
    """Scheduled, now, over, completed or called off."""
    if not may_complete(found):
        return str(found.status)
    return "over" if found.ends_at <= clock.now() else "now"


def _call_off(session: Session, number: int, reason: str = "") -> None:
    class_sessions.call_off(session, class_session_id=number, reason=reason or None)


def _complete(session: Session, number: int) -> None:
    class_sessions.complete(session, class_session_id=number)


def _ask_who_came(found: ClassSession) -> tuple[str, str]:
    """What completing does to those whom nobody has marked."""
    session = object_session(found)
    marked = class_sessions.marks(session, class_session_id=found.id) if session else {}
    came, unmarked, asked = (
        marked.get(status, 0)
        for status in (BookingStatus.CHECKED_IN, BookingStatus.CONFIRMED, BookingStatus.PENDING)
    )
    said = [f"{came} checked in, {marked.get(BookingStatus.NO_SHOW, 0)} marked as not come."]
    if unmarked:
        said.append(
            f"{plural(unmarked, 'booking is', 'bookings are')} not marked and"
            f" {'counts' if unmarked == 1 else 'count'} as having come: mark who missed it first."
        )
    if asked:
        said.append(f"{plural(asked, 'booking')} never confirmed: cancelled, at no cost.")
    return "Complete this class?", " ".join([*said, "It cannot be undone."])


def _ask(found: ClassSession) -> tuple[str, str]:
    everybody = plural(found.taken, "place") + " taken" if found.taken else "Nobody has joined"
    return "Call this class off?", f"{everybody}: everybody is told, and it costs them nothing."


class ClassView(HouseView, model=ClassSession):
    """Classes at their times, with who comes."""

    name, name_plural, icon = "Class", "Classes", "ti ti-users-group"
    category, status_kind = "Schedule", "class"
    details_template = "panel/class_session.html"
    can_delete = False
    columns = (
        Col("starts_at", "Time", value=lambda c: moment(c.starts_at), sort="soonest"),
        Col("service", "Class", value=lambda c: c.service.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("staff", "With", value=lambda c: c.staff_member and c.staff_member.name),
        Col("taken", "Places", numeric=True, value=lambda c: f"{c.taken} of {c.seats}"),
        Col("status", "Status", "pill", pill_kind="class", css="c-status", value=status_word),
    )
    sorts = declared(
        soonest=Sort(ClassSession.starts_at), latest=Sort(ClassSession.starts_at, descending=True)
    )
    filters = (
        Usually(
            "when", "When", icon="clock", unless=("day_from", "day_to"),
            conditions=(
                ("to_come", "Now and to come", lambda: ClassSession.ends_at > clock.now()),
                (
                    "free", "With free places",
                    lambda: (ClassSession.ends_at > clock.now())
                    & (ClassSession.taken < ClassSession.seats),
                ),
                ("over", "Over", lambda: ClassSession.ends_at <= clock.now()),
                (
                    "needed", "Needs an outcome",
                    lambda: class_sessions.class_lacks_outcome(clock.now()),
                ),
            ),
        ),
        OneOf("status", "Status", ClassSession.status, icon="circle-dot", words=SessionStatus),
        of_vendor(ClassSession.vendor_id),
        Between("day", "Day", ClassSession.starts_at),
        Related("service", "Class", ClassSession.service_id, icon="sparkles", lookup=ALL_SERVICES),
        Related("staff", "With", ClassSession.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
    )  # fmt: skip
    loads = (joinedload(ClassSession.service), joinedload(ClassSession.staff_member))
    details = (
        (
            "Class",
            (
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("staff", "With", value=lambda c: c.staff_member and c.staff_member.name),
                Col("taken", "Places", value=lambda c: f"{c.taken} of {c.seats} taken"),
                Col("note", "Note"),
            ),
        ),
    )
    fields = declared(
        service=Pick("Class", CLASSES, wanted=True),
        starts_at=WallTime("From", wanted=True),
        ends_at=WallTime("Until", hint="Empty: as long as before"),
        staff=Pick("With", STAFF, hint="Who leads it"),
        seats=Whole("Places", low=1, high=10_000, hint="Empty: as many as the service has"),
        weeks=Whole(
            "For how many weeks", low=1, high=MOST_WEEKS, wanted=True, default=1,
            hint="Every week at the same hour; all of them or none",
        ),
        note=Note("Note"),
    )  # fmt: skip
    form_sections = (
        ("Class", ("service", "staff", "seats")),
        ("When", ("starts_at", "ends_at", "weeks")),
        ("Words", ("note",)),
    )
    commands = (
        Command(
            "complete", "Complete class", _complete, may_complete,
            "The class is completed: who came has one more visit.", icon="check",
            action="complete", ask=_ask_who_came,
        ),
        Command(
            "call-off", "Call off", _call_off, is_to_come,
            "The class is called off, and everybody is told.", icon="calendar-x", danger=True,
            ask=_ask, inputs=(("reason", "Why (optional)"),),
        ),
    )  # fmt: skip
    empty = declared(
        icon="users-group", title="No classes yet",
        text="Make a service of kind class, then plan it for as many weeks as you like.",
    )  # fmt: skip

    def status_of(self, record: Any) -> str | None:
        """To come, now, over, completed or called off."""
        return status_word(record)

    def title_of(self, record: Any) -> str:
        """Yoga, 20 Nov, 18:00."""
        return f"{record.service.name}, {moment(record.starts_at)}"

    def may_edit(self, record: Any) -> bool:
        """Only what is still to come."""
        return is_to_come(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """A class that is planned can be moved, be led by another, have other places."""
        fields = super().form_fields(record)
        if record is None:
            return {name: field for name, field in fields.items() if name != "ends_at"}
        return {name: field for name, field in fields.items() if name in ON_EDIT}

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """What the form for a known class shows."""
        return {
            "starts_at": record.starts_at, "ends_at": record.ends_at, "staff": record.staff_id,
            "seats": record.seats, "note": record.note,
        }  # fmt: skip

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The first of the classes that are planned."""
        planned = class_sessions.plan(session, **values)
        if len(planned) > 1:
            context.say(f"{len(planned)} classes are planned.")
        return planned[0]

    def held(self, session: Session, number: int) -> Any:
        """With everybody in it, in the order in which others hold them."""
        return class_sessions.hold(session, class_session_id=number)

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Another time or person with everybody in it; other places; a note."""
        starts, ends, staff = values["starts_at"], values["ends_at"], values["staff_id"]
        if staff is None and record.staff_id is not None:
            raise NobodyLeads
        if starts != record.starts_at and ends == record.ends_at:
            ends = None  # it lasts as long as it did
        longer = ends not in (None, record.ends_at)
        if longer or (starts, staff) != (record.starts_at, record.staff_id):
            class_sessions.move(
                session, class_session_id=record.id, starts_at=starts, ends_at=ends, staff_id=staff
            )
        if values["seats"] not in (None, record.seats):
            class_sessions.set_seats(session, class_session_id=record.id, seats=values["seats"])
        if values["note"] != record.note:
            record.note = values["note"]

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Who comes and who waits, with what can be done about each."""
        found = class_sessions.roster(session, class_session_id=record.id)
        kept: Mapping[str, Any] = getattr(request.state, "class_form", None) or {}
        standing = record.status == SessionStatus.SCHEDULED and record.ends_at > clock.now()
        role = current_actor().panel_role
        return {
            "roster": [_guest(one) for one in found.bookings],
            "waiting": [_waiting(one, full=found.free == 0) for one in found.waiting],
            "free": found.free,
            "joins": standing and allowed(role, "class-session", "join"),
            "waits": is_to_come(record) and found.free == 0,
            "moves": allowed(role, "booking", "move"),
            "base": f"{BASE}/{record.id}",
            "typed": kept.get("typed", {}),
            "errors": kept.get("errors", {}),
        }

    # ---- the roster ------------------------------------------------------------------------

    @expose("/{pk}/customers", methods=["GET"])
    @needs("join")
    async def customers(self, request: Request) -> Response:
        """Customers for the roster's picker."""
        term = typed(request.query_params.get("term"))
        return JSONResponse({"results": await self.in_transaction(CUSTOMERS.search, term)})

    @expose("/{pk}/join", methods=["POST"])
    @needs("join")
    async def join(self, request: Request) -> Response:
        """A place in the class for a customer; or, if it is full, one in the line."""
        number, form = self.number(request.path_params["pk"]), await read_fields(request, 10)
        wait = form.get("do") == "wait"
        try:
            name = await anyio.to_thread.run_sync(partial(_join, number, form, wait))
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            return await self._again(request, form, sentence_of(error))
        say(request, f"{name} waits for a place." if wait else f"{name} is in.")
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    async def _again(
        self, request: Request, form: Mapping[str, str], refusal: DomainError
    ) -> Response:
        name = (refusal.field or "").removesuffix("_id")
        at = name if name in ASKED else "customer"
        request.state.class_form = {"typed": form, "errors": {at: str(refusal)}}
        context = await self.details_context(request)
        model = await self.get_object_for_details(request)
        answer: Response = await self.templates.TemplateResponse(
            request,
            self.details_template,
            {**context, "model_view": self, "model": model},
            status_code=400,
        )
        return answer


def _join(number: int, form: Mapping[str, str], wait: bool) -> str:
    seats = form.get("seats") or "1"
    if not seats.isascii() or not seats.isdecimal() or len(seats) > 6:
        raise class_sessions.NoSeats
    with writing(ClassSession, number) as session:
        customer = _somebody(session, number, form)
        if wait:
            waitlist.join(session, customer_id=customer.id, class_session_id=number)
        else:
            class_sessions.join(
                session, class_session_id=number, customer_id=customer.id, seats=int(seats),
                channel=Channel.WALK_IN,
            )  # fmt: skip
        return str(customer.name)


def _somebody(session: Session, number: int, form: Mapping[str, str]) -> Customer:
    """Who was chosen; else who is called so or has this phone, taken in if nobody does."""
    if form.get("customer"):
        chosen: Customer | None = CUSTOMERS.find(session, form["customer"])
        if chosen is None:
            raise NobodyChosen
        return chosen
    name, phone = form.get("name"), form.get("phone")
    if not name and not phone:
        raise NobodyChosen
    vendor_id = session.get_one(ClassSession, number).vendor_id
    known = walk_ins.welcome(session, vendor_id=vendor_id, name=name, phone=phone)
    return session.get_one(Customer, known)


def _guest(booking: Booking) -> dict[str, Any]:
    """A line of the roster; what can be done with it are the booking's own commands."""
    status, begun = BookingStatus(booking.status), booking.starts_at <= clock.now()
    steps: list[tuple[str, str, dict[str, str]]] = []
    if status == BookingStatus.PENDING and not booking.held_until:
        steps.append(("confirm", "Confirm", {}))
    if status == BookingStatus.CONFIRMED:
        steps.append(("check-in", "Check in", {}))
    if status == BookingStatus.CONFIRMED and begun:
        steps.append(("no-show", "No-show", {"fee": str(fee_of_not_coming(booking).amount)}))
    if status == BookingStatus.CHECKED_IN:
        steps.append(("complete", "Complete", {}))
    return {
        "name": booking.customer.name, "url": f"/admin/booking/details/{booking.id}",
        "id": booking.id, "status": status.value, "seats": booking.seats,
        "held": moment(booking.held_until) if booking.held_until
        and status == BookingStatus.PENDING else None,
        "steps": [
            {"title": title, "url": f"/admin/booking/do/{booking.id}/{step}", "fields": fields}
            for step, title, fields in steps
        ],
        "leaves": status in (BookingStatus.PENDING, BookingStatus.CONFIRMED)
        and not booking.held_until,
        "fee": fee_of_cancelling(booking),
    }  # fmt: skip


def _waiting(entry: Any, *, full: bool) -> dict[str, Any]:
    path = f"/admin/waitlist-entry/do/{entry.id}"
    steps = [("leave", "Take off")]
    if entry.status == "waiting" and not full:
        steps.insert(0, ("offer-seat", "Offer a place"))
    if entry.status == "offered":
        steps = [("accept", "Says yes"), ("decline", "Says no")]
    return {
        "name": entry.customer.name, "url": f"/admin/waitlist-entry/details/{entry.id}",
        "status": entry.status, "since": entry.queued_at,
        "steps": [{"title": title, "url": f"{path}/{step}"} for step, title in steps],
    }  # fmt: skip


VIEWS = [ClassView]
