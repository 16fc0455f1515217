"""Which times are free, and whether one may be booked: one rule gives both answers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import REFUSALS, DomainError
from app.operations import diaries, facts
from app.operations.diaries import LONGEST, OF_CUSTOMERS, Diary, Offer, Plan, Why
from app.operations.facts import Fact
from app.operations.hours import Span, Wall
from app.operations.zones import EARLIEST, LATEST, OutOfTime, instant
from models.class_sessions import ClassSession, SessionStatus
from models.schedules import TimeOffKind
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.vendors import Vendor
from models.words import Channel


class CannotBook(DomainError):
    sentence = "This cannot be booked: choose something that is on offer."


class CannotDoIt(CannotBook):
    sentence = "{name} does not do {service}: choose {others}."
    field = "staff_id"


class EndsBeforeStart(DomainError):
    sentence = "The booking ends before it begins: choose a later end."
    field = "ends_at"


class TooLong(DomainError):
    sentence = "This lasts longer than a year: choose an earlier end."
    field = "ends_at"


class TooSoon(DomainError):
    sentence = "This begins too soon: the earliest time that can be booked now is {earliest}."
    field = "starts_at"


class TooFarAhead(DomainError):
    sentence = "This is too far ahead: bookings are taken up to {latest}."
    field = "starts_at"


class Closed(DomainError):
    sentence = "Closed from {when}{reason}: choose another time."
    field = "starts_at"


class OutsideHours(DomainError):
    sentence = "{who} cannot be booked on {day}: choose another day."
    field = "starts_at"


class SlotTaken(DomainError):
    sentence = "This time is taken: choose another time, or another member of staff."
    field = "starts_at"


class RoomTaken(DomainError):
    sentence = "The room or the equipment is taken at this time: choose another time."
    field = "starts_at"


REFUSALS |= {
    "ex_bookings_staff_with_buffer_before": SlotTaken,
    "ex_bookings_staff_with_buffer_after": SlotTaken,
    "ex_bookings_staff_class_sessions": SlotTaken,
    "ex_class_sessions_staff_with_buffer_before": SlotTaken,
    "ex_class_sessions_staff_with_buffer_after": SlotTaken,
    "ex_class_sessions_staff_bookings": SlotTaken,
    "ex_resource_claims_unit_with_buffer_before": RoomTaken,
    "ex_resource_claims_unit_with_buffer_after": RoomTaken,
    "ck_resource_claims_unit_fits_the_capacity": RoomTaken,
    "ck_bookings_ends_after_start": EndsBeforeStart,
    "ck_class_sessions_ends_after_start": EndsBeforeStart,
}
"""The database's own verdicts on times; their sentences are those of `check`."""


class Slot(NamedTuple):
    """A time that can be booked, with whom (None: nobody is needed) and for how much.

    Of a class it is one that has a seat left, and the price is a seat's.
    """

    starts_at: datetime
    ends_at: datetime
    staff_id: int | None
    price: Decimal
    class_session_id: int | None = None


class Stretch(NamedTuple):
    """A part of somebody's day: `work`, `break`, `off` (theirs) or `closed` (the vendor's)."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Fit:
    """What a booking that fits is made of: elapsed minutes, price, units to claim by resource."""

    minutes: int
    price: Decimal
    units: Mapping[int, tuple[int, ...]]


def free_slots(
    session: Session,
    *,
    service_id: int,
    since: datetime,
    until: datetime,
    staff_ids: Collection[int] | None = None,
    channel: Channel = Channel.ONLINE,
    nights: int = 1,
    ignore_booking_id: int | None = None,
) -> list[Slot]:
    """Every time that begins from `since` up to `until` and can be booked, in order of time.

    Of `staff_ids` only, or of all who can do it. Times without an offset are the vendor's wall
    time. `channel` says whether notice and advance count; a stay is asked for by `nights`. Of a
    class these are the ones that are planned.
    """
    service, wall = _service(session, service_id, moving=ignore_booking_id is not None)
    span = _span(wall, since, until)
    if service.kind == ServiceKind.CLASS:
        return _classes(session, service, diaries.reach(service, wall, channel), span, staff_ids)
    offers = _wanted(session, service, staff_ids)
    longest = max((_length(offer.minutes) for offer in offers.values()), default=timedelta())
    if service.kind == ServiceKind.STAY:
        longest = _nights(nights)
    plan = diaries.load(
        session, service=service, wall=wall, offers=offers, since=span[0],
        until=span[1] + longest, channel=channel, without_bookings=_ids(ignore_booking_id),
    )  # fmt: skip
    if service.kind == ServiceKind.STAY:
        return list(_stays(plan, span, nights))
    slots = (slot for offer in offers.values() for slot in _slots(plan, offer, span))
    return sorted(slots, key=itemgetter(0))  # of one time in the order of names


def check(
    session: Session,
    *,
    service_id: int,
    staff_id: int | None,
    starts_at: datetime,
    ends_at: datetime | None = None,
    channel: Channel,
    nights: int = 1,
    ignore_booking_id: int | None = None,
    ignore_class_session_id: int | None = None,
) -> Fit:
    """What booking this takes; or the refusal that says why it cannot be had.

    The same rule as `free_slots`, for any start; of a class service it is about planning one.
    Without `ends_at` it lasts as long as `staff_id` needs for it, or `nights`. What nobody does
    yet only staff may book. With `ignore_booking_id` that booking is not in its own way, and its
    service may have been retired. Whether it is still free when it is written is the database's
    decision.
    """
    moving = ignore_booking_id is not None or ignore_class_session_id is not None
    service, wall = _service(session, service_id, moving=moving)
    return fit(
        session, service=service, wall=wall, offer=how(session, service, staff_id),
        starts_at=starts_at, ends_at=ends_at, channel=channel, nights=nights,
        ignore_booking_id=ignore_booking_id, ignore_class_session_id=ignore_class_session_id,
    )  # fmt: skip


def fit(
    session: Session,
    *,
    service: Service,
    wall: Wall,
    offer: Offer,
    starts_at: datetime,
    ends_at: datetime | None = None,
    channel: Channel,
    nights: int = 1,
    ignore_booking_id: int | None = None,
    ignore_class_session_id: int | None = None,
    needs: bool = True,
) -> Fit:
    """`check` of what has been read already: the service, and how somebody (or nobody) does it.

    Without `needs` the service is known to need no room.
    """
    staff_id = offer.staff_id
    starts = instant(starts_at, wall.zone.key, field="starts_at")
    ends = None if ends_at is None else instant(ends_at, wall.zone.key, field="ends_at")
    until = _until(service, offer, starts, ends, nights)
    plan = diaries.load(
        session, service=service, wall=wall, offers={staff_id: offer}, since=starts,
        until=until, channel=channel, without_bookings=_ids(ignore_booking_id),
        without_class=ignore_class_session_id, needs=needs,
    )  # fmt: skip
    if ends is None:
        ends = plan.departure(starts, nights) if service.kind == ServiceKind.STAY else until
    if (why := plan.verdict(staff_id, starts, ends)) is not None:
        raise _refusal(plan, why, staff_id, starts, ends)
    if staff_id is None and channel in OF_CUSTOMERS and service.kind != ServiceKind.STAY:
        raise CannotDoIt("Somebody has to do this: choose a member of staff.")
    price = offer.price * plan.nights(starts, ends) if service.kind == ServiceKind.STAY else (
        offer.price
    )  # fmt: skip
    minutes = (ends - starts) // timedelta(minutes=1)
    return Fit(minutes, price, plan.units(starts, ends))


def check_reach(service: Service, wall: Wall, starts_at: datetime, channel: Channel) -> None:
    """Refuse what a customer books too late or too early; staff may book any time."""
    reach = diaries.reach(service, wall, channel)
    if (why := diaries.beyond(reach, starts_at)) is not None:
        raise _out_of_reach(wall, why, reach)


def how(session: Session, service: Service, staff_id: int | None) -> Offer:
    """How `staff_id` does a service (None: nobody does it yet); refuses who does not."""
    if staff_id is None:
        return _nobody(service)
    offers, names = diaries.offers_of(session, service)
    if staff_id not in names:
        raise CannotDoIt("This member of staff does not work here: choose another.")
    if staff_id not in offers:
        others = _either([offer.name for offer in offers.values()]) or "another service"
        raise CannotDoIt(name=names[staff_id], service=service.name, others=others)
    return offers[staff_id]


def offer_of(session: Session, *, service_id: int, staff_id: int | None) -> tuple[int, Decimal]:
    """How many minutes `staff_id` takes for a service, and for which price (a stay's: a night)."""
    service, _ = _service(session, service_id)
    offer = how(session, service, staff_id)
    return offer.minutes, offer.price


def free_staff(
    session: Session,
    *,
    service_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    but: Collection[int] = (),
    ignore_booking_id: int | None = None,
    ignore_class_session_id: int | None = None,
) -> list[int]:
    """Who can do a service and is free then, by name; without those of `but`."""
    service, wall = _service(session, service_id)
    starts = instant(starts_at, wall.zone.key, field="starts_at")
    given = None if ends_at is None else instant(ends_at, wall.zone.key, field="ends_at")
    offers = {i: o for i, o in _wanted(session, service, None).items() if i not in but}
    ends = {i: _until(service, offer, starts, given, 1) for i, offer in offers.items()}
    plan = diaries.load(
        session, service=service, wall=wall, offers=offers, since=starts,
        until=max(ends.values(), default=starts), channel=None,
        without_bookings=_ids(ignore_booking_id), without_class=ignore_class_session_id,
    )  # fmt: skip
    return [
        staff_id
        for staff_id in offers
        if staff_id is not None and plan.verdict(staff_id, starts, ends[staff_id]) is None
    ]


def working_time(
    session: Session, *, staff_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, list[Stretch]]:
    """What each has from `since` to `until`: time to be booked in, and why not in between.

    In order of time, cut at both ends; what is in no stretch is not worked. Times without an
    offset are the wall time of their vendor. Who is unknown here is left out.
    """
    rows = session.execute(
        select(StaffMember.id, StaffMember.vendor_id, Vendor.time_zone)
        .join(Vendor, Vendor.id == StaffMember.vendor_id)
        .where(StaffMember.id.in_(staff_ids))
    ).all()
    found: dict[int, list[Stretch]] = {}
    for vendor_id, zone in {(row.vendor_id, row.time_zone) for row in rows}:
        wall = Wall(zone)
        people = [row.id for row in rows if row.vendor_id == vendor_id]
        span = _span(wall, since, until)
        known, exceptions = diaries.working(
            session, vendor_id=vendor_id, wall=wall, staff_ids=people, span=span
        )
        for staff_id, diary in known.items():
            found[staff_id] = sorted(_stretches(staff_id, diary, exceptions, span))
    return found


# --- behind the answers -------------------------------------------------------------------


def _service(session: Session, service_id: int, *, moving: bool = False) -> tuple[Service, Wall]:
    service = session.get(Service, service_id)
    if service is None or not (service.is_active or moving):
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    return service, Wall(session.get_one(Vendor, service.vendor_id).time_zone)


def _ids(booking_id: int | None) -> tuple[int, ...]:
    return () if booking_id is None else (booking_id,)


def _stretches(
    staff_id: int, diary: Diary, exceptions: Iterable[Fact], span: Span
) -> Iterator[Stretch]:
    spans = [(begins, ends, "work", "Working time") for begins, ends in diary.open.near(*span)]
    spans += [(begins, ends, "break", "Break") for begins, ends in diary.breaks.near(*span)]
    for row in exceptions:
        if row.word == TimeOffKind.OFF and row.staff_id in (None, staff_id):
            kind, label = ("closed", "Closed") if row.staff_id is None else ("off", "Off")
            spans.append((row.begins, row.over, kind, row.label or label))
    for begins, ends, kind, label in spans:
        if begins < span[1] and ends > span[0]:
            yield Stretch(max(begins, span[0]), min(ends, span[1]), kind, label)


def _span(wall: Wall, since: datetime, until: datetime) -> Span:
    span = _moment(wall, since, "since"), _moment(wall, until, "until")
    if span[1] - span[0] > LONGEST:
        raise TooLong("This is more than a year: ask for a shorter time.", field="until")
    return span


def _moment(wall: Wall, moment: datetime, field: str) -> datetime:
    """An instant in reach; a wall time that the clocks skip moves forward."""
    if not EARLIEST <= moment.year <= LATEST:
        raise OutOfTime(field=field, year=moment.year)
    return moment.replace(tzinfo=moment.tzinfo or wall.zone).astimezone(UTC)


def _nobody(service: Service) -> Offer:
    return Offer(None, "", service.duration_minutes, service.price)


def _wanted(
    session: Session, service: Service, staff_ids: Collection[int] | None
) -> dict[int | None, Offer]:
    """Those who can do a service, of the ones asked for; a stay needs nobody."""
    if service.kind == ServiceKind.STAY and staff_ids is None:
        return {None: _nobody(service)}
    offers, _ = diaries.offers_of(session, service)
    return {i: offer for i, offer in offers.items() if staff_ids is None or i in staff_ids}


def _either(names: Sequence[str]) -> str:
    """Names as a sentence gives a choice of them, four at most."""
    shown = [*names[:4], "somebody else"] if len(names) > 4 else list(names)
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _length(minutes: int) -> timedelta:
    length = diaries.capped(minutes)
    if length > LONGEST:
        raise TooLong
    return length


def _nights(nights: int) -> timedelta:
    if nights < 1:
        raise EndsBeforeStart("A stay lasts one night or more: choose a later day to leave.")
    return _length(nights * 24 * 60)


def _until(
    service: Service, offer: Offer, starts: datetime, ends: datetime | None, nights: int
) -> datetime:
    """The end of a booking, or an instant that its end does not pass."""
    if ends is None and service.kind == ServiceKind.STAY:
        return starts + _nights(nights) + timedelta(days=1)
    if ends is None:
        return starts + _length(offer.minutes)
    if ends <= starts:
        raise EndsBeforeStart
    if ends - starts > LONGEST:
        raise TooLong
    return ends


def _classes(
    session: Session,
    service: Service,
    reach: Span,
    span: Span,
    staff_ids: Collection[int] | None,
) -> list[Slot]:
    """The classes that are planned and have a seat left."""
    prices = {
        row.id: row.price
        for row in facts.offers(session, vendor_id=service.vendor_id, service_id=service.id)
    }
    rows = session.execute(
        select(ClassSession.starts_at, ClassSession.ends_at, ClassSession.staff_id, ClassSession.id)
        .where(ClassSession.vendor_id == service.vendor_id, ClassSession.service_id == service.id)
        .where(ClassSession.starts_at >= max(span[0], reach[0]))
        .where(ClassSession.starts_at < min(span[1], reach[1]))
        .where(ClassSession.status == SessionStatus.SCHEDULED, ClassSession.ends_at > clock.now())
        .where(ClassSession.taken < ClassSession.seats)
        .order_by(ClassSession.starts_at, ClassSession.id)
    )
    return [
        Slot(starts, ends, staff_id, service.price if own is None else own, class_session_id)
        for starts, ends, staff_id, class_session_id in rows
        if staff_ids is None or staff_id in staff_ids
        for own in (prices.get(staff_id),)
    ]


def _slots(plan: Plan, offer: Offer, span: Span) -> Iterator[Slot]:
    staff_id, length, price = offer.staff_id, _length(offer.minutes), offer.price
    free_from = span[0]
    for starts in plan.starts(staff_id, *span):
        if starts < free_from:
            continue  # the same booking is still in the way: asking again would only take time
        ends = starts + length
        why = plan.verdict(staff_id, starts, ends)
        if why is None:
            yield Slot(starts, ends, staff_id, price)
        elif why == Why.TAKEN:
            free_from = plan.taken_until(staff_id, starts, ends)


def _stays(plan: Plan, span: Span, nights: int) -> Iterator[Slot]:
    for starts in plan.arrivals(*span):
        ends = plan.departure(starts, nights)
        for offer in plan.offers.values():
            if plan.verdict(offer.staff_id, starts, ends) is None:
                yield Slot(starts, ends, offer.staff_id, offer.price * nights)


# --- refusals as sentences ----------------------------------------------------------------


def _refusal(
    plan: Plan, why: Why, staff_id: int | None, starts: datetime, ends: datetime
) -> DomainError:
    if why in (Why.TOO_SOON, Why.TOO_FAR):
        return _out_of_reach(plan.wall, why, plan.reach)
    if why == Why.FULL:
        return _no_room(plan, starts, ends)
    return SlotTaken() if why == Why.TAKEN else _not_open(plan, staff_id, starts, ends)


def _out_of_reach(wall: Wall, why: Why, reach: Span) -> DomainError:
    if why == Why.TOO_SOON:
        return TooSoon(earliest=days.moment(reach[0], wall.zone))
    return TooFarAhead(latest=days.day(reach[1] - timedelta(hours=1), wall.zone))


def _no_room(plan: Plan, starts: datetime, ends: datetime) -> RoomTaken:
    need = plan.lacking(starts, ends)
    if need is None:
        return RoomTaken()
    if len(need.units) < need.quantity:
        return RoomTaken(
            "{name} is needed for this and out of use: choose another service.", name=need.name
        )
    return RoomTaken("{name} is taken at this time: choose another time.", name=need.name)


def _not_open(plan: Plan, staff_id: int | None, starts: datetime, ends: datetime) -> DomainError:
    diary, name = plan.diaries[staff_id], plan.offers[staff_id].name
    for (begins, over), reason in plan.closed:
        if begins < ends and over > starts:
            told = f" ({reason})" if reason else ""
            return Closed(when=days.span(begins, over, plan.wall.zone), reason=told)
    for begins, over in diary.off.near(starts, ends):
        return OutsideHours(
            "{name} is off from {when}: choose another time, or another member of staff.",
            name=name, when=days.span(begins, over, plan.wall.zone),
        )  # fmt: skip
    for begins, over in diary.breaks.near(starts, ends):
        return OutsideHours(
            "There is a break from {when}: choose a time before or after it.",
            when=days.span(begins, over, plan.wall.zone),
        )  # fmt: skip
    return _outside(plan, staff_id, starts)


def _outside(plan: Plan, staff_id: int | None, starts: datetime) -> OutsideHours:
    day = plan.wall.day(starts)
    begins, ends = plan.wall.begins(day, datetime.min.time()), plan.wall.begins(
        day + timedelta(1), datetime.min.time()
    )  # fmt: skip
    who = plan.offers[staff_id].name or "This"
    times = [
        f"{plan.wall.here(max(a, begins)):%H:%M} to {plan.wall.here(min(b, ends)):%H:%M}"
        for a, b in plan.diaries[staff_id].open.near(begins, ends)
    ]
    if not times:
        return OutsideHours(who=who, day=days.day(day, plan.wall.zone))
    return OutsideHours(
        "{who} can be booked on {day} from {times}: choose a time within.",
        who=who, day=days.day(day, plan.wall.zone), times=" and from ".join(times),
    )  # fmt: skip
