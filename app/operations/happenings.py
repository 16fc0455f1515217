"""Happenings: an operation says what has happened, and the vendor's rules say what follows.

`tell` is called in the transaction of the operation, so that what follows is promised with it or
not at all. What nobody does, such as a birthday or the day before a booking, is found by
`app.operations.falling_due` when its time has come: telling of those here does nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import messages, planning, rule_conditions, rule_moments
from app.operations.rule_conditions import About
from app.operations.zones import zone_of
from models.bookings import Booking
from models.customers import Customer
from models.message_rules import BY_TIME, MessageRule, RuleAction
from models.messages import MessageEvent as Event
from models.messages import purpose_of
from models.tasks import TaskKind

__all__ = ["HOUSE", "Event", "Happened", "follow", "tell"]

HOUSE = frozenset(
    {
        Event.BOOKING_CONFIRMED, Event.BOOKING_MOVED, Event.BOOKING_CANCELLED,
        Event.BOOKING_OFFERED, Event.BOOKING_COMPLETED,
    }
)  # fmt: skip
"""What is told at once where the vendor has no rule for it at all; a paused rule is one."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a customer, or is going to at `at`.

    `occasion` names it: the same occasion is told once by a rule. From `useless_at` on nobody
    wants to hear of it. Before `known_at` nobody could know of it.
    """

    event: Event
    customer_id: int
    about: About
    occasion: str
    at: datetime
    useless_at: datetime | None = None
    words: Mapping[str, str] | None = None
    known_at: datetime | None = None


def tell(
    session: Session,
    event: Event,
    *,
    customer_id: int | None,
    booking_id: int | None = None,
    order_id: int | None = None,
    membership_id: int | None = None,
    holding_id: int | None = None,
    task_id: int | None = None,
    occasion: str | None = None,
    at: datetime | None = None,
    useless_at: datetime | None = None,
    words: Mapping[str, str] | None = None,
) -> int:
    """Let the rules of the customer's vendor act on what has just happened; how many did.

    Nothing follows without a customer, or of one who was archived. `occasion` tells apart what
    happens more than once to the same thing, such as `"shipment:12"` of an order; by itself it is
    the booking in its present form, else what is named. `at` is when it happened (empty: now),
    `words` are merge fields that only this happening knows.
    """
    if customer_id is None or event in BY_TIME:
        return 0
    rules = _rules(session, customer_id, event)
    if not rules and event not in HOUSE:
        return 0
    customer = session.get(Customer, customer_id)
    if customer is None or customer.archived_at is not None:
        return 0
    about = About(
        booking_id=booking_id, order_id=order_id, membership_id=membership_id,
        holding_id=holding_id, task_id=task_id,
    )  # fmt: skip
    happened = Happened(
        event, customer.id, about, occasion or _occasion(session, event, about, customer.id),
        at or clock.now(), useless_at or _useless_at(session, event, booking_id), words,
    )  # fmt: skip
    if not rules:
        return int(_by_the_house(session, happened))
    zone = ZoneInfo(zone_of(session, customer.vendor_id))
    awake = [rule for rule in rules if rule.paused_at is None]
    meant = [rule for rule in awake if rule_conditions.why_not(session, rule, happened) is None]
    return sum(follow(session, rule, happened, zone) for rule in meant)


def follow(session: Session, rule: MessageRule, happened: Happened, zone: ZoneInfo) -> bool:
    """Send the message, or plan the task, that a rule wants for this; False if it did before.

    The conditions of the rule are not asked here.
    """
    when = rule_moments.moment(rule, happened.at, zone)
    if happened.useless_at is not None and max(when, clock.now()) >= happened.useless_at:
        return False
    key = key_of(rule, happened.occasion)
    if rule.action == RuleAction.TASK:
        return _plan(session, rule, happened, when, key)
    composed = messages.compose(
        session,
        customer_id=happened.customer_id,
        purpose=purpose_of(happened.event),
        event=happened.event,
        template_id=rule.template_id,
        channel=rule.channel,
        **happened.about.named(),
        send_at=when if when > clock.now() else None,
        useless_at=happened.useless_at,
        key=key,
        words=dict(happened.words) if happened.words else None,
    )
    return composed is not None


def key_of(rule: MessageRule, occasion: str) -> str:
    """What a rule's message or task for an occasion is known by."""
    return f"rule:{rule.id}:{occasion}"


def _rules(session: Session, customer_id: int, event: Event) -> list[MessageRule]:
    """Those of the customer's vendor, paused ones too."""
    vendor_id = select(Customer.vendor_id).where(Customer.id == customer_id).scalar_subquery()
    theirs = select(MessageRule).where(MessageRule.vendor_id == vendor_id)
    return list(session.scalars(theirs.where(MessageRule.event == event).order_by(MessageRule.id)))


def _by_the_house(session: Session, happened: Happened) -> bool:
    """By the best known channel, in the words in use; a change of a booking is known by itself."""
    composed = messages.compose(
        session,
        customer_id=happened.customer_id,
        purpose=purpose_of(happened.event),
        event=happened.event,
        **happened.about.named(),
        useless_at=happened.useless_at,
        words=dict(happened.words) if happened.words else None,
    )
    return composed is not None


def _plan(
    session: Session, rule: MessageRule, happened: Happened, when: datetime, key: str
) -> bool:
    planned = planning.plan_once(
        session,
        key=key,
        title=rule.task_title or rule.name,
        customer_id=happened.customer_id,
        kind=TaskKind(rule.task_kind or TaskKind.FOLLOW_UP),
        assignee_id=rule.assignee_id,
        due_at=max(when, clock.now()),
        booking_id=happened.about.booking_id,
        order_id=happened.about.order_id,
    )
    return planned is not None


def _useless_at(session: Session, event: Event, booking_id: int | None) -> datetime | None:
    booking = None if booking_id is None else session.get_one(Booking, booking_id)
    return messages.of_no_use_from(event, booking)


def _occasion(session: Session, event: Event, about: About, customer_id: int) -> str:
    """What happens to a booking happens to it as it stands; of the rest the id is enough."""
    if about.booking_id is not None:
        booking = session.get_one(Booking, about.booking_id)
        return f"{event}:booking:{booking.id}:{booking.sequence}"
    named = [f"{name.removesuffix('_id')}:{number}" for name, number in about.named().items()]
    return ":".join([event, *(named or [f"customer:{customer_id}"])])
