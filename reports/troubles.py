"""Vendors that cannot work as they should: their messages fail, or nobody's hours are known."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Numeric, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from models.messages import Direction, Message, MessageStatus
from models.schedules import HoursKind, WorkingHours
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.vendors import Vendor, VendorStatus

LATELY = timedelta(hours=24)
NEWEST = 2000
"""Of all messages that failed so many are looked at, the newest."""
LEAST, SHARE = 5, Decimal("0.2")
"""So many have to fail, and such a part of all that went the same way."""
COUNTED = 10_000
MOST = 8

_WENT = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED)
OF_STAFF = (ServiceKind.APPOINTMENT, ServiceKind.LAB_TEST)
"""What takes the time of somebody who is booked for it."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A vendor whose messages by one channel fail: how many of all within a day, 10,000 at most."""

    vendor_id: int
    name: str
    channel: str
    failed: int
    of: int


def failing(session: Session, *, now: datetime) -> list[Failing]:
    """Open vendors of whose messages many do not get through, the worst first."""
    since = now - LATELY
    newest = (
        select(Message.vendor_id, Message.channel, Message.failed_at)
        .where(Message.status == MessageStatus.FAILED)
        .order_by(Message.id.desc())
        .limit(NEWEST)
        .subquery("newest")
    )
    failed = func.count().label("failed")
    many = (
        select(newest.c.vendor_id, newest.c.channel, failed)
        .where(newest.c.failed_at > since)
        .group_by(newest.c.vendor_id, newest.c.channel)
        .having(failed >= LEAST)
        .subquery("many")
    )
    went = (
        select(literal(1))
        .where(
            Message.vendor_id == many.c.vendor_id, Message.channel == many.c.channel,
            Message.send_at > since, Message.send_at <= now, Message.status.in_(_WENT),
            Message.direction == Direction.OUT,
        )
        .limit(COUNTED)
        .correlate(many)
        .subquery("went")
    )  # fmt: skip
    number = select(func.count()).select_from(went).scalar_subquery()
    # what failed today may have been due before
    all_of = func.greatest(number, many.c.failed)
    share = cast(many.c.failed, Numeric) / all_of
    rows = session.execute(
        select(Vendor.id, Vendor.name, many.c.channel, many.c.failed, all_of)
        .join(many, many.c.vendor_id == Vendor.id)
        .where(Vendor.status == VendorStatus.ACTIVE, share >= SHARE)
        .order_by(share.desc(), many.c.failed.desc(), Vendor.id, many.c.channel)
        .limit(MOST)
    )
    return [Failing(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Hourless:
    """A vendor where so many people have no working hours, so that nothing limits their day."""

    vendor_id: int
    name: str
    people: int


def has_no_hours(today: date) -> ColumnElement[bool]:
    """Whether neither a member of staff nor their house has weekly hours, now or to come."""
    hours = WorkingHours
    lasting = and_(
        hours.vendor_id == StaffMember.vendor_id, hours.kind == HoursKind.WORK,
        or_(hours.effective_to.is_(None), hours.effective_to >= today),
    )  # fmt: skip
    own = select(literal(1)).where(lasting, hours.staff_id == StaffMember.id)
    house = select(literal(1)).where(
        lasting, hours.staff_id.is_(None), hours.service_id.is_(None)
    )  # fmt: skip
    return and_(
        ~own.correlate(StaffMember).exists(), ~house.correlate(StaffMember).exists()
    )  # fmt: skip


def hourless(session: Session, *, today: date) -> list[Hourless]:
    """Open vendors that take bookings for people of whom nobody said when they work."""
    booked: Any = (
        select(literal(1))
        .where(
            Service.vendor_id == Vendor.id, Service.is_active, Service.kind.in_(OF_STAFF)
        )
        .correlate(Vendor)
        .exists()
    )  # fmt: skip
    people = func.count(StaffMember.id)
    rows = session.execute(
        select(Vendor.id, Vendor.name, people)
        .join(StaffMember, StaffMember.vendor_id == Vendor.id)
        .where(Vendor.status == VendorStatus.ACTIVE, StaffMember.is_active, booked)
        .where(has_no_hours(today))
        .group_by(Vendor.id, Vendor.name)
        .order_by(people.desc(), Vendor.id)
        .limit(MOST)
    )
    return [Hourless(*row) for row in rows]
