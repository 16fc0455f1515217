"""A stay in the calendar's dialog: which nights these are, what they cost, and if there is room."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_commands import arrival, with_zone
from admin_views.calendar_typed import FIELDS, NotThere, Typed
from admin_views.saving import zone_named
from admin_views.writing import moment, money, plural, span, speaking_in
from app import clock
from app.errors import DomainError
from app.operations import booking_times, schedules
from app.operations.hours import Wall
from app.tenancy import current_actor
from models.services import Service, ServiceKind
from models.words import Channel


def quoted(session: Session, values: Mapping[str, str]) -> dict[str, Any]:
    """What `nights` from `day` on (`now`: from today) cost, in words, and why they cannot be had.

    Nothing is held; whether the room is still free is decided when it is booked.
    """
    form = with_zone(session, values)
    service = _service(session, form)
    found: dict[str, Any] = {"said": None, "refusal": None}
    try:
        nights = form.nights()
        starts, ends = _when(form, service, nights)
        found["said"] = _said(session, form, service, nights, (starts, ends))
        schedules.check(
            session, service_id=service.id, staff_id=None, starts_at=starts, ends_at=ends,
            channel=Channel.PHONE,
        )  # fmt: skip
    except DomainError as refusal:
        field = FIELDS.get(refusal.field or "", refusal.field)
        found["refusal"] = {"sentence": str(refusal), "field": field}
    return found


def _service(session: Session, form: Typed) -> Service:
    number = form.number("service")
    service = session.get(Service, number) if number else None
    if service is None or service.kind != ServiceKind.STAY:
        raise NotThere(field="service")
    if service.vendor_id != current_actor().vendor_id:
        raise NotThere(field="service")
    return service


def _when(form: Typed, service: Service, nights: int) -> tuple[datetime, datetime]:
    starts = clock.now() if form.text("now") else arrival(form)
    begins, ends = booking_times.wanted(service, Wall(form.zone), starts, None, nights)
    return begins, ends or begins


def _said(
    session: Session, form: Typed, service: Service, nights: int, when: tuple[datetime, datetime]
) -> str:
    """80.00 for 2 nights: 13 Dec, 14:00 – 15 Dec, 11:00."""
    _, price = schedules.offer_of(session, service_id=service.id, staff_id=None)
    with speaking_in(zone_named(form.zone)):
        times = span(f"{moment(when[0])} ", f" {moment(when[1])}")
    return f"{money(price * nights)} for {plural(nights, 'night')}: {times}"
