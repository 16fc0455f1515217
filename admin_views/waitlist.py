"""The waitlist on screen: who waits, for what, since when, and what they are offered."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, joinedload

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, Usually, of_vendor
from admin_views.forms import Choice, Clock, Day, Note, Pick, Saving
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CLASSES_TO_COME, CUSTOMERS, SERVICES, STAFF
from admin_views.rendering import ago, day, moment, span
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import waitlist
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

LIVE = (WaitStatus.WAITING, WaitStatus.OFFERED)


class WhatFor(DomainError):
    sentence = "Say what they wait for: choose a service or a class."
    field = "service_id"


class OneThing(DomainError):
    sentence = "They wait for a service or for one class: leave the other one empty."
    field = "class_session_id"


class NoLastDay(DomainError):
    sentence = "Until when would they come? Choose a last day."
    field = "last_day"


def what_for(entry: WaitlistEntry) -> str:
    """Balayage, or Yoga, 24 Nov, 18:00."""
    if entry.class_session is not None:
        return f"{entry.service.name}, {moment(entry.class_session.starts_at)}"
    return str(entry.service.name)


def window(entry: WaitlistEntry) -> str:
    """23 Nov – 27 Nov, from 9:00 to 12:00; a place in a class needs none."""
    if entry.class_session is not None:
        return "that class"
    first, last = day(entry.earliest), day(entry.latest - timedelta(microseconds=1))
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


def _with(verb: Any) -> Any:
    return lambda session, number: verb(session, entry_id=number)


class WaitlistView(HouseView, model=WaitlistEntry):
    """Who would come if a time or a place became free."""

    name, name_plural, icon = "Waitlist entry", "Waitlist", "ti ti-hourglass"
    category, status_kind, noun = "Schedule", "wait", "entry"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda e: e.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("what", "Waits for", value=what_for),
        Col("staff", "With", value=with_whom),
        Col("window", "When", value=window),
        Col("queued_at", "Since", value=lambda e: ago(e.queued_at), sort="line"),
        Col("status", "Status", "pill", pill_kind="wait", css="c-status"),
        Col("held_until", "Offered until", value=lambda e: moment(e.held_until, "–")),
    )
    sorts = declared(
        line=Sort(WaitlistEntry.queued_at), newest=Sort(WaitlistEntry.id, descending=True)
    )
    search_hint = "Search customer"
    filters = (
        Usually(
            "line", "Line", icon="hourglass",
            conditions=(
                ("now", "Waits or is offered", lambda: WaitlistEntry.status.in_(LIVE)),
                ("settled", "Settled", lambda: WaitlistEntry.status.not_in(LIVE)),
            ),
        ),
        of_vendor(WaitlistEntry.vendor_id),
        Related("service", "Service", WaitlistEntry.service_id, icon="sparkles",
                lookup=ALL_SERVICES),
        Related("staff", "With", WaitlistEntry.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
        OneOf("status", "Status", WaitlistEntry.status, icon="circle-dot", words=WaitStatus,
              open=False),
        Related("class_session", "Class", WaitlistEntry.class_session_id, icon="users-group",
                lookup=CLASSES_TO_COME, open=False),
        Related("customer", "Customer", WaitlistEntry.customer_id, icon="user", lookup=CUSTOMERS,
                open=False),
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
            "Waits for",
            (
                Col("customer", "Customer", value=lambda e: link_to("customer", e.customer)),
                Col("what", "What", value=what_for),
                Col("staff", "With", value=with_whom),
                Col("window", "When", value=window),
                Col("queued_at", "In line since", "moment"),
                Col("offers", "Offers so far", "number"),
                Col("held_until", "Offered until", value=lambda e: moment(e.held_until, "–")),
                Col("channel", "Came by", "word"),
                Col("note", "Note"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        service=Pick("Service", SERVICES, hint="Or a class below"),
        class_session=Pick("One class", CLASSES_TO_COME, hint="A class that is full"),
        staff=Pick("With", STAFF, hint="Empty: anybody"),
        first_day=Day("From day", hint="Empty: today"),
        last_day=Day("Until day", hint="The last day on which they would come"),
        from_time=Clock("From hour", hint="Empty: any hour"),
        until_time=Clock("Until hour", hint="By then it is over"),
        channel=Choice("Came by", Channel, wanted=True, default=Channel.PHONE),
        note=Note("Note"),
    )
    form_sections = (
        ("Who and what", ("customer", "service", "class_session", "staff")),
        ("When they would come", ("first_day", "last_day", "from_time", "until_time")),
        ("More", ("channel", "note")),
    )
    commands = (
        Command(
            "accept", "Accept for them", _with(waitlist.accept),
            lambda e: e.status == WaitStatus.OFFERED,
            "Accepted: the booking stands.", icon="calendar-check", primary=True,
        ),
        Command(
            "decline", "Decline for them", _with(waitlist.decline),
            lambda e: e.status == WaitStatus.OFFERED,
            "Declined: the next in line is asked.", icon="calendar-x",
        ),
        Command(
            "offer", "Offer a place", _with(waitlist.offer),
            lambda e: e.status == WaitStatus.WAITING and e.class_session_id is not None,
            "A place is offered; they are told.", icon="send", action="offer",
        ),
        Command(
            "leave", "Take off the list", _with(waitlist.leave), lambda e: e.status in LIVE,
            "Taken off the waitlist.", icon="circle-minus", danger=True,
            ask=("Take them off the waitlist?",
                 "They lose their place in the line; what is held for them goes to the next."),
        ),
    )  # fmt: skip
    empty = declared(
        icon="hourglass", title="Nobody waits",
        text="Put somebody on the list who wants a time or a place that is taken: as soon as it is"
        " free, it is offered to the first in line.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Ana Alves waits for Balayage."""
        return f"{record.customer.name} waits for {what_for(record)}"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        return rows.where(WaitlistEntry.customer_id.in_(customer_ids(session, term)))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The vendor is the customer's."""
        return {n: f for n, f in super().form_fields(record).items() if n != "vendor"}

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
        return waitlist.join(session, **wanted)


def days_of(first: date | None, last: date | None) -> dict[str, datetime | None]:
    """The wall times between which these days lie; without a first one it is now."""
    if last is None:
        raise NoLastDay
    return {
        "earliest": None if first is None else datetime.combine(first, time()),
        "latest": datetime.combine(last + timedelta(days=1), time()),
    }


VIEWS = [WaitlistView]
