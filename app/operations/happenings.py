"""Happenings: an operation says what has happened, and the vendor's rules say what follows.

`tell` is called in the transaction of the operation, so that what follows is promised with it or
not at all; a worker makes messages and tasks of it. What nobody does, such as a birthday or the
day before a booking, is found by `app.operations.falling_due` when its time has come: telling of
those here does nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import quickly
from app.operations import customers, messages, outbox, planning, rule_conditions, rule_moments
from app.operations.rule_conditions import About
from app.operations.zones import zone_of
from app.tenancy import current_actor
from models.bookings import Booking
from models.customers import Customer
from models.message_rules import BY_TIME, MessageRule, RuleAction
from models.messages import MessageEvent as Event
from models.messages import purpose_of
from models.tasks import TaskKind

__all__ = ["HOUSE", "Event", "Happened", "follow", "hear", "tell"]

TASK = "tasks.happenings.hear"

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
    sequence: int | None = None
    """The form of the booking of which it is said; None: as it stands when it is done."""


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
) -> bool:
    """Promise that the rules of the customer's vendor act on what has just happened.

    False where nothing follows: without a customer, of one who was archived, and where the vendor
    has no rule that speaks of it now. `occasion` tells apart what happens more than once to the
    same thing, such as `"shipment:12"` of an order; by itself it is the booking in its present
    form, else what is named. `at` is when it happened (empty: now), `words` are merge fields that
    only this happening knows.
    """
    if customer_id is None or event in BY_TIME:
        return False
    booking = None if booking_id is None else session.get_one(Booking, booking_id)
    about = About(
        booking_id=booking_id, order_id=order_id, membership_id=membership_id,
        holding_id=holding_id, task_id=task_id,
    )  # fmt: skip
    until = useless_at or messages.of_no_use_from(event, booking)
    told = {
        "user_id": current_actor().user_id,
        "event": event,
        "customer_id": customer_id,
        "about": about.named(),
        "occasion": occasion or _occasion(event, booking, about, customer_id),
        "at": (at or clock.now()).isoformat(),
        "useless_at": until and until.isoformat(),
        "words": None if words is None else dict(words),
        "sequence": booking and booking.sequence,
    }
    session.flush()  # what is asked for below
    sent = {
        "task": TASK, "told": Jsonb(told), "now": clock.now(), "customer_id": customer_id,
        "event": event, "house": event in HOUSE, "wakes": outbox.CHANNEL,
    }  # fmt: skip
    return bool(quickly(session.connection(), _PROMISE, sent))


_PROMISE = """
    INSERT INTO outbox_messages (vendor_id, task, payload, available_at)
    SELECT c.vendor_id, %(task)s, %(told)s || jsonb_build_object('rules', r.awake), %(now)s
    FROM customers c CROSS JOIN LATERAL (
      SELECT count(*) AS known,
        coalesce(jsonb_agg(m.id ORDER BY m.id) FILTER (WHERE m.paused_at IS NULL), '[]') AS awake
      FROM message_rules m WHERE m.vendor_id = c.vendor_id AND m.event = %(event)s
    ) r
    WHERE c.id = %(customer_id)s AND c.archived_at IS NULL
      AND (r.awake <> '[]' OR %(house)s AND r.known = 0)
    RETURNING pg_notify(%(wakes)s, '')
    """
"""Asked and promised in one way there and back: it is part of every booking."""


def hear(
    session: Session,
    *,
    event: str,
    customer_id: int,
    about: Mapping[str, int],
    occasion: str,
    at: datetime,
    useless_at: datetime | None,
    words: Mapping[str, str] | None,
    sequence: int | None,
    rules: Sequence[int],
) -> int:
    """Do what was promised when something happened; how many messages and tasks came of it.

    Of the `rules` that spoke of it then, those that still do; of none, the house tells. Whoever
    the customer's file was merged into hears of it. Twice is as good as once.
    """
    customer = session.get_one(Customer, customers.survivor_of(session, customer_id))
    happened = Happened(
        Event(event), customer.id, About(**about), occasion, at, useless_at, words,
        sequence=sequence,
    )  # fmt: skip
    if not rules:
        return int(_by_the_house(session, happened))
    zone = ZoneInfo(zone_of(session, customer.vendor_id))
    meant = [
        rule for rule in _awake(session, rules)
        if rule_conditions.why_not(session, rule, happened) is None
    ]  # fmt: skip
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
        sequence=happened.sequence,
        send_at=when if when > clock.now() else None,
        useless_at=happened.useless_at,
        key=key,
        words=dict(happened.words) if happened.words else None,
    )
    return composed is not None


def key_of(rule: MessageRule, occasion: str) -> str:
    """What a rule's message or task for an occasion is known by."""
    return f"rule:{rule.id}:{occasion}"


def _awake(session: Session, rule_ids: Sequence[int]) -> Sequence[MessageRule]:
    speaks = select(MessageRule).where(MessageRule.id.in_(rule_ids))
    return session.scalars(
        speaks.where(MessageRule.paused_at.is_(None)).order_by(MessageRule.id)
    ).all()


def _by_the_house(session: Session, happened: Happened) -> bool:
    """By the best known channel, in the words in use; a change of a booking is known by itself."""
    composed = messages.compose(
        session,
        customer_id=happened.customer_id,
        purpose=purpose_of(happened.event),
        event=happened.event,
        **happened.about.named(),
        sequence=happened.sequence,
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


def _occasion(event: Event, booking: Booking | None, about: About, customer_id: int) -> str:
    """What happens to a booking happens to it as it stands; of the rest the id is enough."""
    if booking is not None:
        return f"{event}:booking:{booking.id}:{booking.sequence}"
    named = [f"{name.removesuffix('_id')}:{number}" for name, number in about.named().items()]
    return ":".join([event, *(named or [f"customer:{customer_id}"])])
