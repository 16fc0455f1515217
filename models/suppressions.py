"""Whom nobody writes to any more, and how often each person was written to with an offer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, OwnedByVendor, one_of
from models.customers import ConsentPurpose
from models.messages import MessageChannel


class SuppressionReason(StrEnum):
    """Why an address is left alone: the person says so, or its provider."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    BLOCKED = "blocked"


BY_THE_PERSON = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINED)
"""What somebody has decided, and can decide otherwise; it holds for one purpose."""


class Suppression(OwnedByVendor, Base):
    """An address that a vendor leaves alone, for one purpose or (empty) for all.

    Only the address's digest is kept, so that it holds on when its owner is forgotten: somebody
    who is taken in again with the same address is still left alone. It is lifted, never removed.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        one_of("channel", MessageChannel),
        one_of("purpose", ConsentPurpose),
        one_of("reason", SuppressionReason),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest_is_one"),
        CheckConstraint(
            "(reason IN ('unsubscribed', 'complained')) = (purpose IS NOT NULL)",
            name="people_speak_of_a_purpose",
        ),
        CheckConstraint(
            "purpose <> 'transactional'", name="what_has_to_be_known_is_told"
        ),
        Index(
            "uq_suppressions_in_force", "vendor_id", "channel", "digest", "reason", "purpose",
            unique=True, postgresql_nulls_not_distinct=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )  # fmt: skip

    channel: Mapped[str]
    digest: Mapped[str] = mapped_column(comment="SHA-256 of vendor, channel and address")
    purpose: Mapped[str | None]
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(comment="where it was said: link, sms, provider, panel")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    lifted_at: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    def __str__(self) -> str:
        return f"{self.channel}: {self.reason}"


class MarketingContact(Base):
    """One marketing message to one person, once for each thing the person is known by.

    It belongs to no vendor, and no acting role reads it: a function answers with a number.
    """

    __tablename__ = "marketing_contacts"
    __table_args__ = (
        Index(None, "identity", "made_at"),
        Index(None, "message_id"),
        Index(None, "made_at"),
    )

    message_id: Mapped[int]
    identity: Mapped[str] = mapped_column(comment="SHA-256 of a person, an e-mail or a phone")
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
