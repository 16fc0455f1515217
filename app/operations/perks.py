"""What a booking costs its customer: the member's price, or a use of what they have already."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.operations import booking_times, booking_uses, entitlements, package_uses, prices
from app.operations.deals import Deal
from app.operations.entitlements import Pot
from app.operations.hours import Span, Wall
from app.operations.schedules import CannotBook
from models.bookings import Booking
from models.services import Service, ServiceKind

FREE = Decimal("0.00")


class Agreed(NamedTuple):
    """What is to be paid, and what pays for it instead: so many uses of a pot."""

    price: Decimal
    pot: Pot | None = None
    uses: int = 0


def agreed(
    session: Session,
    service: Service,
    deal: Deal,
    wall: Wall,
    customer_id: int,
    seats: int,
    *,
    asked: bool,
    use: bool,
    named: tuple[int | None, int | None],
    price: Decimal | None,
) -> Agreed:
    """The price of a deal for this customer; a `price` that was agreed by hand stays as it is.

    With `use` a pot pays for it, the one that is `named` (holding, membership) or the first. Only
    where `asked` is anything looked up: most customers have nothing.
    """
    starts, ends = deal.times["starts_at"], deal.times["ends_at"]
    if asked:
        found = entitlements.of(
            session, customer_id=customer_id, vendor_id=service.vendor_id, at=starts
        )
        entitlements.check_access(session, service, found)
    if use:
        _one_after_the_other(session, customer_id)
        uses = _uses(service, wall, (starts, ends), seats)
        pot = booking_uses.first(
            session, customer_id=customer_id, service=service, at=starts, uses=uses,
            holding_id=named[0], membership_id=named[1],
        )  # fmt: skip
        return Agreed(FREE, pot, uses)
    if price is not None:
        return Agreed(prices.amount(price, field="price"))
    offer = found.discount(service) if asked else None
    if offer is None:
        return Agreed(deal.price)
    return Agreed(deal.price - prices.as_money(deal.price * offer[0] / 100))


def check_length(
    session: Session, booking: Booking, wall: Wall, was: Span, when: tuple[datetime, datetime]
) -> None:
    """Refuse other nights for a stay whose nights are paid for by uses."""
    if booking.kind != ServiceKind.STAY or was == when:
        return
    before, after = (booking_times.nights_of(wall, *span) for span in (was, when))
    if before != after and package_uses.open_holds(session, booking_id=booking.id):
        raise CannotBook(
            "Its nights are paid for by a package: cancel it, and book the other nights.",
            field="ends_at",
        )


def _one_after_the_other(session: Session, customer_id: int) -> None:
    """Of two that look for what pays, the second one sees what the first has taken."""
    key = func.hashtextextended(f"uses:{customer_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def _uses(service: Service, wall: Wall, span: Span, seats: int) -> int:
    """A use for each place of a class, each night of a stay, else one."""
    if service.kind == ServiceKind.STAY:
        return max(booking_times.nights_of(wall, *span), 1)
    return seats
