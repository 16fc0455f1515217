"""Calendar feeds: a person's bookings at a secret address, as calendar programs read them."""

import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotAllowed
from app.operations.customers import still_here
from app.operations.feed_writing import Contents, Entry, written
from app.operations.invitations import token_hash
from app.operations.moves import locked
from app.settings import settings
from app.tenancy import PanelRole, current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.customers import Customer
from models.feeds import CalendarFeed
from models.services import Service
from models.staff import StaffMember
from models.users import VendorUser
from models.vendors import Vendor, VendorStatus

SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
BEHIND, AHEAD = timedelta(days=30), timedelta(days=366)
"""What a calendar shows of the past, cancelled bookings included, and of what is to come."""
LONGEST = timedelta(days=90)
MOST = 3000
"""Events of one calendar; what is furthest ahead is left out."""
READ_EVERY = timedelta(minutes=10)
MANAGERS = {PanelRole.ADMIN, PanelRole.MANAGER, PanelRole.SYSTEM}
CLASSES = uuid.UUID("6d5f0a0c-3c1b-4a55-9f0e-2f1f6f1d7c11")
"""The name space of the classes' lasting ids: a class has no reference of its own."""


class NobodysFeed(DomainError):
    sentence = "A calendar is a member of staff's or a customer's: choose one of them."
    field = "staff_id"


class NotHere(DomainError):
    sentence = "This person is not here any more: choose another."


@dataclass(frozen=True, slots=True)
class Opened:
    """What a secret address opens: whose bookings, at which vendor."""

    id: int
    vendor_id: int
    staff_id: int | None
    customer_id: int | None


def make(
    session: Session, *, staff_id: int | None = None, customer_id: int | None = None
) -> tuple[CalendarFeed, str]:
    """A new secret address for one person's bookings; the one they had opens nothing any more.

    The secret is in the answer and nowhere else. A member of staff makes only their own or a
    customer's. Refuses `NobodysFeed`, `NotHere`, and `NotAllowed`.
    """
    if (staff_id is None) == (customer_id is None):
        raise NobodysFeed
    vendor_id = _held(session, staff_id, customer_id)
    _may(session, staff_id)
    for feed in session.scalars(_in_use(staff_id, customer_id).with_for_update()):
        feed.revoked_at = clock.now()
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed(
        vendor_id=vendor_id, staff_id=staff_id, customer_id=customer_id,
        token_hash=token_hash(secret), created_at=clock.now(),
    )  # fmt: skip
    session.add(feed)
    session.flush()  # the id
    return feed, secret


def _held(session: Session, staff_id: int | None, customer_id: int | None) -> int:
    """Whose vendor it is; of two who make an address at once one waits for the other."""
    if customer_id is not None:
        customer = still_here(session, customer_id)
        if customer is None:
            raise NotHere(field="customer_id")
        session.refresh(customer, with_for_update={"key_share": True})
        return customer.vendor_id
    staff = session.get(StaffMember, staff_id, with_for_update={"key_share": True})
    if staff is None or not staff.is_active:
        raise NotHere(field="staff_id")
    return staff.vendor_id


def _may(session: Session, staff_id: int | None) -> None:
    actor = current_actor()
    if staff_id is None or actor.panel_role in MANAGERS or staff_id == own_staff_id(session):
        return
    raise NotAllowed


def own_staff_id(session: Session) -> int | None:
    """The member of staff whom the acting user is at the vendor stood in, if any."""
    actor = current_actor()
    query = select(VendorUser.staff_member_id).where(
        VendorUser.user_id == actor.user_id, VendorUser.vendor_id == actor.vendor_id
    )
    return session.scalar(query)


def _in_use(staff_id: int | None, customer_id: int | None) -> Select[CalendarFeed]:
    return select(CalendarFeed).where(
        CalendarFeed.revoked_at.is_(None),
        CalendarFeed.staff_id.is_not_distinct_from(staff_id),
        CalendarFeed.customer_id.is_not_distinct_from(customer_id),
    )


def revoke(session: Session, *, feed_id: int) -> CalendarFeed:
    """End an address for good: who subscribed to it sees nothing new, and is told 404."""
    feed = locked(session, CalendarFeed, feed_id)
    _may(session, feed.staff_id)
    if feed.revoked_at is None:
        feed.revoked_at = clock.now()
    return feed


def address(secret: str) -> str:
    """The address to give to a calendar program."""
    return f"{settings().public_url.rstrip('/')}/feeds/{secret}.ics"


def find(session: Session, secret: str) -> Opened | None:
    """What a secret opens, asked at the gate; None for one that opens nothing (any more).

    Known by its hash, so that the time it takes tells nothing; what cannot be a secret costs no
    query. A vendor that is closed shows nothing.
    """
    if SHAPE.fullmatch(secret) is None:
        return None
    row = session.execute(
        select(
            CalendarFeed.id, CalendarFeed.vendor_id, CalendarFeed.staff_id, CalendarFeed.customer_id
        )
        .join(Vendor, Vendor.id == CalendarFeed.vendor_id)
        .where(
            CalendarFeed.token_hash == token_hash(secret),
            CalendarFeed.revoked_at.is_(None),
            Vendor.status == VendorStatus.ACTIVE,
        )
    ).one_or_none()
    return Opened(*row) if row else None


def contents(session: Session, feed: Opened) -> Contents | None:
    """What a feed holds now, read as its vendor; None if its member of staff works there no more.

    Bookings of the last thirty days and the 366 to come. A member of staff sees the service and
    the customer's name, and the classes they lead; a customer the service and the place. Neither
    sees a note, a price or an address to write to.
    """
    vendor = session.get_one(Vendor, feed.vendor_id)
    place = ", ".join(filter(None, (vendor.name, vendor.city)))
    if feed.staff_id is None:
        name, entries = vendor.name, _of_customer(session, feed.customer_id)
    else:
        staff = session.get_one(StaffMember, feed.staff_id)
        if not staff.is_active:
            return None
        name, entries = f"{staff.name}, {vendor.name}", _of_staff(session, feed.staff_id)
    _noticed(session, feed.id)
    return Contents(name, place, vendor.time_zone, feed.staff_id is not None, tuple(entries))


def _noticed(session: Session, feed_id: int) -> None:
    now = clock.now()
    stale = or_(CalendarFeed.last_read_at.is_(None), CalendarFeed.last_read_at <= now - READ_EVERY)
    session.execute(
        update(CalendarFeed).where(CalendarFeed.id == feed_id, stale).values(last_read_at=now)
    )


def _of_customer(session: Session, customer_id: int | None) -> list[Entry]:
    rows = session.execute(_bookings(Booking.customer_id == customer_id, literal(""))).all()
    return [_entry(row) for row in rows]


def _of_staff(session: Session, staff_id: int) -> list[Entry]:
    one_to_one = (Booking.staff_id == staff_id) & Booking.class_session_id.is_(None)
    with_whom = func.coalesce(Customer.full_name, Customer.company, "")
    bookings = session.execute(_bookings(one_to_one, with_whom)).all()
    classes = session.execute(_classes(staff_id)).all()
    found = [_entry(row) for row in bookings] + [_class_entry(row) for row in classes]
    return sorted(found, key=lambda entry: (entry.starts_at, entry.uid))[:MOST]


def _bookings(
    whose: ColumnElement[bool], with_whom: ColumnElement[str]
) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            Booking.public_ref, Booking.sequence, Booking.status, Booking.starts_at,
            Booking.ends_at, Booking.updated_at, Service.name, with_whom.label("with_whom"),
        )
        .join(Service, Service.id == Booking.service_id)
        .join(Customer, Customer.id == Booking.customer_id)
    )  # fmt: skip
    return _in_sight(query, Booking, whose)


def _classes(staff_id: int) -> Select[*tuple[Any, ...]]:
    query = select(
        ClassSession.id, ClassSession.created_at, ClassSession.updated_at, ClassSession.sequence,
        ClassSession.status, ClassSession.starts_at, ClassSession.ends_at, ClassSession.taken,
        ClassSession.seats, Service.name,
    ).join(Service, Service.id == ClassSession.service_id)  # fmt: skip
    return _in_sight(query, ClassSession, ClassSession.staff_id == staff_id)


def _in_sight(
    query: Select[*tuple[Any, ...]],
    model: type[Booking] | type[ClassSession],
    whose: ColumnElement[bool],
) -> Select[*tuple[Any, ...]]:
    now = clock.now()
    return (
        query.where(
            whose,
            model.starts_at > now - BEHIND - LONGEST,
            model.ends_at >= now - BEHIND,
            model.starts_at < now + AHEAD,
        )
        .order_by(model.starts_at, model.id)
        .limit(MOST)
    )


_STATUS = {BookingStatus.PENDING: "TENTATIVE", BookingStatus.CANCELLED: "CANCELLED"}


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    title = ", ".join(filter(None, (row.name, row.with_whom)))
    return Entry(
        f"{row.public_ref}@bookings.backroom", row.sequence,
        _STATUS.get(BookingStatus(row.status), "CONFIRMED"),
        row.starts_at, row.ends_at, row.updated_at, title,
    )  # fmt: skip


def _class_entry(row: Row[*tuple[Any, ...]]) -> Entry:
    lasting = uuid.uuid5(CLASSES, f"{row.id} {row.created_at.isoformat()}")
    gone = row.status == SessionStatus.CANCELLED
    return Entry(
        f"{lasting}@classes.backroom", row.sequence, "CANCELLED" if gone else "CONFIRMED",
        row.starts_at, row.ends_at, row.updated_at, row.name,
        f"{row.taken} of {row.seats} places taken",
    )  # fmt: skip


def calendar(session: Session, feed: Opened) -> bytes | None:
    """The feed as an iCalendar file (RFC 5545), or None as with `contents`."""
    found = contents(session, feed)
    return None if found is None else written(found)
