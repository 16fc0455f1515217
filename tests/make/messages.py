"""Messages, their words and rules, and who is left alone."""

from typing import Any

from sqlalchemy.orm import Session

from models.customers import Customer
from models.message_rules import MessageRule
from models.messages import Message, MessageTemplate, TemplateVersion
from models.provider_events import ProviderEvent
from models.suppressions import Suppression
from tests.make.customers import somebody
from tests.make.rows import NOON, number, of_vendor, saved


def message_rule(session: Session, **fields: Any) -> MessageRule:
    values = {"name": f"Rule {number()}", "event": "booking_reminder", "minutes": 120}
    return saved(session, MessageRule(**values | fields))


def message_template(
    session: Session, *, subject: str | None = "News", body: str = "Hello", **fields: Any
) -> MessageTemplate:
    """A template with its first version."""
    values = {"name": f"Template {number()}", "channel": "email", "purpose": "transactional"}
    made = saved(session, MessageTemplate(**values | fields))
    template_version(session, template=made, number=1, subject=subject, body=body)
    return made


def template_version(
    session: Session, *, template: MessageTemplate, **fields: Any
) -> TemplateVersion:
    values = {"number": template.version, "body": "Hello"} | of_vendor(fields, template)
    return saved(session, TemplateVersion(template_id=template.id, **values))


def message(session: Session, *, customer: Customer | None = None, **fields: Any) -> Message:
    customer = customer or somebody(session, fields)
    values = {"channel": "email", "purpose": "transactional", "send_at": NOON} | of_vendor(
        fields, customer
    )
    return saved(session, Message(customer_id=customer.id, **values))


def suppression(session: Session, **fields: Any) -> Suppression:
    values = {"channel": "email", "digest": f"{number():064x}", "reason": "bounced",
              "source": "provider"}  # fmt: skip
    return saved(session, Suppression(**values | fields))


def provider_event(session: Session, **fields: Any) -> ProviderEvent:
    values: dict[str, Any] = {"provider": "relay", "event_ref": f"event-{number()}",
                              "kind": "delivered", "body": {}}  # fmt: skip
    return saved(session, ProviderEvent(**values | fields))
