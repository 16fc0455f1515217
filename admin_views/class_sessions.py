"""Classes on screen: planned for weeks, moved, called off; a class's page is its roster."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, joinedload

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, Related, Usually, of_vendor
from admin_views.forms import Note, Pick, Saving, WallTime, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_STAFF, CLASSES, STAFF
from admin_views.rendering import moment, plural
from admin_views.saving import Command
from app import clock
from app.errors import DomainError
from app.operations import class_sessions
from models.booking_series import MOST_OCCURRENCES
from models.class_sessions import ClassSession, SessionStatus

ON_EDIT = ("starts_at", "ends_at", "staff", "seats", "note")


class NobodyLeads(DomainError):
    sentence = "Somebody leads this class: choose who takes it over, it cannot be left to nobody."
    field = "staff_id"


def is_over(found: ClassSession) -> bool:
    """Whether the last minute of a class has passed."""
    return found.ends_at <= clock.now()


def status_word(found: ClassSession) -> str:
    """Scheduled, called off, or over."""
    standing = found.status == SessionStatus.SCHEDULED
    return "over" if standing and is_over(found) else str(found.status)


def places(found: ClassSession) -> str:
    """4 of 6."""
    return f"{found.taken:,} of {found.seats:,}"


def _asked(found: ClassSession) -> tuple[str, str]:
    """The question before a class is called off: how many are in it."""
    if not found.taken:
        return "Call this class off?", "Nobody is booked into it. Who waits for it is let go."
    many = plural(found.taken, "place is booked", "places are booked")
    return (
        "Call this class off?",
        f"{many}: these bookings are cancelled at no cost, everybody is told, and who waits for a"
        " place is let go.",
    )


def _call_off(session: Session, number: int, reason: str = "") -> None:
    class_sessions.call_off(session, class_session_id=number, reason=reason or None)


class ClassSessionView(HouseView, model=ClassSession):
    """Single classes, each with its places."""

    name, name_plural, icon, category = "Class", "Classes", "ti ti-users-group", "Schedule"
    status_kind = "class"
    can_delete = False
    columns = (
        Col("starts_at", "Time", value=lambda c: moment(c.starts_at), sort="soonest"),
        Col("service", "Class", value=lambda c: c.service.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("staff", "With", value=lambda c: c.staff_member and c.staff_member.name),
        Col("places", "Places", numeric=True, value=places),
        Col("status", "Status", "pill", pill_kind="class", css="c-status", value=status_word),
    )
    sorts = declared(
        soonest=Sort(ClassSession.starts_at),
        latest=Sort(ClassSession.starts_at, descending=True),
    )
    filters = (
        Usually(
            "when", "When", icon="clock", unless=("day_from", "day_to"),
            conditions=(
                ("to_come", "Now and to come", lambda: ClassSession.ends_at > clock.now()),
                ("over", "Over", lambda: ClassSession.ends_at <= clock.now()),
            ),
        ),
        of_vendor(ClassSession.vendor_id),
        Between("day", "Day", ClassSession.starts_at),
        Related("service", "Class", ClassSession.service_id, icon="yoga", lookup=CLASSES),
        Related("staff", "With", ClassSession.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
        OneOf("status", "Status", ClassSession.status, icon="circle-dot", words=SessionStatus),
    )  # fmt: skip
    loads = (joinedload(ClassSession.service), joinedload(ClassSession.staff_member))
    details = (
        (
            "Class",
            (
                Col("service", "Class", value=lambda c: link_to("service", c.service)),
                Col("staff", "With", value=lambda c: link_to("staff-member", c.staff_member)),
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("places", "Places taken", value=places),
                Col("note", "Note"),
            ),
        ),
    )
    fields = declared(
        service=Pick("Class", CLASSES, wanted=True, hint="A service that is given as a class"),
        starts_at=WallTime("From", wanted=True),
        ends_at=WallTime("Until", hint="Empty: as long as before"),
        staff=Pick("With", STAFF, hint="Who leads it; empty: nobody in particular"),
        seats=Whole(
            "Places", low=1, high=class_sessions.MOST_SEATS, hint="Empty: as its service has"
        ),
        weeks=Whole(
            "How many weeks", low=1, high=MOST_OCCURRENCES, default=1,
            hint="Every week at the same hour, whatever the clocks do; all of them or none",
        ),
        note=Note("Note"),
    )  # fmt: skip
    form_sections = (
        ("What and when", ("service", "starts_at", "ends_at", "weeks")),
        ("Who and how many", ("staff", "seats", "note")),
    )
    commands = (
        Command(
            "call-off", "Call off", _call_off,
            lambda c: c.status == SessionStatus.SCHEDULED and c.starts_at > clock.now(),
            "The class is called off; everybody is told.", icon="calendar-x", danger=True,
            ask=_asked, inputs=(("reason", "Why (optional)"),),
        ),
    )  # fmt: skip
    empty = declared(
        icon="users-group", title="No classes to come",
        text="Plan one, or a whole term of them: customers are then booked place by place.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Yoga, 24 Nov, 18:00."""
        return f"{record.service.name}, {moment(record.starts_at)}"

    def status_of(self, record: Any) -> str | None:
        """Scheduled, called off, or over."""
        return status_word(record)

    def may_edit(self, record: Any) -> bool:
        """Only what is still to come can be changed."""
        return bool(record.status == SessionStatus.SCHEDULED and record.starts_at > clock.now())

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """A new one for weeks; of a known one what it is stands."""
        fields = super().form_fields(record)
        if record is None:
            return {n: f for n, f in fields.items() if n != "ends_at"}
        return {n: f for n, f in fields.items() if n in ON_EDIT}

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """What the form of a known class shows."""
        return {
            "starts_at": record.starts_at, "ends_at": record.ends_at, "staff": record.staff_id,
            "seats": record.seats, "note": record.note,
        }  # fmt: skip

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """One class, or one each week; the first of them."""
        planned = class_sessions.plan(
            session, service_id=values["service_id"], starts_at=values["starts_at"],
            staff_id=values["staff_id"], seats=values["seats"], note=values["note"],
            weeks=data.get("weeks") or 1,
        )  # fmt: skip
        if len(planned) > 1:
            last = moment(planned[-1].starts_at)
            context.say(f"{len(planned)} classes are planned, the last on {last}.")
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
        """Another time or person moves everybody in it; places go by their rule."""
        if values["staff_id"] is None and record.staff_id is not None:
            raise NobodyLeads
        starts, ends = values["starts_at"], values["ends_at"]
        if starts != record.starts_at and ends == record.ends_at:
            ends = None  # it lasts as long as it did
        staff = values["staff_id"]
        if (starts, staff) != (record.starts_at, record.staff_id) or ends not in (
            None,
            record.ends_at,
        ):
            class_sessions.move(
                session, class_session_id=record.id, starts_at=starts, ends_at=ends, staff_id=staff
            )
        if values["seats"] is not None and values["seats"] != record.seats:
            class_sessions.set_seats(session, class_session_id=record.id, seats=values["seats"])
        if values["note"] != record.note:
            record.note = values["note"]


VIEWS = [ClassSessionView]
