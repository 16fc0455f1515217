"""Trying a rule: who would hear of what on a day, and who would not and why; nothing is sent.

Each line is really composed, at the moment at which it would be, and taken back at once: so what
is said here is what would happen. Of what is told when something happens, what stands on the day
is taken as if it happened to it then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import NotFound
from app.operations import coming_up, falling_due, happenings, rule_conditions, rule_moments
from app.operations.coming_up import Place, Source
from app.operations.happenings import Event, Happened
from app.operations.rule_conditions import About
from app.operations.zones import zone_of
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.memberships import Membership, MembershipStatus
from models.message_rules import BY_TIME, MessageRule, RuleAction
from models.messages import Message, MessageStatus
from models.orders import Order, OrderStatus
from models.packages import HoldingStatus, PackageHolding
from models.products import Product
from models.tasks import Task, TaskStatus
from models.usages import Usage, UsageKind

MOMENT = timedelta(microseconds=1)
SOON = timedelta(days=60)
A_DAY = timedelta(days=1)
"""A booking is taken to be made, moved or called off so long before it begins."""
MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """One line: who, what it is about, when and by which channel; or `why_not`."""

    customer_id: int
    name: str
    about: str
    at: datetime
    channel: str | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines in their order, and from where the next ones go on (None: that was all)."""

    lines: list[Tried]
    place: Place | None
    zone: str


def on_day(
    session: Session, *, rule_id: int, day: date, after: Place | None = None, most: int = 25
) -> Page:
    """What a rule would do on a day of the vendor's calendar, paused or not.

    The caller rolls nothing back: nothing stays.
    """
    rule = _rule(session, rule_id)
    zone = ZoneInfo(zone_of(session, rule.vendor_id))
    since = rule_moments.midnight(day, zone) - MOMENT
    until = rule_moments.midnight(day + timedelta(days=1), zone) - MOMENT
    found, place = _due(session, rule, zone, since, until, after, most)
    return Page([_tried(session, rule, one, zone) for one in found], place, zone.key)


def coming(session: Session, *, rule_id: int, most: int = 10) -> Page:
    """Who hears of it next, within two months, as far as it is known today."""
    rule = _rule(session, rule_id)
    zone, now = ZoneInfo(zone_of(session, rule.vendor_id)), clock.now()
    if rule.event not in BY_TIME:
        return Page([], None, zone.key)
    found, place = _due(session, rule, zone, now, now + SOON, None, most)
    lines = []
    for one in found:
        why_not = rule_conditions.why_not(session, rule, one)
        when = rule_moments.moment(rule, one.at, zone)
        lines.append(_line(session, one, zone, when, None, why_not))
    return Page(sorted(lines, key=lambda line: line.at), place, zone.key)


def _rule(session: Session, rule_id: int) -> MessageRule:
    rule = session.get(MessageRule, rule_id)
    if rule is None:
        raise NotFound
    return rule


def _due(
    session: Session,
    rule: MessageRule,
    zone: ZoneInfo,
    since: datetime,
    until: datetime,
    after: Place | None,
    most: int,
) -> tuple[list[Happened], Place | None]:
    """The next that fall into a time, and the place of the last one if there may be more."""
    by_time = rule.event in BY_TIME
    between = rule_moments.anchors(rule, since, until, zone) if by_time else (since + MOMENT, until)
    found: list[Happened] = []
    place = after
    for _ in range(MOST_PAGES):
        rows = [] if between is None else _rows(session, rule, between, zone, place, most)
        for at, happened in rows:
            place = at
            if not by_time or falling_due.is_due(rule, happened, zone, since, until):
                found.append(happened)
                if len(found) == most:
                    return found, place
        if len(rows) < most:
            return found, None
    return found, place


def _rows(
    session: Session,
    rule: MessageRule,
    between: tuple[datetime, datetime],
    zone: ZoneInfo,
    after: Place | None,
    most: int,
) -> list[tuple[Place, Happened]]:
    event = Event(rule.event)
    if event in BY_TIME:
        return coming_up.page(session, rule, between, zone, after=after, limit=most)
    return coming_up.read(session, rule, AS_IF[event], between, zone, after=after, limit=most)


# --- one line -------------------------------------------------------------------------------


def _tried(session: Session, rule: MessageRule, happened: Happened, zone: ZoneInfo) -> Tried:
    when = rule_moments.moment(rule, happened.at, zone)
    why_not = rule_conditions.why_not(session, rule, happened)
    if why_not is not None:
        return _line(session, happened, zone, when, None, why_not)
    if _known(session, rule, happened):
        return _line(session, happened, zone, when, None, "Done already")
    with clock.stopped_at(when):
        return _composed(session, rule, happened, zone, when)


def _composed(
    session: Session, rule: MessageRule, happened: Happened, zone: ZoneInfo, when: datetime
) -> Tried:
    """What comes of it, written down and taken back."""
    tried = session.begin_nested()
    try:
        rule.paused_at = None  # a rule that rests is tried as if it did not
        if not happenings.follow(session, rule, happened, zone):
            return _line(session, happened, zone, when, None, "Too late by then, or not here")
        if rule.action == RuleAction.TASK:
            return _line(session, happened, zone, when, "task", None)
        message = _known(session, rule, happened)
        if message.status == MessageStatus.SUPPRESSED:
            return _line(session, happened, zone, when, message.channel, message.error)
        return _line(session, happened, zone, message.send_at, message.channel, None)
    finally:
        tried.rollback()


def _known(session: Session, rule: MessageRule, happened: Happened) -> Any:
    model: Any = Task if rule.action == RuleAction.TASK else Message
    key = happenings.key_of(rule, happened.occasion)
    return session.scalars(
        select(model).where(model.vendor_id == rule.vendor_id, model.key == key)
    ).first()


def _line(
    session: Session,
    happened: Happened,
    zone: ZoneInfo,
    at: datetime,
    channel: str | None,
    why_not: str | None,
) -> Tried:
    customer = session.get_one(Customer, happened.customer_id)
    about = said(session, happened.about, zone)
    return Tried(customer.id, customer.name, about, at, channel, why_not)


def said(session: Session, about: About, zone: ZoneInfo) -> str:
    """What a happening is about, in a few words."""
    if about.booking_id is not None:
        booking = session.get_one(Booking, about.booking_id)
        return f"{booking.service.name}, {days.moment(booking.starts_at, zone)}"
    if about.order_id is not None:
        return f"Order {session.get_one(Order, about.order_id).number}"
    if about.membership_id is not None:
        membership = session.get_one(Membership, about.membership_id)
        return f"{membership.plan.name}, until {days.day(membership.period_ends_at, zone)}"
    if about.holding_id is not None:
        return str(session.get_one(PackageHolding, about.holding_id))
    if about.task_id is not None:
        return session.get_one(Task, about.task_id).title
    return "" if about.usage_id is None else _said_of(session, about.usage_id)


def _said_of(session: Session, usage_id: int) -> str:
    usage = session.get_one(Usage, usage_id)
    every = f"every {usage.interval_days} days, last {days.day(usage.last_on)}"
    if usage.kind != UsageKind.PRODUCT:
        return f"Comes {every}"
    product = session.get(Product, usage.item_id)
    return f"{product.name if product else 'A product'} {every}"


# --- as if it happened ----------------------------------------------------------------------


def _rows_of(model: Any, anchor: Any, *asked: Any) -> Callable[[MessageRule], Any]:
    def rows(rule: MessageRule) -> Any:
        columns = (model.id.label("row_id"), model.customer_id, anchor.label("anchor"))
        mine = model.vendor_id == rule.vendor_id
        return select(*columns).where(mine, model.customer_id.is_not(None), *asked)

    return rows


def _about(
    name: str, before: timedelta = timedelta(0)
) -> Callable[[Any, MessageRule, ZoneInfo], Happened]:
    def happened(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
        event, about = Event(rule.event), About(**{name: row.row_id})
        occasion = f"tried:{event}:{name}:{row.row_id}"
        return Happened(event, row.customer_id, about, occasion, row.anchor - before)

    return happened


def _booked(*statuses: BookingStatus) -> Source:
    rows = _rows_of(Booking, Booking.starts_at, Booking.status.in_(statuses))
    over = {BookingStatus.COMPLETED, BookingStatus.NO_SHOW}.issuperset(statuses)
    before = timedelta(0) if over else A_DAY
    return Source(rows, Booking.starts_at, Booking.id, _about("booking_id", before))


def _ordered(*asked: Any) -> Source:
    rows = _rows_of(Order, Order.placed_at, Order.status != OrderStatus.CANCELLED, *asked)
    return Source(rows, Order.placed_at, Order.id, _about("order_id"))


def _member(*asked: Any) -> Source:
    rows = _rows_of(Membership, Membership.period_ends_at, *asked)
    return Source(rows, Membership.period_ends_at, Membership.id, _about("membership_id"))


_HELD = Source(
    _rows_of(
        PackageHolding, PackageHolding.expires_at, PackageHolding.status == HoldingStatus.ACTIVE
    ),
    PackageHolding.expires_at, PackageHolding.id, _about("holding_id"),
)  # fmt: skip
_DONE = Source(
    _rows_of(Task, Task.due_at, Task.status == TaskStatus.DONE),
    Task.due_at, Task.id, _about("task_id"),
)  # fmt: skip
_RUNNING = Membership.status != MembershipStatus.ENDED

AS_IF: dict[Event, Source] = {
    Event.BOOKING_CONFIRMED: _booked(BookingStatus.CONFIRMED),
    Event.BOOKING_MOVED: _booked(BookingStatus.PENDING, BookingStatus.CONFIRMED),
    Event.BOOKING_CANCELLED: _booked(BookingStatus.CANCELLED),
    Event.BOOKING_OFFERED: _booked(BookingStatus.PENDING),
    Event.BOOKING_COMPLETED: _booked(BookingStatus.COMPLETED),
    Event.BOOKING_NO_SHOW: _booked(BookingStatus.NO_SHOW),
    Event.ORDER_PLACED: _ordered(),
    Event.ORDER_SHIPPED: _ordered(),
    Event.ORDER_DELIVERED: _ordered(),
    Event.ORDER_REFUNDED: _ordered(Order.refunded > 0),
    Event.MEMBERSHIP_RENEWED: _member(_RUNNING),
    Event.MEMBERSHIP_FAILED: _member(_RUNNING),
    Event.MEMBERSHIP_ENDED: _member(Membership.status == MembershipStatus.ENDED),
    Event.PACKAGE_LOW: _HELD,
    Event.TASK_DONE: _DONE,
}
"""What stands on a day, to which an event might have happened then."""
