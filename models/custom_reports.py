"""Custom reports: measures and dimensions somebody put together, under a name."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_VENDOR, Base, Timestamped, one_of


class SharedWith(StrEnum):
    """Who has it beside the one who made it: nobody, managers and admins, or analysts as well."""

    NOBODY = "nobody"
    MANAGERS = "managers"
    ANALYSTS = "analysts"


class SentEvery(StrEnum):
    """How often its figures are mailed: on Mondays, on the first of a month, or every morning."""

    NEVER = "never"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class CustomReport(Timestamped, Base):
    """A report of one's own: a vendor's, or (without vendor) the marketplace's.

    `definition_json` says source, measures, dimensions, chart, days and filters, in the words of
    `reports.custom`. Its figures are next mailed at `next_send_at`, to everybody who has it, for
    as long as the one who made it could open it.
    """

    __tablename__ = "custom_reports"
    __table_args__ = (
        Index(
            "uq_custom_reports_vendor_id_name", "vendor_id", "name", unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("name <> ''", name="name_is_given"),
        one_of("shared_with", SharedWith),
        one_of("sent_every", SentEvery),
        CheckConstraint(
            "(sent_every = 'never') = (next_send_at IS NULL)", name="next_when_it_is_sent"
        ),
        Index(None, "user_id"),
        Index(None, "next_send_at", postgresql_where=text("next_send_at IS NOT NULL")),
    )  # fmt: skip

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    definition_json: Mapped[dict[str, Any]]
    shared_with: Mapped[str] = mapped_column(default=SharedWith.NOBODY, server_default="nobody")
    sent_every: Mapped[str] = mapped_column(default=SentEvery.NEVER, server_default="never")
    next_send_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return self.name
