"""Time off given back: its time is free again, and its bookings return where that can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app import clock
from app.database import refusals
from app.errors import DomainError
from app.operations import bookings, obstacles, waitlist
from app.operations.decisions import Do, NotAChoice
from app.operations.moves import locked
from models.bookings import Booking, BookingStatus
from models.schedules import TimeOff
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel


class Left(NamedTuple):
    """A booking that stays as it is when time off is given back, and why."""

    booking_id: int
    why: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What giving time off back has done: the bookings that are as before, and the others."""

    back: Sequence[int]
    left: Sequence[Left]


def give_back(session: Session, *, time_off_id: int) -> GivenBack:
    """Undo time off: the time is free again, and its bookings are as before where that can be.

    Moved ones return to their time and person if they were not changed since; what was called
    off is booked anew at its old price and terms. Classes stay called off. What cannot return
    is left, with the reason.
    """
    off = locked(session, TimeOff, time_off_id)
    changes, vendor_id = off.changes or [], off.vendor_id
    obstacles.hold(session, vendor_id, off.staff_id)
    session.delete(off)
    session.flush()  # the time can be booked again
    back: list[int] = []
    left: list[Left] = []
    for change in changes:
        try:
            with refusals(), session.begin_nested():
                back.append(_returned(session, change))
        except DomainError as refusal:
            left.append(Left(change["booking_id"], str(refusal)))
    return GivenBack(back, left)


# --- behind the verbs ---------------------------------------------------------------------


def _returned(session: Session, change: Mapping[str, Any]) -> int:
    """The id of the booking that is again what it was; refuses when it cannot be."""
    booking = locked(session, Booking, change["booking_id"])
    starts, ends = (datetime.fromisoformat(change[name]) for name in ("starts_at", "ends_at"))
    if starts <= clock.now():
        raise NotAChoice("Its time is over.")
    if change["did"] in (Do.WAIT, Do.CANCEL):
        return _booked_anew(session, booking, change, starts, ends)
    as_we_left_it = (
        booking.starts_at == datetime.fromisoformat(change["now_at"])
        and booking.staff_id == change["now_with"]
        and booking.status in obstacles.TO_COME
    )
    if not as_we_left_it:
        raise NotAChoice("It was changed since.")
    return bookings.reschedule(
        session, booking_id=booking.id, starts_at=starts, ends_at=ends, staff_id=change["staff_id"]
    ).id


def _booked_anew(
    session: Session, old: Booking, change: Mapping[str, Any], starts: datetime, ends: datetime
) -> int:
    if entry_id := change.get("entry_id"):
        entry = session.get(WaitlistEntry, entry_id)
        if entry is not None and entry.status == WaitStatus.BOOKED:
            raise NotAChoice("The customer has another time by now.")
        if entry is not None and entry.status in waitlist.LIVE:
            waitlist.leave(session, entry_id=entry_id)
    new = bookings.book(
        session, customer_id=old.customer_id, service_id=old.service_id, starts_at=starts,
        ends_at=ends, staff_id=change["staff_id"], channel=Channel.PHONE, price=old.price,
        note=old.note, status=BookingStatus(change["status"]),
    )  # fmt: skip
    new.channel, new.terms, new.deposit = old.channel, old.terms, old.deposit
    session.flush()  # the row is complete for whoever reads it next
    return new.id
