"""Uses of packages and memberships that pay for lines of orders."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.operations import (
    entitlements,
    included,
    membership_refunds,
    package_uses,
    packages,
    prices,
)
from app.operations.entitlements import NothingToUse, Pot
from app.operations.moves import locked
from app.operations.rungs import Asked, Benefit, Rung
from models.bookings import Booking, BookingStatus
from models.memberships import UseStatus
from models.orders import LineKind, Order, OrderLine
from models.packages import EntryKind, HoldingStatus, PackageHolding
from models.services import Service


def apply(session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked) -> None:
    """A line that names a package or a membership costs nothing; a use a piece pays for it.

    Refuses what cannot pay for it, or not for so many, at the row that asks.
    """
    rows = [(row, line) for row, line in enumerate(lines) if _names_a_pot(line)]
    if not rows:
        return
    found = entitlements.of(session, customer_id=order.customer_id, vendor_id=order.vendor_id)
    taken: Counter[tuple[int | None, int | None, int]] = Counter()
    for row, line in rows:
        service = session.get_one(Service, line.service_id)
        pot = _pot(found.pots_for(service), line)
        if pot is None:
            raise NothingToUse(field=f"lines.{row}.holding_id")
        key = pot.holding_id, pot.membership_id, pot.benefit.id if pot.benefit else 0
        taken[key] += line.quantity
        if taken[key] > pot.left_for(service):
            raise package_uses.NotEnoughUses(
                left=pot.left_for(service), package=pot.name, field=f"lines.{row}.holding_id"
            )
        why = f"{pot.name}: {line.quantity} of {pot.left} uses"
        prices.lower(
            line, line.total, prices.PACKAGE, why, source=line.holding_id or line.membership_id
        )


def redeem(session: Session, order: Order) -> None:
    """The order is placed: its uses are held, those of a booking until that has its outcome."""
    lines = [line for line in order.lines if _is_paid_so(line)]
    for line in sorted(lines, key=lambda one: (one.holding_id or 0, one.membership_id or 0)):
        if not _holds(session, line):
            _hold(session, order, line)


def release(session: Session, order: Order) -> None:
    """The order was called off: what it held is free again, and its bookings cost as before."""
    for line in order.lines:
        if not _is_paid_so(line) or not _holds(session, line):
            continue
        package_uses.end_holds(session, EntryKind.RELEASE, **_for(line))
        included.move(session, UseStatus.RELEASED, UseStatus.HELD, **_for(line))
        if line.booking_id is not None:
            booking = locked(session, Booking, line.booking_id)
            booking.price = line.unit_price


def settled(session: Session, order: Order) -> None:
    """What was held for its lines is used; what is held for a booking waits for it."""
    ids = [line.id for line in order.lines if _is_paid_so(line)]
    package_uses.end_holds(session, EntryKind.USE, order_line_ids=ids)
    if ids:
        included.move(session, UseStatus.USED, UseStatus.HELD, order_line_ids=ids)


def given_back(session: Session, order: Order) -> None:
    """The money for a package was given back to the last cent: what is left of it goes.

    So does the time of a membership.
    """
    membership_refunds.given_back(session, order)
    for line in order.lines:
        if line.kind != LineKind.PACKAGE or not 0 < line.gross <= line.refunded:
            continue
        for holding in packages.sold_by(session, order_id=order.id, package_id=line.package_id):
            held = locked(session, PackageHolding, holding)
            if held.status == HoldingStatus.ACTIVE and held.uses_held:
                package_uses.write(session, held, EntryKind.REFUND, held.uses_left)
            elif held.status == HoldingStatus.ACTIVE:
                packages.take_back(session, held)


USES = Benefit(
    Rung.USE, apply, redeem=redeem, release=release, settled=settled, given_back=given_back
)


# --- behind the verbs ---------------------------------------------------------------------------


def _names_a_pot(line: OrderLine) -> bool:
    named = line.holding_id is not None or line.membership_id is not None
    return named and line.kind == LineKind.SERVICE


def _is_paid_so(line: OrderLine) -> bool:
    return _names_a_pot(line) and bool(prices.steps_of(line, prices.PACKAGE))


def _pot(pots: Sequence[Pot], line: OrderLine) -> Pot | None:
    named = line.holding_id, line.membership_id
    return next((pot for pot in pots if (pot.holding_id, pot.membership_id) == named), None)


def _for(line: OrderLine) -> dict[str, Any]:
    """What its uses are held for: its booking, as long as that is to come, else the line."""
    if line.booking_id is not None:
        return {"booking_id": line.booking_id}
    return {"order_line_ids": [line.id]}


def _holds(session: Session, line: OrderLine) -> bool:
    found = _for(line)
    held = package_uses.open_holds(session, **found)
    taken = included.taken_for(session, **found)
    return bool(held) or any(one.status == UseStatus.HELD for one in taken)


def _hold(session: Session, order: Order, line: OrderLine) -> None:
    booking = None if line.booking_id is None else locked(session, Booking, line.booking_id)
    at = clock.now() if booking is None else max(booking.starts_at, clock.now())
    to = {"order_line_id": line.id} if booking is None else {"booking_id": booking.id}
    service = session.get_one(Service, line.service_id)
    if line.holding_id is not None:
        package_uses.hold(
            session, holding_id=line.holding_id, customer_id=order.customer_id,
            service_id=service.id, at=at, uses=line.quantity, **to,
        )  # fmt: skip
    elif line.membership_id is not None:
        included.hold(
            session, membership_id=line.membership_id, customer_id=order.customer_id,
            service=service, at=at, uses=line.quantity, **to,
        )  # fmt: skip
    if booking is not None and booking.status == BookingStatus.COMPLETED:
        package_uses.end_holds(session, EntryKind.USE, booking_id=booking.id)
        included.move(session, UseStatus.USED, UseStatus.HELD, booking_id=booking.id)
