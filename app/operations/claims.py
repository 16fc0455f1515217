"""Rooms and equipment of bookings: which units are held for whom."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from models.bookings import Booking
from models.resources import Resource, ResourceClaim, ServiceResource

Units = Mapping[int, tuple[int, ...]]
"""Units to claim by the id of their resource."""


def hold(session: Session, *, vendor_id: int, service_id: int) -> None:
    """Let nobody else choose units of what a service needs until this transaction ends.

    In the order of ids, so that two who need the same things never hold each other.
    """
    needed = (
        select(ServiceResource.resource_id)
        .where(ServiceResource.vendor_id == vendor_id)
        .where(ServiceResource.service_id == service_id)
    )
    _hold(session, Resource.vendor_id == vendor_id, Resource.id.in_(needed))


def hold_of(session: Session, booking: Booking) -> None:
    """The same for the units that a booking has claimed: it may be about to take them again."""
    claimed = select(ResourceClaim.resource_id).where(*_of(booking))
    _hold(session, Resource.vendor_id == booking.vendor_id, Resource.id.in_(claimed))


def _hold(session: Session, *which: ColumnElement[bool]) -> None:
    rows = select(Resource.id).where(*which).order_by(Resource.id)
    session.execute(rows.with_for_update(key_share=True))


def take(session: Session, booking: Booking, units: Units) -> None:
    """Claim units for a booking while it stands; refuses with `RoomTaken` what is taken."""
    claims = [
        ResourceClaim(
            vendor_id=booking.vendor_id, booking_id=booking.id, resource_id=resource_id, unit=unit,
            starts_at=booking.starts_at, with_buffer_before=booking.with_buffer_before,
            with_buffer_after=booking.with_buffer_after,
        )
        for resource_id, chosen in units.items()
        for unit in chosen
    ]  # fmt: skip
    if claims:
        session.add_all(claims)
        session.flush()  # the verdict of the exclusion constraints


def change(session: Session, booking: Booking, units: Units, times: Mapping[str, Any]) -> Units:
    """Give up what a booking has claimed, unless the same units are free at its new times too.

    What is left to claim once the booking stands at `times`. Nobody is moved to another room
    without need.
    """
    held = session.execute(
        select(ResourceClaim.resource_id, ResourceClaim.unit).where(*_of(booking))
    ).all()
    mine = Counter(row.resource_id for row in held)
    wanted = Counter({resource_id: len(chosen) for resource_id, chosen in units.items()})
    pairs = [(row.resource_id, row.unit) for row in held]
    if mine == wanted and (not pairs or _free(session, booking, pairs, times)):
        return {}
    session.execute(delete(ResourceClaim).where(*_of(booking)))
    return units


def _free(
    session: Session, booking: Booking, pairs: list[tuple[int, int]], times: Mapping[str, Any]
) -> bool:
    def meets(name: str) -> ColumnElement[bool]:
        during: Range[Any] = times[name]
        return getattr(ResourceClaim, name).overlaps(during)  # type: ignore[no-any-return]

    in_the_way = select(ResourceClaim.id).where(
        ResourceClaim.vendor_id == booking.vendor_id,
        tuple_(ResourceClaim.resource_id, ResourceClaim.unit).in_(pairs),
        ResourceClaim.held,
        ResourceClaim.booking_id.is_distinct_from(booking.id),
        or_(meets("with_buffer_before"), meets("with_buffer_after")),
    )
    return session.execute(in_the_way.limit(1)).first() is None


def _of(booking: Booking) -> tuple[ColumnElement[bool], ...]:
    return ResourceClaim.vendor_id == booking.vendor_id, ResourceClaim.booking_id == booking.id
