"""What pays for the lines of a draft, chosen for whoever asks for it: what ends first, first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from app.operations import entitlements
from app.operations.entitlements import Pot
from app.operations.lines import DraftLine
from models.bookings import Booking
from models.customers import Customer
from models.orders import LineKind
from models.services import Service


def chosen(
    session: Session, *, customer_id: int | None, lines: Sequence[DraftLine]
) -> list[DraftLine]:
    """The lines, each service named what pays for it, as far as the customer has it.

    What a line named before is chosen anew; what pays for a booking already is left alone.
    """
    customer = None if customer_id is None else session.get(Customer, customer_id)
    if customer is None:
        return list(lines)
    found = entitlements.of(session, customer_id=customer.id, vendor_id=customer.vendor_id)
    taken: Counter[int] = Counter()
    return [_paid(session, line, found.pots, taken) for line in lines]


def _paid(session: Session, line: DraftLine, pots: Sequence[Pot], taken: Counter[int]) -> DraftLine:
    service = _service(session, line)
    if service is None:
        return line
    for number, pot in enumerate(pots):
        if pot.left_for(service) - taken[number] >= line.quantity:
            taken[number] += line.quantity
            return replace(line, holding_id=pot.holding_id, membership_id=pot.membership_id)
    return replace(line, holding_id=None, membership_id=None)


def _service(session: Session, line: DraftLine) -> Service | None:
    if line.kind != LineKind.SERVICE:
        return None
    booking = None if line.booking_id is None else session.get(Booking, line.booking_id)
    if booking is not None:
        return booking.service if booking.price else None
    return None if line.item_id is None else session.get(Service, line.item_id)
