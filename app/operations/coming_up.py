"""What comes up by time: bookings, ends of periods, birthdays and rhythms, found by an index.

Each event has a query of what it can be told of, between two moments of what happens, in the order
of these moments and of ids: `(row_id, customer_id, anchor)`, and what a row is known by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from app import days
from app.operations.happenings import Event, Happened
from app.operations.rule_conditions import About
from app.operations.rule_moments import midnight
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.memberships import Membership, MembershipStatus
from models.message_rules import MessageRule
from models.packages import HoldingStatus, PackageHolding
from models.points import LoyaltyAccount, LoyaltyLot
from models.products import Product
from models.usages import Usage, UsageKind

COMING = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
Rows = Any
"""A query of `row_id`, `customer_id`, `anchor` and what else a happening says of a row."""

Place = tuple[datetime | date, int]
"""How far a query was read: the anchor and the id of its last row."""


def place_out(place: Place | None) -> list[Any] | None:
    """A place as JSON has it."""
    return None if place is None else [place[0].isoformat(), place[1]]


def place_in(said: Any) -> Place:
    """A place again; raises ValueError or TypeError for what is none."""
    anchor, number = said
    read = datetime.fromisoformat if "T" in anchor else date.fromisoformat
    return read(anchor), int(number)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an event is found: rows, their moment, and what of a row happens to whom."""

    rows: Callable[[MessageRule], Rows]
    anchor: Any
    key: Any
    happened: Callable[[Any, MessageRule, ZoneInfo], Happened]
    by_day: bool = False


def page(
    session: Session,
    rule: MessageRule,
    between: tuple[datetime, datetime],
    zone: ZoneInfo,
    *,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Happened]]:
    """The next `limit` happenings that a rule may speak of, in their order, after a place."""
    event = Event(rule.event)
    if event is Event.BIRTHDAY:
        return _birthdays(session, rule, between, zone, after, limit)
    source = SOURCES.get(event)
    if source is None:
        return []
    return read(session, rule, source, between, zone, after=after, limit=limit)


def read(
    session: Session,
    rule: MessageRule,
    source: Source,
    between: tuple[datetime, datetime],
    zone: ZoneInfo,
    *,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Happened]]:
    """The same of any source."""
    low, high = between
    if source.by_day:
        first, last = low.astimezone(zone).date(), high.astimezone(zone).date()
        asked = and_(source.anchor >= first, source.anchor < last)
    else:
        asked = and_(source.anchor >= low, source.anchor < high)
    query = source.rows(rule).where(asked)
    if after is not None:
        query = query.where(
            source.anchor >= after[0],  # alone leakproof: the index is entered here
            or_(source.anchor > after[0], source.key > after[1]),
        )
    found = session.execute(query.order_by(source.anchor, source.key).limit(limit)).all()
    return [((row.anchor, row.row_id), source.happened(row, rule, zone)) for row in found]


# --- bookings -------------------------------------------------------------------------------


def _bookings(rule: MessageRule) -> Rows:
    query = (
        select(
            Booking.id.label("row_id"), Booking.customer_id, Booking.starts_at.label("anchor"),
            Booking.created_at,
        )
        .where(Booking.vendor_id == rule.vendor_id, Booking.status.in_(COMING))
        .where(Booking.held_until.is_(None))
    )  # fmt: skip
    return query if rule.service_id is None else query.where(Booking.service_id == rule.service_id)


def _booking(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    """The same booking at the same time is reminded of once; moved, it is another occasion."""
    return Happened(
        Event.BOOKING_REMINDER, row.customer_id, About(booking_id=row.row_id),
        f"booking:{row.row_id}:{row.anchor.astimezone(UTC):%Y%m%dT%H%M}",
        row.anchor, useless_at=row.anchor, known_at=row.created_at,
    )  # fmt: skip


# --- memberships and packages ---------------------------------------------------------------


def _memberships(rule: MessageRule) -> Rows:
    ending = rule.event == Event.MEMBERSHIP_EXPIRING
    query = select(
        Membership.id.label("row_id"), Membership.customer_id,
        Membership.period_ends_at.label("anchor"),
    ).where(
        Membership.vendor_id == rule.vendor_id,
        Membership.status.in_([MembershipStatus.TRIALING, MembershipStatus.ACTIVE]),
        Membership.cancel_at_period_end.is_(ending),
    )  # fmt: skip
    return query if rule.plan_id is None else query.where(Membership.plan_id == rule.plan_id)


def _membership(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    return Happened(
        Event(rule.event), row.customer_id, About(membership_id=row.row_id),
        f"membership:{row.row_id}:{row.anchor.astimezone(zone):%Y%m%d}",
        row.anchor, useless_at=row.anchor,
    )  # fmt: skip


def _holdings(rule: MessageRule) -> Rows:
    return select(
        PackageHolding.id.label("row_id"), PackageHolding.customer_id,
        PackageHolding.expires_at.label("anchor"),
    ).where(
        PackageHolding.vendor_id == rule.vendor_id,
        PackageHolding.status == HoldingStatus.ACTIVE, PackageHolding.uses_left > 0,
    )  # fmt: skip


def _holding(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    return Happened(
        Event.PACKAGE_EXPIRING, row.customer_id, About(holding_id=row.row_id),
        f"holding:{row.row_id}:{row.anchor.astimezone(zone):%Y%m%d}",
        row.anchor, useless_at=row.anchor,
    )  # fmt: skip


def _points(rule: MessageRule) -> Rows:
    """Lots that will expire, each with all that expires of its account on that day."""
    lot, other = LoyaltyLot, aliased(LoyaltyLot)
    together = (
        select(func.sum(other.remaining))
        .where(
            other.vendor_id == lot.vendor_id, other.account_id == lot.account_id,
            other.remaining > 0, other.expires_at >= lot.expires_at,
            other.expires_at < lot.expires_at + timedelta(days=1),
        )
        .scalar_subquery()
    )  # fmt: skip
    return (
        select(
            lot.id.label("row_id"), LoyaltyAccount.customer_id, lot.expires_at.label("anchor"),
            together.label("points"),
        )
        .join(
            LoyaltyAccount,
            and_(LoyaltyAccount.vendor_id == lot.vendor_id, LoyaltyAccount.id == lot.account_id),
        )
        .where(lot.vendor_id == rule.vendor_id, lot.remaining > 0)
    )  # fmt: skip


def _lot(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    day = row.anchor.astimezone(zone)
    return Happened(
        Event.POINTS_EXPIRING, row.customer_id, About(),
        f"points:customer:{row.customer_id}:{day:%Y%m%d}", row.anchor, useless_at=row.anchor,
        words={"points": f"{row.points:,}", "expires_on": days.day(row.anchor, zone, year=True)},
    )  # fmt: skip


# --- rhythms --------------------------------------------------------------------------------


def _usages(rule: MessageRule) -> Rows:
    visits = rule.event == Event.VISIT_DUE
    kind = UsageKind.VISIT if visits else UsageKind.PRODUCT
    query = (
        select(
            Usage.id.label("row_id"), Usage.customer_id, Usage.next_on.label("anchor"),
            Usage.kind, Usage.item_id, Usage.last_on, Usage.interval_days, Product.name,
        )
        .join(
            Customer,
            and_(Customer.vendor_id == Usage.vendor_id, Customer.id == Usage.customer_id),
        )
        .outerjoin(Product, and_(Product.vendor_id == Usage.vendor_id, Product.id == Usage.item_id))
        .where(Usage.vendor_id == rule.vendor_id, Usage.kind == kind)
        .where(Customer.archived_at.is_(None))
    )  # fmt: skip
    return query.where(~_has_booked()) if visits else query


def _has_booked() -> Any:
    """Who has a booking to come is not late."""
    return (
        select(Booking.id)
        .where(
            Booking.vendor_id == Usage.vendor_id, Booking.customer_id == Usage.customer_id,
            Booking.starts_at > Usage.last_on, Booking.status.in_(COMING),
        )
        .exists()
    )  # fmt: skip


def _usage(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    return Happened(
        Event(rule.event), row.customer_id, About(usage_id=row.row_id),
        f"{row.kind}:{row.item_id}:customer:{row.customer_id}:{row.last_on:%Y%m%d}",
        midnight(row.anchor, zone),
        words={
            **({"item": row.name} if row.kind == UsageKind.PRODUCT and row.name else {}),
            "last_on": days.day(row.last_on, year=True), "interval_days": str(row.interval_days),
        },
    )  # fmt: skip


def _quiet(rule: MessageRule) -> Rows:
    """Who came or bought once, and has nothing booked."""
    to_come = (
        select(Booking.id)
        .where(
            Booking.vendor_id == Customer.vendor_id, Booking.customer_id == Customer.id,
            Booking.starts_at > Customer.last_activity_at, Booking.status.in_(COMING),
        )
        .exists()
    )  # fmt: skip
    return select(
        Customer.id.label("row_id"), Customer.id.label("customer_id"),
        Customer.last_activity_at.label("anchor"),
    ).where(
        Customer.vendor_id == rule.vendor_id, Customer.archived_at.is_(None),
        or_(Customer.visit_count > 0, Customer.order_count > 0), ~to_come,
    )  # fmt: skip


def _gone_quiet(row: Any, rule: MessageRule, zone: ZoneInfo) -> Happened:
    return Happened(
        Event.WIN_BACK, row.customer_id, About(),
        f"customer:{row.customer_id}:{row.anchor.astimezone(zone):%Y%m%d}", row.anchor,
    )  # fmt: skip


# --- birthdays ------------------------------------------------------------------------------


def _birthdays(
    session: Session,
    rule: MessageRule,
    between: tuple[datetime, datetime],
    zone: ZoneInfo,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Happened]]:
    """One day's birthdays after the other; who was born on 29 February has it on the 28th else.

    All days of birth of one birthday are named: so an index of birthdays by vendor finds them.
    """
    found: list[tuple[Place, Happened]] = []
    day, last = between[0].astimezone(zone).date(), between[1].astimezone(zone).date()
    while day < last and len(found) < limit:
        found += _born(session, rule, day, zone, after, limit - len(found))
        day += timedelta(days=1)
    return found


def _born(
    session: Session, rule: MessageRule, day: date, zone: ZoneInfo, after: Place | None, most: int
) -> list[tuple[Place, Happened]]:
    if after is not None and after[0] > day:
        return []
    query = select(Customer.id).where(
        Customer.vendor_id == rule.vendor_id, Customer.birthday.in_(days.births(day)),
        Customer.archived_at.is_(None),
    )  # fmt: skip
    if after is not None and after[0] == day:
        query = query.where(Customer.id > after[1])
    ids = session.scalars(query.order_by(Customer.id).limit(most))
    return [((day, number), _birthday(number, day, zone)) for number in ids]


def _birthday(customer_id: int, day: date, zone: ZoneInfo) -> Happened:
    return Happened(
        Event.BIRTHDAY, customer_id, About(), f"birthday:customer:{customer_id}:{day.year}",
        midnight(day, zone), useless_at=midnight(day + timedelta(days=1), zone),
    )  # fmt: skip


SOURCES: dict[Event, Source] = {
    Event.BOOKING_REMINDER: Source(_bookings, Booking.starts_at, Booking.id, _booking),
    Event.MEMBERSHIP_RENEWING: Source(
        _memberships, Membership.period_ends_at, Membership.id, _membership
    ),
    Event.MEMBERSHIP_EXPIRING: Source(
        _memberships, Membership.period_ends_at, Membership.id, _membership
    ),
    Event.PACKAGE_EXPIRING: Source(
        _holdings, PackageHolding.expires_at, PackageHolding.id, _holding
    ),
    Event.POINTS_EXPIRING: Source(_points, LoyaltyLot.expires_at, LoyaltyLot.id, _lot),
    Event.REPLENISHMENT_DUE: Source(_usages, Usage.next_on, Usage.id, _usage, by_day=True),
    Event.VISIT_DUE: Source(_usages, Usage.next_on, Usage.id, _usage, by_day=True),
    Event.WIN_BACK: Source(_quiet, Customer.last_activity_at, Customer.id, _gone_quiet),
}
