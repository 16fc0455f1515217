"""Whether what a message says still holds: nobody is reminded of what was called off."""

from collections.abc import Callable

from app import clock
from app.operations.refusing import HeldBack
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.memberships import Membership, MembershipStatus
from models.messages import Message, MessageEvent
from models.orders import Order, OrderStatus
from models.packages import HoldingStatus, PackageHolding


class ChangedSince(HeldBack):
    sentence = "It was not sent: what it says is not true any more."


class TooLate(HeldBack):
    sentence = "It was not sent in time: by then it was of no use any more."


class NotHere(HeldBack):
    sentence = "It was not sent: the customer is not here any more."


_BOOKING_IS: dict[str, frozenset[str]] = {
    MessageEvent.BOOKING_CONFIRMED: frozenset({BookingStatus.CONFIRMED}),
    MessageEvent.BOOKING_MOVED: frozenset({BookingStatus.PENDING, BookingStatus.CONFIRMED}),
    MessageEvent.BOOKING_CANCELLED: frozenset({BookingStatus.CANCELLED}),
    MessageEvent.BOOKING_OFFERED: frozenset({BookingStatus.PENDING}),
    MessageEvent.BOOKING_REMINDER: frozenset({BookingStatus.PENDING, BookingStatus.CONFIRMED}),
    MessageEvent.BOOKING_COMPLETED: frozenset({BookingStatus.COMPLETED}),
    MessageEvent.BOOKING_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
}
_BEFORE_IT_BEGINS = frozenset({MessageEvent.BOOKING_REMINDER, MessageEvent.BOOKING_OFFERED})


def check(message: Message) -> HeldBack | None:
    """Why a message may not go out any more, if so: its customer, booking, order and so on tell."""
    customer = message.customer
    if customer is None or customer.anonymised_at or customer.archived_at:
        return NotHere()
    if message.useless_at is not None and message.useless_at <= clock.now():
        return TooLate()
    if message.event is None or all(holds(message) for holds in _CHECKS):
        return None
    return ChangedSince()


def _booking(message: Message) -> bool:
    booking: Booking | None = message.booking
    if booking is None:
        return True
    allowed = _BOOKING_IS.get(message.event or "")
    if allowed is not None and booking.status not in allowed:
        return False
    if message.event in _BEFORE_IT_BEGINS and booking.starts_at <= clock.now():
        return False
    if message.event == MessageEvent.BOOKING_OFFERED:
        return booking.held_until is not None and booking.held_until > clock.now()
    return message.sequence is None or booking.sequence == message.sequence


def _order(message: Message) -> bool:
    order: Order | None = message.order
    if order is None or message.event == MessageEvent.ORDER_REFUNDED:
        return True
    return order.status not in (OrderStatus.CANCELLED, OrderStatus.DRAFT)


def _membership(message: Message) -> bool:
    membership: Membership | None = message.membership
    if membership is None:
        return True
    ended = membership.status == MembershipStatus.ENDED
    if message.event == MessageEvent.MEMBERSHIP_RENEWING:
        return not ended and not membership.cancel_at_period_end
    if message.event == MessageEvent.MEMBERSHIP_FAILED:
        return membership.status == MembershipStatus.PAST_DUE
    return ended == (message.event == MessageEvent.MEMBERSHIP_ENDED)


def _holding(message: Message) -> bool:
    holding: PackageHolding | None = message.holding
    return holding is None or (holding.status == HoldingStatus.ACTIVE and holding.uses_left > 0)


def _customer(message: Message) -> bool:
    """Whoever came back need not be won back."""
    customer: Customer | None = message.customer
    if message.event != MessageEvent.WIN_BACK or customer is None:
        return True
    return customer.last_activity_at <= (message.created_at or clock.now())


_CHECKS: tuple[Callable[[Message], bool], ...] = (
    _booking, _order, _membership, _holding, _customer,
)  # fmt: skip
