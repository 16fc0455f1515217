"""What the calendar writes: a booking made, moved, carried on, called off; time blocked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.calendar_typed import NotThere, Typed, who
from admin_views.saving import zone_named
from admin_views.writing import clock_time, day, plural, speaking_in
from app.errors import ChangedMeanwhile, DomainError, NotAllowed
from app.operations import bookings, schedules, time_off, walk_ins
from app.operations.moves import locked
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.customers import called
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.words import Channel
from reports import calendar


def with_zone(session: Session, values: Mapping[str, str]) -> Typed:
    """The form, in the wall time of the vendor who acts."""
    vendor_id = current_actor().vendor_id or 0
    return Typed(values, calendar.zone_of(session, vendor_id=vendor_id))


# --- booked ---------------------------------------------------------------------------------


def booked(session: Session, values: Mapping[str, str]) -> dict[str, Any]:
    """A booking at a time, or from now on (`now`) of somebody who stands there."""
    form = with_zone(session, values)
    service = form.number("service")
    if service is None:
        raise NotThere("Choose what is booked.", field="service")
    made = _begun(session, form, service) if form.text("now") else _booked(session, form, service)
    return {"key": f"b{made.id}", "message": f"{_who(made)}: {_when(form, made.starts_at)}."}


def _booked(session: Session, form: Typed, service: int) -> Booking:
    stays = is_stay(session, service)
    starts = arrival(form) if stays else form.wall("starts", exact="at")
    nights = form.nights() if stays else None
    known = form.number("customer")
    said = {} if known else who(form.text("customer_text"))
    staff = None
    if not stays:
        staff = form.number("staff") or _whoever_is_free(session, service, starts)
    vendor_id = current_actor().vendor_id or 0
    customer = known or walk_ins.welcome(session, vendor_id=vendor_id, **said)
    return bookings.book(
        session,
        customer_id=customer,
        service_id=service,
        starts_at=starts,
        staff_id=staff,
        nights=nights,
        channel=Channel.PHONE if known or said else Channel.WALK_IN,
        note=form.text("note"),
        anyway=_reason_to_overlap(form),
        status=BookingStatus.CONFIRMED,
        use=_pays_so(form),
    )


def is_stay(session: Session, service_id: int) -> bool:
    """Whether a service is booked by nights."""
    service = session.get(Service, service_id)
    return service is not None and service.kind == ServiceKind.STAY


def arrival(form: Typed) -> datetime:
    """The day on which somebody comes to stay; only the day counts."""
    return form.day("day") or form.wall("starts")


def _whoever_is_free(session: Session, service_id: int, starts: datetime) -> int | None:
    """The first who can do it then; nobody for what needs nobody, and where nobody is free."""
    service = session.get(Service, service_id)
    if service is None or service.kind in (ServiceKind.CLASS, ServiceKind.STAY):
        return None
    free = schedules.free_staff(session, service_id=service_id, starts_at=starts)
    return free[0] if free else None


def _begun(session: Session, form: Typed, service: int) -> Booking:
    known, stays = form.number("customer"), is_stay(session, service)
    return walk_ins.begin(
        session,
        service_id=service,
        staff_id=None if stays else form.number("staff"),
        nights=form.nights() if stays else None,
        customer_id=known,
        use=_pays_so(form),
        anyway=_reason_to_overlap(form),
        **({} if known else who(form.text("customer_text"))),
    )


def _pays_so(form: Typed) -> bool:
    """Whether a package or a membership of the customer's is to pay for it."""
    return form.text("use") is not None


def _reason_to_overlap(form: Typed) -> str | None:
    """Why it may stand over another; refuses it to whom the matrix does."""
    why = form.text("anyway")
    if why is not None and not allowed(current_actor().panel_role, "booking", "overbook"):
        raise NotAllowed
    return why


# --- moved ----------------------------------------------------------------------------------


def moved(session: Session, number: int, values: Mapping[str, str]) -> dict[str, Any]:
    """Another time, length or person; refused when somebody changed the booking meanwhile.

    `from` and `to` are instants; a form says `starts` in wall time instead, and the booking
    lasts as long as it did.
    """
    form = with_zone(session, values)
    booking = locked(session, Booking, number)
    seen = form.text("seen")
    if seen is not None and seen_of(booking) != seen:
        raise ChangedMeanwhile
    before = _place(booking)
    starts = form.moment("from") or form.wall("starts", exact="at")
    ends = form.moment("to")
    if ends is not None and ends - starts == booking.ends_at - booking.starts_at:
        ends = None
    staff = form.number("staff") if "staff" in values else booking.staff_id
    booking = bookings.reschedule(
        session,
        booking_id=number,
        starts_at=starts,
        ends_at=ends,
        staff_id=staff,
        anyway=_reason_to_overlap(form),
    )
    session.flush()  # the moment of change, which an undo has to know
    session.refresh(booking, ["updated_at"])
    with_whom = session.get(StaffMember, staff) if staff else None
    said = f"{_who(booking)}: {_when(form, booking.starts_at)}"
    said += f" with {with_whom.name}." if with_whom else "."
    return {
        "key": f"b{number}", "message": said, "seen": seen_of(booking),
        "undo": before,
    }  # fmt: skip


def seen_of(booking: Booking) -> str:
    """The moment of its last change, in millionths of a second, as the calendar knows it."""
    return str((booking.updated_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))


def _place(booking: Booking) -> dict[str, Any]:
    """Where it was, as a move back would say it."""
    return {
        "from": int(booking.starts_at.timestamp()), "to": int(booking.ends_at.timestamp()),
        "staff": booking.staff_id or 0,
    }  # fmt: skip


# --- blocked --------------------------------------------------------------------------------


class InTheWay(DomainError):
    sentence = "{what} in this time: decide about each under Time off. Nothing was blocked."
    field = "starts"


def blocked(session: Session, values: Mapping[str, str]) -> dict[str, Any]:
    """Time off of somebody, or of the whole vendor, when nothing is in its way.

    Refuses with `InTheWay`; then the page of time off decides about each booking.
    """
    form = with_zone(session, values)
    staff, starts, ends = form.number("staff"), form.wall("starts", "at"), form.wall("ends")
    whose: dict[str, Any] = {"staff_id": staff, "starts_at": starts, "ends_at": ends}
    plan = time_off.preview(session, **whose)
    if plan.bookings or plan.classes:
        what = _in_the_way(len(plan.bookings), len(plan.classes))
        raise InTheWay(what=what, link=_decided_at(form))
    off = time_off.take(session, decisions={}, seen=plan.seen, reason=form.text("reason"), **whose)
    someone = session.get(StaffMember, staff) if staff else None
    said = f"{someone.name if someone else 'Everybody'} is off from {_when(form, starts)}."
    return {"key": "", "message": said, "unblock": off.id}


def _decided_at(form: Typed) -> dict[str, str] | None:
    """The page on which each booking in the way is decided about, with what was typed here."""
    if not allowed(current_actor().panel_role, "time-off", "create"):
        return None
    typed = {
        "staff": form.text("staff"), "starts_at": form.text("starts"),
        "ends_at": form.text("ends"), "reason": form.text("reason"),
    }  # fmt: skip
    said = {name: text for name, text in typed.items() if text and (name, text) != ("staff", "0")}
    return {"title": "Decide about each", "url": f"/admin/time-off/create?{urlencode(said)}"}


def _in_the_way(bookings_there: int, classes_there: int) -> str:
    found = [
        plural(count, one, many)
        for count, one, many in (
            (bookings_there, "booking", "bookings"),
            (classes_there, "class", "classes"),
        )
        if count
    ]
    verb = "stands" if bookings_there + classes_there == 1 else "stand"
    return f"{' and '.join(found)} {verb}"


def unblocked(session: Session, number: int) -> dict[str, Any]:
    """Take a block back."""
    time_off.give_back(session, time_off_id=number)
    return {"key": "", "message": "The time is free again."}


# --- carried on -----------------------------------------------------------------------------


Verb = Callable[[Session, int, Typed], Booking]


def _plain(verb: Callable[..., Booking]) -> Verb:
    return lambda session, number, _: verb(session, booking_id=number)


def _cancel(session: Session, number: int, form: Typed) -> Booking:
    return bookings.cancel(
        session,
        booking_id=number,
        reason=form.text("reason"),
        by=form.text("by") or "vendor",
        waive=form.text("waive"),
    )


def _no_show(session: Session, number: int, form: Typed) -> Booking:
    return bookings.mark_no_show(session, booking_id=number, waive=form.text("waive"))


VERBS: Mapping[str, tuple[Verb, str]] = {
    "confirm": (_plain(bookings.confirm), "The booking of {who} is confirmed."),
    "check-in": (_plain(bookings.check_in), "{who} is here."),
    "complete": (_plain(bookings.complete), "The booking of {who} is completed."),
    "no-show": (_no_show, "{who} did not come."),
    "reopen": (_plain(bookings.reopen), "The booking of {who} stands again."),
    "cancel": (_cancel, "The booking of {who} is cancelled; its time is free again."),
}
"""A verb of the address -> what it does, and what is said then."""


def carried_on(session: Session, number: int, verb: str, values: Mapping[str, str]) -> Any:
    """Do what a button of a booking says."""
    run, said = VERBS[verb]
    booking = run(session, number, with_zone(session, values))
    return {"key": f"b{number}", "message": said.format(who=_who(booking))}


def _who(booking: Booking) -> str:
    return called(booking.customer)


def _when(form: Typed, moment: datetime) -> str:
    with speaking_in(zone_named(form.zone)):
        return f"{day(moment)}, {clock_time(moment)}"
