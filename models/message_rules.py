"""Rules of what customers hear of, and when: what happens, and what is sent or to be done then."""

from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.categories import Category
from models.memberships import MembershipPlan
from models.messages import MessageEvent as Event
from models.messages import MessageTemplate
from models.services import Service
from models.staff import StaffMember
from models.tasks import TaskKind
from models.words import Channel

BEFORE = frozenset(
    {
        Event.BOOKING_REMINDER, Event.MEMBERSHIP_RENEWING, Event.MEMBERSHIP_EXPIRING,
        Event.PACKAGE_EXPIRING, Event.POINTS_EXPIRING, Event.REPLENISHMENT_DUE, Event.VISIT_DUE,
        Event.BIRTHDAY,
    }
)  # fmt: skip
"""What is told so long before it is; of all others so long after."""

BY_TIME = BEFORE | {Event.WIN_BACK}
"""What no operation does: it is found when its time has come."""

BY_DAY = frozenset(
    {Event.REPLENISHMENT_DUE, Event.VISIT_DUE, Event.BIRTHDAY, Event.WIN_BACK}
)  # fmt: skip
"""What falls on a day and on no time of it: a rule says at what time it is told."""


class RuleAction(StrEnum):
    MESSAGE = "message"
    TASK = "task"


class RuleChannel(StrEnum):
    """By what a message goes; none: the best that is known of the customer."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"


class MessageRule(OwnedByVendor, Timestamped, Base):
    """When this happens, send that message, or plan that task: `days` and `minutes` away from it.

    Days are days of the vendor's calendar; with `at` it is at that time of the vendor's wall.
    Conditions that are empty hold always. `version` counts the edits. What falls due by time is
    done up to `scanned_until`; only `app.operations.falling_due` moves that.
    """

    __tablename__ = "message_rules"
    __table_args__ = (
        same_vendor("service_id", "services"),
        same_vendor("plan_id", "membership_plans"),
        same_vendor("assignee_id", "staff_members"),
        same_vendor("template_id", "message_templates"),
        one_of("event", Event),
        one_of("action", RuleAction),
        one_of("channel", RuleChannel),
        one_of("came_by", Channel),
        one_of("task_kind", TaskKind),
        *not_negative("days", "minutes"),
        CheckConstraint("days <= 3650 AND minutes <= 14400", name="is_within_reach"),
        CheckConstraint(
            "(action = 'task') = (task_title IS NOT NULL AND task_kind IS NOT NULL)",
            name="task_is_said",
        ),
        CheckConstraint("at IS NULL OR minutes = 0", name="at_needs_no_minutes"),
        Index(None, "vendor_id", "event"),
        Index(None, "vendor_id", "service_id", postgresql_where=text("service_id IS NOT NULL")),
        Index(None, "vendor_id", "plan_id", postgresql_where=text("plan_id IS NOT NULL")),
        Index(None, "vendor_id", "assignee_id", postgresql_where=text("assignee_id IS NOT NULL")),
        Index(None, "vendor_id", "template_id", postgresql_where=text("template_id IS NOT NULL")),
        Index(None, "category_id", postgresql_where=text("category_id IS NOT NULL")),
    )

    name: Mapped[str]
    event: Mapped[str]
    action: Mapped[str] = mapped_column(default=RuleAction.MESSAGE, server_default="message")
    channel: Mapped[str | None]
    template_id: Mapped[int | None] = mapped_column(comment="empty: the words in force")
    days: Mapped[int] = mapped_column(default=0, server_default="0")
    minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    at: Mapped[time | None]
    service_id: Mapped[int | None] = mapped_column()
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    plan_id: Mapped[int | None] = mapped_column()
    came_by: Mapped[str | None] = mapped_column(comment="the channel it was booked or bought by")
    task_kind: Mapped[str | None]
    task_title: Mapped[str | None]
    assignee_id: Mapped[int | None] = mapped_column()
    paused_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    scanned_until: Mapped[datetime] = mapped_column(server_default=func.now())

    template: Mapped[MessageTemplate | None] = relationship(foreign_keys=[template_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    category: Mapped[Category | None] = relationship()
    plan: Mapped[MembershipPlan | None] = relationship(foreign_keys=[plan_id])
    assignee: Mapped[StaffMember | None] = relationship(foreign_keys=[assignee_id])

    def __str__(self) -> str:
        return self.name
