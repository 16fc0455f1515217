"""Covers: the warranty of goods from their delivery on, the guarantee of a service once it is done.

Days are the vendor's. A cover holds until the end of `ends_on`; the day on which it begins is not
counted. While something is repaired its cover rests, and afterwards it lasts as many days longer.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Date,
    Integer,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from app.operations.customers import clean
from app.operations.moves import locked, move
from models.bookings import Booking, BookingStatus
from models.covers import COVER_TRANSITIONS, Cover, CoverKind, CoverStatus, WarrantyClaim
from models.orders import Order, OrderLine
from models.services import Service
from models.shipments import Shipment, ShipmentLine, ShipmentStatus
from models.vendors import Vendor

LONGEST_SERIAL = 100
MOST_MONTHS = 1200
MOST_DAYS = 36_500
"""A hundred years: what lasts longer ends then."""

RUNNING = (CoverStatus.ACTIVE, CoverStatus.SUSPENDED)


class NotDelivered(DomainError):
    sentence = "These goods are not delivered yet: their warranty begins when they are."


class NotDone(DomainError):
    sentence = "This service is not done yet: its guarantee begins when it is."


class SerialCovered(DomainError):
    sentence = "Another piece with this serial number is covered already: check the number."
    field = "serial"


class NoSuchMany(DomainError):
    sentence = "So many pieces did not come back: write a number from 1 on."
    field = "quantity"


REFUSALS["uq_covers_of_a_serial"] = SerialCovered


def start(session: Session, *, shipment_id: int) -> int:
    """Cover delivered goods that have a warranty, each piece by itself; how many covers begin.

    They begin on the vendor's day of the delivery. Called again it begins nothing twice, and what
    was given instead of a broken piece keeps the cover that it took over. Refuses `NotDelivered`.
    """
    session.flush()  # the delivery, as the database counts it
    shipment = locked(session, Shipment, shipment_id)
    if shipment.status != ShipmentStatus.DELIVERED:
        raise NotDelivered
    day = _day_at(session, shipment.vendor_id, shipment.delivered_at or clock.now())
    columns = ["vendor_id", "customer_id", "order_line_id", "kind", "name", "starts_on", "ends_on"]
    begun = insert(Cover).from_select(columns, _uncovered(shipment, day)).returning(Cover.id)
    return len(session.scalars(begun).all())


def start_of_service(session: Session, *, booking_id: int) -> Cover | None:
    """Promise that a completed service is done again for nothing, if its terms say so.

    The window begins on the vendor's day of completion. A service that is itself done again begins
    none: the first one runs on. Called again it gives the same cover. Refuses `NotDone`.
    """
    session.flush()  # what was just completed
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise NotFound
    service = session.get_one(Service, booking.service_id)
    if service.redo_days is None:
        return None
    booking = locked(session, Booking, booking_id)  # two at once begin one cover
    if booking.status != BookingStatus.COMPLETED:
        raise NotDone
    known = _guarantee_of(session, booking)
    if known is not None or _is_done_again(session, booking):
        return known
    day = _day_at(session, booking.vendor_id, booking.completed_at or clock.now())
    cover = Cover(
        vendor_id=booking.vendor_id, customer_id=booking.customer_id, booking_id=booking.id,
        kind=CoverKind.GUARANTEE, name=service.name, starts_on=day,
        ends_on=day + timedelta(days=min(service.redo_days, MOST_DAYS)),
    )  # fmt: skip
    session.add(cover)
    session.flush()  # the id
    return cover


def follow(session: Session, *, order_id: int) -> int:
    """Let the covers of an order's goods be its customer's, whoever that is now; how many changed.

    For a sale to nobody that is given to a customer later. What was given instead of a piece comes
    along, and so do the claims, which stand under their covers. Called again it changes nothing.
    """
    session.flush()  # whose the order is now
    order = locked(session, Order, order_id)
    own = (
        select(Cover.id)
        .join(
            OrderLine,
            and_(OrderLine.vendor_id == Cover.vendor_id, OrderLine.id == Cover.order_line_id),
        )
        .where(OrderLine.vendor_id == order.vendor_id, OrderLine.order_id == order.id)
        .cte("own", recursive=True)
    )
    heirs = select(Cover.id).where(
        Cover.vendor_id == order.vendor_id, Cover.replaces_id == own.c.id
    )
    theirs = own.union(heirs)
    changed = (
        update(Cover)
        .where(
            Cover.vendor_id == order.vendor_id,
            Cover.id.in_(select(theirs.c.id)),
            Cover.customer_id.is_distinct_from(order.customer_id),
        )
        .values(customer_id=order.customer_id, updated_at=clock.now())
        .returning(Cover.id)
    )
    found = session.scalars(changed, execution_options={"synchronize_session": False}).all()
    session.expire_all()  # covers that were read before are read anew
    return len(found)


def expire(session: Session, *, now: datetime) -> int:
    """End the covers whose last day is over where their vendor is; how many these were."""
    over = (
        update(Cover)
        .where(
            Cover.status == CoverStatus.ACTIVE,
            Vendor.id == Cover.vendor_id,
            Cover.ends_on < cast(func.timezone(Vendor.time_zone, now), Date),
        )
        .values(status=CoverStatus.EXPIRED)
        .returning(Cover.id)
    )
    ended = session.scalars(over, execution_options={"synchronize_session": False}).all()
    session.expire_all()  # covers that were read before are read anew
    return len(ended)


def name_serial(session: Session, *, cover_id: int, serial: str | None) -> Cover:
    """Note which piece is covered, by its serial number; one piece has one running cover."""
    cover = held(session, cover_id)
    cover.serial = clean(serial, "serial", longest=LONGEST_SERIAL)
    session.flush()  # whether another cover of this piece is running
    return cover


def void(session: Session, *, cover_id: int) -> Cover:
    """End a cover before its time: the goods went back, or it was given up."""
    cover = held(session, cover_id)
    _step(cover, CoverStatus.VOID)
    session.flush()  # one change, one line in the trail
    return cover


def void_returned(session: Session, *, order_line_id: int, quantity: int) -> int:
    """End the covers of pieces that came back for good; how many ended.

    Of a line's pieces those without a serial number go first, then the youngest covers.
    """
    ended = _of_line(session, order_line_id, quantity)
    for cover in ended:
        _step(cover, CoverStatus.VOID)
    session.flush()  # the serial numbers are free again
    return len(ended)


def replace_returned(
    session: Session, *, order_line_id: int, quantity: int, heir: OrderLine
) -> int:
    """Let the pieces of `heir` inherit what is left of those that came back for them; how many.

    They begin no cover of their own when they are delivered.
    """
    covers = _of_line(session, order_line_id, quantity)
    for cover in covers:
        replace(session, cover, order_line_id=heir.id)
    heir.warranty_months = None
    session.flush()  # before anybody delivers it
    return len(covers)


def suspend(session: Session, cover: Cover) -> None:
    """Let a held cover rest from today on; one that is over already stays over."""
    if cover.status != CoverStatus.ACTIVE:
        return
    day = today(session, cover.vendor_id)
    cover.status, cover.suspended_on = _moved(cover, CoverStatus.SUSPENDED), day
    session.flush()  # one change, one line in the trail


def resume(session: Session, cover: Cover) -> None:
    """Let a held cover go on: it lasts longer by the days it rested."""
    if cover.status != CoverStatus.SUSPENDED:
        return
    cover.ends_on = today(session, cover.vendor_id) + timedelta(days=left(session, cover))
    _step(cover, CoverStatus.ACTIVE)
    session.flush()  # one change, one line in the trail


def replace(
    session: Session, cover: Cover, *, serial: str | None = None, order_line_id: int | None = None
) -> Cover | None:
    """Let what is given instead inherit what is left of a held cover, from today on.

    `order_line_id` is the line by which it was given, else it stays with the old one. Nothing is
    inherited of a cover that is over.
    """
    if cover.status not in RUNNING:
        return None
    days = left(session, cover)
    _step(cover, CoverStatus.REPLACED)
    session.flush()  # the old piece's serial number is free again
    day = today(session, cover.vendor_id)
    heir = Cover(
        vendor_id=cover.vendor_id, customer_id=cover.customer_id, kind=cover.kind, name=cover.name,
        order_line_id=order_line_id or cover.order_line_id,
        booking_id=None if order_line_id else cover.booking_id,
        serial=clean(serial, "serial", longest=LONGEST_SERIAL),
        starts_on=day, ends_on=day + timedelta(days=days), replaces_id=cover.id,
    )  # fmt: skip
    session.add(heir)
    session.flush()  # the id, and whether the new serial number is covered already
    return heir


def held(session: Session, cover_id: int) -> Cover:
    """The cover as it stands on the vendor's day, held until the transaction ends."""
    cover = locked(session, Cover, cover_id)
    if is_over(session, cover):
        cover.status = _moved(cover, CoverStatus.EXPIRED)
        session.flush()  # from now on it is over for everybody
    return cover


def is_over(session: Session, cover: Cover) -> bool:
    """Whether the last day of an active cover has passed, though nobody has written it down yet."""
    return cover.status == CoverStatus.ACTIVE and cover.ends_on < today(session, cover.vendor_id)


def left(session: Session, cover: Cover) -> int:
    """How many days a cover still has after today; while it rests, as many as when it began to."""
    since = cover.suspended_on or today(session, cover.vendor_id)
    return max((cover.ends_on - since).days, 0)


def today(session: Session, vendor_id: int) -> date:
    """The day it is at a vendor's."""
    return _day_at(session, vendor_id, clock.now())


# --- behind the verbs ---------------------------------------------------------------------


def _day_at(session: Session, vendor_id: int, moment: datetime) -> date:
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
    return moment.astimezone(ZoneInfo(zone)).date()


def _moved(cover: Cover, to: CoverStatus) -> CoverStatus:
    return move("cover", COVER_TRANSITIONS, CoverStatus(cover.status), to)


def _step(cover: Cover, to: CoverStatus) -> None:
    """A cover that does not rest any more has no day since which it does."""
    cover.status = _moved(cover, to)
    cover.suspended_on = None


def _of_line(session: Session, order_line_id: int, quantity: int) -> Sequence[Cover]:
    """So many running covers of an order's line, held."""
    if quantity < 1:
        raise NoSuchMany
    line = locked(session, OrderLine, order_line_id)
    running = (
        select(Cover)
        .where(
            Cover.vendor_id == line.vendor_id,
            Cover.order_line_id == line.id,
            Cover.status.in_(RUNNING),
        )
        .order_by(Cover.serial.is_not(None), Cover.id.desc())
        .limit(quantity)
        .with_for_update()
    )
    found = session.scalars(running, execution_options={"populate_existing": True}).all()
    return [cover for cover in found if not is_over(session, cover)]


def _uncovered(shipment: Shipment, day: date) -> Select[*tuple[Any, ...]]:
    """A row for each delivered piece of a shipment's lines that has no cover of its own yet."""
    before = aliased(Cover)
    covered = (
        select(func.count())
        .select_from(Cover)
        .outerjoin(
            before, and_(before.vendor_id == Cover.vendor_id, before.id == Cover.replaces_id)
        )
        .where(
            Cover.vendor_id == OrderLine.vendor_id,
            Cover.order_line_id == OrderLine.id,
            or_(before.id.is_(None), before.order_line_id.is_distinct_from(Cover.order_line_id)),
        )
        .correlate(OrderLine)
        .scalar_subquery()
    )
    most = cast(func.least(OrderLine.warranty_months, MOST_MONTHS), Integer)
    piece = func.generate_series(1, OrderLine.delivered - covered).table_valued("n")
    return (
        select(
            OrderLine.vendor_id, Order.customer_id, OrderLine.id,
            literal(CoverKind.WARRANTY.value), OrderLine.name, literal(day, Date),
            cast(literal(day, Date) + func.make_interval(0, most), Date),
        )
        .select_from(ShipmentLine)
        .join(
            OrderLine,
            and_(
                OrderLine.vendor_id == ShipmentLine.vendor_id,
                OrderLine.id == ShipmentLine.order_line_id,
            ),
        )
        .join(Order, and_(Order.vendor_id == OrderLine.vendor_id, Order.id == OrderLine.order_id))
        .join(piece.lateral(), literal(True))
        .where(
            ShipmentLine.vendor_id == shipment.vendor_id,
            ShipmentLine.shipment_id == shipment.id,
            OrderLine.warranty_months.is_not(None),
        )
    )  # fmt: skip


def _guarantee_of(session: Session, booking: Booking) -> Cover | None:
    there = select(Cover).where(
        Cover.vendor_id == booking.vendor_id, Cover.booking_id == booking.id
    )
    return session.scalars(there.order_by(Cover.id).limit(1)).first()


def _is_done_again(session: Session, booking: Booking) -> bool:
    """Whether this booking is what a claim under an earlier guarantee led to."""
    claim = select(WarrantyClaim.id).where(
        WarrantyClaim.vendor_id == booking.vendor_id, WarrantyClaim.booking_id == booking.id
    )
    return session.scalars(claim.limit(1)).first() is not None
