"""Messages: what customers are told and what they answer, and the templates it is written by."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.bookings import Booking
from models.customers import ConsentPurpose, Customer
from models.memberships import Membership
from models.orders import Order
from models.packages import PackageHolding
from models.tasks import Task


class MessageChannel(StrEnum):
    """How somebody is told. In the app: the panel shows it, and staff tell it in person."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"
    PHONE = "phone"
    LETTER = "letter"


CARRIED = (MessageChannel.EMAIL, MessageChannel.SMS, MessageChannel.PUSH)
"""Channels by which a provider brings messages; the others are told by people."""


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


class MessageStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


MESSAGE_TRANSITIONS: dict[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.QUEUED: frozenset(
        {MessageStatus.SENDING, MessageStatus.FAILED, MessageStatus.SUPPRESSED}
    ),
    MessageStatus.SENDING: frozenset(
        {
            MessageStatus.QUEUED,
            MessageStatus.SENT,
            MessageStatus.DELIVERED,
            MessageStatus.FAILED,
            MessageStatus.SUPPRESSED,
        }
    ),
    MessageStatus.SENT: frozenset({MessageStatus.DELIVERED, MessageStatus.FAILED}),
    MessageStatus.DELIVERED: frozenset(),
    MessageStatus.FAILED: frozenset({MessageStatus.QUEUED, MessageStatus.DELIVERED}),
    MessageStatus.SUPPRESSED: frozenset({MessageStatus.QUEUED}),
}
"""Every move a message can make. What failed or was held back may be tried again by hand; a
provider may say late that what it had given up arrived after all."""


class MessageEvent(StrEnum):
    """What has happened, or is going to, of which a customer hears."""

    BOOKING_CONFIRMED = "booking_confirmed"
    BOOKING_MOVED = "booking_moved"
    BOOKING_CANCELLED = "booking_cancelled"
    BOOKING_OFFERED = "booking_offered"
    BOOKING_REMINDER = "booking_reminder"
    BOOKING_COMPLETED = "booking_completed"
    BOOKING_NO_SHOW = "booking_no_show"
    ORDER_PLACED = "order_placed"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    ORDER_REFUNDED = "order_refunded"
    MEMBERSHIP_RENEWING = "membership_renewing"
    MEMBERSHIP_RENEWED = "membership_renewed"
    MEMBERSHIP_FAILED = "membership_failed"
    MEMBERSHIP_EXPIRING = "membership_expiring"
    MEMBERSHIP_ENDED = "membership_ended"
    PACKAGE_LOW = "package_low"
    PACKAGE_EXPIRING = "package_expiring"
    POINTS_EXPIRING = "points_expiring"
    REPLENISHMENT_DUE = "replenishment_due"
    VISIT_DUE = "visit_due"
    BIRTHDAY = "birthday"
    WIN_BACK = "win_back"
    TASK_DONE = "task_done"


_REMINDERS = frozenset(
    {
        MessageEvent.BOOKING_REMINDER, MessageEvent.MEMBERSHIP_RENEWING,
        MessageEvent.MEMBERSHIP_EXPIRING, MessageEvent.PACKAGE_LOW, MessageEvent.PACKAGE_EXPIRING,
        MessageEvent.POINTS_EXPIRING,
    }
)  # fmt: skip
_MARKETING = frozenset(
    {
        MessageEvent.REPLENISHMENT_DUE, MessageEvent.VISIT_DUE, MessageEvent.BIRTHDAY,
        MessageEvent.WIN_BACK, MessageEvent.TASK_DONE,
    }
)  # fmt: skip


def purpose_of(event: MessageEvent) -> ConsentPurpose:
    """The purpose for which an event is told: it hangs on the event, nobody chooses around it."""
    if event in _MARKETING:
        return ConsentPurpose.MARKETING
    return ConsentPurpose.REMINDER if event in _REMINDERS else ConsentPurpose.TRANSACTIONAL


class MessageTemplate(OwnedByVendor, Timestamped, Base):
    """A vendor's own words for an event by a channel, or for writing by hand (no event).

    What it says stands in its versions, of which `version` is the number of the newest. An event
    has one active template a channel; where it has none, the house's own words are used.
    """

    __tablename__ = "message_templates"
    __table_args__ = (
        one_of("channel", MessageChannel),
        one_of("purpose", ConsentPurpose),
        CheckConstraint("version > 0", name="version_is_positive"),
        Index(
            "uq_message_templates_vendor_id_event_channel", "vendor_id", "event", "channel",
            unique=True, postgresql_where=text("is_active AND event IS NOT NULL"),
        ),
        Index(None, "vendor_id", "name"),
    )  # fmt: skip

    name: Mapped[str]
    event: Mapped[str | None]
    channel: Mapped[str]
    purpose: Mapped[str]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    versions: Mapped[list["TemplateVersion"]] = relationship(
        back_populates="template",
        foreign_keys="TemplateVersion.template_id",
        order_by="TemplateVersion.number.desc()",
        viewonly=True,
    )

    def __str__(self) -> str:
        return self.name


class TemplateVersion(OwnedByVendor, Base):
    """What a template said once: it never changes, a new wording is a new version."""

    __tablename__ = "template_versions"
    __table_args__ = (
        same_vendor("template_id", "message_templates"),
        UniqueConstraint("vendor_id", "template_id", "number"),
        CheckConstraint("number > 0", name="number_is_positive"),
        Index(None, "user_id"),
    )

    template_id: Mapped[int] = mapped_column()
    number: Mapped[int]
    subject: Mapped[str | None]
    body: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    template: Mapped[MessageTemplate] = relationship(
        foreign_keys=[template_id], back_populates="versions"
    )

    def __str__(self) -> str:
        return f"{self.template.name}, version {self.number}"


_REFERS = ("template_id", "template_version_id", "booking_id", "order_id", "membership_id",
           "holding_id", "task_id")  # fmt: skip


class Message(OwnedByVendor, Timestamped, Base):
    """Something said to a customer, or by one.

    Subject, body and address are the copy of what was sent, as it was sent; until then they are
    empty, unless somebody wrote it by hand. It is to be sent from `send_at` on and no more from
    `useless_at` on. The same `key` is one message. `sequence` is the booking's when it was
    composed: of one that has changed since, nothing old is told. `error` says in one sentence why
    it failed or was held back, `reason` the same for programs. `deaths` counts the workers that
    died on it: only then may it have gone out twice, under one Message-ID.
    """

    __tablename__ = "messages"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("template_id", "message_templates"),
        same_vendor("template_version_id", "template_versions"),
        same_vendor("booking_id", "bookings"),
        same_vendor("order_id", "orders"),
        same_vendor("membership_id", "memberships"),
        same_vendor("holding_id", "package_holdings"),
        same_vendor("task_id", "tasks"),
        one_of("direction", Direction),
        one_of("channel", MessageChannel),
        one_of("purpose", ConsentPurpose),
        one_of("status", MessageStatus),
        CheckConstraint("useless_at > send_at", name="useless_after_it_is_sent"),
        *not_negative("tries", "deaths"),
        Index(
            "uq_messages_vendor_id_key", "vendor_id", "key", unique=True,
            postgresql_where=text("key IS NOT NULL"),
        ),
        Index(
            "ix_messages_of_customers", "vendor_id", "customer_id",
            text("coalesce(sent_at, failed_at, send_at)"), "id",
        ),
        Index(None, "vendor_id", "status", "id"),
        Index(None, "status", "id"),
        Index(None, "vendor_id", "event", "id"),
        Index(
            "ix_messages_other_channels", "vendor_id", "channel", "id",
            postgresql_where=text("channel <> 'email'"),
        ),
        Index(
            "ix_messages_other_purposes", "vendor_id", "purpose", "id",
            postgresql_where=text("purpose <> 'transactional'"),
        ),
        Index(
            "ix_messages_answers", "vendor_id", "id", postgresql_where=text("direction = 'in'")
        ),
        Index(None, "vendor_id", "created_at", "id"),
        Index(None, "vendor_id", "send_at"),
        Index(None, "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
        *(
            Index(None, "vendor_id", column, postgresql_where=text(f"{column} IS NOT NULL"))
            for column in _REFERS
        ),
    )  # fmt: skip

    customer_id: Mapped[int | None] = mapped_column()
    direction: Mapped[str] = mapped_column(default=Direction.OUT, server_default="out")
    channel: Mapped[str]
    purpose: Mapped[str]
    event: Mapped[str | None] = mapped_column(comment="a MessageEvent; empty: written by hand")
    status: Mapped[str] = mapped_column(default=MessageStatus.QUEUED, server_default="queued")
    address: Mapped[str | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    template_id: Mapped[int | None] = mapped_column()
    template_version_id: Mapped[int | None] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    order_id: Mapped[int | None] = mapped_column()
    membership_id: Mapped[int | None] = mapped_column()
    holding_id: Mapped[int | None] = mapped_column()
    task_id: Mapped[int | None] = mapped_column()
    sequence: Mapped[int | None]
    words: Mapped[dict[str, Any] | None] = mapped_column(comment="merge fields that only it knows")
    send_at: Mapped[datetime] = mapped_column(server_default=func.now())
    useless_at: Mapped[datetime | None]
    key: Mapped[str | None]
    delivery_id: Mapped[int | None] = mapped_column(comment="the outbox's promise to bring it")
    provider: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(comment="what the provider calls it")
    reason: Mapped[str | None]
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    deaths: Mapped[int] = mapped_column(default=0, server_default="0")
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    template: Mapped[MessageTemplate | None] = relationship(foreign_keys=[template_id])
    template_version: Mapped[TemplateVersion | None] = relationship(
        foreign_keys=[template_version_id]
    )
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])
    order: Mapped[Order | None] = relationship(foreign_keys=[order_id])
    membership: Mapped[Membership | None] = relationship(foreign_keys=[membership_id])
    holding: Mapped[PackageHolding | None] = relationship(foreign_keys=[holding_id])
    task: Mapped[Task | None] = relationship(foreign_keys=[task_id])

    def __str__(self) -> str:
        return self.subject or (self.event or "message").replace("_", " ").capitalize()
