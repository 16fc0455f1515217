"""Rules of what customers hear of: made, changed, paused, taken up again, thrown away."""

from datetime import time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations.customers import clean
from app.operations.moves import locked
from app.operations.planning import check_assignee
from app.tenancy import current_actor
from models.base import Base
from models.categories import Category
from models.memberships import MembershipPlan
from models.message_rules import BEFORE, BY_DAY, MessageRule, RuleAction, RuleChannel
from models.messages import MessageEvent as Event
from models.messages import MessageTemplate
from models.services import Service
from models.tasks import TaskKind
from models.words import Channel

AT = time(10, 0)
"""When it is told what falls on a day, unless a rule says another time."""

OVERLAP = timedelta(minutes=10)
"""So long before `scanned_until` it is looked again: longer than any transaction that books."""

FURTHEST_DAYS, FURTHEST_MINUTES = 3650, 14_400
LONGEST = 120

_BOOKED = frozenset(event for event in Event if event.startswith("booking_"))
_ORDERED = frozenset(event for event in Event if event.startswith("order_"))
_MEMBERS = frozenset(event for event in Event if event.startswith("membership_"))
_PACKAGED = frozenset({Event.PACKAGE_LOW, Event.PACKAGE_EXPIRING})

OF_A_SERVICE = _BOOKED | _ORDERED | _PACKAGED
OF_A_CATEGORY = OF_A_SERVICE | {Event.REPLENISHMENT_DUE}
OF_A_PLAN = _MEMBERS | _ORDERED
"""Of which events a rule can ask for a service, a category, a plan."""


class NoSuchEvent(DomainError):
    sentence = "Say what has to happen: choose it from the list."
    field = "event"


class NeedsName(DomainError):
    sentence = "This rule has no name: write one by which you find it again."
    field = "name"


class NotInReach(DomainError):
    sentence = "This is too far away: write at most {days:,} days and {minutes:,} minutes."
    field = "days"


class AtOrMinutes(DomainError):
    sentence = "A time of the day and minutes exclude each other: leave one of them empty."
    field = "minutes"


class AfterItBegins(DomainError):
    sentence = (
        "At a time of the same day a booking may have begun: write one day or more, or minutes."
    )
    field = "days"


class NeedsLead(DomainError):
    sentence = "Say how long before it is told: write days or minutes."
    field = "days"


class SaysNothing(DomainError):
    sentence = "Say what is to be done: write what the task is called."
    field = "task_title"


class NotOfThisEvent(DomainError):
    sentence = "This event has no {what} to ask for: leave it empty."


class WrongTemplate(DomainError):
    sentence = "This template is for something else: choose one of this event, or the words in use."
    field = "template"


class NotHere(DomainError):
    sentence = "This one is not here: choose one from the list."


def plan(session: Session, *, event: str, name: str | None = None, **said: Any) -> MessageRule:
    """Make a rule; `said` as in `edit`. What fell due before it was made stays untold.

    An admin makes it for the vendor stood in.
    """
    if event not in set(Event):
        raise NoSuchEvent
    rule = MessageRule(event=Event(event), scanned_until=clock.now() + OVERLAP)
    rule.vendor_id = _stood_in()
    _write(session, rule, name, **said)
    session.add(rule)
    session.flush()  # the id
    return rule


def edit(session: Session, *, rule_id: int, name: str | None = None, **said: Any) -> MessageRule:
    """Change a rule in every point but its event; what it has sent already is not sent again.

    `said`: action, channel (None: the best known), template_id (None: the words in force), days,
    minutes, at (wall time), service_id, category_id, plan_id, came_by, task_kind, task_title,
    assignee_id. What is not named is empty.
    """
    rule = locked(session, MessageRule, rule_id)
    _write(session, rule, name, **said)
    rule.version += 1
    session.flush()  # the verdict of the constraints
    return rule


def pause(session: Session, *, rule_id: int) -> MessageRule:
    """Let it rest: nothing new follows from it, and what waits to be sent is not sent."""
    rule = locked(session, MessageRule, rule_id)
    rule.paused_at = rule.paused_at or clock.now()
    return rule


def resume(session: Session, *, rule_id: int) -> MessageRule:
    """Let it speak again, from now on: what fell due meanwhile stays untold."""
    rule = locked(session, MessageRule, rule_id)
    if rule.paused_at is not None:
        rule.paused_at, rule.scanned_until = None, clock.now() + OVERLAP
    return rule


def remove(session: Session, *, rule_id: int) -> None:
    """Throw a rule away; what followed from it stays."""
    session.delete(locked(session, MessageRule, rule_id))
    session.flush()  # nobody finds it any more


def wants(session: Session, *, key: str | None) -> bool:
    """Whether the rule by which this key was made still speaks; of keys of no rule it is true.

    Asked once more when a message is sent.
    """
    parts = (key or "").split(":")
    if parts[0] != "rule" or len(parts) < 2 or not parts[1].isdecimal():
        return True
    rule = session.get(MessageRule, int(parts[1]))
    return rule is not None and rule.paused_at is None


# --- what is written ------------------------------------------------------------------------


def _write(
    session: Session,
    rule: MessageRule,
    name: str | None,
    *,
    action: str = RuleAction.MESSAGE,
    channel: str | None = None,
    template_id: int | None = None,
    days: int | None = None,
    minutes: int | None = None,
    at: time | None = None,
    service_id: int | None = None,
    category_id: int | None = None,
    plan_id: int | None = None,
    came_by: str | None = None,
    task_kind: str | None = None,
    task_title: str | None = None,
    assignee_id: int | None = None,
) -> None:
    rule.name = clean(name, "name", longest=LONGEST) or ""
    if not rule.name:
        raise NeedsName
    rule.action = RuleAction(action)
    is_task = rule.action == RuleAction.TASK
    rule.channel = None if channel is None or is_task else RuleChannel(channel)
    rule.template_id = None if is_task else template_id
    _set_moment(rule, days or 0, minutes or 0, at)
    rule.service_id, rule.category_id, rule.plan_id = service_id, category_id, plan_id
    rule.came_by = None if came_by is None else Channel(came_by)
    rule.task_title = clean(task_title, "task_title", longest=300) if is_task else None
    rule.task_kind = TaskKind(task_kind or TaskKind.FOLLOW_UP) if is_task else None
    rule.assignee_id = assignee_id if is_task else None
    if is_task and rule.task_title is None:
        raise SaysNothing
    check_assignee(session, rule.assignee_id, rule.vendor_id)
    _check_conditions(session, rule)


def _set_moment(rule: MessageRule, days: int, minutes: int, at: time | None) -> None:
    if not (0 <= days <= FURTHEST_DAYS and 0 <= minutes <= FURTHEST_MINUTES):
        raise NotInReach(days=FURTHEST_DAYS, minutes=FURTHEST_MINUTES)
    if rule.event in BY_DAY:
        if minutes:
            raise AtOrMinutes("Minutes are not counted from a day: write the time of the day.")
        at = at or AT
    if at is not None and minutes:
        raise AtOrMinutes
    if rule.event in BEFORE - BY_DAY and at is not None and days == 0:
        raise AfterItBegins
    if (rule.event == Event.BOOKING_REMINDER and days + minutes == 0) or (
        rule.event == Event.WIN_BACK and days == 0
    ):
        raise NeedsLead
    rule.days, rule.minutes = days, minutes
    rule.at = at and at.replace(second=0, microsecond=0, tzinfo=None)


def _check_conditions(session: Session, rule: MessageRule) -> None:
    asked = (
        ("service", rule.service_id, OF_A_SERVICE, Service),
        ("category", rule.category_id, OF_A_CATEGORY, Category),
        ("plan", rule.plan_id, OF_A_PLAN, MembershipPlan),
    )
    for what, number, possible, model in asked:
        if number is None:
            continue
        if rule.event not in possible:
            raise NotOfThisEvent(field=what, what=what)
        _check_here(session, rule, model, number, what)
    _check_template(session, rule)


def _check_here(
    session: Session, rule: MessageRule, model: type[Base], number: int, field: str
) -> None:
    row = session.get(model, number)
    if row is None or getattr(row, "vendor_id", rule.vendor_id) != rule.vendor_id:
        raise NotHere(field=field)


def _check_template(session: Session, rule: MessageRule) -> None:
    if rule.template_id is None:
        return
    template = session.get(MessageTemplate, rule.template_id)
    if template is None or template.vendor_id != rule.vendor_id:
        raise NotHere(field="template")
    if template.event not in (None, rule.event):
        raise WrongTemplate
    if rule.channel is not None and template.channel != rule.channel:
        raise WrongTemplate("This template is for another channel: choose one of the rule's.")


def _stood_in() -> int:
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        raise DomainError("Nobody's rule: enter a vendor from the menu first.")
    return vendor_id
