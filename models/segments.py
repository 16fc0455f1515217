"""Segments: customers by what holds for them, as a rule, and who is in it since when."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    CURRENT_VENDOR,
    Base,
    OwnedByVendor,
    Timestamped,
    not_negative,
    same_vendor,
)
from models.customers import Customer


class Segment(Timestamped, Base):
    """A rule for who is meant: a vendor's, or (without vendor) the marketplace's over all vendors.

    `version` counts the changes of the rule. Who was in it at `built_at` stands in the memberships
    that are open, `size` is how many; only `app.operations.segments` writes the three.
    """

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("vendor_id", "id"),
        Index(
            "uq_segments_vendor_id_name", "vendor_id", "name", unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("name <> ''", name="name_is_given"),
        *not_negative("size"),
        Index(None, "built_at"),
    )  # fmt: skip

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    name: Mapped[str]
    definition_json: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    built_version: Mapped[int] = mapped_column(default=0, server_default="0")
    built_at: Mapped[datetime | None]
    size: Mapped[int] = mapped_column(default=0, server_default="0")

    def __str__(self) -> str:
        return self.name


class SegmentMembership(OwnedByVendor, Base):
    """That a customer is in a segment since `entered_at`, or was until `exited_at`.

    Those of a segment that was removed go a little later; a trigger lets none be written for one.
    """

    __tablename__ = "segment_memberships"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        CheckConstraint("exited_at >= entered_at", name="exited_after_entering"),
        Index(None, "vendor_id", "customer_id"),
        Index(
            "uq_segment_memberships_open", "segment_id", "customer_id", unique=True,
            postgresql_where=text("exited_at IS NULL"),
        ),
        Index(None, "segment_id", "entered_at", "id"),
        Index(
            None, "segment_id", "exited_at", "id", postgresql_where=text("exited_at IS NOT NULL")
        ),
    )  # fmt: skip

    segment_id: Mapped[int] = mapped_column()
    customer_id: Mapped[int] = mapped_column()
    entered_at: Mapped[datetime]
    exited_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])


class SegmentDay(Base):
    """How many were in a segment at the end of a day, and how many came and went on it."""

    __tablename__ = "segment_days"
    __table_args__ = (
        UniqueConstraint("segment_id", "day"),
        *not_negative("size", "entered", "exited"),
        Index(None, "vendor_id"),
    )

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"))
    day: Mapped[date]
    size: Mapped[int]
    entered: Mapped[int] = mapped_column(default=0, server_default="0")
    exited: Mapped[int] = mapped_column(default=0, server_default="0")
