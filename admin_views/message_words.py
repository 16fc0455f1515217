"""What messages are called on screen: their events, channels and purposes, and what helps them."""

from collections.abc import Mapping

from app.operations.texting import size_of
from models.customers import ConsentPurpose
from models.messages import Direction, Message, MessageChannel, MessageEvent, MessageStatus

EVENTS: Mapping[MessageEvent, str] = {
    MessageEvent.BOOKING_CONFIRMED: "Booking confirmed",
    MessageEvent.BOOKING_MOVED: "Booking moved",
    MessageEvent.BOOKING_CANCELLED: "Booking cancelled",
    MessageEvent.BOOKING_OFFERED: "Free place offered",
    MessageEvent.BOOKING_REMINDER: "Booking is coming up",
    MessageEvent.BOOKING_COMPLETED: "Visit completed",
    MessageEvent.BOOKING_NO_SHOW: "Did not come",
    MessageEvent.ORDER_PLACED: "Order placed",
    MessageEvent.ORDER_SHIPPED: "Order handed over",
    MessageEvent.ORDER_DELIVERED: "Order delivered",
    MessageEvent.ORDER_REFUNDED: "Money given back",
    MessageEvent.MEMBERSHIP_RENEWING: "Membership renews soon",
    MessageEvent.MEMBERSHIP_RENEWED: "Membership renewed",
    MessageEvent.MEMBERSHIP_FAILED: "Renewal not paid",
    MessageEvent.MEMBERSHIP_EXPIRING: "Membership ends soon",
    MessageEvent.MEMBERSHIP_ENDED: "Membership ended",
    MessageEvent.PACKAGE_LOW: "Package running out",
    MessageEvent.PACKAGE_EXPIRING: "Package expires soon",
    MessageEvent.POINTS_EXPIRING: "Points expire soon",
    MessageEvent.REPLENISHMENT_DUE: "Product may be used up",
    MessageEvent.VISIT_DUE: "Next visit is due",
    MessageEvent.BIRTHDAY: "Birthday",
    MessageEvent.WIN_BACK: "Has not come for long",
    MessageEvent.TASK_DONE: "Task done",
}
"""Every event as people say it."""

GROUPS = (
    ("Bookings", "booking"), ("Orders", "order"), ("Memberships", "membership"),
    ("Packages", "package"), ("Other occasions", ""),
)  # fmt: skip
"""Events under their heads, by how they begin; the last head takes what is left."""

CHANNELS = (
    (MessageChannel.EMAIL.value, "E-mail"),
    (MessageChannel.SMS.value, "SMS"),
    (MessageChannel.PUSH.value, "App"),
    (MessageChannel.IN_APP.value, "In person"),
    (MessageChannel.PHONE.value, "Phone call"),
    (MessageChannel.LETTER.value, "Letter"),
)
WRITTEN = CHANNELS[:4]
"""Those by which something is sent, or told by whoever sees it in the panel."""

PURPOSES = (
    (ConsentPurpose.TRANSACTIONAL.value, "About a visit or an order"),
    (ConsentPurpose.REMINDER.value, "Reminder"),
    (ConsentPurpose.MARKETING.value, "Offer"),
)
DIRECTIONS = ((Direction.OUT.value, "To customers"), (Direction.IN.value, "From customers"))
ICONS: Mapping[str, str] = {
    "email": "mail", "sms": "message", "push": "device-mobile", "in_app": "user",
    "phone": "phone", "letter": "mailbox",
}  # fmt: skip

_CHANNEL_WORDS, _PURPOSE_WORDS = dict(CHANNELS), dict(PURPOSES)


def event_word(event: str | None) -> str:
    """Booking confirmed; what hangs on nothing was written by hand."""
    known = set(MessageEvent)
    return EVENTS[MessageEvent(event)] if event in known else "Written by hand"


def channel_word(channel: str) -> str:
    """E-mail, SMS, App and so on."""
    return _CHANNEL_WORDS.get(channel, channel)


def purpose_word(purpose: str) -> str:
    """Reminder, Offer, or About a visit or an order."""
    return _PURPOSE_WORDS.get(purpose, purpose)


def status_of(message: Message) -> str:
    """Where a message stands; what a customer said is received, what was only told is logged."""
    if message.direction == Direction.IN:
        return "received"
    told = message.channel in (MessageChannel.PHONE, MessageChannel.LETTER)
    return "logged" if told and message.status == MessageStatus.DELIVERED else message.status


def length_text(text: str) -> str:
    """How many parts a text message takes: 2 parts, 214 of 306 characters."""
    size = size_of(text)
    room = size.length + size.left if size.parts < 2 else _room(size.parts, size.wide)
    parts = f"{size.parts} part{'' if size.parts == 1 else 's'}"
    said = f"{parts}, {size.length} of {room} characters"
    if size.wide is None:
        return said
    return f"{said}: “{size.wide}” needs the large alphabet, of which fewer fit into a part"


def _room(parts: int, wide: str | None) -> int:
    return parts * (153 if wide is None else 67)


CUSTOMERS_PAGE = "Write down or correct the address on the customer's page, then send it again."
NEXT: Mapping[str, str] = {
    "NoAddress": CUSTOMERS_PAGE,
    "NothingArrives": "Correct the address on the customer's page, or press “Write there again”"
    " beside their consents; then send it again.",
    "RecipientRefused": CUSTOMERS_PAGE,
    "NobodyThere": CUSTOMERS_PAGE,
    "NothingArrived": CUSTOMERS_PAGE,
    "AddressBlocked": "Call them: their provider lets nothing of ours through.",
    "ProviderRefuses": CUSTOMERS_PAGE,
    "NoNumber": CUSTOMERS_PAGE,
    "NoDevice": CUSTOMERS_PAGE,
    "NobodyCouldStopIt": "Ask who runs Backroom to set SECRET_KEY for the worker, too.",
    "NotMailable": CUSTOMERS_PAGE,
    "NoConsent": "Only the customer can change this: note a new consent when they say so.",
    "LeftAlone": "Only the customer can change this: note a new consent when they say so.",
    "OftenEnough": "Nothing is to be done: it can be sent again in some days.",
    "OnlyQuietHours": "Nothing is to be done; call instead, if they have to know.",
    "ChangedSince": "Nothing is to be done: what has changed was told by a message of its own.",
    "TooLate": "Nothing is to be done; call instead, if they still have to know.",
    "RuleRests": "Nothing is to be done, or the rule goes on and it is sent again.",
    "NotHere": "Nothing is to be done.",
    "CalledOff": "Nothing is to be done.",
    "NotSetUp": "Ask who runs Backroom to set up sending, then send it again.",
    "NobodyBringsIt": "Ask who runs Backroom to set up sending, then send it again.",
    "KilledWorkers": "Ask who runs Backroom before it is sent again.",
}
"""What helps, by the reason that a message carries."""


def next_step(message: Message) -> str | None:
    """What is to be done about a message that did not go out; None when it did, or still may."""
    if message.status == MessageStatus.SUPPRESSED:
        return NEXT.get(message.reason or "", "Send it again when that has changed.")
    if message.status == MessageStatus.FAILED:
        return NEXT.get(message.reason or "", "Send it again when that is put right.")
    return None
