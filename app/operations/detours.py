"""Ways around time off: who could take a booking over, and the next times it could have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import diaries
from app.operations.diaries import Aside, Offer, Plan
from app.operations.hours import Span, Wall
from app.operations.schedules import Slot
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.services import Service, ServiceKind
from models.vendors import Vendor

BEHIND, AHEAD = timedelta(days=1), timedelta(days=28)
"""How far before and after the time off a new time is looked for."""


@dataclass(frozen=True, slots=True)
class Detour:
    """Who can take over at the same time (ids and names), and the next free times."""

    others: Sequence[tuple[int, str]] = ()
    same_person: Slot | None = None
    anybody: Slot | None = None


@dataclass(slots=True)
class Proposed:
    """Times that were proposed for one booking and not for another again."""

    spans: dict[int | None, list[Span]] = field(default_factory=dict)

    def touches(self, staff_id: int | None, span: Span) -> bool:
        """Whether any of this time was proposed with this person."""
        return any(a < span[1] and span[0] < b for a, b in self.spans.get(staff_id, ()))

    def add(self, staff_id: int | None, span: Span) -> None:
        """This time is proposed from here on."""
        self.spans.setdefault(staff_id, []).append(span)


def find(
    session: Session,
    *,
    vendor_id: int,
    staff_id: int | None,
    span: Span,
    bookings: Sequence[Booking],
    classes: Sequence[ClassSession],
) -> Mapping[tuple[type[Any], int], Detour]:
    """A detour for each booking and class, as if `span` were off; no time is proposed twice.

    Few queries a service. What a proposal was good for is asked again when it is taken.
    """
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
    aside = Aside(staff_id, *span)
    proposed = Proposed()
    found: dict[tuple[type[Any], int], Detour] = {}
    asked = {one.service_id: one.service for one in bookings}
    asked |= {led.service_id: led.service for led in classes}
    for service in asked.values():
        mine = [one for one in bookings if one.service_id == service.id]
        plan = _plan(session, service, Wall(zone), span, mine, aside)
        for one in mine:
            found[Booking, one.id] = _around(plan, one, span, proposed)
        for led in (one for one in classes if one.service_id == service.id):
            alone = _plan(session, service, Wall(zone), span, (), aside, led.id)
            found[ClassSession, led.id] = Detour(_others(alone, led))
    return found


def _plan(
    session: Session,
    service: Service,
    wall: Wall,
    span: Span,
    bookings: Iterable[Booking],
    aside: Aside,
    class_session_id: int | None = None,
) -> Plan:
    able, _ = diaries.offers_of(session, service)
    offers: dict[int | None, Offer] = {
        None: Offer(None, "", service.duration_minutes, service.price)
    }
    offers |= {offer.staff_id: offer for offer in able.values()}
    return diaries.load(
        session, service=service, wall=wall, offers=offers,
        since=max(span[0] - BEHIND, clock.now()), until=span[1] + AHEAD, channel=None,
        without_bookings=[one.id for one in bookings], without_class=class_session_id,
        also_off=[aside],
    )  # fmt: skip


def _others(plan: Plan, one: Booking | ClassSession) -> list[tuple[int, str]]:
    return [
        (staff_id, offer.name)
        for staff_id, offer in plan.offers.items()
        if staff_id is not None
        and staff_id != one.staff_id
        and plan.verdict(staff_id, one.starts_at, one.ends_at) is None
    ]


def _around(plan: Plan, booking: Booking, off: Span, proposed: Proposed) -> Detour:
    others = _others(plan, booking)
    looked_at = max(off[0] - BEHIND, clock.now()), off[1] + AHEAD
    people = [None] if booking.staff_id is None else [i for i in plan.offers if i is not None]
    slots = [
        slot
        for staff_id in people
        if (slot := _next(plan, booking, staff_id, looked_at, proposed)) is not None
    ]
    mine = next((slot for slot in slots if slot.staff_id == booking.staff_id), None)
    first = min(slots, key=lambda slot: (slot.starts_at, slot is not mine), default=None)
    for slot in (mine, first):
        if slot is not None:
            proposed.add(slot.staff_id, (slot.starts_at - plan.before, slot.ends_at + plan.after))
    return Detour(others, mine, first)


def _next(
    plan: Plan, booking: Booking, staff_id: int | None, looked_at: Span, proposed: Proposed
) -> Slot | None:
    """The first time after its own, as long as it is, that is neither taken nor proposed."""
    length = booking.ends_at - booking.starts_at
    stay = booking.kind == ServiceKind.STAY
    nights = plan.nights(booking.starts_at, booking.ends_at)
    since, until = max(booking.starts_at + timedelta(minutes=1), looked_at[0]), looked_at[1]
    starts = plan.arrivals(since, until) if stay else plan.starts(staff_id, since, until)
    for at in starts:
        ends = plan.departure(at, nights) if stay else at + length
        if plan.verdict(staff_id, at, ends) is None and not proposed.touches(staff_id, (at, ends)):
            return Slot(at, ends, staff_id, booking.price)
    return None
