"""Rules on screen: what customers hear of and when; paused, and tried on a day before it counts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views import rule_trying
from admin_views.base import HouseView, declared
from admin_views.filters import Named, OneOf, of_vendor
from admin_views.forms import Choice, Clock, Pick, Saving, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import Records
from admin_views.lookups import ALL_PLANS, ALL_SERVICES, CATEGORIES, STAFF
from admin_views.message_words import EVENTS, WRITTEN
from admin_views.rendering import minutes, plural, word
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import message_rules
from app.tenancy import current_actor
from models.message_rules import BEFORE, MessageRule, RuleAction
from models.messages import MessageEvent, MessageTemplate
from models.tasks import TaskKind
from models.words import Channel

BY_ITSELF = (
    "Without a rule, customers still hear of bookings that are confirmed, moved, called off,"
    " offered or completed: pause a rule of theirs to keep quiet"
)
TEMPLATES = Records(
    MessageTemplate,
    (MessageTemplate.name,),
    hint=lambda t: word(t.channel),
    live=(MessageTemplate.is_active,),
)


def said_event(rule: MessageRule) -> str:
    """Booking is coming up."""
    return EVENTS[MessageEvent(rule.event)]


def said_when(rule: MessageRule) -> str:
    """At once, 2 h before, 1 day before at 18:00."""
    side = "before" if rule.event in BEFORE else "after"
    parts = [plural(rule.days, "day")] if rule.days else []
    parts += [minutes(rule.minutes)] if rule.minutes else []
    away = " ".join(parts)
    if rule.at is None:
        return f"{away} {side}" if away else "At once"
    return f"{away} {side}, at {rule.at:%H:%M}" if away else f"On the day, at {rule.at:%H:%M}"


def said_what(rule: MessageRule) -> str:
    """What follows: a message by e-mail, or a task."""
    if rule.action == RuleAction.TASK:
        who = f" for {rule.assignee.name}" if rule.assignee else ""
        return f"Task: {rule.task_title}{who}"
    names = dict(WRITTEN)
    way = names[rule.channel] if rule.channel else "Best known channel"
    return f"{way}, {rule.template.name}" if rule.template else way


def said_conditions(rule: MessageRule) -> str | None:
    """What it is only for."""
    parts = [
        rule.service and rule.service.name,
        rule.category and rule.category.name,
        rule.plan and rule.plan.name,
        rule.came_by and word(rule.came_by),
    ]
    return ", ".join(part for part in parts if part) or None


def _state(rule: MessageRule) -> str:
    return "active" if rule.paused_at is None else "paused"


def _pause(session: Session, number: int) -> None:
    message_rules.pause(session, rule_id=number)


def _resume(session: Session, number: int) -> None:
    message_rules.resume(session, rule_id=number)


class MessageRuleView(HouseView, model=MessageRule):
    """When what happens, who hears of it, how."""

    name, name_plural, icon = "Rule", "Rules", "ti ti-bell-cog"
    category, status_kind, hint = "Messages", "rule", BY_ITSELF
    details_template = "panel/message_rule.html"
    columns = (
        Col("name", "Rule"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("event", "When", value=said_event),
        Col("days", "Said", value=said_when),
        Col("action", "What follows", value=said_what),
        Col("conditions", "Only for", value=said_conditions, optional=True),
        Col("status", "Status", "pill", pill_kind="rule", css="c-status", value=_state),
    )
    sorts = declared(oldest=Sort(MessageRule.id), newest=Sort(MessageRule.id, descending=True))
    searched = (MessageRule.name,)
    filters = (
        OneOf(
            "event", "When", MessageRule.event, icon="bolt",
            words=tuple((event.value, said) for event, said in EVENTS.items()),
        ),
        Named(
            "state", "Status", icon="circle-dot",
            conditions=(
                ("active", "Active", lambda: MessageRule.paused_at.is_(None)),
                ("paused", "Paused", lambda: MessageRule.paused_at.is_not(None)),
            ),
        ),
        OneOf(
            "action", "What follows", MessageRule.action, icon="send",
            words=((RuleAction.MESSAGE.value, "Message"), (RuleAction.TASK.value, "Task")),
        ),
        of_vendor(MessageRule.vendor_id),
    )  # fmt: skip
    loads = tuple(
        joinedload(part)
        for part in (
            MessageRule.template, MessageRule.service, MessageRule.category, MessageRule.plan,
            MessageRule.assignee,
        )
    )  # fmt: skip
    details = (
        (
            "Rule",
            (
                Col("event", "When", value=said_event),
                Col("days", "Said", value=said_when),
                Col("action", "What follows", value=said_what),
                Col("conditions", "Only for", value=said_conditions),
                Col("version", "Version"),
            ),
        ),
    )
    fields = declared(
        event=Choice(
            "When", tuple((event.value, said) for event, said in EVENTS.items()), wanted=True
        ),
        name=Text("Name", longest=message_rules.LONGEST, hint="Empty: what happens"),
        days=Whole("Days", high=message_rules.FURTHEST_DAYS, hint="Before or after it"),
        minutes=Whole("Minutes", high=message_rules.FURTHEST_MINUTES),
        at=Clock("At", hint="The time of that day; empty: counted from the moment"),
        action=Choice(
            "What follows",
            ((RuleAction.MESSAGE.value, "A message"), (RuleAction.TASK.value, "A task")),
            wanted=True, default=RuleAction.MESSAGE,
        ),
        channel=Choice("By", WRITTEN, hint="Empty: the best that is known of the customer"),
        template=Pick("Template", TEMPLATES, hint="Empty: the words in use"),
        service=Pick("Service", ALL_SERVICES),
        category=Pick("Category", CATEGORIES, hint="With all below it"),
        plan=Pick("Membership plan", ALL_PLANS),
        came_by=Choice("Booked or bought by", Channel),
        task_title=Text("What is to be done", longest=300),
        task_kind=Choice("Kind", TaskKind),
        assignee=Pick("For", STAFF),
    )  # fmt: skip
    form_sections = (
        ("When", ("event", "name", "days", "minutes", "at")),
        ("What follows", ("action", "channel", "template")),
        ("Only for (empty: all)", ("service", "category", "plan", "came_by")),
        ("The task, if it is one", ("task_title", "task_kind", "assignee")),
    )
    stays = "What it has sent or planned stays. Pause it instead, to use it again later."
    commands = (
        Command(
            "pause", "Pause", _pause, lambda rule: rule.paused_at is None,
            "The rule is paused: nothing follows from it any more.", icon="player-pause",
        ),
        Command(
            "resume", "Go on", _resume, lambda rule: rule.paused_at is not None,
            "The rule is active again, from now on.", icon="player-play", primary=True,
        ),
    )  # fmt: skip
    empty = declared(
        icon="bell-cog", title="No rules yet",
        text="Say what customers hear of: a reminder the day before, a parcel that left, a"
        " birthday. Try it on a day before it counts.",
    )  # fmt: skip

    def status_of(self, record: Any) -> str | None:
        """Active or paused."""
        return _state(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """What has to happen stays what it is: another event is another rule."""
        fields = super().form_fields(record)
        if record is not None:
            fields.pop("event")
        return fields

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """What the form of a known rule shows."""
        shown = super().shown_values(session, record)
        return {**shown, "days": record.days or None, "minutes": record.minutes or None}

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The rule; without a name it is called as what happens."""
        if values["event"] is None:
            raise message_rules.NoSuchEvent
        name = values.pop("name") or EVENTS[MessageEvent(values["event"])]
        return message_rules.plan(session, name=name, **values)

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """The rule in all points but its event."""
        name = values.pop("name") or said_event(record)
        message_rules.edit(session, rule_id=record.id, name=name, **values)

    def delete_record(self, session: Session, record: Any) -> None:
        """See `message_rules.remove`."""
        message_rules.remove(session, rule_id=record.id)

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Who hears of it next; and, for a day that is asked for, who would hear of what."""
        asked, after = request.query_params.get("on", ""), request.query_params.get("after", "")
        try:
            tried, error = rule_trying.tried(session, record, asked, after), ""
        except DomainError as refusal:
            tried, error = None, str(refusal)
        return {
            "next_ones": rule_trying.coming(session, record),
            "tried": tried,
            "on": asked or rule_trying.tomorrow(session, record).isoformat(),
            "try_error": error,
            "try_url": f"/admin/message-rule/details/{record.id}",
            "may_try": self.has_permission(request, "try"),
            "is_task": record.action == RuleAction.TASK,
            "opens": current_actor().vendor_id is not None,
        }


VIEWS = [MessageRuleView]
