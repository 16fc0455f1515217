"""Claims under a cover: made, assessed, agreed to, put right by a repair, a piece, money, a redo.

A claim that was made in time is carried out, though its cover may end meanwhile. Who moves a claim
holds its cover first, then the claim.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import REFUSALS, DomainError, NotFound
from app.operations import bookings, covers, numbers, orders, refunds
from app.operations import credit as store_credit
from app.operations.benefits import AS_AGREED
from app.operations.customers import clean
from app.operations.lines import DraftLine
from app.operations.moves import locked, move
from models.bookings import Booking, BookingStatus
from models.covers import (
    CLAIM_TRANSITIONS,
    ClaimResolution,
    ClaimStatus,
    Cover,
    CoverKind,
    CoverStatus,
    WarrantyClaim,
)
from models.orders import LineKind, OrderLine
from models.words import Channel

LONGEST = 2000
OVER = frozenset({ClaimStatus.REJECTED, ClaimStatus.RESOLVED, ClaimStatus.CANCELLED})

BY_KIND: dict[CoverKind, frozenset[ClaimResolution]] = {
    CoverKind.WARRANTY: frozenset(
        {
            ClaimResolution.REPAIR,
            ClaimResolution.REPLACE,
            ClaimResolution.REFUND,
            ClaimResolution.CREDIT,
        }
    ),
    CoverKind.GUARANTEE: frozenset(
        {ClaimResolution.REDO, ClaimResolution.REFUND, ClaimResolution.CREDIT}
    ),
}
"""How it can be put right: goods are not done again, services are not repaired."""


class NotCovered(DomainError):
    sentence = "This cover {how}: nothing can be claimed under it any more."


class ClaimOpen(DomainError):
    sentence = "There is an open claim under this cover already: carry that one on."


class NoProblem(DomainError):
    sentence = "Say what is wrong in a few words."
    field = "problem"


class NoReason(DomainError):
    sentence = "Say why it is rejected: the customer will ask."
    field = "note"


class NotThisWay(DomainError):
    sentence = "A {kind} cannot be settled by a {resolution}: choose another way."


class NothingSold(DomainError):
    sentence = "This was not paid through an order: give store credit instead."


REFUSALS["uq_warranty_claims_open"] = ClaimOpen


def claim(session: Session, *, cover_id: int, problem: str) -> WarrantyClaim:
    """Write down what a customer asks for under a cover that runs, with the vendor's next number.

    Refuses `NotCovered` after its last day, and `ClaimOpen` while another claim is.
    """
    said = clean(problem, "problem", lines=True, longest=LONGEST)
    if said is None:
        raise NoProblem
    cover = covers.held(session, cover_id)
    if (open_claim := _open_of(session, cover)) is not None:
        raise ClaimOpen(f"Claim {open_claim.number} under this cover is open: carry that one on.")
    if cover.status != CoverStatus.ACTIVE:
        raise NotCovered(how=_how(cover))
    row = WarrantyClaim(
        vendor_id=cover.vendor_id, cover_id=cover.id, problem=said, opened_at=clock.now(),
        number=numbers.draw(session, vendor_id=cover.vendor_id, series="claims"),
    )  # fmt: skip
    session.add(row)
    session.flush()  # the id
    return row


def assess(session: Session, *, claim_id: int) -> WarrantyClaim:
    """Somebody looks into it."""
    return _stepped(session, claim_id, ClaimStatus.IN_ASSESSMENT)[0]


def approve(session: Session, *, claim_id: int) -> WarrantyClaim:
    """It is put right for nothing."""
    return _stepped(session, claim_id, ClaimStatus.APPROVED)[0]


def reject(session: Session, *, claim_id: int, note: str) -> WarrantyClaim:
    """It is not covered; `note` says why."""
    why = clean(note, "note", lines=True, longest=LONGEST)
    if why is None:
        raise NoReason
    row, _ = _stepped(session, claim_id, ClaimStatus.REJECTED)
    row.note = why
    return row


def cancel(session: Session, *, claim_id: int, note: str | None = None) -> WarrantyClaim:
    """The customer lets it be; a repair that had begun ends, and the cover goes on."""
    row, cover = _stepped(session, claim_id, ClaimStatus.CANCELLED)
    row.note = clean(note, "note", lines=True, longest=LONGEST) or row.note
    covers.resume(session, cover)
    return row


def repair(session: Session, *, claim_id: int) -> WarrantyClaim:
    """Take the goods in for repair: the cover rests until they are back."""
    row, cover = _stepped(session, claim_id, ClaimStatus.IN_REPAIR)
    _check_way(cover, ClaimResolution.REPAIR)
    covers.suspend(session, cover)
    return row


def repaired(session: Session, *, claim_id: int, note: str | None = None) -> WarrantyClaim:
    """The goods are repaired: the cover goes on and lasts longer by the days that it rested."""
    row, cover = _resolved(session, claim_id, ClaimResolution.REPAIR, note)
    covers.resume(session, cover)
    return row


def replace(
    session: Session, *, claim_id: int, serial: str | None = None, note: str | None = None
) -> WarrantyClaim:
    """Give another piece for nothing: an order of it is placed, and it inherits what is left.

    The order is handed over as any other, so the piece leaves the stock; `serial` is the new
    piece's. Refuses as `orders.place` does where there is none.
    """
    row, cover = _resolved(session, claim_id, ClaimResolution.REPLACE, note)
    line = session.get_one(OrderLine, cover.order_line_id)
    piece = _given_instead(session, row, cover, line)
    row.order_id = piece.order_id
    covers.replace(session, cover, serial=serial, order_line_id=piece.id)
    session.flush()  # the claim names the order
    return row


def refund(
    session: Session, *, claim_id: int, amount: Decimal, note: str | None = None
) -> WarrantyClaim:
    """Give money back for it, as it was paid; nothing is covered any more.

    Refuses `NothingSold`, and as `refunds.give` does.
    """
    row, cover = _resolved(session, claim_id, ClaimResolution.REFUND, note)
    line = _sold_by(session, cover)
    if line is None:
        raise NothingSold
    refunds.give(session, order_id=line.order_id, lines={line.id: amount}, reason=str(row))
    _end(session, cover)
    return row


def credit(
    session: Session, *, claim_id: int, amount: Decimal, note: str | None = None
) -> WarrantyClaim:
    """Give the customer store credit for it; nothing is covered any more."""
    row, cover = _resolved(session, claim_id, ClaimResolution.CREDIT, note)
    if cover.customer_id is None:
        raise store_credit.NobodysCredit
    store_credit.give(session, customer_id=cover.customer_id, amount=amount, reason=str(row))
    _end(session, cover)
    return row


def redo(
    session: Session,
    *,
    claim_id: int,
    starts_at: datetime,
    staff_id: int | None = None,
    note: str | None = None,
) -> WarrantyClaim:
    """Do the service again for nothing: a booking that costs nothing; the window runs on.

    `starts_at` without an offset is wall time where the vendor is. Refuses as `bookings.book` does.
    """
    row, cover = _resolved(session, claim_id, ClaimResolution.REDO, note)
    first = session.get_one(Booking, cover.booking_id)
    again = bookings.book(
        session, customer_id=first.customer_id, service_id=first.service_id, starts_at=starts_at,
        staff_id=staff_id or first.staff_id, price=Decimal(0), channel=Channel.PHONE,
        status=BookingStatus.CONFIRMED,
        note=f"{row}: {row.problem}"[:LONGEST],
    )  # fmt: skip
    row.booking_id = again.id
    session.flush()  # the claim names the booking
    return row


def ways(cover: Cover) -> Collection[ClaimResolution]:
    """How a claim under this cover can be put right."""
    return BY_KIND[CoverKind(cover.kind)]


# --- behind the verbs ---------------------------------------------------------------------


def _stepped(session: Session, claim_id: int, to: ClaimStatus) -> tuple[WarrantyClaim, Cover]:
    """The claim with its new status, and its cover; both held."""
    known = session.get(WarrantyClaim, claim_id)
    if known is None:
        raise NotFound
    cover = covers.held(session, known.cover_id)
    row = locked(session, WarrantyClaim, claim_id)
    row.status = move("claim", CLAIM_TRANSITIONS, ClaimStatus(row.status), to)
    if to in OVER:
        row.closed_at = clock.now()
    return row, cover


def _resolved(
    session: Session, claim_id: int, resolution: ClaimResolution, note: str | None
) -> tuple[WarrantyClaim, Cover]:
    row, cover = _stepped(session, claim_id, ClaimStatus.RESOLVED)
    row.resolution = resolution
    _check_way(cover, resolution)
    row.note = clean(note, "note", lines=True, longest=LONGEST) or row.note
    session.flush()  # one change, one line in the trail
    return row, cover


def _check_way(cover: Cover, resolution: ClaimResolution) -> None:
    if resolution not in ways(cover):
        raise NotThisWay(kind=cover.kind, resolution=resolution)


def _open_of(session: Session, cover: Cover) -> WarrantyClaim | None:
    still = select(WarrantyClaim).where(
        WarrantyClaim.vendor_id == cover.vendor_id,
        WarrantyClaim.cover_id == cover.id,
        WarrantyClaim.status.not_in(OVER),
    )
    return session.scalars(still.limit(1)).first()


def _how(cover: Cover) -> str:
    """Why nothing can be claimed: it ended on Friday 20 November."""
    if cover.status == CoverStatus.EXPIRED:
        return f"ended on {days.day(cover.ends_on, year=True)}"
    if cover.status == CoverStatus.REPLACED:
        return "went over to the piece that was given instead"
    return "was ended before its time" if cover.status == CoverStatus.VOID else "rests"


def _end(session: Session, cover: Cover) -> None:
    """What was paid back is not covered any more; a cover that is over already stays as it is."""
    if cover.status in covers.RUNNING:
        covers.void(session, cover_id=cover.id)


def _sold_by(session: Session, cover: Cover) -> OrderLine | None:
    """The line by which it was sold, of goods or of the booking."""
    if cover.order_line_id is not None:
        return session.get_one(OrderLine, cover.order_line_id)
    line = select(OrderLine).where(
        OrderLine.vendor_id == cover.vendor_id, OrderLine.booking_id == cover.booking_id
    )
    return session.scalars(line.limit(1)).first()


def _given_instead(
    session: Session, row: WarrantyClaim, cover: Cover, line: OrderLine
) -> OrderLine:
    """The line of a placed order of another piece that costs nothing."""
    piece = DraftLine(
        LineKind.PRODUCT, line.variant_id, unit_price=line.unit_price, discount=line.unit_price,
        name=line.name, why=str(row),
    )  # fmt: skip
    said = f"{row}: {row.problem}"[:LONGEST]
    order = orders.save_draft(
        session, lines=[piece], customer_id=cover.customer_id, note=said, asked=AS_AGREED
    )
    orders.place(session, order_id=order.id)
    order.lines[0].warranty_months = None  # it inherits what is left, and begins nothing anew
    return order.lines[0]
