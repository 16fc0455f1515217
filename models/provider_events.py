"""What providers of mail, SMS and push tell unasked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class ProviderEventKind(StrEnum):
    """What became of a message, or that somebody has written to us."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    COMPLAINED = "complained"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Heard:
    """A call-back, read: of our message `about` (its key, or what the provider calls it), or, as a
    reply, `text` from `address` by `channel`.
    """

    event_ref: str
    kind: ProviderEventKind
    at: datetime
    about: str | None = None
    channel: str | None = None
    address: str | None = None
    text: str | None = None


class ProviderEvent(Base):
    """What a provider told, as it came; applied once, whenever its turn comes.

    Whose it is, is found out when it is applied: providers serve all vendors. Words and address of
    a reply are taken out of `body` once they stand in the conversation they belong to.
    """

    __tablename__ = "provider_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_ref"),
        one_of("kind", ProviderEventKind),
        Index(None, "received_at"),
    )

    provider: Mapped[str]
    event_ref: Mapped[str]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
