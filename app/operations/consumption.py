"""What services use up: it leaves the stock when a booking was given."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from app.errors import NotFound
from app.operations import shelves
from models.bookings import Booking
from models.products import Variant
from models.stock import Consumable, MoveKind, StockMove


def consume(session: Session, *, booking_id: int) -> Sequence[StockMove]:
    """Take what a booking's service used up; as far as it is here, for the customer was served.

    What is promised to orders stays. Where there was too little, the move says of how much.
    """
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise NotFound
    return [
        shelves.write(session, used.variant, MoveKind.CONSUMPTION, _used(used, booking_id))
        for used in hold_used(session, service_id=booking.service_id)
        if used.variant.tracks_stock and shelves.free(used.variant) > 0
    ]


def hold_used(session: Session, *, service_id: int) -> Sequence[Consumable]:
    """What a service uses up, its variants held in id order until this transaction ends."""
    query = (
        select(Consumable)
        .join(Consumable.variant)
        .options(contains_eager(Consumable.variant))
        .where(Consumable.service_id == service_id)
        .order_by(Variant.id)
        .with_for_update(of=Variant, key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def _used(used: Consumable, booking_id: int) -> dict[str, Any]:
    taken = min(used.quantity, shelves.free(used.variant))
    short = f"{used.quantity} were used, only {taken} were here"
    return {
        "on_hand": -taken,
        "booking_id": booking_id,
        "reason": short if taken < used.quantity else None,
    }
