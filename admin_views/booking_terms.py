"""What a booking's page says of places, terms and fees, and the questions that name a fee."""

from collections.abc import Callable

from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.rendering import moment, money, plural
from admin_views.saving import Moves
from app import clock
from app.errors import DomainError
from app.operations import bookings, policies
from app.operations.policies import Fee
from models.bookings import Booking, BookingStatus, CancelledBy
from models.services import ServiceKind

TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
WHY = ("reason", "Why (optional)")
WAIVE = ("waive", "Let the fee go, because (optional)")


class FeeChanged(DomainError):
    sentence = "This has changed meanwhile. {now} Look at it again, and confirm."


def fee_of_cancelling(booking: Booking) -> Fee:
    """What it costs the customer to call it off now."""
    return policies.of_cancelling(
        booking.terms, price=booking.price, starts_at=booking.starts_at, at=clock.now(),
        by=CancelledBy.CUSTOMER,
    )  # fmt: skip


def fee_of_not_coming(booking: Booking) -> Fee:
    """What a no-show costs."""
    return policies.of_not_coming(booking.terms, price=booking.price)


def with_fee(pair: Moves, fee_of: Callable[[Booking], Fee]) -> Moves:
    """The command, refused when it costs something else than its question said."""
    run, when = pair

    def checked(session: Session, number: int, *, fee: str = "", **words: str) -> None:
        now = fee_of(session.get_one(Booking, number))
        if fee and fee != str(now.amount):
            raise FeeChanged(now=now.sentence)
        run(session, number, **{name: word for name, word in words.items() if word})

    return checked, when


def once_begun(pair: Moves) -> Moves:
    """The command, whose button is not there before the booking begins."""
    run, when = pair
    return run, lambda booking: booking.starts_at <= clock.now() and when(booking)


def carried(fee_of: Callable[[Booking], Fee]) -> Callable[[Booking], dict[str, str]]:
    """What the question said, to be sent along with the answer."""
    return lambda booking: {"fee": str(fee_of(booking).amount)}


def ask_cancel(booking: Booking) -> tuple[str, str]:
    """The question before a customer calls it off."""
    said = fee_of_cancelling(booking).sentence
    return "Does the customer call it off?", f"{said} Its time is free for others at once."


def ask_no_show(booking: Booking) -> tuple[str, str]:
    """The question before a no-show."""
    return "Did the customer not come?", fee_of_not_coming(booking).sentence


def for_the_customer(session: Session, *, booking_id: int, **words: str) -> Booking:
    """The customer calls it off."""
    by = CancelledBy.CUSTOMER
    return bookings.cancel(session, booking_id=booking_id, by=by, **words)


def by_the_vendor(session: Session, *, booking_id: int, reason: str = "") -> Booking:
    """The vendor calls it off."""
    return bookings.cancel(session, booking_id=booking_id, reason=reason or None)


def seats(booking: Booking) -> str | None:
    """The places it takes in a class."""
    return plural(booking.seats, "place") if booking.kind == ServiceKind.CLASS else None


def class_link(booking: Booking) -> Markup | None:
    """The way to who comes to its class."""
    if booking.class_session_id is None:
        return None
    url = f"/admin/class-session/details/{booking.class_session_id}"
    return Markup('<a href="{}">Who comes to it</a>').format(url)


def series_link(booking: Booking) -> Markup | None:
    """Which of its series it is."""
    if booking.series is None:
        return None
    url = f"/admin/booking-series/details/{booking.series_id}?booking={booking.id}"
    said = f"Number {booking.series_number} of {booking.series.occurrences}"
    return Markup('<a href="{}">{}</a>').format(url, said)


def held_until(booking: Booking) -> str | None:
    """Until when it is an offer."""
    pending = booking.status == BookingStatus.PENDING
    return moment(booking.held_until) if pending and booking.held_until else None


def deposit(booking: Booking) -> str | None:
    """What was asked for in advance."""
    return money(booking.deposit) if booking.deposit else None


def terms(booking: Booking) -> str | None:
    """What the terms come to as it stands: now, or for not coming."""
    if booking.status not in TO_COME:
        return None
    return f"{fee_of_cancelling(booking).sentence} {fee_of_not_coming(booking).sentence}"


def moves(booking: Booking) -> str | None:
    """How often the customer has moved it, of how often they may."""
    most = (booking.terms or {}).get("max_moves")
    if most is None:
        return plural(booking.moves, "time") if booking.moves else None
    return f"{booking.moves} of {plural(most, 'time')}"


def called_off(booking: Booking) -> str | None:
    """When it was cancelled, and by whom."""
    if booking.cancelled_at is None:
        return None
    who = {CancelledBy.CUSTOMER: "the customer", CancelledBy.VENDOR: "the vendor"}
    by = who.get(CancelledBy(booking.cancelled_by), "the system") if booking.cancelled_by else ""
    return f"{moment(booking.cancelled_at)}{' by ' + by if by else ''}"


def owed(booking: Booking) -> str | None:
    """What is owed, 0 if it was let go."""
    return money(booking.fee) if booking.fee or booking.fee_waived else None
