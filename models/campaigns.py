"""Campaigns: a message to all in a segment, once or again and again, and what became of it."""

from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    Base,
    Belonging,
    OwnedByVendor,
    Timestamped,
    not_negative,
    one_of,
    same_vendor,
)
from models.messages import MessageTemplate
from models.segments import Segment


class Rhythm(StrEnum):
    """How often a campaign goes out."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    FOUR_WEEKS = "four_weeks"


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    DONE = "done"
    STOPPED = "stopped"


class RunStatus(StrEnum):
    CHECKING = "checking"
    CHECKED = "checked"
    SENDING = "sending"
    DONE = "done"
    DROPPED = "dropped"


class RowOutcome(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    LEFT_OUT = "left_out"
    SENT = "sent"
    SUPPRESSED = "suppressed"


class Campaign(OwnedByVendor, Timestamped, Base):
    """What is told to whom, how often; `again`: to the same customers each time, else once each.

    One that goes out again and again does so from `next_at` on, at the hour `goes_at` on the
    vendor's wall. While it cannot, `held_back` says why, and `told_at` when that was last told.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        same_vendor("segment_id", "segments"),
        same_vendor("template_id", "message_templates"),
        one_of("rhythm", Rhythm),
        one_of("status", CampaignStatus),
        CheckConstraint("name <> ''", name="name_is_given"),
        CheckConstraint(
            "next_at IS NULL OR (status = 'active' AND rhythm <> 'once')",
            name="next_is_of_an_active_one",
        ),
        CheckConstraint("next_at IS NULL OR goes_at IS NOT NULL", name="hour_of_the_next_is_given"),
        CheckConstraint(
            "num_nulls(held_back, told_at) IN (0, 2)", name="what_held_it_back_was_told"
        ),
        Index(None, "vendor_id", "segment_id"),
        Index(None, "vendor_id", "template_id"),
        Index(None, "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    name: Mapped[str]
    segment_id: Mapped[int] = mapped_column()
    template_id: Mapped[int] = mapped_column()
    rhythm: Mapped[str] = mapped_column(default=Rhythm.ONCE, server_default="once")
    again: Mapped[bool] = mapped_column(default=False, server_default="false")
    status: Mapped[str] = mapped_column(default=CampaignStatus.DRAFT, server_default="draft")
    next_at: Mapped[datetime | None]
    goes_at: Mapped[time | None]
    held_back: Mapped[str | None]
    told_at: Mapped[datetime | None]

    segment: Mapped[Segment] = relationship(foreign_keys=[segment_id])
    template: Mapped[MessageTemplate] = relationship(foreign_keys=[template_id])

    def __str__(self) -> str:
        return self.name


class CampaignRun(OwnedByVendor, Timestamped, Base):
    """One time a campaign is looked at, or goes out, to those who were in the segment then."""

    __tablename__ = "campaign_runs"
    __table_args__ = (
        same_vendor("campaign_id", "campaigns", ondelete="CASCADE"),
        one_of("status", RunStatus),
        *not_negative("meant", "ready", "left_out", "sent", "suppressed"),
        CheckConstraint("ready + left_out <= meant", name="looked_at_were_meant"),
        Index(None, "vendor_id", "campaign_id", "id"),
    )

    campaign_id: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=RunStatus.CHECKING, server_default="checking")
    meant: Mapped[int] = mapped_column(default=0, server_default="0")
    ready: Mapped[int] = mapped_column(default=0, server_default="0")
    left_out: Mapped[int] = mapped_column(default=0, server_default="0")
    sent: Mapped[int] = mapped_column(default=0, server_default="0")
    suppressed: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship(foreign_keys=[campaign_id])

    def __str__(self) -> str:
        return f"{self.sent:,} sent"

    @property
    def to_handle(self) -> int:
        """How many customers are looked at, or written to, before it is over."""
        return self.ready if self.status == RunStatus.SENDING else self.meant

    @property
    def handled(self) -> int:
        """How many of them that was done with."""
        if self.status == RunStatus.SENDING:
            return self.sent + self.suppressed
        return self.ready + self.left_out


class CampaignRow(Belonging, Base):
    """A customer who was meant by a run, and what became of it; `reason` says why not."""

    __tablename__ = "campaign_rows"
    __table_args__ = (
        same_vendor("run_id", "campaign_runs", ondelete="CASCADE"),
        same_vendor("customer_id", "customers"),
        one_of("outcome", RowOutcome),
        UniqueConstraint("vendor_id", "run_id", "customer_id"),
        Index(None, "vendor_id", "run_id", "outcome", "id"),
        Index(None, "vendor_id", "customer_id"),
    )

    run_id: Mapped[int] = mapped_column()
    customer_id: Mapped[int] = mapped_column()
    outcome: Mapped[str] = mapped_column(default=RowOutcome.WAITING, server_default="waiting")
    reason: Mapped[str | None]
