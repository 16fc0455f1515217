"""Classes: one occurrence of a service of kind class, with places."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.services import Service
from models.staff import StaffMember


class SessionStatus(StrEnum):
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


SESSION_TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.SCHEDULED: frozenset({SessionStatus.COMPLETED, SessionStatus.CANCELLED}),
    SessionStatus.COMPLETED: frozenset(),
    SessionStatus.CANCELLED: frozenset(),
}


def _no_overlap(range_column: str) -> ExcludeConstraint:
    """Who leads a class is in one place at a time; see `models.bookings`."""
    return ExcludeConstraint(
        (func.int8range(text("staff_id"), text("staff_id"), text("'[]'")), "&&"),
        (text(range_column), "&&"),
        where=text("status = 'scheduled' AND staff_id IS NOT NULL"),
        using="gist",
        name=f"ex_class_sessions_staff_{range_column}",
    )


class ClassSession(OwnedByVendor, Timestamped, Base):
    """A class at a time, with `seats` places, of which `taken` are booked.

    A trigger counts `taken` by the bookings that stand; it never exceeds `seats`. A class and a
    booking of the same member of staff do not overlap: triggers of both tables see to it.
    `sequence` counts the changes that a calendar must hear of.
    """

    __tablename__ = "class_sessions"
    __table_args__ = (
        same_vendor("service_id", "services"),
        same_vendor("staff_id", "staff_members"),
        one_of("status", SessionStatus),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint(
            "upper(with_buffer_after) - lower(with_buffer_before) <= interval '3 days'",
            name="lasts_three_days_at_most",
        ),
        CheckConstraint("seats > 0", name="seats_is_positive"),
        CheckConstraint("taken BETWEEN 0 AND seats", name="taken_fits_the_seats"),
        _no_overlap("with_buffer_before"),
        _no_overlap("with_buffer_after"),
        Index(None, "vendor_id", "starts_at"),
        Index(None, "vendor_id", "service_id", "starts_at"),
        Index(None, "vendor_id", "staff_id", "starts_at"),
    )

    service_id: Mapped[int] = mapped_column()
    staff_id: Mapped[int | None] = mapped_column()
    status: Mapped[str] = mapped_column(default=SessionStatus.SCHEDULED, server_default="scheduled")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    with_buffer_before: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    with_buffer_after: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    seats: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None]

    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])

    def __str__(self) -> str:
        return f"{self.service}, {self.starts_at:%d %b %Y %H:%M}"
